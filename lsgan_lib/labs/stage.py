"""A matplotlib picture that is repainted in a few milliseconds: what stands still is drawn once.

Axes, ticks, titles and legends take matplotlib a tenth of a second. A `Stage` draws them once and
keeps the pixels; after that it draws only the artists that move over them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from lsgan_lib.figures import DOTS_PER_INCH, STYLE

Place = tuple[float, float, float, float]
"""left, bottom, width and height of axes, as shares of the figure"""


class Stage:
    """Axes at fixed places of a figure that pyplot does not know, and what moves on them.

    size: of the figure, inches. places: of its axes. furnish: fills the axes, and returns the
    artists that move, in the order in which they are drawn; everything else stands still. Fixed
    places, and not a layout that adapts, keep the picture a function of the artists alone.
    """

    def __init__(
        self,
        size: tuple[float, float],
        places: Sequence[Place],
        furnish: Callable[[Sequence[Axes]], Sequence[Artist]],
    ) -> None:
        with mpl.rc_context(STYLE):  # type: ignore[arg-type]
            # Not twice as many dots as on the page, as elsewhere: most of the time goes into PNG.
            self.figure = Figure(figsize=size, dpi=1.5 * DOTS_PER_INCH, layout="none")  # type: ignore[arg-type]
            self._canvas = FigureCanvasAgg(self.figure)
            self.axes = [self.figure.add_axes(place) for place in places]
            self._moving = list(furnish(self.axes))
            for artist in self._moving:
                artist.set_animated(True)
            self._canvas.draw()
        self._still: Any = self._canvas.copy_from_bbox(self.figure.bbox)

    def png(self) -> bytes:
        """The picture as it stands now, a PNG file."""
        self._canvas.restore_region(self._still)
        renderer = self._canvas.get_renderer()
        for artist in self._moving:
            artist.draw(renderer)
        file = io.BytesIO()
        pixels = self._canvas.buffer_rgba()
        size = pixels.shape[1], pixels.shape[0]
        picture = Image.frombytes("RGB", size, bytes(pixels), "raw", "RGBX")  # all is opaque
        # 128 colours: half the bytes and two thirds of the time of a file in full colour
        few = picture.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        # of which the lightest is to be white, as the page is
        few.putpalette([255 if level > 251 else level for level in few.getpalette() or []])
        few.save(file, format="png", compress_level=1)
        return file.getvalue()

    def place_of(self, x: float, y: float, ax: Axes) -> tuple[float, float]:
        """Where on the axes a point of the picture lies, in the axes' own units.

        x, y: from the left and from the top of the picture, 0 to 1, as a `Pad` tells them.
        """
        box = ax.get_position()
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        across = (x - box.x0) / box.width
        up = (1 - y - box.y0) / box.height
        return left + across * (right - left), bottom + up * (top - bottom)
