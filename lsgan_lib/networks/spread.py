"""How large the numbers are that go forward and backward through a network, layer by layer."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lsgan_lib.networks.layers import WEIGHTED


@dataclass(frozen=True)
class Spread:
    """Root mean squares at one layer with weights, over batch, channels and pixels."""

    outputs: float
    """of what the layer gives, before BatchNorm and activation"""
    gradients: float
    """of the loss by these outputs, times the batch size: the pull of one sample"""


def spreads(
    network: nn.Module, x: Tensor, loss: Callable[[Tensor], Tensor] = torch.mean
) -> list[Spread]:
    """One Spread for each linear layer and convolution, in the order of the forward pass.

    x: (N, ...), a batch that the network takes. loss: scalar, a mean over the batch, of what the
    network gives. The network runs in the mode it is in, as a copy: its moving averages stay.
    Chapter 03 compares the outputs with (3.5).
    """
    network = copy.deepcopy(network)
    outputs: list[Tensor] = []
    hooks = [
        module.register_forward_hook(partial(_keep, outputs))
        for module in network.modules()
        if isinstance(module, WEIGHTED)
    ]
    value = loss(network(x))
    for hook in hooks:
        hook.remove()
    gradients = torch.autograd.grad(value, outputs)
    return [
        Spread(_rms(output.detach()), len(x) * _rms(gradient))
        for output, gradient in zip(outputs, gradients, strict=True)
    ]


def kinds_of_pixel(images: Tensor) -> Tensor:
    """Mean squares (4,) of the pixels in even/even, even/odd, odd/even and odd/odd rows/columns.

    images: (N, C, H, W). Four equal numbers: no checkerboard of the finest kind (chapter 03).
    """
    parts = [images[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return torch.stack([part.double().square().mean() for part in parts])


def _keep(outputs: list[Tensor], _module: nn.Module, _inputs: Any, output: Tensor) -> None:
    """Forward hook."""
    outputs.append(output)


def _rms(x: Tensor) -> float:
    return x.double().square().mean().sqrt().item()
