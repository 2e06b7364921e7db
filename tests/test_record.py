"""A finished run becomes a recorded one: complete, without its state, and nothing else does."""

from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from small_runs import RECIPE, RECIPES, THIN, data_of

from lsgan_lib.data import make_set, write_set
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation import faces
from lsgan_lib.evaluation import record as recording
from lsgan_lib.evaluation.record import pictures_kept, record
from lsgan_lib.files import read_json
from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.training import train


@pytest.fixture
def assets(tmp_path, monkeypatch) -> Path:
    """An empty assets folder, and recipes that a test can afford to train."""
    monkeypatch.setattr(recording, "ASSETS", tmp_path / "assets")
    monkeypatch.setattr(recording, "RECIPES", RECIPES)
    return tmp_path / "assets" / "runs"


def finished(name: str, folder: Path) -> Path:
    train(RECIPES[name], data_of(RECIPES[name]), folder / name, device="cpu")
    return folder / name


@pytest.mark.parametrize("name", ["least squares", "points"])
def test_a_finished_run_is_recorded_without_its_state(name, assets, tmp_path):
    source = finished(name, tmp_path)
    assert record(source) == assets / name
    files = {p.relative_to(source) for p in source.rglob("*") if p.suffix != ".pt"}
    files -= {Path("states")}
    made = {p.relative_to(assets / name) for p in (assets / name).rglob("*")}
    assert made == files | {Path("metrics.json")}
    half = safetensors.torch.load_file(assets / name / "generator.safetensors")
    for key, whole in safetensors.torch.load_file(source / "generator.safetensors").items():
        expected = whole.to(torch.float16) if whole.is_floating_point() else whole
        assert torch.equal(half[key], expected)
    assert read_json(assets / name / "run.json")["command"] == f"lsgan train {name}"
    assert read_json(assets / name / "metrics.json") == {}  # neither makes 28 x 28 pictures


def test_an_older_recording_is_replaced_as_a_whole(assets, tmp_path):
    (assets / "least squares").mkdir(parents=True)
    (assets / "least squares" / "old").touch()
    record(finished("least squares", tmp_path))
    assert [path.name for path in assets.iterdir()] == ["least squares"]
    assert not (assets / "least squares" / "old").exists()


def test_a_recording_that_fails_leaves_the_older_one(assets, tmp_path, monkeypatch):
    (assets / "least squares").mkdir(parents=True)
    (assets / "least squares" / "old").touch()
    source = finished("least squares", tmp_path)
    monkeypatch.setattr(recording, "_metrics", lambda run: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        record(source)
    assert [p.relative_to(assets).as_posix() for p in sorted(assets.rglob("*"))] == [
        *("least squares", "least squares/old")
    ]


def test_an_unfinished_run_is_refused(assets, tmp_path):
    name = "least squares"
    longer = replace(RECIPES[name], images=RECIPES[name].images * 2)

    def stop(trainer):
        if trainer.shown >= RECIPES[name].images:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        train(longer, data_of(longer), tmp_path / name, device="cpu", on_tick=stop)
    with pytest.raises(BookError, match="not finished"):
        record(tmp_path / name)
    assert not assets.exists()


def test_a_run_of_another_recipe_is_refused(assets, tmp_path):
    source = finished("least squares", tmp_path)
    source = source.rename(tmp_path / "points")
    with pytest.raises(BookError, match="not today's recipe 'points'"):
        record(source)
    assert not assets.exists()


# --- faces ---------------------------------------------------------------------------------------

COUNT = 24  # pictures in the set; half of them are as many as the samples
_COLOUR = replace(
    RECIPE,
    networks=LeastSquaresNetworks(size=64, channels=3, z_dim=3, width=THIN),
    images=8 * 15,
    samples_every=8,
    flip=True,
)


def blobs(seed: int):
    """Pictures that vary from one to the next, in colour: smooth noise."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, 256, (COUNT, 3, 4, 4), generator=random).float()
    images = torch.nn.functional.interpolate(coarse, size=64, mode="bilinear")
    return make_set(images.to(torch.uint8), name="blobs")


@pytest.fixture
def coloured(assets, tmp_path, monkeypatch):
    """A finished run on 64-pixel colour pictures, fifteen of its own among its files."""
    write_set(tmp_path / "blobs", blobs(0))
    recipe = replace(_COLOUR, data=str(tmp_path / "blobs"))
    monkeypatch.setattr(recording, "RECIPES", {"faces": recipe})
    monkeypatch.setattr(recording, "_FACES", COUNT // 2)
    train(recipe, None, tmp_path / "faces", device="cpu")
    return tmp_path / "faces"


def test_faces_are_measured_against_their_training_set(coloured, assets):
    record(coloured)
    metrics = read_json(assets / "faces" / "metrics.json")
    assert metrics["samples"] == COUNT // 2 == metrics["nearest"]["pictures"]
    assert metrics["faces"] == metrics["faces_real"] == 0  # blobs are no faces
    assert 0 < metrics["spread"] and 0 < metrics["distance_real"] < metrics["distance"]
    near = metrics["nearest"]
    assert list(near["real"]) == ["1 %", "5 %", "50 %", "95 %"]
    assert near["copies"]["95 %"] < min(near["real"]["1 %"], near["samples"]["1 %"])


def test_a_generator_that_copies_is_seen_to(coloured, tmp_path):
    data = blobs(0)
    copies = faces.to_float(data.images[:12]).flip(3)
    near = faces.face_metrics(copies, data, mirrored=True)["nearest"]
    assert near["samples"]["95 %"] < 2e-3 < near["copies"]["1 %"]
    assert faces.face_metrics(copies, data, mirrored=False)["nearest"]["samples"]["50 %"] > 0.1


def test_a_picture_moved_by_one_pixel():
    row = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    assert faces.moved(row).flatten().tolist() == [1, 1, 2]


def test_only_the_pictures_of_the_shown_epochs_are_kept(coloured, assets):
    record(coloured)
    kept = sorted(int(path.stem) for path in (assets / "faces" / "samples").iterdir())
    assert kept == [0, 8, 24, 48, 72, 120]  # epochs 0, a half, 1, 2, 3 and the last, the fifth


def test_which_pictures_are_kept():
    recipe = replace(_COLOUR, samples_every=100)
    shown = [0, *range(104, 2_100, 100)]  # every hundredth image, at the end of a step
    assert pictures_kept(recipe, shown, 100) == [
        *(0, 104, 204, 304, 504, 704, 1_004, 1_504, 1_704, 2_004)
    ]  # fmt: skip
    assert pictures_kept(recipe, shown, 60) == [
        *(0, 104, 204, 304, 404, 604, 904, 1_004, 1_204, 1_504, 1_604, 2_004)
    ]  # fmt: skip
    assert pictures_kept(recipe, shown[:12], 100) == shown[:12]  # a dozen is few
    assert pictures_kept(recipe, shown, None) == shown
    for other in ({"channels": 1}, {"size": 32}):
        small = replace(recipe, networks=replace(recipe.networks, **other))
        assert pictures_kept(small, shown, 100) == shown
    assert pictures_kept(RECIPES["points"], shown, 100) == shown


def test_a_run_of_whole_epochs_of_celeba_is_shown_by_those():
    """As the seeds count, although the set at hand is smaller: equal images, equal pictures."""
    recipe = replace(_COLOUR, images=3 * 202_599, samples_every=100_000)
    shown = list(range(0, 1_500_000, 100_000))
    assert pictures_kept(recipe, shown, 27_468) == [
        *(0, 100_000, 200_000, 400_000, 600_000, 1_000_000, 1_400_000)
    ]  # fmt: skip


def test_a_run_whose_faces_are_gone_is_not_recorded(coloured, assets, tmp_path):
    (tmp_path / "blobs").rename(tmp_path / "elsewhere")
    with pytest.raises(BookError, match="measured against its training set"):
        record(coloured)
    assert not any(assets.iterdir())


def test_a_run_is_not_measured_against_other_faces(coloured, assets, tmp_path):
    for file in (tmp_path / "blobs").iterdir():
        file.unlink()
    write_set(tmp_path / "blobs", blobs(1))
    with pytest.raises(BookError, match="strangers"):
        record(coloured)
    assert not any(assets.iterdir())
