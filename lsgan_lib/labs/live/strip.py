"""The live GAN lab on paper: some moments of its games, trained afresh from the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import matplotlib.pyplot as plt
import torch

from lsgan_lib.figures import shown_in_few_colours
from lsgan_lib.labs.live.game import LiveGame
from lsgan_lib.labs.live.state import SPAN, LiveState
from lsgan_lib.six_views import draw_lattice, draw_points, draw_scores


def print_strip(states: Sequence[LiveState], turns: Sequence[int]) -> None:
    """Show games after so many rounds each, as a figure: points, critic and, of one game, the grid.

    turns: in rising order.
    """
    alone = len(states) == 1
    rows = 3 if alone else 2 * len(states)
    side = 6.4 / len(turns)
    figure, axes = plt.subplots(rows, len(turns), figsize=(6.4, side * rows + 0.2), squeeze=False)
    for number, (state, title) in enumerate(zip(states, titles(states), strict=True)):
        game = LiveGame(state)
        real = torch.from_numpy(game.real)
        mine = axes[number * 2 : number * 2 + (3 if alone else 2)]
        for column, turn in enumerate(turns):
            game.play("round", turn - game.played)
            views = game.look()
            if number == 0:
                axes[0, column].set_title(f"{turn:,} rounds")
            if views is None:
                for ax in mine[:, column]:
                    ax.set(xticks=[], yticks=[])
                    ax.text(0.5, 0.5, "not finite", ha="center", transform=ax.transAxes)
                continue
            draw_points(mine[0, column], views, real, SPAN, most=200)
            draw_scores(mine[1, column], views, SPAN, real=real)
            if alone:
                draw_lattice(mine[2, column], views, real, SPAN)
        names = ("points", "critic", "grid") if alone else (title, "its critic")
        for ax, name in zip(mine[:, 0], names, strict=False):
            ax.set_ylabel(name)
    shown_in_few_colours(figure)


def titles(states: Sequence[LiveState]) -> list[str]:
    """What sets each of some games apart from the others: the objective, or else other settings."""
    if len({state.objective for state in states}) > 1:
        return [state.objective for state in states]
    apart = [f.name for f in fields(LiveState) if len({getattr(s, f.name) for s in states}) > 1]
    return [
        ", ".join(
            f"{name} {getattr(s, name):g}"
            if isinstance(getattr(s, name), float)
            else f"{name} {getattr(s, name)}"
            for name in apart
        )
        for s in states
    ]
