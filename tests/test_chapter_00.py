"""The start page: what it finds on a machine, and what its checks say to each kind of answer."""

import sys

import pytest
import torch

from lsgan_lib import environment
from lsgan_lib.environment import check_environment, look
from lsgan_lib.exercises import chapter_00 as exercises

# --- the machine --------------------------------------------------------------------------------


def found(about: str) -> environment.Finding:
    return next(finding for finding in look() if finding.about == about)


def test_this_machine_is_ready(capsys):
    assert check_environment()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(list(look()))
    assert all(line.startswith("✓ ") for line in lines)


def test_an_old_python_is_found(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    assert not check_environment()
    assert "✗ Python" in capsys.readouterr().out


@pytest.mark.parametrize(("version", "ready"), [("2.10.1", False), ("2.11.0+cpu", True)])
def test_an_old_torch_is_found(version, ready, monkeypatch):
    monkeypatch.setattr(torch, "__version__", version)
    assert found("torch").ready == ready


def test_missing_assets_are_found(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "ASSETS", tmp_path)
    assert not found("digits").ready
    assert not found("runs").ready


def test_a_mistyped_data_folder_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path / "nowhere"))
    assert not found("MNIST").ready


def test_full_mnist_is_found_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LSGAN_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    assert "wants all 60,000" in found("MNIST").sentence
    (tmp_path / "data" / "mnist" / "train-images-idx3-ubyte.gz").touch()
    assert "wants all 60,000" in found("MNIST").sentence  # images without labels train nothing
    (tmp_path / "data" / "mnist" / "train-labels-idx1-ubyte.gz").touch()
    assert found("MNIST").sentence == "all 60,000 digits are in ~/data/mnist."


# --- the checks ---------------------------------------------------------------------------------


def digits_like(count: int) -> torch.Tensor:
    """Images with a few bright pixels on black, no two the same."""
    images = torch.full((count, 1, 28, 28), -1.0)
    for index in range(count):
        images[index, 0, 10 + index, 5:20] = 1.0
    return images


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (None, "not attempted yet"),
        (digits_like(8), "correct"),
        (digits_like(7), "eight images have the shape (8, 1, 28, 28), these (7, 1, 28, 28)"),
        (torch.rand(8, 100), "this is the noise"),
        (digits_like(1).expand(8, 1, 28, 28), "two of the eight are the same"),
        (digits_like(8) * 255, "pixels lie in [-1, 1]"),
        (torch.rand(8, 1, 28, 28), "bright strokes on black"),
        ([1, 2], "a tensor of images is asked for, this is a list"),
    ],
)
def test_eight_digits(images, said, capsys):
    verdict = exercises.check_0_1(images)
    assert bool(verdict) == (said == "correct")
    assert said in capsys.readouterr().out


SQUARES, SENSITIVE = exercises.FAMILIES
RIGHT = dict(
    zip("ABCDEF", (SENSITIVE, SQUARES, SQUARES, SENSITIVE, SENSITIVE, SQUARES), strict=True)
)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (dict.fromkeys("ABCDEF"), "not attempted yet"),
        (RIGHT, "correct"),
        ({key: family.upper() for key, family in RIGHT.items()}, "correct"),
        (RIGHT | {"D": None, "F": None}, "still open: D, F"),
        (RIGHT | {"E": SQUARES}, "look again at E: a margin is added"),
        (RIGHT | {"B": "LSGAN"}, "choose one of 'least_squares', 'loss_sensitive'"),
        ({"A": SQUARES}, "keys A to F"),
    ],
)
def test_names(answers, said, capsys):
    verdict = exercises.check_0_2(answers)
    assert bool(verdict) == (said == "correct")
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ((None, None), "not attempted yet"),
        ((0.9, -1.0), "correct"),
        ((3.0, -1.0), "how far from it is 3.0"),
        ((0.2, -1.0), "which is the smallest"),
        ((0.9, 3.0), "glad of a high one"),
        ((0.9, 0.2), "with no target"),
        (0.9, "two scores are asked for"),
    ],
)
def test_scores(best, said, capsys):
    verdict = exercises.check_0_3(best)
    assert bool(verdict) == (said == "correct")
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "not attempted yet"),
        ("greys", "correct"),
        ("points", "look at what lies under them"),
        ("both", "lie anywhere else"),
        ("nothing", "compare the greys"),
        ("colours", "choose one of"),
    ],
)
def test_exchanged_targets(answer, said, capsys):
    verdict = exercises.check_0_4(answer)
    assert bool(verdict) == (said == "correct")
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "not attempted yet"),
        ({12: None, 16: 16}, "not attempted yet"),
        ({12: 11, 16: 16}, "correct"),
        ({8: 8, 12: 12}, "at least two rings"),
        ({12: 13, 16: 16}, "cannot have 13"),
        ({12: 11.5, 16: 16}, "whole numbers"),
        ([12, 16], "a dictionary is asked for"),
    ],
)
def test_counted_clusters(found, said, capsys):
    verdict = exercises.check_0_5(found)
    assert bool(verdict) == (said == "correct")
    assert said in capsys.readouterr().out
