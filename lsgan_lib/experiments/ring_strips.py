"""The authors' ring of Gaussians with their settings, looked at every 5,000 steps.

    python -m lsgan_lib.experiments.ring_strips

After the experiment of Mao et al., ICCV 2017 (xudonmao/LSGAN, folder
stability_comparison/mixture_gaussian): cross-entropy and least squares, target `seed_ring`, 35,000
steps of 512 points. Their script keeps pictures of 5,120 points at steps 0, 5,000, ..., 30,000, of
ten repetitions, and counts nothing. Here are five repetitions, half an hour of CPU time; their
points are kept, and counted. Chapter 05 draws them.
"""

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import torch

from lsgan_lib.data import seed_ring
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.modes import SAMPLES, count_modes
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.modes import numbers
from lsgan_lib.experiments.tables import command_of, read_table, table_path, write_table
from lsgan_lib.files import atomic
from lsgan_lib.losses.objectives import AnyObjective, CrossEntropy, LeastSquares
from lsgan_lib.training.many_seeds import Cell, ManySeeds, PointSettings, go_on
from lsgan_lib.training.where import machine

NAME = "ring_strips"
OUT = table_path(NAME)
OBJECTIVES: dict[str, AnyObjective] = {
    "cross-entropy": CrossEntropy(),
    "least squares (0,1,1)": LeastSquares(a=0.0, b=1.0, c=1.0),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all runs share; recorded with the table."""

    points: PointSettings = PointSettings()
    """the authors', which are the defaults"""
    seeds: int = 5
    """the authors repeat ten times"""
    every: int = 5_000
    """steps between two looks"""
    kept: int = 5_120
    """points of a look; the first 2,500 are counted"""


def make_table(out: Path, settings: Settings = Settings()) -> dict[str, Any]:
    """Train all runs at once, or go on where the file beside `out` says; returns the table.

    The points of every look go to the .npz beside the table, float16 (looks, seeds, kept, 2) by
    the name of their objective. They are rounded first, then counted. After every look a state is
    written from which the same command goes on; the table itself comes at the end. Raises
    BookError when table or state was made with other settings.
    """
    described = dataclasses.asdict(settings)
    state_file = out.with_suffix(".state.pt")
    old = read_table(out, described)
    if old is not None:
        return old
    mixture = seed_ring()
    seeds = tuple(range(settings.seeds))
    cells = [Cell(mixture, objective, seeds) for objective in OBJECTIVES.values()]
    runs = ManySeeds(cells, settings.points)
    steps: list[int] = []
    points: list[torch.Tensor] = []  # a look: (objectives, seeds, kept, 2)
    before = 0.0  # seconds of an earlier part
    out.parent.mkdir(parents=True, exist_ok=True)
    if state_file.is_file():
        state = torch.load(state_file, weights_only=True)
        if state["settings"] != repr(settings):
            raise BookError(f"{state_file} was made with other settings. Delete it to start anew.")
        runs.load_state_dict(state["runs"])
        steps, points, before = state["steps"], state["points"], state["seconds"]
    begun = time.process_time()

    def seconds() -> float:
        return round(before + time.process_time() - begun, 1)

    def look(runs: ManySeeds) -> None:
        points.append(torch.stack(runs.samples(settings.kept)).half())
        steps.append(runs.done)
        kept = {"settings": repr(settings), "runs": runs.state_dict(), "seconds": seconds()}
        with atomic(state_file) as file:
            torch.save(kept | {"steps": steps, "points": points}, file)
        print(f"step {runs.done:,} of {settings.points.steps:,}", file=sys.stderr)

    if not steps:
        look(runs)
    go_on(runs, every=settings.every, look=look)
    whole = torch.stack(points, dim=1)  # (objectives, looks, seeds, kept, 2)
    table: dict[str, Any] = {
        "command": command_of(NAME),
        "settings": described,
        "machine": machine(torch.device("cpu")),
        "seconds": seconds(),  # of CPU
        "runs": [
            {
                "objective": name,
                "steps": steps,
                "counts": [
                    [numbers(count_modes(p[:SAMPLES].float(), mixture)) for p in look_]
                    for look_ in of_objective
                ],  # one list a look, one entry a seed
            }
            for name, of_objective in zip(OBJECTIVES, whole, strict=True)
        ],
    }
    named = {name: p.numpy() for name, p in zip(OBJECTIVES, whole, strict=True)}
    write_table(out, table, named)
    state_file.unlink(missing_ok=True)
    return table


def main(out: Path = OUT, threads: int = 1) -> None:
    """Train with both objectives; goes on after an interruption.

    Args:
        out: the JSON file; the points go to the .npz beside it.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    for row in make_table(out)["runs"]:
        print(row["objective"], "modes at the end:", [seed["modes"] for seed in row["counts"][-1]])


if __name__ == "__main__":
    run_command(main, NAME)
