"""The training loop, to be read top to bottom (chapter 04 prints it).

A step is: critic_steps times the critic, generator_steps times the generator, once the average.
Everything random follows from the seed and the number of images shown: which images, which noise,
which dropout masks. So two counters, the weights and the optimisers are the whole state of a run.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from lsgan_lib import latent
from lsgan_lib.data.batches import Stream, mix
from lsgan_lib.draws import Draws
from lsgan_lib.errors import BookError
from lsgan_lib.losses.penalties import clip_weights_
from lsgan_lib.networks.dropout import set_dropout_random
from lsgan_lib.networks.small_maps import by_matrix_product
from lsgan_lib.networks.synchronised import synchronise
from lsgan_lib.training.average import keep_factor, update_average
from lsgan_lib.training.graph import GraphedStep
from lsgan_lib.training.precision import Precision, autocast, check_precision, float32_products
from lsgan_lib.training.processes import World, share
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.tally import Step, Tally

Engine = Literal["eager", "graph"]


class Trainer:
    """Both networks, their optimisers and the counters of one run.

    engine: "eager" asks the device for one kernel after another, "graph" for the whole step at
    once (CUDA, one process); both make the same numbers. precision: what the networks compute in.
    world: this process among those that train together, each on its rows of every batch.
    """

    def __init__(
        self,
        recipe: Recipe,
        batches: Stream,
        device: torch.device | str = "cpu",
        *,
        engine: Engine = "eager",
        precision: Precision = "fp32",
        world: World | None = None,
    ) -> None:
        self.recipe = recipe
        self.batches = batches
        self.device = torch.device(device)
        self.world = world or World()
        self.engine = _check_engine(engine, self.device, self.world)
        check_precision(precision, self.device)
        self.precision: Precision = precision
        self.batch = share(recipe.batch_size, self.world.size)  # of this process
        weights = torch.Generator().manual_seed(mix(recipe.seed, 2, 0))
        self.generator = self._place(recipe.networks.generator(weights))
        self.critic = self._place(recipe.networks.critic(weights))
        self.average = self._place(recipe.networks.generator(weights))
        self.average.eval()
        update_average(self.average, self.generator, keep=0.0)
        self.average.requires_grad_(False)
        self.world.broadcast_(self.generator, self.critic, self.average)
        # All that is random in a step: noise, dropout masks, points of penalties.
        self.draws = Draws(self.device, shard=self.world.shard, fixed=engine == "graph")
        set_dropout_random(self.generator, self.draws)
        self.critic_optimiser = self._optimiser(self.critic, recipe.critic_lr, recipe.weight_decay)
        self.generator_optimiser = self._optimiser(self.generator, recipe.generator_lr, 0.0)
        self.shown = 0  # images
        self.rollbacks = 0  # how often the run went back to an older state: names other noise
        self.history: list[dict[str, float]] = []  # one row a tick
        self._tally = Tally(self.device)
        self._probed = Step()
        self._graphed: GraphedStep | None = None
        noise = torch.Generator().manual_seed(mix(recipe.seed, 3, 0))
        z = latent.draw(recipe.sample_count, recipe.networks.z_dim, recipe.noise, noise)
        self.fixed_noise = z.to(self.device)

    def step(self) -> None:
        """One step of the game; `shown` moves by critic_steps batches."""
        recipe, before = self.recipe, self.shown
        self.draws.begin(mix(recipe.seed, 4 + 16 * self.rollbacks, before))
        self._set_learning_rates()
        reals = [
            self.batches.at(before + i * recipe.batch_size) for i in range(recipe.critic_steps)
        ]
        images = recipe.critic_steps * recipe.batch_size
        probe = due(recipe.tick, before, before + images)  # the last step of a tick
        with float32_products(self.precision, self.device):
            step = self._play(reals, probe) if probe else self._engine(reals)
        self.shown += images
        keep = keep_factor(images, self.shown, recipe.average_half_life, recipe.average_ramp)
        update_average(self.average, self.generator, keep)
        self._tally.add(step, before)

    def _engine(self, reals: Sequence[Tensor]) -> Step:
        """A step that measures no gradients at the inputs, by the engine of this run."""
        if self.engine == "eager":
            return self._play(reals)
        if self._graphed is None:
            self._graphed = GraphedStep(self._play)
        return self._graphed(reals)

    def _play(self, reals: Sequence[Tensor], probe: bool = False) -> Step:
        """Both players' turns. Nothing here depends on a value that only the device knows."""
        step = Step()
        for real in reals:
            self._critic_step(real, step, probe)
        for _ in range(self.recipe.generator_steps):
            self._generator_step(step, probe)
        return step.close()

    def _critic_step(self, real: Tensor, step: Step, probe: bool) -> None:
        """Teach the critic one batch of real images and one of generated ones."""
        with torch.no_grad(), self._autocast():  # the generator learns nothing here
            fake = self.generator(self._noise()).to(real.dtype)
        real.requires_grad_(probe)
        with self._autocast():
            objective = self.recipe.objective
            loss, terms = objective.critic_loss(self.critic, real, fake, self.draws)
        self.critic_optimiser.zero_grad()
        loss.backward()
        self.world.mean_gradients_(self.critic)
        self.critic_optimiser.step()
        if self.recipe.clip_weights is not None:
            clip_weights_(self.critic, self.recipe.clip_weights)
        step.log(critic_loss=loss, critic_gradient=_gradient_norm(self.critic), **terms)
        if probe and real.grad is not None:
            self._probed.log(input_gradient=real.grad.abs().mean() / self.world.size)

    def _generator_step(self, step: Step, probe: bool) -> None:
        """Teach the generator what the critic thinks of a fresh batch of its images."""
        z = self._noise().requires_grad_(probe)
        self.critic.requires_grad_(False)  # no gradients for weights that do not move now
        with self._autocast():
            fake = self.generator(z).float()
            loss = self.recipe.objective.generator_loss(self.critic, fake)
        self.generator_optimiser.zero_grad()
        loss.backward()
        self.world.mean_gradients_(self.generator)
        self.generator_optimiser.step()
        self.critic.requires_grad_(True)
        step.log(generator_loss=loss, generator_gradient=_gradient_norm(self.generator))
        if probe and z.grad is not None:
            self._probed.log(noise_gradient=z.grad.abs().mean() / self.world.size)

    def turn(self, player: Literal["critic", "generator"], name: int) -> Step:
        """One player's turn alone, between two steps: for looking at the game, not for training.

        name: a number that names this turn's noise. The critic's turn moves `shown` by a batch;
        tick and average take no note. Returns what the turn tells, closed. Raises BookError with
        the engine "graph", whose draws are laid out for whole steps.
        """
        if self.engine != "eager":
            raise BookError("single turns need the engine eager; a graph is one whole step.")
        self.draws.begin(mix(self.recipe.seed, 5, name))
        self._set_learning_rates()
        step = Step()
        with float32_products(self.precision, self.device):
            if player == "critic":
                self._critic_step(self.batches.at(self.shown), step, probe=False)
                self.shown += self.recipe.batch_size
            else:
                self._generator_step(step, probe=False)
        return step.close()

    def samples(self, network: nn.Module | None = None) -> Tensor:
        """What the averaged generator (or another network) makes of the fixed noise."""
        network = network or self.average
        was_training = network.training
        images = latent.images_of(network.eval(), self.fixed_noise)
        network.train(was_training)
        return images

    def tick(self) -> dict[str, float]:
        """End a tick: the means since the last one, as a row that joins the history."""
        row = {"images": float(self.shown), "epoch": self.shown / self.batches.epoch}
        row |= self._tally.means(self.world)
        if self._probed.names:
            probed = Tally(self.device)
            probed.add(self._probed.close(), self.shown)
            row |= probed.means(self.world)
        self._tally.clear()
        self._probed = Step()
        self.history.append(row)
        return row

    def not_finite(self) -> tuple[str, int] | None:
        """What was first not finite in this tick, and how many images had been shown before."""
        return self._tally.not_finite()

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on, as tensors, numbers and strings."""
        return {
            "shown": self.shown,
            "rollbacks": self.rollbacks,
            "precision": self.precision,
            "generator": self.generator.state_dict(),
            "critic": self.critic.state_dict(),
            "average": self.average.state_dict(),
            # Without the settings, which are the recipe's.
            "generator_optimiser": {"state": self.generator_optimiser.state_dict()["state"]},
            "critic_optimiser": {"state": self.critic_optimiser.state_dict()["state"]},
            "tick": self._tally.state_dict(),
            "history": self.history,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken, on this device or another."""
        for name in ("generator", "critic", "average"):
            getattr(self, name).load_state_dict(state[name])
        for name in ("generator_optimiser", "critic_optimiser"):
            optimiser = getattr(self, name)
            groups = optimiser.state_dict()["param_groups"]
            optimiser.load_state_dict(state[name] | {"param_groups": groups})
        self._tally.load_state_dict(state["tick"])
        self.history = list(state["history"])
        self.rollbacks = state["rollbacks"]
        self.shown = state["shown"]
        self._graphed = None  # the optimisers' tensors are new ones

    def _place(self, network: nn.Module) -> nn.Module:
        """On the device, in the memory order in which convolutions run fastest everywhere."""
        network = network.to(self.device).to(memory_format=torch.channels_last)
        network = by_matrix_product(network, self.device)
        return synchronise(network, self.world) if self.recipe.sync_norm else network

    def _autocast(self) -> Any:
        return autocast(self.precision, self.device)

    def _noise(self) -> Tensor:
        return latent.draw(self.batch, self.recipe.networks.z_dim, self.recipe.noise, self.draws)

    def _optimiser(self, network: nn.Module, lr: float, decay: float) -> torch.optim.Optimizer:
        parameters, cuda = network.parameters(), self.device.type == "cuda"
        if self.recipe.optimiser == "rmsprop":
            return torch.optim.RMSprop(
                parameters, lr, weight_decay=decay, foreach=True, capturable=cuda
            )
        betas = (self.recipe.beta1, self.recipe.beta2)
        return torch.optim.Adam(
            parameters, lr, betas, weight_decay=decay, fused=True, capturable=cuda
        )

    def _set_learning_rates(self) -> None:
        recipe = self.recipe
        drops = self.shown // recipe.lr_drop_every if recipe.lr_drop_every else 0
        for optimiser, lr in (
            (self.critic_optimiser, recipe.critic_lr),
            (self.generator_optimiser, recipe.generator_lr),
        ):
            now = lr * recipe.lr_drop**drops
            if optimiser.param_groups[0]["lr"] != now:
                optimiser.param_groups[0]["lr"] = now
                self._graphed = None  # the old rate is part of its kernels' arguments


def _check_engine(engine: Engine, device: torch.device, world: World) -> Engine:
    """Raise BookError for an engine that cannot run here."""
    if engine not in ("eager", "graph"):
        raise BookError(f"there is no engine {engine!r}: choose eager or graph.")
    if engine == "graph" and (device.type != "cuda" or world.size > 1):
        where = f"the device {device.type}" if device.type != "cuda" else f"{world.size} processes"
        raise BookError(
            f"the engine graph needs a CUDA device and a single process, not {where}. Leave "
            "--engine out, and each kernel is asked for by itself."
        )
    return engine


def due(every: int, before: int, after: int) -> bool:
    """Whether a multiple of `every` images lies in (before, after]."""
    return after // every > before // every


def _gradient_norm(network: nn.Module) -> Tensor:
    """Euclidean norm of all the gradients of a network's weights, as one vector."""
    return get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
