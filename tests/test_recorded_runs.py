"""Recorded runs are what their recipes make today, and small enough for a repository."""

from pathlib import Path

import pytest
import safetensors.torch
import torch

from lsgan_lib import latent
from lsgan_lib.data import ASSETS
from lsgan_lib.evaluation.record import pictures_kept
from lsgan_lib.files import read_json
from lsgan_lib.training import RECIPES, RunDirectory
from lsgan_lib.training.recipe import differences

RUNS = sorted(path for path in (ASSETS / "runs").glob("*") if path.is_dir())
WEIGHED = [path for path in RUNS if (path / "generator.safetensors").is_file()]

every_run = pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)


def test_the_runs_that_chapter_04_shows_are_recorded():
    names = {"mnist-least-squares", "mnist-least-squares-no-dropout", "mnist-least-squares-2d"}
    assert names <= {path.name for path in WEIGHED}


@every_run
def test_a_recorded_run_is_a_named_recipe_as_it_stands(run: Path):
    """Change a recipe, and its run must be recorded again."""
    assert run.name in RECIPES
    assert differences(RunDirectory(run).recipe(), RECIPES[run.name]) == []


@every_run
def test_a_recorded_run_is_complete_and_holds_nothing_else(run: Path):
    files = {path.name for path in run.iterdir()}
    assert {"recipe.json", "run.json", "log.csv", "samples"} <= files
    assert files <= {
        *("recipe.json", "run.json", "log.csv", "samples"),
        *("metrics.json", "generator.safetensors"),
    }


@every_run
def test_a_recorded_run_went_to_its_end(run: Path):
    directory = RunDirectory(run)
    recipe, facts, log = directory.recipe(), directory.facts(), directory.log()
    step = recipe.batch_size * recipe.critic_steps
    assert recipe.images <= facts["images"] < recipe.images + step
    assert log[-1]["images"] == pytest.approx(facts["images"], rel=1e-5)
    assert [row["images"] for row in log] == sorted({row["images"] for row in log})
    every = range(recipe.samples_every, facts["images"], recipe.samples_every)
    # A picture is drawn at the end of the step in which it is due, and one at the very end.
    drawn = sorted({0, *(-(-images // step) * step for images in every), facts["images"]})
    assert list(directory.samples()) == pictures_kept(recipe, drawn, facts["data"]["count"])


@every_run
def test_a_recorded_run_says_where_it_ran(run: Path):
    facts = read_json(run / "run.json")
    for name in ("device", "device_name", "torch", "lsgan", "seconds", "images_per_second"):
        assert facts[name], name
    assert facts["data"]["name"] and "/" not in facts["data"]["name"]


@pytest.mark.parametrize("run", WEIGHED, ids=lambda path: path.name)
def test_recorded_weights_are_half_precision_and_make_images(run: Path):
    weights = safetensors.torch.load_file(run / "generator.safetensors")
    floating = {value.dtype for value in weights.values() if value.is_floating_point()}
    assert floating == {torch.float16}
    directory = RunDirectory(run)
    generator, recipe = directory.generator(), directory.recipe()
    z = latent.draw(8, recipe.networks.z_dim, recipe.noise, torch.Generator().manual_seed(0))
    with torch.no_grad():
        images = generator(z)
    assert images.dtype == torch.float32 and torch.isfinite(images).all()
    assert -1 <= images.min() < images.max() <= 1
    metrics = read_json(run / "metrics.json")
    if metrics.get("spread", 1.0) < 0.05:  # a run that failed says so, by its own measure
        assert metrics["faces"] < 0.1
    else:
        assert (images[0] - images[1]).abs().max() > 0.1  # different noise, different picture


def test_assets_stay_small():
    sizes = {path: path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()}
    assert [str(path) for path, size in sizes.items() if size > 15_000_000] == []
    assert sum(sizes.values()) < 100_000_000
