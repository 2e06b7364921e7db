"""Checks of the exercises in chapter 06, *Train faces*."""

from __future__ import annotations

import copy
import dataclasses
import math
from typing import Any

import torch
from torch import Tensor

from lsgan_lib.book import load_run
from lsgan_lib.evaluation.batch_statistics import images_in_batches
from lsgan_lib.evaluation.faces import moved
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
from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.training import Recipe
from lsgan_lib.training.recipes import CELEBA_EPOCH, FACES_EPOCH


@exercise("6.1")
def check_6_1(our_epochs: Any, steps: Any) -> Verdict:
    """(6.1) for the seed's seventh epoch, and the steps that it takes."""
    epochs = 7 * CELEBA_EPOCH / FACES_EPOCH
    if not close(number(our_epochs), epochs, within=0.51):
        return not_yet("7 epochs of 202,599 are how many images? Ours are shorter, so we need more")
    if not close(number(steps), 7 * CELEBA_EPOCH / 64, within=64):
        return not_yet("each step shows 64 of those images")
    return correct(
        "51.6 of our epochs and 22,159 steps lie before the seed's page of beige squares"
    )


@exercise("6.2")
def check_6_2(steps_fast: Any, steps_slow: Any) -> Verdict:
    """The first n with k^n below 1/100."""
    for answer, keep in ((steps_fast, 0.9), (steps_slow, 0.998)):
        n = math.ceil(math.log(0.01) / math.log(keep))
        if number(answer) != n:
            near = abs(number(answer) - n) <= 1
            return not_yet(
                "very near: is it already less than 1/100 then, and not yet a step before?"
                if near
                else f"solve {keep}^n = 1/100 for n, with logarithms"
            )
    return correct("44 and 2,301: the one is over in a moment, the other outlasts the run above")


def generator_with_a_past() -> tuple[torch.nn.Module, Tensor]:
    """A small generator in evaluation mode whose moving averages are its own, and noise for it."""
    networks = LeastSquaresNetworks(size=16, channels=3, z_dim=4, width=1e-3)
    random = torch.Generator().manual_seed(6)
    generator = networks.generator(random)
    with torch.no_grad():
        for _ in range(3):
            generator(torch.randn(8, 4, generator=random))
    return generator.eval(), torch.randn(8, 4, generator=random)


@exercise("6.3")
def check_6_3(drawn_with_the_batch: Any) -> Verdict:
    """The library's pictures, and a network that is as it was."""
    generator, z = generator_with_a_past()
    expected = images_in_batches(copy.deepcopy(generator), z, len(z))
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    found = tensor(result(drawn_with_the_batch, generator, z), tuple(expected.shape)).detach()
    if not close(found, expected, within=1e-4):
        if close(found, generator.eval()(z).detach(), within=1e-4):
            return not_yet("these are drawn with the moving averages: see (6.3)")
        return not_yet("these are not the pictures that (6.2) makes of this batch as a whole")
    if any(not torch.equal(v, before[name]) for name, v in generator.state_dict().items()):
        return not_yet("the pictures are right, but the network's moving averages have moved")
    if generator.training:
        return not_yet("the pictures are right, but the network was left in training mode")
    return correct("the same pictures as the library's, and no trace")


@exercise("6.4")
def check_6_4(count: Any, lower: Any, upper: Any, agrees: Any) -> Verdict:
    """(6.4) of the reader's own count, beside the detector's share."""
    seen, n = number(count), 64
    if not (0 <= seen <= n and seen == int(seen)):
        return not_yet("count whole pictures, from 0 to 64")
    p = seen / n
    margin = 1.96 * (p * (1 - p) / n) ** 0.5
    if not (
        close(number(lower), p - margin, within=0.006)
        and close(number(upper), p + margin, within=0.006)
    ):
        return not_yet("put p = count / 64 and n = 64 into (6.4), and give shares, not percent")
    share = load_run("faces-least-squares").metrics["faces"]
    inside = p - margin <= share <= p + margin
    if choice(agrees, ("yes", "no")) != ("yes" if inside else "no"):
        return not_yet("is metrics['faces'] between your two shares?")
    told = "agree within the margin" if inside else "do not agree, and 64 pictures show it"
    return correct(f"you and the detector {told}")


def planted() -> tuple[Tensor, Tensor, list[bool]]:
    """Samples, a training set, and which of the samples are copies of it."""
    random = torch.Generator().manual_seed(6)
    coarse = torch.rand(40, 3, 4, 4, generator=random) * 2 - 1
    smooth = torch.nn.functional.interpolate(coarse, size=32, mode="bicubic").clamp(-1, 1)
    training, strangers = smooth[:32], smooth[32:]
    copies = [training[3:4], training[8:9].flip(3), moved(training[20:21]), training[31:]]
    samples = torch.cat([strangers[:3], *copies, strangers[3:]])
    return samples, training, [False] * 3 + [True] * 4 + [False] * 5


@exercise("6.5")
def check_6_5(copied: Any) -> Verdict:
    """Planted copies are found, strangers are not, and the training set is not its own copy."""
    samples, training, truth = planted()
    answer = tensor(result(copied, samples, training), (len(samples),))
    if answer.dtype != torch.bool:
        raise Unusable("bool is asked for: compare the distances with a number")
    found = answer.tolist()
    if found == truth:
        return correct("all four planted copies, and no stranger")
    if not found[3]:
        return not_yet("an exact copy is not found: its distance is nought")
    if not found[4]:
        return not_yet("a mirrored copy is not found: compare with training.flip(3) too")
    if not all(found[3:7]):
        return not_yet(
            "a copy moved by one pixel is not found: is the limit a third of the median?"
        )
    return not_yet("strangers are called copies: the limit is too high")


@exercise("6.6")
def check_6_6(recipe: Any, mine: Any, moving: Any, batch: Any, verdict: Any) -> Verdict:
    """One setting differs, and the verdict fits the two distances."""
    if not isinstance(mine, Recipe):
        raise Unusable("my_recipe should come from replace(recipe, ...)")
    changed = [
        field.name
        for field in dataclasses.fields(Recipe)
        if getattr(recipe, field.name) != getattr(mine, field.name)
    ]
    if len(changed) != 1:
        return not_yet(f"change exactly one setting; these differ: {', '.join(changed) or 'none'}")
    far, near = number(moving), number(batch)
    if min(far, near) <= 0:
        return not_yet("distances are above nought: sliced_wasserstein(pictures, real)")
    word = choice(verdict, ("artefact", "collapse", "well"))
    lags = far > 1.5 * near
    if (word == "artefact") != lags:
        return not_yet(
            "moving averages are far worse than the batch here: which row of the table is that?"
            if lags
            else "an artefact would show as a difference of the two distances; there is little"
        )
    return correct(f"you changed {changed[0]}. Would another seed say the same?")
