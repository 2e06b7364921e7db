"""The checks of chapter 06 accept right answers, explain wrong ones, and stay quiet on stubs."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from exercise_checks import three_tests

from lsgan_lib.data import to_float
from lsgan_lib.evaluation.faces import moved
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.exercises import chapter_06 as exercises
from lsgan_lib.figures import corner, tile
from lsgan_lib.files import write_json
from lsgan_lib.training import Recipe, run_directory
from lsgan_lib.training.pictures import grid_png

RECIPE = Recipe()


def from_a_copy(generator, z):
    with torch.no_grad():
        return copy.deepcopy(generator).train()(z)


def moves_the_averages(generator, z):
    with torch.no_grad():
        pictures = generator.train()(z)
    generator.eval()
    return pictures


def stays_in_training_mode(generator, z):
    before = copy.deepcopy(generator.state_dict())
    with torch.no_grad():
        pictures = generator.train()(z)
    generator.load_state_dict(before)
    return pictures


def with_moving_averages(generator, z):
    with torch.no_grad():
        return generator(z)


def one_by_one(generator, z):
    twin = copy.deepcopy(generator).train()
    with torch.no_grad():
        return torch.cat([twin(pair) for pair in z.split(2)])


def copied(samples, training, *, share=1 / 3, mirrored=True, skip=True):
    limit = nearest(training, training, skip_same=skip)[0].median() * share
    both = torch.cat([training, training.flip(3)]) if mirrored else training
    return nearest(samples, both)[0] < limit


@pytest.fixture(autouse=True)
def recorded(tmp_path, monkeypatch):
    """A recording whose detector found faces in 0.9 of the samples: the run itself may change."""
    from lsgan_lib import book
    from lsgan_lib.training import RECIPES

    folder = tmp_path / "runs" / "faces-least-squares"
    run_directory.RunDirectory(folder).create(RECIPES["faces-least-squares"])
    write_json(folder / "metrics.json", {"faces": 0.9})
    monkeypatch.setattr(book, "ASSETS", tmp_path)


def interval(count):
    p = count / 64
    margin = 1.96 * math.sqrt(p * (1 - p) / 64)
    return [count, p - margin, p + margin]


RIGHT = {
    "6.1": (exercises.check_6_1, [51.63, 22_159.3]),
    "6.2": (exercises.check_6_2, [44, 2_301]),
    "6.3": (exercises.check_6_3, [from_a_copy]),
    "6.4": (exercises.check_6_4, [*interval(58), "yes"]),
    "6.4, few": (exercises.check_6_4, [*interval(20), "no"]),
    "6.5": (exercises.check_6_5, [copied]),
    "6.6": (exercises.check_6_6, [RECIPE, replace(RECIPE, seed=1), 0.2, 0.21, "well"]),
    "6.6, lags": (exercises.check_6_6, [RECIPE, replace(RECIPE, seed=1), 0.6, 0.2, "artefact"]),
}


TWO = replace(RECIPE, seed=1, tick=7)
WRONG = [
    (exercises.check_6_1, [0.95, 22_159], "Ours are shorter"),
    (exercises.check_6_1, [51.6, 1_418_193], "64 of those images"),
    (exercises.check_6_2, [43, 2_301], "very near"),
    (exercises.check_6_2, [44, 44], "0.998^n"),
    (exercises.check_6_3, [with_moving_averages], "see (6.3)"),
    (exercises.check_6_3, [one_by_one], "as a whole"),
    (exercises.check_6_3, [moves_the_averages], "have moved"),
    (exercises.check_6_3, [stays_in_training_mode], "left in training mode"),
    (exercises.check_6_3, [lambda generator, z: torch.zeros(8)], "the shape asked for"),
    (exercises.check_6_4, [65, 0.9, 1.0, "yes"], "from 0 to 64"),
    (exercises.check_6_4, [58, 83, 99, "yes"], "not percent"),
    (exercises.check_6_4, [*interval(58), "no"], "between your two"),
    (exercises.check_6_5, [lambda s, t: copied(s, t, skip=False)], "not found"),
    (exercises.check_6_5, [lambda s, t: copied(s, t, mirrored=False)], "training.flip"),
    (exercises.check_6_5, [lambda s, t: copied(s, t, share=0.05)], "moved by one pixel"),
    (exercises.check_6_5, [lambda s, t: copied(s, t, share=9)], "limit is too high"),
    (exercises.check_6_5, [lambda s, t: copied(s, t).float()], "bool is asked for"),
    (exercises.check_6_6, [RECIPE, RECIPE, 0.2, 0.2, "well"], "none"),
    (exercises.check_6_6, [RECIPE, TWO, 0.2, 0.2, "well"], "tick"),
    (exercises.check_6_6, [RECIPE, {"seed": 1}, 0.2, 0.2, "well"], "replace(recipe"),
    (exercises.check_6_6, [RECIPE, replace(RECIPE, seed=1), 0.6, 0.2, "well"], "which row"),
    (
        exercises.check_6_6,
        [RECIPE, replace(RECIPE, seed=1), 0.2, 0.2, "artefact"],
        "there is little",
    ),
    (exercises.check_6_6, [RECIPE, replace(RECIPE, seed=1), 0.0, 0.2, "well"], "above nought"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)


def test_the_corner_of_a_grid_is_its_first_pictures(tmp_path):
    images = torch.randint(0, 256, (9, 3, 64, 64), dtype=torch.uint8)
    (tmp_path / "grid.png").write_bytes(grid_png(to_float(images), 3))
    page = corner(tmp_path / "grid.png", 2, 2)
    assert page.shape == (130, 130, 3)
    assert (page == tile(images[[0, 1, 3, 4]], 2)).all()


def test_the_planted_copies_are_copies_and_the_strangers_are_not():
    samples, training, truth = exercises.planted()
    both = torch.cat([training, training.flip(3), moved(training)])
    assert (nearest(samples, both)[0] < 5e-3).tolist() == truth


def test_the_intervals_cover_as_often_as_they_say():
    """(6.4) over every count of 64 that a share of 0.8 can give, weighted by its probability."""
    covered = sum(
        math.comb(64, count) * 0.8**count * 0.2 ** (64 - count)
        for count in range(65)
        if interval(count)[1] <= 0.8 <= interval(count)[2]
    )
    assert 0.91 < covered < 0.97
