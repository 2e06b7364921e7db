"""Ask both generators of faces for certain pictures: their own, each other's, seen and unseen ones.

    python -m lsgan_lib.experiments.reconstruction

For each picture the noise is searched whose image comes closest (`lsgan_lib.latent.invert`):

own           samples of the same generator. The least error is 0, so what is left is the search's
other         samples of the other generator, which this one has never seen
photographs   faces of FairFace, 64 x 64, from assets/figures: real, of another set, never seen
avatars       drawn faces, never seen, and not of the kind that was learnt
training      faces that both were trained on; needs the set, and keeps errors only, no picture

Chapter 13 reads the table; some pictures and what became of them lie beside it.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from lsgan_lib import latent
from lsgan_lib.book import avatars, load_run
from lsgan_lib.data.image_set import ImageSet, to_float, to_uint8
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.filling import Key, Outcome, fill
from lsgan_lib.experiments.tables import command_of, table_path
from lsgan_lib.folders import ASSETS
from lsgan_lib.training.sources import load_data
from lsgan_lib.training.where import machine

NAME = "reconstruction"
RUNS = ("faces-least-squares", "faces-slope-zero")
KINDS = ("own", "other", "photographs", "avatars", "training")
SHEET = ASSETS / "figures" / "fairface_faces.png"
"""a hundred faces of FairFace in rows of 20, two pixels apart; CC BY 4.0"""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all rows share; recorded with the table."""

    pictures: int = 12
    """of each kind"""
    steps: int = 250
    """of the search"""
    starts: int = 2
    """of the search, for each picture"""
    seed: int = 13
    """names the pictures of each kind and the starts"""
    draws: int = 500
    """whose mean picture is the answer of a generator that does not look"""
    shown: int = 6
    """pictures of each kind that are kept, with what became of them"""


def photographs() -> Tensor:
    """The hundred faces of the sheet, float (100, 3, 64, 64) in [-1, 1]."""
    with Image.open(SHEET) as file:
        page = torch.from_numpy(np.asarray(file.convert("RGB")).copy())
    pixels = [page[66 * i : 66 * i + 64, 66 * j : 66 * j + 64] for i in range(5) for j in range(20)]
    return to_float(torch.stack(pixels).permute(0, 3, 1, 2))


def drawn(run: str, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Samples of a recorded run and their noise."""
    recipe = load_run(run).recipe
    random = torch.Generator().manual_seed(seed)
    z = latent.draw(count, recipe.networks.z_dim, recipe.noise, random)
    return latent.images_of(load_run(run).generator(), z), z


def asked_for(run: str, kind: str, settings: Settings) -> Tensor:
    """The pictures of one kind, float (N, 3, 64, 64).

    Raises BookError for "training" where the set of the run is not on this machine.
    """
    count, seed = settings.pictures, settings.seed
    if kind == "own":
        return drawn(run, count, seed)[0]
    if kind == "other":
        (other,) = (name for name in RUNS if name != run)
        return drawn(other, count, seed)[0]
    if kind == "photographs":
        return _some(photographs(), count, seed)
    if kind == "avatars":
        return to_float(avatars(300).images[:count])
    data = load_data(load_run(run).recipe)
    assert isinstance(data, ImageSet)
    return to_float(_some(data.images, count, seed))


def measured(
    generator: nn.Module, pictures: Tensor, recipe: Any, settings: Settings
) -> tuple[dict[str, Any], Tensor, Tensor]:
    """Errors of the search and of the mean picture, lengths, the noise found and its images."""
    z_dim, noise = recipe.networks.z_dim, recipe.noise
    random = torch.Generator().manual_seed(settings.seed + 1)
    found, errors = latent.invert(
        generator, pictures, z_dim, kind=noise,
        steps=settings.steps, starts=settings.starts, random=random,
    )  # fmt: skip
    mean = latent.images_of(generator, latent.draw(settings.draws, z_dim, noise, random)).mean(0)
    usual = (z_dim * (1 / 3 if noise == "uniform" else 1)) ** 0.5
    outcome = {
        "error": round(errors.mean().item(), 4),
        "errors": [round(error, 4) for error in errors.tolist()],
        "mean_picture": round(
            (pictures - mean).square().flatten(1).mean(dim=1).sqrt().mean().item(), 4
        ),
        "length": round((found.norm(dim=1) / usual).mean().item(), 3),
    }
    return outcome, found, latent.images_of(generator, found)


def run(key: Key, settings: Settings) -> Outcome:
    """Search one kind of pictures in one generator's noise."""
    recorded = load_run(key["run"])
    pictures = asked_for(key["run"], key["kind"], settings)
    outcome, found, images = measured(recorded.generator(), pictures, recorded.recipe, settings)
    if key["kind"] == "own":  # how near is the noise that was found to the one that was used?
        _, used = drawn(key["run"], settings.pictures, settings.seed)
        outcome["cosine"] = round(torch.cosine_similarity(found, used).mean().item(), 3)
    count = 0 if key["kind"] == "training" else settings.shown
    return outcome, to_uint8(torch.stack([pictures[:count], images[:count]])).numpy()


def main(out: Path | None = None, settings: Settings = Settings(), threads: int = 1) -> None:
    """Make the table, or what is missing of it.

    Args:
        out: the file; assets/tables/reconstruction.json if not given.
        settings: of all searches.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    keys: list[Key] = [{"run": run, "kind": kind} for kind in KINDS for run in RUNS]
    head = {
        "command": command_of(NAME),
        "machine": machine(torch.device("cpu")),
        "settings": dataclasses.asdict(settings),
    }
    fill(out or table_path(NAME), head, keys, lambda key: run(key, settings))


def _some(images: Tensor, count: int, seed: int) -> Tensor:
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return images[order[:count]]


if __name__ == "__main__":
    run_command(main, NAME)
