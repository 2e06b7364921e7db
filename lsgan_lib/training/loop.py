"""The training loop, to be read top to bottom (chapter 04 prints it).

A step is: critic_steps times the critic, generator_steps times the generator, once the average.
Everything random follows from the seed and the number of images shown: which images, which noise,
which dropout masks. So two counters, the weights and the optimisers are the whole state of a run.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from lsgan_lib import latent
from lsgan_lib.data.batches import Stream, mix
from lsgan_lib.losses.penalties import clip_weights_
from lsgan_lib.networks.dropout import set_dropout_random
from lsgan_lib.training.average import keep_factor, update_average
from lsgan_lib.training.recipe import Recipe


class Trainer:
    """Both networks, their optimisers and the counters of one run."""

    def __init__(self, recipe: Recipe, batches: Stream, device: torch.device | str = "cpu") -> None:
        self.recipe = recipe
        self.batches = batches
        self.device = torch.device(device)
        weights = torch.Generator().manual_seed(mix(recipe.seed, 2, 0))
        # channels_last: the memory order in which convolutions run fastest, on CPU and GPU alike.
        order = torch.channels_last
        self.generator = recipe.networks.generator(weights).to(self.device).to(memory_format=order)
        self.critic = recipe.networks.critic(weights).to(self.device).to(memory_format=order)
        self.average = recipe.networks.generator(weights).to(self.device).to(memory_format=order)
        self.average.eval()
        update_average(self.average, self.generator, keep=0.0)
        self.average.requires_grad_(False)
        self.random = torch.Generator(self.device)  # noise, dropout masks, points of penalties
        set_dropout_random(self.generator, self.random)
        self.critic_optimiser = self._optimiser(self.critic, recipe.critic_lr, recipe.weight_decay)
        self.generator_optimiser = self._optimiser(self.generator, recipe.generator_lr, 0.0)
        self.shown = 0  # images
        self.history: list[dict[str, float]] = []  # one row a tick
        self._sums: dict[str, Tensor] = {}  # of this tick, on the device
        self._counts: dict[str, int] = {}
        noise = torch.Generator().manual_seed(mix(recipe.seed, 3, 0))
        z = latent.draw(recipe.sample_count, recipe.networks.z_dim, recipe.noise, noise)
        self.fixed_noise = z.to(self.device)

    def step(self) -> None:
        """One step of the game; `shown` moves by critic_steps batches."""
        recipe = self.recipe
        self.random.manual_seed(mix(recipe.seed, 4, self.shown))
        self._set_learning_rates()
        probe = self._last_of_tick()
        for _ in range(recipe.critic_steps):
            self._critic_step(self.batches.at(self.shown), probe)
            self.shown += recipe.batch_size
        for _ in range(recipe.generator_steps):
            self._generator_step(probe)
        images = recipe.critic_steps * recipe.batch_size
        keep = keep_factor(images, self.shown, recipe.average_half_life, recipe.average_ramp)
        update_average(self.average, self.generator, keep)

    def _critic_step(self, real: Tensor, probe: bool) -> None:
        """Teach the critic one batch of real images and one of generated ones."""
        with torch.no_grad():  # the generator learns nothing here
            fake = self.generator(self._noise())
        real.requires_grad_(probe)
        loss, terms = self.recipe.objective.critic_loss(self.critic, real, fake, self.random)
        self.critic_optimiser.zero_grad()
        loss.backward()
        self.critic_optimiser.step()
        if self.recipe.clip_weights is not None:
            clip_weights_(self.critic, self.recipe.clip_weights)
        self._log(critic_loss=loss, critic_gradient=_gradient_norm(self.critic), **terms)
        if probe and real.grad is not None:
            self._log(input_gradient=real.grad.abs().mean())

    def _generator_step(self, probe: bool) -> None:
        """Teach the generator what the critic thinks of a fresh batch of its images."""
        z = self._noise().requires_grad_(probe)
        self.critic.requires_grad_(False)  # no gradients for weights that do not move now
        loss = self.recipe.objective.generator_loss(self.critic, self.generator(z))
        self.generator_optimiser.zero_grad()
        loss.backward()
        self.generator_optimiser.step()
        self.critic.requires_grad_(True)
        self._log(generator_loss=loss, generator_gradient=_gradient_norm(self.generator))
        if probe and z.grad is not None:
            self._log(noise_gradient=z.grad.abs().mean())

    def samples(self, network: nn.Module | None = None) -> Tensor:
        """What the averaged generator (or another network) makes of the fixed noise."""
        network = network or self.average
        was_training = network.training
        images = latent.images_of(network.eval(), self.fixed_noise)
        network.train(was_training)
        return images

    def _noise(self) -> Tensor:
        z_dim = self.recipe.networks.z_dim
        return latent.draw(self.recipe.batch_size, z_dim, self.recipe.noise, self.random)

    def _optimiser(self, network: nn.Module, lr: float, decay: float) -> torch.optim.Optimizer:
        parameters = network.parameters()
        if self.recipe.optimiser == "rmsprop":
            return torch.optim.RMSprop(parameters, lr, weight_decay=decay)
        betas = (self.recipe.beta1, self.recipe.beta2)
        return torch.optim.Adam(parameters, lr, betas, weight_decay=decay, fused=True)

    def _set_learning_rates(self) -> None:
        recipe = self.recipe
        drops = self.shown // recipe.lr_drop_every if recipe.lr_drop_every else 0
        for optimiser, lr in (
            (self.critic_optimiser, recipe.critic_lr),
            (self.generator_optimiser, recipe.generator_lr),
        ):
            optimiser.param_groups[0]["lr"] = lr * recipe.lr_drop**drops

    def _log(self, **values: Tensor) -> None:
        """Add to this tick's sums, on the device: reading a number would make the step wait."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach()
            self._counts[name] = self._counts.get(name, 0) + 1

    def _last_of_tick(self) -> bool:
        """Whether this step ends a tick: only then are gradients at the inputs measured."""
        after = self.shown + self.recipe.critic_steps * self.recipe.batch_size
        return due(self.recipe.tick, self.shown, after)

    def tick(self) -> dict[str, float]:
        """End a tick: the means since the last one, as a row that joins the history."""
        row = {"images": float(self.shown), "epoch": self.shown / self.batches.epoch}
        if self._sums:
            means = torch.stack([s / self._counts[name] for name, s in self._sums.items()])
            row |= dict(zip(self._sums, means.tolist(), strict=True))
        self._sums, self._counts = {}, {}
        self.history.append(row)
        return row

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on, as tensors, numbers and strings."""
        return {
            "shown": self.shown,
            "generator": self.generator.state_dict(),
            "critic": self.critic.state_dict(),
            "average": self.average.state_dict(),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "critic_optimiser": self.critic_optimiser.state_dict(),
            "sums": self._sums,
            "counts": self._counts,
            "history": self.history,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self.generator.load_state_dict(state["generator"])
        self.critic.load_state_dict(state["critic"])
        self.average.load_state_dict(state["average"])
        self.generator_optimiser.load_state_dict(state["generator_optimiser"])
        self.critic_optimiser.load_state_dict(state["critic_optimiser"])
        self._sums = {name: value.to(self.device) for name, value in state["sums"].items()}
        self._counts = dict(state["counts"])
        self.history = list(state["history"])
        self.shown = state["shown"]


def due(every: int, before: int, after: int) -> bool:
    """Whether a multiple of `every` images lies in (before, after]."""
    return after // every > before // every


def _gradient_norm(network: nn.Module) -> Tensor:
    """Euclidean norm of all the gradients of a network's weights, as one vector."""
    return get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
