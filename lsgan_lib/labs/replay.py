"""A game in the plane, watched again: stored frames under a slider, a strip of them on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from lsgan_lib.evaluation.views import Views
from lsgan_lib.figures import DOTS_PER_INCH
from lsgan_lib.labs.explore import evenly, strip
from lsgan_lib.labs.repaint import label, repaint
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

    frames, history: of one run, as `Watch` and `Trainer` keep them; nothing is trained or computed
    anew. real, span, equilibrium: as for `six_views`. panels: moments in the strip.
    """
    moments = {frame.shown / 1000: frame for frame in frames}
    curve = [frame.shown for frame in frames], [frame.divergence for frame in frames]
    strip(
        {
            "critic": lambda ax, at: draw_scores(ax, moments[at], span, real=real),
            "grid": lambda ax, at: draw_lattice(ax, moments[at], real, span),
            "pushes": lambda ax, at: draw_pushes(ax, moments[at], span),
        },
        "thousand shown",
        evenly(list(moments), panels),
    )

    def picture(at: float) -> bytes:
        views = moments[at]
        return png(six_views(views, history, curve, real=real, span=span, equilibrium=equilibrium))

    repaint(
        picture,
        "thousand points shown",
        list(moments),
        labels=[label(at) for at in moments],
        start=len(moments) - 1,
        width=9 * DOTS_PER_INCH,
    )
