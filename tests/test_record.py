"""A finished run becomes a recorded one: complete, without its state, and nothing else does."""

from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from small_runs import RECIPES, data_of

from lsgan_lib.errors import BookError
from lsgan_lib.evaluation import record as recording
from lsgan_lib.evaluation.record import record
from lsgan_lib.files import read_json
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
