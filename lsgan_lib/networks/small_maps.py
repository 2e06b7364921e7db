"""Convolutions that end in a map of a few pixels, as one matrix product on a CPU.

The last convolution of a 28-pixel critic turns 4 x 4 pixels into 2 x 2 with 5 x 5 weights. A CPU's
convolution routines are made for large maps and reach a third of the processor's rate there: that
one layer took 29 percent of a step. Laid out as a matrix, a row of 5 x 5 x C numbers for each
output pixel, it is a product like that of a linear layer. From 3 x 3 pixels on the routines are
faster again.
"""

from typing import Any

import torch
from torch import Tensor, nn

_PIXELS = 4
"""Largest output map, in pixels, that is computed as a matrix product."""


class SmallMapConv2d(nn.Conv2d):
    """A Conv2d, computed as a matrix product where its output has at most 2 x 2 pixels."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, C, H, W). Returns (N, out, H', W'), as nn.Conv2d does."""
        stride, pad, (rows, columns) = self.stride[0], int(self.padding[0]), self.kernel_size
        height, width = ((side + 2 * pad - rows) // stride + 1 for side in x.shape[2:])
        if height * width > _PIXELS:
            return super().forward(x)
        # Channels last all along: then the weights' matrix is a view, and so is the result.
        padded = nn.functional.pad(x.permute(0, 2, 3, 1), (0, 0, pad, pad, pad, pad))
        # (N, H', W', C, rows, columns)
        patches = padded.unfold(1, rows, stride).unfold(2, columns, stride)
        matrix = patches.permute(0, 1, 2, 4, 5, 3).reshape(len(x) * height * width, -1)
        weight = self.weight.permute(0, 2, 3, 1).reshape(self.out_channels, -1)
        product = nn.functional.linear(matrix, weight, self.bias)
        return product.view(len(x), height, width, -1).permute(0, 3, 1, 2)


def by_matrix_product(network: nn.Module, device: torch.device) -> nn.Module:
    """Let a network's square convolutions do so on a CPU, in place; parameters stay the same."""
    if device.type != "cpu":
        return network
    for module in list(network.modules()):
        for name, old in module.named_children():
            if type(old) is nn.Conv2d and _fits(old):
                same: dict[str, Any] = {"stride": old.stride, "padding": old.padding}
                same |= {"kernel_size": old.kernel_size, "bias": old.bias is not None}
                new = SmallMapConv2d(old.in_channels, old.out_channels, device="meta", **same)
                new.weight, new.bias = old.weight, old.bias
                setattr(module, name, new)
    return network


def _fits(layer: nn.Conv2d) -> bool:
    square = all(len(set(pair)) == 1 for pair in (layer.stride, layer.padding))
    plain = layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"
    return square and plain and not isinstance(layer.padding, str)
