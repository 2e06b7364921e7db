"""Run a recipe from its start, or from where a saved run stands, to its end."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from lsgan_lib.data.image_set import ImageSet
from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.errors import BookError
from lsgan_lib.training.interrupt import Interrupt
from lsgan_lib.training.loop import Trainer, due
from lsgan_lib.training.pictures import grid_png
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.run_directory import RunDirectory
from lsgan_lib.training.sources import load_data, make_stream
from lsgan_lib.training.where import machine

Watch = Callable[[Trainer], None]


def train(
    recipe: Recipe,
    data: ImageSet | Mixture | None = None,
    directory: Path | str | None = None,
    *,
    device: torch.device | str | None = None,
    progress: bool = False,
    on_tick: Watch | None = None,
) -> Trainer:
    """Train a recipe; returns the trainer with both networks, the average and the history.

    data: an image set or a mixture; None loads what the recipe names. directory: where the run is
    written; None keeps it in memory. device: None takes a GPU where there is one. progress: a bar
    with images/s and time left. on_tick: called with the trainer after each row of the log.
    Raises BookError for what the reader can put right, KeyboardInterrupt when interrupted - a run
    with a directory is saved first and goes on with `resume`.
    """
    run = RunDirectory(directory) if directory is not None else None
    where = _device(device)
    loaded = data if data is not None else load_data(recipe)
    stream, facts = make_stream(recipe, loaded, where)
    trainer = Trainer(recipe, stream, where)
    if run is not None:
        run.create(recipe)
        _begin(trainer, run, facts)
    return _go(trainer, run, progress, on_tick)


def resume(
    directory: Path | str,
    data: ImageSet | Mixture | None = None,
    *,
    device: torch.device | str | None = None,
    progress: bool = False,
    on_tick: Watch | None = None,
) -> Trainer:
    """Go on with the run in a directory, bit for bit as if it had never stopped.

    A run that was stopped before its first saved state starts again from its recipe. Raises
    BookError where there is no run, its state is damaged, or the data are not those it began with.
    """
    run = RunDirectory(directory)
    recipe, where = run.recipe(), _device(device)
    loaded = data if data is not None else load_data(recipe)
    stream, facts = make_stream(recipe, loaded, where)
    before = run.facts()
    if before and before["data"]["sha256"] != facts["sha256"]:
        raise BookError(
            f"the run in {run.path} was begun on {before['data']['name']} with other pixels than "
            f"{facts['name']} holds now. Put the old data back, or start a new run."
        )
    trainer = Trainer(recipe, stream, where)
    state = run.state(where)
    run.prepare()
    if state is None:
        _begin(trainer, run, facts)
    else:
        trainer.load_state_dict(state)
        if before.get("images") != trainer.shown:
            # Stopped between the files of one save: the state, its first, has all the others.
            run.write_generator(trainer.average)
            run.write_log(trainer.history)
            run.write_facts(_begun(trainer, facts) | before | {"images": trainer.shown})
    return _go(trainer, run, progress, on_tick)


def _begin(trainer: Trainer, run: RunDirectory, data: dict[str, Any]) -> None:
    """Write what a run has before its first step."""
    run.write_facts(_begun(trainer, data))
    run.write_samples(0, grid_png(trainer.samples()))


def _begun(trainer: Trainer, data: dict[str, Any]) -> dict[str, Any]:
    """run.json of a run that has not made a step."""
    return {**machine(trainer.device), "data": data, "images": 0, "seconds": 0.0}


def _go(
    trainer: Trainer, run: RunDirectory | None, progress: bool, on_tick: Watch | None
) -> Trainer:
    """Step until the recipe's images are shown, writing what is due at each moment."""
    recipe = trainer.recipe
    clock = time.perf_counter()
    tick_clock, tick_shown = clock, trainer.shown
    bar = tqdm(
        total=recipe.images, initial=trainer.shown, unit=" images", unit_scale=True,
        disable=not progress, dynamic_ncols=True, smoothing=0.05,
    )  # fmt: skip
    with bar, Interrupt() as interrupt:
        while trainer.shown < recipe.images and not interrupt.asked:
            before = trainer.shown
            trainer.step()
            bar.update(trainer.shown - before)
            ended = trainer.shown >= recipe.images
            if due(recipe.tick, before, trainer.shown) or ended:
                row = trainer.tick()
                now = time.perf_counter()
                row["images_per_second"] = (trainer.shown - tick_shown) / (now - tick_clock)
                tick_clock, tick_shown = now, trainer.shown
                bar.set_postfix(critic=row["critic_loss"], generator=row["generator_loss"])
                if on_tick is not None:
                    on_tick(trainer)
            if run is not None:
                if due(recipe.samples_every, before, trainer.shown) or ended:
                    run.write_samples(trainer.shown, grid_png(trainer.samples()))
                if due(recipe.state_every, before, trainer.shown) or ended:
                    clock = _save(trainer, run, clock)
        if interrupt.asked:
            next_step = ""
            if trainer.shown >= recipe.images:
                next_step = " The run is finished."  # and saved: the signal came in its last step
            elif run is not None:
                _save(trainer, run, clock)
                next_step = f" Go on with `{run.resume_command}`."
            raise KeyboardInterrupt(f"stopped after {trainer.shown:,} images.{next_step}")
    return trainer


def _save(trainer: Trainer, run: RunDirectory, clock: float) -> float:
    """Write state, weights, log and facts; returns the new clock.

    The state comes first: what follows can be made again from it (`resume` does, where a kill
    came between). run.json comes last, and so tells whether the others are there.
    """
    run.write_state(trainer.recipe, trainer.state_dict())
    run.write_generator(trainer.average)
    run.write_log(trainer.history)
    facts: dict[str, Any] = run.facts()
    now = time.perf_counter()
    seconds = facts["seconds"] + now - clock
    speed = (trainer.shown - facts["images"]) / (now - clock)
    facts |= {"images": trainer.shown, "seconds": round(seconds, 1)}
    run.write_facts(facts | {"images_per_second": round(speed, 1)})
    return now


def _device(wanted: torch.device | str | None) -> torch.device:
    """The device asked for, or a GPU where there is one; raises BookError when it is not there."""
    if wanted is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BookError(
            f"the device {str(wanted)!r} is not here ({str(error).splitlines()[0]}). Use cpu."
        ) from error
    return device
