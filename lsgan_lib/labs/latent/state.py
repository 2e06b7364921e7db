"""What the latent explorer is set to, and what each thing that a reader does makes of it.

Pure: settings in, settings out. What cannot be done raises BookError with a sentence to show. What
happens on the shelf of samples is in `shelf`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from lsgan_lib.errors import BookError
from lsgan_lib.latent import Way

Point = tuple[float, ...]
"""a noise vector that can be compared and looked up"""
Along = Literal["walk", "truncation", "map"] | int
"""what the strip shows: what was moved last; a number is that direction"""
Purpose = Literal["walk", "A", "B", "C"]

STOPS = 20
"""places of the walk from one waypoint to the next"""
PANELS = 11
"""pictures in the strip"""
SLIDERS = 6
"""directions that have a slider"""
GROUPS = ("A", "B", "C")
STILL = (0.0,) * SLIDERS


@dataclass(frozen=True)
class Settings:
    """All that the explorer's pictures depend on, beside the generator."""

    seed: int = 0
    """of the drawn samples"""
    drawn: int = 12
    """how many"""
    kept: tuple[Point, ...] = ()
    """points that were found, and stand on the shelf after the drawn ones"""
    waypoints: tuple[int, ...] = (0, 1, 2)
    """places on the shelf, in the order of the walk"""
    groups: tuple[tuple[int, ...], ...] = ((), (), ())
    """places on the shelf, of A, B and C"""
    way: Way = "lerp"
    stop: int = 0
    """where on the walk, in STOPS a leg"""
    off: Point | None = None
    """a point beside the walk, which then stands in its place"""
    directions: tuple[Point, ...] = ()
    """unit vectors, the most sensitive first; none before they are asked for"""
    strengths: tuple[float, ...] = ()
    """singular value of each"""
    moves: tuple[float, ...] = STILL
    """how far along each direction, -1 to 1"""
    truncation: float = 1.0
    along: Along = "walk"
    purpose: Purpose = "walk"
    """what a click on the shelf does"""
    edge: float = 1.0
    """where the map ends, left and right of 0"""
    cursor: int = 0
    """where the keys stand on the shelf"""

    @property
    def shelf(self) -> int:
        """How many points there are to choose from."""
        return self.drawn + len(self.kept)

    @property
    def on_shelf(self) -> tuple[object, ...]:
        """All that the picture of the shelf depends on."""
        return (
            *(self.seed, self.drawn, self.kept, self.waypoints),
            *(self.groups, self.purpose, self.cursor),
        )

    @property
    def last(self) -> int:
        """The last stop of the walk."""
        return (len(self.waypoints) - 1) * STOPS

    @property
    def first_panel(self) -> int:
        """The stop that the strip begins with: it scrolls, and halts at both ends."""
        return max(0, min(self.stop - PANELS // 2, self.last + 1 - PANELS))


# --- on the walk --------------------------------------------------------------------------------


def to_stop(s: Settings, stop: int) -> Settings:
    """Go to a stop of the walk; what lies beside it is left."""
    return replace(s, stop=max(0, min(stop, s.last)), off=None, along="walk")


def by_way(s: Settings, way: Way) -> Settings:
    """Take another line between the same waypoints."""
    return replace(s, way=way, off=None, along="walk")


def truncated(s: Settings, truncation: float) -> Settings:
    """Multiply the noise by a number from 0 to 1."""
    return replace(s, truncation=truncation, along="truncation")


def placed(s: Settings, point: Point, along: Along = "map") -> Settings:
    """Stand at a point of one's own, without any move beside it."""
    return replace(s, off=point, moves=STILL, along=along)


def along_strip(s: Settings, panel: float) -> Settings:
    """Go to a panel of the strip, counted from 0; halves lie between two panels."""
    panel = max(0.0, min(panel, PANELS - 1.0))
    share = round(panel / (PANELS - 1), 3)
    match s.along:
        case "walk":
            return to_stop(s, s.first_panel + round(panel))
        case "truncation":
            return truncated(s, share)
        case "map":
            assert s.off is not None
            return replace(s, off=(round(s.edge * (2 * share - 1), 3), *s.off[1:]))
        case direction:
            return moved(s, direction, round(2 * share - 1, 3))


def strip_mark(s: Settings) -> float:
    """Where on the strip one stands, in panels from 0."""
    match s.along:
        case "walk":
            return float(s.stop - s.first_panel)
        case "truncation":
            return s.truncation * (PANELS - 1)
        case "map":
            return ((s.off or (0.0,))[0] / s.edge + 1) / 2 * (PANELS - 1)
        case direction:
            return (s.moves[direction] + 1) / 2 * (PANELS - 1)


def stepped(s: Settings, steps: int) -> Settings:
    """Some panels on, or back: what the arrow keys do."""
    return along_strip(s, strip_mark(s) + steps)


def strip_name(s: Settings) -> str:
    """What the strip shows, in words."""
    match s.along:
        case "walk":
            return f"stops {s.first_panel} to {s.first_panel + PANELS - 1} of the walk"
        case "truncation":
            return "truncation from 0 to 1"
        case "map":
            return "the map from left to right"
        case direction:
            return f"direction {direction + 1} from one end to the other"


# --- along directions ---------------------------------------------------------------------------


def with_directions(
    s: Settings, vectors: tuple[Point, ...], strengths: tuple[float, ...]
) -> Settings:
    """Have these directions, none of them moved along yet; the strip shows the first."""
    return replace(s, directions=vectors, strengths=strengths, moves=STILL, along=0)


def moved(s: Settings, direction: int, amount: float) -> Settings:
    """Move along one direction, from -1 to 1. Raises BookError where there is no such direction."""
    if direction >= len(s.directions):
        raise BookError(f"this generator has {len(s.directions)} directions to move along.")
    moves = (*s.moves[:direction], amount, *s.moves[direction + 1 :])
    return replace(s, moves=moves, along=direction)
