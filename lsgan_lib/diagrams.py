"""A pair of networks as a row of boxes, drawn from the tables that `layer_table` reads.

As tall as a map has pixels, as wide as it has channels. Chapters 03 and 08 draw their networks so.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle

from lsgan_lib.figures import PALETTE, shown
from lsgan_lib.networks.layers import Layer

WIDTH = 10.4  # inches of the page
TALLEST, WIDEST = 2.4, 0.62  # of a box, in units of one column
LINES = ("pixels", "", "kernel", "stride", "parameters")  # facts below a box


def shape_diagram(generator: Sequence[Layer], critic: Sequence[Layer]) -> None:
    """Show a generator and, to its right, its critic: one box for what each layer gives.

    Height of a box: pixels. Width: channels, which also stand above it. Filled: BatchNorm behind
    the layer; white: none. A dot marks dropout. The picture in the middle belongs to both.
    """
    last = generator[-1]
    if last.gives != critic[0].takes:
        raise ValueError(f"the generator gives {last.gives}, the critic takes {critic[0].takes}.")
    tallest = max(_size(row)[1] for row in (*generator, *critic))
    widest = max(_size(row)[0] for row in (*generator, *critic))
    columns = 1 + len(generator) + len(critic)
    figure, ax = plt.subplots(figsize=(WIDTH, 0.30 * WIDTH))
    _noise(ax, generator[0].takes[0])
    edges = [(0.06, 0.0)]
    for i, (row, who) in enumerate(
        [*((row, "generator") for row in generator), *((row, "critic") for row in critic)], start=1
    ):
        channels, pixels = _size(row)
        width, height = WIDEST * channels / widest + 0.06, TALLEST * pixels / tallest + 0.03
        _funnel(ax, i, edges[-1], (width, height))
        _box(ax, i, (width, height), row, PALETTE[who])
        edges.append((width, height))
    _row_names(ax)
    for x, name in (
        (len(generator) / 2, "generator"),
        (columns - 0.5 - len(critic) / 2, "critic"),
    ):
        ax.text(x, TALLEST / 2 + 0.75, name, ha="center", fontsize=12)
    line = 0.5 + len(generator)
    ax.plot([line, line], [-TALLEST / 2, TALLEST / 2 + 0.9], ":", color=PALETTE["guide"], lw=1)
    ax.set(xlim=(-1.35, columns - 0.5), ylim=(-TALLEST / 2 - 2.1, TALLEST / 2 + 1.0))
    ax.set_axis_off()
    shown(figure)


def _size(row: Layer) -> tuple[int, int]:
    """Channels and pixels of what a layer gives; a vector is one pixel."""
    return row.gives[0], row.gives[1] if len(row.gives) == 3 else 1


def _box(ax: Axes, x: int, size: tuple[float, float], row: Layer, colour: str) -> None:
    width, height = size
    ax.add_patch(
        Rectangle(
            (x - width / 2, -height / 2),
            width,
            height,
            facecolor=colour if row.norm else "white",
            edgecolor=colour,
            alpha=0.55 if row.norm else 1.0,
            linewidth=1.2,
            zorder=2,
        )
    )
    channels, pixels = _size(row)
    ax.text(x, height / 2 + 0.08, f"{channels}", ha="center", va="bottom", fontsize=9, zorder=3)
    if row.dropout:
        ax.plot(x, height / 2 + 0.47, "o", color="black", markersize=4)
    below = -TALLEST / 2 - 0.12
    ax.text(x, below, f"{pixels}²" if pixels > 1 else "1", ha="center", va="top", fontsize=9)
    extra = f"+{row.output_padding}" if row.output_padding else ""
    facts = (
        row.name,
        f"{row.kernel}×{row.kernel}" if row.kernel else "–",
        f"{row.stride}{extra}" if row.stride else "–",
        _short(row.parameters),
    )
    for line, fact in enumerate(facts, start=1):
        ax.text(x, below - 0.38 * line, fact, ha="center", va="top", fontsize=8.5)


def _funnel(ax: Axes, x: int, before: tuple[float, float], after: tuple[float, float]) -> None:
    """Draw the pale shape from one box to the next that shows what doubles and what halves."""
    left, right = x - 1 + before[0] / 2, x - after[0] / 2
    corners = [
        (left, -before[1] / 2),
        (left, before[1] / 2),
        (right, after[1] / 2),
        (right, -after[1] / 2),
    ]
    ax.add_patch(Polygon(corners, closed=True, facecolor="#EFEFEF", edgecolor="none", zorder=1))


def _noise(ax: Axes, length: int) -> None:
    ax.plot([0], [0], "o", color=PALETTE["generator"], markersize=5, zorder=3)
    ax.text(0, 0.12, f"z {length}", ha="center", va="bottom", fontsize=9)


def _row_names(ax: Axes) -> None:
    below = -TALLEST / 2 - 0.12
    for line, name in enumerate(LINES):
        ax.text(-1.3, below - 0.38 * line, name, va="top", fontsize=8.5, color=PALETTE["guide"])


def _short(count: int) -> str:
    """Write a number of parameters in at most five signs: 1,664 -> 1.7k."""
    if count < 1_000:
        return str(count)
    for unit, size in (("k", 1_000), ("M", 1_000_000)):
        if count < 999.5 * size:
            return f"{count / size:.3g}{unit}"
    return f"{count / 1e9:.3g}G"
