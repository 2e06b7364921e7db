"""Turn a finished run into a recorded one, which the book shows.

    python -m lsgan_lib.evaluation.record runs/NAME      (or: make record RUN=runs/NAME)

copies it to assets/runs/NAME: without its state, weights as float16, and with metrics.json.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from lsgan_lib import latent
from lsgan_lib.data import ASSETS, digits, to_float
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.neighbours import agreement, nearest
from lsgan_lib.evaluation.specks import specks
from lsgan_lib.files import write_json
from lsgan_lib.networks.dropout import dropout_at_sampling
from lsgan_lib.training.recipes import RECIPES
from lsgan_lib.training.run_directory import RunDirectory

_SAMPLES = 2_000


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
        shutil.copytree(source / "samples", recorded.path / "samples", dirs_exist_ok=True)
        recorded.write_generator(run.generator().half())
        recorded.write_facts(facts | {"command": f"lsgan train {name}"})
        write_json(recorded.path / "metrics.json", _metrics(recorded))
        if folder.exists():
            shutil.rmtree(folder)
        recorded.path.rename(folder)
    return folder


def _metrics(run: RunDirectory) -> dict[str, Any]:
    """What the recorded (float16) generator makes, against the book's 5,000 digits.

    distance: root mean square pixel difference to the nearest digit, in [-1, 1] units; for
    `real`, from each digit to the nearest other one. agreement: share of the five nearest digits
    that bear one label. classes: share of samples by that label. specks: isolated bright pixels
    an image, with the generator's dropout off and on while it samples. Empty for runs that make
    no 28 x 28 grey images.
    """
    generator, recipe = run.generator(), run.recipe()
    random = torch.Generator().manual_seed(0)
    z = latent.draw(_SAMPLES, recipe.networks.z_dim, recipe.noise, random)
    samples = latent.images_of(generator, z)
    if samples.shape[1:] != (1, 28, 28):
        return {}
    reals = digits()
    real, labels = to_float(reals.images), reals.labels
    assert labels is not None  # the offline digits have labels
    with dropout_at_sampling(generator, random=random):
        dropped = latent.images_of(generator, z)
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
