"""How a critic that is a chain of layers makes its scores."""

import torch
from torch import Tensor, nn


def scores(layers: nn.Sequential, images: Tensor) -> Tensor:
    """Images (N, ...) through the layers, flattened to scores (N,).

    Under autocast the last layer with weights still computes in the precision of the images. The
    losses compare scores, and their common offset is free: near 100, bfloat16 has no number between
    100 and 100.5, and a margin of 0.3 would vanish.
    """
    kind = images.device.type
    if not torch.is_autocast_enabled(kind):
        return layers(images).flatten()
    weighted = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d | nn.Linear)]
    features = layers[: weighted[-1]](images)
    with torch.autocast(kind, enabled=False):
        return layers[weighted[-1] :](features.to(images.dtype)).flatten()
