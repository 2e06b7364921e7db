"""A critic whose slope cannot exceed a bound, whatever its weights: no penalty, no clipping.

Anil, Lucas and Grosse 2019, "Sorting out Lipschitz function approximation", arXiv 1811.05381.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import orthogonal

from lsgan_lib.networks.initialise import orthogonal_
from lsgan_lib.networks.width import check_positive


def fresh_layers(dim: int, hidden: int, depth: int, random: torch.Generator) -> list[nn.Linear]:
    """Linear layers from dim over `depth` times hidden to 1, orthogonal, with random biases.

    Biases place the kinks; no bound on the slope depends on them.
    """
    sizes = [dim, *[hidden] * depth, 1]
    layers = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]
    orthogonal_(nn.ModuleList(layers), random, gain=1.0)
    for layer in layers:
        nn.init.uniform_(layer.bias, -1, 1, generator=random)
    return layers


class BoundedSlopeCritic(nn.Module):
    """Points (N, dim) -> losses (N,) of any sign: |L(x) - L(y)| <= kappa |x - y| (Euclidean).

        L(x) = kappa (W_k sort(... sort(W_1 x + b_1) ...) + b_k)

    Each weight matrix is orthogonal (the parametrisation keeps it so during training), and a sort
    only changes the order of its inputs: no part stretches a distance. Unlike ReLU a sort loses no
    slope either, so such a network can be as steep as it is allowed to be, everywhere.
    kappa: the bound. random: where the starting weights come from. Chapter 07.
    Raises ValueError for a kappa that is not positive and finite, and for sizes below 1.
    """

    def __init__(
        self,
        kappa: float,
        random: torch.Generator,
        *,
        dim: int = 1,
        hidden: int = 32,
        depth: int = 3,
    ) -> None:
        super().__init__()
        check_positive(kappa=kappa, dim=dim, hidden=hidden, depth=depth)
        plain = fresh_layers(dim, hidden, depth, random)
        self.layers = nn.ModuleList(orthogonal(layer, orthogonal_map="cayley") for layer in plain)
        self.kappa = kappa

    def forward(self, points: Tensor) -> Tensor:
        """points: (N, dim). Returns (N,)."""
        *hidden, last = self.layers
        for layer in hidden:
            points = layer(points).sort(dim=1).values
        return self.kappa * last(points).flatten()
