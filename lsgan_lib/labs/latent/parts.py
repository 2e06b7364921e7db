"""The smallest parts of the latent explorer's page: buttons, words, rows that wrap."""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets as widgets

WRAP = {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "4px 8px"}
WORDS = {"description_width": "initial"}
HINTS = {
    "Walk": "Click samples above to walk through them, in that order. Click a picture of the strip "
    "to go there; drag over the norms to walk. With the keyboard: Tab to a picture, then arrow "
    "keys; Enter takes a sample in or out, or keeps the large picture; Delete, on the large "
    "picture, goes back to the walk.",
    "Directions": "A direction is a unit vector of noise. These were found at the walk's first "
    "sample, and stay until you ask for those of another place. The strength is the length of the "
    "picture's change there, over all pixels, for a step of length 1.",
    "Arithmetic": "Choose above what a click on a sample takes it into, and click some for each of "
    "A, B and C.",
    "Your picture": "The search starts from four random draws and keeps the best place that it "
    "passed. The rest of the lab can be used meanwhile.",
    "Save": "Files get names that are still free; nothing is overwritten.",
}
"""what each tab is for"""
MAP_HINT = "Drag over the map to go anywhere; Enter there makes the place a point of the walk."


def button(text: str, press: Callable[[], None], *, disabled: bool = False) -> widgets.Button:
    """A button as wide as its words."""
    made = widgets.Button(description=text, disabled=disabled, layout={"width": "auto"})
    made.on_click(lambda _button: press())
    return made


def words(text: str, role: str = "") -> str:
    """Text for an HTML widget, in the colour of the page's theme."""
    role = f' role="{role}"' if role else ""
    colour = "color: var(--jp-ui-font-color1, inherit)"
    return f'<div{role} style="{colour}; line-height: 1.5">{html.escape(text)}</div>'


def explained(tabs: dict[str, widgets.Widget], note: str = "") -> widgets.VBox:
    """Tabs, and below them what the one that is open is for, and a note for all."""
    tab, hint = widgets.Tab(list(tabs.values()), titles=list(tabs)), widgets.HTML()

    def explain(_change: object = None) -> None:
        hint.value = words(f"{HINTS[tab.titles[tab.selected_index or 0]]} {note}")

    tab.observe(explain, "selected_index")
    explain()
    return widgets.VBox([tab, hint])
