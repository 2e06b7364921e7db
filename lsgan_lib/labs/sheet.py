"""A white sheet to draw on with Pillow: quick enough for a picture that follows a slider.

A figure of matplotlib takes ten times as long. Lengths are pixels of the page; the file holds
`SHARP` times as many, for sharp screens.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from lsgan_lib.figures import BLACK, as_pixels

SHARP = 2
COMPRESSION = 1  # of the PNG file: quick rather than small


class Sheet:
    """A white sheet on which things are placed in pixels of the page."""

    def __init__(self, width: int, height: int) -> None:
        self.sheet = Image.new("RGB", (width * SHARP, height * SHARP), "white")
        self.pen = ImageDraw.Draw(self.sheet)

    def image(self, picture: Tensor, left: float, top: float, side: int) -> None:
        """One generated image, its pixels left as squares."""
        square = Image.fromarray(_rgb(picture)).resize(
            (side * SHARP, round(side * picture.shape[1] / picture.shape[2]) * SHARP),
            Image.Resampling.NEAREST,
        )
        self.sheet.paste(square, (round(left * SHARP), round(top * SHARP)))

    def frame(self, left: float, top: float, side: int, colour: str, width: int = 3) -> None:
        """A frame around a tile, in the white beside it."""
        box = [left - width + 1, top - width + 1, left + side + width - 2, top + side + width - 2]
        self.pen.rectangle([SHARP * x for x in box], outline=colour, width=width * SHARP - 2)

    def badge(self, x: float, y: float, text: str, colour: str) -> None:
        """A disc with a number or a letter in it."""
        x, y = x * SHARP, y * SHARP
        r = 9 * SHARP
        self.pen.ellipse([x - r, y - r, x + r, y + r], fill=colour, outline="white", width=SHARP)
        self.pen.text((x, y), text, fill="white", font=_font(11), anchor="mm")

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float) -> None:
        """A line through points."""
        sharp = [(x * SHARP, y * SHARP) for x, y in points]
        self.pen.line(sharp, fill=colour, width=round(width * SHARP), joint="curve")

    def dot(self, x: float, y: float, colour: str, radius: float = 5) -> None:
        """A disc with a white rim."""
        box = [SHARP * value for value in (x - radius, y - radius, x + radius, y + radius)]
        self.pen.ellipse(box, fill=colour, outline="white", width=SHARP)

    def text(self, x: float, y: float, words: str, colour: str = BLACK, anchor: str = "la") -> None:
        """A line of text; anchor: as Pillow names it."""
        self.pen.text((x * SHARP, y * SHARP), words, fill=colour, font=_font(12), anchor=anchor)

    def area(self, corner: tuple[float, float], opposite: tuple[float, float], colour: str) -> None:
        """A filled rectangle between two corners."""
        (x, y), (u, v) = corner, opposite
        box = [SHARP * value for value in (min(x, u), min(y, v), max(x, u), max(y, v))]
        self.pen.rectangle(box, fill=colour)

    def triangle(self, corners: Sequence[tuple[float, float]], colour: str) -> None:
        """A filled polygon."""
        self.pen.polygon([(x * SHARP, y * SHARP) for x, y in corners], fill=colour)

    def length(self, words: str) -> float:
        """How long a text is, in pixels of the page."""
        return self.pen.textlength(words, font=_font(12)) / SHARP

    def png(self) -> bytes:
        """The file."""
        file = io.BytesIO()
        self.sheet.save(file, format="png", compress_level=COMPRESSION)
        return file.getvalue()


def _rgb(picture: Tensor) -> np.ndarray:
    """(H, W, 3) pixels of one image (C, H, W)."""
    pixels = as_pixels(picture)[0]
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The font of the book's figures, which comes with matplotlib."""
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(file, size * SHARP)
