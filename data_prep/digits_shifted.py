"""A set of very small variability, after Mao et al.: ten digits, each moved a little to the side.

Mao, Li, Xie, Lau, Wang, Smolley, "On the Effectiveness of Least Squares Generative Adversarial
Networks", 2019, show two such sets: 1,000 pictures of each of ten digits of a Times font, 28 x 28
grey, once shifted at random along the rows, once also rotated by 0 to 10 degrees. A set like that
is hard for a GAN: real and generated pictures are easily told apart.

With the defaults, 95 % of a class's variance lies in 2 or 3 directions. In MNIST it takes about
95, and the variance is two and a half times as large.

Our choices, where theirs are not printed: the digits are ten handwritten ones of MNIST, of each
class its medoid; shift and angle are uniform; digits turn anticlockwise about the middle of the
frame, and fractions of a pixel are interpolated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from PIL import Image

from data_prep.job import Item, Job, Made
from lsgan_lib.errors import BookError
from lsgan_lib.folders import ASSETS

_SIDE = 28


@dataclass(frozen=True)
class DigitsShifted:
    """Ten handwritten digits, each shifted (and rotated) a little: a set of small variability."""

    count: int = 1000
    """pictures of each digit"""
    shift: float = 2.0
    """largest shift to the left or right, pixels; 5 is the most that cuts no ink"""
    rotate: float = 0.0
    """largest rotation, degrees anticlockwise; the paper's second set has 10"""
    seed: int = 0
    """of the random shifts and angles"""

    def job(self) -> Job:
        """List the pictures; raises BookError for a shift that would push ink out of the frame."""
        if self.count < 1 or self.seed < 0:
            raise BookError("--count must be at least 1, and --seed at least 0.")
        if not (self.shift >= 0 and 0 <= self.rotate <= 45):
            raise BookError("--shift must be at least 0, and --rotate between 0 and 45.")
        digits = _exemplars()
        most = min(room(digit, self.rotate) for digit in digits)
        if most < 0:
            raise BookError(
                f"--rotate {self.rotate:g} would push ink out of the frame. Choose a smaller angle."
            )
        if self.shift > most:
            raise BookError(
                f"--shift {self.shift:g} with --rotate {self.rotate:g} would push ink out of the "
                f"frame. The largest shift that keeps it in is {np.floor(most * 100) / 100:g}."
            )
        items = [
            Item(f"digit {digit}, picture {i}", (digit, i), digit)
            for i in range(self.count)
            for digit in range(10)
        ]
        return Job(
            name="digits_shifted_rotated" if self.rotate else "digits_shifted",
            shape=(1, _SIDE, _SIDE),
            items=items,
            make=_Moved(np.stack(digits), self).make,
            facts={
                "source": "one MNIST digit of each class, the medoid of the book's 500, moved at "
                "random",
                "licence": "CC BY-SA 3.0",
                "attribution": "LeCun, Cortes, Burges: The MNIST database of handwritten digits; "
                "the idea after Mao et al., 2019",
                "framing": f"shifted by up to {self.shift:g} pixels to either side"
                + (f", rotated by up to {self.rotate:g} degrees" if self.rotate else ""),
                "options": {
                    "count": self.count,
                    "shift": self.shift,
                    "rotate": self.rotate,
                    "seed": self.seed,
                },
                "tools": {"pillow": version("pillow"), "numpy": version("numpy")},
            },
            classes=[str(digit) for digit in range(10)],
            parallel=False,
        )


@dataclass(frozen=True)
class _Moved:
    """The ten digits and how far they move."""

    digits: np.ndarray
    """uint8 (10, 28, 28)"""
    source: DigitsShifted

    def make(self, item: Item) -> Made:
        digit, index = item.place
        columns, degrees = drawn(self.source, digit, index)
        return Made(moved(self.digits[digit], columns, degrees)[None])


def drawn(source: DigitsShifted, digit: int, index: int) -> tuple[float, float]:
    """Shift (pixels, to the right) and rotation (degrees) of a picture.

    They depend on seed, digit and index alone, and the shifts are the same with any rotation.
    """
    random = np.random.default_rng((source.seed, digit, index))
    columns = random.uniform(-source.shift, source.shift)
    return columns, random.uniform(0, source.rotate)


def moved(picture: np.ndarray, columns: float, degrees: float) -> np.ndarray:
    """Rotate a picture (H, W) about its middle, then shift it: one bilinear interpolation.

    columns: pixels to the right. degrees: anticlockwise. Returns uint8 (H, W).
    """
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    # Pillow asks where each new pixel (x, y) comes from: undo the shift, then the rotation.
    # y points down, so anticlockwise to the eye is x' = x cos + y sin, y' = y cos - x sin.
    cy, cx = picture.shape[0] / 2, picture.shape[1] / 2
    inverse = (
        *(cos, -sin, cx - cos * (cx + columns) + sin * cy),
        *(sin, cos, cy - sin * (cx + columns) - cos * cy),
    )
    image = Image.fromarray(picture.astype(np.float32))  # mode F: bytes would be cut, not rounded
    image = image.transform(
        image.size, Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR, fillcolor=0
    )
    return np.asarray(image).round().clip(0, 255).astype(np.uint8)


def room(digit: np.ndarray, rotate: float) -> float:
    """The largest shift to either side that keeps all ink in the frame at any angle up to `rotate`.

    A pixel spreads over less than cos + sin of the angle around its new place. Negative where
    rotation alone already pushes ink out.
    """
    rows, columns = np.nonzero(digit)
    half = _SIDE / 2
    x, y = columns + 0.5 - half, rows + 0.5 - half
    angles = np.radians(np.linspace(0, rotate, 91))[:, None]
    cos, sin = np.cos(angles), np.sin(angles)
    # The first pixels that are outside have their middle half a pixel beyond the frame's edge.
    free = half + 0.5 - (cos + sin)
    sideways = (free - np.abs(x * cos + y * sin)).min()
    if (free - np.abs(y * cos - x * sin)).min() < 0:
        return -1.0
    return float(sideways)


def medoid(pictures: np.ndarray) -> int:
    """Index of the picture (N, ...) with the smallest mean Euclidean distance to the others."""
    # Sums of products of bytes are whole numbers far below 2^53: exact, in whatever order.
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    squares = (flat * flat).sum(1)
    distances = np.sqrt(squares[:, None] + squares - 2 * flat @ flat.T)
    return int(distances.mean(1).argmin())


def _exemplars() -> Sequence[np.ndarray]:
    """The medoid of each class of the book's 5,000 digits, uint8 (28, 28)."""
    with np.load(ASSETS / "data" / "mnist_5000" / "images.npz") as book:
        images, labels = book["images"][:, 0], book["labels"]
    classes = [images[labels == digit] for digit in range(10)]
    return [pictures[medoid(pictures)] for pictures in classes]
