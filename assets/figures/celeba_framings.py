"""Draws celeba_framings.png beside this file: python assets/figures/celeba_framings.py PHOTO.jpg.

CelebA's own pictures must not be passed on, so the photograph is another one, turned and scaled so
that its eyes are where CelebA's are. The figure in the repository shows a picture of FairFace;
several photographs give one row each.
"""

import argparse
import io
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from PIL import Image

from data_prep.detectors import mtcnn
from data_prep.face_search import Search
from data_prep.framing import (
    CELEBA,
    CELEBA_BOXES,
    CELEBA_EYES,
    Square,
    around_box,
    around_eyes,
    cut,
)
from data_prep.pictures import fit
from lsgan_lib.errors import BookError
from lsgan_lib.figures import PALETTE, use_style

CREDIT = "photograph: FairFace, Karkkainen & Joo 2021, CC BY 4.0"
# Each framing as it is called on the command line, and the colour of its square.
COLOURS = {
    "center": PALETTE["real"],
    "window": PALETTE["fake"],
    "face": PALETTE["least_squares"],
}


def like_celeba(photograph: Image.Image) -> tuple[Image.Image, np.ndarray]:
    """The photograph as an aligned CelebA picture, and where (218, 178) it had to be mirrored."""
    faces = mtcnn(photograph, 20)
    if not faces or faces[0].eyes is None:
        raise BookError("no face was found in the photograph. Take another one.")
    window = around_eyes(faces[0].eyes, "window")
    left, top, side = CELEBA_BOXES["window"]
    width, height = CELEBA
    # The square of CelebA's height around CelebA's middle, which is cut to its width afterwards.
    scale = window.side / side
    right, down = width / 2 - (left + side / 2), height / 2 - (top + side / 2)
    cos, sin = np.cos(window.turned), np.sin(window.turned)
    middle = (
        window.middle[0] + scale * (right * cos - down * sin),
        window.middle[1] + scale * (right * sin + down * cos),
    )
    whole = Square(middle, scale * height, window.turned)
    crop = ((height - width) // 2, 0, (height + width) // 2, height)
    grid = (np.arange(height) + 0.5 - height / 2) * scale
    x = middle[0] + cos * grid[None, :] - sin * grid[:, None]
    y = middle[1] + sin * grid[None, :] + cos * grid[:, None]
    beyond = (x < 0) | (y < 0) | (x > photograph.width) | (y > photograph.height)
    return cut(photograph, whole, height).crop(crop), beyond[:, crop[0] : crop[2]]


def crops(aligned: Image.Image) -> dict[str, tuple[tuple[float, float, float], Image.Image]]:
    """Each framing's (left, top, side) in the aligned picture, and what becomes of it."""
    found: dict[str, tuple[tuple[float, float, float], Image.Image]] = {}
    for name, (left, top, side) in CELEBA_BOXES.items():
        part = fit(aligned, 64, box=(left, top, left + side, top + side))
        found[name] = ((left, top, side), part)
    search = Search()
    face, _ = search.find(aligned, 64)
    square = around_box(face.box, search.margin)
    corner = (square.middle[0] - square.side / 2, square.middle[1] - square.side / 2)
    found["face"] = ((*corner, square.side), cut(aligned, square, 64))
    return found


def main() -> None:
    """One row a photograph: the aligned picture with three squares, and the three results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", nargs="+", type=Path)
    parser.add_argument("--credit", default=CREDIT, help="who made the photographs, and licence")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".png"))
    chosen = parser.parse_args()
    use_style()
    rows = len(chosen.photographs)
    figure, axes = plt.subplots(
        rows,
        4,
        figsize=(8.0, 2.75 * rows + 0.25),
        squeeze=False,
        width_ratios=(1.28, 1, 1, 1),
        dpi=160,
    )
    foot = 0.22 / (2.75 * rows + 0.25)  # room for the line of small print
    figure.get_layout_engine().set(rect=(0, foot, 1, 1 - foot))
    for line, path in zip(axes, chosen.photographs, strict=True):
        with Image.open(path) as file:
            aligned, beyond = like_celeba(file.convert("RGB"))
        shown = np.asarray(aligned).copy()
        shown[beyond] = 235
        line[0].imshow(shown, extent=(0, CELEBA[0], CELEBA[1], 0))
        line[0].plot(*zip(*CELEBA_EYES, strict=True), "+", color="white", markersize=9)
        line[0].set_title("aligned, 178 × 218")
        for ax, (name, ((left, top, side), part)) in zip(
            line[1:], crops(aligned).items(), strict=True
        ):
            line[0].add_patch(
                Rectangle((left, top), side, side, fill=False, color=COLOURS[name], linewidth=2)
            )
            ax.imshow(part, interpolation="nearest", extent=(0, 64, 64, 0))
            ax.set_title(f"{name}, 64 × 64", color=COLOURS[name])
            ax.spines[:].set(visible=True, color=COLOURS[name], linewidth=2)
        for ax in line:
            ax.set(xticks=[], yticks=[])
        line[0].spines[:].set_visible(False)
    figure.text(0.995, foot / 4, chosen.credit, ha="right", fontsize=7.5, color=PALETTE["guide"])
    figure.text(
        0.005,
        foot / 4,
        "grey: beyond the photograph; the crops mirror it there",
        ha="left",
        fontsize=7.5,
        color=PALETTE["guide"],
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    Image.open(buffer).convert("RGB").quantize(256).save(chosen.out, optimize=True)
    print(chosen.out.name, chosen.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
