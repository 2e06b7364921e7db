"""The mode table: three mixtures, four losses, ten seeds each, counted by the published protocol.

    python -m lsgan_lib.experiments.modes

Losses: cross-entropy in both forms, least squares in both codings of the paper. Mixtures: the ring
of eight and the grid of 25 of VEEGAN and PacGAN, and the ring of the authors' own code, one mode of
which weighs double. Networks and optimisers are the authors' (`PointSettings`); batch and steps are
smaller, so that two cores are done within a quarter of an hour. All seeds of a cell train at once,
and two cells at a time. Chapter 05 reads the table.
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
import tyro

from lsgan_lib.data import Mixture, grid, ring, seed_ring
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.modes import SAMPLES, ModeCount, count_modes
from lsgan_lib.experiments.tables import command_of, table_path
from lsgan_lib.files import atomic, read_json, write_json
from lsgan_lib.losses.objectives import AnyObjective, CrossEntropy, LeastSquares
from lsgan_lib.training.many_seeds import ManySeeds, PointSettings, train_seeds
from lsgan_lib.training.where import machine

NAME = "modes"
MIXTURES: dict[str, Callable[[], Mixture]] = {"ring": ring, "seed ring": seed_ring, "grid": grid}
OBJECTIVES: dict[str, AnyObjective] = {
    "saturating cross-entropy": CrossEntropy(saturating=True),
    "cross-entropy": CrossEntropy(),
    "least squares (0,1,1)": LeastSquares(a=0.0, b=1.0, c=1.0),
    "least squares (-1,1,0)": LeastSquares(a=-1.0, b=1.0, c=0.0),
}
CELLS = [(mixture, objective) for mixture in MIXTURES for objective in OBJECTIVES]
Cell = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all cells share; recorded with the table."""

    points: PointSettings = PointSettings(steps=10_000, batch_size=64)
    """the authors' but for the steps (35,000) and the batch (512)"""
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


def run_cell(mixture: str, objective: str, settings: Settings) -> tuple[Cell, np.ndarray]:
    """Train all seeds of a cell at once; the cell, and its last points (seeds, kept, 2)."""
    begun = time.process_time()
    target = MIXTURES[mixture]()
    steps: list[int] = []
    counted: list[list[dict[str, Any]]] = []

    def look(runs: ManySeeds) -> None:
        steps.append(runs.done)
        counted.append([numbers(count_modes(p, target)) for p in runs.samples(SAMPLES)])

    runs = train_seeds(
        target,
        OBJECTIVES[objective],
        range(settings.seeds),
        settings.points,
        every=settings.every,
        look=look,
    )
    cell = {
        "mixture": mixture,
        "objective": objective,
        "seconds": round(time.process_time() - begun, 1),  # of CPU
        "steps": steps,
        "counts": counted,  # one list a count, one entry a seed
    }
    return cell, runs.samples(settings.kept).half().numpy()


def run_cells(
    cells: Sequence[tuple[str, str]], settings: Settings, workers: int
) -> Iterator[tuple[Cell, np.ndarray]]:
    """Cells as they are ready; with more than one worker in processes of one thread each."""
    jobs = [(mixture, objective, settings) for mixture, objective in cells]
    if workers == 1:
        yield from (run_cell(*job) for job in jobs)
        return
    # A fresh process, not a copy of this one: a copy of torch's threads may hang.
    with multiprocessing.get_context("spawn").Pool(workers, initializer=_worker) as pool:
        yield from pool.imap_unordered(_job, jobs)


def _worker() -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us


def _job(job: tuple[str, str, Settings]) -> tuple[Cell, np.ndarray]:
    return run_cell(*job)


def make_table(out: Path, settings: Settings = Settings(), workers: int = 2) -> dict[str, Any]:
    """Run the cells that the file lacks and return the whole table; points go to the .npz beside.

    The file is written whole after every cell. Raises BookError when it was made with other
    settings.
    """
    described = dataclasses.asdict(settings)
    cells: dict[tuple[str, str], Cell] = {}
    points: dict[str, np.ndarray] = {}
    if out.is_file():
        old = read_json(out)
        if old["settings"] != described:
            raise BookError(f"{out} was made with other settings. Delete it, or give another file.")
        cells = {(cell["mixture"], cell["objective"]): cell for cell in old["cells"]}
        with np.load(out.with_suffix(".npz")) as kept:
            points = dict(kept)
    head: dict[str, Any] = {
        "command": command_of(NAME),
        "settings": described,
        "machine": machine(torch.device("cpu")) | {"threads": 1, "workers": workers},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    missing = [cell for cell in CELLS if cell not in cells]
    for cell, last in run_cells(missing, settings, workers):
        cells[cell["mixture"], cell["objective"]] = cell
        points[f"{cell['mixture']} {cell['objective']}"] = last
        ordered = [cells[key] for key in CELLS if key in cells]
        with atomic(out.with_suffix(".npz")) as file:
            np.savez_compressed(file, **points)  # type: ignore[arg-type]
        total = round(sum(cell["seconds"] for cell in ordered), 1)
        write_json(out, {**head, "seconds": total, "cells": ordered})
        end = [seed["modes"] for seed in cell["counts"][-1]]
        print(
            f"{len(ordered)}/{len(CELLS)} {cell['mixture']}, {cell['objective']}: "
            f"modes {end} ({cell['seconds']:.0f} s)",
            file=sys.stderr,
        )
    return read_json(out)


def main(out: Path = table_path(NAME), workers: int = 2) -> None:
    """Train all cells and write the table after each; Ctrl-C loses no cell that is ready.

    Args:
        out: the JSON file; cells that are in it already are kept.
        workers: processes, each with one thread.
    """
    torch.set_num_threads(1)
    table = make_table(out, workers=workers)
    minutes = table["seconds"] / 60
    print(f"{out}: {len(table['cells'])} cells, {minutes:.1f} minutes of CPU in all.")


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except BookError as error:
        sys.exit(f"{NAME}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"{NAME}: interrupted. The same command goes on with the next cell.")
