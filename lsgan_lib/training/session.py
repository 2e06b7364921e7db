"""A run under way: steps, and what is written, watched and told between them."""

import contextlib
import math
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from tqdm.auto import tqdm

from lsgan_lib import latent
from lsgan_lib.data.batches import mix
from lsgan_lib.errors import BookError
from lsgan_lib.training.distance import sliced_wasserstein, spread
from lsgan_lib.training.interrupt import Interrupt
from lsgan_lib.training.loop import Trainer, due
from lsgan_lib.training.pictures import grid_png
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.run_directory import RunDirectory
from lsgan_lib.training.states import Which
from lsgan_lib.training.tensorboard import Board
from lsgan_lib.training.watch import Trouble, Watch
from lsgan_lib.training.where import machine

OnTick = Callable[[Trainer], None]

_COMPARED = 512
"""Samples and real images by which spread and distance are judged."""
_ASK_EVERY = 8
"""Steps between two questions whether another process was interrupted."""
_LOG_EVERY = 2.0
"""Seconds between two versions of log.csv: who watches a run sees ticks, not saved states."""


class Session:
    """One process's part of a run.

    recipe: as the run was begun, which is what its state names; the trainer's may save at other
    intervals. run: None where nothing is written, in memory or by a process that is not the first.
    """

    def __init__(
        self,
        trainer: Trainer,
        recipe: Recipe,
        run: RunDirectory | None,
        *,
        board: Board | None = None,
        progress: bool = False,
        on_tick: OnTick | None = None,
    ) -> None:
        self.trainer = trainer
        self.recipe = recipe
        self.run = run if trainer.world.rank == 0 else None
        self.directory = run
        self.board = board
        self.progress = progress
        self.on_tick = on_tick
        self.watch = Watch()
        self._clock = time.perf_counter()
        self._tick_began = self._clock, trainer.shown
        self._logged = -math.inf
        self._real = _some(trainer)
        self._spread = spread(self._real)
        noise = torch.Generator().manual_seed(mix(recipe.seed, 5, 0))
        z_dim = recipe.networks.z_dim
        self._compared_noise = latent.draw(len(self._real), z_dim, recipe.noise, noise)

    def begin(self, data: dict[str, Any]) -> None:
        """Write what a run has before its first step."""
        if self.run is not None:
            self.run.write_facts(begun(self.trainer, data))
            self.run.write_log(self.trainer.history)  # one of a start that was killed is replaced
            self._picture()

    def go(self) -> None:
        """Step until the recipe's images are shown, writing what is due at each moment.

        Raises BookError where the watch or a full disk stops the run, KeyboardInterrupt when
        interrupted; a run with a directory can be resumed after both.
        """
        trainer, recipe = self.trainer, self.trainer.recipe
        self._clear_trouble()
        with self._bar() as bar, Interrupt() as interrupt:
            while trainer.shown < recipe.images and not self._asked(interrupt):
                before = trainer.shown
                trainer.step()
                bar.update(trainer.shown - before)
                ended = trainer.shown >= recipe.images
                if due(recipe.tick, before, trainer.shown) or ended:
                    trouble = self._tick(bar)
                elif due(recipe.state_every, before, trainer.shown):
                    trouble = self._agreed(self.watch.finite(trainer.not_finite()))
                else:
                    trouble = None
                if trouble is not None and self._went_back(trouble):
                    bar.n = trainer.shown
                    continue
                if due(recipe.samples_every, before, trainer.shown) or ended:
                    self._picture()
                if due(recipe.state_every, before, trainer.shown) or ended:
                    self.save()
            if interrupt.asked or trainer.shown < recipe.images:
                self._interrupted()

    def save(self) -> None:
        """Write state, weights, log and facts.

        The state comes first: what follows can be made again from it (`resume` does, where a kill
        came between, or after a row of the log that belongs to no state). run.json comes last, and
        so tells whether the others are there.
        """
        trainer = self.trainer
        networks = {
            "critic": trainer.critic,
            "generator": trainer.generator,
            "average": trainer.average,
        }
        trainer.world.check_same(networks, trainer.shown)
        if self.run is None:
            return
        state = trainer.state_dict() | {"watch": self.watch.state_dict()}
        keep = trainer.recipe.states_kept
        self.run.write_state(self.recipe, state, keep=keep, distance=self._distance())
        self.run.write_generator(trainer.average)
        self.run.write_log(trainer.history)
        facts: dict[str, Any] = self.run.facts()
        now = time.perf_counter()
        seconds = facts["seconds"] + now - self._clock
        speed = max(0, trainer.shown - facts["images"]) / (now - self._clock)
        facts |= {"images": trainer.shown, "seconds": round(seconds, 1)}
        self.run.write_facts(facts | {"images_per_second": round(speed, 1)})
        self._clock = now

    def _tick(self, bar: tqdm) -> Trouble | None:
        """End a tick: a row of the log, and a look at the run."""
        trainer = self.trainer
        not_finite = trainer.not_finite()
        row = trainer.tick()
        now, (then, shown) = time.perf_counter(), self._tick_began
        row["images_per_second"] = (trainer.shown - shown) / (now - then)
        self._tick_began = now, trainer.shown
        row["spread"] = spread(trainer.samples()) / self._spread if self._spread > 0 else 1.0
        bar.set_postfix(critic=row["critic_loss"], generator=row["generator_loss"])
        if self.board is not None:
            self.board.row(row)
        if self.run is not None and now - self._logged >= _LOG_EVERY:
            self._logged = now
            with contextlib.suppress(BookError):  # of a full disk the next save tells, and stops
                self.run.write_log(trainer.history)
        if self.on_tick is not None:
            self.on_tick(trainer)
        return self._agreed(self.watch.look(row, not_finite))

    def _agreed(self, trouble: Trouble | None) -> Trouble | None:
        """The trouble of this process, or that of another one, so that all act alike."""
        if self.trainer.world.agree(trouble is not None):
            return trouble or Trouble("another process saw trouble, and names it")
        return None

    def _went_back(self, trouble: Trouble) -> bool:
        """Act on trouble as the recipe says: True after a rollback, False after a warning.

        Raises BookError where the run stops.
        """
        recipe = self.trainer.recipe
        if recipe.watch == "warn" and not trouble.fatal:
            warnings.warn(f"{trouble}.", stacklevel=2)
            self.watch.relent()
            return False
        if recipe.watch == "roll_back" and self.trainer.rollbacks < recipe.rollbacks:
            self._go_back(trouble)
            return True
        self._stop(trouble)
        return False

    def _go_back(self, trouble: Trouble) -> None:
        """Load an older state and go on from it with other noise."""
        if self.directory is None:
            raise BookError(
                f"{trouble}. There is nothing to go back to: give the run a directory (--out)."
            )
        # A state that was saved while the samples collapsed is no state to go back to.
        which: Which = "newest" if trouble.fatal else "best"
        state = self.directory.state(self.trainer.device, which)
        if state is None:
            raise BookError(
                f"{trouble}, before the first state was saved. Start again with a smaller "
                "learning rate or another --seed."
            )
        shown, rollbacks = self.trainer.shown, self.trainer.rollbacks + 1
        self.trainer.load_state_dict(state)
        self.trainer.rollbacks = rollbacks  # counted on, so that they come to an end
        self.watch.load_state_dict(state["watch"])
        self._tick_began = time.perf_counter(), self.trainer.shown
        warnings.warn(
            f"{trouble}. Went back from {shown:,} to {self.trainer.shown:,} images "
            f"(rollback {rollbacks} of {self.trainer.recipe.rollbacks}).",
            stacklevel=2,
        )
        self.trainer.world.barrier()  # all have read before the first writes
        if self.run is not None:
            self.run.drop_samples_after(self.trainer.shown)
        self.save()

    def _stop(self, trouble: Trouble) -> None:
        """Save what is worth saving, and raise the BookError that ends the run."""
        spent = ""
        if self.trainer.rollbacks:
            spent = f" after {self.trainer.rollbacks} rollbacks"
        if self.directory is None:
            raise BookError(f"{trouble}{spent}. Try a smaller learning rate or a penalty.")
        command = self.directory.resume_command
        if trouble.fatal:
            advice = (
                f"The weights are spoilt; the last saved state in {self.directory.path} is not. "
            )
            if self.trainer.rollbacks < self.trainer.recipe.rollbacks:
                advice += f"`{command} --watch roll_back` goes on from it with other noise; "
            advice += "a smaller learning rate needs a new run."
        else:
            self.save()
            advice = (
                f"The run is saved. `{command} --watch warn` goes on all the same, `{command} "
                "--watch roll_back` from its best state with other noise."
            )
        if self.run is not None:
            self.run.write_log(self.trainer.history)
            self.run.write_facts(self.run.facts() | {"trouble": f"{trouble}{spent}."})
        raise BookError(f"{trouble}{spent}. {advice}")

    def _clear_trouble(self) -> None:
        if self.run is not None:
            facts = self.run.facts()
            if facts.pop("trouble", None) is not None:
                self.run.write_facts(facts)

    def _interrupted(self) -> None:
        shown = f"{self.trainer.shown:,}"
        next_step = ""
        if self.trainer.shown >= self.trainer.recipe.images:
            next_step = " The run is finished."  # and saved: the signal came in its last step
        elif self.directory is not None:
            self.save()
            next_step = f" Go on with `{self.directory.resume_command}`."
        raise KeyboardInterrupt(f"stopped after {shown} images.{next_step}")

    def _asked(self, interrupt: Interrupt) -> bool:
        """Whether the run shall stop here; several processes must stop at the same step."""
        world, recipe = self.trainer.world, self.trainer.recipe
        if world.size == 1:
            return interrupt.asked
        step = self.trainer.shown // (recipe.critic_steps * recipe.batch_size)
        return step % _ASK_EVERY == 0 and world.agree(interrupt.asked)

    def _bar(self) -> tqdm:
        """Images/s and time left, where somebody looks: a terminal or a notebook."""
        ipython = sys.modules.get("IPython")  # imported in every notebook, and here only asked
        in_notebook = ipython is not None and ipython.get_ipython() is not None
        watched = (sys.stderr.isatty() or in_notebook) and self.trainer.world.rank == 0
        return tqdm(
            total=self.trainer.recipe.images, initial=self.trainer.shown, unit=" images",
            unit_scale=True, disable=not (self.progress and watched), dynamic_ncols=True,
            smoothing=0.05,
        )  # fmt: skip

    def _picture(self) -> None:
        if self.run is None:
            return
        png = grid_png(self.trainer.samples())
        self.run.write_samples(self.trainer.shown, png)
        if self.board is not None:
            self.board.picture(self.trainer.shown, png)

    def _distance(self) -> float:
        """Of the averaged generator's samples from as many real images."""
        samples = latent.images_of(self.trainer.average, self._compared_noise)
        return sliced_wasserstein(samples, self._real)


def begun(trainer: Trainer, data: dict[str, Any]) -> dict[str, Any]:
    """run.json of a run that has not made a step."""
    how = {
        "engine": trainer.engine,
        "precision": trainer.precision,
        "processes": trainer.world.size,
    }
    return {**machine(trainer.device), **how, "data": data, "images": 0, "seconds": 0.0}


def _some(trainer: Trainer) -> torch.Tensor:
    """The first real images or points of the run, at most _COMPARED, on the CPU."""
    recipe, parts = trainer.recipe, []
    count = min(_COMPARED, trainer.batches.epoch)
    for shown in range(0, count * trainer.world.size, recipe.batch_size):
        parts.append(trainer.batches.at(shown).cpu())
    return torch.cat(parts)[:count]


def with_intervals(recipe: Recipe, **changed: Any) -> Recipe:
    """The recipe with those settings that change no weight: when to save and how to watch."""
    return replace(recipe, **{name: v for name, v in changed.items() if v is not None})
