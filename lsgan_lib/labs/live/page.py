"""What the live GAN lab looks like: its widgets, and how they say what goes on."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Protocol

import ipywidgets as widgets

from lsgan_lib.labs.live.controls import Change, button, of_one_game, row, shared
from lsgan_lib.labs.live.game import What
from lsgan_lib.labs.live.state import LiveState
from lsgan_lib.labs.live.text import to_text
from lsgan_lib.labs.pad import Event, Pad

_TEXT = "color: var(--jp-ui-font-color1, inherit)"


class Reader(Protocol):
    """What a reader can do, besides changing a setting."""

    def toggle(self) -> None:
        """Play or pause."""

    def turn(self, what: What) -> None:
        """Let one player, or both, move."""

    def reset(self) -> None:
        """Start again with the same seed."""

    def new_seed(self) -> None:
        """Start again with the next seed."""

    def new_drawing(self) -> None:
        """Let the next point be the first of a drawing."""

    def click(self, event: Event) -> None:
        """Point at the picture, or press a key there."""

    def sent(self, text: str) -> None:
        """Ask for the settings that a string names."""

    def change(self, number: int | None, name: str, value: object) -> None:
        """Ask for another value of a setting of one game; None: of both."""


class LivePage:
    """All widgets of a lab with so many games."""

    def __init__(self, games: int, speed: int, reader: Reader) -> None:
        def of(number: int | None) -> Change:
            return lambda name, value: reader.change(number, name, value)

        def turn(what: What) -> Callable[[], None]:
            return lambda: reader.turn(what)

        self.play = button("Play", "play", reader.toggle)
        self.speed = widgets.IntSlider(
            min=1, max=64, value=speed, description="turns at a time",
            style={"description_width": "initial"}, layout={"width": "260px"},
        )  # fmt: skip
        self.common = shared(of(None))
        self.drawing = button("New drawing", "pencil", reader.new_drawing)
        self.own = [of_one_game(of(number)) for number in range(games)]
        self.image = Pad(width=640 if games == 1 else 1080)
        self.image.on_event(reader.click)
        self.share = widgets.Text(
            description="to share", continuous_update=False,
            style={"description_width": "initial"}, layout={"width": "min(640px, 95%)"},
        )  # fmt: skip
        self.share.observe(lambda event: self._sent(reader, event["new"]), names="value")
        self.status, self.pace = widgets.HTML(), widgets.HTML()
        buttons = row(
            self.play,
            button("Both players", "step-forward", turn("round")),
            button("Critic alone", "eye", turn("critic")),
            button("Generator alone", "paint-brush", turn("generator")),
            button("Start again", "undo", reader.reset),
            button("New seed", "random", reader.new_seed),
            self.speed,
        )
        settings = [controls.box for controls in self.own]
        if games == 2:
            names = (widgets.HTML(f"<b>{name}</b>") for name in ("above", "below"))
            settings = [row(name, *box.children) for name, box in zip(names, settings, strict=True)]
        self.box = widgets.VBox(
            [buttons, row(self.common.box, self.drawing), *settings, row(self.status, self.pace),
             self.image, self.share]
        )  # fmt: skip

    def show(self, states: tuple[LiveState, ...]) -> None:
        """Set every control to what is played."""
        self.common.show(states[0])
        for controls, state in zip(self.own, states, strict=True):
            controls.show(state)
        self.drawing.layout.display = None if states[0].data == "drawn" else "none"
        self.text = to_text(*states)
        self.share.value = self.text

    def show_running(self, running: bool) -> None:
        """Let the first button offer what it does now."""
        self.play.description, self.play.icon = ("Pause", "pause") if running else ("Play", "play")
        if not running:
            self.pace.value = ""

    def say(self, sentence: str) -> None:
        """Tell it on the page, and to those who hear the page; it also describes the picture."""
        text = html.escape(sentence)
        self.status.value = f'<div role="status" style="{_TEXT}">{text}</div>'
        self.image.alt = f"The views of the game. {sentence}"

    def say_pace(self, frames: float) -> None:
        """Pictures a second; not read out, as it changes all the time."""
        self.pace.value = (
            f'<span style="{_TEXT}; opacity: 0.7; margin-left: 1em">{frames:.0f} pictures and '
            f"{frames * self.speed.value:.0f} rounds a second</span>"
        )

    def _sent(self, reader: Reader, text: str) -> None:
        if text != self.text:  # our own string is no wish
            reader.sent(text)
