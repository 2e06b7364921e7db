"""From the name of the data in a recipe to a stream of batches that fits its networks."""

from collections.abc import Callable
from typing import Any

import torch

from lsgan_lib.data import mixtures, mnist_files
from lsgan_lib.data.batches import PointBatches, Stream
from lsgan_lib.data.image_set import ImageSet, read_set
from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.data.prefetch import choose
from lsgan_lib.errors import BookError
from lsgan_lib.networks import MLPNetworks
from lsgan_lib.sets import find_set
from lsgan_lib.training.processes import World
from lsgan_lib.training.recipe import Recipe

_MIXTURES: dict[str, Callable[[], Mixture]] = {
    "ring": mixtures.ring,
    "grid": mixtures.grid,
    "seed_ring": mixtures.seed_ring,
    "triangle": mixtures.triangle,
}


def load_data(recipe: Recipe) -> ImageSet | Mixture:
    """The data that a recipe names; raises BookError when there are none of that name."""
    name = recipe.data
    if name in _MIXTURES:
        return _MIXTURES[name]()
    if name == "digits":
        images = mnist_files.digits()
    elif name == "mnist":
        images = mnist_files.mnist_or_digits()
    else:
        try:
            folder = find_set(name)
        except BookError as problem:
            built_in = ", ".join(["mnist", "digits", *_MIXTURES])
            raise BookError(f"{problem} Built in are {built_in}.") from None
        images = read_set(folder)
    return images.first(recipe.first) if recipe.first is not None else images


def make_stream(
    recipe: Recipe, data: ImageSet | Mixture, device: torch.device, world: World | None = None
) -> tuple[Stream, dict[str, Any]]:
    """Batches of the data on the device, and the facts about the data that a run should keep.

    world: of each batch only the part of this process. Close the stream when the run has ended.
    Raises BookError when the images do not have the shape that the networks are built for.
    """
    shard = (world or World()).shard
    if isinstance(data, Mixture):
        if not isinstance(recipe.networks, MLPNetworks):
            raise BookError(
                f"{recipe.data} holds points, which need networks of the kind MLPNetworks, not "
                f"{type(recipe.networks).__name__}."
            )
        facts = {"name": recipe.data, "count": None, "sha256": None}
        size, seed = recipe.batch_size, recipe.seed
        return PointBatches(data, size, seed=seed, device=device, shard=shard), facts
    if isinstance(recipe.networks, MLPNetworks):
        raise BookError(f"{data.name} holds images, but MLPNetworks are for points.")
    wanted = (recipe.networks.channels, recipe.networks.size, recipe.networks.size)
    if tuple(data.images.shape[1:]) != wanted:
        raise BookError(
            f"the networks of this recipe are built for images of shape {wanted} (channels, rows, "
            f"columns), but {data.name} holds {tuple(data.images.shape[1:])}. Set "
            "--networks.size and --networks.channels, or prepare the images at that size."
        )
    facts = {key: data.manifest.get(key) for key in ("name", "count", "source", "licence")}
    facts["sha256"] = data.manifest.get("sha256")
    stream = choose(
        data.images,
        recipe.batch_size,
        seed=recipe.seed,
        flip=recipe.flip,
        device=device,
        shard=shard,
    )
    return stream, facts
