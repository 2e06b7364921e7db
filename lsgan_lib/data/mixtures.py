"""Mixtures of Gaussians in the plane: data whose density is known, so that a GAN can be marked."""

from dataclasses import dataclass
from math import log, pi

import torch
from torch import Tensor

from lsgan_lib.losses.checks import check_settings


@dataclass(frozen=True)
class Mixture:
    """sum_k weights_k N(centres_k, std^2 I)."""

    centres: Tensor
    """(K, D)"""
    weights: Tensor
    """(K,), sum 1"""
    std: float
    """standard deviation of each mode along each axis"""

    def __post_init__(self) -> None:
        check_settings(std=self.std)
        if self.std <= 0:
            raise ValueError(f"std is {self.std}, but must be positive.")
        if self.centres.ndim != 2 or self.weights.shape != self.centres.shape[:1]:
            raise ValueError(
                f"centres must be (K, D) and weights (K,), not {tuple(self.centres.shape)} and "
                f"{tuple(self.weights.shape)}."
            )
        if (self.weights < 0).any() or abs(self.weights.sum().item() - 1) > 1e-5:
            raise ValueError("weights must be non-negative and sum to 1.")

    def sample(self, count: int, random: torch.Generator | None = None) -> Tensor:
        """`count` independent points, (count, D)."""
        mode = torch.multinomial(self.weights, count, replacement=True, generator=random)
        noise = torch.randn(count, self.centres.shape[1], generator=random)
        return self.centres[mode] + self.std * noise

    def log_density(self, points: Tensor) -> Tensor:
        """log p of each point: (N, D) -> (N,)."""
        dim = self.centres.shape[1]
        squared = torch.cdist(points, self.centres).square()  # (N, K)
        normal = -squared / (2 * self.std**2) - dim / 2 * log(2 * pi * self.std**2)
        return torch.logsumexp(normal + self.weights.log(), dim=1)


def _equal(centres: Tensor, std: float) -> Mixture:
    return Mixture(centres, torch.full((len(centres),), 1 / len(centres)), std)


def ring(modes: int = 8, *, radius: float = 1.0, std: float = 0.01) -> Mixture:
    """Modes of equal weight on a circle, the first at angle 0.

    Defaults: the ring of eight Gaussians by which mode counts are published (VEEGAN, PacGAN).
    """
    if modes < 1:
        raise ValueError(f"a ring needs at least one mode, not {modes}.")
    angle = torch.arange(modes) * (2 * pi / modes)
    return _equal(radius * torch.stack([angle.cos(), angle.sin()], dim=1), std)


def grid(side: int = 5, *, spacing: float = 2.0, std: float = 0.05) -> Mixture:
    """side x side modes of equal weight, centred on the origin. Defaults: the grid of 25."""
    if side < 1:
        raise ValueError(f"a grid needs at least one mode a side, not {side}.")
    line = (torch.arange(side) - (side - 1) / 2) * spacing
    return _equal(torch.cartesian_prod(line, line).reshape(-1, 2), std)


def seed_ring(*, radius: float = 1.0, std: float = 0.01) -> Mixture:
    """The ring of the authors' mixture code: 8 modes, of which one weighs 2/9.

    Its nine angles divide [0, 2 pi] with both ends, so the first and the last are one point,
    at (0, radius) since the code takes (sin, cos).
    """
    angle = torch.linspace(0, 2 * pi, 9)[:-1]
    weights = torch.full((8,), 1 / 9)
    weights[0] = 2 / 9
    return Mixture(radius * torch.stack([angle.sin(), angle.cos()], dim=1), weights, std)


def triangle(*, std: float = 0.25) -> Mixture:
    """Three modes that overlap a little, the upper one with half of all points.

    Easy for a generator, hard enough for its critic: the data of chapter 01.
    """
    centres = torch.tensor([[0.0, 0.9], [-0.9, -0.5], [0.9, -0.5]])
    return Mixture(centres, torch.tensor([0.5, 0.25, 0.25]), std)
