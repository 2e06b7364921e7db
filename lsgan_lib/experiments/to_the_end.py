"""Train whatever comes: an experiment about failures must not stop at the first one."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from lsgan_lib import latent
from lsgan_lib.data.image_set import ImageSet
from lsgan_lib.errors import BookError
from lsgan_lib.training import Recipe, train
from lsgan_lib.training.loop import Trainer
from lsgan_lib.training.precision import Precision


def train_to_the_end(
    recipe: Recipe, data: ImageSet, precision: Precision, *, device: str = "cpu"
) -> tuple[Trainer | None, list[str]]:
    """Train a recipe with watch="warn"; the trainer, and what the watch said in its course.

    The trainer is None where the run made numbers that are not finite: its weights are spoilt. What
    the watch warns of (a saturated critic, collapsed samples) is returned, not printed; every other
    warning is passed on. Raises BookError for all that is not the run's own failure, and ValueError
    for a recipe whose watch would stop it.
    """
    if recipe.watch != "warn":
        raise ValueError(f'the watch of this recipe is {recipe.watch!r}; it must be "warn".')
    told: list[str] = []
    trainer = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            trainer = train(recipe, data, device=device, precision=precision)
        except BookError as problem:
            if "was not finite" not in str(problem):
                raise
            told.append(str(problem).split(". ")[0] + ".")
    for warning in caught:
        said = str(warning.message)
        if any(symptom in said for symptom in ("is saturated", "have collapsed")):
            told.insert(0, said) if trainer is None else told.append(said)
        else:
            _pass_on(warning)
    return trainer, told


def last_and_average(trainer: Trainer, count: int) -> tuple[Tensor, Tensor]:
    """Images of the generator as it stands, and of the averaged one, from one noise of its own."""
    return samples_of(trainer.generator, trainer, count), samples_of(
        trainer.average, trainer, count
    )


def samples_of(generator: nn.Module, trainer: Trainer, count: int) -> Tensor:
    """Images of one of a trainer's generators, float (count, C, H, W), in evaluation mode.

    The noise is the same for every run with so many samples. The generator is left in that mode.
    """
    recipe = trainer.recipe
    random = torch.Generator().manual_seed(0)
    z = latent.draw(count, recipe.networks.z_dim, recipe.noise, random)
    return latent.images_of(generator.eval(), z)


def _pass_on(warning: Any) -> None:
    warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
