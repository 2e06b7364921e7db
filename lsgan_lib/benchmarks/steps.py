"""Training steps to be measured: a function that makes one, for a way to train a recipe.

The images are random pixels in memory, so that a bench needs no data set. What a step computes, and
so how long it takes, does not depend on what the images show.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from lsgan_lib.benchmarks.plain import PlainLoop
from lsgan_lib.data.batches import Batches
from lsgan_lib.errors import BookError
from lsgan_lib.networks import (
    LeastSquaresNetworks,
    LossSensitiveNetworks,
    MLPNetworks,
    SmallDigitsNetworks,
)
from lsgan_lib.training.loop import Engine, Trainer, due
from lsgan_lib.training.precision import Precision, precisions
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.recipes import RECIPES

MakeStep = Callable[[], object]

_IMAGES = 1_000


@dataclass(frozen=True)
class Way:
    """A way to train: the plain loop, or the real one with an engine and a precision."""

    engine: Engine | Literal["plain"] = "eager"
    precision: Precision = "fp32"

    def __str__(self) -> str:
        return self.engine if self.engine == "plain" else f"{self.engine} {self.precision}"


PLAIN = Way("plain", "fp32")


def engines(device: torch.device) -> tuple[Engine, ...]:
    """Those that the device has."""
    return ("eager", "graph") if device.type == "cuda" else ("eager",)


def ways(device: torch.device) -> list[Way]:
    """Every engine in every precision that the device has; the plain loop is not among them."""
    return [Way(e, p) for e in engines(device) for p in precisions(device)]


def begin(recipe: Recipe, way: Way, device: torch.device) -> MakeStep:
    """Make everything that a training needs; the function returned makes its next step.

    Raises BookError for a recipe on points, and where the device lacks the engine or precision.
    """
    images = random_images(recipe)
    if way.engine == "plain":
        return PlainLoop(recipe, images, device).step
    stream = Batches(images, recipe.batch_size, seed=recipe.seed, flip=recipe.flip, device=device)
    trainer = Trainer(recipe, stream, device, engine=way.engine, precision=way.precision)

    def step() -> None:
        before = trainer.shown
        trainer.step()
        if due(recipe.tick, before, trainer.shown):  # as `train` does
            trainer.tick()

    return step


def random_images(recipe: Recipe) -> Tensor:
    """Random pixels, uint8 (N, C, H, W), of the shape that the recipe's networks are built for."""
    networks = image_networks(recipe)
    shape = (max(_IMAGES, recipe.batch_size), networks.channels, networks.size, networks.size)
    random = torch.Generator().manual_seed(recipe.seed)
    return torch.randint(256, shape, dtype=torch.uint8, generator=random)


def image_networks(
    recipe: Recipe,
) -> LeastSquaresNetworks | LossSensitiveNetworks | SmallDigitsNetworks:
    """The recipe's networks; raises BookError where they are for points."""
    if isinstance(recipe.networks, MLPNetworks):
        raise BookError(
            f"{recipe.data} holds points of the plane, and a bench is for recipes on images: "
            "`lsgan recipes` lists them."
        )
    return recipe.networks


def image_recipes() -> list[str]:
    """Names of all recipes on images."""
    return [name for name, r in RECIPES.items() if not isinstance(r.networks, MLPNetworks)]


def adapted(settings: Recipe, width: float | None = None, batch: int | None = None) -> Recipe:
    """A recipe with another width of its networks, another batch size, or as it is."""
    if width is not None:
        settings = replace(settings, networks=replace(image_networks(settings), width=width))
    return settings if batch is None else replace(settings, batch_size=batch)
