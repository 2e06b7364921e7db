"""The four drawings of the loss bench, on the axes of a `Stage` or of an ordinary figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from torch import Tensor

from lsgan_lib.figures import PALETTE, SCORES
from lsgan_lib.labs.bench.batch import RANGE, Shown, is_best
from lsgan_lib.labs.bench.curves import PAIRED, BenchSettings

LINES = {
    # name: colour, style, words
    "real": (PALETTE["real"], "-", "critic, a real sample"),
    "fake": (PALETTE["fake"], "-", "critic, a generated one"),
    "place": (PALETTE["critic"], "-", "critic, both at one place"),
    "generator": (PALETTE["generator"], "--", "generator"),
}


class Lines:
    """Curves against the score, and the critic's best scores on the one of a whole place."""

    def __init__(self, ax: Axes, name: str, limits: tuple[float, float]) -> None:
        self.of = name
        ax.set(xlim=RANGE, ylim=limits, xlabel="score", xticks=range(-6, 9, 2))
        if name == "slopes":
            ax.axhline(0, color=PALETTE["guide"], linewidth=1)
        self.lines = {
            line: ax.plot([], [], style, color=colour, label=words)[0]
            for line, (colour, style, words) in LINES.items()
        }
        self.lines["place"].set_linewidth(1.2)
        (self.best,) = ax.plot([], [], color=PALETTE["critic"], linewidth=6, alpha=0.3)
        (self.point,) = ax.plot([], [], "D", color=PALETTE["critic"], markersize=6)
        self.note = ax.text(0.97, 0.05, "", transform=ax.transAxes, ha="right", fontsize=10)

    def artists(self) -> list[Artist]:
        """What moves."""
        return [*self.lines.values(), self.best, self.point, self.note]

    def show(self, settings: BenchSettings, shown: Shown) -> None:
        """Take other settings."""
        curves = shown.values if self.of == "values" else shown.slopes
        for name, line in self.lines.items():
            line.set_data(shown.scores.numpy(), curves[name].numpy())
        low, high = shown.best or (np.inf, -np.inf)
        x, y = shown.scores.numpy(), curves["place"].numpy()
        among = (low - 1e-5 <= x) & (x <= high + 1e-5)
        self.best.set_data(x[among], y[among])
        single = [low] if low == high else []
        self.point.set_data(single, np.interp(single, x, y))
        runs = "no best score: it runs away" if shown.best is None else ""
        self.note.set_text(runs if self.of == "values" else "")


class Arrows:
    """A batch before and after, and what connects the two."""

    def __init__(self, ax: Axes) -> None:
        line: dict[str, Any] = {"linewidth": 0.9, "alpha": 0.75}
        (self.ways,) = ax.plot([], [], color="black", **line)
        (self.before,) = ax.plot([], [], "o", markersize=4, alpha=0.3, markeredgewidth=0)
        (self.after,) = ax.plot([], [], "o", markersize=4.5, alpha=0.9, markeredgewidth=0)

    def artists(self) -> list[Artist]:
        """What moves."""
        return [self.ways, self.before, self.after]

    def show(self, start: np.ndarray, end: np.ndarray, colour: str) -> None:
        """start, end: (N, 2)."""
        gap = np.full((len(start), 2), np.nan)
        path = np.stack([start, np.clip(end, -1e4, 1e4), gap], axis=1).reshape(-1, 2)
        self.ways.set_data(*path.T)
        self.before.set_data(*start.T)
        self.after.set_data(*end.T)
        for dots in (self.before, self.after):
            dots.set_color(colour)


class CriticTurn:
    """Where the scores of the batch go in the critic's turn: real ones above, generated below."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=RANGE, ylim=(-0.6, 1.6), xlabel="score", xticks=range(-6, 9, 2))
        ax.set_yticks([0, 1], ["generated", "real"])
        ax.tick_params(axis="y", rotation=90, length=0)
        for label in ax.get_yticklabels():
            label.set_verticalalignment("center")
        ax.grid(False, axis="y")
        self.rows = {"real": Arrows(ax), "fake": Arrows(ax)}
        self.best = ax.axvspan(0, 0, color=PALETTE["critic"], alpha=0.15, linewidth=0)
        (self.line,) = ax.plot([], [], ":", color=PALETTE["critic"], linewidth=1.4)

    def artists(self) -> list[Artist]:
        """What moves."""
        return [self.best, self.line, *(a for row in self.rows.values() for a in row.artists())]

    def show(self, settings: BenchSettings, shown: Shown) -> None:
        """Take other settings."""
        for level, kind in enumerate(("fake", "real")):
            before: Tensor = getattr(shown.before, kind)
            after: Tensor = getattr(shown.after, kind)
            height = level + np.linspace(-0.4, 0.4, len(before))
            start, end = (np.stack([s.numpy(), height], axis=1) for s in (before, after))
            self.rows[kind].show(start, end, PALETTE[kind])
        # a pair's best score depends on its partner, which is another for each
        best = None if settings.family in PAIRED else shown.best
        low, high = np.clip(best or (-100.0, -100.0), -100, 100)
        self.best.set_bounds(low, -0.6, high - low, 2.2)
        self.line.set_data([low, low, np.nan, high, high], [-0.6, 1.6, np.nan, -0.6, 1.6])


class GeneratorTurn:
    """Where the generated points go in the generator's turn; light where the critic scores high."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=RANGE, ylim=(-3, 3), xlabel="height uphill", xticks=range(-6, 9, 2), yticks=[])
        ax.grid(False)
        self.ground = ax.imshow(
            np.zeros((1, 2)), extent=(*RANGE, -3, 3), cmap=SCORES, vmin=0, vmax=1,
            aspect="auto", interpolation="nearest",
        )  # fmt: skip
        self.real = ax.plot([], [], "o", color=PALETTE["real"], markersize=4, alpha=0.6)[0]
        (self.aim,) = ax.plot([], [], ":", color=PALETTE["critic"], linewidth=1.4)
        self.fake = Arrows(ax)
        self.note = ax.text(0.02, 0.04, "", transform=ax.transAxes, fontsize=10)

    def artists(self) -> list[Artist]:
        """What moves."""
        return [self.ground, self.real, self.aim, *self.fake.artists(), self.note]

    def show(self, settings: BenchSettings, shown: Shown) -> None:
        """Take other settings."""
        scores = shown.critic.numpy()
        # A dozen flat greys, as `landscape` has them: the picture file is half the size.
        light = (scores - scores.min()) / np.ptp(scores)
        self.ground.set_data(np.clip(np.floor(12 * light), 0, 11)[None] / 11)
        self.real.set_data(*shown.points.real.numpy().T)
        self.fake.show(shown.points.fake.numpy(), shown.moved.numpy(), PALETTE["fake"])
        # where the generator wants its points: the slope of its loss changes sign there
        wish = np.interp(scores, shown.scores.numpy(), shown.slopes["generator"].numpy())
        signs = np.sign(wish.round(6))
        at = shown.heights[1:-1][torch.from_numpy(signs[:-2] * signs[2:] < 0)].tolist()[:1]
        self.aim.set_data(at * 2, [-3, 3] if at else [])
        self.note.set_text("best critic" if is_best(settings) else "straight critic")


Panel = Lines | CriticTurn | GeneratorTurn
PANELS: dict[str, Callable[[Axes], Panel]] = {
    "losses": lambda ax: Lines(ax, "values", (-4, 8)),
    "their slopes": lambda ax: Lines(ax, "slopes", (-4, 4)),
    "critic's turn: where scores go": CriticTurn,
    "generator's turn: where points go": GeneratorTurn,
}
