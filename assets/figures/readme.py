"""Draws readme.png beside this file, from the recorded runs: python assets/figures/readme.py."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image

from lsgan_lib.book import load_run
from lsgan_lib.figures import tile
from lsgan_lib.latent import images_of, manifold_grid

INK, PAPER = "#f2f2f2", "#0d1117"
EPOCH = 60_000
TILE = 30  # pixels from one digit to the next in a recorded picture


def first_digits(picture: Path, side: int) -> Image.Image:
    """The top left `side` x `side` digits of a recorded sample picture, gaps darkened."""
    grid = Image.open(picture).convert("L").crop((0, 0, side * TILE + 2, side * TILE + 2))
    for line in range(side + 1):
        grid.paste(0, (line * TILE, 0, line * TILE + 2, grid.height))
        grid.paste(0, (0, line * TILE, grid.width, line * TILE + 2))
    return grid


def main() -> None:
    """Four moments of one run on the left, the manifold of another on the right."""
    digits, plane = load_run("mnist-least-squares"), load_run("mnist-least-squares-2d")
    figure = plt.figure(figsize=(12, 6.2), dpi=110, facecolor=PAPER)
    boxes = [(0.015, 0.505), (0.262, 0.505), (0.015, 0.02), (0.262, 0.02)]
    for (left, bottom), epoch in zip(boxes, (1, 2, 7, 21), strict=True):
        axes = figure.add_axes((left, bottom, 0.232, 0.425))
        axes.imshow(first_digits(digits.sample_at(epoch * EPOCH), 7), cmap="gray", vmin=0, vmax=255)
        plural = "epoch" if epoch == 1 else "epochs"
        axes.set_title(f"{epoch} {plural}", color=INK, fontsize=13, pad=5)
        axes.axis("off")
    axes = figure.add_axes((0.515, 0.02, 0.475, 0.91))
    axes.imshow(tile(images_of(plane.generator(), manifold_grid(20, 20)), 20, gap=0))
    axes.set_title("two numbers in, a digit out", color=INK, fontsize=13, pad=5)
    axes.axis("off")
    path = Path(__file__).with_suffix(".png")
    figure.savefig(path, facecolor=PAPER)
    # Greys need no more than one channel: a third of the bytes.
    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)
    print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
