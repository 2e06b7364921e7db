"""The mode table: three mixtures, four losses, ten seeds each, counted by the published protocol.

    python -m lsgan_lib.experiments.modes

Losses: cross-entropy in both forms, least squares in both codings of the paper. Mixtures: the ring
of eight and the grid of 25 of VEEGAN and PacGAN, and the ring of the authors' own code, one mode of
which weighs double.
The settings are made for two cores and minutes: small batches and narrow ReLU networks with two
noise coordinates, with which the rings are learnt in a few thousand steps and the grid in 20,000;
`ring_strips` has the authors' own. All runs of a worker, sixty of them, train at once as one
batched model.
Chapter 05 reads the table.
"""

import dataclasses
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lsgan_lib.data import Mixture, grid, ring, seed_ring
from lsgan_lib.evaluation.modes import SAMPLES, ModeCount, count_modes
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.tables import command_of, read_table, table_path, write_table
from lsgan_lib.files import read_json
from lsgan_lib.losses.objectives import AnyObjective, CrossEntropy, LeastSquares
from lsgan_lib.networks.mlp import MLPNetworks
from lsgan_lib.training.many_seeds import Cell, ManySeeds, PointSettings, train_cells
from lsgan_lib.training.where import machine

NAME = "modes"
OUT = table_path(NAME)
MIXTURES: dict[str, Callable[[], Mixture]] = {"ring": ring, "seed ring": seed_ring, "grid": grid}
OBJECTIVES: dict[str, AnyObjective] = {
    "saturating cross-entropy": CrossEntropy(saturating=True),
    "cross-entropy": CrossEntropy(),
    "least squares (0,1,1)": LeastSquares(a=0.0, b=1.0, c=1.0),
    "least squares (-1,1,0)": LeastSquares(a=-1.0, b=1.0, c=0.0),
}
CELLS = [(mixture, objective) for mixture in MIXTURES for objective in OBJECTIVES]


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all cells share; recorded with the table."""

    points: PointSettings = PointSettings(
        networks=MLPNetworks(z_dim=2, hidden=64, depth=2, activation="relu"),
        steps=20_000,
        batch_size=64,
        critic_lr=2e-3,
        generator_lr=1e-3,
    )
    """two noise coordinates and ReLU as in VEEGAN and PacGAN; all of it small and quick"""
    seeds: int = 10
    """runs of each cell"""
    every: int = 500
    """steps between two counts"""
    kept: int = 400
    """samples of each run that are kept at the end, for pictures"""


def numbers(count: ModeCount) -> dict[str, Any]:
    """A count as a file holds it; a reverse KL that is not defined is null."""
    kl = count.reverse_kl
    return {
        "modes": count.modes,
        "high_quality": round(count.high_quality, 4),
        "reverse_kl": round(kl, 4) if kl == kl else None,
    }


def run_cells(
    keys: Sequence[tuple[str, str]], settings: Settings
) -> list[tuple[dict[str, Any], np.ndarray]]:
    """Train all seeds of some cells at once; for each cell its row and its last points.

    Points have the shape (seeds, kept, 2). The CPU seconds of a row are its share of the whole.
    """
    begun = time.process_time()
    mixtures = [MIXTURES[mixture]() for mixture, _ in keys]
    cells = [
        Cell(mixture, OBJECTIVES[objective], tuple(range(settings.seeds)))
        for mixture, (_, objective) in zip(mixtures, keys, strict=True)
    ]
    steps: list[int] = []
    counts: list[list[list[dict[str, Any]]]] = [[] for _ in keys]

    def look(runs: ManySeeds) -> None:
        steps.append(runs.done)
        for mixture, rows, points in zip(mixtures, counts, runs.samples(SAMPLES), strict=True):
            rows.append([numbers(count_modes(p, mixture)) for p in points])
        print(f"step {runs.done:,} of {len(keys)} cells", file=sys.stderr)

    runs = train_cells(cells, settings.points, every=settings.every, look=look)
    last = [points.half().numpy() for points in runs.samples(settings.kept)]
    seconds = round((time.process_time() - begun) / len(keys), 1)
    found = [
        {
            "mixture": mixture,
            "objective": objective,
            "seconds": seconds,
            "steps": steps,
            "counts": c,
        }
        for (mixture, objective), c in zip(keys, counts, strict=True)
    ]
    return list(zip(found, last, strict=True))


def run_parts(
    keys: Sequence[tuple[str, str]], settings: Settings, workers: int
) -> Iterator[list[tuple[dict[str, Any], np.ndarray]]]:
    """The cells in as many parts as there are workers, each part as it is ready.

    More than one worker means as many processes of one thread each.
    """
    parts = [(keys[w::workers], settings) for w in range(workers) if keys[w::workers]]
    if workers == 1:
        yield from (run_cells(*part) for part in parts)
        return
    # Fresh processes, not copies of this one: a copy of torch's threads may hang.
    with multiprocessing.get_context("spawn").Pool(workers, initializer=_worker) as pool:
        yield from pool.imap_unordered(_part, parts)


def _worker() -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us


def _part(part: tuple[Sequence[tuple[str, str]], Settings]) -> list[Any]:
    return run_cells(*part)


def make_table(out: Path, settings: Settings = Settings(), workers: int = 2) -> dict[str, Any]:
    """Run the cells that the file lacks and return the whole table; points go to the .npz beside.

    The file is written whole after every cell. Raises BookError when it was made with other
    settings.
    """
    described = dataclasses.asdict(settings)
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    points: dict[str, np.ndarray] = {}
    old = read_table(out, described)
    if old is not None:
        cells = {(cell["mixture"], cell["objective"]): cell for cell in old["cells"]}
        with np.load(out.with_suffix(".npz")) as kept:
            points = dict(kept)
    head: dict[str, Any] = {
        "command": command_of(NAME),
        "settings": described,
        "machine": machine(torch.device("cpu")) | {"threads": 1, "workers": workers},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    missing = [key for key in CELLS if key not in cells]
    for part in run_parts(missing, settings, workers):
        for cell, last in part:
            cells[cell["mixture"], cell["objective"]] = cell
            points[f"{cell['mixture']} {cell['objective']}"] = last
            end = [seed["modes"] for seed in cell["counts"][-1]]
            print(f"{cell['mixture']}, {cell['objective']}: modes {end}", file=sys.stderr)
        ordered = [cells[key] for key in CELLS if key in cells]
        total = round(sum(cell["seconds"] for cell in ordered), 1)
        write_table(out, {**head, "seconds": total, "cells": ordered}, points)
    return read_json(out)


def main(out: Path = OUT, workers: int = 2) -> None:
    """Train all cells and write the table; the half of a worker that is ready is not lost.

    Args:
        out: the JSON file; cells that are in it already are kept.
        workers: processes, each with one thread.
    """
    torch.set_num_threads(1)
    table = make_table(out, workers=workers)
    minutes = table["seconds"] / 60
    print(f"{out}: {len(table['cells'])} cells, {minutes:.1f} minutes of CPU in all.")


if __name__ == "__main__":
    run_command(main, NAME)
