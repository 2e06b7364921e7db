"""Checks of chapter 02: losses as functions of a score, the best critic, the divergence.

Every expected value comes from a route of its own, not from the formula that the exercise asks for.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from . import Verdict, close, correct, exercise, not_yet, number, result, tensor


def tables(count: int, places: int = 6) -> list[tuple[Tensor, Tensor]]:
    """Pairs (p, q) of probabilities on a few places, the same ones each time."""
    random = torch.Generator().manual_seed(23)
    logits = 1.5 * torch.randn(count, 2, places, generator=random, dtype=torch.float64)
    return [(p, q) for p, q in torch.softmax(logits, dim=-1)]


def best_scores(p: Tensor, q: Tensor, a: float, b: float) -> Tensor:
    """Best least-squares critic on a table, by solving the regression instead of using (2.4).

    Every place is seen twice, once with target b and weight p, once with target a and weight q.
    """
    places = len(p)
    seen = torch.eye(places, dtype=p.dtype).repeat(2, 1)
    weight = torch.cat([p, q]).sqrt()
    target = torch.cat([torch.full_like(p, b), torch.full_like(q, a)])
    solution = torch.linalg.lstsq(weight[:, None] * seen, (weight * target)[:, None]).solution
    return solution.squeeze(1)


@exercise("2.1")
def check_2_1(slopes: Any, rest: Any) -> Verdict:
    """Slopes of the three generator losses at the score 2, and the resting point for c = 0."""
    saturating, usual, squares = (float(value) for value in tensor(slopes, (3,)))
    share = 1 / (1 + math.exp(-2))
    if not close(squares, 1.0, within=0.011):
        return not_yet("the slope of a square is the error: how far is 2 from c = 1?")
    if not close(abs(usual), 1 - share, within=0.011):
        return not_yet("non-saturating: how far is σ(2) from 1?")
    if not close(abs(saturating), share, within=0.011):
        return not_yet("saturating: its slope is σ(2) but for the sign")
    if usual > 0 or saturating > 0:
        return not_yet("the sizes are right; both logarithmic losses fall when the score rises")
    if not close(number(rest), 0.0, within=1e-6):
        return not_yet("a sample rests where its slope D - c is zero")
    return correct("only least squares pulls this sample back; it rests at D = c")


@exercise("2.2")
def check_2_2(scores: Any, discrimination: Any, two_c: Any) -> Verdict:
    """Best critic, T and 2C of two mirrored tables with two places."""
    if not close(tensor(scores, (2,)), [0.5, -0.5], within=1e-6):
        return not_yet("at each place average the targets b = 1 and a = -1 with weights p and q")
    if not close(number(discrimination), 0.5, within=1e-6):
        return not_yet("T adds (p - q)² / (p + q) over both places")
    if not close(number(two_c), 0.625, within=1e-6):
        return not_yet("put your T into (2.5) with a = 0, b = 1, c = 1")
    return correct("T = 1/2, and (0, 1, 1) sees a quarter of it on top of the constant 1/2")


@exercise("2.3")
def check_2_3(remaining: Any) -> Verdict:
    """T as a function of the best critic's loss."""
    for a, b in [(0.0, 1.0), (-1.0, 1.0), (0.0, 0.9)]:
        for p, q in tables(3):
            score = best_scores(p, q, a, b)
            loss = 0.5 * ((p * (score - b) ** 2).sum() + (q * (score - a) ** 2).sum()).item()
            truth = ((p - q) ** 2 / (p + q)).sum()
            value = number(result(remaining, loss, a=a, b=b))
            if not close(value, truth, within=1e-4):
                if (a, b) != (0.0, 1.0):
                    return not_yet("right for the targets 0 and 1, not for others: where is b - a?")
                return not_yet("solve (2.6) for T; at T = 0 the loss is 1/4, at T = 2 it is 0")
    return correct("a critic's loss is a ruler: 0 means T = 2, (b - a)²/4 means T = 0")


@exercise("2.4")
def check_2_4(fake_only: Any) -> Verdict:
    """The generator's real objective at the best critic."""
    for a, b, c in [(0.0, 1.0, 1.0), (-1.0, 1.0, 0.0), (0.0, 1.0, 0.0), (0.5, -2.0, 3.0)]:
        for p, q in tables(3):
            score = best_scores(p, q, a, b)
            fake = 0.5 * (q * (score - c) ** 2).sum()
            value = number(result(fake_only, p, q, a, b, c))
            if close(value, fake + 0.5 * (p * (score - c) ** 2).sum(), within=1e-6):
                return not_yet("this is C itself; leave out the term with p")
            if close(value, 2 * fake, within=1e-6):
                return not_yet("the factor 1/2 of (2.2) is missing")
            if not close(value, fake, within=1e-6):
                return not_yet("score each place with (2.4), then average ½(D* - c)² over q")
    return correct("that is (2.2) at the best critic; now look for its minimum")


@exercise("2.5")
def check_2_5(distance: Any, distance_at_half: Any) -> Verdict:
    """Distance of the strongest pull, for two widths."""
    if not close(number(distance), 1.8, within=0.051):
        return not_yet("take the distance at which the (0, 1, 1) column of `pulls` is largest")
    if not close(number(distance_at_half), 0.9, within=0.051):
        return not_yet("halve the width and the distance together: nothing but the unit changes")
    return correct("the reach of the best critic is measured in widths of the densities")


@exercise("2.6")
def check_2_6(loss: Any) -> Verdict:
    """A generator loss with bounded pushes that rests at the score 1 only."""
    scores = torch.linspace(-60, 60, 481, dtype=torch.float64).requires_grad_(True)
    value = result(loss, scores)
    if not isinstance(value, Tensor) or value.ndim != 0:
        return not_yet("return one number as a tensor: the mean over the batch")
    (gradient,) = torch.autograd.grad(value, scores)
    slopes = gradient * len(scores)
    if slopes.abs().max() > 1 + 1e-6:
        worst = scores[slopes.abs().argmax()].item()
        return not_yet(f"a sample with the score {worst:g} is pushed by more than 1")
    if (slopes[scores < 1] >= 0).any():
        return not_yet("some sample with a score below 1 is not lifted")
    if (slopes[scores > 1] <= 0).any():
        return not_yet("some sample with a score above 1 is not pulled down")
    return correct("bounded, and at rest at 1 only; now say what it gives up")
