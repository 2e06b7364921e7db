"""How many turns should the critic take for one of the generator's? Several seeds of each answer.

    python -m lsgan_lib.experiments.critic_turns

The three-mode mixture of chapter 01, both forms of the cross-entropy game, and 1, 2, 4 or 8 turns
of the critic in each round. The rounds, and so the generator's turns, are the same for all: a
critic with more turns has seen more points. Chapter 01 reads the table; the points that each run
ended with lie beside it. More seeds can be added to a finished table: `--seeds 10`.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lsgan_lib.data.mixtures import triangle
from lsgan_lib.evaluation.divergences import blurred_jensen_shannon
from lsgan_lib.evaluation.window import Window
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.filling import Key, Outcome, fill
from lsgan_lib.experiments.tables import command_of, table_path
from lsgan_lib.losses.objectives import CrossEntropy
from lsgan_lib.networks import MLPNetworks
from lsgan_lib.training import Recipe, train
from lsgan_lib.training.loop import Trainer
from lsgan_lib.training.where import machine

NAME = "critic_turns"
SEEDS = 5  # runs of each cell; no setting, as a table keeps its rows when there are more
FORMS = {"non-saturating": False, "saturating": True}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all runs share, and what they are compared in; recorded with the table."""

    turns: tuple[int, ...] = (1, 2, 4, 8)
    """of the critic in a round"""
    rounds: int = 1_000
    """turns of the generator"""
    looks: int = 10
    """times at which the divergence is measured, evenly spaced"""
    samples: int = 2_000
    """generated points in each measurement"""
    blur: float = 0.1
    """under the divergence, in units of the plane"""
    kept: int = 300
    """points of each run that are kept"""


def recipe_of(
    turns: int = 4, *, saturating: bool = False, rounds: int = 1_000, looks: int = 10, seed: int = 0
) -> Recipe:
    """The recipe of one run, which chapter 01 trains with the defaults."""
    points = 128 * turns  # shown to the critic in a round
    return Recipe(
        networks=MLPNetworks(z_dim=2, hidden=64, depth=2, activation="relu", gain=1.0),
        objective=CrossEntropy(saturating=saturating),
        data="triangle",
        images=points * rounds,
        batch_size=128,
        critic_steps=turns,
        critic_lr=2e-3,
        generator_lr=1e-3,
        beta2=0.99,
        average_half_life=50 * points,
        tick=points * rounds // looks,
        sample_count=2_000,
        watch="warn",
        seed=seed,
    )


def run(key: Key, settings: Settings) -> Outcome:
    """Train one run; what it measured, and the points it ended with."""
    data, window = triangle(), Window()
    recipe = recipe_of(
        key["turns"],
        saturating=FORMS[key["form"]],
        rounds=settings.rounds,
        looks=settings.looks,
        seed=key["seed"],
    )
    recipe = dataclasses.replace(recipe, sample_count=settings.samples)
    curve: list[float] = []

    def distance(trainer: Trainer, network: torch.nn.Module) -> float:
        points = trainer.samples(network)
        return blurred_jensen_shannon(points, data, window, settings.blur).item()

    trainer = train(
        recipe,
        data,
        device="cpu",
        on_tick=lambda trainer: curve.append(round(distance(trainer, trainer.generator), 4)),
    )
    outcome: dict[str, Any] = {
        "divergence": curve[-1],
        "of_average": round(distance(trainer, trainer.average), 4),
        "critic_loss": round(trainer.history[-1]["critic_loss"], 4),
        "curve": curve,
    }
    points = trainer.samples(trainer.generator)[: settings.kept]
    return outcome, points.numpy().astype(np.float16)


def main(out: Path | None = None, seeds: int = SEEDS, settings: Settings = Settings()) -> None:
    """Make the table, or what is missing of it.

    Args:
        out: the file; assets/tables/critic_turns.json if not given.
        seeds: runs of each cell, the first of them seed 0.
        settings: of all runs.
    """
    torch.set_num_threads(1)
    keys: list[Key] = [
        {"form": form, "turns": turns, "seed": seed}
        for seed in range(seeds)
        for turns in settings.turns
        for form in FORMS
    ]
    head = {
        "command": command_of(NAME),
        "machine": machine(torch.device("cpu")),
        # as JSON holds them, so that they compare equal when read again
        "settings": dataclasses.asdict(settings) | {"turns": list(settings.turns)},
    }
    fill(out or table_path(NAME), head, keys, lambda key: run(key, settings))


if __name__ == "__main__":
    run_command(main, NAME)
