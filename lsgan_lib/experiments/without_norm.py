"""Stability without BatchNorm: which networks lose it, which optimiser, which loss.

    python -m lsgan_lib.experiments.without_norm

After the experiment of Mao et al., ICCV 2017, whose published code (xudonmao/LSGAN, folder
stability_comparison) holds two pairs of runs on LSUN bedrooms of 64 pixels: BatchNorm left out of
the generator with Adam, and out of both networks with RMSProp. Its two least-squares runs use two
codings, (0,1,1) and (-1,1,0). Here every combination is run, in both codings, on the book's digits
at 14 by 14 pixels, with a row that keeps BatchNorm beside them. Chapter 05 reads the table.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import torch
from torch import Tensor

from lsgan_lib.data import digits, make_set, to_float, to_uint8
from lsgan_lib.data.image_set import ImageSet
from lsgan_lib.evaluation.neighbours import agreement
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.filling import Key, Outcome, fill
from lsgan_lib.experiments.tables import command_of, table_path
from lsgan_lib.experiments.to_the_end import last_and_average, train_to_the_end
from lsgan_lib.losses.objectives import AnyObjective, CrossEntropy, LeastSquares
from lsgan_lib.networks import DCGANNetworks
from lsgan_lib.training import Recipe
from lsgan_lib.training.distance import sliced_wasserstein, spread
from lsgan_lib.training.precision import Precision
from lsgan_lib.training.where import machine

NAME = "without_norm"
_OUT = table_path(NAME)
NORMS = ("both", "critic only", "neither")
"""Which networks keep BatchNorm: the base, without it in G, without it in G and D."""
OPTIMISERS: tuple[Literal["adam", "rmsprop"], ...] = ("adam", "rmsprop")
OBJECTIVES: dict[str, AnyObjective] = {
    "least squares (0,1,1)": LeastSquares(a=0.0, b=1.0, c=1.0),
    "least squares (-1,1,0)": LeastSquares(a=-1.0, b=1.0, c=0.0),
    "cross-entropy": CrossEntropy(),
}


@dataclass(frozen=True)
class Settings:
    """What all runs of the table share; recorded with it."""

    images: int = 19_200
    """shown in each run: 600 steps"""
    batch_size: int = 32
    """the authors' is 64"""
    generator_steps: int = 2
    """a step, as in chapter 04; with the authors' 1, cross-entropy failed even with BatchNorm
    (one run of 600 steps of 64)"""
    critic_lr: float = 5e-4
    """as in chapter 04; the authors' 2e-4 needs more steps than a CPU can spare"""
    generator_lr: float = 1e-3
    """as in chapter 04"""
    width: float = 0.25
    """share of the authors' channels"""
    z_dim: int = 100
    """the authors' is 1024"""
    held_back: int = 1_000
    """the last digits of the set, never trained on, by which samples are judged"""
    seeds: int = 3
    """runs of each cell"""
    precision: Precision = "bf16"
    """what the networks compute in"""


@dataclass(frozen=True)
class Rule:
    """When a run counts as failed; written down before the runs were made, kept in the table."""

    spread: float = 0.5
    """collapsed: samples vary less than this share of the held-back digits' spread,"""
    classes: int = 5
    """or fewer classes are drawn than this; drawn is what at least 1 % of the samples look like"""
    distance: float = 2.0
    """no digits: sliced Wasserstein distance over so many times the base's median"""


def verdict(row: dict[str, Any], base: float, rule: Rule = Rule()) -> str:
    """One word for a row of the table: not finite, collapsed, no digits, or drawn.

    base: the median distance of the runs that keep BatchNorm in both networks.
    """
    if not row["finite"]:
        return "not finite"
    if row["spread"] < rule.spread or row["classes"] < rule.classes:
        return "collapsed"
    return "no digits" if row["distance"] > rule.distance * base else "drawn"


def judged(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The table's rows, each with its "verdict"."""
    rule = Rule(**table["rule"])
    base = base_distance(table["runs"])
    return [{**row, "verdict": verdict(row, base, rule)} for row in table["runs"]]


def base_distance(runs: Sequence[dict[str, Any]]) -> float:
    """Median distance of the finite runs that keep BatchNorm; raises ValueError without any."""
    kept = [row["distance"] for row in runs if row["norm"] == "both" and row["finite"]]
    if not kept:
        raise ValueError("no finite run keeps BatchNorm, so there is no base to compare with.")
    return median(kept)


def small_digits() -> ImageSet:
    """The book's 5,000 digits at 14 by 14 pixels, each the mean of two by two."""
    whole = digits()
    halved = torch.nn.functional.avg_pool2d(to_float(whole.images), 2)
    return make_set(to_uint8(halved), whole.labels, name="digits, 14 x 14", source=whole.name)


def measures(samples: Tensor, held: Tensor, known: ImageSet) -> dict[str, Any]:
    """How samples compare with held-back images.

    samples, held: float (N, 1, H, W) in [-1, 1], as many of each. known: the training images, whose
    five nearest name a sample. Returns distance (sliced Wasserstein), spread (share of the held
    images'), agreement (mean share of the five nearest that bear one label), classes (how many
    labels at least 1 % of the samples get) and shares (of the samples, by label).
    """
    assert known.labels is not None
    label, share = agreement(samples, to_float(known.images), known.labels)
    shares = label.bincount(minlength=10) / len(samples)
    return {
        "distance": sliced_wasserstein(samples, held),
        "spread": spread(samples) / spread(held),
        "agreement": share.mean().item(),
        "classes": int((shares >= 0.01).sum()),
        "shares": [round(part, 4) for part in shares.tolist()],
    }


def keys(settings: Settings) -> list[Key]:
    """Every run of the table; seed by seed, so that an unfinished table lacks whole seeds."""
    return [
        {"norm": norm, "optimiser": optimiser, "objective": objective, "seed": seed}
        for seed in range(settings.seeds)
        for norm in NORMS
        for optimiser in OPTIMISERS
        for objective in OBJECTIVES
    ]


def recipe_of(key: Key, settings: Settings) -> Recipe:
    """The recipe of one run."""
    return Recipe(
        networks=DCGANNetworks(
            size=14,
            z_dim=settings.z_dim,
            width=settings.width,
            generator_norm=key["norm"] == "both",
            critic_norm=key["norm"] != "neither",
        ),
        objective=OBJECTIVES[key["objective"]],
        data="digits",
        images=settings.images,
        batch_size=settings.batch_size,
        generator_steps=settings.generator_steps,
        optimiser=key["optimiser"],
        critic_lr=settings.critic_lr,
        generator_lr=settings.generator_lr,
        average_half_life=settings.images // 10,
        tick=max(settings.batch_size, settings.images // 20),
        seed=key["seed"],
        watch="warn",
    )


def run_one(key: Key, settings: Settings, data: ImageSet) -> Outcome:
    """Train on all but the held-back images, and judge the generator by those.

    As in the authors' code it is the generator as it stands at the end that is judged; the averaged
    one is measured too, under "average". Where numbers were not finite, nothing can be judged.
    """
    recipe = recipe_of(key, settings)
    shown = data.first(len(data) - settings.held_back)
    trainer, warned = train_to_the_end(recipe, shown, settings.precision)
    if trainer is None:
        blank = torch.zeros(8, *shown.images.shape[2:], dtype=torch.uint8)
        return {"finite": False, "warned": warned}, blank.numpy()
    held = to_float(data.images[-settings.held_back :])
    last, average = last_and_average(trainer, settings.held_back)
    row: dict[str, Any] = {"finite": bool(last.isfinite().all()), "warned": warned}
    if row["finite"]:
        row |= measures(last, held, shown)
        row["average"] = measures(average, held, shown)
    row["spreads"] = [round(tick["spread"], 4) for tick in trainer.history]
    row["scores"] = [trainer.history[-1][f"score_{kind}"] for kind in ("real", "fake")]
    return row, to_uint8(last[:8]).squeeze(1).numpy()


def make_table(out: Path, settings: Settings = Settings()) -> dict[str, Any]:
    """Make the runs that the file lacks; returns the table."""
    data = small_digits()
    shown = data.first(len(data) - settings.held_back)
    held = to_float(data.images[-settings.held_back :])
    head = {
        "command": command_of(NAME),
        "settings": asdict(settings),
        "rule": asdict(Rule()),
        "machine": machine(torch.device("cpu")),
        "real": measures(held, to_float(shown.images[: settings.held_back]), shown),
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
    failed = sum(row["verdict"] != "drawn" for row in rows)
    print(f"{out}: {len(rows)} runs, of which {failed} failed.")


if __name__ == "__main__":
    run_command(main, NAME)
