"""The original GAN's losses, on logits: the baseline that both families are compared with.

Goodfellow et al., "Generative Adversarial Networks", 2014, arXiv 1406.2661.
"""

from torch import Tensor
from torch.nn.functional import softplus

from lsgan_lib.losses.checks import check_scores


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Binary cross-entropy of a classifier that should say 1 to real and 0 to fake samples.

        -mean log sigmoid(real) - mean log (1 - sigmoid(fake))

    computed as softplus(-real) and softplus(fake), which neither overflow nor lose the tail.
    real, fake: logits, shapes (N,) and (M,). Returns a scalar to be minimised by the critic.
    """
    check_scores(real=real, fake=fake)
    return softplus(-real).mean() + softplus(fake).mean()


def generator_loss(fake: Tensor, *, saturating: bool = False) -> Tensor:
    """The generator's side, in either of its two forms (chapter 02, section on gradients).

        non-saturating   -mean log sigmoid(fake)          gradient sigmoid(fake) - 1
        saturating        mean log (1 - sigmoid(fake))    gradient -sigmoid(fake)

    The first dies where the critic is fooled, the second where the critic is sure.
    fake: logits, shape (N,). Returns a scalar to be minimised by the generator.
    """
    check_scores(fake=fake)
    return -softplus(fake).mean() if saturating else softplus(-fake).mean()
