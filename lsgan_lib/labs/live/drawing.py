"""Drawing the data of the live GAN lab: what an event of pointer or keyboard makes of a drawing."""

from __future__ import annotations

from typing import Any

from lsgan_lib.labs.live.state import CELLS

Place = tuple[int, int]
"""from the left and from below, 0 to CELLS - 1"""

MIDDLE = (CELLS // 2, CELLS // 2)
ARROWS = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowUp": (0, 1), "ArrowDown": (0, -1)}


def moved(cursor: Place, key: str | None) -> Place:
    """Where the keyboard stands after a key; at an edge it stays."""
    across, up = ARROWS.get(key or "", (0, 0))
    return min(max(cursor[0] + across, 0), CELLS - 1), min(max(cursor[1] + up, 0), CELLS - 1)


def drawn(
    points: tuple[Place, ...], event: dict[str, Any], cursor: Place, pointer: Place | None,
    *, anew: bool,
) -> tuple[Place, ...]:  # fmt: skip
    """The drawing after an event of `Pad`; the same where the event draws nothing.

    pointer: the place under the pointer, if any. Pressing or dragging adds it; Enter and Space add
    the cursor; Delete takes the last point away, but not the only one. anew: a point that is added
    is the first of a new drawing.
    """
    place = None
    match event.get("kind"), event.get("key"):
        case (("down" | "move"), _):
            place = pointer
        case "key", ("Enter" | " "):
            place = cursor
        case "key", "Delete":
            return points[:-1] or points
    if place is None:
        return points
    if anew:
        return (place,)
    return points if place in points else (*points, place)
