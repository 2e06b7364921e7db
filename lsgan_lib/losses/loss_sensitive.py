"""Loss-Sensitive GAN and GLS-GAN: the critic is a loss, **low** for real samples.

Qi, "Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities", IJCV 2020,
arXiv 1701.06264. A fake sample should cost more than the real one it is paired with, by a margin
that is the distance between the two: L(x) <= L(G(z)) - margin(x, G(z)) (Qi, eq. 1).
"""

from typing import Literal

from torch import Tensor

from lsgan_lib.losses.checks import (
    check_choice,
    check_images,
    check_pairs,
    check_scores,
    check_settings,
)
from lsgan_lib.losses.costs import Cost, leaky


def margin(
    real_images: Tensor,
    fake_images: Tensor,
    *,
    norm: Literal["l1", "l2"] = "l1",
    scale: float = 2e-4,
    reduce: Literal["sum", "pixel"] = "sum",
) -> Tensor:
    """Distance between the two images of each pair: shape (N,), row i belongs to pair i.

        l1, sum     scale * sum_j |x_j - y_j|             the seed's and the paper's choice
        l1, pixel   scale * mean_j |x_j - y_j|
        l2, sum     scale * sqrt(sum_j (x_j - y_j)^2)
        l2, pixel   scale * sqrt(mean_j (x_j - y_j)^2)

    real_images, fake_images: (N, ...), one shape. scale: the seed's ``--lamb``; its 2e-4 belongs to
    the *summed* L1 distance of 64 x 64 x 3 images in [-1, 1], where it gives margins near 1.
    Raises ValueError for unpaired shapes, another norm or reduction, and a scale that is negative
    or not finite. Chapter 08.
    """
    check_images(real_images=real_images, fake_images=fake_images)
    check_pairs(real_images=real_images, fake_images=fake_images)
    check_choice("norm", norm, ("l1", "l2"))
    check_choice("reduce", reduce, ("sum", "pixel"))
    check_settings(scale=scale)
    if scale < 0:
        raise ValueError(f"scale is {scale}, but a margin cannot be negative.")
    difference = (real_images - fake_images).flatten(start_dim=1)  # (N, D)
    if norm == "l1":
        distance = difference.abs().sum(dim=1)
        size = difference.shape[1]
    else:
        distance = difference.norm(dim=1)
        size = difference.shape[1] ** 0.5
    return scale * (distance / size if reduce == "pixel" else distance)


def violation(real: Tensor, fake: Tensor, margin: Tensor) -> Tensor:
    """margin + L(x) - L(G(z)) of each pair, shape (N,): positive where the margin is not kept."""
    check_scores(real=real, fake=fake, margin=margin)
    check_pairs(real=real, fake=fake, margin=margin)
    return margin + real - fake


def critic_loss(
    real: Tensor,
    fake: Tensor,
    margin: Tensor,
    *,
    cost: Cost | None = None,
    real_weight: float = 0.0,
) -> Tensor:
    """Cost of the margin violations, pair by pair (Qi, eq. 6; GLS-GAN for other costs).

        real_weight * mean L(x) + mean C(margin + L(x) - L(G(z)))

    real, fake, margin: (N,) each; row i of the three is one pair. cost: one of
    `lsgan_lib.losses.costs`, by default the hinge leaky(0) of LS-GAN. real_weight: the paper's
    first term divided by its lambda; 0, as in the seed, is its limit lambda -> infinity.
    Returns a scalar to be minimised by the critic. Raises ValueError where the three shapes differ
    - with (N, 1, 1, 1) against (N,) every pair would meet every other pair's margin.
    """
    check_settings(real_weight=real_weight)
    if real_weight < 0:
        raise ValueError(f"real_weight is {real_weight}, but real samples must not be made costly.")
    loss = (cost or leaky(0.0))(violation(real, fake, margin)).mean()
    return loss + real_weight * real.mean() if real_weight else loss


def generator_loss(fake: Tensor) -> Tensor:
    """mean L(G(z)) (Qi, eq. 7): the generator lowers the loss that its samples are given.

    fake: (N,). Returns a scalar to be minimised by the generator.
    """
    check_scores(fake=fake)
    return fake.mean()
