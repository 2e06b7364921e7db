"""Checks of the exercises in chapter 05, *Count modes*."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch

from lsgan_lib.data import ring
from lsgan_lib.evaluation.modes import count_modes
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
)
from lsgan_lib.experiments.tables import load_table
from lsgan_lib.losses.objectives import LeastSquares
from lsgan_lib.training.many_seeds import Cell, ManySeeds


@exercise("5.1")
def check_5_1(modes: Any, kl: Any) -> Verdict:
    """Half of all samples at one mode of eight, a sixth at each of three others."""
    if number(modes) != 4:
        return not_yet("a mode counts from one good sample on: how many have any?")
    truth = math.log(8) - (0.5 * math.log(2) + 0.5 * math.log(6))  # log K less the entropy
    found = number(kl)
    if close(found, truth / math.log(2), within=5e-3):
        return not_yet("this is in bits; (5.2) takes the natural logarithm")
    if not close(found, truth, within=5e-3):
        return not_yet("one term 1/2 log(8/2), three terms 1/6 log(8/6), and nothing for the rest")
    return correct("the four missing modes alone would cost log 2 = 0.69; the rest is unevenness")


def whole_runs() -> dict[str, int]:
    """Runs of the recorded table that reach every mode at the end, by objective."""
    found: dict[str, int] = {}
    for cell in load_table("modes")["cells"]:
        every = 25 if cell["mixture"] == "grid" else 8
        whole = sum(run["modes"] == every for run in cell["counts"][-1])
        found[cell["objective"]] = found.get(cell["objective"], 0) + whole
    return found


@exercise("5.2")
def check_5_2(total: Any, most: Any) -> Verdict:
    """How many runs of the table reach every mode, and with which loss most of them."""
    whole = whole_runs()
    if number(total) != sum(whole.values()):
        return not_yet('compare run["modes"] in cell["counts"][-1] with 8, on the grid with 25')
    best = [name for name, runs in whole.items() if runs == max(whole.values())]
    if choice(most, tuple(whole)) not in best:
        return not_yet("right in all; now add them up by objective")
    return correct(", ".join(f"{name}: {runs} of 30" for name, runs in whole.items()))


@exercise("5.3")
def check_5_3(reverse_kl: Any) -> Verdict:
    """(5.2) from counts and weights, with and without missing modes."""
    equal = [0.25] * 4
    if not close(number(result(reverse_kl, [5, 5, 5, 5], equal)), 0.0, within=1e-6):
        return not_yet("equal counts and equal weights: the divergence is 0")
    lonely = number(result(reverse_kl, [0, 7, 0, 0], equal))
    if math.isnan(lonely):
        return not_yet("a mode without samples gives 0 log 0 = nan in code; it should add nothing")
    if math.isinf(lonely):
        return not_yet("infinite: that is the forward direction. The generated shares come first")
    if not close(lonely, math.log(4), within=1e-5):
        return not_yet("one mode of four should cost log 4")
    double = [2 / 9] + [1 / 9] * 7
    if not close(number(result(reverse_kl, [2] + [1] * 7, double)), 0.0, within=1e-6):
        return not_yet("counts 2, 1, ..., 1 are perfect for weights 2/9, 1/9, ..., 1/9")
    return correct("finite with missing modes, and zero only where the shares are the data's")


@functools.cache
def untrained(within: float) -> float:
    """Modes of the ring that ten untrained generators of the authors' kind reach, on average."""
    runs = ManySeeds([Cell(ring(), LeastSquares(), tuple(range(10)))])
    (points,) = runs.samples(2_500)
    return sum(count_modes(p, ring(), within=within).modes for p in points) / 10


@exercise("5.4")
def check_5_4(at_three: Any, at_ten: Any) -> Verdict:
    """Modes of untrained generators under the published rule and a generous one."""
    for answer, within in ((at_three, 3.0), (at_ten, 10.0)):
        if not close(number(answer), untrained(within), within=0.35):
            return not_yet(f"within {within:g}: average count_modes(...).modes over the ten runs")
    return correct("nothing was learnt, and the count looks like half a success, or a whole one")


@exercise("5.5")
def check_5_5(three: Any, five: Any) -> Verdict:
    """Chance of a clean split of six, and of ten, runs."""
    if not close(number(three), 1 / math.comb(6, 3), within=1e-6):
        return not_yet("in how many ways can the 3 that fail be chosen from 6?")
    if not close(number(five), 1 / math.comb(10, 5), within=1e-6):
        return not_yet("the same with 5 of 10")
    return correct("1/20 and 1/252: five seeds can say what three cannot")


@exercise("5.6")
def check_5_6(before: Any, after: Any, verdict: Any) -> Verdict:
    """High-quality shares of several seeds without and with a change, and what they support."""
    first, second = (_shares(values) for values in (before, after))
    said = choice(verdict, ("better", "worse", "cannot tell"))
    # Complete separation of 3 and 3 has a chance of 1 in 20 by luck alone, as in Exercise 5.5.
    supported = "cannot tell"
    if min(second) > max(first):
        supported = "better"
    elif max(second) < min(first):
        supported = "worse"
    if said != supported:
        return not_yet(f"by the rule of the exercise these numbers say {supported!r}")
    return correct(f"{len(first)} against {len(second)} seeds: {said}")


@exercise("5.7")
def check_5_7(recall: Any) -> Verdict:
    """(5.5), right, on pictures of a size that the chapter does not use."""
    zeros, ones = torch.zeros(1, 4, 5), torch.ones(1, 4, 5)
    held = torch.stack([zeros, ones, -ones])
    samples = torch.stack([zeros + 0.05, ones, ones, ones - 0.3])
    found = number(result(recall, samples, held, 0.1))
    if close(found, 3 / 4, within=1e-4):
        return not_yet("that is the share of the samples with a held picture near: precision")
    if not close(found, 2 / 3, within=1e-4):
        return not_yet("of the held pictures 0, 1 and -1 two have a sample within 0.1: 2/3")
    if not close(number(result(recall, samples, held, 0.04)), 1 / 3, within=1e-4):
        return not_yet("at 0.04 one is left. Is the mean of the squares taken over all pixels?")
    return correct("precision asks every sample, recall asks every picture that should be there")


def _shares(values: Any) -> list[float]:
    shares = [float(value) for value in torch.as_tensor(values).flatten()]
    if len(shares) < 3:
        raise Unusable("bring the high-quality share of at least three seeds on either side")
    if not all(0 <= share <= 1 for share in shares):
        raise Unusable("a high-quality share lies between 0 and 1")
    return shares
