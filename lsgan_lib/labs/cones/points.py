"""The cone drawer's state, a frozen record: points are added, moved and removed by functions that
return a new one. Chapter 07.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["real", "generated"]
Side = Literal["lower", "half-way", "upper", "upper over least values"]
Place = tuple[float, float]

SPAN = 3.0
"""places lie in [-SPAN, SPAN], on a line or in the plane"""
GRAIN = 0.1
"""points stand on this grid, so that distances can be worked out by hand"""
MOST = 10
"""points of a kind; the programme has a slack for each pair, and must answer at once"""


@dataclass(frozen=True)
class ConeSettings:
    """All that the cone drawer's picture depends on."""

    real: tuple[Place, ...] = ((-2.0, 0.4), (-1.3, -0.9), (-0.4, 0.5), (0.6, -0.3))
    fake: tuple[Place, ...] = ((0.2, 1.6), (1.4, 0.6), (2.4, -1.2))
    dimensions: Literal[1, 2] = 1
    """on a line only the first coordinate of a point counts; the second one waits"""
    kappa: float = 0.5
    """steepest slope allowed, in units of the distance"""
    lam: float = 1.0
    """weight of the margins"""
    slope: float = 0.0
    """of the cost of a margin that is kept (GLS-GAN): 0 is the hinge, 1 WGAN's objective"""
    side: Side = "upper"
    """which best critic the generator meets: the least, the greatest, the mean of the two, or the
    greatest of those with the least values at the points"""
    adds: Kind = "real"
    """what a click adds"""
    cursor: Place = (0.0, 0.0)

    def __post_init__(self) -> None:
        for kind, points in (("real", self.real), ("generated", self.fake)):
            if len(points) > MOST:
                raise ValueError(
                    f"{len(points)} {kind} points, but {MOST} are the most that are drawn at once."
                )


ARROWS: dict[str, Place] = {
    "ArrowLeft": (-GRAIN, 0.0),
    "ArrowRight": (GRAIN, 0.0),
    "ArrowUp": (0.0, GRAIN),
    "ArrowDown": (0.0, -GRAIN),
}


def stepped(settings: ConeSettings, key: str) -> Place:
    """Where the cursor is after one press of an arrow key; on a line there is no up and down."""
    (x, y), (right, up) = settings.cursor, ARROWS[key]
    return snapped((x + right, y + up if settings.dimensions == 2 else y))


def points_of(settings: ConeSettings, kind: Kind) -> tuple[Place, ...]:
    """The real or the generated points."""
    return settings.real if kind == "real" else settings.fake


def snapped(place: Place) -> Place:
    """The nearest place of the grid inside the square."""
    x, y = (min(SPAN, max(-SPAN, round(round(c / GRAIN) * GRAIN, 6))) + 0.0 for c in place)
    return x, y


def added(settings: ConeSettings, place: Place) -> ConeSettings:
    """With one more point of the kind that a click adds. Raises ValueError if there are `MOST`."""
    there = points_of(settings, settings.adds)
    if len(there) >= MOST:
        raise ValueError(
            f"{MOST} {settings.adds} points are the most that are drawn at once. Delete one first."
        )
    return _with(settings, settings.adds, (*there, snapped(place)))


def moved(settings: ConeSettings, kind: Kind, index: int, place: Place) -> ConeSettings:
    """With one point somewhere else; on a line its second coordinate stays."""
    there = list(points_of(settings, kind))
    x, y = snapped(place)
    there[index] = (x, y if settings.dimensions == 2 else there[index][1])
    return _with(settings, kind, tuple(there))


def removed(settings: ConeSettings, kind: Kind, index: int) -> ConeSettings:
    """Without one point."""
    there = points_of(settings, kind)
    return _with(settings, kind, there[:index] + there[index + 1 :])


def _with(settings: ConeSettings, kind: Kind, points: tuple[Place, ...]) -> ConeSettings:
    if kind == "real":
        return replace(settings, real=points)
    return replace(settings, fake=points)


def nearest(
    settings: ConeSettings, place: Place, reach: float = math.inf
) -> tuple[Kind, int] | None:
    """The point nearest to a place: its kind and index, or None where none is within reach."""
    kinds: tuple[Kind, Kind] = ("real", "generated")
    found = [
        (math.dist(point[: settings.dimensions], place[: settings.dimensions]), number, kind)
        for kind in kinds
        for number, point in enumerate(points_of(settings, kind))
    ]
    if not found or min(found)[0] > reach:
        return None
    _, number, kind = min(found)
    return kind, number
