"""Digits that hardly vary: least squares in two codings against cross-entropy.

    python -m lsgan_lib.experiments.small_variability

After an experiment of Mao et al. ("On the Effectiveness of Least Squares GANs", 2019): ten digits,
1,000 pictures of each, shifted at random along the rows, in a second set also rotated by up to ten
degrees. The networks are the authors' (`lsgan_lib.networks.small_digits`), the generator thinner.
Their critic has BatchNorm. With it, no run of this length starts: real and generated batches go
through the critic one by one, and BatchNorm takes away what the pictures of a batch have in common,
which here is nearly everything. So the table has the authors' critic once, and one without.
Since every picture that belongs to such a set is known, samples are judged by it
(`lsgan_lib.experiments.shifted_family`). Chapter 05 reads the table.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from data_prep.digits_shifted import DigitsShifted
from lsgan_lib.data import to_float, to_uint8
from lsgan_lib.data.image_set import ImageSet
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.filling import Key, Outcome, fill
from lsgan_lib.experiments.shifted_family import ShiftedFamily, pictures
from lsgan_lib.experiments.tables import command_of, table_path
from lsgan_lib.experiments.to_the_end import last_and_average, train_to_the_end
from lsgan_lib.losses.objectives import AnyObjective, CrossEntropy, LeastSquares
from lsgan_lib.networks import SmallDigitsNetworks
from lsgan_lib.training import Recipe
from lsgan_lib.training.precision import Precision
from lsgan_lib.training.where import machine

NAME = "small_variability"
_OUT = table_path(NAME)
SETS = {"shift": 0.0, "shift and rotate": 10.0}
"""Largest angle in degrees; the shift is up to two pixels to either side in both."""
CRITICS = ("without BatchNorm", "with BatchNorm")
"""The second is the authors'; it is tried on the first set only."""
CELLS = [*((name, CRITICS[0]) for name in SETS), (next(iter(SETS)), CRITICS[1])]
"""Pairs of a set and a critic."""

OBJECTIVES: dict[str, AnyObjective] = {
    "least squares (0,1,1)": LeastSquares(a=0.0, b=1.0, c=1.0),
    "least squares (-1,1,0)": LeastSquares(a=-1.0, b=1.0, c=0.0),
    "cross-entropy": CrossEntropy(),
}


@dataclass(frozen=True)
class Settings:
    """What all runs of the table share; recorded with it."""

    images: int = 96_000
    """shown in each run: 1,500 steps; the authors' runs have 50,001"""
    batch_size: int = 64
    """as the authors'"""
    critic_lr: float = 5e-4
    """the critic's learning rate; the authors' 2e-4 needs more steps than a CPU can spare"""
    generator_lr: float = 1e-3
    """the generator's: twice as fast, as in chapter 04"""
    width: float = 0.25
    """share of the authors' channels in the generator; the critic is theirs"""
    z_dim: int = 100
    """as the authors'"""
    count: int = 1_000
    """pictures of each digit, as the authors'"""
    samples: int = 2_000
    """that are judged, against as many pictures that were never shown"""
    seeds: int = 3
    """runs of each cell"""
    precision: Precision = "bf16"
    """what the networks compute in"""


@dataclass(frozen=True)
class Rule:
    """When a run counts as failed; written down before the runs were made, kept in the table."""

    precision: float = 0.5
    """off the family: fewer of the samples than this lie on it"""
    recall: float = 0.75
    """collapsed: fewer of the held pictures than this have a sample near them; seven digits of ten,
    each drawn in all its places, fail, and eight pass"""


def verdict(row: dict[str, Any], rule: Rule = Rule()) -> str:
    """One word for a row of the table: not finite, off the family, collapsed, or drawn."""
    if not row["finite"]:
        return "not finite"
    if row["precision"] < rule.precision:
        return "off the family"
    return "collapsed" if row["recall"] < rule.recall else "drawn"


def judged(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The table's rows, each with its "verdict"."""
    rule = Rule(**table["rule"])
    return [{**row, "verdict": verdict(row, rule)} for row in table["runs"]]


def keys(settings: Settings) -> list[Key]:
    """Every run of the table; seed by seed, so that an unfinished table lacks whole seeds."""
    return [
        {"set": name, "critic": critic, "objective": objective, "seed": seed}
        for seed in range(settings.seeds)
        for name, critic in CELLS
        for objective in OBJECTIVES
    ]


def source_of(name: str, settings: Settings) -> DigitsShifted:
    """The set of this name."""
    return DigitsShifted(count=settings.count, rotate=SETS[name])


def recipe_of(key: Key, settings: Settings) -> Recipe:
    """The recipe of one run."""
    return Recipe(
        networks=SmallDigitsNetworks(
            z_dim=settings.z_dim,
            width=settings.width,
            critic_norm=key["critic"] == "with BatchNorm",
        ),
        objective=OBJECTIVES[key["objective"]],
        data=f"digits, {key['set']}",
        images=settings.images,
        batch_size=settings.batch_size,
        critic_lr=settings.critic_lr,
        generator_lr=settings.generator_lr,
        average_half_life=max(1, settings.images // 10),
        tick=max(settings.batch_size, settings.images // 20),
        seed=key["seed"],
        watch="warn",
    )


@dataclass(frozen=True)
class Task:
    """One of the two sets, ready to be trained on and judged by."""

    shown: ImageSet
    held: torch.Tensor
    """float (N, 1, 28, 28): pictures of the same family that are not in the set"""
    family: ShiftedFamily


def task_of(name: str, settings: Settings) -> Task:
    """Make the set, as many other pictures as are judged by, and the grid over the family."""
    source = source_of(name, settings)
    others = DigitsShifted(count=settings.samples // 10, rotate=source.rotate)
    held = to_float(pictures(others, first=source.count).images)
    return Task(pictures(source), held, ShiftedFamily.of(source))


def run_one(key: Key, settings: Settings, task: Task) -> Outcome:
    """Train on the set, and judge the generator as it stands at the end, and the averaged one."""
    recipe = recipe_of(key, settings)
    trainer, warned = train_to_the_end(recipe, task.shown, settings.precision)
    if trainer is None:
        blank = torch.zeros(20, 28, 28, dtype=torch.uint8)
        return {"finite": False, "warned": warned}, blank.numpy()
    last, average = last_and_average(trainer, len(task.held))
    row: dict[str, Any] = {"finite": bool(last.isfinite().all()), "warned": warned}
    if row["finite"]:
        row |= task.family.measures(last, task.held)
        row["average"] = task.family.measures(average, task.held)
    row["scores"] = [trainer.history[-1][f"score_{kind}"] for kind in ("real", "fake")]
    return row, to_uint8(last[:20]).squeeze(1).numpy()


def make_table(out: Path, settings: Settings = Settings()) -> dict[str, Any]:
    """Make the runs that the file lacks; returns the table.

    "real" in it: what a perfect generator would measure, that is, pictures of the set itself.
    """
    tasks = {name: task_of(name, settings) for name in SETS}
    real = {}
    for name, task in tasks.items():
        perfect = to_float(task.shown.images[: len(task.held)])
        real[name] = task.family.measures(perfect, task.held)
        real[name]["tolerance"] = task.family.tolerance
    head = {
        "command": command_of(NAME),
        "settings": asdict(settings),
        "rule": asdict(Rule()),
        "machine": machine(torch.device("cpu")),
        "real": real,
    }
    return fill(out, head, keys(settings), lambda key: run_one(key, settings, tasks[key["set"]]))


def main(out: Path = _OUT, threads: int = 1) -> None:
    """Train all cells, and write the table after every run; Ctrl-C loses nothing.

    Args:
        out: the JSON file; runs that are in it already are kept.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    rows = judged(make_table(out))
    failed = sum(row["verdict"] != "drawn" for row in rows)
    print(f"{out}: {len(rows)} runs, of which {failed} failed.")


if __name__ == "__main__":
    run_command(main, NAME)
