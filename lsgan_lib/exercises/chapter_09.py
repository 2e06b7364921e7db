"""Checks of the exercises in chapter 09, *Train faces again*."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch

from lsgan_lib.exercises import (
    Unusable,
    Verdict,
    choice,
    close,
    correct,
    exercise,
    not_yet,
    number,
    result,
    tensor,
)
from lsgan_lib.experiments.convergence import measured
from lsgan_lib.experiments.tables import load_table
from lsgan_lib.training import Recipe
from lsgan_lib.training.recipes import CELEBA_EPOCH, FACES_EPOCH

METHODS = (
    *("LSGAN", "LS-GAN as published", "LS-GAN, two points", "LS-GAN", "DCGAN", "cross-entropy"),
    *("LS-GAN, weight x 10", "WGAN-GP", "LSGAN, critic with BatchNorm"),
)
"""the nine of the race"""


@exercise("9.1")
def check_9_1(times_shown: Any, generator_steps: Any, seed_epochs: Any) -> Verdict:
    """Passes, steps of the generator, and epochs of the other set."""
    if not close(number(times_shown), 5 * CELEBA_EPOCH / FACES_EPOCH, within=0.06):
        return not_yet("five times 202,599 images, and each pass takes 27,468 of them")
    steps = 250_000 / (5 * 64)
    if number(generator_steps) not in (math.floor(steps), math.ceil(steps)):
        near = close(number(generator_steps), 250_000 / 64, within=1)
        return not_yet(
            "that is how many batches there are; the critic needs five of them for each step"
            if near
            else "one step of the generator for five batches of 64 images"
        )
    if not close(number(seed_epochs), 25 * FACES_EPOCH / CELEBA_EPOCH, within=0.06):
        return not_yet("25 times 27,468 images: how many times 202,599 is that?")
    return correct(
        "36.9 passes, 781 steps, and 3.39 of the seed's epochs: three very unlike numbers"
    )


@exercise("9.2")
def check_9_2(with_five: Any, runs_needed: Any, pairs_apart: Any) -> Verdict:
    """(9.2), its inverse, and an expectation."""
    if not close(number(with_five), 2 / math.comb(10, 5), within=5e-5):
        return not_yet("with n = 5 runs each there are ten results: how many ways to choose five?")
    needed = next(n for n in range(1, 20) if 2 / math.comb(2 * n, n) < 1e-3)
    if number(runs_needed) != needed:
        return not_yet("try n = 4, 5, 6, ... in (9.2) until it is below 0.001")
    if not close(number(pairs_apart), 28 * 2 / math.comb(6, 3), within=0.01):
        return not_yet("an expectation adds up even where pairs depend on each other: 28 times ...")
    return correct("0.8 %, seven runs, and 2.8 pairs: a table of many methods always has winners")


CASES: tuple[tuple[list[float], list[float], float], ...] = (
    ([5, 10, 20], [0.0, 0.4, 0.8], 0.6),  # between the second and the third
    ([5, 10, 20], [0.7, 0.9, 1.0], 0.5),  # there from the start
    ([5, 10, 20], [0.1, 0.2, 0.3], 0.5),  # never
    ([5, 10, 20, 50], [0.0, 0.6, 0.4, 0.9], 0.5),  # passes, falls back, passes again
    ([5, 10, 20], [0.0, 0.5, 0.5], 0.5),  # exactly there
)


def first_passage(images: Sequence[float], shares: Sequence[float], level: float) -> float:
    """The images after which the share first reaches the level, on straight lines; or NaN."""
    for i, share in enumerate(shares):
        if share >= level:
            if i == 0:
                return images[0]
            part = (level - shares[i - 1]) / (share - shares[i - 1])
            return images[i - 1] + part * (images[i] - images[i - 1])
    return math.nan


@exercise("9.3")
def check_9_3(images_to_reach: Any) -> Verdict:
    """Planted rows, and every row of the table."""
    for (images, shares, level), hint in zip(
        CASES,
        (
            "0, 0.4, 0.8 at 5, 10, 20: the level 0.6 is half way between 10 and 20",
            "the first moment is there already: return it",
            "0.1, 0.2, 0.3 never reaches 0.5: return float('nan')",
            "0, 0.6, 0.4, 0.9 passes 0.5 before it falls back: the *first* time counts",
            "a share that equals the level has reached it",
        ),
        strict=True,
    ):
        if not _same(images_to_reach, images, shares, level):
            return not_yet(hint)
    table = load_table("convergence")
    for row in table["runs"]:
        images = [float(judged["images"]) for judged in row["judged"]]
        shares = [judged["faces"] for judged in row["judged"]]
        if not _same(images_to_reach, images, shares, 0.5):
            return not_yet(f"the planted rows are right, but look at {row['cell']}: {shares}")
    return correct("five planted rows and all sixty of the table")


def _same(function: Any, images: list[float], shares: list[float], level: float) -> bool:
    mine = number(result(function, list(images), list(shares), level))
    right = first_passage(images, shares, level)
    return math.isnan(mine) if math.isnan(right) else close(mine, right, within=1e-4 * images[-1])


@cache
def below(measure: str, moment: int) -> frozenset[str]:
    """The methods whose three seeds all measure less than all of LS-GAN's."""
    table = load_table("convergence")
    place = table["settings"]["moments"].index(moment)
    least = measured(table, "LS-GAN", measure)[:, place].min()
    return frozenset(m for m in METHODS if measured(table, m, measure)[:, place].max() < least)


@exercise("9.4")
def check_9_4(fewer_faces: Any, nearer: Any, by_luck: Any) -> Verdict:
    """Two sets of methods, and how many luck would give."""
    for answer, measure, moment in (
        (fewer_faces, "faces", 10_000),
        (nearer, "distance", 100_000),
    ):
        names = _names(answer)
        if names != below(measure, moment):
            wrong = names - below(measure, moment)
            return not_yet(
                f"{measure} at {moment:,}: "
                + (
                    f"{min(wrong)} has a seed that is not below all of LS-GAN's"
                    if wrong
                    else "at least one is missing; compare its largest with LS-GAN's smallest"
                )
            )
    if not close(number(by_luck), 8 / math.comb(6, 3), within=0.01):
        return not_yet("eight others, each below LS-GAN by luck in one of how many orders?")
    found = len(below("distance", 100_000))
    return correct(f"luck would give 0.4; {found} were found, so not all of them are luck")


def _names(answer: Any) -> set[str]:
    if isinstance(answer, str) or not isinstance(answer, set | frozenset | list | tuple):
        raise Unusable("a set of names is asked for, such as {'DCGAN', 'LSGAN'}")
    strange = [name for name in answer if name not in METHODS]
    if strange:
        raise Unusable(f"{strange[0]!r} is none of the METHODS")
    return set(answer)


@exercise("9.5")
def check_9_5(push_least_squares: Any, push_floor: Any, at_three: Any) -> Verdict:
    """Against the derivatives that autograd finds."""
    score = torch.tensor([-4.0, -0.5, 0.25, 0.75, 1.5, 3.0], dtype=torch.float64)
    for c in (1.0, 0.0, -2.0):
        right = _derivative(score, lambda x, c=c: 0.5 * (x - c).square())
        mine = tensor(result(push_least_squares, score, c), (6,)).detach()
        if not close(mine, right, within=1e-5):
            signed = close(mine.abs(), right, within=1e-5)
            return not_yet(
                "the absolute value is asked for"
                if signed
                else f"least squares with c = {c:g}: differentiate (score - c)^2 / 2"
            )
    right = _derivative(score, lambda x: (1 - x).clamp(min=0))
    if not close(tensor(result(push_floor, score), (6,)).detach(), right, within=1e-5):
        return not_yet("the floor: below 1 the loss falls with the slope 1, and above 1 it ...")
    if choice(at_three, ("pushes up", "pushes down", "nothing")) != "nothing":
        return not_yet("max(0, 1 - 3) = 0, and a little to the left or right of 3 as well")
    return correct("least squares pulls images back that scored too high; the floor lets them go")


def _derivative(score: torch.Tensor, loss: Any) -> torch.Tensor:
    point = score.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss(point).sum(), point)
    return gradient.abs()


@exercise("9.6")
def check_9_6(recipe: Any, mine: Any, theirs: Any, ours: Any, verdict: Any) -> Verdict:
    """One setting differs, three seeds each, and the verdict keeps to the rule."""
    if not isinstance(mine, Recipe) or not isinstance(recipe, Recipe):
        raise Unusable("both should be recipes: replace(recipe, images=3_200), and one change more")
    changed = [
        field.name
        for field in dataclasses.fields(Recipe)
        if getattr(recipe, field.name) != getattr(mine, field.name)
    ]
    if len(changed) != 1 or changed[0] in ("seed", "images"):
        return not_yet(
            f"one setting should differ, and neither seed nor images: {changed or 'none'} do"
        )
    rows = [_distances(values) for values in (theirs, ours)]
    one, other = rows
    apart = max(other) < min(one) or min(other) > max(one)
    right = ("better" if max(other) < min(one) else "worse") if apart else "cannot tell"
    word = choice(verdict, ("better", "worse", "cannot tell"))
    if word != right:
        return not_yet(
            "the seeds overlap, so by the rule there is no verdict"
            if not apart
            else "the seeds do not overlap. A smaller distance is better"
        )
    luck = 2 / math.comb(len(one) + len(other), len(one))
    told = f"; luck alone would part them once in {1 / luck:.0f}" if apart else ""
    return correct(f"you changed {changed[0]}, and the verdict is {word}{told}")


def _distances(values: Any) -> list[float]:
    found = [number(value) for value in values] if isinstance(values, list | tuple) else []
    if len(found) < 3 or min(found) <= 0 or len(set(found)) < len(found):
        raise Unusable("a list of three distances or more is asked for, one a seed, all different")
    return found
