"""Which game learns faces faster: quality against images shown, same networks, same faces.

    python -m lsgan_lib.experiments.convergence

The seed of LS-GAN shows that it "converges faster" by two penalties of one model. Here every method
plays with the seed's own networks, rates and noise, from the same seeds, and is judged after the
same numbers of images: faces that a detector finds, sliced Wasserstein distance to faces that were
held back, and spread. Beside the methods stand the weights of the penalty, slopes, several turns of
the critic to one of the generator, and generators without BatchNorm. Chapter 09 reads the table.

The table is made for a GPU, where several runs share it; a CPU needs days. Needs the set celeba64.
"""

import functools
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lsgan_lib.data import to_float, to_uint8
from lsgan_lib.data.image_set import ImageSet
from lsgan_lib.evaluation.detected import faces_found
from lsgan_lib.experiments.ahead import ahead
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.filling import Key, Outcome, fill
from lsgan_lib.experiments.tables import command_of, read_table, table_path
from lsgan_lib.experiments.to_the_end import samples_of
from lsgan_lib.losses.objectives import (
    AnyObjective,
    CrossEntropy,
    LeastSquares,
    LossSensitive,
    Penalty,
    Wasserstein,
)
from lsgan_lib.networks import LossSensitiveNetworks
from lsgan_lib.training import Recipe
from lsgan_lib.training.distance import sliced_wasserstein, spread
from lsgan_lib.training.loop import Engine, Trainer, due
from lsgan_lib.training.precision import Precision
from lsgan_lib.training.sources import load_data, make_stream
from lsgan_lib.training.where import machine, pick_device, wait_for

NAME = "convergence"
_OUT = table_path(NAME)


@dataclass(frozen=True)
class Cell:
    """In what the runs of the table differ."""

    objective: AnyObjective
    critic_norm: bool = False
    """BatchNorm in the critic, as DCGAN has it"""
    generator_norm: bool = True
    """BatchNorm in the generator"""
    critic_steps: int = 1
    """turns of the critic to one of the generator, each on a fresh batch"""


WEIGHT = 10 / 64
"""The seed's weight of 10, divided by the sqrt(H W) that its norm over channels takes away."""
HEAVY = 10 * WEIGHT
"""At 32 pixels about ten times as much drew better (chapter 08)."""


def cells() -> dict[str, Cell]:
    """Every cell of the table by its name."""
    default, heavy = Penalty(weight=WEIGHT), Penalty(weight=HEAVY)
    two_points = Penalty(kind="two_point", weight=10.0, target=0.0)
    published = LossSensitive(penalty=Penalty(weight=10.0, reduce="pixel"), pairing="all")
    ls, heavier = LossSensitive(penalty=default), LossSensitive(penalty=heavy)
    return {
        # The methods.
        "LS-GAN": Cell(ls),
        "LS-GAN, weight x 10": Cell(heavier),
        "LS-GAN as published": Cell(published),
        "LS-GAN, two points": Cell(LossSensitive(penalty=two_points)),
        "LSGAN": Cell(LeastSquares()),
        "cross-entropy": Cell(CrossEntropy()),
        "WGAN-GP": Cell(Wasserstein()),
        # With BatchNorm in the critic: DCGAN, and LSGAN as its authors train it.
        "DCGAN": Cell(CrossEntropy(), critic_norm=True),
        "LSGAN, critic with BatchNorm": Cell(LeastSquares(), critic_norm=True),
        # Several turns of the critic.
        "LS-GAN, 3 turns": Cell(ls, critic_steps=3),
        "LS-GAN, 5 turns": Cell(ls, critic_steps=5),
        "cross-entropy, 3 turns": Cell(CrossEntropy(), critic_steps=3),
        "cross-entropy, 5 turns": Cell(CrossEntropy(), critic_steps=5),
        # Without BatchNorm in the generator; the last one is DCGAN with it in the critic alone.
        "LS-GAN, bare generator": Cell(ls, generator_norm=False),
        "LS-GAN, weight x 10, bare generator": Cell(heavier, generator_norm=False),
        "cross-entropy, bare generator": Cell(CrossEntropy(), generator_norm=False),
        "DCGAN, bare generator": Cell(CrossEntropy(), critic_norm=True, generator_norm=False),
        # Slopes under the heavier penalty.
        "slope -1": Cell(LossSensitive(slope=-1.0, penalty=heavy)),
        "slope 0.01": Cell(LossSensitive(slope=0.01, penalty=heavy)),
        "slope 1": Cell(LossSensitive(slope=1.0, penalty=heavy)),
    }


@dataclass(frozen=True)
class Settings:
    """What all runs of the table share; recorded with it."""

    data: str = "celeba64"
    """the set of faces"""
    moments: tuple[int, ...] = (5_000, 10_000, 20_000, 50_000, 100_000)
    """images shown after which a run is judged; the last is half an epoch of all of CelebA"""
    batch_size: int = 64
    """the seed's"""
    lr: float = 2e-4
    """of both players; the seed's"""
    width: float = 1.0
    """share of the seed's channels"""
    held_back: int = 500
    """faces that are never shown, by which samples are judged"""
    detected: int = 250
    """samples in which faces are looked for"""
    shown: int = 8
    """last samples of the first seed's run that are kept as pictures"""
    seeds: int = 3
    """runs of each cell"""
    precision: Precision = "bf16"
    """what the networks compute in"""


def keys(settings: Settings) -> list[Key]:
    """Every run of the table; seed by seed, so that an unfinished table lacks whole seeds."""
    return [{"cell": name, "seed": seed} for seed in range(settings.seeds) for name in cells()]


def recipe_of(key: Key, settings: Settings) -> Recipe:
    """The recipe of one run."""
    cell, images = cells()[key["cell"]], settings.moments[-1]
    return Recipe(
        networks=LossSensitiveNetworks(
            width=settings.width, critic_norm=cell.critic_norm, generator_norm=cell.generator_norm
        ),
        objective=cell.objective,
        data=settings.data,
        noise="normal",
        images=images,
        batch_size=settings.batch_size,
        critic_steps=cell.critic_steps,
        critic_lr=settings.lr,
        generator_lr=settings.lr,
        flip=True,
        tick=max(settings.batch_size, images // 40),
        seed=key["seed"],
        watch="warn",
    )


def judge(trainer: Trainer, held: torch.Tensor, settings: Settings) -> dict[str, float]:
    """What the averaged generator draws now: faces found, distance and share of the spread.

    held: float (N, 3, H, W), faces that were never shown.
    """
    samples = samples_of(trainer.average, trainer, len(held))
    found = faces_found(samples[: settings.detected])
    return {
        "images": trainer.shown,
        "faces": round(found.float().mean().item(), 4),
        "distance": round(sliced_wasserstein(samples, held), 5),
        "spread": round(spread(samples) / spread(held), 4),
    }


COURSE = ("generator_gradient", "critic_gradient", "active_hinges", "score_real", "score_fake")
"""What the table keeps of a run's log."""


def run_one(
    key: Key, settings: Settings, data: ImageSet, device: torch.device, engine: Engine = "eager"
) -> Outcome:
    """Train on all but the held-back faces, and judge at every moment.

    A run whose numbers are not finite ends there: "finite" is False, what came before is kept.
    """
    recipe = recipe_of(key, settings)
    held = to_float(data.images[-settings.held_back :])
    stream, _ = make_stream(recipe, data.first(len(data) - settings.held_back), device)
    trainer = Trainer(recipe, stream, device, engine=engine, precision=settings.precision)
    judged: list[dict[str, float]] = []
    finite, training = True, 0.0
    for moment in settings.moments:
        begun = time.perf_counter()
        while finite and trainer.shown < moment:
            before = trainer.shown
            trainer.step()
            if due(recipe.tick, before, trainer.shown):
                finite = trainer.not_finite() is None
                if finite:  # a row of numbers that are none would spoil the table
                    trainer.tick()
        wait_for(device)
        training += time.perf_counter() - begun
        finite = finite and all(p.isfinite().all() for p in trainer.average.parameters())
        if not finite:
            break
        judged.append(judge(trainer, held, settings))
    row: dict[str, Any] = {
        "finite": finite,
        "seconds": round(training, 1),
        "judged": judged,
        "course": [course_of(tick) for tick in trainer.history],
    }
    count = settings.shown if finite and key["seed"] == 0 else 0
    pictures = (
        to_uint8(samples_of(trainer.average, trainer, count)).numpy() if count else _none(data)
    )
    return row, pictures


def course_of(tick: dict[str, float]) -> dict[str, float]:
    """What the table keeps of one row of the log."""
    kept = {"images": tick["images"]} | {name: tick[name] for name in COURSE if name in tick}
    return {name: float(f"{value:.4g}") for name, value in kept.items()}


def _none(data: ImageSet) -> np.ndarray:
    return np.empty((0, *data.images.shape[1:]), np.uint8)


@functools.cache
def _faces(name: str) -> ImageSet:
    """The set of faces; a process that makes several runs reads it once."""
    data = load_data(Recipe(data=name))
    assert isinstance(data, ImageSet)
    return data


def _run(key: Key, settings: Settings, device: str, engine: Engine) -> Outcome:
    """`run_one`, of things that can be sent to another process."""
    return run_one(key, settings, _faces(settings.data), torch.device(device), engine)


def make_table(
    out: Path,
    settings: Settings = Settings(),
    *,
    device: str | None = None,
    engine: Engine | None = None,
    workers: int = 1,
) -> dict[str, Any]:
    """Make the runs that the file lacks, several at a time; returns the table.

    "real" in it: what as many shown faces measure against those held back.
    """
    data, where = _faces(settings.data), pick_device(device)
    engine = engine or ("graph" if where.type == "cuda" else "eager")
    held = to_float(data.images[-settings.held_back :])
    shown = to_float(data.images[: settings.held_back])
    head: dict[str, Any] = {
        "command": command_of(NAME),
        "settings": _plain(settings),
        "cells": {name: asdict(cell) for name, cell in cells().items()},
        "machine": machine(where),
        "real": {
            "faces": round(faces_found(shown[: settings.detected]).float().mean().item(), 4),
            "distance": round(sliced_wasserstein(shown, held), 5),
        },
    }
    old = read_table(out, head["settings"])
    done = [(row["cell"], row["seed"]) for row in old["runs"]] if old else []
    todo = [key for key in keys(settings) if (key["cell"], key["seed"]) not in done]
    run = functools.partial(_run, settings=settings, device=str(where), engine=engine)
    with ahead(todo, run, workers) as outcome:
        return fill(out, head, keys(settings), outcome)


def measured(table: dict[str, Any], cell: str, measure: str) -> np.ndarray:
    """What a cell's runs measured: (seeds, moments); NaN after a run's numbers were none.

    measure: "faces", "distance", "spread" or "images".
    """
    rows = _rows(table, cell)
    found = np.full((len(rows), len(table["settings"]["moments"])), np.nan)
    for run, row in zip(found, rows, strict=True):
        values = [judged[measure] for judged in row["judged"]]
        run[: len(values)] = values
    return found


def course(table: dict[str, Any], cell: str, column: str) -> np.ndarray:
    """One column of the logs of a cell's runs, (seeds, ticks); "images" or one of `COURSE`.

    Raises ValueError where a run ended early, so that its log is shorter than the others'.
    """
    return np.array([[tick[column] for tick in row["course"]] for row in _rows(table, cell)])


def _rows(table: dict[str, Any], cell: str) -> list[dict[str, Any]]:
    rows = [row for row in table["runs"] if row["cell"] == cell]
    if not rows:
        raise KeyError(f"no cell {cell!r}; there are {', '.join(table['cells'])}.")
    return rows


def _plain(settings: Settings) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(settings).items()}


def main(
    out: Path = _OUT, device: str | None = None, engine: Engine | None = None, workers: int = 1
) -> None:
    """Train all cells, and write the table after every run; Ctrl-C loses nothing.

    Args:
        out: the JSON file; runs that are in it already are kept.
        device: cuda or cpu; by default the best that is here.
        engine: graph or eager; by default graph on a GPU.
        workers: runs at a time, each in a process of its own.
    """
    table = make_table(out, device=device, engine=engine, workers=workers)
    print(f"{out}: {len(table['runs'])} runs.")


if __name__ == "__main__":
    run_command(main, NAME)
