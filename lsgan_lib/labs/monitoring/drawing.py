"""A run's curves beside one of its sample grids, as one picture."""

from __future__ import annotations

import functools
import io
import math
from dataclasses import dataclass, field

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter
from PIL import Image, ImageDraw

from lsgan_lib.figures import BLUE, DOTS_PER_INCH, GREEN, PALETTE, STYLE
from lsgan_lib.labs.monitoring.reading import Reading

SIZE = (920, 400)
"""of the picture on the page, pixels"""
GRID = 380
_SHARP = 2
_SMALL = STYLE | {
    "font.size": 9.0, "axes.titlesize": 9.5, "axes.labelsize": 9.0, "legend.fontsize": 8.0,
    "lines.linewidth": 1.5, "figure.constrained_layout.use": False,  # takes longer than the rest
    "path.simplify_threshold": 0.5,
}  # fmt: skip

PANELS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("loss", (("critic_loss", "critic", PALETTE["critic"]),
              ("generator_loss", "generator", PALETTE["generator"]))),
    ("mean score", (("score_real", "real", PALETTE["real"]),
                    ("score_fake", "generated", PALETTE["fake"]))),
    ("gradient norm of the weights", (("critic_gradient", "critic", PALETTE["critic"]),
                                      ("generator_gradient", "generator", PALETTE["generator"]))),
    ("share of active hinges", (("active_hinges", "", GREEN),)),
    ("spread of samples / of data", (("spread", "", GREEN),)),
    ("images a second", (("images_per_second", "", BLUE),)),
)  # fmt: skip
"""title; columns with name and colour. The first three, and the first of the others with numbers"""


@dataclass(frozen=True)
class MonitorSettings:
    """All that the picture depends on."""

    reading: Reading
    ticks: int = 1
    """rows of the log to average over"""
    at: int = -1
    """images shown when the samples were drawn; -1: there are none"""
    grid: bytes = field(default=b"", repr=False)
    """the samples' PNG file, as it was read"""


@dataclass(frozen=True)
class Curves:
    """The drawn curves, and where their panels are."""

    pixels: np.ndarray
    """(H, W, 3) uint8"""
    panels: tuple[tuple[float, float, float, float, float, float], ...]
    """left, right, top, bottom in pixels of the page; images shown at left and right"""


def wanted_panels(reading: Reading) -> list[tuple[str, tuple[tuple[str, str, str], ...]]]:
    """Three panels that every run has, and a fourth for what this run has besides."""
    fourth = next((p for p in PANELS[3:] if reading.column(p[1][0][0])), PANELS[-1])
    return [*PANELS[:3], fourth]


def smoothed(values: tuple[float, ...], ticks: int) -> np.ndarray:
    """Mean of each value and the `ticks` - 1 before it; fewer at the start, NaN left out."""
    array = np.asarray(values, dtype=float)
    known = np.isfinite(array)
    sums = np.cumsum(np.where(known, array, 0.0))
    counts = np.cumsum(known)
    before = np.maximum(np.arange(len(array)) - ticks, -1)
    total = sums - np.where(before >= 0, sums[before], 0.0)
    count = counts - np.where(before >= 0, counts[before], 0)
    with np.errstate(invalid="ignore"):
        return np.where(known, total / np.maximum(count, 1), math.nan)


def draw_curves(reading: Reading, ticks: int) -> Curves:
    """Four panels over images shown; drawn once for the same log."""
    only_log = Reading("", "begun", "", shown=reading.shown, wanted=reading.wanted, log=reading.log)
    return _draw(only_log, ticks)


@functools.lru_cache(maxsize=12)
def _draw(reading: Reading, ticks: int) -> Curves:
    width = SIZE[0] - GRID - 20
    with mpl.rc_context(_SMALL):  # type: ignore[arg-type]
        figure = Figure(figsize=(width / DOTS_PER_INCH, SIZE[1] / DOTS_PER_INCH),
                        dpi=_SHARP * DOTS_PER_INCH)  # fmt: skip
        canvas = FigureCanvasAgg(figure)
        places = {"left": 0.1, "right": 0.97, "bottom": 0.1, "top": 0.94}
        axes = figure.subplots(2, 2, gridspec_kw=places | {"wspace": 0.3, "hspace": 0.3}).flat
        images = np.asarray(dict(reading.log).get("images", ()), dtype=float) / 1000
        for ax, (title, lines) in zip(axes, wanted_panels(reading), strict=True):
            _panel(ax, title, lines, images, reading, ticks)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
        panels = []
        for ax in figure.axes:
            box, (low, high) = ax.get_window_extent(), ax.get_xlim()
            top, bottom = pixels.shape[0] - box.y1, pixels.shape[0] - box.y0
            left, right, top, bottom = (float(v) / _SHARP for v in (box.x0, box.x1, top, bottom))
            panels.append((left, right, top, bottom, 1000 * float(low), 1000 * float(high)))
    return Curves(pixels, tuple(panels))


def _panel(
    ax: Axes, title: str, lines: tuple[tuple[str, str, str], ...], images: np.ndarray,
    reading: Reading, ticks: int,
) -> None:  # fmt: skip
    ax.set_title(title)
    drawn = False
    for column, name, colour in lines:
        values = reading.column(column)
        if values:
            marker = "o" if len(values) == 1 else None
            ax.plot(images, smoothed(values, ticks), color=colour, label=name, marker=marker)
            drawn = True
    ax.set_xlim(0, max(reading.wanted, reading.shown, 1) / 1000)
    if not drawn:
        ax.text(0.5, 0.5, "nothing yet", ha="center", va="center", transform=ax.transAxes)
        ax.set(yticks=[], xticks=[] if not reading.wanted else ax.get_xticks())
    elif lines[0][1]:
        ax.legend()
    if "gradient" in title and drawn:
        ax.set_yscale("log")
        for axis in (ax.yaxis.set_major_formatter, ax.yaxis.set_minor_formatter):
            axis(LogFormatter(minor_thresholds=(2, 0.7)))
    if ax.get_subplotspec().is_last_row():  # type: ignore[union-attr]
        ax.set_xlabel("images shown (thousands)")


def draw_run(settings: MonitorSettings) -> bytes:
    """The PNG file: curves, a mark where the samples were drawn, the samples."""
    curves = draw_curves(settings.reading, settings.ticks)
    at, grid = settings.at, settings.grid
    page = Image.new("RGB", (SIZE[0] * _SHARP, SIZE[1] * _SHARP), "white")
    page.paste(Image.fromarray(curves.pixels), (0, 0))
    pen = ImageDraw.Draw(page)
    left = (SIZE[0] - GRID) * _SHARP
    try:
        with Image.open(io.BytesIO(grid)) as picture:
            square = picture.convert("RGB")
            factor = GRID * _SHARP / max(square.size)
            size = (max(1, round(square.width * factor)), max(1, round(square.height * factor)))
            page.paste(square.resize(size, Image.Resampling.BOX), (left, 10 * _SHARP))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        told = "no samples yet" if not grid else "a picture that cannot be read"
        pen.text((left + 40, 200), told, fill="black", font_size=14 * _SHARP)
    if at >= 0:
        for x0, x1, top, bottom, low, high in curves.panels:
            x = x0 + (x1 - x0) * (at - low) / (high - low)
            if x0 <= x <= x1:
                pen.line([x * _SHARP, top * _SHARP, x * _SHARP, bottom * _SHARP],
                         fill=PALETTE["guide"], width=_SHARP)  # fmt: skip
    file = io.BytesIO()
    page.save(file, format="png", compress_level=1)
    return file.getvalue()


def moment_at(reading: Reading, ticks: int, x: float, y: float) -> float | None:
    """Images shown at a point of the picture, x and y from 0 to 1; None outside of all panels."""
    across, down = x * SIZE[0], y * SIZE[1]
    for left, right, top, bottom, low, high in draw_curves(reading, ticks).panels:
        if left <= across <= right and top <= down <= bottom:
            return low + (high - low) * (across - left) / (right - left)
    return None


def in_few_colours(png: bytes, colours: int = 32) -> bytes:
    """The same picture in a third of the bytes, to be kept in a page."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    few.save(file, format="png", optimize=True)
    return file.getvalue()
