"""One game on a mixture of Gaussians, played with many seeds at once.

The turns are those of the authors' mixture code (xudonmao/LSGAN, stability_comparison): both
players see one batch of noise, and both move at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor
from torch.func import vmap

from lsgan_lib.data.batches import mix
from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.losses.objectives import AnyObjective
from lsgan_lib.networks.mlp import MLPNetworks
from lsgan_lib.networks.stacked import Stack


@dataclass(frozen=True)
class PointSettings:
    """Settings of a game on points. The defaults are those of the authors' mixture code."""

    networks: MLPNetworks = field(default_factory=MLPNetworks)
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


class ManySeeds:
    """S runs that differ in their seed alone: starting weights, real points, noise.

    Seed s gives the same run alone and in any company (within rounding), and two objectives with
    the same seed start from the same weights and see the same points.
    """

    def __init__(
        self,
        mixture: Mixture,
        objective: AnyObjective,
        seeds: Sequence[int],
        settings: PointSettings | None = None,
    ) -> None:
        self.mixture, self.objective, self.seeds = mixture, objective, tuple(seeds)
        self.settings = settings = settings or PointSettings()
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
        real = torch.stack([self.mixture.sample(count, random) for random in self._randoms])
        fake = self.generator(self._noise(self._randoms, count))  # (S, N, dim)
        # A sum over seeds: the gradient of each run is that of its own loss.
        # Each player gets gradients of its own loss only, and all before anybody moves.
        self._critic_adam.zero_grad()
        self._generator_adam.zero_grad()
        critic_loss = self._critic_losses(real, fake.detach()).sum()
        critic_loss.backward(inputs=self.critic.parameters())
        generator_loss = self._generator_losses(fake).sum()
        generator_loss.backward(inputs=self.generator.parameters())
        self._critic_adam.step()
        self._generator_adam.step()
        self.done += 1

    def _critic_losses(self, real: Tensor, fake: Tensor) -> Tensor:
        """The library's own loss of each run, (S,)."""
        stack, objective = self.critic, self.objective

        def one(weights: dict[str, Tensor], real: Tensor, fake: Tensor) -> Tensor:
            return objective.critic_loss(partial(stack.call_one, weights), real, fake)[0]

        if objective.penalty is None:
            return vmap(one)(stack.weights, real, fake)
        # A penalty differentiates on its own, which vmap does not allow: one run after another.
        losses = [
            objective.critic_loss(
                partial(stack.call_one, stack.one(s)), real[s], fake[s], self._randoms[s]
            )[0]
            for s in range(len(stack))
        ]
        return torch.stack(losses)

    def _generator_losses(self, fake: Tensor) -> Tensor:
        """The library's own loss of each run, (S,)."""
        stack, objective = self.critic, self.objective

        def one(weights: dict[str, Tensor], fake: Tensor) -> Tensor:
            return objective.generator_loss(partial(stack.call_one, weights), fake)

        return vmap(one)(stack.weights, fake)

    @torch.no_grad()
    def samples(self, count: int) -> Tensor:
        """Points that each run makes now, (S, count, dim); asking does not change the run."""
        randoms = [torch.Generator().manual_seed(mix(seed, 5, self.done)) for seed in self.seeds]
        return self.generator(self._noise(randoms, count))

    def _noise(self, randoms: Sequence[torch.Generator], count: int) -> Tensor:
        """(S, count, z_dim), each slice from its own source."""
        z = torch.empty(len(randoms), count, self.settings.networks.z_dim)
        for slot, random in zip(z, randoms, strict=True):
            slot.normal_(generator=random)
        return z

    def _adam(self, stack: Stack, lr: float) -> torch.optim.Adam:
        betas = (self.settings.beta1, self.settings.beta2)
        return torch.optim.Adam(stack.parameters(), lr=lr, betas=betas, fused=True)


def train_seeds(
    mixture: Mixture,
    objective: AnyObjective,
    seeds: Sequence[int],
    settings: PointSettings | None = None,
    *,
    every: int | None = None,
    look: Callable[[ManySeeds], None] | None = None,
) -> ManySeeds:
    """Play the whole game with all seeds at once and return it.

    every: steps between two calls of `look`, which also comes before the first step and after
    the last.
    """
    runs = ManySeeds(mixture, objective, seeds, settings)
    steps = runs.settings.steps
    if look:
        look(runs)
    while runs.done < steps:
        runs.step()
        if look and (runs.done == steps or (every and runs.done % every == 0)):
            look(runs)
    return runs
