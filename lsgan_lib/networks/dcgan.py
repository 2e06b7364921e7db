"""The DCGAN baseline that the Least Squares GAN is compared with: same critic, 5 x 5 generator.

Radford et al. 2015, arXiv 1511.06434, in the form of seed 0's sister model: the generator starts
from 512 channels at a sixteenth of the size and doubles it four times.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lsgan_lib.networks.dropout import Dropout
from lsgan_lib.networks.initialise import normal_
from lsgan_lib.networks.least_squares import LeastSquaresNetworks, halvings
from lsgan_lib.networks.width import scaled


class Generator(nn.Module):
    """z (N, z_dim) -> images (N, channels, size, size) in [-1, 1]; 512, 256, 128, 64 channels.

    BatchNorm and ReLU after every layer but the last; dropout, where asked for, after each.
    """

    def __init__(
        self,
        size: int = 28,
        channels: int = 1,
        z_dim: int = 100,
        width: float = 1.0,
        dropout: float = 0.0,
        norm: bool = True,
    ) -> None:
        super().__init__()
        sizes = list(reversed(halvings(size)))
        features = [*(scaled(n, width) for n in (512, 256, 128, 64)), channels]
        self.z_dim = z_dim
        self.start = (features[0], sizes[0], sizes[0])
        entries = features[0] * sizes[0] ** 2
        self.project = nn.Sequential(
            nn.Linear(z_dim, entries),
            *([nn.BatchNorm1d(entries)] if norm else []),
            nn.ReLU(),
            Dropout(dropout),
        )

        def after(out: int) -> list[nn.Module]:
            activation = [nn.ReLU(), Dropout(dropout)]
            return [nn.BatchNorm2d(out), *activation] if norm else activation

        layers: list[nn.Module] = []
        for i in range(4):
            extra = sizes[i + 1] - (2 * sizes[i] - 1)
            layers.append(
                nn.ConvTranspose2d(features[i], features[i + 1], 5, 2, 2, output_padding=extra)
            )
            layers += after(features[i + 1]) if i < 3 else [nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """z: (N, z_dim). Returns (N, channels, size, size)."""
        return self.layers(self.project(z).unflatten(1, self.start))


@dataclass(frozen=True)
class DCGANNetworks(LeastSquaresNetworks):
    """Settings of this family: those of `LeastSquaresNetworks`, whose critic it shares."""

    def generator(self, random: torch.Generator) -> nn.Module:
        """A generator with fresh weights."""
        network = Generator(
            self.size, self.channels, self.z_dim, self.width, self.dropout, self.generator_norm
        )
        normal_(network, random)
        return network
