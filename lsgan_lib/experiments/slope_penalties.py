"""What holds a loss-sensitive critic's slope: penalties, weights and powers, and what dies of them.

    python -m lsgan_lib.experiments.slope_penalties

One seed implementation takes the norm of the critic's gradient over channels only, which makes its
weight of 10 at least sqrt(H W) times weaker than it reads. Here that form and the per-sample norm
are run over a range of weights and both powers, beside other ways to bound a slope, the seed's form
with both of its mistakes, and two variants of the critic: a last ReLU, and BatchNorm. Networks are
the seed's at a quarter of the channels, data are drawn faces of 32 x 32 pixels. Chapter 08 reads
the table.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from data_prep.avatars import Avatars
from lsgan_lib.data import make_set, to_float, to_uint8
from lsgan_lib.data.image_set import ImageSet
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.filling import Key, Outcome, fill
from lsgan_lib.experiments.tables import command_of, table_path
from lsgan_lib.experiments.to_the_end import last_and_average, train_to_the_end
from lsgan_lib.losses import loss_sensitive, penalties
from lsgan_lib.losses.objectives import LossSensitive, Penalty
from lsgan_lib.networks import LossSensitiveNetworks
from lsgan_lib.training import Recipe
from lsgan_lib.training.distance import sliced_wasserstein, spread
from lsgan_lib.training.precision import Precision
from lsgan_lib.training.where import machine

NAME = "slope_penalties"
_OUT = table_path(NAME)
SIZE = 32
"""Height and width of the faces, pixels."""


@dataclass(frozen=True)
class Cell:
    """In what the runs of the table differ."""

    objective: LossSensitive
    """margins and the penalty on the critic's slope"""
    final_relu: bool = False
    """the critic ends in a ReLU"""
    critic_norm: bool = False
    """BatchNorm in the critic"""
    clip_weights: float | None = None
    """the critic's weights are clamped to plus or minus this"""
    weight_decay: float = 0.0
    """L2 weight decay of the critic"""


DEFAULT = 10 / SIZE
"""The seed's weight of 10, divided by the sqrt(H W) that its norm over channels takes away."""
MARGIN_SCALE = 2e-4 * 4
"""The seed's, times four: these faces have a quarter of its 64 x 64 x 3 numbers."""
L2_SCALE = 0.033
"""Gives L2 margins the mean of the L1 margins between two of these faces."""


def _with(penalty: Penalty | None, **margins: Any) -> LossSensitive:
    return LossSensitive(**{"margin_scale": MARGIN_SCALE, "penalty": penalty} | margins)


def cells() -> dict[str, Cell]:
    """Every cell of the table by its name."""
    default = Penalty(weight=DEFAULT)
    made = {"no penalty": Cell(_with(None))}
    for weight in (0.1, DEFAULT, 1.0, 3.0, 10.0, 30.0):
        made[f"sample, power 1, {weight:g}"] = Cell(_with(Penalty(weight=weight)))
    for weight in (1.0, 10.0, 100.0, 1_000.0):
        made[f"sample, power 2, {weight:g}"] = Cell(_with(Penalty(weight=weight, power=2)))
    for weight in (10.0, 100.0, 10.0 * SIZE):
        penalty = Penalty(weight=weight, reduce="pixel")
        made[f"pixel, power 1, {weight:g}"] = Cell(_with(penalty))
    made["pixel, power 2, 10"] = Cell(_with(Penalty(weight=10.0, power=2, reduce="pixel")))
    made["as published"] = Cell(_with(Penalty(weight=10.0, reduce="pixel"), pairing="all"))
    # Other ways to hold a slope, with the settings of those who proposed or used them.
    made["weight decay 5e-05"] = Cell(_with(None), weight_decay=5e-5)
    made["weights clipped to 0.08"] = Cell(_with(None), clip_weights=0.08)
    made["interpolates, target 1, 10"] = Cell(_with(Penalty(kind="interpolates", weight=10.0)))
    for target in (0.0, 1.0):
        penalty = Penalty(kind="two_point", weight=10.0, target=target)
        made[f"two points, target {target:g}, 10"] = Cell(_with(penalty))
    made["finite difference, 10"] = Cell(_with(Penalty(kind="finite_difference", weight=10.0)))
    # Other margins and critics, under the penalty that is the library's default at this size.
    made["margin of the mean, 2e-4"] = Cell(
        _with(default, margin_scale=2e-4, margin_reduce="pixel")
    )
    made["margin L2"] = Cell(_with(default, norm="l2", margin_scale=L2_SCALE))
    made["last ReLU"] = Cell(_with(default), final_relu=True)
    made["last ReLU, no penalty"] = Cell(_with(None), final_relu=True)
    made["BatchNorm"] = Cell(_with(default), critic_norm=True)
    made["BatchNorm, weight 10"] = Cell(_with(Penalty(weight=10.0)), critic_norm=True)
    made["BatchNorm, no penalty"] = Cell(_with(None), critic_norm=True)
    return made


@dataclass(frozen=True)
class Settings:
    """What all runs of the table share; recorded with it."""

    images: int = 9_600
    """shown in each run: 300 steps"""
    batch_size: int = 32
    """the seed's is 64"""
    critic_lr: float = 1e-3
    """the seed's 2e-4 needs more steps than a CPU can spare"""
    generator_lr: float = 5e-4
    """half of the critic's: at the critic's rate or above the generator outruns it"""
    width: float = 0.25
    """share of the seed's channels"""
    z_dim: int = 100
    """as the seed's"""
    faces: int = 2_000
    """that are shown"""
    held_back: int = 500
    """never shown, by which samples are judged"""
    ticks: int = 15
    """rows that a run keeps of its course"""
    seeds: int = 3
    """runs of each cell"""
    precision: Precision = "bf16"
    """what the networks compute in"""


@dataclass(frozen=True)
class Rule:
    """When a run counts as failed; written down before the runs were made, kept in the table."""

    reach: float = 0.2
    """flat: the critic's slope, kept up all the way from a real image to a generated one, gains
    less than this share of the margin between them,"""
    spread: float = 0.5
    """collapsed: samples vary less than this share of the held-back faces' spread,"""
    detail: float = 0.5
    """no faces: the map of the samples' fine detail correlates less than this with the faces' """


def verdict(row: dict[str, Any], rule: Rule = Rule()) -> str:
    """One word for a row of the table: not finite, flat, collapsed, no faces, or faces."""
    if not row["finite"]:
        return "not finite"
    if row["reach"] < rule.reach:
        return "flat"
    if row["average"]["spread"] < rule.spread:
        return "collapsed"
    return "no faces" if row["average"]["detail"] < rule.detail else "faces"


def judged(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The table's rows, each with its "verdict"."""
    rule = Rule(**table["rule"])
    return [{**row, "verdict": verdict(row, rule)} for row in table["runs"]]


def drawn_faces(count: int) -> ImageSet:
    """Avatars of 32 x 32 pixels, drawn in memory."""
    job = Avatars(count, SIZE).job()
    pixels = np.stack([job.make(item).pixels for item in job.items])
    return make_set(torch.from_numpy(pixels), name=job.name, **job.facts)


def detail_map(images: Tensor) -> Tensor:
    """Where the fine detail of a set is: mean distance of each pixel from the mean around it.

    images: float (N, C, H, W). Returns (H, W): |x - mean of the 5 x 5 pixels around x|, over images
    and channels. Faces that are laid on one another have it at eyes and mouth.
    """
    smooth = avg_pool2d(pad(images, (2, 2, 2, 2), mode="reflect"), 5, 1)
    return (images - smooth).abs().mean(dim=(0, 1))


def measures(samples: Tensor, held: Tensor) -> dict[str, float]:
    """How samples compare with held-back images; float (N, C, H, W) in [-1, 1], as many of each.

    distance    sliced Wasserstein distance; it does not see blur
    spread      of the samples, as a share of the held images'
    detail      correlation of the two detail maps, over the pixels
    means       Euclidean distance between the mean sample and the mean held image
    """
    maps = torch.stack([detail_map(images).flatten() for images in (samples, held)])
    return {
        "distance": sliced_wasserstein(samples, held),
        "spread": spread(samples) / spread(held),
        "detail": torch.corrcoef(maps)[0, 1].nan_to_num(0.0).item(),
        "means": (samples.mean(dim=0) - held.mean(dim=0)).norm().item(),
    }


def critic_measures(
    critic: nn.Module, samples: Tensor, held: Tensor, objective: LossSensitive
) -> dict[str, float]:
    """What a critic, in evaluation mode, does with as many samples as real images.

    slope     mean Euclidean norm of d critic / d image at the real images
    margin    mean margin of the pairs
    gap       mean score of the samples minus that of the real images, over the mean margin
    active    share of the pairs whose margin is not kept
    reach     slope times the mean Euclidean distance of the pairs, over the mean margin
    """
    slope = penalties.input_gradient(critic, held).flatten(1).norm(dim=1).mean().item()
    margin = loss_sensitive.margin(
        held,
        samples,
        norm=objective.norm,
        scale=objective.margin_scale,
        reduce=objective.margin_reduce,
    )
    with torch.no_grad():
        real, fake = critic(held), critic(samples)
    active = loss_sensitive.violation(real, fake, margin) > 0
    far = (held - samples).flatten(1).norm(dim=1).mean().item()
    mean = margin.mean().item()
    return {
        "slope": slope,
        "margin": mean,
        "gap": (fake.mean() - real.mean()).item() / mean,
        "active": active.double().mean().item(),
        "reach": slope * far / mean,
    }


def keys(settings: Settings) -> list[Key]:
    """Every run of the table; seed by seed, so that an unfinished table lacks whole seeds."""
    return [{"cell": name, "seed": seed} for seed in range(settings.seeds) for name in cells()]


def recipe_of(key: Key, settings: Settings) -> Recipe:
    """The recipe of one run."""
    cell = cells()[key["cell"]]
    return Recipe(
        networks=LossSensitiveNetworks(
            size=SIZE,
            z_dim=settings.z_dim,
            width=settings.width,
            critic_norm=cell.critic_norm,
            final_relu=cell.final_relu,
        ),
        objective=cell.objective,
        data="avatars",
        noise="normal",
        images=settings.images,
        batch_size=settings.batch_size,
        critic_lr=settings.critic_lr,
        generator_lr=settings.generator_lr,
        weight_decay=cell.weight_decay,
        clip_weights=cell.clip_weights,
        average_half_life=max(1, settings.images // 10),
        tick=max(settings.batch_size, settings.images // settings.ticks),
        seed=key["seed"],
        watch="warn",
    )


def run_one(key: Key, settings: Settings, data: ImageSet) -> Outcome:
    """Train on all but the held-back faces, and judge critic and both generators by those."""
    recipe = recipe_of(key, settings)
    shown = data.first(len(data) - settings.held_back)
    trainer, warned = train_to_the_end(recipe, shown, settings.precision)
    if trainer is None:
        blank = torch.zeros(8, *shown.images.shape[1:], dtype=torch.uint8)
        return {"finite": False, "warned": warned}, blank.numpy()
    held = to_float(data.images[-settings.held_back :])
    last, average = last_and_average(trainer, settings.held_back)
    row: dict[str, Any] = {"finite": bool(last.isfinite().all()), "warned": warned}
    if row["finite"]:
        row |= critic_measures(trainer.critic.eval(), last, held, cells()[key["cell"]].objective)
        row |= {"last": measures(last, held), "average": measures(average, held)}
    row["course"] = [course_of(tick) for tick in trainer.history]
    return row, to_uint8(average[:8]).numpy()


def course_of(tick: dict[str, float]) -> dict[str, float]:
    """What the table keeps of one row of the log; gap in units of the mean margin."""
    kept = {
        "images": tick["images"],
        "gap": (tick["score_fake"] - tick["score_real"]) / tick["margin"],
        "active": tick["active_hinges"],
        "generator_gradient": tick["generator_gradient"],
        "spread": tick["spread"],
    }
    if "penalty" in tick:
        kept["penalty"] = tick["penalty"]
    return {name: float(f"{value:.4g}") for name, value in kept.items()}


def make_table(out: Path, settings: Settings = Settings()) -> dict[str, Any]:
    """Make the runs that the file lacks; returns the table.

    "real" in it: what the first of the faces shown measure against those held back.
    """
    data = drawn_faces(settings.faces + settings.held_back)
    held = to_float(data.images[-settings.held_back :])
    head = {
        "command": command_of(NAME),
        "settings": asdict(settings),
        "rule": asdict(Rule()),
        "cells": {name: asdict(cell) for name, cell in cells().items()},
        "machine": machine(torch.device("cpu")),
        "real": measures(to_float(data.images[: settings.held_back]), held),
    }
    return fill(out, head, keys(settings), lambda key: run_one(key, settings, data))


def main(out: Path = _OUT, threads: int = 1) -> None:
    """Train all cells, and write the table after every run; Ctrl-C loses nothing.

    Args:
        out: the JSON file; runs that are in it already are kept.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    rows = judged(make_table(out))
    flat = sum(row["verdict"] == "flat" for row in rows)
    print(f"{out}: {len(rows)} runs, in {flat} of which the critic went flat.")


if __name__ == "__main__":
    run_command(main, NAME)
