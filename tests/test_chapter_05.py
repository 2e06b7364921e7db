"""The checks of chapter 05 accept right answers, explain wrong ones, and stay quiet on stubs."""

import math

import pytest
import torch
from exercise_checks import three_tests

from lsgan_lib.exercises import chapter_05 as exercises


def reverse_kl(counts, weights):
    share = torch.tensor(counts) / sum(counts)
    return torch.special.entr(share).neg().sum() - (share * torch.tensor(weights).log()).sum()


def apart(samples, held, dim):
    """Root mean square difference of each held picture to its nearest sample, or of each sample."""
    squares = (held[:, None] - samples[None]).square().flatten(2).mean(dim=2)
    return squares.min(dim=dim).values.sqrt()


def recall(samples, held, tolerance):
    return (apart(samples, held, 1) <= tolerance).float().mean()


@pytest.fixture(autouse=True)
def a_small_table(monkeypatch):
    """Two objectives on two mixtures, so that answers can be counted by eye."""
    cells = [
        {"mixture": m, "objective": o, "counts": [[{"modes": 0}], [{"modes": k} for k in modes]]}
        for m, o, modes in [
            ("ring", "cross-entropy", (8, 1, 7)),
            ("grid", "cross-entropy", (25, 8, 24)),
            ("ring", "least squares (0,1,1)", (8, 8, 7)),
            ("grid", "least squares (0,1,1)", (25, 25, 8)),
        ]
    ]
    monkeypatch.setattr(exercises, "load_table", lambda name: {"cells": cells})
    monkeypatch.setattr(exercises, "untrained", {3.0: 4.3, 10.0: 8.0}.__getitem__)


RIGHT = {
    "5.1": (exercises.check_5_1, [4, 0.837]),
    "5.2": (exercises.check_5_2, [6, "least squares (0,1,1)"]),
    "5.3": (exercises.check_5_3, [reverse_kl]),
    "5.4": (exercises.check_5_4, [4.3, 8]),
    "5.5": (exercises.check_5_5, [1 / 20, 1 / 252]),
    "5.6": (exercises.check_5_6, [[0.1, 0.2, 0.3], torch.tensor([0.4, 0.5, 0.6]), "better"]),
    "5.7": (exercises.check_5_7, [recall]),
}


def forward(counts, weights):
    share = torch.tensor(counts) / sum(counts)
    return (torch.tensor(weights) * (torch.tensor(weights) / share).log()).sum()


def without_care(counts, weights):
    share = torch.tensor(counts) / sum(counts)
    return (share * (share / torch.tensor(weights)).log()).sum()


def equal_weights(counts, weights):
    return reverse_kl(counts, [1 / len(counts)] * len(counts))


WRONG = [
    (exercises.check_5_1, [8, 0.837], "how many have any"),
    (exercises.check_5_1, [4, 0.837 / math.log(2)], "in bits"),
    (exercises.check_5_1, [4, 0.69], "1/6 log(8/6)"),
    (exercises.check_5_2, [2, "cross-entropy"], "on the grid with 25"),
    (exercises.check_5_2, [6, "cross-entropy"], "add them up"),
    (exercises.check_5_2, [6, "wasserstein"], "choose one of"),
    (exercises.check_5_3, [lambda counts, weights: 1.0], "the divergence is 0"),
    (exercises.check_5_3, [forward], "forward direction"),
    (exercises.check_5_3, [without_care], "0 log 0"),
    (exercises.check_5_3, [equal_weights], "2/9"),
    (exercises.check_5_4, [0, 8], "within 3"),
    (exercises.check_5_4, [4.3, 5], "within 10"),
    (exercises.check_5_5, [1 / 8, 1 / 252], "chosen from 6"),
    (exercises.check_5_5, [1 / 20, 1 / 32], "5 of 10"),
    (exercises.check_5_6, [[0.1, 0.2, 0.3], [0.3, 0.5, 0.6], "better"], "'cannot tell'"),
    (exercises.check_5_6, [[0.4, 0.5, 0.6], [0.1, 0.2, 0.3], "better"], "'worse'"),
    (exercises.check_5_6, [[0.4, 0.5], [0.1, 0.2, 0.3], "worse"], "at least three"),
    (exercises.check_5_6, [[40, 50, 60], [0.1, 0.2, 0.3], "worse"], "between 0 and 1"),
    (exercises.check_5_7, [lambda x, h, t: (apart(x, h, 0) <= t).float().mean()], "precision"),
    (exercises.check_5_7, [lambda x, h, t: 0.5], "2/3"),
    (exercises.check_5_7, [lambda x, h, t: recall(x, h, 1.9 * t)], "at 0.04"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)
