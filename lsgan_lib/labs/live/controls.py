"""The controls of one game of the live GAN lab; they hold no logic but what belongs to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import ipywidgets as widgets

from lsgan_lib.labs.live.state import DATA, OBJECTIVES, OPTIMISERS, RANGES, LiveState

Change = Callable[[str, Any], None]
"""is told the name of a setting and the value that a reader wants for it"""

_WIDE = {"description_width": "initial"}
_ONLY = {name: "least squares" for name in "abc"} | {
    name: "loss-sensitive" for name in ("slope", "margin")
}
"""settings of one objective alone, hidden beside the others"""


def choice(name: str, options: tuple[str, ...]) -> widgets.Dropdown:
    """A list to choose from."""
    return widgets.Dropdown(
        options=options, description=name, style=_WIDE, layout={"width": "auto"}
    )


def button(name: str, icon: str, press: Callable[[], object]) -> widgets.Button:
    """A button that does one thing."""
    made = widgets.Button(description=name, icon=icon, layout={"width": "auto"})
    made.on_click(lambda _: press())
    return made


def row(*children: widgets.Widget) -> widgets.HBox:
    """Side by side, and in a second line where the page is too narrow."""
    return widgets.HBox(children, layout={"flex_flow": "row wrap", "align_items": "center"})


class Controls:
    """Widgets by the name of the setting that each of them moves."""

    def __init__(self, made: dict[str, widgets.Widget], change: Change) -> None:
        self.made = made
        self.box = row(*made.values())
        self._change = change
        self._quiet = False
        for name, widget in made.items():
            widget.observe(lambda event, name=name: self._heard(name, event["new"]), names="value")

    def show(self, state: LiveState) -> None:
        """Set every widget to what is played; tells nobody."""
        self._quiet = True
        try:
            for name, widget in self.made.items():
                if widget.value != getattr(state, name):
                    widget.value = getattr(state, name)
                if name in _ONLY:
                    mine = _ONLY[name] == state.objective
                    widget.layout.display = None if mine else "none"
        finally:
            self._quiet = False

    def _heard(self, name: str, value: Any) -> None:
        if not self._quiet:
            self._change(name, float(f"{value:.3g}") if isinstance(value, float) else value)


def shared(change: Change) -> Controls:
    """What two games have in common: data and seed."""
    low, high = RANGES["seed"]
    seed = widgets.BoundedIntText(
        min=low, max=high, description="seed", style=_WIDE, layout={"width": "150px"}
    )
    return Controls({"data": choice("data", DATA), "seed": seed}, change)


def of_one_game(change: Change) -> Controls:
    """All settings that are not shared."""

    def slider(name: str, low: float, high: float, step: float, words: str = "") -> widgets.Widget:
        kind = widgets.IntSlider if isinstance(step, int) else widgets.FloatSlider
        return kind(
            min=low, max=high, step=step, description=words or name, continuous_update=False,
            style=_WIDE, layout={"width": "290px"},
        )  # fmt: skip

    def number(name: str, step: float, words: str) -> widgets.Widget:
        low, high = RANGES[name]
        low = 0 if low < step else low  # a browser steps from here: 0.001, then 0.0011
        return widgets.BoundedFloatText(
            min=low, max=high, step=step, description=words, style=_WIDE, layout={"width": "190px"}
        )

    made: dict[str, widgets.Widget] = {
        "objective": choice("objective", OBJECTIVES),
        **{name: slider(name, *RANGES[name], 0.25) for name in ("a", "b", "c")},
        "slope": slider("slope", -1.0, 1.0, 0.01),
        "margin": number("margin", 0.1, "margin scale"),
        "penalty": number("penalty", 0.1, "slope penalty"),
        "width": slider("width", 2, 128, 2, "units a layer"),
        "depth": slider("depth", 1, 4, 1, "hidden layers"),
        "turns": slider("turns", 1, 8, 1, "critic's turns a round"),
        "batch": slider("batch", 2, 256, 2, "points a turn"),
        "optimiser": choice("optimiser", OPTIMISERS),
        "critic": number("critic", 1e-4, "critic's rate"),
        "generator": number("generator", 1e-4, "generator's rate"),
    }
    assert set(made) | {"data", "seed", "points"} == {f.name for f in fields(LiveState)}
    return Controls(made, change)
