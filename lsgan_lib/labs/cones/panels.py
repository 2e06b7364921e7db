"""The cone drawer's drawings: critics on a line, one over the plane, a table of hinges."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from PIL import Image

from lsgan_lib.figures import PALETTE, SCORES
from lsgan_lib.labs.cones.game import ACTIVE, Shown, critic_of, tensor
from lsgan_lib.labs.cones.marks import Marks
from lsgan_lib.labs.cones.points import SPAN, ConeSettings

BAND = PALETTE["loss_sensitive"]
TOPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""of the axis; slope 8 over all of the line makes 48"""
LINE = torch.linspace(-SPAN, SPAN, 301, dtype=torch.float64)[:, None]
SIDE = 60
"""places a side of the plane's grid"""


class OnALine:
    """The band of all best critics, the one that the generator meets, and the points' values."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-SPAN, SPAN), ylim=(-0.06, 1), xlabel="x")
        ax.set_ylabel("loss that the critic gives", labelpad=24)
        ax.set_yticks(np.linspace(0, 1, 5), [""] * 5)
        self.ax = ax
        beside: dict[str, Any] = {"transform": ax.transAxes, "ha": "right", "va": "center"}
        self.ticks = [ax.text(-0.025, (k / 4 + 0.06) / 1.06, "", **beside) for k in range(5)]
        (self.band,) = ax.fill([], [], color=BAND, alpha=0.4, linewidth=0)
        self.edges = [ax.plot([], [], BAND, linewidth=0.8)[0] for _ in range(2)]
        (self.met,) = ax.plot([], [], color=PALETTE["critic"], linewidth=1.6)
        self.marks = Marks(ax)

    def artists(self) -> list[Artist]:
        """What moves."""
        return [*self.ticks, self.band, *self.edges, self.met, *self.marks.artists()]

    def show(self, settings: ConeSettings, shown: Shown | None) -> None:
        """Take other settings."""
        top = TOPS[1]
        real, fake = (
            np.array([(x, 0.0) for x, _ in points]).reshape(-1, 2)
            for points in (settings.real, settings.fake)
        )
        x, low, high, met = LINE[:, 0].numpy(), *[np.full(len(LINE), np.nan)] * 3
        if shown is not None:
            low, high = shown.best.lower(LINE).numpy(), shown.best.upper(LINE).numpy()
            met = critic_of(shown.best, settings.side)(LINE).numpy()
            real[:, 1], fake[:, 1] = np.split(shown.values.numpy(), [len(real)])
            highest = float(shown.best.greatest.max())
            top = next(top for top in TOPS if top > 1.1 * highest)
        self.ax.set_ylim(-0.06 * top, top)
        self.ax.set_yticks(np.linspace(0, top, 5), [""] * 5)
        for k, tick in enumerate(self.ticks):
            tick.set_text(f"{k / 4 * top:g}")
        outline = np.stack([np.append(x, x[::-1]), np.append(low, high[::-1])], axis=1)
        self.band.set_xy(outline if shown is not None else np.zeros((3, 2)))
        for line, y in zip((*self.edges, self.met), (low, high, met), strict=True):
            line.set_data(x, y)
        self.marks.show(settings, shown, real, fake)
        self.marks.cursor.set_data([settings.cursor[0]], [0])


class InThePlane:
    """The critic that the generator meets, dark where it is dear, under the points."""

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(-SPAN, SPAN), ylim=(-SPAN, SPAN))
        ax.grid(False)
        self.ground = ax.imshow(
            np.zeros((2, 2)), extent=(-SPAN, SPAN, -SPAN, SPAN), cmap=SCORES.reversed(),
            vmin=0, vmax=1, origin="lower", interpolation="nearest", aspect="auto",
        )  # fmt: skip
        line = torch.linspace(-SPAN, SPAN, SIDE, dtype=torch.float64)
        self.grid = torch.cartesian_prod(line, line).flip(1)  # rows from low to high y
        self.note = ax.text(0.02, 0.02, "", transform=ax.transAxes, fontsize=9)
        self.marks = Marks(ax)

    def artists(self) -> list[Artist]:
        """What moves."""
        return [self.ground, *self.marks.artists(), self.note]

    def show(self, settings: ConeSettings, shown: Shown | None) -> None:
        """Take other settings."""
        steps, top = np.zeros((2, 2)), 0.0
        if shown is not None:
            heights = critic_of(shown.best, settings.side)(self.grid).view(SIDE, SIDE).numpy()
            top = float(heights.max())
            # A dozen flat greys with smooth edges: what contours would show, thirty times as fast.
            smooth = Image.fromarray(heights.astype(np.float32)).resize(
                (4 * SIDE, 4 * SIDE), Image.Resampling.BILINEAR
            )
            steps = np.clip(np.floor(12 * np.asarray(smooth) / max(top, 1e-9)), 0, 11) / 11
        self.ground.set_data(steps)
        self.note.set_text(f"from 0 (white) to {top:.2g} (dark)" if shown is not None else "")
        real, fake = (tensor(points, 2).numpy() for points in (settings.real, settings.fake))
        self.marks.show(settings, shown, real, fake)
        self.marks.cursor.set_data([settings.cursor[0]], [settings.cursor[1]])


class Hinges:
    """One square a pair, from left to right: grey if the margin is kept, else the more is missing
    the more orange.
    """

    def __init__(self, ax: Axes) -> None:
        ax.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
        ax.set(xlabel="generated, by x", ylabel="real, by x")
        ax.grid(False)
        ax.spines[:].set_visible(False)
        self.table = ax.imshow(
            np.ones((2, 2, 3)), extent=(0, 1, 0, 1), interpolation="nearest", aspect="auto"
        )
        self.title = ax.text(0.5, 1.04, "", transform=ax.transAxes, ha="center")

    def artists(self) -> list[Artist]:
        """What moves."""
        return [self.table, self.title]

    def show(self, settings: ConeSettings, shown: Shown | None) -> None:
        """Take other settings."""
        if shown is None:
            self.table.set_data(np.ones((2, 2, 3)))
            self.title.set_text("no pair")
            return
        rows, columns = shown.best.real[:, 0].argsort(), shown.best.fake[:, 0].argsort()
        excess = shown.excess[rows][:, columns].numpy()[..., None]
        active = excess > ACTIVE
        strong = 0.25 + 0.75 * excess / max(excess.max(), 1e-9)
        colour = np.where(active, 1 - strong * (1 - np.array(to_rgb(BAND))), 0.88)
        cells = np.ones((12 * len(rows), 12 * len(columns), 3))
        for i in range(1, 11):
            for j in range(1, 11):
                cells[i::12, j::12] = colour
        self.table.set_data(cells)
        self.title.set_text(f"active hinges: {int(active.sum())} of {active.size}")
