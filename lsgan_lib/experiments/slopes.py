"""From LS-GAN to WGAN on the ring of eight: six costs, four bounds on the slope, ten seeds.

    python -m lsgan_lib.experiments.slopes

GLS-GAN's cost is max(a, slope * a): -1 is |a|, 0 the hinge of LS-GAN, 1 leaves WGAN's objective.
ELU is the sixth. What bounds the critic is its architecture (`AlmostOrthogonalNetworks`): no
penalty, no clipping. It is never steeper than 1, and the margin of a pair is its distance divided
by kappa: in units of the margin the critic is never steeper than kappa, and nothing else changes.
All runs of one cost train at once as one batched model, in the same places of it for every cost:
what differs between two costs is not a matter of rounding. Chapter 10 reads the table.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lsgan_lib.data import Mixture, ring
from lsgan_lib.evaluation.modes import SAMPLES, count_modes
from lsgan_lib.experiments.command import run_command
from lsgan_lib.experiments.filling import Key, Outcome, fill
from lsgan_lib.experiments.tables import command_of, table_path
from lsgan_lib.losses.objectives import LossSensitive
from lsgan_lib.losses.penalties import input_gradient
from lsgan_lib.networks.almost_orthogonal import AlmostOrthogonalNetworks
from lsgan_lib.training.distance import sliced_wasserstein
from lsgan_lib.training.many_seeds import Cell, ManySeeds, PointSettings, train_cells
from lsgan_lib.training.where import machine

NAME = "slopes"
COSTS: dict[str, dict[str, Any]] = {
    "-1": {"slope": -1.0},
    "0": {"slope": 0.0},
    "0.01": {"slope": 0.01},
    "0.5": {"slope": 0.5},
    "1": {"slope": 1.0},
    "elu": {"cost": "elu"},
}
"""The costs by name: what `LossSensitive` is told."""
MEASURES = ("modes", "high_quality", "distance", "active", "slope", "margin")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all runs share; recorded with the table."""

    points: PointSettings = PointSettings(
        networks=AlmostOrthogonalNetworks(kappa=1.0, hidden=32),
        steps=4_000,
        batch_size=64,
        critic_lr=5e-3,
        generator_lr=3e-4,
        beta1=0.0,
        beta2=0.99,
    )
    """a quick critic and a slow generator: with two of one speed both circled"""
    kappas: tuple[float, ...] = (0.5, 2.0, 8.0, 32.0)
    """steepest slope of the critic, in units of the margin"""
    seeds: int = 10
    """runs of each cell"""
    every: int = 500
    """steps between two looks"""
    pairs: int = 500
    """of a real and a generated point, for the share of active hinges and the slope"""
    kept: int = 400
    """samples of each run that are kept at the end, for pictures"""


def objective_of(cost: str, kappa: float) -> LossSensitive:
    """The objective of one cell, for a critic of slope 1: Euclidean margins, divided by kappa."""
    return LossSensitive(norm="l2", margin_scale=1 / kappa, penalty=None, **COSTS[cost])


def measured(
    runs: ManySeeds, run: int, points: torch.Tensor, cell: Cell, settings: Settings
) -> dict[str, float]:
    """What one run is like now, from the points (SAMPLES, 2) that it makes.

    modes, high_quality: by the published count. distance: sliced Wasserstein, to fresh data.
    active: share of random pairs whose hinge is active, margin: mean of these pairs, as training
    logs them. slope: mean length of the critic's gradient at the generated points, in units of the
    margin (so at most kappa).
    """
    assert isinstance(cell.objective, LossSensitive)
    real = cell.mixture.sample(len(points), torch.Generator().manual_seed(0))
    critic, count = runs.critic.network(run), count_modes(points, cell.mixture)
    pairs = real[: settings.pairs], points[: settings.pairs]
    with torch.no_grad():
        terms = cell.objective.critic_loss(critic, *pairs)[1]
    steep = input_gradient(critic, pairs[1]).detach().norm(dim=1).mean().item()
    return {
        "modes": count.modes,
        "high_quality": count.high_quality,
        "distance": sliced_wasserstein(points, real),
        "active": terms["active_hinges"].item(),
        "slope": steep / cell.objective.margin_scale,
        "margin": terms["margin"].item(),
    }


def run_cost(cost: str, settings: Settings, mixture: Mixture | None = None) -> Outcome:
    """Train all kappas and seeds of one cost; a list a measure of each cell, looks by seeds.

    Points have the shape (kappas, seeds, kept, 2).
    """
    mixture = mixture or ring()
    seeds = tuple(range(settings.seeds))
    cells = [Cell(mixture, objective_of(cost, kappa), seeds) for kappa in settings.kappas]
    steps: list[int] = []
    found: list[dict[str, list[list[float]]]] = [{m: [] for m in MEASURES} for _ in cells]

    def look(runs: ManySeeds) -> None:
        steps.append(runs.done)
        for c, points in enumerate(runs.samples(SAMPLES)):
            rows = [
                measured(runs, c * settings.seeds + seed, points[seed], cells[c], settings)
                for seed in seeds
            ]
            for measure, looks in found[c].items():
                looks.append([round(row[measure], 4) for row in rows])

    runs = train_cells(cells, settings.points, every=settings.every, look=look)
    last = torch.stack(runs.samples(settings.kept))
    named = [{"kappa": kappa, **rows} for kappa, rows in zip(settings.kappas, found, strict=True)]
    return {"steps": steps, "cells": named}, last.half().numpy()


def make_table(out: Path, settings: Settings = Settings()) -> dict[str, Any]:
    """Run the costs that the file lacks and return the whole table; points go to the .npz beside.

    Raises BookError when the file was made with other settings.
    """
    described = dataclasses.asdict(settings)
    described["kappas"] = list(settings.kappas)  # as JSON holds them
    head = {
        "command": command_of(NAME),
        "bound": "architecture: almost-orthogonal layers, slope at most 1; no penalty, no clipping",
        "machine": machine(torch.device("cpu")) | {"threads": 1},
        "settings": described,
    }
    keys: list[Key] = [{"cost": cost} for cost in COSTS]
    return fill(out, head, keys, lambda key: run_cost(key["cost"], settings))


def last_counts(table: dict[str, Any], measure: str) -> np.ndarray:
    """One measure at the end of every run: (costs, kappas, seeds), in the order of the table."""
    rows = [[cell[measure][-1] for cell in row["cells"]] for row in table["runs"]]
    return np.array(rows)


def main(out: Path | None = None) -> None:
    """Train all costs and write the table after each; Ctrl-C loses the cost in progress only.

    Args:
        out: the JSON file; assets/tables/slopes.json if not given. Costs in it already are kept.
    """
    torch.set_num_threads(1)
    table = make_table(out or table_path(NAME))
    modes = last_counts(table, "modes").mean(axis=2)
    print(f"{len(table['runs'])} costs; modes by cost and kappa:\n{modes}")


if __name__ == "__main__":
    run_command(main, NAME)
