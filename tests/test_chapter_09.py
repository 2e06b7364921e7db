"""The checks of chapter 09 accept right answers, explain wrong ones, and stay quiet on stubs."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from exercise_checks import three_tests

from lsgan_lib.exercises import chapter_09 as exercises
from lsgan_lib.experiments.convergence import measured
from lsgan_lib.experiments.tables import load_table
from lsgan_lib.losses import least_squares
from lsgan_lib.training import Recipe

RECIPE = Recipe()
FASTER = replace(RECIPE, critic_lr=1e-3)
LOW, HIGH = [0.1, 0.2, 0.15], [0.3, 0.25, 0.4]


def by_numpy(images, shares, level):
    """Another way to the first passage: a very fine line, and the first point on it that is up."""
    fine = np.linspace(images[0], images[-1], 450_001)
    up = np.interp(fine, images, shares) >= level - 1e-12
    return float(fine[up.argmax()]) if up.any() else math.nan


def last_passage(images, shares, level):
    """Takes the last time."""
    return images[-1] if shares[-1] >= level else math.nan


def reaches(change):
    """A first passage with one mistake."""

    def function(images, shares, level):
        return change(exercises.first_passage(images, shares, level), images, shares, level)

    return function


def squares(score, c):
    return (score - c).abs()


def floor(score):
    return torch.where(score < 1, 1.0, 0.0).double()


RIGHT = {
    "9.1": (exercises.check_9_1, [36.88, 781, 3.39]),
    "9.2": (exercises.check_9_2, [2 / 252, 7, 2.8]),
    "9.3": (exercises.check_9_3, [by_numpy]),
    "9.4": (
        exercises.check_9_4,
        [exercises.below("faces", 10_000), sorted(exercises.below("distance", 100_000)), 0.4],
    ),
    "9.5": (exercises.check_9_5, [squares, floor, "nothing"]),
    "9.6": (exercises.check_9_6, [RECIPE, FASTER, HIGH, LOW, "better"]),
    "9.6, worse": (exercises.check_9_6, [RECIPE, FASTER, LOW, HIGH, "worse"]),
    "9.6, level": (exercises.check_9_6, [RECIPE, FASTER, LOW, [0.3, 0.12, 0.4], "cannot tell"]),
}


SEEDS = replace(RECIPE, seed=1)
WRONG = [
    (exercises.check_9_1, [5, 781, 3.39], "each pass takes"),
    (exercises.check_9_1, [36.9, 3_906, 3.39], "five of them"),
    (exercises.check_9_1, [36.9, 100, 3.39], "five batches"),
    (exercises.check_9_1, [36.9, 781, 25], "25 times 27,468"),
    (exercises.check_9_2, [1 / 252, 7, 2.8], "how many ways to choose five"),
    (exercises.check_9_2, [2 / 252, 6, 2.8], "below 0.001"),
    (exercises.check_9_2, [2 / 252, 7, 0.1], "28 times"),
    (exercises.check_9_3, [reaches(lambda x, *_: round(x / 10) * 10 if x == x else x)], "half way"),
    (exercises.check_9_3, [reaches(lambda x, i, *_: 0.0 if x == i[0] else x)], "return it"),
    (exercises.check_9_3, [reaches(lambda x, i, *_: x if x == x else i[-1])], "never reaches"),
    (
        exercises.check_9_3,
        [lambda i, s, v: last_passage(i, s, v) if s == [0.0, 0.6, 0.4, 0.9] else by_numpy(i, s, v)],
        "before it falls back",
    ),
    (
        exercises.check_9_3,
        [lambda i, s, v: math.nan if v in s else by_numpy(i, s, v)],
        "equals the level",
    ),
    (
        exercises.check_9_3,
        [lambda i, s, v: 0.0 if i[0] > 100 else by_numpy(i, s, v)],
        "look at LS-GAN",
    ),
    (exercises.check_9_4, [{"LSGAN"}, {"DCGAN"}, 0.4], "LSGAN has a seed"),
    (exercises.check_9_4, [{"WGAN-GP"}, {"DCGAN"}, 0.4], "faces at 10,000: at least one"),
    (
        exercises.check_9_4,
        [exercises.below("faces", 10_000), {"DCGAN"}, 0.4],
        "distance at 100,000: at least one is missing",
    ),
    (
        exercises.check_9_4,
        [exercises.below("faces", 10_000), exercises.below("distance", 100_000), 0.8],
        "how many orders",
    ),
    (exercises.check_9_4, ["DCGAN", {"DCGAN"}, 0.4], "a set of names"),
    (exercises.check_9_4, [{"WGAN"}, {"DCGAN"}, 0.4], "none of the METHODS"),
    (exercises.check_9_5, [lambda s, c: s - c, floor, "nothing"], "absolute value"),
    (exercises.check_9_5, [lambda s, c: (s - 1).abs(), floor, "nothing"], "c = 0"),
    (exercises.check_9_5, [squares, lambda s: torch.ones(6), "nothing"], "slope 1"),
    (exercises.check_9_5, [squares, floor, "pushes up"], "max(0, 1 - 3)"),
    (exercises.check_9_5, [squares, floor, "none"], "choose one of"),
    (exercises.check_9_6, [RECIPE, RECIPE, LOW, HIGH, "worse"], "none"),
    (exercises.check_9_6, [RECIPE, SEEDS, LOW, HIGH, "worse"], "seed"),
    (exercises.check_9_6, [RECIPE, replace(FASTER, tick=7), LOW, HIGH, "worse"], "critic_lr"),
    (exercises.check_9_6, [RECIPE, FASTER, LOW, HIGH, "better"], "smaller distance"),
    (exercises.check_9_6, [RECIPE, FASTER, LOW, [0.3, 0.12, 0.4], "worse"], "overlap"),
    (exercises.check_9_6, [RECIPE, FASTER, LOW[:2], HIGH, "worse"], "three distances"),
    (exercises.check_9_6, [RECIPE, FASTER, LOW, [0.3] * 3, "worse"], "all different"),
    (exercises.check_9_6, [RECIPE, {"lr": 1}, LOW, HIGH, "worse"], "should be recipes"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_luck_is_counted_right_by_going_through_all_orders(n):
    """(9.2), both halves: which places can the runs of the first method take?"""
    for m in (2, 3):
        orders = list(combinations(range(m * n), n))
        on_top = sum(order == tuple(range(m * n - n, m * n)) for order in orders)
        assert on_top / len(orders) == 1 / math.comb(m * n, n)
    orders = list(combinations(range(2 * n), n))
    apart = sum(max(order) < n or min(order) >= n for order in orders)
    assert apart / len(orders) == 2 / math.comb(2 * n, n)


def test_what_the_exercise_calls_below_is_below_for_every_pair_of_seeds():
    table = load_table("convergence")
    names = exercises.below("faces", 10_000)
    assert names and "LS-GAN" not in names
    theirs = measured(table, "LS-GAN", "faces")[:, 1]
    for name in exercises.METHODS:
        ours = measured(table, name, "faces")[:, 1]
        assert (name in names) == all(a < b for a in ours for b in theirs)


def test_the_push_of_the_exercise_is_that_of_the_librarys_loss():
    score = torch.tensor([-3.0, 0.5, 2.0], requires_grad=True)
    (slope,) = torch.autograd.grad(least_squares.generator_loss(score, c=0.5) * 3, score)
    torch.testing.assert_close(slope.abs(), squares(score.detach(), 0.5))
