"""What both drawings of the cone drawer share: points, active hinges, forces and the cursor."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from lsgan_lib.figures import PALETTE
from lsgan_lib.labs.cones.game import ACTIVE, Shown
from lsgan_lib.labs.cones.points import MOST, ConeSettings

COLOURS = {"real": PALETTE["real"], "generated": PALETTE["fake"]}


class Marks:
    """The artists, made once and for all, of as many points as there may be."""

    def __init__(self, ax: Axes) -> None:
        self.hinges = LineCollection([], colors=PALETTE["guide"], linewidths=0.8, linestyles="--")
        ax.add_collection(self.hinges)
        dots: dict[str, Any] = {"markersize": 8, "markeredgecolor": "white"}
        self.dots = {
            kind: ax.plot([], [], "o", color=colour, label=kind, **dots)[0]
            for kind, colour in COLOURS.items()
        }
        (self.cursor,) = ax.plot([], [], "+", markersize=16, markeredgewidth=2)
        arrows: dict[str, Any] = {
            "angles": "xy", "scale_units": "xy", "scale": 1, "units": "inches", "zorder": 5,
        }  # fmt: skip
        # as many arrows as there may be; those of no use are not numbers, and are not drawn
        nowhere, none = np.zeros((MOST, 2)), np.full(MOST, np.nan)
        self.pulls = ax.quiver(*nowhere.T, none, none, color="black", width=0.035, **arrows)
        nowhere, none = np.zeros((12 * MOST, 2)), np.full(12 * MOST, np.nan)
        self.around = ax.quiver(*nowhere.T, none, none, color="black", width=0.018, **arrows)

    def artists(self) -> list[Artist]:
        """What moves."""
        return [self.hinges, *self.dots.values(), self.around, self.pulls, self.cursor]

    def show(self, settings: ConeSettings, shown: Shown | None, real: Any, fake: Any) -> None:
        """real, fake: (n, 2) and (m, 2), where the points stand on the axes."""
        for kind, places in (("real", real), ("generated", fake)):
            self.dots[kind].set_data(*np.reshape(places, (-1, 2)).T)
        self.cursor.set_color(COLOURS[settings.adds])
        active: list[list[int]] = []
        if shown is not None:
            active = np.argwhere(shown.excess.numpy() > ACTIVE).tolist()
        self.hinges.set_segments([(real[i], fake[j]) for i, j in active])
        if shown is None:
            _point(self.pulls, np.zeros((0, 2)), np.zeros((0, 2)))
            _point(self.around, np.zeros((0, 2)), np.zeros((0, 2)))
            return
        force, kappa = shown.force, shown.best.kappa
        pulled = np.array([verdict == "pulled" for verdict in force.verdicts], dtype=bool)
        held = np.array([verdict in ("summit", "pit") for verdict in force.verdicts], dtype=bool)
        mean, around, ring = (_in_plane(part) for part in (force.mean, force.around, force.ring))
        _point(self.pulls, fake[pulled], 0.7 * mean[pulled] / kappa)
        out = (around[held] * ring).sum(axis=-1, keepdims=True) / kappa
        ways = 0.16 * out * ring  # outwards at a summit, inwards in a pit
        start = fake[held][:, None] + (0.17 + 0.16 * np.maximum(-out, 0)) * ring
        _point(self.around, start.reshape(-1, 2), ways.reshape(-1, 2))


def _in_plane(vectors: torch.Tensor) -> np.ndarray:
    """Vectors of one coordinate get a second one, 0."""
    flat = vectors.numpy()
    return flat if flat.shape[-1] == 2 else np.concatenate([flat, np.zeros_like(flat)], axis=-1)


def _point(arrows: Any, start: np.ndarray, way: np.ndarray) -> None:
    """Use the first arrows and leave the others out."""
    places, ways = np.zeros((arrows.N, 2)), np.full((arrows.N, 2), np.nan)
    places[: len(start)], ways[: len(way)] = start, way
    arrows.set_offsets(places)
    arrows.set_UVC(*ways.T)
