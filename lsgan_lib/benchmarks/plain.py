"""The loop that a textbook would write, to be read top to bottom: what `lsgan bench` compares with.

Same networks, losses, optimisers and average as `lsgan_lib.training.loop`, and no trick: float32 in
torch's usual memory order; a DataLoader that normalises image by image; three forward passes of the
critic (real, fake, and again for the slope penalty, which automatic differentiation differentiates
twice); a generator that builds a graph in the critic's turn, and a critic that collects gradients
in the generator's; both losses read with `.item()` at every step; the averaged weights one after
the other. The mathematics is that of the real loop, step for step (tests/test_benchmarks.py).
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lsgan_lib.errors import BookError
from lsgan_lib.losses.objectives import Penalty
from lsgan_lib.losses.penalties import clip_weights_
from lsgan_lib.training.average import keep_factor
from lsgan_lib.training.recipe import Recipe


class Pictures(Dataset[Tensor]):
    """uint8 images (N, C, H, W), each made a float image in [-1, 1] when it is asked for."""

    def __init__(self, images: Tensor, flip: bool) -> None:
        self.images, self.flip = images, flip

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        image = self.images[index].float() / 127.5 - 1
        return image.flip(-1) if self.flip and torch.rand(()) < 0.5 else image


class PlainLoop:
    """Both networks of a recipe and their optimisers; `step()` is one step of the game."""

    def __init__(self, recipe: Recipe, images: Tensor, device: torch.device | str = "cpu") -> None:
        self.recipe, self.device = recipe, torch.device(device)
        weights = torch.Generator().manual_seed(recipe.seed)
        self.generator = recipe.networks.generator(weights).to(self.device)
        self.critic = recipe.networks.critic(weights).to(self.device)
        self.average = recipe.networks.generator(weights).to(self.device)
        self.critic_optimiser = self._optimiser(self.critic, recipe.critic_lr, recipe.weight_decay)
        self.generator_optimiser = self._optimiser(self.generator, recipe.generator_lr, 0.0)
        pictures = Pictures(images, recipe.flip)
        self.loader = DataLoader(pictures, recipe.batch_size, shuffle=True, drop_last=True)
        self.batches = self._endless()
        self.shown = 0  # images

    def step(self) -> tuple[float, float]:
        """One step; returns the losses of critic and generator."""
        recipe, objective = self.recipe, self.recipe.objective
        for _ in range(recipe.critic_steps):
            real = next(self.batches).to(self.device)
            fake = self.generator(self._noise()).detach()
            loss, _ = replace(objective, penalty=None).critic_loss(self.critic, real, fake)
            if objective.penalty is not None:
                slope = slope_penalty(objective.penalty, self.critic, real, fake)
                loss = loss + objective.penalty.weight * slope
            self.critic_optimiser.zero_grad()
            loss.backward()
            self.critic_optimiser.step()
            if recipe.clip_weights is not None:
                clip_weights_(self.critic, recipe.clip_weights)
            critic_loss = loss.item()
            self.shown += recipe.batch_size
        for _ in range(recipe.generator_steps):
            loss = objective.generator_loss(self.critic, self.generator(self._noise()))
            self.generator_optimiser.zero_grad()
            loss.backward()
            self.generator_optimiser.step()
            generator_loss = loss.item()
        self._update_average()
        return critic_loss, generator_loss

    def _noise(self) -> Tensor:
        """Fresh noise for a batch: uniform on [-1, 1], or standard normal."""
        shape = (self.recipe.batch_size, self.recipe.networks.z_dim)
        if self.recipe.noise == "uniform":
            return torch.rand(shape, device=self.device) * 2 - 1
        return torch.randn(shape, device=self.device)

    @torch.no_grad()
    def _update_average(self) -> None:
        recipe, images = self.recipe, self.recipe.critic_steps * self.recipe.batch_size
        keep = keep_factor(images, self.shown, recipe.average_half_life, recipe.average_ramp)
        new = self.generator.state_dict()
        for name, old in self.average.state_dict().items():
            if old.is_floating_point():
                old.mul_(keep).add_(new[name], alpha=1 - keep)
            else:
                old.copy_(new[name])

    def _optimiser(self, network: nn.Module, lr: float, decay: float) -> torch.optim.Optimizer:
        if self.recipe.optimiser == "rmsprop":
            return torch.optim.RMSprop(network.parameters(), lr, weight_decay=decay)
        betas = (self.recipe.beta1, self.recipe.beta2)
        return torch.optim.Adam(network.parameters(), lr, betas, weight_decay=decay)

    def _endless(self) -> Iterator[Tensor]:
        while True:
            yield from self.loader


def slope_penalty(penalty: Penalty, critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The penalty on the critic's slope, by a forward pass of its own and differentiating twice.

    Raises BookError for the kinds that no named recipe trains images with.
    """
    if penalty.kind == "gradient_norm":
        points = real.clone()
    elif penalty.kind == "interpolates":
        weight = torch.rand(len(real), 1, 1, 1, device=real.device)
        points = weight * real + (1 - weight) * fake
    else:
        raise BookError(
            f"the plain loop knows no penalty {penalty.kind!r}, so there is nothing to compare "
            "with. Take a recipe with gradient_norm or interpolates."
        )
    points.requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    if penalty.kind == "interpolates":
        return (slope.flatten(1).norm(dim=1) - penalty.target).square().mean()
    norm = slope.norm(dim=1) if penalty.reduce == "pixel" else slope.flatten(1).norm(dim=1)
    return norm.pow(penalty.power).mean()
