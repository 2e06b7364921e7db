"""Which part of a picture is kept: squares on a photograph, upright or turned.

All positions are in pixels, measured from the upper left corner of the picture, so that the middle
of its first pixel is at (0.5, 0.5).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from data_prep.detectors import Point

CELEBA = (178, 218)
"""width, height of an aligned CelebA picture"""
CELEBA_EYES: tuple[Point, Point] = ((69.5, 111.5), (108.5, 111.5))
"""the middles of the pixels on which CelebA's authors put the eyes, on average"""

Framing = Literal["center", "window"]
CELEBA_BOXES: dict[str, tuple[int, int, int]] = {
    "center": (25, 50, 128),
    "window": (29, 64, 120),
}
"""left, top, side: `center` is what least squares GAN code takes, rows 50-177 and columns 25-152;
`window` is where a Haar cascade finds the face, as in the loss-sensitive GAN's face script"""


@dataclass(frozen=True)
class Square:
    """A square on a photograph, which may be turned and may reach beyond the photograph."""

    middle: Point
    side: float
    """in pixels of the photograph"""
    turned: float = 0.0
    """angle in radians by which its upper edge goes down to the right"""


def around_box(box: tuple[float, float, float, float], margin: float = 0.0) -> Square:
    """Make the upright square in the middle of a box (left, top, width, height).

    Its side is the box's longer side, and `margin` times as much on each of the four sides.
    """
    left, top, width, height = box
    return Square((left + width / 2, top + height / 2), max(width, height) * (1 + 2 * margin))


def around_eyes(eyes: tuple[Point, Point], framing: Framing = "window") -> Square:
    """Make the square in which two eyes are level, and where CelebA's eyes are in its framing.

    eyes: the one on the picture's left, then the other. They determine the square, since a
    similarity (turn, shift and one scale for both directions) has four numbers, and so have two
    points. Raises ValueError for eyes less than a pixel apart.
    """
    (x1, y1), (x2, y2) = eyes
    apart = math.hypot(x2 - x1, y2 - y1)
    if apart < 1:
        raise ValueError(f"eyes {apart:.1f} pixels apart do not say how the face is turned")
    left, top, side = CELEBA_BOXES[framing]
    (ex1, ey1), (ex2, ey2) = CELEBA_EYES
    scale = apart / (ex2 - ex1)  # photograph's pixels for one of CelebA's
    turned = math.atan2(y2 - y1, x2 - x1)
    # From the point between the eyes to the square's middle, first upright, then turned.
    right = scale * (left + side / 2 - (ex1 + ex2) / 2)
    down = scale * (top + side / 2 - (ey1 + ey2) / 2)
    middle = (
        (x1 + x2) / 2 + right * math.cos(turned) - down * math.sin(turned),
        (y1 + y2) / 2 + right * math.sin(turned) + down * math.cos(turned),
    )
    return Square(middle, scale * side, turned)


def share_beyond(square: Square, size: tuple[int, int]) -> float:
    """Measure the share of the square that lies outside a photograph of this (width, height)."""
    grid = (np.arange(128) + 0.5) / 128 - 0.5
    x, y = _on_photograph(square, grid[None, :], grid[:, None])
    inside = (x >= 0) & (x <= size[0]) & (y >= 0) & (y <= size[1])
    return float(1 - inside.mean())


def cut(image: Image.Image, square: Square, size: int) -> Image.Image:
    """Cut a square out of an image, `size` pixels a side; what lies beyond is mirrored at the edge.

    The square is first drawn at a whole multiple of `size`, no coarser than the photograph, and
    then reduced by a filter that weighs every pixel. Drawn at `size` at once, a large photograph
    would lose most of its pixels, and hair and teeth would turn into jagged dots.
    """
    times = max(1, math.ceil(square.side / size))
    corners = [_on_photograph(square, x, y) for x in (-0.5, 0.5) for y in (-0.5, 0.5)]
    spare = 3  # the bicubic filter looks two pixels further
    columns, left = _mirrored([float(x) for x, _ in corners], spare, image.width)
    rows, top = _mirrored([float(y) for _, y in corners], spare, image.height)
    region = Image.fromarray(np.asarray(image)[np.ix_(rows, columns)])
    step = square.side / (times * size)  # photograph's pixels for one of the drawing's
    along, across = step * math.cos(square.turned), step * math.sin(square.turned)
    x, y = _on_photograph(square, -0.5, -0.5)
    drawn = region.transform(
        (times * size, times * size),
        Image.Transform.AFFINE,
        (along, -across, float(x) - left, across, along, float(y) - top),
        Image.Resampling.BICUBIC,
    )
    return drawn.resize((size, size), Image.Resampling.BICUBIC) if times > 1 else drawn


def _on_photograph(
    square: Square, right: float | np.ndarray, down: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Take places in the square, from -1/2 to 1/2 each way, to pixels of the photograph."""
    cos, sin = math.cos(square.turned), math.sin(square.turned)
    x = square.middle[0] + square.side * (cos * np.asarray(right) - sin * np.asarray(down))
    y = square.middle[1] + square.side * (sin * np.asarray(right) + cos * np.asarray(down))
    return x, y


def _mirrored(places: Sequence[float], spare: int, length: int) -> tuple[np.ndarray, int]:
    """Indices of the lines from the first place to the last, mirrored where there are none."""
    first = math.floor(min(places)) - spare
    index = np.arange(first, math.ceil(max(places)) + spare) % (2 * length)
    return np.where(index < length, index, 2 * length - 1 - index), first
