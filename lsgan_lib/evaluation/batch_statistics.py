"""BatchNorm on the statistics of the batch, without a trace: what the generator is in training."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[nn.Module]:
    """Let each BatchNorm of a network use its batch's mean and variance within the block.

        y = (x - mean of the batch) / sqrt(variance of the batch + eps) * weight + bias

    In evaluation mode moving averages stand in their place. A forward pass in training mode would
    move those, even under no_grad; here they stay as they are, to the bit. Dropout stays off. Each
    picture now depends on the others of its batch, so draw in batches as large as those of the
    training. Chapter 06, (6.2).
    """
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    before = [(layer.training, layer.track_running_stats) for layer in layers]
    try:
        for layer in layers:
            # In training mode, a layer that tracks nothing takes the batch's and moves nothing.
            layer.training, layer.track_running_stats = True, False
        yield network
    finally:
        for layer, (training, tracks) in zip(layers, before, strict=True):
            layer.training, layer.track_running_stats = training, tracks


@torch.no_grad()
def images_in_batches(generator: nn.Module, z: Tensor, batch: int) -> Tensor:
    """Pictures of noise z (N, z_dim), each normalised with the others of its batch, on the CPU.

    batch: pictures at once, as in training; N must be a multiple of it, or the last batch would
    have other statistics than the rest (ValueError).
    """
    if len(z) % batch:
        raise ValueError(f"{len(z)} noise vectors do not fill batches of {batch}.")
    device = next(generator.parameters()).device
    with batch_statistics(generator):
        return torch.cat([generator(piece) for piece in z.to(device).split(batch)]).cpu()
