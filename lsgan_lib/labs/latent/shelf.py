"""The latent explorer's shelf: samples to choose from, chosen for the walk or for a sum.

Pure, as `state`: settings in, settings out.
"""

from __future__ import annotations

from dataclasses import replace

from lsgan_lib.errors import BookError
from lsgan_lib.labs.latent.state import GROUPS, STILL, Point, Settings, to_stop

ROOM = 12
"""points that can be kept beside the drawn ones"""


def chosen(s: Settings, place: int) -> Settings:
    """Take a point of the shelf into the walk or a group, or out again where it is there.

    Raises BookError for a walk of fewer than two points.
    """
    if not 0 <= place < s.shelf:
        return s
    s = replace(s, cursor=place)
    if s.purpose != "walk":
        group = GROUPS.index(s.purpose)
        groups = list(s.groups)
        groups[group] = _toggled(groups[group], place)
        return replace(s, groups=tuple(groups))
    waypoints = _toggled(s.waypoints, place)
    if len(waypoints) < 2:
        raise BookError("a walk needs two points: choose another one before you take this one out.")
    s = replace(s, waypoints=waypoints)
    arrived = s.last if place in waypoints else min(s.stop, s.last)
    return to_stop(s, arrived)


def cursor_moved(s: Settings, steps: int) -> Settings:
    """Move the keys' place on the shelf."""
    return replace(s, cursor=max(0, min(s.cursor + steps, s.shelf - 1)))


def redrawn(s: Settings) -> Settings:
    """Draw other samples; the walk leads through the first of them, and nothing is in a group."""
    fresh = Settings(s.seed + 1, s.drawn, s.kept, tuple(range(min(3, s.drawn))))
    return replace(
        fresh,
        way=s.way,
        directions=s.directions,
        strengths=s.strengths,
        truncation=s.truncation,
        purpose=s.purpose,
        edge=s.edge,
    )


def kept(s: Settings, point: Point, *, walk_there: bool = False) -> Settings:
    """Put a point on the shelf, and at the walk's end. Raises BookError where the shelf is full."""
    if len(s.kept) >= ROOM:
        raise BookError(f"the shelf holds {ROOM} kept points: forget some before you keep more.")
    s = replace(s, kept=(*s.kept, point), cursor=s.shelf)
    if not walk_there:
        return s
    s = replace(s, waypoints=(*s.waypoints, s.shelf - 1), moves=STILL)
    return to_stop(s, s.last)


def forgotten(s: Settings) -> Settings:
    """Clear the shelf of kept points; the walk keeps its drawn ones, or gets the first two."""
    waypoints = tuple(place for place in s.waypoints if place < s.drawn)
    rest = tuple(tuple(p for p in group if p < s.drawn) for group in s.groups)
    s = replace(s, kept=(), groups=rest, cursor=min(s.cursor, s.drawn - 1))
    s = replace(s, waypoints=waypoints if len(waypoints) > 1 else (0, 1))
    return to_stop(s, min(s.stop, s.last))


def _toggled(places: tuple[int, ...], place: int) -> tuple[int, ...]:
    if place in places:
        return tuple(other for other in places if other != place)
    return (*places, place)
