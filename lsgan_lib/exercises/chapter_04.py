"""Checks of the exercises in chapter 04, *Train digits*."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from lsgan_lib.book import load_run
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
from lsgan_lib.training import Recipe


@exercise("4.1")
def check_4_1(steps: Any, older: Any) -> Verdict:
    """Steps of 21 epochs in batches of 128, and the share older than three half-lives."""
    if number(steps) != -(-21 * 60_000 // 128):
        return not_yet("count the images of all epochs first, then divide by the batch, round up")
    if not close(number(older), 1 / 8, within=1e-6):
        return not_yet("30,000 images are three half-lives")
    return correct("9,844 steps; each of three half-lives halves the past, which leaves 1/8")


@exercise("4.2")
def check_4_2(gap: Any, who: Any) -> Verdict:
    """Mean difference of the scores in the last ten rows of the recorded log."""
    log = load_run("mnist-least-squares").log
    truth = (log["score_real"] - log["score_fake"])[-10:].mean()
    if not close(number(gap), truth, within=5e-3):
        return not_yet("the columns are arrays: subtract them, take [-10:], then the mean")
    if choice(who, ("critic", "generator")) != "critic":
        return not_yet("at equilibrium both scores are 1/2. Who wants them apart?")
    return correct("the scores are apart, and it is the critic that pulls them apart")


@exercise("4.3")
def check_4_3(running_average: Any) -> Verdict:
    """(4.1) on lists whose averages are known in closed form."""
    if not close(number(result(running_average, [5.0, 5.0, 5.0], 0.9)), 5.0):
        return not_yet("the average of equal numbers is that number")
    # A step from 0 to 1: after n steps 1 - k^n of the way is gone.
    if not close(number(result(running_average, [0.0] + [1.0] * 4, 0.5)), 1 - 0.5**4):
        return not_yet("from 0, after four ones with keep 1/2, it should stand at 15/16")
    if not close(number(result(running_average, [2.0, 4.0], 0.75)), 2.5):
        return not_yet("keep belongs to the old average, 1 - keep to the new number")
    return correct("after n steps the start counts keep^n")


@exercise("4.4")
def check_4_4(walk: Any) -> Verdict:
    """Both ends, even steps."""
    z1, z2 = torch.tensor([0.0, 1.0, -1.0]), torch.tensor([1.0, -1.0, 1.0])
    points = tensor(result(walk, z1, z2, 5), (5, 3))
    if not close(points[-1], z2):
        return not_yet("the last point is not z2: by what must i be divided to reach 1?")
    if not close(points[0], z1):
        return not_yet("the first point is not z1")
    if not close(points[2], (z1 + z2) / 2):
        return not_yet("the third of five points should be half way")
    if not close(tensor(result(walk, z1, z2, 2), (2, 3)), torch.stack([z1, z2])):
        return not_yet("with two points the walk is its two ends")
    return correct("count - 1 steps lie between count points")


@exercise("4.5")
def check_4_5(shrinks: Any) -> Verdict:
    """Batch statistics settle as the batch grows."""
    if choice(shrinks, ("yes", "no")) != "yes":
        return not_yet("generator.train(), then compare noise[:8], noise[:64] and noise[:400]")
    return correct(
        "the mean of a large batch hardly depends on who is in it, so the company matters less"
    )


@exercise("4.6")
def check_4_6(recipe: Any, my_recipe: Any, my_score: Any) -> Verdict:
    """One setting differs, and a share was measured."""
    if not isinstance(my_recipe, Recipe):
        raise Unusable("my_recipe should come from replace(recipe, ...)")
    changed = [
        field.name
        for field in dataclasses.fields(Recipe)
        if getattr(recipe, field.name) != getattr(my_recipe, field.name)
    ]
    if len(changed) != 1:
        return not_yet(f"change exactly one setting; these differ: {', '.join(changed) or 'none'}")
    if not 0 <= number(my_score) <= 1:
        return not_yet("legible(...) gives the mean agreement first, a number from 0 to 1")
    return correct(f"you changed {changed[0]}. Would another seed say the same?")
