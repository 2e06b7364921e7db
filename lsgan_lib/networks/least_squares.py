"""The networks of the Least Squares GAN: seven small transposed convolutions against four 5 x 5s.

Layer table of seed 0 and of the authors' code (Mao et al., ICCV 2017, figure of the model
architectures), for any size whose sixteenth, rounded up, the generator starts from: 28 -> 2,
64 -> 4, 112 -> 7. Read top to bottom in chapter 03.
"""

from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor, nn

from lsgan_lib.networks.chain import scores
from lsgan_lib.networks.dropout import Dropout
from lsgan_lib.networks.initialise import normal_
from lsgan_lib.networks.width import check_positive, scaled


def halvings(size: int, times: int = 4) -> list[int]:
    """[size, ceil(size/2), ceil(size/4), ...]: 28 -> [28, 14, 7, 4, 2]."""
    sizes = [size]
    for _ in range(times):
        sizes.append(ceil(sizes[-1] / 2))
    return sizes


class Generator(nn.Module):
    """z (N, z_dim) -> images (N, channels, size, size) in [-1, 1].

    A linear layer makes a (size/16)-pixel map of 256 channels. Transposed 3 x 3 convolutions
    double it four times, with one more at the same size after each of the first two doublings.
    Every layer but the last is followed by BatchNorm and ReLU; dropout, where asked for, stands
    after the second, fourth and sixth, as in seed 0.
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
        full, half, quarter, eighth, start = halvings(size)
        wide, middle, thin = scaled(256, width), scaled(128, width), scaled(64, width)
        self.z_dim = z_dim
        self.start = (wide, start, start)
        features = wide * start * start
        # BatchNorm before the reshape: one mean and variance per entry of the map, as in the seed.
        self.project = nn.Sequential(
            nn.Linear(z_dim, features), *([nn.BatchNorm1d(features)] if norm else []), nn.ReLU()
        )

        def after(features: int) -> list[nn.Module]:
            return [nn.BatchNorm2d(features), nn.ReLU()] if norm else [nn.ReLU()]

        def double(into: int, out: int, size_in: int, size_out: int) -> list[nn.Module]:
            # A stride-2 layer turns s into 2s - 1 + output_padding: 0 takes 4 to 7, 1 takes 4 to 8.
            extra = size_out - (2 * size_in - 1)
            return [nn.ConvTranspose2d(into, out, 3, 2, 1, output_padding=extra), *after(out)]

        def keep(into: int, out: int) -> list[nn.Module]:
            return [nn.ConvTranspose2d(into, out, 3, 1, 1), *after(out)]

        self.layers = nn.Sequential(
            *double(wide, wide, start, eighth),  # deconv1
            *keep(wide, wide),  # deconv2
            Dropout(dropout),
            *double(wide, wide, eighth, quarter),  # deconv3
            *keep(wide, wide),  # deconv4
            Dropout(dropout),
            *double(wide, middle, quarter, half),  # deconv5
            *double(middle, thin, half, full),  # deconv6
            Dropout(dropout),
            nn.ConvTranspose2d(thin, channels, 3, 1, 1),  # deconv7
            nn.Tanh(),
        )

    def forward(self, z: Tensor) -> Tensor:
        """z: (N, z_dim). Returns (N, channels, size, size)."""
        return self.layers(self.project(z).unflatten(1, self.start))


class Critic(nn.Module):
    """Images (N, channels, size, size) -> scores (N,), from a linear last layer.

    Four 5 x 5 convolutions of stride 2 (64, 128, 256, 512 channels), LeakyReLU 0.2, BatchNorm on
    all but the first. No sigmoid: the least-squares loss needs scores that can leave [0, 1].
    """

    def __init__(
        self, size: int = 28, channels: int = 1, width: float = 1.0, norm: bool = True
    ) -> None:
        super().__init__()
        features = [channels, *(scaled(n, width) for n in (64, 128, 256, 512))]
        layers: list[nn.Module] = []
        for i, (into, out) in enumerate(zip(features[:-1], features[1:], strict=True)):
            layers.append(nn.Conv2d(into, out, 5, 2, 2))
            if norm and i > 0:
                layers.append(nn.BatchNorm2d(out))
            layers.append(nn.LeakyReLU(0.2))
        end = halvings(size)[-1]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(features[-1] * end * end, 1))

    def forward(self, images: Tensor) -> Tensor:
        """images: (N, channels, size, size) in [-1, 1]. Returns (N,)."""
        return scores(self.layers, images)

    @property
    def chain(self) -> nn.Sequential:
        """The layers: the critic is nothing else (`lsgan_lib.losses.straight`)."""
        return self.layers


@dataclass(frozen=True)
class LeastSquaresNetworks:
    """Settings of this family, as a recipe holds them."""

    size: int = 28
    """height and width of the images, pixels"""
    channels: int = 1
    """1 grey, 3 colour"""
    z_dim: int = 100
    """length of the noise vector; 2 makes the manifold drawable, faces use 1024"""
    width: float = 1.0
    """multiplies every number of channels: below 1 for a CPU"""
    dropout: float = 0.0
    """probability with which the generator drops an entry in training (seed 0: 1 - keep_prob)"""
    generator_norm: bool = True
    """BatchNorm in the generator"""
    critic_norm: bool = True
    """BatchNorm in the critic"""

    def __post_init__(self) -> None:
        check_positive(size=self.size, channels=self.channels, z_dim=self.z_dim, width=self.width)

    def generator(self, random: torch.Generator) -> nn.Module:
        """A generator with fresh weights."""
        network = Generator(
            self.size, self.channels, self.z_dim, self.width, self.dropout, self.generator_norm
        )
        normal_(network, random)
        return network

    def critic(self, random: torch.Generator) -> Critic:
        """A critic with fresh weights."""
        network = Critic(self.size, self.channels, self.width, self.critic_norm)
        normal_(network, random)
        return network
