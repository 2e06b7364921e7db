"""The table of a network's layers, read from the live module (chapter 03)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from lsgan_lib.networks.dropout import Dropout

WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
"""A row of the table begins with one of these; what follows it belongs to the row."""
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_KINDS = {nn.Linear: "linear", nn.Conv2d: "conv", nn.ConvTranspose2d: "deconv"}


@dataclass(frozen=True)
class Layer:
    """One row: a layer with weights, and the BatchNorm, activation and dropout behind it."""

    name: str
    """linear, conv1, deconv1, ..., counted by kind"""
    takes: tuple[int, ...]
    """shape of one input: (features,) or (channels, height, width)"""
    gives: tuple[int, ...]
    """shape of one output, as the next layer sees it"""
    parameters: int
    """weights and biases, with the scale and shift of the BatchNorm behind"""
    multiplications: int
    """of one image, in the layer itself; those with the zeros of the padding count too"""
    kernel: int = 0
    """side of the kernel in pixels; 0 for a linear layer"""
    stride: int = 0
    """pixels from one place of the kernel to the next"""
    output_padding: int = 0
    """pixels that a transposed convolution adds at the far edge"""
    norm: bool = False
    """BatchNorm behind the layer"""
    activation: str = ""
    """ReLU, LeakyReLU 0.2, Tanh, ... or empty"""
    dropout: bool = False
    """a dropout layer stands behind, switched on or not"""


@torch.no_grad()
def layer_table(network: nn.Module, example: Tensor) -> list[Layer]:
    """Rows in the order in which `example` passes the layers.

    example: a batch that the network takes, of any content, such as torch.zeros(1, 100). The
    network is left as it was: it runs in evaluation mode, and goes back to the mode it had.
    Raises ValueError where there is no layer with weights.
    """
    rows: list[Layer] = []
    hooks = [
        module.register_forward_hook(partial(_note, rows))
        for module in network.modules()
        if not list(module.children())
    ]
    modes = [(module, module.training) for module in network.modules()]
    try:
        network.eval()(example)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
    if not rows:
        raise ValueError("this network has no linear layer and no convolution.")
    # A linear layer's output that is reshaped to a map is written as that map.
    for i, (row, after) in enumerate(zip(rows, rows[1:], strict=False)):
        if len(after.takes) > len(row.gives) and prod(after.takes) == prod(row.gives):
            rows[i] = replace(row, gives=after.takes)
    return rows


def describe(rows: Sequence[Layer]) -> str:
    """The table as text of fixed width, with the sum of parameters and multiplications."""
    lines = [
        f"{'layer':9}{'output':>15}  {'kernel':7}{'stride':7}{'norm':5}"
        f"{'activation':15}{'parameters':>11}{'mult.':>15}"
    ]
    for row in rows:
        shape = " x ".join(map(str, row.gives))
        kernel = f"{row.kernel} x {row.kernel}" if row.kernel else ""
        activation = row.activation + (" *" if row.dropout else "")
        lines.append(
            f"{row.name:9}{shape:>15}  {kernel:7}{row.stride or '':<7}{'BN' if row.norm else '':5}"
            f"{activation:15}{row.parameters:>11,}{row.multiplications:>15,}"
        )
    sums = sum(r.parameters for r in rows), sum(r.multiplications for r in rows)
    lines.append(f"{'':60}{sums[0]:>11,}{sums[1]:>15,}")
    return "\n".join(lines)


def _note(rows: list[Layer], module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
    """Forward hook: begin a row, or complete the last one."""
    if isinstance(module, WEIGHTED):
        rows.append(_row(rows, module, tuple(inputs[0].shape[1:]), tuple(output.shape[1:])))
        return
    if not rows:
        return
    row = rows[-1]
    if isinstance(module, _NORMS):
        parameters = row.parameters + sum(p.numel() for p in module.parameters())
        rows[-1] = replace(row, norm=True, parameters=parameters)
    elif isinstance(module, Dropout | nn.Dropout):
        rows[-1] = replace(row, dropout=True)
    elif isinstance(module, nn.LeakyReLU):
        rows[-1] = replace(row, activation=f"LeakyReLU {module.negative_slope:g}")
    elif not isinstance(module, nn.Flatten | nn.Unflatten | nn.Identity):
        rows[-1] = replace(row, activation=type(module).__name__)


def _row(
    rows: Sequence[Layer], module: nn.Module, takes: tuple[int, ...], gives: tuple[int, ...]
) -> Layer:
    kind = next(name for layer, name in _KINDS.items() if isinstance(module, layer))
    before = sum(row.name.startswith(kind) for row in rows)
    parameters = sum(p.numel() for p in module.parameters())
    if isinstance(module, nn.Linear):
        name = kind if before == 0 else f"{kind}{before + 1}"
        return Layer(name, takes, gives, parameters, prod(takes) * prod(gives))
    assert isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    # The kernel is laid down once for each output pixel, by a transposed one for each input pixel.
    places = takes[1:] if kind == "deconv" else gives[1:]
    extra = module.output_padding[0] if kind == "deconv" else 0
    return Layer(
        f"{kind}{before + 1}",
        takes,
        gives,
        parameters,
        prod(places) * module.weight.numel(),
        kernel=module.kernel_size[0],
        stride=module.stride[0],
        output_padding=int(extra),
    )
