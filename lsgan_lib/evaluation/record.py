"""Turn a finished run into a recorded one, which the book shows.

    python -m lsgan_lib.evaluation.record runs/NAME      (or: make record RUN=runs/NAME)

copies it to assets/runs/NAME: without its state, weights as float16, and with metrics.json. Of many
large pictures only those of the epochs that the book shows are kept.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lsgan_lib import latent
from lsgan_lib.data import ASSETS, digits, to_float
from lsgan_lib.data.image_set import ImageSet
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.faces import face_metrics
from lsgan_lib.evaluation.neighbours import agreement, nearest
from lsgan_lib.evaluation.specks import specks
from lsgan_lib.files import write_json
from lsgan_lib.networks import MLPNetworks
from lsgan_lib.networks.dropout import dropout_at_sampling
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.recipes import CELEBA_EPOCH, RECIPES
from lsgan_lib.training.run_directory import RunDirectory
from lsgan_lib.training.sources import load_data

_SAMPLES = 2_000
_FACES = 1_000
EPOCHS_SHOWN = (0.5, 1, 2, 3, 5, 7, 10, 15, 17, 20, 25, 27, 50)
"""after which either seed shows its faces"""
_FEW = 12
"""pictures of 64-pixel colour images, over half a megabyte each, that are all kept"""


def record(source: Path) -> Path:
    """Copy a finished run to assets/runs under its name; returns the new folder.

    An older recording of that name is replaced at the end, by one that is complete. Raises
    BookError when the run is not finished, or its recipe is not the named one of today.
    """
    run, name = RunDirectory(source), source.name
    recipe, facts = run.recipe(), run.facts()
    if facts.get("images", 0) < recipe.images:
        raise BookError(f"{source} is not finished: `{run.resume_command}` first.")
    if RECIPES.get(name) != recipe:
        raise BookError(f"the recipe in {source} is not today's recipe {name!r}: train it again.")
    folder = ASSETS / "runs" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as made:
        recorded = RunDirectory(Path(made) / name)
        recorded.prepare()
        for copied in ("recipe.json", "log.csv"):
            shutil.copyfile(source / copied, recorded.path / copied)
        pictures = run.samples()
        for shown in pictures_kept(recipe, list(pictures), facts["data"]["count"]):
            shutil.copyfile(pictures[shown], recorded.path / "samples" / pictures[shown].name)
        recorded.write_generator(run.generator().half())
        recorded.write_facts(facts | {"command": f"lsgan train {name}"})
        write_json(recorded.path / "metrics.json", _metrics(recorded))
        if folder.exists():
            shutil.rmtree(folder)
        recorded.path.rename(folder)
    return folder


def pictures_kept(recipe: Recipe, shown: Sequence[int], epoch: int | None) -> list[int]:
    """Which of a run's pictures its recording keeps, by images shown.

    All of them, unless they are more than a dozen of large colour images: then the first, the last
    and the nearest to each of `EPOCHS_SHOWN`, where one was made within half of samples_every.
    epoch: images of the training set; None for endless data.
    """
    if not _large(recipe) or len(shown) <= _FEW or epoch is None:
        return list(shown)
    if recipe.images % CELEBA_EPOCH == 0:  # such a recipe counts as the seeds do
        epoch = CELEBA_EPOCH
    kept = {shown[0], shown[-1]}
    for moment in (number * epoch for number in EPOCHS_SHOWN):
        near = min(shown, key=lambda images: abs(images - moment))
        if abs(near - moment) <= recipe.samples_every / 2:
            kept.add(near)
    return sorted(kept)


def _large(recipe: Recipe) -> bool:
    """Whether a recipe makes colour pictures of 64 pixels or more: faces, in this book."""
    networks = recipe.networks
    return not isinstance(networks, MLPNetworks) and networks.channels == 3 and networks.size >= 64


def _metrics(run: RunDirectory) -> dict[str, Any]:
    """What the recorded (float16) generator makes, by the measures of its kind of pictures.

    Digits of 28 x 28 are compared with the book's 5,000, colour pictures of 64 x 64 and more with
    the faces of the training set. Empty for runs that make neither.
    """
    generator, recipe = run.generator(), run.recipe()
    random = torch.Generator().manual_seed(0)
    if _large(recipe):
        data = _training_set(run)
        z = latent.draw(_FACES, recipe.networks.z_dim, recipe.noise, random)
        samples = latent.images_of(generator, z)
        return face_metrics(samples, data, mirrored=recipe.flip)
    z = latent.draw(_SAMPLES, recipe.networks.z_dim, recipe.noise, random)
    samples = latent.images_of(generator, z)
    if samples.shape[1:] != (1, 28, 28):
        return {}
    with dropout_at_sampling(generator, random=random):
        dropped = latent.images_of(generator, z)
    return _digit_metrics(samples, dropped)


def _training_set(run: RunDirectory) -> ImageSet:
    """The set that a run was trained on; raises BookError where it is not here, or another."""
    recipe, facts = run.recipe(), run.facts()["data"]
    try:
        data = load_data(recipe)
    except BookError as problem:
        raise BookError(f"a run on faces is measured against its training set. {problem}") from None
    assert isinstance(data, ImageSet)  # pictures are made from pictures
    if data.manifest["sha256"] != facts["sha256"]:
        raise BookError(
            f"the run was trained on {facts['name']} with other pixels than {data.name} holds now, "
            "so its metrics would compare it with strangers. Put the old data back."
        )
    return data


def _digit_metrics(samples: Tensor, dropped: Tensor) -> dict[str, Any]:
    """Samples of digits against the book's 5,000.

    distance: root mean square pixel difference to the nearest digit, in [-1, 1] units; for
    `real`, from each digit to the nearest other one. agreement: share of the five nearest digits
    that bear one label. classes: share of samples by that label. specks: isolated bright pixels
    an image, with the generator's dropout off and on while it samples (dropped).
    """
    reals = digits()
    real, labels = to_float(reals.images), reals.labels
    assert labels is not None  # the offline digits have labels
    label, share = agreement(samples, real, labels)
    return {
        "samples": _SAMPLES,
        "distance": nearest(samples, real)[0].mean().item(),
        "distance_real": nearest(real[:_SAMPLES], real, skip_same=True)[0].mean().item(),
        "agreement": share.mean().item(),
        "classes": (label.bincount(minlength=10) / _SAMPLES).tolist(),
        "specks_real": specks(real).float().mean().item(),
        "specks": specks(samples).float().mean().item(),
        "specks_dropout_at_sampling": specks(dropped).float().mean().item(),
    }


if __name__ == "__main__":
    try:
        print(record(Path(sys.argv[1])))
    except (BookError, IndexError) as error:
        sys.exit(f"record: {error}")
