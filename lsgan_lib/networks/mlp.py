"""Multi-layer perceptrons for points: the networks of the 2-D experiments.

Defaults are those of the authors' mixture code: two hidden layers of 128 tanh units, orthogonal
weights with gain 1.4.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from lsgan_lib.losses.checks import check_choice
from lsgan_lib.networks.chain import scores
from lsgan_lib.networks.initialise import orthogonal_
from lsgan_lib.networks.width import check_positive

_ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}


def _layers(into: int, hidden: int, depth: int, out: int, activation: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(into, hidden), _ACTIVATIONS[activation]()]
        into = hidden
    return nn.Sequential(*layers, nn.Linear(into, out))


class Generator(nn.Module):
    """z (N, z_dim) -> points (N, dim), from a linear last layer: points may lie anywhere."""

    def __init__(self, z_dim: int, hidden: int, depth: int, dim: int, activation: str) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.layers = _layers(z_dim, hidden, depth, dim, activation)

    def forward(self, z: Tensor) -> Tensor:
        """z: (N, z_dim). Returns (N, dim)."""
        return self.layers(z)


class Critic(nn.Module):
    """Points (N, dim) -> scores (N,), from a linear last layer."""

    def __init__(self, dim: int, hidden: int, depth: int, activation: str) -> None:
        super().__init__()
        self.layers = _layers(dim, hidden, depth, 1, activation)

    def forward(self, points: Tensor) -> Tensor:
        """points: (N, dim). Returns (N,)."""
        return scores(self.layers, points)

    @property
    def chain(self) -> nn.Sequential:
        """The layers: the critic is nothing else (`lsgan_lib.losses.straight`)."""
        return self.layers


@dataclass(frozen=True)
class MLPNetworks:
    """Settings of this family, as a recipe holds them."""

    dim: int = 2
    """coordinates of a point"""
    z_dim: int = 256
    """length of the noise vector"""
    hidden: int = 128
    """units in a hidden layer"""
    depth: int = 2
    """hidden layers"""
    activation: Literal["tanh", "relu"] = "tanh"
    """what follows each hidden layer"""
    gain: float = 1.4
    """factor on the orthogonal starting weights"""

    def __post_init__(self) -> None:
        check_choice("activation", self.activation, tuple(_ACTIVATIONS))
        check_positive(dim=self.dim, z_dim=self.z_dim, hidden=self.hidden, depth=self.depth)

    def generator(self, random: torch.Generator) -> Generator:
        """A generator with fresh weights."""
        network = Generator(self.z_dim, self.hidden, self.depth, self.dim, self.activation)
        orthogonal_(network, random, gain=self.gain)
        return network

    def critic(self, random: torch.Generator) -> Critic:
        """A critic with fresh weights."""
        network = Critic(self.dim, self.hidden, self.depth, self.activation)
        orthogonal_(network, random, gain=self.gain)
        return network
