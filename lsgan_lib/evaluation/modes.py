"""Count the modes that samples reach, by the published protocol; and densities of points.

The protocol is that of VEEGAN (Srivastava et al. 2017, arXiv 1705.07761) and PacGAN (Lin et al.
2018, arXiv 1712.04086), as the code of PacGAN has it (fjxmlzn/PacGAN, synthetic_data_experiments):
2,500 samples; a sample is *of high quality* within 3 standard deviations of its nearest centre; a
mode counts from one high-quality sample on. Their data: a ring of 8 modes, radius 1, standard
deviation 0.01, and a grid of 25, spacing 2, standard deviation 0.05. Published counts depend on
every one of these numbers: give them with any count.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.evaluation.window import kernel_density
from lsgan_lib.losses.checks import check_settings

SAMPLES = 2_500
"""drawn for one count, as published"""
WITHIN = 3.0
"""standard deviations around its centre in which a sample is of high quality, as published"""


@dataclass(frozen=True)
class ModeCount:
    """What one set of samples reaches of a mixture."""

    counts: Tensor
    """(K,) high-quality samples at each mode"""
    samples: int
    """of high quality or not"""
    weights: Tensor
    """(K,) what the data give to each mode"""

    @property
    def modes(self) -> int:
        """Modes with at least one high-quality sample."""
        return int((self.counts > 0).sum())

    @property
    def high_quality(self) -> float:
        """Share of the samples that are of high quality; 1 - exp(-9/2) = 0.989 for true data."""
        return self.counts.sum().item() / self.samples

    @property
    def reverse_kl(self) -> float:
        """KL(generated || data) over the modes; NaN where no sample is of high quality.

            sum_k q_k log(q_k / w_k),  q_k = counts_k / sum counts

        Chapter 05, (5.2). Samples that are not of high quality belong to no mode and are left out.
        A missing mode adds nothing (0 log 0 = 0) but what the others then have too much. The other
        direction, KL(data || generated), would be infinite as soon as one mode is missing.
        """
        if not self.counts.sum():
            return float("nan")
        share = self.counts.double() / self.counts.sum()
        return torch.xlogy(share, share / self.weights.double()).sum().item()


def count_modes(points: Tensor, mixture: Mixture, *, within: float = WITHIN) -> ModeCount:
    """Give each sample to its nearest centre, if that is near enough.

        k(x) = argmin_k |x - centre_k|,   high quality: |x - centre_k(x)| < within * std

    points: (N, D). Chapter 05, (5.1). Raises ValueError for points of another shape, and for a
    `within` that is not positive. A sample with coordinates that are no numbers is of low quality.
    """
    check_settings(within=within)
    if within <= 0:
        raise ValueError(f"within is {within}, but must be positive.")
    modes, dim = mixture.centres.shape
    if points.ndim != 2 or points.shape[1] != dim or len(points) == 0:
        raise ValueError(
            f"points must be (N, {dim}) with N >= 1, as the mixture's centres, not "
            f"{tuple(points.shape)}."
        )
    # Without the shortcut by matrix products: it loses the last digits, and 0.03 is little.
    distances = torch.cdist(points, mixture.centres, compute_mode="donot_use_mm_for_euclid_dist")
    distance, nearest = distances.min(dim=1)
    good = nearest[distance < within * mixture.std]  # a comparison with NaN is false
    return ModeCount(torch.bincount(good, minlength=modes), len(points), mixture.weights)


def smoothed(points: Tensor, width: float | None, *, span: float, cells: int = 64) -> Tensor:
    """Density of points on a square grid, each point spread out as a Gaussian (a KDE).

        p(x) = 1/N sum_i N(x; points_i, width^2 I)

    points: (N, 2). width: standard deviation of each bump; None takes Scott's rule, N^(-1/6) times
    the standard deviation of the points, the default of common plotting libraries. span: half the
    side of the square around 0. Returns (cells, cells), rows from low to high y.
    """
    if width is None:
        width = len(points) ** (-1 / 6) * points.std(dim=0).mean().item()
    check_settings(width=width, span=span)
    return kernel_density(torch.linspace(-span, span, cells), points, width)
