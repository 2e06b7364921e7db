"""Starting weights, drawn from an explicit generator so that a seed names one network."""

import torch
from torch import nn


@torch.no_grad()
def normal_(
    network: nn.Module, random: torch.Generator, *, std: float = 0.02, norm_std: float = 0.0
) -> None:
    """DCGAN's initialisation, in place: weights N(0, std^2), biases 0, BatchNorm weights near 1.

    std: 0.02 in both seeds. norm_std: spread of the BatchNorm weights around 1; 0 in seed 0, 0.02
    in seed 1. random: a generator on the CPU, so that every device starts from the same weights.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            module.weight.copy_(torch.empty(module.weight.shape).normal_(0, std, generator=random))
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.weight.copy_(
                torch.empty(module.weight.shape).normal_(1, norm_std, generator=random)
                if norm_std
                else torch.ones(module.weight.shape)
            )
            module.bias.zero_()


@torch.no_grad()
def orthogonal_(network: nn.Module, random: torch.Generator, *, gain: float = 1.4) -> None:
    """Orthogonal weights times gain, biases 0, in place: the published 2-D mixture networks."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.orthogonal_(module.weight, gain=gain, generator=random)
            module.bias.zero_()
