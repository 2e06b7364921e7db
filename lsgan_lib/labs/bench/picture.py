"""The loss bench's picture, and the strip of it for paper."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from lsgan_lib.figures import shown_in_few_colours
from lsgan_lib.labs.bench.batch import compute
from lsgan_lib.labs.bench.curves import BenchSettings, Family, OverPlane
from lsgan_lib.labs.bench.panels import PANELS, Panel
from lsgan_lib.labs.stage import Stage


class BenchPicture:
    """All four drawings; `png` is a function of the settings alone."""

    def __init__(self) -> None:
        places = [(x, y, 0.43, 0.34) for y in (0.555, 0.08) for x in (0.055, 0.55)]
        self.panels: list[Panel] = []
        self.stage = Stage((9.0, 6.3), places, self._furnish)

    def _furnish(self, axes: Sequence[Axes]) -> list[Artist]:
        for ax, (title, panel) in zip(axes, PANELS.items(), strict=True):
            ax.set_title(title)
            self.panels.append(panel(ax))
        figure = axes[0].figure
        lines = [line for panel in self.panels[:1] for line in panel.artists()[:4]]
        figure.legend(handles=lines, loc="upper center", ncols=len(lines))
        self.wrong = axes[0].text(
            0.5, 0.5, "", transform=axes[0].transAxes, ha="center", va="center",
            fontsize=12, linespacing=1.6,
        )  # fmt: skip
        return [artist for panel in self.panels for artist in panel.artists()] + [self.wrong]

    def png(self, settings: BenchSettings) -> bytes:
        """The PNG file of the settings; where the library refuses them, what it says."""
        try:
            numbers, refused = compute(settings), ""
        except ValueError as refusal:
            numbers, refused = None, str(refusal)
        self.wrong.set_text(textwrap.fill(refused, 34))
        for panel in self.panels:
            for artist in panel.artists():
                artist.set_visible(numbers is not None)
            if numbers is not None:
                panel.show(settings, numbers)
        return self.stage.png()


def strip() -> None:
    """Show the slopes of four objectives, and under them the pull of two on two critics."""
    lines: tuple[Family, ...] = ("least squares", "cross-entropy", "Wasserstein", "LS-GAN, leaky")
    above: dict[str, BenchSettings] = {name: BenchSettings(name) for name in lines}
    critics: tuple[OverPlane, ...] = ("straight", "best")
    below = {
        f"{name}, {critic}": BenchSettings(name, critic=critic)
        for name in lines[:2]
        for critic in critics
    }
    figure, axes = plt.subplots(2, 4, figsize=(9.6, 4.2))
    for row, looks, name in zip(axes, (above, below), list(PANELS)[1::2], strict=True):
        for ax, (title, settings) in zip(row, looks.items(), strict=True):
            panel = PANELS[name](ax)
            panel.show(settings, compute(settings))
            ax.set_title(title, fontsize=10)
            ax.set_xticks([-4, 0, 4, 8])
    axes[0, 0].set_ylabel("slopes")
    axes[1, 0].set_ylabel("generator's turn")
    shown_in_few_colours(figure)
