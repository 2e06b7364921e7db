"""Runs small enough for a test: real digits cut to 8 x 8 pixels, networks of four channels.

Every recipe takes a few steps of a few milliseconds, and between them they use every family of
networks, every objective, both optimisers and every source of randomness.
"""

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from lsgan_lib.data import ImageSet, digits, make_set, ring, write_set
from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.losses.objectives import (
    CrossEntropy,
    LeastSquares,
    LossSensitive,
    Penalty,
    Wasserstein,
)
from lsgan_lib.networks import (
    DCGANNetworks,
    LeastSquaresNetworks,
    LossSensitiveNetworks,
    MLPNetworks,
)
from lsgan_lib.training import Recipe

THIN = 1e-3  # a width at which every layer has the four channels that are the least

NETWORKS = LeastSquaresNetworks(size=8, z_dim=3, width=THIN)

RECIPE = Recipe(
    networks=NETWORKS,
    data="digits",
    images=8 * 12,
    batch_size=8,
    average_half_life=20,
    tick=16,
    samples_every=32,
    state_every=24,
    sample_count=4,
    seed=3,
)
"""Twelve steps, a row of the log every second, a state every third; all of it within one epoch."""

RECIPES: dict[str, Recipe] = {
    "least squares": RECIPE,
    "least squares, dropout": replace(RECIPE, networks=replace(NETWORKS, dropout=0.5)),
    "loss-sensitive, slope penalty": replace(
        RECIPE,
        networks=LossSensitiveNetworks(size=8, channels=1, z_dim=3, width=THIN),
        objective=LossSensitive(margin_scale=0.01),
        noise="normal",
        flip=True,
    ),
    "wasserstein, interpolates": replace(
        RECIPE,
        networks=replace(NETWORKS, critic_norm=False),
        objective=Wasserstein(penalty=Penalty(kind="interpolates")),
        critic_steps=2,
    ),
    "wasserstein, clipped": replace(
        RECIPE,
        networks=replace(NETWORKS, critic_norm=False),
        objective=Wasserstein(penalty=None),
        optimiser="rmsprop",
        clip_weights=0.02,
        generator_steps=2,
    ),
    "cross-entropy, DCGAN": replace(
        RECIPE,
        networks=DCGANNetworks(size=8, z_dim=3, width=THIN, dropout=0.25),
        objective=CrossEntropy(penalty=Penalty(kind="dragan")),
        lr_drop_every=40,
    ),
    "points": replace(
        RECIPE,
        networks=MLPNetworks(z_dim=3, hidden=8),
        objective=LeastSquares(a=-1.0, b=1.0, c=0.0),
        data="ring",
    ),
}


@cache
def small_digits() -> ImageSet:
    """The middle 8 x 8 pixels of fifty digits: their epochs end within a batch of eight."""
    offline = digits().first(50)
    return make_set(offline.images[:, :, 10:18, 10:18].clone(), name="small digits")


def data_of(recipe: Recipe) -> ImageSet | Mixture:
    return ring() if recipe.data == "ring" else small_digits()


def small_digits_in(folder: Path) -> Path:
    """The same as a packed set, for the command line."""
    write_set(folder, small_digits())
    return folder


def same(a: Any, b: Any) -> bool:
    """Whether two nested states are equal bit for bit, speeds aside."""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    if isinstance(a, dict):
        a, b = ({k: v for k, v in d.items() if k != "images_per_second"} for d in (a, b))
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def content(run: Path) -> dict[str, Any]:
    """All that a run directory holds, in a form that `same` compares.

    Times and speeds aside, and the states besides the newest: an interrupted run saves more often.
    """
    with open(run / "log.csv", newline="") as file:
        log = list(csv.DictReader(file))
    files = {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.suffix != ".pt" and path.name not in ("log.csv", "run.json")
    }
    return {"state": torch.load(run / "state.pt", weights_only=True), "log": log, **files}
