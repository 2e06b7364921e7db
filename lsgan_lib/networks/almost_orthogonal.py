"""Networks for points whose critic cannot be steeper than a bound, and which train in a stack.

As `lsgan_lib.networks.bounded_slope`, but without solving a linear system in each forward pass:
Prach and Lampert 2022, "Almost-orthogonal layers for efficient general-purpose Lipschitz networks",
arXiv 2208.03160. Chapter 10.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lsgan_lib.networks.bounded_slope import fresh_layers
from lsgan_lib.networks.mlp import Generator, MLPNetworks
from lsgan_lib.networks.width import check_positive


def almost_orthogonal(weight: Tensor) -> Tensor:
    """The matrix with its columns rescaled so that it stretches no vector: (out, in), any weight.

        W_ij / sqrt( sum_k |W^T W|_jk )

    |W D x|^2 = sum_jk P_jk d_j d_k x_j x_k with P = W^T W, and since 2ab <= a^2 + b^2 this is at
    most sum_j d_j^2 x_j^2 sum_k |P_jk| = |x|^2. An orthogonal matrix is left as it is.
    """
    reach = (weight.t() @ weight).abs().sum(dim=1)  # (in,)
    return weight / reach.clamp_min(torch.finfo(weight.dtype).tiny).sqrt()


def sorted_in_pairs(x: Tensor) -> Tensor:
    """Each two neighbours along the last dimension, the greater first: (..., 2n) -> (..., 2n).

    Changes the order of numbers only, so no distance is stretched and no slope is lost.
    """
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], dim=-1)


class AlmostOrthogonalCritic(nn.Module):
    """Points (N, dim) -> scores (N,): |L(x) - L(y)| <= kappa |x - y| (Euclidean), always."""

    def __init__(
        self, dim: int, hidden: int, depth: int, kappa: float, random: torch.Generator
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(fresh_layers(dim, hidden, depth, random))
        self.kappa = kappa

    def forward(self, points: Tensor) -> Tensor:
        """points: (N, dim). Returns (N,)."""
        *hidden, last = self.layers
        for layer in hidden:
            points = sorted_in_pairs(_rescaled(layer, points))
        return self.kappa * _rescaled(last, points).flatten(-2)


def _rescaled(layer: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(layer, nn.Linear)
    return nn.functional.linear(x, almost_orthogonal(layer.weight), layer.bias)


@dataclass(frozen=True)
class AlmostOrthogonalNetworks:
    """Settings of the pair: a generator of `MLPNetworks`, and a critic of bounded slope."""

    kappa: float = 1.0
    """steepest slope of the critic, Euclidean"""
    dim: int = 2
    """coordinates of a point"""
    z_dim: int = 2
    """length of the noise vector"""
    hidden: int = 64
    """units in a hidden layer; an even number"""
    depth: int = 2
    """hidden layers"""
    gain: float = 1.4
    """factor on the generator's orthogonal starting weights"""

    def __post_init__(self) -> None:
        check_positive(
            kappa=self.kappa,
            dim=self.dim,
            z_dim=self.z_dim,
            hidden=self.hidden,
            depth=self.depth,
        )
        if self.hidden % 2:
            raise ValueError(f"hidden is {self.hidden}, but pairs are sorted: take an even number.")

    def generator(self, random: torch.Generator) -> Generator:
        """A generator with fresh weights: ReLU, as for the other mode table."""
        return MLPNetworks(
            self.dim, self.z_dim, self.hidden, self.depth, "relu", self.gain
        ).generator(random)

    def critic(self, random: torch.Generator) -> AlmostOrthogonalCritic:
        """A critic with fresh weights."""
        return AlmostOrthogonalCritic(self.dim, self.hidden, self.depth, self.kappa, random)
