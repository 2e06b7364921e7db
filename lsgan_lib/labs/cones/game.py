"""The best critics of the cone drawer's points, and the force on the generated ones. Chapter 07.

The critics are the linear programmes of `lsgan_lib.evaluation.cones`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from lsgan_lib.evaluation.cones import (
    BestCritics,
    best_critics,
    distances,
    upper_cone,
    violations,
)
from lsgan_lib.evaluation.sloped_cones import best_sloped_critics
from lsgan_lib.labs.cones.points import ConeSettings, Place, Side, points_of

RING = 0.02
"""radius of the ring on which the force on a point is taken"""
ACTIVE = 1e-5
"""a hinge counts as active above this: the programme is solved to seven digits"""


def tensor(points: tuple[Place, ...], dimensions: int) -> Tensor:
    """(N, dimensions), in double precision."""
    return torch.tensor(points, dtype=torch.float64).view(-1, 2)[:, :dimensions]


def solve(settings: ConeSettings) -> BestCritics | None:
    """The least and the greatest best critic; None while one of the two kinds is missing.

    The distance is Euclidean: in the plane the slope is the length of the gradient.
    """
    if not settings.real or not settings.fake:
        return None
    real, fake = (tensor(p, settings.dimensions) for p in (settings.real, settings.fake))
    if settings.slope == 0:
        return best_critics(real, fake, kappa=settings.kappa, lam=settings.lam, norm="l2")
    return best_sloped_critics(
        real, fake, kappa=settings.kappa, slope=settings.slope, lam=settings.lam, norm="l2"
    )


def critic_of(best: BestCritics, side: Side) -> Callable[[Tensor], Tensor]:
    """The critic that the generator meets, (P, D) to (P,)."""
    match side:
        case "lower":
            return best.lower
        case "upper":
            return best.upper
        case "half-way":
            return lambda places: (best.lower(places) + best.upper(places)) / 2
        case _:
            return lambda places: upper_cone(
                places, best.points, best.least, best.kappa, norm=best.norm
            )


def values_of(best: BestCritics, side: Side) -> Tensor:
    """Its values (n + m,) at the points, real ones first."""
    match side:
        case "upper":
            return best.greatest
        case "half-way":
            return (best.least + best.greatest) / 2
        case _:
            return best.least


Verdict = Literal["pulled", "flat", "summit", "pit"]


class Force(NamedTuple):
    """What the generator feels around its m points. D: 1 or 2; R: 2 places on a line, else 12."""

    mean: Tensor
    """(m, D), minus the critic's gradient, averaged over a ring around each point"""
    around: Tensor
    """(m, R, D), minus the gradient at each place of the ring"""
    ring: Tensor
    """(R, D), directions of length 1 to the places of the ring"""
    verdicts: list[Verdict]
    """pulled: in one direction. summit: away on all sides. pit: back on all sides. flat: not"""


def forces(best: BestCritics, side: Side) -> Force:
    """Minus the critic's gradient on a small ring around each generated point.

    *At* a point the cones have a tip, and no gradient. A generator with fresh noise puts its next
    samples around the point, so the ring is what it feels.
    """
    dimensions = best.fake.shape[1]
    ring = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    if dimensions == 2:
        turn = torch.arange(12, dtype=torch.float64) * math.tau / 12
        ring = torch.stack([turn.cos(), turn.sin()], dim=1)
    places = (best.fake[:, None] + RING * ring).flatten(0, 1).requires_grad_()
    (gradient,) = torch.autograd.grad(critic_of(best, side)(places).sum(), places)
    around = -gradient.view(len(best.fake), len(ring), dimensions)
    mean, outward = around.mean(dim=1), (around * ring).sum(dim=2).mean(dim=1)
    verdicts: list[Verdict] = []
    for pull, out in zip((mean.norm(dim=1) / best.kappa), outward / best.kappa, strict=True):
        if pull > 0.1:
            verdicts.append("pulled")
        elif abs(out) < 0.1:
            verdicts.append("flat")
        else:
            verdicts.append("summit" if out > 0 else "pit")
    return Force(mean, around, ring, verdicts)


class Shown(NamedTuple):
    """All numbers of one picture."""

    best: BestCritics
    values: Tensor
    """(n + m,) of the critic that the generator meets"""
    excess: Tensor
    """(n, m), margin + L(x) - L(y): positive where a hinge is active"""
    force: Force


def compute(settings: ConeSettings) -> Shown | None:
    """Everything that the picture shows but the heights between the points."""
    return _compute(replace(settings, cursor=(0.0, 0.0), adds="real"))  # neither changes a critic


@functools.lru_cache(maxsize=8)
def _compute(settings: ConeSettings) -> Shown | None:
    best = solve(settings)
    if best is None:
        return None
    values, n = values_of(best, settings.side), len(best.real)
    margins = distances(best.real, best.fake, norm="l2")
    excess = violations(values[:n], values[n:], margins)
    return Shown(best, values, excess, forces(best, settings.side))


def words(settings: ConeSettings) -> str:
    """What the picture shows, in a few sentences."""
    shown = compute(settings)
    if shown is None:
        missing = " and ".join(
            kind for kind in ("real", "generated") if not points_of(settings, kind)
        )
        return f"A game needs points of both kinds: add a {missing} one."
    active, verdicts = int((shown.excess > ACTIVE).sum()), shown.force.verdicts
    held = {
        "pulled": "pulled in one direction",
        "summit": "on a summit (away on all sides)",
        "pit": "in a pit (back on all sides)",
        "flat": "not pulled at all",
    }
    felt = ", ".join(f"{verdicts.count(v)} {text}" for v, text in held.items() if v in verdicts)
    value = _number(round(shown.best.value, 3) + 0.0)  # no minus sign before a 0
    return (
        f"{len(settings.real)} real and {len(settings.fake)} generated points, κ = "
        f"{_number(settings.kappa)}, λ = {_number(settings.lam)}, slope {_number(settings.slope)}. "
        f"Smallest objective {value}; {active} of {shown.excess.numel()} hinges are "
        f"active. Of the generated points, by the critic “{settings.side}”: {felt}."
    )


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
