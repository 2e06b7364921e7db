"""A game in the plane, watched again: stored frames under a slider, a strip of them on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from torch import Tensor

from lsgan_lib.evaluation.views import Views
from lsgan_lib.figures import DOTS_PER_INCH, shown_in_few_colours
from lsgan_lib.labs.explore import evenly
from lsgan_lib.labs.repaint import repaint
from lsgan_lib.six_views import History, draw_lattice, draw_pushes, draw_scores, png, six_views


def replay(
    frames: Sequence[Views],
    history: History,
    *,
    real: Tensor,
    span: float,
    equilibrium: Mapping[str, float] = {},
    panels: int = 5,
) -> None:
    """Show some moments of a run as a printed strip, and all of them in six views under a slider.

    frames, history: of one run, as `Looks` and `Trainer` keep them; nothing is trained or computed
    anew. real, span, equilibrium: as for `six_views`. panels: moments in the strip.
    """
    moments = {f"{frame.shown / 1000:.4g} k": frame for frame in frames}
    curve = [frame.shown for frame in frames], [frame.divergence for frame in frames]
    printed = evenly(list(moments), panels)
    figure, axes = plt.subplots(3, len(printed), figsize=(9.0, 27 / len(printed)), squeeze=False)
    for column, at in zip(axes.T, printed, strict=True):
        draw_scores(column[0], moments[at], span, real=real)
        draw_lattice(column[1], moments[at], real, span)
        draw_pushes(column[2], moments[at], span)
        column[0].set_title(f"{at} shown")
    for ax, name in zip(axes[:, 0], ("critic", "grid", "pushes"), strict=True):
        ax.set_ylabel(name)
    shown_in_few_colours(figure)

    def picture(at: str) -> bytes:
        views = moments[at]
        return png(six_views(views, history, curve, real=real, span=span, equilibrium=equilibrium))

    repaint(
        picture,
        "points shown",
        list(moments),
        labels=list(moments),
        start=len(moments) - 1,
        width=9 * DOTS_PER_INCH,
    )
