"""All settings of the live GAN lab as one value; `text` writes it as a short string."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch

from lsgan_lib.data.mixtures import Mixture, grid, ring, triangle
from lsgan_lib.losses.checks import check_choice
from lsgan_lib.losses.objectives import (
    AnyObjective,
    CrossEntropy,
    LeastSquares,
    LossSensitive,
    Penalty,
    Wasserstein,
)
from lsgan_lib.networks import MLPNetworks
from lsgan_lib.training.recipe import Recipe

DATA = ("line", "two bumps", "triangle", "ring", "grid", "disjoint", "drawn")
OBJECTIVES = ("saturating", "cross-entropy", "least squares", "loss-sensitive", "wasserstein")
OPTIMISERS = ("adam", "rmsprop")
USUAL_PENALTY = {"loss-sensitive": 0.1, "wasserstein": 1.0}
"""weight of the slope penalty where none is asked for; the other objectives go without"""

SPAN = 2.0  # half the side of the part of the plane that is drawn
CELLS = 64  # places along each axis at which a point can be drawn
MOST_POINTS = 100  # that a drawing can have
RANGES = {
    **{"a": (-4, 4), "b": (-4, 4), "c": (-4, 4), "slope": (-1, 1), "margin": (0, 10)},
    **{"penalty": (0, 100), "width": (2, 128), "depth": (1, 4), "critic": (1e-6, 1)},
    **{"generator": (1e-6, 1), "turns": (1, 8), "batch": (2, 256), "seed": (0, 2**31 - 1)},
}
SMILE = tuple((round(31.5 + 20 * math.sin(t / 5)), round(38 - 20 * math.cos(t / 5)))
              for t in range(-6, 7))  # fmt: skip
"""what is drawn before the reader draws"""


@dataclass(frozen=True)
class LiveState:
    """One game: everything that its pictures depend on, besides the turns that were played."""

    data: str = "ring"
    objective: str = "cross-entropy"
    a: float = 0.0
    """least squares only: target for fake scores"""
    b: float = 1.0
    """least squares only: target for real scores"""
    c: float = 1.0
    """least squares only: score that the generator aims at"""
    slope: float = 0.0
    """loss-sensitive only: of the cost left of zero"""
    margin: float = 0.5
    """loss-sensitive only: factor in front of the distance"""
    penalty: float = 0.0
    """weight of |slope - 1|^2 between samples for wasserstein, else of |slope|^2 at real ones"""
    width: int = 32
    """units in a hidden layer"""
    depth: int = 2
    """hidden layers"""
    optimiser: str = "adam"
    critic: float = 2e-3
    """the critic's learning rate"""
    generator: float = 1e-3
    """the generator's learning rate"""
    turns: int = 1
    """of the critic in a round"""
    batch: int = 64
    """points a turn"""
    seed: int = 0
    points: tuple[tuple[int, int], ...] = SMILE
    """drawn only: places from the left and from below, 0 to 63"""

    def __post_init__(self) -> None:
        check_choice("data", self.data, DATA)
        check_choice("objective", self.objective, OBJECTIVES)
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        for name, (low, high) in RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, but belongs between {low} and {high}."
                )
        if not 1 <= len(self.points) <= MOST_POINTS:
            raise ValueError(f"a drawing has from 1 to {MOST_POINTS} points.")
        if any(not 0 <= place < CELLS for point in self.points for place in point):
            raise ValueError(f"a drawn point lies outside the {CELLS} x {CELLS} places.")
        self.loss  # noqa: B018 - refuses what no objective can be made of

    @property
    def mixture(self) -> Mixture:
        """The data. All of it is Gaussians, so that its density is known."""
        line = torch.linspace(-1, 1, 24)
        match self.data:
            case "line":
                return _equal(torch.stack([1.2 * line, 0.7 * line], dim=1), 0.06)
            case "two bumps":
                return _equal(torch.tensor([[-0.9, 0.0], [0.9, 0.0]]), 0.25)
            case "triangle":
                return triangle()
            case "ring":
                return ring(std=0.06)
            case "grid":
                return grid(spacing=0.7, std=0.06)
            case "disjoint":
                far = torch.full_like(line, 1.3)
                apart = torch.stack([torch.cat([-far, far]), torch.cat([line, line]) * 0.6], dim=1)
                return _equal(apart, 0.06)
            case _:
                return _equal((torch.tensor(self.points) + 0.5) * (2 * SPAN / CELLS) - SPAN, 0.06)

    @property
    def loss(self) -> AnyObjective:
        """The objective with its settings."""
        flat = Penalty("gradient_norm", self.penalty, power=2) if self.penalty else None
        match self.objective:
            case "least squares":
                return LeastSquares(self.a, self.b, self.c, flat)
            case "loss-sensitive":
                return LossSensitive(
                    slope=self.slope, norm="l2", margin_scale=self.margin, penalty=flat
                )
            case "wasserstein":
                return Wasserstein(Penalty("interpolates", self.penalty) if self.penalty else None)
            case form:
                return CrossEntropy(form == "saturating", flat)

    def recipe(self, every: int) -> Recipe:
        """For `Trainer`; every: rounds in a tick. Networks and Adam's memory as in chapter 01."""
        return Recipe(
            networks=MLPNetworks(
                z_dim=2, hidden=self.width, depth=self.depth, activation="relu", gain=1.0
            ),
            objective=self.loss,
            data=self.data,
            batch_size=self.batch,
            critic_steps=self.turns,
            optimiser="rmsprop" if self.optimiser == "rmsprop" else "adam",
            critic_lr=self.critic,
            generator_lr=self.generator,
            beta2=0.99,
            tick=every * self.turns * self.batch,
            watch="warn",
            seed=self.seed,
        )

    def with_objective(self, objective: str) -> LiveState:
        """The same game with another objective and the penalty that goes with it."""
        return replace(self, objective=objective, penalty=USUAL_PENALTY.get(objective, 0.0))


def changed(
    states: tuple[LiveState, ...], number: int | None, name: str, value: Any
) -> tuple[LiveState, ...]:
    """The states with another value of one setting: of the game of that number, None: of all.

    Raises ValueError with a sentence where such a game cannot be played.
    """
    return tuple(
        state if number not in (None, place)
        else state.with_objective(value) if name == "objective"
        else replace(state, **{name: value})
        for place, state in enumerate(states)
    )  # fmt: skip


def _equal(centres: torch.Tensor, std: float) -> Mixture:
    return Mixture(centres, torch.full((len(centres),), 1 / len(centres)), std)
