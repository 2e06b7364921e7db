"""Least Squares GAN: real scores are pulled to b, fake ones to a; the generator aims at c.

Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017, arXiv 1611.04076.
The critic ends in a linear layer. A sigmoid before these losses would bring back the flat regions
that the squares remove.
"""

from torch import Tensor

from lsgan_lib.losses.checks import check_scores, check_settings


def check_coding(a: float, b: float) -> None:
    """Refuse equal targets for fake and real scores; raises ValueError."""
    if a == b:
        raise ValueError(
            f"a and b are both {a}: without different targets the critic has nothing to tell apart."
        )


def critic_loss(real: Tensor, fake: Tensor, *, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Squared distance of the scores from their targets (Mao et al., eq. 2; chapter 02, (2.1)).

        1/2 mean (real - b)^2 + 1/2 mean (fake - a)^2

    real, fake: critic scores, shapes (N,) and (M,), no sigmoid before them.
    a, b: targets for fake and real scores; a must differ from b.
    Returns a scalar to be minimised by the critic. Raises ValueError for other shapes, for
    settings that are not finite, and for a == b, where the critic could learn nothing.
    """
    check_scores(real=real, fake=fake)
    check_settings(a=a, b=b)
    check_coding(a, b)
    return 0.5 * (real - b).square().mean() + 0.5 * (fake - a).square().mean()


def generator_loss(fake: Tensor, *, c: float = 1.0) -> Tensor:
    """Squared distance of the fake scores from c (Mao et al., eq. 2; chapter 02, (2.2)).

        1/2 mean (fake - c)^2

    fake: critic scores of generated samples, shape (N,). c: the score the generator aims at.
    Returns a scalar to be minimised by the generator. Raises ValueError as `critic_loss` does.
    """
    check_scores(fake=fake)
    check_settings(c=c)
    return 0.5 * (fake - c).square().mean()
