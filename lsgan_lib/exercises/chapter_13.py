"""Checks for chapter 13, *Explore the latent space*."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lsgan_lib import latent
from lsgan_lib.exercises import (
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

Z = 6
"""noise numbers of the small generators that the checks ask"""


def bent(z: Tensor) -> Tensor:
    """A smooth generator without a network: z (N, 6) -> pictures (N, 1, 4, 4) in [-1, 1]."""
    rows = torch.arange(16.0)[:, None]
    waves = torch.sin(1 + rows * torch.arange(1.0, Z + 1) / 5)  # (16, 6), always the same
    return torch.tanh(z @ waves.T / 2 + (z[:, :1] * z[:, 1:2]) / 2).view(-1, 1, 4, 4)


def listed(known: Tensor) -> Any:
    """A generator that answers with one of the known pictures (M, ...), whatever it is asked."""

    def generate(z: Tensor) -> Tensor:
        return known[(z * 1_000).sum(dim=1).floor().long().remainder(len(known))]

    return generate


@exercise("13.1")
def check_13_1(radius: Any, thickness: Any, depth: Any) -> Verdict:
    """Radius and thickness of the shell of 400 normal numbers, and the depth of a line's middle."""
    if not close(number(radius), 20.0, within=0.01):
        return not_yet("the mean square of 400 normal numbers adds up to 400; take its root")
    if close(number(thickness), math.sqrt(2), within=0.02):
        return not_yet("m4 - m2² is 2, and there is a factor ½ in front of the root in (13.1)")
    if not close(number(thickness), math.sqrt(0.5), within=0.01):
        return not_yet("(13.1) for normal noise: m2 = 1, m4 = 3; the 400 does not occur")
    right = 20 * (1 - math.sqrt(0.5)) / math.sqrt(0.5)
    if close(number(depth), 10 / math.sqrt(0.5), within=0.15):
        return not_yet("half the mean square is not half the length")
    if not close(number(depth), right, within=0.06):
        return not_yet("the middle has the length 20 √½; divide what is missing by the thickness")
    return correct("the longer the noise, the deeper below its shell a straight line runs")


@exercise("13.2")
def check_13_2(count: Any, factor: Any) -> Verdict:
    """Five means of n: for which n on the shell, and the factor for n = 20."""
    if not close(number(count), 5, within=1e-6):
        return not_yet("signs do not matter to variances: five terms, each 1/n of a draw's square")
    if close(number(factor), 4.0, within=0.01):
        return not_yet("that is the factor of the square")
    if close(number(factor), 0.5, within=0.01):
        return not_yet("that is how long the sum is; the question is what puts it right")
    if not close(number(factor), 2.0, within=0.01):
        return not_yet("the mean square is 5/20 of a draw's; by what must a length be multiplied?")
    return correct("as many samples as terms, or a factor: both put a sum on the shell")


@exercise("13.3")
def check_13_3(score: Any, way: Any, single: Any) -> Verdict:
    """Which score prefers the middle, which path needs no generator, and spread."""
    told = choice(score, ("legible", "distance", "detail", "spread"))
    if told != "distance":
        return not_yet("look for the panel in which the straight line falls and falling is good")
    if choice(way, ("lerp", "slerp", "distribution_preserving")) != "distribution_preserving":
        return not_yet("for which path does (13.6) hold, whatever the noise and the score?")
    if choice(single, ("yes", "no")) != "no":
        return not_yet("sixty copies of one fine picture: what do a score of each and spread say?")
    return correct("short noise makes typical pictures; only variety and detail pay for it")


@exercise("13.4")
def check_13_4(sameness: Any) -> Verdict:
    """Mean cosine between the changes that one step makes at all pairs of places."""
    random = torch.Generator().manual_seed(4)
    for count in (2, 5):
        places = latent.draw(count, Z, "normal", random)
        v = latent.draw(1, Z, "normal", random)[0]
        changes = (bent(places + v) - bent(places)).flatten(1)
        unit = changes / changes.norm(dim=1, keepdim=True)
        cosines = unit @ unit.T
        right = (cosines.sum() - count) / (count * (count - 1))
        value = number(result(sameness, bent, places, v))
        if close(value, cosines.mean(), within=1e-4):
            return not_yet("a place with itself is no pair: leave out the diagonal")
        products = changes @ changes.T
        of_products = (products.sum() - products.diag().sum()) / (count * (count - 1))
        if close(value, of_products, within=1e-4):
            return not_yet("divide each change by its length first: a cosine, not a product")
        if not close(value, right, within=1e-4):
            return not_yet("flatten the changes, make them unit vectors, average their products")
    return correct("1 would be the same change everywhere, 0 unrelated ones")


@exercise("13.5")
def check_13_5(gap: Any) -> Verdict:
    """The gap between unseen and seen pictures, for a list and for a generator that has none."""
    random = torch.Generator().manual_seed(5)
    pictures = bent(latent.draw(16, Z, "normal", random))
    seen, unseen = pictures[:8], pictures[8:]
    list_gap = number(result(gap, listed(seen), Z, seen, unseen))
    free_gap = number(result(gap, bent, Z, seen, unseen))
    apart = (unseen[:, None] - seen[None]).square().flatten(2).mean(dim=2).sqrt()
    right = apart.amin(dim=1).mean()  # the list's error on the seen ones is 0
    if close(-list_gap, right, within=1e-3):
        return not_yet("the other way round: unseen less seen")
    if close(list_gap, right * 4, within=1e-3):
        return not_yet("take the mean over the pixels, not the sum, before the root")
    if not close(list_gap, right, within=1e-3):
        return not_yet(
            "for each picture the nearest of 500 samples, for a list the nearest of its entries"
        )
    if abs(free_gap) > right / 2:
        return not_yet("right for a list; but your gap is large for a generator that has none")
    return correct("a list gives itself away by what it cannot draw")


@exercise("13.6")
def check_13_6(shares: Any, steps: Any, more: Any) -> Verdict:
    """Shares by heart and largest steps for sharpness 2 and 16."""
    share_2, share_16 = tensor(shares, (2,)).tolist()
    step_2, step_16 = tensor(steps, (2,)).tolist()
    if not (0 <= share_2 <= 1 and 0 <= share_16 <= 1):
        return not_yet("shares lie between 0 and 1")
    if share_16 <= share_2:
        return not_yet("sharper choices give more pure entries; are the two in order, 2 then 16?")
    if step_16 <= 1.5 * step_2:
        return not_yet("the largest step at sharpness 16 should be well above that at 2")
    if choice(more, ("yes", "no")) != "yes":
        return not_yet("compare your two steps")
    return correct("a sharper list is purer and steeper: with enough sharpness it does jump")


@exercise("13.7")
def check_13_7(direction: Any, name: Any, share: Any) -> Verdict:
    """A unit vector of LS-GAN's noise, a name, and a share."""
    vector = tensor(direction, (100,)).double()
    if not close(vector.norm(), 1.0, within=1e-3):
        return not_yet(f"a direction has the length 1, yours has {vector.norm().item():.3g}")
    if not isinstance(name, str) or len(name.strip()) < 3:
        return not_yet("the name is a word or two")
    value = number(share)
    if not 0 <= value <= 1:
        return not_yet("the share lies between 0 and 1")
    if not close(value * 20, round(value * 20), within=1e-4):
        return not_yet("of 20 places the share is a whole number of twentieths")
    if value < 0.5:
        return not_yet("the number falls more often than it rises: turn the direction round")
    return correct(f"'{name.strip()}' holds at {round(value * 20)} of 20 places that were new")
