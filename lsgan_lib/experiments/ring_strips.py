"""The authors' ring of Gaussians with all of their settings, looked at every 5,000 steps.

    python -m lsgan_lib.experiments.ring_strips

After the experiment of Mao et al., ICCV 2017 (xudonmao/LSGAN, stability_comparison/mixture_gaussian):
cross-entropy and least squares, target `seed_ring`, 35,000 steps of 512 points. Their script keeps
pictures of 5,120 points at steps 0, 5,000, ..., 30,000, of ten repetitions, and counts nothing.
Here the points are kept, and counted. Chapter 05 draws them.
"""

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from lsgan_lib.data import seed_ring
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.modes import SAMPLES, count_modes
from lsgan_lib.experiments.modes import numbers
from lsgan_lib.experiments.tables import command_of, table_path
from lsgan_lib.files import atomic, read_json, write_json
from lsgan_lib.losses.objectives import CrossEntropy, LeastSquares
from lsgan_lib.training.many_seeds import ManySeeds, PointSettings, train_seeds
from lsgan_lib.training.where import machine

NAME = "ring_strips"
OBJECTIVES = {
    "cross-entropy": CrossEntropy(),
    "least squares (0,1,1)": LeastSquares(a=0.0, b=1.0, c=1.0),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all runs share; recorded with the table."""

    points: PointSettings = dataclasses.field(default_factory=PointSettings)
    """the authors', all of them"""
    seeds: int = 3
    """the authors repeat ten times; three fit a CPU"""
    every: int = 5_000
    """steps between two looks"""
    kept: int = 5_120
    """points of a look; the first 2,500 are counted"""


def run_objective(name: str, settings: Settings) -> tuple[dict[str, Any], np.ndarray]:
    """Train all seeds with one objective; its row, and the points (looks, seeds, kept, 2)."""
    begun = time.process_time()
    kept: list[torch.Tensor] = []
    steps: list[int] = []

    def look(runs: ManySeeds) -> None:
        kept.append(runs.samples(settings.kept))
        steps.append(runs.done)
        print(f"{name}: step {runs.done:,}", file=sys.stderr)

    seeds = range(settings.seeds)
    mixture, objective = seed_ring(), OBJECTIVES[name]
    train_seeds(mixture, objective, seeds, settings.points, every=settings.every, look=look)
    points = torch.stack(kept).half()  # rounded first: what is counted is what is kept
    counted = [
        [numbers(count_modes(points[i, s, :SAMPLES].float(), mixture)) for s in seeds]
        for i in range(len(steps))
    ]
    row = {
        "objective": name,
        "seconds": round(time.process_time() - begun, 1),
        "steps": steps,
        "counts": counted,  # one list a look, one entry a seed
    }
    return row, points.numpy()


def make_table(out: Path, settings: Settings = Settings()) -> dict[str, Any]:
    """Run the objectives that the file lacks; returns the table."""
    described = dataclasses.asdict(settings)
    rows: list[dict[str, Any]] = []
    points: dict[str, np.ndarray] = {}
    if out.is_file():
        old = read_json(out)
        if old["settings"] != described:
            raise BookError(f"{out} was made with other settings. Delete it, or give another file.")
        rows = old["runs"]
        with np.load(out.with_suffix(".npz")) as kept:
            points = dict(kept)
    table: dict[str, Any] = {
        "command": command_of(NAME),
        "settings": described,
        "machine": machine(torch.device("cpu")),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    for name in OBJECTIVES:
        if name not in {row["objective"] for row in rows}:
            row, points[name] = run_objective(name, settings)
            rows.append(row)
            with atomic(out.with_suffix(".npz")) as file:
                np.savez_compressed(file, **points)  # type: ignore[arg-type]
            write_json(out, {**table, "runs": rows})
    return {**table, "runs": rows}


def main(out: Path = table_path(NAME), threads: int = 1) -> None:
    """Train with both objectives; an objective that is in the file already is not run again.

    Args:
        out: the JSON file; the points go to the .npz beside it.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    table = make_table(out)
    for row in table["runs"]:
        print(row["objective"], "modes at the end:", [seed["modes"] for seed in row["counts"][-1]])


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except BookError as error:
        sys.exit(f"{NAME}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"{NAME}: interrupted. The same command goes on with the next objective.")
