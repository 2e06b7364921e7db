"""The checks of chapter 02 accept right answers, explain wrong ones, and stay quiet on stubs.

The maths behind them (best critic, divergence, loss of the best critic) is tested here by routes
that the chapter does not take: a numerical minimiser and a closed form.
"""

import math
from typing import get_args

import pytest
import torch
from exercise_checks import three_tests

from lsgan_lib.exercises import chapter_02 as exercises
from lsgan_lib.losses import least_squares
from lsgan_lib.networks import AnyNetworks


def triangular(p, q):
    return sum((x - y) ** 2 / (x + y) for x, y in zip(p.tolist(), q.tolist(), strict=True) if x + y)


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (-1.0, 1.0), (2.0, -0.5)])
def test_best_scores_are_where_the_library_loss_is_smallest(a, b):
    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.3, 0.6])
    real = torch.arange(3).repeat_interleave((10 * p).round().int())
    fake = torch.arange(3).repeat_interleave((10 * q).round().int())
    best = exercises.best_scores(p, q, a, b)
    least = least_squares.critic_loss(best[real], best[fake], a=a, b=b)
    for place in range(3):
        for step in (-0.01, 0.01):
            moved = best.clone()
            moved[place] += step
            assert least_squares.critic_loss(moved[real], moved[fake], a=a, b=b) > least


@pytest.mark.parametrize("coding", [(0.0, 1.0, 1.0), (-1.0, 1.0, 0.0), (0.3, -2.0, 5.0)])
def test_every_coding_sees_the_triangular_discrimination(coding):
    """(2.5), for two boxes: T = 2 min(shift, 1) needs no sum over places."""
    a, b, c = coding
    for shift in (0, 3, 7, 10):  # tenths of the boxes' width
        p, q = torch.zeros(20).double(), torch.zeros(20).double()
        p[:10], q[shift : shift + 10] = 0.1, 0.1
        seen = (p + q) > 0
        score = exercises.best_scores(p[seen], q[seen], a, b)
        both = ((p + q)[seen] * (score - c) ** 2).sum().item()
        t = 2 * shift / 10
        assert both == pytest.approx((a + b - 2 * c) ** 2 / 2 + (b - a) ** 2 / 4 * t)


RIGHT = {
    "2.1": (exercises.check_2_1, [(-1 / (1 + math.exp(-2)), -1 / (1 + math.exp(2)), 1.0), 0]),
    "2.2": (exercises.check_2_2, [torch.tensor([0.5, -0.5]), 1 / 2, 5 / 8]),
    "2.3": (exercises.check_2_3, [lambda loss, a=0.0, b=1.0: 2 - 8 * loss / (b - a) ** 2]),
    "2.4": (
        exercises.check_2_4,
        [lambda p, q, a, b, c: 0.5 * (q * ((b * p + a * q) / (p + q) - c) ** 2).sum()],
    ),
    "2.5": (exercises.check_2_5, [1.8, 0.9]),
    "2.6": (exercises.check_2_6, [lambda fake: torch.log(torch.cosh(fake - 1)).mean()]),
}


WRONG = [
    (exercises.check_2_1, [(-0.88, -0.12, 2.0), 0], "how far is 2 from c"),
    (exercises.check_2_1, [(0.88, 0.12, 1.0), 0], "fall when the score rises"),
    (exercises.check_2_1, [(-0.12, -0.88, 1.0), 0], "how far is σ(2) from 1"),
    (exercises.check_2_1, [(-0.88, -0.12, 1.0), 1], "slope D - c is zero"),
    (exercises.check_2_2, [(0.75, 0.25), 0.5, 0.625], "average the targets"),
    (exercises.check_2_2, [(0.5, -0.5), 1.0, 0.625], "over both places"),
    (exercises.check_2_2, [(0.5, -0.5), 0.5, 0.5], "(2.5)"),
    (exercises.check_2_3, [lambda loss, a=0.0, b=1.0: 2 - 8 * loss], "where is b - a"),
    (exercises.check_2_3, [lambda loss, a=0.0, b=1.0: 1 - 4 * loss], "solve (2.6)"),
    (
        exercises.check_2_4,
        [lambda p, q, a, b, c: (q * ((b * p + a * q) / (p + q) - c) ** 2).sum()],
        "factor 1/2",
    ),
    (
        exercises.check_2_4,
        [lambda p, q, a, b, c: 0.5 * ((p + q) * ((b * p + a * q) / (p + q) - c) ** 2).sum()],
        "leave out the term",
    ),
    (exercises.check_2_5, [1.8, 1.8], "halve the width"),
    (exercises.check_2_6, [least_squares.generator_loss], "pushed by more than 1"),
    (exercises.check_2_6, [lambda fake: (fake - 0.5).abs().mean()], "not lifted"),
    (exercises.check_2_6, [lambda fake: -fake.mean()], "not pulled down"),
    (exercises.check_2_6, [lambda fake: fake.abs()], "one number"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)


def test_the_tables_of_the_checks_are_probabilities_that_differ():
    for p, q in exercises.tables(3):
        assert p.sum().item() == pytest.approx(1) and q.sum().item() == pytest.approx(1)
        assert 0.1 < triangular(p, q) < 1.9


@pytest.mark.parametrize("family", get_args(AnyNetworks), ids=lambda family: family.__name__)
def test_no_critic_holds_a_sigmoid(family):
    """What goes wrong in the chapter: a sigmoid before the squares."""
    critic = family().critic(torch.Generator().manual_seed(0))
    assert not any(isinstance(layer, torch.nn.Sigmoid) for layer in critic.modules())
    last = [layer for layer in critic.modules() if not list(layer.children())][-1]
    assert not isinstance(last, torch.nn.Tanh | torch.nn.Hardsigmoid | torch.nn.LogSigmoid)
