"""Checks of chapter 03: sizes, parameters, overlaps, BatchNorm and starting weights.

Every expected value is read from a live network or computed by PyTorch, by no formula of the text.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.networks.initialise import normal_
from lsgan_lib.networks.layers import Layer, layer_table
from lsgan_lib.networks.spread import kinds_of_pixel

from . import Unusable, Verdict, choice, close, correct, exercise, not_yet, number, result, tensor


def tables(**settings: Any) -> tuple[list[Layer], list[Layer]]:
    """Layer tables of a generator and its critic with these settings."""
    networks = LeastSquaresNetworks(**settings)
    random = torch.Generator().manual_seed(0)
    images = torch.zeros(1, networks.channels, networks.size, networks.size)
    return (
        layer_table(networks.generator(random), torch.zeros(1, networks.z_dim)),
        layer_table(networks.critic(random), images),
    )


@exercise("3.1")
def check_3_1(sizes: Any, paddings: Any, parameters: Any) -> Verdict:
    """Maps, output paddings and the first layer's parameters of a 100-pixel generator."""
    generator, _ = tables(size=100, channels=3, z_dim=64, width=1 / 64)
    doubling = [row for row in generator if row.stride == 2]
    truth = [generator[0].gives[1], *(row.gives[1] for row in doubling)]
    if not close(tensor(sizes, (5,)), truth):
        return not_yet("halve 100 four times, rounding up each time; then read it backwards")
    if not close(tensor(paddings, (4,)), [row.output_padding for row in doubling]):
        return not_yet("s pixels become 2s - 1 by (3.3); what is missing is the padding")
    entries = 256 * truth[0] ** 2
    if close(number(parameters), 64 * entries + entries):
        return not_yet("the BatchNorm behind has a scale and a shift for each entry of the map")
    if not close(number(parameters), 64 * entries + 3 * entries):
        return not_yet("the map has 256 channels of size × size entries; each has 64 weights")
    return correct("the convolution forgot whether a size was even; output_padding remembers")


@exercise("3.2")
def check_3_2(heaviest: Any, dearest: Any, share: Any) -> Verdict:
    """Where the parameters and the multiplications of the 112-pixel generator are."""
    generator, _ = tables(size=112, channels=3, z_dim=1024)
    names = tuple(row.name for row in generator)
    most = max(generator, key=lambda row: row.parameters)
    busiest = max(generator, key=lambda row: row.multiplications)
    if choice(heaviest, names) != most.name:
        return not_yet("which row has the largest number in the column `parameters`?")
    if choice(dearest, names) != busiest.name:
        return not_yet("which row has the largest number in the column `mult.`?")
    truth = most.multiplications / sum(row.multiplications for row in generator)
    if not close(number(share), truth, within=2e-3):
        return not_yet("divide the heaviest layer's multiplications by the sum; a share, not %")
    return correct("memory and time are spent in different layers")


@exercise("3.3")
def check_3_3(transposed: Any) -> Verdict:
    """A transposed convolution in one dimension, against PyTorch's."""
    random = torch.Generator().manual_seed(3)
    for length, size, stride in [(1, 3, 2), (3, 3, 2), (4, 4, 2), (5, 2, 3), (4, 5, 1)]:
        x = torch.randn(length, generator=random)
        kernel = torch.randn(size, generator=random)
        truth = nn.functional.conv_transpose1d(x[None, None], kernel[None, None], stride=stride)
        value = result(transposed, x, kernel, stride)
        if not isinstance(value, Tensor) or value.shape != truth[0, 0].shape:
            wanted = len(truth[0, 0])
            return not_yet(f"{length} entries, kernel {size}, stride {stride}: give {wanted} back")
        if close(value, truth[0, 0], within=1e-4):
            continue
        if close(transposed(x, kernel.flip(0), stride), truth[0, 0], within=1e-4):
            return not_yet("your kernel runs backwards: its order should be kept")
        return not_yet("entry j lays x[j] * kernel down from stride * j on, and copies add up")
    return correct("each input lays down a scaled copy of the kernel; where copies overlap, add")


@exercise("3.4")
def check_3_4(after: Any) -> Verdict:
    """Mean squares of the four kinds of pixel behind a 3 x 3 layer of stride 1."""
    kinds = torch.tensor([[1.0, 2.0], [2.0, 4.0]]).repeat(6, 6)
    seen = nn.functional.conv2d(kinds[None, None], torch.ones(1, 1, 3, 3))[0, 0]
    truth = torch.stack([seen[1, 1], seen[1, 2], seen[2, 1], seen[2, 2]])  # even/odd of `kinds`
    value = tensor(after, (4,)).double()
    if not (value > 0).all():
        raise Unusable("mean squares are positive")
    if not close(value / value.max(), truth / truth.max(), within=1e-3):
        if close(value.flip(0) / value.max(), truth / truth.max(), within=1e-3):
            return not_yet(
                "look again at the pixel that itself has 1: whom does it have around it?"
            )
        return not_yet("each kind of pixel sums nine squares: its own, four sides, four corners")
    return correct("4 : 1 becomes 25 : 16, and the other way round")


@exercise("3.5")
def check_3_5(norm: Any) -> Verdict:
    """BatchNorm with moving averages, against PyTorch's, over three batches and a sample."""
    random = torch.Generator().manual_seed(5)
    layer = nn.BatchNorm1d(2, affine=False, eps=1e-12)
    mean, var = torch.zeros(2), torch.ones(2)
    for _ in range(3):
        batch = 3 * torch.randn(6, 2, generator=random) + 1
        truth = layer(batch)
        answer = result(norm, batch, mean, var, True)
        if not isinstance(answer, tuple) or len(answer) != 3:
            raise Unusable("return three things: the normalised batch, the mean, the variance")
        value, mean, var = answer
        if close(value, truth * (5 / 6) ** 0.5, within=1e-4):
            return not_yet("normalise by the variance with 1/N: x.var(0, correction=0)")
        if not close(value, truth, within=1e-4):
            return not_yet("in training: subtract the batch's mean, divide by its deviation")
        if not close(mean, layer.running_mean, within=1e-4):
            return not_yet("nine tenths of the old mean, a tenth of the batch's")
        if not close(var, layer.running_var, within=1e-4):
            return not_yet("the moving variance takes the unbiased one: x.var(0)")
    layer.eval()
    batch = torch.randn(3, 2, generator=random)
    value, later_mean, later_var = norm(batch, mean, var, False)
    if not close(value, layer(batch), within=1e-4):
        return not_yet("at sampling: the moving mean and variance, whatever the batch")
    if not (close(later_mean, mean) and close(later_var, var)):
        return not_yet("at sampling the moving averages stay as they are")
    return correct("two layers in one: which of them you use is decided by train() and eval()")


def image_spread(std: float, seed: int) -> float:
    """Standard deviation of what a full-width generator without BatchNorm draws at the start."""
    random = torch.Generator().manual_seed(seed)
    generator = LeastSquaresNetworks(generator_norm=False).generator(random)
    normal_(generator, random, std=std)
    with torch.no_grad():
        return generator(2 * torch.rand(16, 100, generator=random) - 1).std().item()


@exercise("3.6")
def check_3_6(std: Any) -> Verdict:
    """One standard deviation with which a generator without BatchNorm starts well."""
    value = number(std)
    if not 0 < value < 1:
        return not_yet("a standard deviation between 0 and 1 is asked for")
    found = sum(image_spread(value, seed) for seed in range(3)) / 3
    if found < 0.1:
        return not_yet(f"with {value:g} the images are still grey: their deviation is {found:.2g}")
    if found > 0.6:
        return not_yet(f"with {value:g} tanh is saturated: the deviation is {found:.2g}")
    return correct(f"the images start with a deviation of {found:.1f}, without any BatchNorm")


@exercise("3.7")
def check_3_7(make: Any) -> Verdict:
    """A layer that doubles a map, and whose starting weights prefer no pixel."""
    layer = result(make, 8, 64)
    if not isinstance(layer, nn.Module):
        raise Unusable(f"an nn.Module is asked for, this is a {type(layer).__name__}")
    random = torch.Generator().manual_seed(7)
    x = torch.randn(256, 8, 6, 6, generator=random)
    with torch.no_grad():
        y = layer(x)
    if y.shape != (256, 64, 12, 12):
        return not_yet(f"(N, 8, 6, 6) should become (N, 64, 12, 12), not {tuple(y.shape)}")
    if not any(p.requires_grad and p.ndim == 4 for p in layer.parameters()):
        return not_yet("it should learn a kernel")
    squares = kinds_of_pixel(y[:, :, 2:-2, 2:-2])
    ratio = (squares.max() / squares.min()).item()
    if ratio > 1.3:
        return not_yet(f"some pixels still start {ratio:.1f} times as strong as others")
    return correct(f"no kind of pixel starts more than {ratio:.2f} times as strong as another")
