"""Wasserstein GAN: the critic's mean score on real data minus that on fake data.

Arjovsky et al., "Wasserstein GAN", 2017, arXiv 1701.07875. Unbounded unless the critic's slope is
held: see `lsgan_lib.losses.penalties`. The critic scores real data high.
"""

from torch import Tensor

from lsgan_lib.losses.checks import check_scores


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """mean fake - mean real, for scores of shapes (N,) and (M,). Minimised by the critic."""
    check_scores(real=real, fake=fake)
    return fake.mean() - real.mean()


def generator_loss(fake: Tensor) -> Tensor:
    """-mean fake, for scores of shape (N,). Minimised by the generator."""
    check_scores(fake=fake)
    return -fake.mean()
