"""precision="auto": a few steps of each precision at the start of a run, and the faster one."""

import time

import torch

from lsgan_lib.data.batches import Stream
from lsgan_lib.training.loop import Engine, Trainer
from lsgan_lib.training.precision import Precision, precisions
from lsgan_lib.training.processes import World
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.where import wait_for

_WORTH = 1.1
"""A precision that rounds must be so much faster than the exact one to be taken."""
_SECONDS = 2.0
"""Of measured steps, each precision, after two that warm up; at least two steps."""


def choose_precision(
    recipe: Recipe, stream: Stream, device: torch.device, engine: Engine, world: World
) -> tuple[Precision, str]:
    """The precision to train in, and a sentence that says why.

    The networks measured are thrown away, and no random number of the run is used up. Where
    several processes train together, the first one's choice holds for all.
    """
    speed = {name: _images_per_second(recipe, stream, device, engine, name)
             for name in precisions(device)}  # fmt: skip
    exact, *others = speed
    best = max(others, key=lambda name: speed[name])
    chosen = best if speed[best] > _WORTH * speed[exact] else exact
    names = list(speed)
    first = torch.tensor(float(names.index(chosen) if world.rank == 0 else 0), device=device)
    chosen = names[round(world.mean_(first).item() * world.size)]
    told = ", ".join(f"{name} {rate:,.0f}" for name, rate in speed.items())
    return chosen, f"precision {chosen} (images/s in a first trial: {told})"


def _images_per_second(
    recipe: Recipe, stream: Stream, device: torch.device, engine: Engine, precision: Precision
) -> float:
    """Median over single steps of a throw-away trainer; 0 where it makes numbers that are none.

    They are possible: on a CPU, torch 2.15's bfloat16 gradient of a 5 x 5 convolution over a single
    pixel is memory that nobody has written (images of 8 pixels; from 9 on there is none).
    """
    trainer = Trainer(recipe, stream, device, engine=engine, precision=precision)
    seconds: list[float] = []
    warm_up = 6 if engine == "graph" else 2
    while len(seconds) < warm_up + 2 or sum(seconds[warm_up:]) < _SECONDS and len(seconds) < 50:
        wait_for(device)
        begun = time.perf_counter()
        trainer.step()
        wait_for(device)
        seconds.append(time.perf_counter() - begun)
    if trainer.not_finite() is not None:
        return 0.0
    measured = sorted(seconds[warm_up:])
    return recipe.critic_steps * recipe.batch_size / measured[len(measured) // 2]
