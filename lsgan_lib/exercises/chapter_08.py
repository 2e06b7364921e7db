"""Checks of chapter 08: scales and weights, shapes, penalties, pairs, and what a table says.

Expected values come from a route of their own: a search where the text has a formula, a loop where
the answer is a product of tensors, the recorded table where the answer was read from it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lsgan_lib.experiments import slope_penalties
from lsgan_lib.experiments.tables import load_table

from . import Unusable, Verdict, close, correct, exercise, not_yet, number, result, tensor


@exercise("8.1")
def check_8_1(scale: Any, first_power: Any, second_power: Any) -> Verdict:
    """Margin scale and penalty weights of grey images of 128 x 128 pixels."""
    pixels = 128 * 128
    if not close(number(scale), 2e-4 * 12_288 / pixels, within=2e-7):
        return not_yet("the same mean difference must give the same margin: how many numbers now?")
    if not close(number(first_power), 10 / pixels**0.5, within=5e-4):
        return not_yet("power 1: (8.6) takes away the root of the number of pixels")
    if not close(number(second_power), 10 / pixels, within=5e-6):
        return not_yet("power 2: the per-pixel form is exactly the per-image one over H W")
    return correct("a number travels only together with its size, its norm and its power")


@exercise("8.2")
def check_8_2(column: Any, four: Any, hidden: Any) -> Verdict:
    """Shapes of scores plus margins, and the slope at which nobody would notice."""
    margin = torch.zeros(64)
    for name, answer, scores in (
        ("(64, 1)", column, torch.zeros(64, 1)),
        ("(64, 1, 1, 1)", four, torch.zeros(64, 1, 1, 1)),
    ):
        if not isinstance(answer, tuple | list | torch.Size):
            raise Unusable(f"a shape is asked for, such as (64,); this is {answer!r}")
        if tuple(answer) != tuple((scores + margin).shape):
            return not_yet(f"scores {name}: write the two shapes one under the other, flush right")
    if not close(number(hidden), 1.0):
        return not_yet("which cost makes the mean of a sum the sum of two means?")
    return correct("a mean over 64 and one over 4,096 numbers look alike: only shapes tell")


def _network(channels: int, size: int) -> nn.Module:
    """A small smooth critic with weights of its own, scores (N,)."""
    random = torch.Generator().manual_seed(channels + size)
    network = nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(4 * size**2, 1),
        nn.Flatten(0),
    ).double()
    with torch.no_grad():
        for parameter in network.parameters():
            shape = parameter.shape
            parameter.copy_(0.4 * torch.randn(shape, generator=random, dtype=torch.float64))
    return network


def _slopes(network: nn.Module, images: Tensor, step: float = 1e-5) -> Tensor:
    """Norm of each image's gradient by central differences, one number of the image at a time."""
    squares = torch.zeros(len(images), dtype=images.dtype)
    with torch.no_grad():
        for place in range(images[0].numel()):
            nudge = torch.zeros_like(images[0]).flatten()
            nudge[place] = step
            nudge = nudge.view_as(images[0])
            squares += ((network(images + nudge) - network(images - nudge)) / (2 * step)) ** 2
    return squares.sqrt()


@exercise("8.3")
def check_8_3(penalty: Any) -> Verdict:
    """A gradient penalty per image, against finite differences, and trainable."""
    for channels, size in ((3, 4), (1, 5)):
        network = _network(channels, size)
        random = torch.Generator().manual_seed(8)
        shape = (3, channels, size, size)
        images = torch.randn(shape, generator=random, dtype=torch.float64)
        norms = _slopes(network, images)
        value = result(penalty, network, images)
        if not isinstance(value, Tensor) or value.ndim != 0:
            return not_yet("return one number as a tensor: the mean over the images")
        found = value.detach()
        if not close(found, norms.mean(), within=1e-5):
            if close(found, norms.square().mean(), within=1e-5):
                return not_yet("that is power 2; the first power is asked for")
            if close(found * 3, norms.mean(), within=1e-5):
                return not_yet("the batch is divided by twice: differentiate the sum of the scores")
            if found < norms.mean() / 2:
                return not_yet("much too small: over which axes does your norm run?")
            return not_yet("flatten each image's gradient, take its norm, then the mean")
        if not value.requires_grad:
            return not_yet("right, but it trains nothing: create_graph=True is missing")
        gradients = torch.autograd.grad(value, list(network.parameters()), allow_unused=True)
        if all(g is None or g.abs().max() == 0 for g in gradients):
            return not_yet("right, but no gradient reaches the critic's weights")
    return correct("finite differences over every pixel agree, and the critic can learn from it")


@exercise("8.4")
def check_8_4(first_power: Any, second_power: Any, weight: Any) -> Verdict:
    """Kept share of the margin at distance 8, and the weight that leaves half of it at 20."""
    mu, slopes = 0.04, torch.linspace(0, 0.1, 200_001, dtype=torch.float64)

    def kept(distance: float, gamma: float, power: int) -> float:
        cost = (mu * distance - slopes * distance).clamp_min(0) + gamma * slopes**power
        return slopes[cost.argmin()].item() / mu

    if not close(number(first_power), kept(8, 10, 1), within=0.005):
        return not_yet("power 1: is the pair nearer than the weight, or further?")
    if not close(number(second_power), kept(8, 200, 2), within=0.005):
        return not_yet("power 2: put d = 8 and the weight 200 into (8.8), and divide by μ = 0.04")
    if not close(kept(20, number(weight), 2), 0.5, within=0.005):
        return not_yet("half of the margin means s* = μ/2: solve d / 2γ = μ/2 for γ")
    return correct("a cliff for power 1, a ramp for power 2")


def _losses() -> dict[str, tuple[Any, bool]]:
    """Critic losses of real scores, fake scores and margins, and whether pairs stay pairs."""

    def hinge(real: Tensor, fake: Tensor, margin: Tensor) -> Tensor:
        return torch.relu(margin + real - fake).mean()

    return {
        "the hinge of (8.2)": (hinge, True),
        "a cost of the slope -1": (lambda r, f, m: (m + r - f).abs().mean(), True),
        "scores as a column": (lambda r, f, m: hinge(r[:, None], f[:, None], m), False),
        "scores (N, 1, 1, 1)": (
            lambda r, f, m: hinge(r.view(-1, 1, 1, 1), f.view(-1, 1, 1, 1), m),
            False,
        ),
        "a mean before the hinge": (lambda r, f, m: torch.relu(m.mean() + r - f).mean(), False),
        "margins in another order": (lambda r, f, m: hinge(r, f, m.flip(0)), False),
        "both as columns": (
            lambda r, f, m: hinge(r[:, None], f[:, None], m[:, None]),
            True,
        ),
    }


@exercise("8.5")
def check_8_5(keeps_pairs: Any) -> Verdict:
    """A test that tells whether a loss of scores and margins keeps its pairs."""
    for name, (loss, truth) in _losses().items():
        answer = result(keeps_pairs, loss)
        if not isinstance(answer, bool | torch.Tensor):
            raise Unusable(f"return True or False; this is a {type(answer).__name__}")
        if bool(answer) != truth:
            if truth:
                return not_yet(f"your test rejects {name}, which is right")
            return not_yet(f"your test does not notice: {name}")
    return correct("seven losses, four of them wrong, and none of their code was read")


@exercise("8.6")
def check_8_6(weight: Any, count: Any) -> Verdict:
    """The smallest first-power weight per image whose critics all end flat; how many runs do."""
    rows = slope_penalties.judged(load_table(slope_penalties.NAME))
    flat: dict[float, list[bool]] = {}
    for row in rows:
        if row["cell"].startswith("sample, power 1, "):
            flat.setdefault(float(row["cell"].split(", ")[-1]), []).append(row["verdict"] == "flat")
    truth = min(weight for weight, words in flat.items() if all(words))
    if not close(number(weight), truth, within=1e-9):
        return not_yet("look at the rows `sample, power 1`: for which weights are all three flat?")
    if not close(number(count), sum(row["verdict"] == "flat" for row in rows)):
        return not_yet("count the runs of the whole table whose verdict is flat, in `rows`")
    return correct("first-power weights kill when they are of the size of a distance")


@exercise("8.7")
def check_8_7(soft: Any) -> Verdict:
    """A penalty of per-image norms that is free at zero and never pulls harder than power 1."""
    norms = torch.linspace(0, 50, 5_001, dtype=torch.float64).requires_grad_(True)
    value = result(soft, norms)
    if not isinstance(value, Tensor) or value.ndim != 0:
        return not_yet("return one number as a tensor: the mean over the images")
    (gradient,) = torch.autograd.grad(value, norms)
    pull = gradient * len(norms)
    if not bool(pull.isfinite().all()):
        return not_yet("its slope is not finite somewhere; look at a norm of exactly 0")
    if pull[0].abs() > 1e-6:
        return not_yet("at the norm 0 it must not pull: there power 1 kills")
    if (pull[1:] <= 0).any():
        return not_yet("some norm above 0 is not pulled down")
    if pull.max() > 1 + 1e-6:
        return not_yet("some norm is pulled harder than by power 1, whose slope is 1")
    if pull[-1] < 0.5:
        return not_yet("a norm of 50 is hardly pulled at all: steep critics go free")
    single = result(soft, torch.tensor([3.0, 3.0], dtype=torch.float64))
    if not close(result(soft, torch.tensor([3.0], dtype=torch.float64)), tensor(single, ())):
        return not_yet("two equal norms should cost what one costs: take the mean")
    return correct("free at zero, bounded far out; now say what sets the width of its free part")
