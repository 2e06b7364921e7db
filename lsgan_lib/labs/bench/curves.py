"""The loss bench's settings, and what they make of a single score: losses, slopes, the best score.

Every curve is the library's own loss, differentiated by autograd. Chapter 02.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from lsgan_lib.losses import costs, cross_entropy, least_squares, loss_sensitive, wasserstein

Family = Literal[
    "least squares", "cross-entropy", "saturating", "Wasserstein", "LS-GAN, leaky", "LS-GAN, ELU"
]
OverPlane = Literal["straight", "best"]
FAMILIES: tuple[Family, ...] = Family.__args__  # type: ignore[attr-defined]
PAIRED: tuple[Family, ...] = ("LS-GAN, leaky", "LS-GAN, ELU")
"""their critic is a loss: low is real, and it looks at pairs"""
SQUEEZED: tuple[Family, ...] = ("least squares", "cross-entropy", "saturating")
"""their critic is best without a bound on its slope"""


@dataclass(frozen=True)
class BenchSettings:
    """All that the loss bench's picture depends on."""

    family: Family = "least squares"
    a: float = 0.0
    """least squares: target for generated scores"""
    b: float = 1.0
    """least squares: target for real scores"""
    c: float = 1.0
    """least squares: score that the generator aims at"""
    slope: float = 0.0
    """LS-GAN, leaky: slope of the cost of a margin that is kept"""
    alpha: float = 1.0
    """LS-GAN, ELU: depth of the cost of a margin that is kept, 0 to 1"""
    margin: float = 1.0
    """LS-GAN: of every pair"""
    share: float = 0.5
    """of real samples among all that turn up at one place, between 0 and 1"""
    critic: OverPlane = "straight"
    """over the plane: as steep everywhere, or the best one between real and caught points"""
    size: float = 0.5
    """of a gradient step"""
    steps: int = 1
    """how many"""


Loss = Callable[[Tensor], Tensor]


class Losses(NamedTuple):
    """The losses of one family under one setting; scores (N,) in, a scalar out."""

    critic: Callable[[Tensor, Tensor], Tensor]
    """of real and generated scores, as many of each"""
    generator: Loss
    """of generated scores"""
    real: Loss
    """the critic's, of real scores alone"""
    fake: Loss
    """the critic's, of generated scores alone"""


def losses(settings: BenchSettings) -> Losses:
    """The library's losses. Raises ValueError, as they do, where a equals b."""
    match settings.family:
        case "least squares":
            a, b, c = settings.a, settings.b, settings.c
            least_squares.check_coding(a, b)
            return _alone(
                lambda real, fake: least_squares.critic_loss(real, fake, a=a, b=b),
                lambda fake: least_squares.generator_loss(fake, c=c),
                (b, a),
            )
        case "cross-entropy" | "saturating":
            saturating = settings.family == "saturating"
            return _alone(
                cross_entropy.critic_loss,
                lambda fake: cross_entropy.generator_loss(fake, saturating=saturating),
                (math.inf, -math.inf),
            )
        case "Wasserstein":
            return _alone(wasserstein.critic_loss, wasserstein.generator_loss, (0.0, 0.0))
    cost = costs.leaky(settings.slope)
    if settings.family == "LS-GAN, ELU":
        cost = costs.elu(settings.alpha)

    def paired(real: Tensor, fake: Tensor) -> Tensor:
        margins = torch.full_like(real, settings.margin)
        return loss_sensitive.critic_loss(real, fake, margins, cost=cost)

    return _alone(paired, loss_sensitive.generator_loss, (0.0, 0.0))


def _alone(
    critic: Callable[[Tensor, Tensor], Tensor], generator: Loss, others: tuple[float, float]
) -> Losses:
    """Split a critic's loss in two: one kind of scores moves, the other kind stands at `others`.

    others: a real and a generated score which cost nothing themselves. A pair has no such scores:
    there the partner stands at 0.
    """
    real, fake = others
    return Losses(
        critic,
        generator,
        lambda scores: critic(scores, torch.full_like(scores, fake)),
        lambda scores: critic(torch.full_like(scores, real), scores),
    )


def curve(loss: Loss, scores: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of a single score and its slope, at each of the scores (N,): (N,), (N,)."""
    value = torch.vmap(lambda score: loss(score[None]))(scores)
    scores = scores.detach().requires_grad_()
    (slope,) = torch.autograd.grad(loss(scores) * len(scores), scores)  # without the mean's 1/N
    return value, slope


def best_scores(settings: BenchSettings) -> tuple[float, float] | None:
    """The lowest and the highest score that is best at a place; None if none is: it runs away.

        minimise  share * real(s) + (1 - share) * fake(s)

    share: of the settings. Least squares: (2.4), share * b + (1 - share) * a. Of a pair the
    partner's loss is 0.
    """
    share, rest = settings.share, 1 - settings.share
    even = math.isclose(share, rest)
    match settings.family:
        case "least squares":
            best = share * settings.b + rest * settings.a
            return best, best
        case "cross-entropy" | "saturating":
            best = math.log(share / rest)
            return best, best
        case "Wasserstein":
            return (-math.inf, math.inf) if even else None
    # The slope of the place's loss is 2 share - 1 between -margin and margin, and bends there.
    if settings.family == "LS-GAN, leaky" and settings.slope == 1:
        return (-math.inf, math.inf) if even else None
    margin, more, less = settings.margin, max(share, rest), min(share, rest)
    if even:
        return -margin, margin
    low = high = margin  # of a place with more generated samples; mirrored for more real ones
    if settings.family == "LS-GAN, ELU":
        if more * settings.alpha > less:
            low = high = margin + math.log(more * settings.alpha / less)
    elif math.isclose(more * settings.slope, less):
        high = math.inf
    elif more * settings.slope > less:
        return None
    return (low, high) if share < rest else (-high, -low)
