"""Many runs of the game on mixtures of Gaussians, played at once as one batched model.

The turns are those of the authors' mixture code (xudonmao/LSGAN, stability_comparison): both
players see one batch of noise, and both move at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from lsgan_lib.data.batches import mix
from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.losses.objectives import AnyObjective
from lsgan_lib.networks.almost_orthogonal import AlmostOrthogonalNetworks
from lsgan_lib.networks.mlp import MLPNetworks
from lsgan_lib.networks.stacked import Stack


@dataclass(frozen=True)
class PointSettings:
    """Settings of a game on points. The defaults are those of the authors' mixture code."""

    networks: MLPNetworks | AlmostOrthogonalNetworks = field(default_factory=MLPNetworks)
    """two hidden layers of 128 tanh units, orthogonal weights with gain 1.4, z ~ N(0, 1)^256"""
    steps: int = 35_000
    """moves of each player"""
    batch_size: int = 512
    """real points in a step, and as many generated ones"""
    critic_lr: float = 1e-4
    """step size of the critic's Adam"""
    generator_lr: float = 1e-3
    """step size of the generator's Adam"""
    beta1: float = 0.5
    """decay of Adam's mean of gradients"""
    beta2: float = 0.999
    """decay of Adam's mean of squared gradients"""


@dataclass(frozen=True)
class Cell:
    """Runs that differ in their seed alone."""

    mixture: Mixture
    objective: AnyObjective
    seeds: tuple[int, ...]


class ManySeeds:
    """All runs of some cells, side by side in two stacks: R runs in the order of the cells.

    A run depends on its mixture, its objective and its seed, not on its company (but for
    rounding). One seed gives the same starting weights in every cell, and the same real points in
    cells of one mixture.
    """

    def __init__(self, cells: Sequence[Cell], settings: PointSettings | None = None) -> None:
        self.cells = tuple(cells)
        self.settings = settings = settings or PointSettings()
        seeds = [seed for cell in cells for seed in cell.seeds]
        starts = [torch.Generator().manual_seed(mix(seed, 2, 0)) for seed in seeds]
        self.generator = Stack([settings.networks.generator(random) for random in starts])
        self.critic = Stack([settings.networks.critic(random) for random in starts])
        self._randoms = [torch.Generator().manual_seed(mix(seed, 4, 0)) for seed in seeds]
        self._critic_adam = self._adam(self.critic, settings.critic_lr)
        self._generator_adam = self._adam(self.generator, settings.generator_lr)
        self.done = 0  # steps

    def step(self) -> None:
        """Both players learn from one batch, and then move."""
        count = self.settings.batch_size
        mixtures = [cell.mixture for cell in self.cells for _ in cell.seeds]
        pairs = zip(mixtures, self._randoms, strict=True)
        real = torch.stack([mixture.sample(count, random) for mixture, random in pairs])
        fake = self.generator(self._noise(self._randoms, count))  # (R, N, dim)
        # Each player gets gradients of its own loss only, and all before anybody moves. A sum
        # over runs: the gradient of each run is that of its own loss. And backward, not
        # autograd.grad: it lays gradients out as the weights are, on which the fused Adam relies.
        self._critic_adam.zero_grad()
        self._generator_adam.zero_grad()
        critic_loss = self._critic_losses(real, fake.detach()).sum()
        critic_loss.backward(inputs=self.critic.parameters())
        generator_loss = self._generator_losses(self.critic(fake)).sum()
        generator_loss.backward(inputs=self.generator.parameters())
        self._critic_adam.step()
        self._generator_adam.step()
        self.done += 1

    def _critic_losses(self, real: Tensor, fake: Tensor) -> Tensor:
        """The library's own loss of each run, (R,)."""
        if any(cell.objective.penalty is not None for cell in self.cells):
            return self._penalised_losses(real, fake)
        scores = self.critic(torch.cat([real, fake], dim=1)).split(self.settings.batch_size, dim=1)
        losses = []
        for cell, rows in self._rows():
            one = partial(_loss_of_scores, cell.objective)
            losses.append(vmap(one)(real[rows], fake[rows], *(s[rows] for s in scores)))
        return torch.cat(losses)

    def _penalised_losses(self, real: Tensor, fake: Tensor) -> Tensor:
        """The same one run after another: a penalty differentiates, which vmap does not allow."""
        losses = []
        for cell, rows in self._rows():
            for r in range(rows.start, rows.stop):
                critic = partial(self.critic.call_one, self.critic.one(r))
                loss, _ = cell.objective.critic_loss(critic, real[r], fake[r], self._randoms[r])
                losses.append(loss)
        return torch.stack(losses)

    def _generator_losses(self, scores: Tensor) -> Tensor:
        """The library's own loss of each run, (R,), from the scores of its fakes, (R, N)."""
        losses = [
            vmap(partial(cell.objective.generator_loss, _as_it_is))(scores[rows])
            for cell, rows in self._rows()
        ]
        return torch.cat(losses)

    def _rows(self) -> list[tuple[Cell, slice]]:
        """Each cell with its place in the stacks."""
        places, start = [], 0
        for cell in self.cells:
            places.append((cell, slice(start, start + len(cell.seeds))))
            start += len(cell.seeds)
        return places

    @torch.no_grad()
    def samples(self, count: int) -> list[Tensor]:
        """Points that each run makes now, (S, count, dim) a cell; asking changes no run."""
        seeds = [seed for cell in self.cells for seed in cell.seeds]
        randoms = [torch.Generator().manual_seed(mix(seed, 5, self.done)) for seed in seeds]
        points = self.generator(self._noise(randoms, count))
        return [points[rows] for _, rows in self._rows()]

    def state_dict(self) -> dict[str, Any]:
        """All that the rest of the runs depends on."""
        return {
            "done": self.done,
            "weights": [stack.weights for stack in (self.generator, self.critic)],
            "adam": [adam.state_dict() for adam in (self._generator_adam, self._critic_adam)],
            "randoms": [random.get_state() for random in self._randoms],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken, with the same cells and settings."""
        self.done = state["done"]
        for stack, weights in zip((self.generator, self.critic), state["weights"], strict=True):
            with torch.no_grad():
                for name, weight in weights.items():
                    stack.weights[name].copy_(weight)
        adams = (self._generator_adam, self._critic_adam)
        for adam, adam_state in zip(adams, state["adam"], strict=True):
            adam.load_state_dict(adam_state)
        for random, random_state in zip(self._randoms, state["randoms"], strict=True):
            random.set_state(random_state)

    def _noise(self, randoms: Sequence[torch.Generator], count: int) -> Tensor:
        """(R, count, z_dim), each slice from its own source."""
        z = torch.empty(len(randoms), count, self.settings.networks.z_dim)
        for slot, random in zip(z, randoms, strict=True):
            slot.normal_(generator=random)
        return z

    def _adam(self, stack: Stack, lr: float) -> torch.optim.Adam:
        betas = (self.settings.beta1, self.settings.beta2)
        return torch.optim.Adam(stack.parameters(), lr=lr, betas=betas, fused=True)


def _loss_of_scores(
    objective: AnyObjective, real: Tensor, fake: Tensor, real_scores: Tensor, fake_scores: Tensor
) -> Tensor:
    """The critic's loss of one run whose points have been scored already, with those of all runs.

    An objective asks a critic; this one knows two batches, and what it said of them.
    """

    def critic(points: Tensor) -> Tensor:
        return real_scores if points is real else fake_scores

    return objective.critic_loss(critic, real, fake)[0]


def _as_it_is(scores: Tensor) -> Tensor:
    return scores


def train_cells(
    cells: Sequence[Cell],
    settings: PointSettings | None = None,
    *,
    every: int | None = None,
    look: Callable[[ManySeeds], None] | None = None,
) -> ManySeeds:
    """Play the whole game in all cells at once and return it.

    every: steps between two calls of `look`, which also comes before the first step and after
    the last.
    """
    runs = ManySeeds(cells, settings)
    if look:
        look(runs)
    return go_on(runs, every=every, look=look)


def go_on(
    runs: ManySeeds,
    *,
    every: int | None = None,
    look: Callable[[ManySeeds], None] | None = None,
) -> ManySeeds:
    """Play the steps that are left, as `train_cells` does."""
    steps = runs.settings.steps
    while runs.done < steps:
        runs.step()
        if look and (runs.done == steps or (every and runs.done % every == 0)):
            look(runs)
    return runs
