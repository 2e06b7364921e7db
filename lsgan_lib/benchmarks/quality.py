"""Does a faster precision learn the same? Three seeds of each, measured on images never trained on.

    python -m lsgan_lib.benchmarks.quality OUT.json [--recipes ...] [--threads 1]

For each recipe, precision and seed one run, narrow and short enough for a CPU, and of its averaged
generator: distance, the sliced Wasserstein distance of 2,000 samples to 2,000 images that were held
back; spread, of the samples as a share of those images'; for digits also agreement, the share of
the five nearest digits of the book that bear one label. What is already in the file is not run
again.
"""

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import torch
import tyro

from lsgan_lib import latent
from lsgan_lib.benchmarks.steps import adapted
from lsgan_lib.data import digits, to_float
from lsgan_lib.data.image_set import ImageSet
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.neighbours import agreement
from lsgan_lib.files import read_json, write_json
from lsgan_lib.training import Recipe, train
from lsgan_lib.training.distance import sliced_wasserstein, spread
from lsgan_lib.training.loop import Trainer
from lsgan_lib.training.precision import Precision, precisions
from lsgan_lib.training.recipes import recipe
from lsgan_lib.training.sources import load_data
from lsgan_lib.training.where import machine, pick_device

_HELD_BACK = 2_000
_SEEDS = (0, 1, 2)


def main(
    out: tyro.conf.Positional[Path],
    recipes: tuple[str, ...] = ("mnist-least-squares", "faces-loss-sensitive"),
    width: float = 0.25,
    images: int = 60_000,
    threads: int = 1,
    device: str | None = None,
) -> None:
    """Train every recipe in every precision with three seeds, and write what came out.

    Args:
        out: the JSON file; runs that are in it already are kept.
        recipes: named recipes.
        width: of the networks, as in the recipes.
        images: shown in each run.
        threads: CPU threads.
        device: cpu or cuda; a GPU where there is one if not given.
    """
    torch.set_num_threads(threads)
    where = pick_device(device)
    done: dict[str, Any] = read_json(out) if out.is_file() else {"runs": []}
    done["machine"] = machine(where)
    done["command"] = "python -m lsgan_lib.benchmarks.quality"
    for name in recipes:
        named = recipe(name)
        named = dataclasses.replace(adapted(named, width=width), images=images, tick=images // 10)
        data = load_data(named)
        if not isinstance(data, ImageSet):
            raise BookError(f"{name} trains on points; take recipes for images.")
        for seed in _SEEDS:
            for precision in precisions(where):
                key = {"recipe": name, "width": width, "images": images}
                key |= {"precision": precision, "seed": seed}
                if any(key.items() <= run.items() for run in done["runs"]):
                    continue
                row = key | _run(dataclasses.replace(named, seed=seed), data, precision, where)
                done["runs"].append(row)
                write_json(out, done)
                print(row, file=sys.stderr)


def _run(
    recipe: Recipe, data: ImageSet, precision: Precision, device: torch.device
) -> dict[str, Any]:
    """Train on all but the last images of the set, and judge the samples by those."""
    begun = time.perf_counter()
    shown = data.first(len(data) - _HELD_BACK)
    trainer = train(recipe, shown, device=str(device), precision=precision)
    seconds = time.perf_counter() - begun
    return _judge(trainer, data) | {"seconds": round(seconds, 1)}


def _judge(trainer: Trainer, data: ImageSet) -> dict[str, Any]:
    held = to_float(data.images[-_HELD_BACK:])
    random = torch.Generator().manual_seed(0)
    z = latent.draw(_HELD_BACK, trainer.recipe.networks.z_dim, trainer.recipe.noise, random)
    samples = latent.images_of(trainer.average, z)
    share = None
    if samples.shape[1:] == (1, 28, 28):
        book = digits()
        assert book.labels is not None
        share = agreement(samples, to_float(book.images), book.labels)[1].mean().item()
    return {
        "distance": sliced_wasserstein(samples, held),
        "spread": spread(samples) / spread(held),
        "agreement": share,
    }


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except BookError as error:
        sys.exit(f"quality: {error}")
