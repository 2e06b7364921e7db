"""How far apart are two distributions? For tables of probabilities, and for points whose
distribution is known only through samples.

All values are in nats (natural logarithms). A density becomes a table on a `Window`.
"""

import torch
from torch import Tensor

from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.evaluation.window import Window


def kullback_leibler(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) = sum p log(p / q); a place with p = 0 adds nothing, one with q = 0 < p infinity.

    p, q: probabilities of the same places, any one shape. Returns a scalar >= 0.
    Raises ValueError for tables of two shapes, and for one that is no table of probabilities.
    """
    _check_tables(p=p, q=q)
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum()


def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    """Jensen-Shannon divergence: mean KL of p and q to their mixture (chapter 01, (1.4)).

        JS = 1/2 KL(p || m) + 1/2 KL(q || m),  m = (p + q) / 2

    0 where p = q, log 2 where they share no place. Goodfellow et al. 2014, section 4.1.
    p, q: probabilities of the same places, any one shape. Returns a scalar; errors as above.
    """
    middle = (p + q) / 2 if p.shape == q.shape else p  # other shapes are refused below
    _check_tables(p=p, q=q)
    return (kullback_leibler(p, middle) + kullback_leibler(q, middle)) / 2


def triangular(p: Tensor, q: Tensor) -> Tensor:
    """Triangular discrimination: sum (p - q)^2 / (p + q), from 0 to 2 (chapter 02, (2.5)).

    p, q: probabilities of the same places, any one shape. Returns a scalar; errors as above.
    """
    _check_tables(p=p, q=q)
    return ((p - q).square() / (p + q)).nan_to_num(0.0).sum()  # an empty place is 0/0


def blurred_jensen_shannon(points: Tensor, data: Mixture, window: Window, blur: float) -> Tensor:
    """Jensen-Shannon divergence of samples to a mixture, after both are blurred alike.

    Each point of either distribution is moved by normal noise of standard deviation `blur`. For
    the mixture that is exact, for the samples it is a kernel density estimate with that bandwidth.
    Moving both alike can only make them more alike (data processing inequality), so with many
    samples this is a lower bound of the divergence without blur. With N samples even a perfect
    generator does not reach 0: the estimate trembles with the samples, less for larger N and blur.
    points: (N, 2). Returns a scalar between 0 and log 2.
    """
    real = window.table(window.density(data, blur))
    fake = window.table(window.kernel_density(points, blur))
    return jensen_shannon(real, fake)


def _check_tables(p: Tensor, q: Tensor) -> None:
    """Refuse what is no pair of distributions over the same places."""
    if p.shape != q.shape:
        raise ValueError(
            f"p and q must list the same places, but have shapes {tuple(p.shape)} and "
            f"{tuple(q.shape)}."
        )
    for name, table in (("p", p), ("q", q)):
        if not bool((table >= 0).all()) or abs(table.sum().item() - 1) > 1e-3:
            raise ValueError(
                f"{name} must hold probabilities: none negative, and a sum of 1, not "
                f"{table.sum().item():g}. Multiply a density by the area of a cell."
            )
