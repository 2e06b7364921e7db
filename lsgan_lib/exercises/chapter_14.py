"""Checks of the exercises in chapter 14, *Train at scale*, and two measures of weights."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

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
from lsgan_lib.training.recipes import CELEBA_EPOCH

YES_NO = ("yes", "no")


def fingerprint(*networks: nn.Module) -> str:
    """sha256 of all parameters and buffers of some networks, in 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for network in networks:
        for tensor in network.state_dict().values():
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def distance(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Euclidean distance between two state dicts of the same network."""
    squares = [(one[name].double() - other[name].double()).square().sum() for name in one]
    return torch.stack(squares).sum().sqrt().item()


class _Looks(TorchDispatchMode):
    """Counts how often a number is read from a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def looks(work: Callable[[], object]) -> int:
    """How often some work reads a number from a tensor, as `.item()`, `float()` and `if` do.

    What a compiled kernel reads within itself is not counted.
    """
    with _Looks() as counter:
        work()
    return counter.count


@exercise("14.1")
def check_14_1(of_textbook: Any, of_ours: Any) -> Verdict:
    """Passes of a step with five turns of the critic."""
    textbook, ours = number(of_textbook), number(of_ours)
    if textbook == 5 * 19 or ours == 5 * 13:
        return not_yet("the generator's turn comes once, not five times")
    if textbook != 5 * (1 + 3 + 3 + 6) + 6:
        return not_yet("textbook: add up the rows of the critic's turn, and look at the last")
    if ours != 5 * (1 + 3 + 4) + 5:
        return not_yet(
            "ours: scores and slope of real images take four, a critic at rest saves one"
        )
    return correct("13 and 8 for each turn of the critic, 6 and 5 for the generator's")


@exercise("14.2")
def check_14_2(next_number: Any, survives: Any) -> Verdict:
    """Neighbours near 1000: 512 <= 1000 < 1024, so e = 9 and the spacing is 4."""
    if not close(number(next_number), 1004):
        return not_yet("which power of two lies just below 1000? Its exponent is e in (14.3)")
    if choice(survives, YES_NO) != "no":
        return not_yet("is 1001.5 nearer to 1000 or to the next number?")
    return correct("neighbours are 4 apart there, and 1.5 is rounded away")


@exercise("14.3")
def check_14_3(mean_of_finite: Any) -> Verdict:
    """Means known in advance, and one read."""
    for values, mean in (
        ([1.0, 2.0, 6.0], 3.0),
        ([1.0, math.nan, 3.0], 2.0),
        ([math.inf, 5.0, -math.inf], 5.0),
    ):
        with _Looks() as looked:
            found = result(mean_of_finite, [torch.tensor(value) for value in values])
        if not isinstance(found, float):
            return not_yet("return a Python number: that is the one look")
        if not close(found, mean):
            return not_yet(f"the mean of the finite ones among {values} is {mean:g}")
        if looked.count != 1:
            return not_yet(
                f"for {len(values)} losses you looked {looked.count} times. An `if` on a tensor is "
                "a look too: torch.where and a mask are none"
            )
    return correct("a mask decides on the device, and only the end is read")


@exercise("14.4")
def check_14_4(efficiency: Any) -> Verdict:
    """Cases in closed form."""
    if not close(number(result(efficiency, 0.1, 1e9, 1, 1e9, 1.0)), 1.0):
        return not_yet("a single process sends nothing")
    # 2 (2 - 1) / 2 * 1 second = 1 second beside 1 second of computing
    if not close(number(result(efficiency, 1.0, 1e9, 2, 1e9, 0.0)), 1 / 2):
        return not_yet("with K = 2, each process sends the message once: 1 s beside 1 s is a half")
    if not close(number(result(efficiency, 1.5, 1e9, 4, 1e9, 0.0)), 1 / 2):
        return not_yet("with K = 4 each process sends 2 * 3/4 of the message")
    if not close(number(result(efficiency, 1.0, 0.0, 11, 1e9, 0.05)), 1 / 2):
        return not_yet("an empty message still waits: 2 (K - 1) times the latency")
    return correct("for large K sending tends to 2B/bandwidth, and the waiting times add up")


@exercise("14.5")
def check_14_5(without_sync: Any, with_sync: Any) -> Verdict:
    """BatchNorm of halves is not BatchNorm of the whole."""
    if choice(without_sync, YES_NO) != "no":
        return not_yet(
            "without sync: train one process by the same recipe, and measure the distances"
        )
    if choice(with_sync, YES_NO) != "yes":
        return not_yet("with sync: take the recipe of that run for the single process, and measure")
    return correct("mean and variance of half a batch are not those of the whole; sync_norm shares")


@exercise("14.6")
def check_14_6(my_plan: Any) -> Verdict:
    """At least 80 % computing, at least 20,000 updates in 25 epochs."""
    wanted = {"processes", "images_each", "bandwidth"}
    if not isinstance(my_plan, dict) or my_plan.keys() != wanted:
        raise Unusable(f"a dictionary with {', '.join(sorted(wanted))} is asked for")
    processes, each, bandwidth = (
        number(my_plan[name]) for name in ("processes", "images_each", "bandwidth")
    )
    if processes < 2 or each < 1 or bandwidth <= 0:
        return not_yet("at least two processes, an image each and some bandwidth")
    computing = 0.010 * each / 64
    sending = 2 * (processes - 1) / processes * MESSAGE / bandwidth
    share, updates = computing / (computing + sending), 25 * CELEBA_EPOCH / (processes * each)
    if share < 0.8:
        return not_yet(f"{share:.0%} of the time is computing: more images each, or a faster link")
    if updates < 20_000:
        return not_yet(f"{updates:,.0f} updates: fewer processes, or fewer images each")
    minutes = updates * (computing + sending) / 60
    return correct(f"{share:.0%} computing, {updates:,.0f} updates, {minutes:.0f} minutes")


MESSAGE = 4 * 6_342_404
"""Bytes of all gradients of both networks of the 64-pixel LS-GAN."""
