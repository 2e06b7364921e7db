"""Painting with numbers of a palette, one byte a pixel: quick to do and quick to pack as PNG.

Twice as many pixels as the page shows, for sharp screens. No widgets, no matplotlib figures.
"""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from lsgan_lib.figures import PALETTE
from lsgan_lib.labs.live.state import SPAN

SIDE = 400  # pixels of a panel, each way
WHITE, BLACK, GUIDE, REAL, FAKE, PALE, EDGE = range(7)
GREYS, HEAT, TINT = 16, 32, 48  # the first of 16 greys for text, 12 for critics, and of 16 tints


def _palette() -> list[int]:
    def rgb(name: str) -> np.ndarray:
        return np.array(ImageColor.getrgb(PALETTE.get(name, name)), dtype=float)

    table = np.full((256, 3), 255.0)
    paper = rgb("white")
    for place, name in ((BLACK, "black"), (GUIDE, "guide"), (REAL, "real"), (FAKE, "fake"),
                        (EDGE, "#CCCCCC")):  # fmt: skip
        table[place] = rgb(name)
    table[PALE] = 0.45 * rgb("real") + 0.55 * paper
    for k in range(16):
        table[GREYS + k] = 255 * (1 - k / 15)
        table[TINT + k] = paper + 0.75 * k / 15 * (rgb("generator") - paper)
    for k in range(12):
        table[HEAT + k] = 0x7A + (0xFF - 0x7A) * k / 11
    return table.round().astype(int).flatten().tolist()


COLOURS = _palette()


def pixels(points: np.ndarray) -> np.ndarray:
    """Places of the plane as column and row, (..., 2); far away is near enough."""
    at = np.clip(np.asarray(points, dtype=float), -4 * SPAN, 4 * SPAN)
    return (at * (1, -1) + SPAN) * (SIDE / (2 * SPAN))


def dots(panel: np.ndarray, points: np.ndarray, colour: int, radius: int) -> None:
    """Discs around points (N, 2)."""
    steps = np.mgrid[-radius : radius + 1, -radius : radius + 1].reshape(2, -1).T
    disc = steps[(steps**2).sum(axis=1) <= radius**2 + 1]
    at = (pixels(points).astype(int)[:, None] + disc).reshape(-1, 2)
    at = at[((at >= 0) & (at < SIDE)).all(axis=1)]
    panel[at[:, 1], at[:, 0]] = colour


def lines_over_turns(
    turns: np.ndarray,
    lines: dict[str, tuple[np.ndarray, int]],
    now: int,
    text: int,
    limits: tuple[float, float] | None = None,
) -> np.ndarray:
    """Curves over the turns, from 0 to now, with the limits of the vertical axis in letters."""
    picture = Image.new("P", (SIDE, SIDE))
    draw, values = ImageDraw.Draw(picture), np.concatenate([y for y, _ in lines.values()])
    values = values[np.isfinite(values)]
    low, high = limits or ((values.min(), values.max()) if len(values) else (0.0, 1.0))
    high = max(high, low + 1e-6)
    for y, colour in lines.values():
        there = np.isfinite(y)
        some = np.unique(np.linspace(0, there.sum() - 1, min(there.sum(), SIDE)).astype(int))
        x = 12 + turns[there][some] / max(now, 1) * (SIDE - 24)
        y = SIDE - text - 12 - (y[there][some] - low) / (high - low) * (SIDE - 2 * text - 24)
        draw.line(np.stack([x, y], axis=1).flatten().tolist(), fill=colour, width=4, joint="curve")
    panel = np.array(picture)
    write(panel, f"{high:.2g}", 10, 4, text)
    write(panel, f"{low:.2g}", 10, SIDE - text - 6, text)
    left = SIDE - 10
    for name, (_, colour) in reversed(lines.items()):
        left = write(panel, name, left, 4, text, right=True, colour=colour) - 16
    return panel


def write(
    page: np.ndarray,
    words: str,
    x: int,
    y: int,
    text: int,
    *,
    right: bool = False,
    colour: int = BLACK,
) -> int:
    """Put words on the page, their left (or right) upper corner at x, y; where their left end is.

    text: height of the letters, in pixels. What does not fit on the page is cut off.
    """
    if not words:
        return x
    ink = _ink(words, text)
    x = x - ink.shape[1] if right else x
    part = page[y : y + ink.shape[0], x : x + ink.shape[1]]
    ink = ink[: part.shape[0], : part.shape[1]]
    part[ink > 0] = (ink[ink > 0] + GREYS) if colour == BLACK else colour
    return x


def fitting(words: str, text: int, most: int) -> str:
    """As many of some words with commas between them as fit into so many pixels."""
    font, shown = ImageFont.load_default(text), words
    while font.getlength(shown) > most and "," in words:
        words = words.rpartition(",")[0]
        shown = f"{words}, \u2026"
    return shown


@functools.lru_cache(maxsize=512)
def _ink(words: str, text: int) -> np.ndarray:
    """A line of text in 16 steps of black."""
    font = ImageFont.load_default(text)
    picture = Image.new("L", (round(font.getlength(words)) + 2, round(1.3 * text)))
    ImageDraw.Draw(picture).text((0, 0), words, fill=255, font=font)
    return np.asarray(picture) // 17
