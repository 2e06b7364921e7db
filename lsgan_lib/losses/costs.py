"""Costs C(a) of a margin violation a, the part that GLS-GAN generalises.

A cost must satisfy C(a) >= a for every a and C(a) = a for a >= 0 (Qi 2020, arXiv 1701.06264,
the GLS-GAN section). Each family here refuses the parameters that would break this.
"""

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import elu as torch_elu
from torch.nn.functional import leaky_relu

from lsgan_lib.losses.checks import check_settings

Cost = Callable[[Tensor], Tensor]


def leaky(slope: float = 0.0) -> Cost:
    """C(a) = max(a, slope * a), for slope <= 1.

    slope 0 is the hinge of LS-GAN; 1 is the identity, with which the margin drops out and WGAN's
    objective remains; -1 is |a|. Raises ValueError for a slope above 1 (there C(a) < a for a < 0)
    and for one that is not finite.
    """
    check_settings(slope=slope)
    if slope > 1:
        raise ValueError(f"slope is {slope}, but above 1 the cost of a < 0 is less than a.")
    return lambda violation: leaky_relu(violation, negative_slope=slope)


def elu(alpha: float = 1.0) -> Cost:
    """C(a) = a for a >= 0, alpha * (exp(a) - 1) for a < 0, for alpha <= 1.

    Since 0 > exp(a) - 1 >= a left of zero, C(a) >= a holds for exactly these alpha. Raises
    ValueError for others: above 1 the curve dips below the line just left of zero.
    """
    check_settings(alpha=alpha)
    if alpha > 1:
        raise ValueError(f"alpha is {alpha}, but above 1 the cost just left of 0 is less than a.")
    return lambda violation: torch_elu(violation, alpha=alpha)


def absolute() -> Cost:
    """C(a) = |a|: a pair that exceeds its margin is pulled back to it (the same as leaky(-1))."""
    return lambda violation: violation.abs()
