"""The six views of a GAN in the plane, as one picture: what `evaluation.views` saw, drawn.

    points          critic's scores     generator's grid
    pushes          losses              divergence

GAN Lab (Kahng, Thorat, Chau, Viegas and Wattenberg 2018, arXiv 1809.01587) showed first how much
one sees when these hang side by side.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from torch import Tensor

from lsgan_lib.evaluation.views import Views
from lsgan_lib.figures import DOTS_PER_INCH, PALETTE, landscape, scatter_points

History = Sequence[Mapping[str, float]]
"""rows of `Trainer.history`"""


def draw_points(ax: Axes, views: Views, real: Tensor, span: float, *, most: int = 500) -> None:
    """Real and generated points, at most so many of each."""
    scatter_points(ax, real[:most], "real", label="real")
    scatter_points(ax, views.fake[:most], "fake", label="generated")
    _plane(ax, span)


def draw_scores(ax: Axes, views: Views, span: float, *, real: Tensor | None = None) -> None:
    """The critic over the plane, light where it scores high, with some real points on it.

    The greys span the scores that points really get. In empty corners a critic may say anything,
    and would leave no contrast where the game is played.
    """
    scores = views.scores.clamp(*views.usual_scores)
    landscape(ax, scores, real=None if real is None else real[:150], span=span)
    _frame(ax)


def draw_lattice(ax: Axes, views: Views, real: Tensor, span: float) -> None:
    """Where the generator puts a square grid of noise; the darker a cell, the more lies there."""
    lattice, thickness = views.lattice.numpy(), views.thickness.flatten().numpy()
    corners = [lattice[:-1, :-1], lattice[1:, :-1], lattice[1:, 1:], lattice[:-1, 1:]]
    cells = np.stack(corners, axis=2).reshape(-1, 4, 2)
    colour = np.zeros((len(cells), 4))
    colour[:, :3] = _rgb("generator")
    # Half dark where a twentieth of all points would lie on a square of 1/5 by 1/5.
    colour[:, 3] = 0.75 * thickness / (thickness + 1.25)
    colour[~np.isfinite(thickness), 3] = 0.75
    ax.add_collection(PolyCollection(list(cells), facecolors=colour, edgecolors="none"))
    lines = [*lattice, *lattice.swapaxes(0, 1)]
    ax.add_collection(LineCollection(lines, colors=PALETTE["generator"], linewidths=0.5))
    scatter_points(ax, real[:150], "real", s=5, alpha=0.35)
    _plane(ax, span)


def draw_pushes(ax: Axes, views: Views, span: float, *, scale: float | None = None) -> None:
    """Arrows along which the generator's loss pushes some generated points, over the critic.

    scale: length of an arrow, in units of the plane, for a push of 1. None makes nine of ten
    arrows shorter than a twelfth of the window: directions compare then, lengths from picture to
    picture do not. No arrow is drawn longer than an eighth of the window.
    """
    draw_scores(ax, views, span)
    at, push = views.push_at.numpy(), views.push.numpy()
    length = np.hypot(*push.T)
    if scale is None:
        usual = float(np.quantile(length, 0.9))
        scale = span / 6 / usual if usual > 0 else 1.0
    arrows = scale * push * np.minimum(1, span / 4 / np.maximum(scale * length, 1e-30))[:, None]
    scatter_points(ax, at, "fake", s=9)
    ax.quiver(
        *at.T, *arrows.T, angles="xy", scale_units="xy", scale=1, width=0.005, zorder=3
    )  # fmt: skip
    _frame(ax)


def draw_losses(
    ax: Axes, history: History, *, now: float | None = None, equilibrium: Mapping[str, float] = {}
) -> None:
    """Both losses over images shown, in thousands; dotted, where they rest at equilibrium.

    equilibrium: by "critic" and "generator". now: a line at the moment the other views show.
    """
    shown = [row["images"] / 1000 for row in history]
    for who in ("critic", "generator"):
        values = [row[f"{who}_loss"] for row in history]
        ax.plot(shown, values, color=PALETTE[who], label=who, linewidth=1.4)
        if who in equilibrium:
            ax.axhline(equilibrium[who], color=PALETTE[who], linestyle=":", linewidth=1)
    _mark(ax, now)
    ax.set_xlabel("thousand points shown")
    ax.legend()


def draw_divergence(
    ax: Axes, divergences: tuple[Sequence[float], Sequence[float]], *, now: float | None = None
) -> None:
    """Jensen-Shannon divergence over images shown, in thousands; log 2 is its largest value."""
    shown, values = divergences
    ax.plot([n / 1000 for n in shown], values, color=PALETTE["critic"], linewidth=1.4)
    _mark(ax, now)
    ax.set(xlabel="thousand points shown", ylim=(0, np.log(2)))


def six_views(
    views: Views,
    history: History,
    divergences: tuple[Sequence[float], Sequence[float]],
    *,
    real: Tensor,
    span: float,
    equilibrium: Mapping[str, float] = {},
    figure: Figure | None = None,
) -> Figure:
    """Draw all six views of one moment, with the curves of the whole run.

    real: points of the data to show. span: half the side of the window that `views` looked at.
    figure: where to draw; by default a new one that pyplot does not know of.
    """
    figure = figure or Figure(figsize=(9.0, 6.2), layout=ConstrainedLayoutEngine())
    axes = figure.subplots(2, 3)
    draw_points(axes[0, 0], views, real, span)
    draw_scores(axes[0, 1], views, span, real=real)
    draw_lattice(axes[0, 2], views, real, span)
    draw_pushes(axes[1, 0], views, span)
    draw_losses(axes[1, 1], history, now=views.shown, equilibrium=equilibrium)
    draw_divergence(axes[1, 2], divergences, now=views.shown)
    titles = (
        *("points", "critic: light is a high score", "generator's grid"),
        *("pushes on generated points", "losses", "JS divergence"),
    )
    for ax, title in zip(axes.flat, titles, strict=True):
        ax.set_title(title)
    axes[0, 0].legend(loc="upper left", fontsize=8, handletextpad=0.1, borderaxespad=0.1)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, sharp on screens of high density, for a widget."""
    file = io.BytesIO()
    # Without the metadata the bytes do not depend on the version of matplotlib.
    figure.savefig(file, format="png", dpi=1.5 * DOTS_PER_INCH, metadata={"Software": None})
    return file.getvalue()


def _plane(ax: Axes, span: float) -> None:
    ax.set(xlim=(-span, span), ylim=(-span, span), xticks=[], yticks=[])
    ax.set_aspect("equal")
    _frame(ax)


def _frame(ax: Axes) -> None:
    ax.spines[:].set(visible=True, color="#CCCCCC")


def _mark(ax: Axes, now: float | None) -> None:
    if now is not None:
        ax.axvline(now / 1000, color=PALETTE["guide"], linewidth=1)


def _rgb(name: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(PALETTE[name])
