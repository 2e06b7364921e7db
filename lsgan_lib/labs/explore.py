"""A slider over a drawing that also reads well on paper."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from lsgan_lib.figures import DOTS_PER_INCH, shown
from lsgan_lib.labs.repaint import label, repaint

Draw = Callable[[Axes, Any], object]


def explore(
    draw: Draw | Mapping[str, Draw],
    name: str,
    values: Sequence[Any],
    *,
    panels: int = 4,
    size: tuple[float, float] = (5.0, 3.4),
) -> None:
    """Show ``draw(ax, value)`` as a printed strip of panels, then under a live slider.

    draw: fills one axes for one value; it sets its own limits, so that panels compare. It draws a
    closed form or stored frames and never trains: a slider must answer at once. Several named
    drawings become the rows of the strip, and stand side by side under the slider.
    name: what the slider moves, in words. values: the stops of the slider, in order.
    panels: how many of the stops the strip shows, from the first to the last.
    size: of one live drawing, in inches.

    The strip is an ordinary figure: it survives a printed page and a stopped kernel.
    """
    drawings = draw if isinstance(draw, Mapping) else {"": draw}
    strip(drawings, name, evenly(values, panels))
    repaint(
        lambda value: picture(drawings, name, value, size),
        name,
        values,
        labels=[label(value) for value in values],
        width=round(size[0] * len(drawings) * DOTS_PER_INCH),
    )


def strip(drawings: Mapping[str, Draw], name: str, values: Sequence[Any]) -> None:
    """Draw one panel a value, side by side, one row a drawing."""
    side = 9.0 / max(len(values), 3)
    figure, axes = plt.subplots(
        len(drawings), len(values), figsize=(9.0, side * len(drawings) + 0.2), squeeze=False
    )
    for row, (title, draw) in zip(axes, drawings.items(), strict=True):
        for ax, value in zip(row, values, strict=True):
            draw(ax, value)
        if title:  # set last, beside whatever label the drawing gave its axis
            row[0].set_ylabel("\n".join(filter(None, [title, row[0].get_ylabel()])))
    for ax, value in zip(axes[0], values, strict=True):
        ax.set_title(f"{name} = {label(value)}")
    shown(figure)


def picture(
    drawings: Mapping[str, Draw], name: str, value: Any, size: tuple[float, float]
) -> bytes:
    """Draw one value and return the PNG file."""
    # A figure that pyplot does not know of: a slider makes hundreds, and none is kept.
    figure = Figure(
        figsize=(size[0] * len(drawings), size[1]),
        layout=ConstrainedLayoutEngine(h_pad=0.08),
    )
    axes = figure.subplots(1, len(drawings), squeeze=False)[0]
    for ax, (title, draw) in zip(axes, drawings.items(), strict=True):
        draw(ax, value)
        ax.set_title(title or f"{name} = {label(value)}")
    file = io.BytesIO()
    # Without the metadata the bytes do not depend on the version of matplotlib.
    figure.savefig(
        file,
        format="png",
        dpi=2 * DOTS_PER_INCH,
        metadata={"Software": None},
        pil_kwargs={"compress_level": 3},
    )
    return file.getvalue()


def evenly(values: Sequence[Any], count: int) -> list[Any]:
    """Pick ``count`` of the values at even distances, the first and the last among them."""
    if count >= len(values):
        return list(values)
    if count < 2:
        return list(values[:count])
    return [values[round(i * (len(values) - 1) / (count - 1))] for i in range(count)]
