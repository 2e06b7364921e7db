"""Checks for chapter 00, Start here."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lsgan_lib.exercises import (
    NotAttempted,
    Unusable,
    Verdict,
    choice,
    close,
    correct,
    exercise,
    not_yet,
    number,
)

FAMILIES = ("least_squares", "loss_sensitive")


@exercise("0.1")
def check_0_1(images: Any) -> Verdict:
    """Eight digits that nobody has seen before."""
    if not isinstance(images, Tensor):
        raise Unusable(f"a tensor of images is asked for, this is a {type(images).__name__}")
    if images.ndim == 2 and len(images) == 8:
        return not_yet("this is the noise; now hand it to the generator")
    if images.shape != (8, 1, 28, 28):
        return not_yet(f"eight images have the shape (8, 1, 28, 28), these {tuple(images.shape)}")
    if not bool(((images >= -1) & (images <= 1)).all()):
        return not_yet("a generator's pixels lie in [-1, 1]; are these its images?")
    if torch.cdist(images.flatten(1), images.flatten(1)).fill_diagonal_(1).min() < 1e-3:
        return not_yet("two of the eight are the same: draw eight noise vectors")
    if images.mean() > -0.5 or images.max() < 0.5:
        return not_yet("these do not look like bright strokes on black; use the trained generator")
    return correct("eight draws of noise, eight new digits")


@exercise("0.2")
def check_0_2(answers: Any) -> Verdict:
    """Which of the two families each of six finds belongs to."""
    right = dict(zip("ABCDEF", (1, 0, 0, 1, 1, 0), strict=True))
    reasons = {
        "A": "--slope and --lamb belong to a cost of margin violations",
        "B": "it squares the distance to 1",
        "C": "the plural LSGANs is how Mao et al. write their own method",
        "D": "the G stands for generalised, and the cost of a violation is what was generalised",
        "E": "a margin is added to a difference of two scores",
        "F": "large toolboxes use lsgan for the squares",
    }
    if not isinstance(answers, dict) or set(answers) != set(right):
        raise Unusable("a dictionary with the keys A to F is asked for")
    if all(answer is None for answer in answers.values()):
        raise NotAttempted
    if missing := [key for key, answer in answers.items() if answer is None]:
        return not_yet(f"still open: {', '.join(missing)}")
    wrong = [
        key for key, family in right.items() if choice(answers[key], FAMILIES) != FAMILIES[family]
    ]
    if wrong:
        return not_yet(f"look again at {wrong[0]}: {reasons[wrong[0]]}")
    return correct("you will not mix them up when you search")


@exercise("0.3")
def check_0_3(best: Any) -> Verdict:
    """The score that each of the two generators would rather have, among 0.2, 3.0, -1.0, 0.9."""
    if not isinstance(best, tuple | list) or len(best) != 2:
        raise Unusable("two scores are asked for: (least squares, loss-sensitive)")
    if any(score is None for score in best):
        raise NotAttempted
    squares, sensitive = map(number, best)
    if close(squares, 3.0):
        return not_yet("the least-squares generator aims at c = 1; how far from it is 3.0?")
    if not close(squares, 0.9):
        return not_yet("the least-squares loss of a fake is ½ (score − 1)²; which is the smallest?")
    if close(sensitive, 3.0):
        return not_yet("the loss-sensitive critic is a loss: is a generator glad of a high one?")
    if not close(sensitive, -1.0):
        return not_yet("the loss-sensitive generator minimises the score itself, with no target")
    return correct("near the target for one, as low as it gets for the other")


@exercise("0.4")
def check_0_4(answer: Any) -> Verdict:
    """What exchanging the targets of the LSGAN changes."""
    match choice(answer, ("points", "greys", "both", "nothing")):
        case "greys":
            return correct("high or low is a matter of naming; what the points do is not")
        case "points":
            return not_yet("the points still end on the clusters; look at what lies under them")
        case "both":
            return not_yet("do the points of the last step lie anywhere else than before?")
        case _:
            return not_yet("compare the greys under the clusters in the two pictures")


@exercise("0.5")
def check_0_5(found: Any) -> Verdict:
    """Clusters of at least two rings of more than eight, and how many of each were reached."""
    if not isinstance(found, dict):
        raise Unusable("a dictionary is asked for: {clusters: how many of them were reached}")
    if any(reached is None for reached in found.values()):
        raise NotAttempted
    counts = {number(clusters): number(reached) for clusters, reached in found.items()}
    for clusters, reached in counts.items():
        if clusters != int(clusters) or reached != int(reached):
            return not_yet("clusters come in whole numbers")
        if not 0 <= reached <= clusters:
            return not_yet(f"a ring of {clusters:g} clusters cannot have {reached:g} reached")
    if sum(clusters > 8 for clusters in counts) < 2:
        return not_yet("try at least two rings with more than eight clusters")
    return correct("one seed is one anecdote. Chapter 05 asks ten, and draws their spread")
