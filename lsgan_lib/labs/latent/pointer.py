"""What a click, a drag or a key on a picture of the latent explorer asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lsgan_lib.labs.latent import drawing as drawing
from lsgan_lib.labs.latent import map as latent_map
from lsgan_lib.labs.latent import shelf as latent_shelf
from lsgan_lib.labs.latent import state as latent_state
from lsgan_lib.labs.latent.space import Space, as_point
from lsgan_lib.labs.latent.state import STILL, Point, Settings

Event = dict[str, Any]
"""as `lsgan_lib.labs.pad` describes it"""
Change = Callable[[Settings], Settings]

STEPS = {"ArrowLeft": -1, "ArrowRight": 1, "ArrowDown": -5, "ArrowUp": 5}
ROWS = {"ArrowLeft": -1, "ArrowRight": 1, "ArrowDown": drawing.COLUMNS, "ArrowUp": -drawing.COLUMNS}
BESIDE = {"ArrowLeft": (-0.05, 0.0), "ArrowRight": (0.05, 0.0), "ArrowDown": (0.0, -0.05),
          "ArrowUp": (0.0, 0.05)}  # fmt: skip


@dataclass
class Grip:
    """What the pointer holds on the picture: the strip, the norms, or nothing."""

    on: str = ""


def on_picture(space: Space, event: Event, grip: Grip) -> Change:
    """Strip: go there. Norms: go along the walk. Arrows: along the strip. Enter: keep.

    Delete leaves the directions and goes back to the walk.
    """
    if event["kind"] == "key":
        match event["key"]:
            case "Enter" | " ":
                return lambda s: latent_shelf.kept(s, as_point(space.noise(s)))
            case "Delete":
                return lambda s: latent_state.to_stop(replace(s, moves=STILL), s.stop)
            case key:
                return lambda s: latent_state.stepped(s, STEPS[key])
    x, y = event["x"] * drawing.SCENE[0], event["y"] * drawing.SCENE[1]
    pressed = event["kind"] == "down"
    if pressed:
        grip.on = "strip" if y >= drawing.STRIP_TOP else "norms"
    elif event["kind"] == "up":
        grip.on = ""
    if grip.on == "norms" and x >= drawing.chart_left(space.data is not None):
        share = drawing.chart_share(x, space.data is not None)
        return lambda s: latent_state.to_stop(s, round(share * s.last))
    if grip.on == "strip":
        panel = x // (drawing.TILE + drawing.GAP)
        # A walk's strip scrolls under the pointer: dragging there would run away.
        return lambda s: latent_state.along_strip(s, panel) if pressed or s.along != "walk" else s
    return lambda s: s


def on_shelf(event: Event) -> Change:
    """Click, or arrows and Enter: take a sample in, or out again."""
    if event["kind"] == "down":
        return lambda s: latent_shelf.chosen(
            s, drawing.shelf_place(event["x"], event["y"], s.shelf)
        )
    if event["kind"] != "key":
        return lambda s: s
    if event["key"] in ROWS:
        return lambda s: latent_shelf.cursor_moved(s, ROWS[event["key"]])
    return lambda s: latent_shelf.chosen(s, s.cursor)


def on_map(space: Space, event: Event) -> Change:
    """Click and drag: stand there. Arrows: a small step. Enter: keep the place, and walk there."""
    if event["kind"] in ("down", "move"):
        point = latent_map.to_noise(event["x"], event["y"], space.kind)
        return lambda s: latent_state.placed(s, point)
    if event["kind"] != "key":
        return lambda s: s
    if event["key"] in BESIDE:
        return lambda s: latent_state.placed(s, _beside(space, s, BESIDE[event["key"]]))
    return lambda s: latent_shelf.kept(s, as_point(space.noise(s)), walk_there=True)


def _beside(space: Space, s: Settings, step: tuple[float, float]) -> Point:
    """A place of the map a step away, and not beyond its edge."""
    return tuple(
        round(max(-s.edge, min(s.edge, here + s.edge * part)), 3)
        for here, part in zip(as_point(space.moved(s)), step, strict=True)
    )
