"""Every matplotlib picture that more than one chapter draws, in one style.

Colours are those of Okabe and Ito, which people with any common colour blindness tell apart. One
thing keeps one colour through the whole book: look it up in ``PALETTE``.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from lsgan_lib.book import in_notebook
from lsgan_lib.data.image_set import to_uint8
from lsgan_lib.evaluation.intervals import mean_interval

BLACK, GREY = "#000000", "#7F7F7F"
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

PALETTE = {
    # what is scored
    "real": BLUE,
    "fake": VERMILLION,
    # who plays
    "critic": BLACK,
    "generator": VERMILLION,
    # which loss
    "least_squares": GREEN,
    "cross_entropy": PURPLE,
    "saturating": ORANGE,
    "loss_sensitive": ORANGE,
    "wasserstein": SKY,
    # a line that only guides the eye
    "guide": GREY,
}

# Light is a high score. Greys leave all colour to the points, and print as they look.
SCORES = LinearSegmentedColormap.from_list("scores", ["#7A7A7A", "#FFFFFF"])

DOTS_PER_INCH = 80  # of the page; the picture file holds twice as many, for sharp screens

STYLE: dict[str, Any] = {
    "figure.dpi": DOTS_PER_INCH,
    "figure.figsize": (8.0, 3.4),
    "figure.facecolor": "white",  # so that a figure reads the same in a dark theme
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "font.size": 11.0,
    "axes.titlesize": 11.5,
    "axes.labelsize": 11.0,
    "legend.fontsize": 10.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "image.cmap": "gray",
    "axes.prop_cycle": cycler(color=[BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW]),
}


def use_style() -> None:
    """Draw every figure from here on in the book's style, sharp on screens of high density."""
    mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
    if in_notebook():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")


# --- images as arrays ---------------------------------------------------------------------------


def as_pixels(images: Tensor | np.ndarray) -> np.ndarray:
    """Turn images of any form the library uses into uint8 pixels of shape (N, H, W, C).

    images: (N, C, H, W) or one image (C, H, W); uint8, or numbers in [-1, 1].
    """
    batch = torch.as_tensor(images).detach().cpu()
    if batch.ndim == 3:
        batch = batch[None]
    if batch.ndim != 4 or batch.shape[1] not in (1, 3):
        raise ValueError(f"images must have shape (N, 1 or 3, H, W), got {tuple(batch.shape)}")
    pixels = batch if batch.dtype == torch.uint8 else to_uint8(batch)
    return pixels.permute(0, 2, 3, 1).numpy()


def tile(images: Tensor | np.ndarray, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Lay images out in rows on white and return one (H, W, 3) picture.

    columns: images a row, by default the most even grid. gap: white pixels between two images.
    """
    pixels = as_pixels(images)
    count, height, width, channels = pixels.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    page = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, dtype=np.uint8
    )
    for index, image in enumerate(pixels):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        page[top : top + height, left : left + width] = image  # grey spreads over three channels
    return page


# --- pictures -----------------------------------------------------------------------------------


def image_grid(
    ax: Axes, images: Tensor | np.ndarray, columns: int | None = None, title: str = ""
) -> None:
    """Draw images as a grid on one axes."""
    _picture(ax, tile(images, columns), title)


def show_images(
    images: Tensor | np.ndarray,
    columns: int | None = None,
    title: str = "",
    *,
    width: float = 8.0,
) -> None:
    """Show images as a figure of their own, ``width`` inches wide."""
    page = tile(images, columns)
    height = width * page.shape[0] / page.shape[1] + (0.35 if title else 0.05)
    figure, ax = plt.subplots(figsize=(width, height))
    _picture(ax, page, title)
    shown(figure)


def strip_of_images(
    groups: Sequence[Tensor | np.ndarray],
    titles: Sequence[str],
    columns: int | None = None,
    *,
    width: float = 9.0,
) -> None:
    """Show several sets of images side by side, each as a grid under its title."""
    strip_of_pictures([tile(group, columns) for group in groups], titles, width=width)


def strip_of_pictures(
    pictures: Sequence[Path | str | np.ndarray], titles: Sequence[str], *, width: float = 9.0
) -> None:
    """Show picture files, or (H, W, 3) arrays, side by side in one row, each under its title."""
    if len(pictures) != len(titles):
        raise ValueError(f"{len(pictures)} pictures need as many titles, got {len(titles)}")
    pages = [_read(p) if isinstance(p, str | Path) else p for p in pictures]
    aspect = max(page.shape[0] / page.shape[1] for page in pages)
    figure, axes = plt.subplots(
        1, len(pages), figsize=(width, width / len(pages) * aspect + 0.35), squeeze=False
    )
    for ax, page, title in zip(axes[0], pages, titles, strict=True):
        _picture(ax, page, title)
    shown(figure)


def corner(picture: Path, rows: int, columns: int, *, side: int = 64, gap: int = 2) -> np.ndarray:
    """The first rows and columns of a grid that a run wrote as a file: (H, W, 3) pixels.

    side: of one image in the grid, gap: between two, and around all, in pixels.
    """
    step = side + gap
    return _read(picture)[gap : rows * step, gap : columns * step]


def training_curves(
    history: Sequence[Mapping[str, float]] | Mapping[str, np.ndarray],
    *,
    equilibrium: Mapping[str, float] | None = None,
) -> None:
    """Show losses (left) and mean scores of real and fake images (right) over images shown.

    history: the rows of ``Trainer.history`` or the columns of ``RecordedRun.log``.
    equilibrium: values to mark with a dotted line, by column name, such as
    ``{"critic_loss": 0.25}``.
    """
    columns = _columns(history)
    thousands = columns["images"] / 1000
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.0))
    lines = [
        (left, "critic_loss", "critic", "critic"),
        (left, "generator_loss", "generator", "generator"),
        (right, "score_real", "real", "real images"),
        (right, "score_fake", "fake", "generated images"),
    ]
    for ax, column, colour, label in lines:
        ax.plot(thousands, columns[column], color=PALETTE[colour], label=label)
        if equilibrium and column in equilibrium:
            ax.axhline(equilibrium[column], color=PALETTE[colour], linestyle=":", linewidth=1.2)
    left.set(title="loss", xlabel="images shown (thousands)")
    right.set(title="mean score of the critic", xlabel="images shown (thousands)")
    left.legend()
    right.legend()
    shown(figure)


def curves(
    ax: Axes, x: Tensor | np.ndarray, lines: Mapping[str, Tensor | np.ndarray], **settings: Any
) -> None:
    """Draw named curves over x; a name found in ``PALETTE`` takes its colour there."""
    for name, y in lines.items():
        colour = PALETTE.get(name.replace(" ", "_").replace("-", "_"))
        ax.plot(np.asarray(x), np.asarray(y), label=name, color=colour, **settings)
    ax.legend()


def scatter_points(ax: Axes, points: Tensor | np.ndarray, kind: str, **settings: Any) -> None:
    """Draw (N, 2) points in the colour of what they are: ``kind`` is "real" or "fake"."""
    xy = points.detach().cpu().numpy() if isinstance(points, Tensor) else np.asarray(points)
    style: dict[str, Any] = {"s": 9, "alpha": 0.6, "linewidths": 0, "label": kind} | settings
    ax.scatter(xy[:, 0], xy[:, 1], color=PALETTE[kind], **style)


def landscape(
    ax: Axes,
    scores: Tensor | np.ndarray,
    *,
    real: Tensor | np.ndarray | None = None,
    fake: Tensor | np.ndarray | None = None,
    span: float = 1.6,
) -> None:
    """Draw a critic over the plane, light where it scores high, with points on it.

    scores: (S, S), the critic on a square grid over [-span, span]^2, rows from low to high y.
    real, fake: (N, 2) points.
    """
    scores = np.asarray(scores)
    line = np.linspace(-span, span, len(scores))
    # A dozen flat greys rather than a smooth ramp: the picture file is a tenth of the size.
    ax.contourf(line, line, scores, levels=12, cmap=SCORES, antialiased=False)
    for points, kind in ((real, "real"), (fake, "fake")):
        if points is not None:
            scatter_points(ax, points, kind)
    ax.set(xlim=(-span, span), ylim=(-span, span), xticks=[], yticks=[])
    ax.set_aspect("equal")
    ax.spines[:].set_visible(False)


def density_map(ax: Axes, density: Tensor | np.ndarray, *, title: str = "") -> None:
    """Draw a density on a grid (rows from low to high y), white where there is nothing.

    In a dozen flat tones, as `landscape` does it: the picture file is a tenth of the size.
    """
    values = np.asarray(density)
    tones = np.ceil(values / max(values.max(), np.finfo(float).tiny) * 12 - 0.5)
    ax.imshow(tones, origin="lower", cmap="Greens", interpolation="nearest")
    ax.set(xticks=[], yticks=[], title=title)
    ax.grid(False)


def seed_dots(
    ax: Axes, groups: Mapping[str, Sequence[float]], colours: Mapping[str, str] | None = None
) -> None:
    """Draw each group's values as dots, one a seed, and the mean with its 95 % bootstrap interval.

    groups: at least two values by the name of their group, in order from left to right. colours: of
    the groups; black where none is given. Values that are not defined (NaN) are left out.
    """
    for place, (name, values) in enumerate(groups.items()):
        found = [value for value in values if not math.isnan(value)]
        colour = (colours or {}).get(name, BLACK)
        spread = np.linspace(-0.25, 0.05, len(found)) if len(found) > 1 else [-0.1]
        ax.scatter(place + np.asarray(spread), found, s=14, color=colour, linewidths=0, alpha=0.7)
        if len(found) > 1:
            mean, low, high = mean_interval(found)
            ax.errorbar(
                place + 0.2, mean, [[mean - low], [high - mean]], fmt="o", color=colour, capsize=3
            )
    ax.set_xticks(range(len(groups)), list(groups))
    ax.set_xlim(-0.5, len(groups) - 0.5)


def shown(figure: Figure) -> None:
    """Send a figure to the page at this point of a cell, once; in a script, leave it open.

    The functions above return nothing, so that a cell which ends in one shows its figure once.
    """
    if "inline" in mpl.get_backend():
        from IPython.display import display

        display(figure)
        plt.close(figure)


def shown_in_few_colours(figure: Figure, colours: int = 96) -> None:
    """Send a figure to the page as `shown` does, in so many colours: a third of the bytes.

    For pictures of many shades and points, which would make a chapter too large for GitHub.
    """
    if "inline" not in mpl.get_backend():
        return
    from IPython.display import display

    file = io.BytesIO()
    # as the page itself would: trimmed to what is drawn
    figure.savefig(file, format="png", dpi=2 * DOTS_PER_INCH, bbox_inches="tight", pad_inches=0.1)
    with Image.open(file) as picture:
        width, height = picture.size
        few = picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    smaller = io.BytesIO()
    few.save(smaller, format="PNG", optimize=True)
    size = {"image/png": {"width": width // 2, "height": height // 2}}
    display({"image/png": smaller.getvalue(), "text/plain": repr(figure)}, metadata=size, raw=True)
    plt.close(figure)


# --- parts --------------------------------------------------------------------------------------


def _picture(ax: Axes, page: np.ndarray, title: str) -> None:
    """Draw one picture without axes, its pixels left as squares."""
    ax.imshow(page, interpolation="nearest")
    ax.set_axis_off()
    if title:
        ax.set_title(title)


def _read(path: Path | str) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _columns(
    history: Sequence[Mapping[str, float]] | Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Turn rows into columns; columns pass unchanged."""
    if isinstance(history, Mapping):
        return {name: np.asarray(values) for name, values in history.items()}
    rows: Iterable[Mapping[str, float]] = list(history)
    names = next(iter(rows), {}).keys()
    return {name: np.array([row[name] for row in rows]) for name in names}
