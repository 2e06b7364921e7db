"""The cone drawer's picture, and the strip of it for paper."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import matplotlib.pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from lsgan_lib.figures import shown_in_few_colours
from lsgan_lib.labs.cones.game import compute
from lsgan_lib.labs.cones.panels import Hinges, InThePlane, OnALine
from lsgan_lib.labs.cones.points import ConeSettings, Side
from lsgan_lib.labs.stage import Place, Stage

Drawing = OnALine | InThePlane
DRAWINGS: dict[int, tuple[Callable[[Axes], Drawing], Place]] = {
    1: (OnALine, (0.085, 0.115, 0.605, 0.83)),
    2: (InThePlane, (0.15, 0.075, 0.4875, 0.87)),
}
"""by dimensions: what is drawn, and where on the figure"""


class ConePicture:
    """A drawing of the line or of the plane beside the table of hinges."""

    def __init__(self) -> None:
        self.panels: dict[int, tuple[Drawing, Hinges]] = {}
        self.stages = {
            dimensions: Stage(
                (8.4, 4.7),
                [place, (0.765, 0.42, 0.22, 0.38)],
                functools.partial(self._furnish, dimensions),
            )
            for dimensions, (_, place) in DRAWINGS.items()
        }

    def _furnish(self, dimensions: int, axes: Sequence[Axes]) -> list[Artist]:
        drawing, hinges = DRAWINGS[dimensions][0](axes[0]), Hinges(axes[1])
        self.panels[dimensions] = drawing, hinges
        axes[0].figure.legend(
            handles=[*drawing.marks.dots.values()],
            loc="lower right",
            bbox_to_anchor=(0.99, 0.04),
            ncols=2,
            columnspacing=1.0,
        )
        return [*drawing.artists(), *hinges.artists()]

    def png(self, settings: ConeSettings) -> bytes:
        """The PNG file of the settings, a function of them alone."""
        numbers = compute(settings)
        for panel in self.panels[settings.dimensions]:
            panel.show(settings, numbers)
        return self.stages[settings.dimensions].png()

    def place_of(self, settings: ConeSettings, x: float, y: float) -> tuple[float, float] | None:
        """Where a point of the picture lies on the line (then at the cursor's height) or in the
        plane; None if it lies on neither.
        """
        stage = self.stages[settings.dimensions]
        ax = stage.axes[0]
        across, up = stage.place_of(x, y, ax)
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        if not (left <= across <= right and bottom <= up <= top):
            return None
        return across, up if settings.dimensions == 2 else settings.cursor[1]


def strip(start: ConeSettings) -> None:
    """Show three slopes on a line, and three best critics of one game in the plane."""
    line = [(f"κ = {k:g}", replace(start, kappa=k)) for k in (0.5, 1.4, 3.0)]
    sides: tuple[Side, ...] = ("upper", "lower", "upper over least values")
    plane = [
        (f"κ = 3, {side}", replace(start, dimensions=2, kappa=3.0, side=side)) for side in sides
    ]
    figure, axes = plt.subplots(2, 3, figsize=(9.0, 5.2), height_ratios=(0.7, 1))
    for row, looks, (draw, _) in zip(axes, (line, plane), DRAWINGS.values(), strict=True):
        for ax, (title, look) in zip(row, looks, strict=True):
            drawing = draw(ax)
            drawing.show(look, compute(look))
            drawing.marks.cursor.set_visible(False)
            ax.set_title(title)
    for ax in axes[0, 1:]:
        ax.set_ylabel("")
    for ax in axes[1]:
        ax.set_aspect("equal")
    shown_in_few_colours(figure)
