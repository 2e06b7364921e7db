"""A second derivative for free, where the critic is made of straight pieces.

A slope penalty asks for d/d(weights) of d(score)/d(image). Automatic differentiation answers by
differentiating its own backward pass. A critic of convolutions, linear layers and (leaky) ReLUs
needs less. Between the kinks it is linear in the image, so with

    a_l   input of layer l                     (forward pass)
    d_l   d score / d output of layer l        (one backward pass, down to the image: the slope g)

any loss of scores s and slopes g, with w = d loss / d s and v = d loss / d g, one value and one
image per sample, has

    u_0 = v,  u_(l+1) = layer l without its bias, and with the same kinks, of u_l
    d loss / d W_l = weight gradient of layer l with input  w a_l + u_l  and output gradient  d_l
    d loss / d b_l = sum of  w d_l  over samples and positions

One forward, one backward, one more forward, one weight gradient: four passes, where scores and
penalty apart take nine. (Where an input lies on a kink, the derivative does not exist, and the
same one-sided value is taken as by automatic differentiation.) Chapter 14 measures the gain.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from lsgan_lib.networks.small_maps import SmallMapConv2d

Layers = Sequence[nn.Module]
_STRAIGHT = (nn.Conv2d, SmallMapConv2d, nn.Linear, nn.Flatten, nn.ReLU, nn.LeakyReLU)


def straight_layers(critic: object) -> Layers | None:
    """The layers of a critic that is nothing but a chain of straight pieces; else None.

    A critic says that it is a chain by an attribute `chain`: its layers, the last of which has one
    output a sample.
    """
    layers = getattr(critic, "chain", None)
    if layers is None or not all(type(layer) in _STRAIGHT for layer in layers):
        return None
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    plain = all(c.padding_mode == "zeros" and not isinstance(c.padding, str) for c in convolutions)
    return layers if plain else None


def scores_and_slopes(layers: Layers, images: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (N,) of images (N, ...), and the slopes d score_i / d image_i, shaped like images.

    Both can be differentiated once by the weights; by the images only the scores can (between the
    kinks the slopes do not depend on them). Under autocast all layers but the last compute in its
    precision, as they do without this function.
    """
    weights = [p for layer in layers for p in layer.parameters()]
    kind = images.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else images.dtype
    return _ScoresAndSlopes.apply(images, layers, dtype, *weights)  # type: ignore[no-untyped-call]


class _ScoresAndSlopes(torch.autograd.Function):
    """The four passes of the module's docstring."""

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, layers: Layers, dtype: torch.dtype, *weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        kind = images.device.type
        with torch.autocast(kind, enabled=False):
            last = max(i for i, layer in enumerate(layers) if _has_weight(layer))
            inputs, x = [], images
            for i, layer in enumerate(layers):
                # A score is a difference of large numbers: its layer computes in full precision.
                x = x.to(dtype if i < last else images.dtype)
                inputs.append(x)
                x = _forward(layer, x)
            scores = x.flatten()
            slopes: list[Tensor] = []  # d score / d output of each layer, last first
            d = torch.ones_like(x)
            for layer, x in zip(reversed(layers), reversed(inputs), strict=True):
                slopes.append(d)
                d = _pull(layer, x, d)
        ctx.layers, ctx.inputs, ctx.slopes = layers, inputs, slopes[::-1]
        ctx.set_materialize_grads(False)
        d = d.to(images.dtype)
        ctx.save_for_backward(d)
        return scores, d

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, w: Tensor | None, v: Tensor | None) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        gradients: list[Tensor | None] = []
        u = v
        with torch.autocast(slope.device.type, enabled=False):
            for layer, x, d in zip(ctx.layers, ctx.inputs, ctx.slopes, strict=True):
                if _has_weight(layer):
                    gradients += _weight_gradients(layer, x, d, w, u)
                u = _push(layer, x, u.to(x.dtype)) if u is not None else None
        by_images = None
        if w is not None and ctx.needs_input_grad[0]:
            by_images = slope * _per_sample(w, slope)
        return by_images, None, None, *gradients


def _has_weight(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d | nn.Linear)


def _per_sample(w: Tensor, like: Tensor) -> Tensor:
    return w.reshape(-1, *[1] * (like.ndim - 1)).to(like.dtype)


def _forward(layer: nn.Module, x: Tensor) -> Tensor:
    """The layer, its weights in the precision of x."""
    match layer:
        case nn.Conv2d():
            bias = None if layer.bias is None else layer.bias.to(x.dtype)
            return _convolve(layer, x, bias)
        case nn.Linear():
            bias = None if layer.bias is None else layer.bias.to(x.dtype)
            return nn.functional.linear(x, layer.weight.to(x.dtype), bias)
        case _:
            return layer(x)


def _push(layer: nn.Module, x: Tensor, u: Tensor) -> Tensor:
    """The layer's derivative at x, applied to u (shaped like x)."""
    match layer:
        case nn.Conv2d():
            return _convolve(layer, u, None)
        case nn.Linear():
            return nn.functional.linear(u, layer.weight.to(u.dtype))
        case nn.Flatten():
            return layer(u)
        case _:
            return _kink(layer, x, u)


def _pull(layer: nn.Module, x: Tensor, d: Tensor) -> Tensor:
    """The transpose of the layer's derivative at x, applied to d (shaped like the output)."""
    match layer:
        case nn.Conv2d():
            return _convolution_backward(layer, x, d, (True, False, False))[0]
        case nn.Linear():
            return d.to(x.dtype) @ layer.weight.to(x.dtype)
        case nn.Flatten():
            return d.reshape(x.shape)
        case _:
            return _kink(layer, x, d)


def _kink(layer: nn.Module, x: Tensor, u: Tensor) -> Tensor:
    """ReLU's and LeakyReLU's derivative is one number per entry, so push and pull are the same."""
    slope = layer.negative_slope if isinstance(layer, nn.LeakyReLU) else 0.0
    return torch.ops.aten.leaky_relu_backward(u.to(x.dtype), x, slope, False)


def _convolve(layer: nn.Conv2d, x: Tensor, bias: Tensor | None) -> Tensor:
    weight, (stride, padding) = layer.weight.to(x.dtype), (layer.stride, layer.padding)
    return nn.functional.conv2d(x, weight, bias, stride, padding, layer.dilation, layer.groups)


def _convolution_backward(
    layer: nn.Conv2d, x: Tensor, d: Tensor, wanted: tuple[bool, bool, bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients by input, weight and bias; torch.nn.grad has them too, but loses channels_last."""
    return torch.ops.aten.convolution_backward(
        d.to(x.dtype), x, layer.weight.to(x.dtype), [layer.out_channels], layer.stride,
        layer.padding, layer.dilation, False, [0, 0], layer.groups, wanted,
    )  # fmt: skip


def _weight_gradients(
    layer: nn.Module, x: Tensor, d: Tensor, w: Tensor | None, u: Tensor | None
) -> list[Tensor | None]:
    """d loss / d weight and, where there is one, d loss / d bias."""
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    point = u.to(x.dtype) if u is not None else None
    if w is not None:
        scaled = x * _per_sample(w, x)
        point = scaled if point is None else scaled.add_(point)
    if point is None:
        return [None] if layer.bias is None else [None, None]
    if isinstance(layer, nn.Conv2d):
        weight = _convolution_backward(layer, point, d, (False, True, False))[1]
    else:
        weight = d.to(point.dtype).t() @ point
    gradients: list[Tensor | None] = [weight.to(layer.weight.dtype)]
    if layer.bias is not None:
        bias = None
        if w is not None:
            scaled = d * _per_sample(w, d)
            if d[0].numel() == 1 and type(layer) is nn.Conv2d:
                # A loss of differences of scores knows nothing of the last bias: the part of the
                # real images and that of the fakes must cancel to the last bit, or Adam makes
                # whole steps of what is left. So it is summed by the routine that sums the other.
                bias = _convolution_backward(layer, x, scaled, (False, True, True))[2]
            else:
                bias = scaled.to(layer.bias.dtype).sum((0, 2, 3) if d.ndim > 2 else 0)
        gradients.append(bias)
    return gradients
