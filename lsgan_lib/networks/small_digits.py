"""Networks for digits of small variability: a generator of three doublings, a critic like LeNet.

The pair that Mao et al. ("On the Effectiveness of Least Squares GANs", 2019) train on digits that
are only shifted or rotated a little; layer table of the authors' published code. Its critic is much
smaller than its generator.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lsgan_lib.networks.chain import scores
from lsgan_lib.networks.initialise import normal_
from lsgan_lib.networks.least_squares import halvings
from lsgan_lib.networks.width import check_positive, scaled


class Generator(nn.Module):
    """z (N, z_dim) -> images (N, channels, size, size) in [-1, 1]; 512, 256, 128 channels.

    A linear layer makes a map of an eighth of the size, rounded up (28 -> 4); transposed 5 x 5
    convolutions double it three times. BatchNorm and ReLU after every layer but the last.
    """

    def __init__(
        self,
        size: int = 28,
        channels: int = 1,
        z_dim: int = 100,
        width: float = 1.0,
        norm: bool = True,
    ) -> None:
        super().__init__()
        sizes = list(reversed(halvings(size, 3)))
        features = [*(scaled(n, width) for n in (512, 256, 128)), channels]
        self.z_dim = z_dim
        self.start = (features[0], sizes[0], sizes[0])
        entries = features[0] * sizes[0] ** 2
        self.project = nn.Sequential(
            nn.Linear(z_dim, entries), *([nn.BatchNorm1d(entries)] if norm else []), nn.ReLU()
        )
        layers: list[nn.Module] = []
        for i in range(3):
            extra = sizes[i + 1] - (2 * sizes[i] - 1)
            layers.append(
                nn.ConvTranspose2d(features[i], features[i + 1], 5, 2, 2, output_padding=extra)
            )
            if i == 2:
                layers.append(nn.Tanh())
            else:
                layers += [nn.BatchNorm2d(features[i + 1]), nn.ReLU()] if norm else [nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """z: (N, z_dim). Returns (N, channels, size, size)."""
        return self.layers(self.project(z).unflatten(1, self.start))


class Critic(nn.Module):
    """Images (N, channels, size, size) -> scores (N,), from a linear last layer.

    Two 5 x 5 convolutions of stride 2 (20 and 50 channels), a linear layer of 500, LeakyReLU 0.2,
    BatchNorm on all but the first.
    """

    def __init__(self, size: int = 28, channels: int = 1, norm: bool = True) -> None:
        super().__init__()
        few, more, units = 20, 50, 500
        end = halvings(size, 2)[-1]
        self.layers = nn.Sequential(
            nn.Conv2d(channels, few, 5, 2, 2),
            nn.LeakyReLU(0.2),
            nn.Conv2d(few, more, 5, 2, 2),
            *([nn.BatchNorm2d(more)] if norm else []),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(more * end * end, units),
            *([nn.BatchNorm1d(units)] if norm else []),
            nn.LeakyReLU(0.2),
            nn.Linear(units, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """images: (N, channels, size, size) in [-1, 1]. Returns (N,)."""
        return scores(self.layers, images)

    @property
    def chain(self) -> nn.Sequential:
        """The layers: the critic is nothing else (`lsgan_lib.losses.straight`)."""
        return self.layers


@dataclass(frozen=True)
class SmallDigitsNetworks:
    """Settings of this family, as a recipe holds them."""

    size: int = 28
    """height and width of the images, pixels"""
    channels: int = 1
    """1 grey, 3 colour"""
    z_dim: int = 100
    """length of the noise vector"""
    width: float = 1.0
    """multiplies the generator's numbers of channels; the critic is small as it is"""
    generator_norm: bool = True
    """BatchNorm in the generator"""
    critic_norm: bool = True
    """BatchNorm in the critic"""

    def __post_init__(self) -> None:
        check_positive(size=self.size, channels=self.channels, z_dim=self.z_dim, width=self.width)

    def generator(self, random: torch.Generator) -> Generator:
        """A generator with fresh weights."""
        network = Generator(self.size, self.channels, self.z_dim, self.width, self.generator_norm)
        normal_(network, random)
        return network

    def critic(self, random: torch.Generator) -> Critic:
        """A critic with fresh weights."""
        network = Critic(self.size, self.channels, self.critic_norm)
        normal_(network, random)
        return network
