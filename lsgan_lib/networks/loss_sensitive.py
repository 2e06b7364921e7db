"""The networks of the Loss-Sensitive GAN: DCGAN's generator and a critic without BatchNorm.

Layer table of seed 1 (chapter 08), 4 x 4 kernels throughout. A penalty on the critic's slope at
each sample needs a critic that treats samples one by one; BatchNorm would mix them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lsgan_lib.networks.chain import scores
from lsgan_lib.networks.initialise import normal_
from lsgan_lib.networks.width import check_positive, scaled


def _doublings(size: int) -> int:
    """How often 4 must double to reach size; raises ValueError when it never does."""
    times = (size // 4).bit_length() - 1
    if times < 1 or 4 * 2**times != size:
        raise ValueError(
            f"size is {size}, but these networks double 4 x 4 maps: use 8, 16, 32, 64, 128 ..."
        )
    return times


class Generator(nn.Module):
    """z (N, z_dim) -> images (N, channels, size, size) in [-1, 1].

    At 64 pixels: 512 channels at 4 x 4, then 256, 128, 64 while the map doubles, then the image.
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        z_dim: int = 100,
        width: float = 1.0,
        norm: bool = True,
    ) -> None:
        super().__init__()
        times = _doublings(size)
        self.z_dim = z_dim
        features = [scaled(64 * 2**i, width) for i in reversed(range(times))]
        layers: list[nn.Module] = []
        for i, (into, out) in enumerate(zip([z_dim, *features], features, strict=False)):
            # The first layer turns the 1 x 1 noise into a 4 x 4 map, the others double.
            layers.append(nn.ConvTranspose2d(into, out, 4, *((1, 0) if i == 0 else (2, 1))))
            layers += [nn.BatchNorm2d(out), nn.ReLU()] if norm else [nn.ReLU()]
        layers += [nn.ConvTranspose2d(features[-1], channels, 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """z: (N, z_dim). Returns (N, channels, size, size)."""
        return self.layers(z[:, :, None, None])


class Critic(nn.Module):
    """Images (N, channels, size, size) -> one score per image (N,).

    At 64 pixels: convolutions of stride 2 to 64, 128, 256, 512 channels, LeakyReLU 0.2, then one
    4 x 4 convolution to a number. norm adds BatchNorm after all but the first; final_relu makes
    the loss non-negative, as the paper writes it and as the authors' code did (chapter 08 measures
    what both do).
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        width: float = 1.0,
        norm: bool = False,
        final_relu: bool = False,
    ) -> None:
        super().__init__()
        features = [channels, *(scaled(64 * 2**i, width) for i in range(_doublings(size)))]
        layers: list[nn.Module] = []
        for i, (into, out) in enumerate(zip(features[:-1], features[1:], strict=True)):
            layers.append(nn.Conv2d(into, out, 4, 2, 1))
            if norm and i > 0:
                layers.append(nn.BatchNorm2d(out))
            layers.append(nn.LeakyReLU(0.2))
        layers.append(nn.Conv2d(features[-1], 1, 4, 1, 0))
        if final_relu:
            layers.append(nn.ReLU())
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """images: (N, channels, size, size) in [-1, 1]. Returns (N,), not (N, 1, 1, 1)."""
        return scores(self.layers, images)

    @property
    def chain(self) -> nn.Sequential:
        """The layers: the critic is nothing else (`lsgan_lib.losses.straight`)."""
        return self.layers


@dataclass(frozen=True)
class LossSensitiveNetworks:
    """Settings of this family, as a recipe holds them."""

    size: int = 64
    """height and width of the images, pixels: 8, 16, 32, 64, 128 ..."""
    channels: int = 3
    """1 grey, 3 colour"""
    z_dim: int = 100
    """length of the noise vector"""
    width: float = 1.0
    """multiplies every number of channels (1: the seed's --ngf 64 and --ndf 64)"""
    generator_norm: bool = True
    """BatchNorm in the generator"""
    critic_norm: bool = False
    """BatchNorm in the critic: off, because a slope penalty needs independent samples"""
    final_relu: bool = False
    """ReLU after the critic's last layer, so that the loss is never negative"""

    def __post_init__(self) -> None:
        check_positive(channels=self.channels, z_dim=self.z_dim, width=self.width)
        _doublings(self.size)

    def generator(self, random: torch.Generator) -> Generator:
        """A generator with fresh weights."""
        network = Generator(self.size, self.channels, self.z_dim, self.width, self.generator_norm)
        normal_(network, random, norm_std=0.02)
        return network

    def critic(self, random: torch.Generator) -> Critic:
        """A critic with fresh weights."""
        network = Critic(self.size, self.channels, self.width, self.critic_norm, self.final_relu)
        normal_(network, random, norm_std=0.02)
        return network
