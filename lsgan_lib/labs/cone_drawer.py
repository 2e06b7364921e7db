"""The cone drawer: set real and generated points, see all best critics of them. Chapter 07."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args, get_type_hints

import ipywidgets as widgets

from lsgan_lib.figures import DOTS_PER_INCH
from lsgan_lib.labs.cones.game import words
from lsgan_lib.labs.cones.picture import ConePicture, strip
from lsgan_lib.labs.cones.points import (
    ARROWS,
    ConeSettings,
    Kind,
    Place,
    added,
    moved,
    nearest,
    removed,
    snapped,
    stepped,
)
from lsgan_lib.labs.lab import Lab
from lsgan_lib.labs.pad import Event, Pad
from lsgan_lib.labs.repaint import label

KAPPAS = (*[k / 10 for k in range(1, 11)], 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)
LAMBDAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
REACH = 0.15
"""how near to a point a click takes hold of it, in units of the axes"""
HELP = (
    "Click: add a point, or take hold of one and drag it. With the picture in focus (Tab): arrow "
    "keys move the cross, Enter adds a point there, Delete removes the nearest one, Space changes "
    "between real and generated."
)
NAMED: dict[str, Any] = {"style": {"description_width": "initial"}}


class ConeDrawer(Lab):
    """Points by clicks, slope and margins by sliders; see `ConeSettings`."""

    sentence = "Cone drawer: points that you set, and all best critics of them"

    def __init__(self, settings: ConeSettings | None = None) -> None:
        start = self._start = settings or ConeSettings()
        self._drawing = start  # its points and its cursor count; the rest is in the controls
        self._held: tuple[Kind, int] | None = None
        self._busy = False
        self._page = ConePicture()
        # Pictures are kept for the way back; 64 of them are two megabytes.
        self._look_up = functools.lru_cache(maxsize=64)(self._page.png)
        hints = get_type_hints(ConeSettings)
        wide = {"layout": {"width": "400px"}, **NAMED}
        self._parts: dict[str, Any] = {
            "dimensions": widgets.Dropdown(
                options=[("on a line", 1), ("in the plane", 2)], description="points", **NAMED
            ),
            "adds": widgets.Dropdown(
                options=get_args(hints["adds"]), description="a click adds", **NAMED
            ),
            "kappa": _stops("κ: steepest slope allowed", {*KAPPAS, start.kappa}, **wide),
            "lam": _stops("λ: weight of the margins", {*LAMBDAS, start.lam}, **wide),
            "slope": widgets.FloatSlider(
                min=-1, max=1, step=0.1, description="slope of the cost", **wide
            ),
            "side": widgets.Dropdown(
                options=get_args(hints["side"]), description="the generator meets", **wide
            ),
        }
        self.image = Pad(width=round(8.4 * DOTS_PER_INCH))
        self._status = widgets.HTML()
        buttons = [
            _button("delete the point next to the cross", self._delete),
            _button("delete all", lambda: self._take(replace(self.settings, real=(), fake=()))),
            _button("start again", lambda: self._take(start)),
        ]
        self._take(start)
        for part in self._parts.values():
            part.observe(self._paint, "value")
        self.image.on_event(self._hear)
        parts = list(self._parts.values())
        rows = [[*parts[:2], *buttons], parts[2:]]
        boxes = [widgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows]
        self.box = widgets.VBox([*boxes, self.image, self._status, widgets.HTML(_said(HELP))])

    @property
    def settings(self) -> ConeSettings:
        """The points as they stand, and what the controls say."""
        values = {name: part.value for name, part in self._parts.items()}
        return replace(self._drawing, **values | {"slope": round(values["slope"], 2)})

    def picture(self, settings: ConeSettings) -> bytes:
        """The PNG file of some settings."""
        return self._look_up(settings)

    def strip(self) -> None:
        """Show three slopes on a line, and three best critics of one game in the plane."""
        strip(self._start)

    # --- what a reader does ---------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        match event["kind"]:
            case "down":
                place = self._page.place_of(self.settings, event["x"], event["y"])
                if place is not None:
                    self._grasp(place)
            case "move" if self._held is not None:
                place = self._page.place_of(self.settings, event["x"], event["y"])
                if place is not None:
                    self._drawing = moved(self.settings, *self._held, place)
                    self._draw(cursor=snapped(place))
            case "up":
                self._held = None
            case "key":
                self._key(event["key"])

    def _grasp(self, place: Place) -> None:
        """Take hold of a point that is there, or of a new one."""
        self._held = nearest(self.settings, place, REACH)
        if self._held is None and self._add(place):
            count = len(self._drawing.real if self.settings.adds == "real" else self._drawing.fake)
            self._held = self.settings.adds, count - 1
        elif self._held is not None:
            self._draw(cursor=snapped(place))

    def _key(self, key: str) -> None:
        match key:
            case "Enter":
                self._add(self.settings.cursor)
            case "Delete":
                self._delete()
            case " ":
                adds = self._parts["adds"]
                adds.index = 1 - adds.index
            case _ if key in ARROWS:
                self._draw(cursor=stepped(self.settings, key))

    def _add(self, place: Place) -> bool:
        """Add a point; False where there are as many as may be, and the status line says so."""
        try:
            self._drawing = added(self.settings, place)
        except ValueError as full:
            self._paint(remark=str(full))
            return False
        self._draw(cursor=snapped(place))
        return True

    def _delete(self) -> None:
        """Remove the point nearest to the cross, if there is one."""
        self._held = None  # the numbers of the others change
        if found := nearest(self.settings, self.settings.cursor):
            self._drawing = removed(self.settings, *found)
        self._paint()

    # --- and what follows from it ---------------------------------------------------------------

    def _draw(self, **changed: Any) -> None:
        self._drawing = replace(self._drawing, **changed)
        self._paint()

    def _take(self, settings: ConeSettings) -> None:
        """Move everything to some settings, and paint once."""
        self._held, self._busy, self._drawing = None, True, settings
        try:
            for name, part in self._parts.items():
                part.value = getattr(settings, name)
        finally:
            self._busy = False
        self._paint()

    def _paint(self, _change: object = None, *, remark: str = "") -> None:
        if self._busy:
            return
        text = words(self.settings)
        self.image.value, self.image.alt = self.picture(self.settings), text
        self._status.value = _said(f"{remark} {text}".strip(), 'role="status"')


def _button(name: str, act: Callable[[], None]) -> widgets.Button:
    button = widgets.Button(description=name, layout={"width": "auto"})
    button.on_click(lambda _button: act())
    return button


def _stops(name: str, values: set[float], **more: Any) -> widgets.SelectionSlider:
    stops = [(label(value), value) for value in sorted(values)]
    return widgets.SelectionSlider(options=stops, value=1.0, description=name, **more)


def _said(text: str, role: str = "") -> str:
    return f'<div {role} style="color: var(--jp-ui-font-color1, inherit)">{html.escape(text)}</div>'
