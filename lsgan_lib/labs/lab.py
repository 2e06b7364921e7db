"""What every lab of the book is: settings, a pure function from settings to a picture, controls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import ipywidgets as widgets

from lsgan_lib.labs.pad import Pad
from lsgan_lib.labs.repaint import show_live


class Lab(ABC):
    """A lab on the page. A subclass makes `box` and `image`, and shows a strip before itself.

    box: all its widgets. image: its main picture. Between two events `image.value` equals
    `picture(settings)`: the page never shows a picture of other settings than it names.
    """

    box: widgets.Box
    image: Pad | widgets.Image
    sentence: str
    """what the lab is, for a page without a kernel"""

    @property
    @abstractmethod
    def settings(self) -> Any:
        """All that the picture depends on: a frozen dataclass."""

    @abstractmethod
    def picture(self, settings: Any) -> bytes:
        """The PNG file of some settings; the same for the same settings."""

    @abstractmethod
    def strip(self) -> None:
        """Show some of what the lab can show as an ordinary figure, for paper and for GitHub."""

    def show(self) -> None:
        """Print the strip, then show the lab under it."""
        self.strip()
        show_live(self.box, self.sentence)

    def close(self) -> None:
        """Stop what the lab runs, and take it off the page."""
        for widget in list(within(self.box)):
            widget.close()

    def still(self) -> AbstractContextManager[Any]:
        """Inside of it nothing moves by itself: labs that train in a thread hold it there."""
        return nullcontext()

    def controls(self) -> list[widgets.Widget]:
        """Everything that a reader can move, press, choose or click, in the order of the page."""
        return [
            widget
            for widget in within(self.box)
            if isinstance(widget, Pad)
            or (hasattr(widget, "disabled") and not getattr(widget, "children", ()))
        ]


def within(box: widgets.Widget) -> Iterator[widgets.Widget]:
    """A widget and all widgets in it, in order."""
    yield box
    for child in getattr(box, "children", ()):
        yield from within(child)
