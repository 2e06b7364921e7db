"""The appendix: what it loads from assets, and what its checks say to each kind of answer."""

import cmath

import pytest
import torch
from PIL import Image

from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.exercises import appendix as exercises
from lsgan_lib.files import read_json
from lsgan_lib.folders import ASSETS

DATA = ASSETS / "data"

# --- the recorded files -------------------------------------------------------------------------


def test_the_photographs_are_small_and_named():
    facts = read_json(DATA / "fairface_24.json")
    assert facts["licence"] == "CC BY 4.0" and "FairFace" in facts["attribution"]
    assert facts["changes"]
    assert len(set(facts["photographs"])) == 24
    rows = len(facts["photographs"]) // facts["columns"]
    with Image.open(DATA / "fairface_24.jpg") as page:
        assert page.size == (facts["columns"] * facts["side"], rows * facts["side"])
    assert (DATA / "fairface_24.jpg").stat().st_size < 500_000


def test_every_one_of_the_240_is_accounted_for():
    recorded = read_json(DATA / "fairface_240.json")
    for call in recorded["calls"]:
        assert call["found"] == 240 == call["kept"] + sum(call["dropped"].values())
        assert not any("%" in reason for reason in call["dropped"])
        assert call["tools"]["opencv"]
    for found in recorded["reframed"]["scale_factors"].values():
        assert 0 < found["found"] <= recorded["reframed"]["pictures"] < 240


def test_duplicates_of_celeba_are_numbers_only():
    recorded = read_json(DATA / "celeba_duplicates.json")
    counts = [*recorded["nearest_below"].values()]
    assert counts == sorted(counts) and counts[-1] < recorded["pictures"]
    # A picture can be the nearest to several, so pairs are at least half of the pictures in them.
    assert recorded["nearest_below"]["8"] <= 2 * recorded["pairs_below_8"]
    assert not any(name in str(recorded) for name in (".jpg", ".png", ".zip"))


# --- the checks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("widths", "side", "said"),
    [
        (None, None, "not attempted yet"),
        ([24, 48, 96], 600, "correct"),
        ((24.0, 48.0, 96.0), 600.0, "correct"),
        ([24, 48, 96, 192], 600, "fit into the width, too"),
        ([24, 48], 600, "start at 24 and double"),
        (3, 600, "asked for as a list"),
        ([24, 48, 96], 601, "after 24 and 120"),
    ],
)
def test_windows(widths, side, said, capsys):
    verdict = exercises.check_a_1(widths, side)
    assert bool(verdict) == (said == "correct")
    assert said in capsys.readouterr().out


def aligned(eyes, targets):
    a = (targets[1] - targets[0]) / (eyes[1] - eyes[0])
    return a, targets[0] - a * eyes[0]


def without_turn(eyes, targets):
    a, b = aligned(eyes, targets)
    return abs(a), b


def without_shift(eyes, targets):
    return aligned(eyes, targets)[0], 0j


def inverse(eyes, targets):
    return aligned(targets, eyes)


@pytest.mark.parametrize(
    ("align", "said"),
    [
        (lambda eyes, targets: None, "not attempted yet"),
        (aligned, "correct"),
        (
            lambda eyes, targets: [cmath.rect(*cmath.polar(z)) for z in aligned(eyes, targets)],
            "correct",
        ),
        (without_turn, "but not its turn"),
        (without_shift, "choose b"),
        (inverse, "divided by the distance of the eyes"),
        (lambda eyes, targets: 3, "two complex numbers"),
        (lambda eyes, targets: 1 / 0, "stopped with ZeroDivisionError"),
    ],
)
def test_alignment(align, said, capsys):
    verdict = exercises.check_a_2(align)
    assert bool(verdict) == (said == "correct")
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mtcnn", "haar", "why", "said"),
    [
        (None, None, None, "not attempted yet"),
        (36, 76, "framing", "correct"),
        (36, 76, "Framing", "correct"),
        (204, 76, "framing", "take what was kept"),
        (36, 239, "framing", "Haar is the second call"),
        (36, 76, "detector", "did the detector itself miss"),
        (36, 76, "people", "choose one of"),
    ],
)
def test_report(mtcnn, haar, why, said, capsys):
    verdict = exercises.check_a_3(mtcnn, haar, why)
    assert bool(verdict) == (said == "correct")
    assert said in capsys.readouterr().out


def by_person(persons, share):
    everybody = persons.unique()
    chosen = everybody[torch.randperm(len(everybody))[: round(share * len(everybody))]]
    return torch.isin(persons, chosen)


@pytest.mark.parametrize(
    ("held_out", "said"),
    [
        (lambda persons, share: None, "not attempted yet"),
        (by_person, "correct"),
        (lambda persons, share: torch.arange(len(persons)) < share * len(persons), "both sides"),
        (lambda persons, share: persons < 0, "0 of 100 persons are held out"),
        (lambda persons, share: by_person(persons, share).float(), "one True or False"),
        (lambda persons, share: torch.tensor(True), "one True or False"),
    ],
)
def test_split(held_out, said, capsys):
    verdict = exercises.check_a_4(held_out)
    assert bool(verdict) == (said == "correct")
    assert said in capsys.readouterr().out


def near(images, others, limit, skip_same):
    distance, index = nearest(images, others, skip_same=skip_same)
    return {(i, int(index[i])) for i in (distance < limit).nonzero().flatten().tolist()}


@pytest.mark.parametrize(
    ("copies", "said"),
    [
        (lambda images, limit: None, "not attempted yet"),
        (
            lambda images, limit: (
                near(images, images, limit, True) | near(images.flip(-1), images, limit, True)
            ),
            "correct",
        ),
        (lambda images, limit: near(images, images, limit, True), "mirrored pictures as well"),
        (lambda images, limit: near(images.flip(-1), images, limit, True), "not the plain one"),
        (lambda images, limit: near(images, images, limit, False), "no copy of itself"),
        (lambda images, limit: set(), "you found 0"),
        (lambda images, limit: 2, "pairs of row numbers"),
    ],
)
def test_copies(copies, said, capsys):
    verdict = exercises.check_a_5(copies)
    assert bool(verdict) == (said == "correct")
    assert said in capsys.readouterr().out
