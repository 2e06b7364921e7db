"""The game behind the live GAN lab: a `Trainer` that can be stepped, looked at and repeated.

Everything that it shows follows from its settings and from the turns that were played, so that the
same string gives the same pictures. No widgets here.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from lsgan_lib import latent
from lsgan_lib.data.batches import PointBatches
from lsgan_lib.evaluation.divergences import blurred_jensen_shannon
from lsgan_lib.evaluation.views import Viewer, Views
from lsgan_lib.evaluation.window import Window
from lsgan_lib.labs.live.drawing import MIDDLE, Place
from lsgan_lib.labs.live.state import SPAN, LiveState
from lsgan_lib.training.loop import Trainer
from lsgan_lib.training.tally import Step

What = Literal["round", "critic", "generator"]
Moves = tuple[tuple[What, int], ...]
"""what was played and how often, in order"""

EVERY = 10  # rounds between two points of the curves
CURVES = ("turn", "critic_loss", "generator_loss", "divergence")


@dataclass(frozen=True)
class LiveSettings:
    """All that a picture of one game, or of two that are played in step, depends on."""

    states: tuple[LiveState, ...]
    moves: Moves = ()
    cursor: Place = MIDDLE
    """where the keyboard would add a point to a drawing"""


class LiveGame:
    """One game in progress. A round is the critic's turns and one turn of the generator."""

    def __init__(self, state: LiveState) -> None:
        self.state = state
        data = state.mixture
        recipe = state.recipe(EVERY)
        batches = PointBatches(data, state.batch, seed=state.seed)
        self.trainer = Trainer(recipe, batches)
        window = Window(SPAN, side=44)
        self.viewer = Viewer(data, recipe.objective, window, count=400, arrows=40, lines=13)
        self.real = self.viewer.real(400).numpy()
        self.moves: Moves = ()
        self.broken: str | None = None
        """why the game cannot go on"""
        self._rounds = 0  # since the last point of the curves
        self._curves = {name: array("d") for name in CURVES}
        self._note(Step())

    @property
    def played(self) -> int:
        """Rounds and single turns so far."""
        return sum(count for _, count in self.moves)

    def play(self, what: What, count: int = 1) -> None:
        """Play so many rounds, or turns of one player alone. A broken game stays as it is."""
        for _ in range(count):
            self.moves = add(self.moves, what)
            if self.broken:
                continue
            if what == "round":
                self._round()
            else:
                self._turn(what)

    def curves(self) -> dict[str, np.ndarray]:
        """The turn at which each value was noted, both losses and the divergence."""
        return {name: np.array(values) for name, values in self._curves.items()}

    def look(self) -> Views | None:
        """The six views; None where the networks make values that are not finite."""
        if self.broken or not self._fake().isfinite().all():
            return None
        trainer = self.trainer
        views = self.viewer.look(trainer.generator, trainer.critic, trainer.shown)
        return views if views.scores.isfinite().all() and views.push.isfinite().all() else None

    def _round(self) -> None:
        self.trainer.step()
        self._rounds += 1
        bad = self.trainer.not_finite()
        if bad:
            self._break(bad[0])
        elif self._rounds == EVERY:
            self._end_tick()

    def _turn(self, player: Literal["critic", "generator"]) -> None:
        if self._rounds:
            self._end_tick()
        step = self.trainer.turn(player, name=self.played)
        values = dict(zip(step.names, step.sums.tolist(), strict=True))
        if not np.isfinite(list(values.values())).all():
            self._break(f"{player}_loss")
        else:
            self._note(step)

    def _end_tick(self) -> None:
        """Put the means of the rounds since the last point on the curves."""
        self._rounds = 0
        self._append(self.trainer.tick())
        self.trainer.history.clear()  # the curves keep what is needed of it

    def _note(self, step: Step) -> None:
        """Put the values of one turn on the curves."""
        self._append(dict(zip(step.names, step.sums.tolist(), strict=True)) if step.names else {})

    def _append(self, row: dict[str, float]) -> None:
        row = {"turn": self.played, "divergence": self._divergence(), **row}
        for name, values in self._curves.items():
            values.append(row.get(name, float("nan")))

    def _divergence(self) -> float:
        """Jensen-Shannon divergence to the data; NaN where the points are not finite."""
        fake, viewer = self._fake(), self.viewer
        if not fake.isfinite().all():
            return float("nan")
        return blurred_jensen_shannon(fake, viewer.data, viewer.window, viewer.blur).item()

    def _fake(self) -> torch.Tensor:
        random = torch.Generator().manual_seed(self.viewer.seed)
        with torch.no_grad():
            z = latent.draw(self.viewer.count, 2, self.viewer.noise, random)
            return self.trainer.generator(z)

    def _break(self, name: str) -> None:
        self.broken = (
            f"{name.replace('_', ' ')} is not finite in turn {self.played:,}, so the game "
            "has stopped. Smaller rates or a penalty may hold it; Reset starts it again."
        )


def add(moves: Moves, what: What, count: int = 1) -> Moves:
    """The moves and then some more."""
    if moves and moves[-1][0] == what:
        return (*moves[:-1], (what, moves[-1][1] + count))
    return (*moves, (what, count))


def replayed(state: LiveState, moves: Moves) -> LiveGame:
    """A fresh game in which these turns have been played."""
    game = LiveGame(state)
    for what, count in moves:
        game.play(what, count)
    return game
