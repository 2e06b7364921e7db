"""The smallest parts of the latent explorer's page: buttons, words, rows that wrap."""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets as widgets

WRAP = {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "4px 8px"}
WORDS = {"description_width": "initial"}


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
