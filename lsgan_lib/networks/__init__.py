"""Generators and critics, one file per architecture family.

Each family comes with a frozen dataclass of its settings, the form that recipes hold; its
`.generator(random)` and `.critic(random)` build the two networks with fresh weights.
"""

from lsgan_lib.networks.dcgan import DCGANNetworks
from lsgan_lib.networks.least_squares import LeastSquaresNetworks
from lsgan_lib.networks.loss_sensitive import LossSensitiveNetworks
from lsgan_lib.networks.mlp import MLPNetworks
from lsgan_lib.networks.small_digits import SmallDigitsNetworks

AnyNetworks = (
    LeastSquaresNetworks | LossSensitiveNetworks | DCGANNetworks | SmallDigitsNetworks | MLPNetworks
)
"""The families a recipe can name."""

__all__ = [
    "AnyNetworks",
    "DCGANNetworks",
    "LeastSquaresNetworks",
    "LossSensitiveNetworks",
    "MLPNetworks",
    "SmallDigitsNetworks",
]
