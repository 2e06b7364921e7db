"""What the loss bench's losses do to a batch, and all numbers of one picture. Chapter 02."""

from __future__ import annotations

import functools
from typing import NamedTuple

import torch
from torch import Tensor

from lsgan_lib.labs.bench.curves import (
    PAIRED,
    SQUEEZED,
    BenchSettings,
    best_scores,
    curve,
    losses,
)

CENTRE, CAUGHT, FOOLING = 1.0, -4.0, 6.0
"""where the real and the two halves of the generated points lie, uphill"""


class Batch(NamedTuple):
    """Points of the plane, 24 of a kind; the first coordinate is the height uphill."""

    real: Tensor
    """(24, 2), around height 1; or their scores (24,)"""
    fake: Tensor
    """(24, 2), half around height -4: caught, half around 6: beyond the real ones; or (24,)"""


def batch() -> Batch:
    """The same points each time, each kind with standard deviation 0.8 across and 1 uphill."""
    random = torch.Generator().manual_seed(2)
    noise = torch.randn(2, 24, 2, generator=random) * torch.tensor([1.0, 0.8])
    heights = torch.tensor([CAUGHT, FOOLING]).repeat(12)
    shift = torch.stack([heights, torch.zeros(24)], dim=1)
    return Batch(noise[0] + torch.tensor([CENTRE, 0.0]), noise[1] + shift)


def is_best(settings: BenchSettings) -> bool:
    """True if the critic over the plane is the best one: some families have none."""
    return settings.critic == "best" and settings.family in SQUEEZED


def critic_over_plane(settings: BenchSettings, points: Tensor) -> Tensor:
    """Scores (N,) of points (N, 2).

    straight  the height h; for a critic that is a loss 1 - h, so that real points cost 0 on average
    best      (2.4) and log p/q, for normal densities p around 1 and q around -4:
              log p/q = ((h + 4)^2 - (h - 1)^2) / 2
    """
    height = points[:, 0]
    if settings.family in PAIRED:
        return CENTRE - height
    if not is_best(settings):
        return height
    log_ratio = ((height - CAUGHT).square() - (height - CENTRE).square()) / 2
    if settings.family == "least squares":
        return settings.a + (settings.b - settings.a) * torch.sigmoid(log_ratio)
    return log_ratio


def critic_turn(settings: BenchSettings) -> Batch:
    """Scores of the straight critic after the critic's steps, were every score a free number.

    (24,) each, real and generated. Every score goes down the slope of the batch's loss, without
    the 1/24 of the mean; real score i is paired with generated score i.
    """
    loss, (real, fake) = losses(settings).critic, scores_before(settings)
    for _ in range(settings.steps):
        real, fake = real.requires_grad_(), fake.requires_grad_()
        slopes = torch.autograd.grad(loss(real, fake) * len(real), (real, fake))
        real = real.detach() - settings.size * slopes[0]
        fake = fake.detach() - settings.size * slopes[1]
    return Batch(real, fake)


def scores_before(settings: BenchSettings) -> Batch:
    """Scores (24,) of the batch, real and generated, by the straight critic."""
    sign, shift = (-1, CENTRE) if settings.family in PAIRED else (1, 0.0)
    return Batch(*(sign * points[:, 0] + shift for points in batch()))


def generator_turn(settings: BenchSettings) -> Tensor:
    """Generated points (24, 2) after the generator's steps: each goes down its own gradient.

    The critic stands still. As in `critic_turn`, without the 1/24 of the mean.
    """
    loss, points = losses(settings).generator, batch().fake
    for _ in range(settings.steps):
        points = points.requires_grad_()
        score = critic_over_plane(settings, points)
        (slope,) = torch.autograd.grad(loss(score) * len(points), points)
        points = points.detach() - settings.size * slope
    return points


RANGE = (-7.0, 9.0)
"""of the scores, and of the heights, that are shown"""


class Shown(NamedTuple):
    """All numbers of one picture. Curves by name: real, fake, place (both at one), generator."""

    scores: Tensor
    """(161,), every tenth"""
    values: dict[str, Tensor]
    slopes: dict[str, Tensor]
    best: tuple[float, float] | None
    """as `best_scores`"""
    before: Batch
    """scores"""
    after: Batch
    """scores"""
    points: Batch
    moved: Tensor
    """generated points (24, 2) after the generator's turn"""
    heights: Tensor
    """(161,), as the scores"""
    critic: Tensor
    """(161,), scores at the heights"""


@functools.lru_cache(maxsize=8)
def compute(settings: BenchSettings) -> Shown:
    """Everything that the picture shows. Raises ValueError where the library refuses a setting."""
    scores, found, share = torch.linspace(*RANGE, 161), losses(settings), settings.share
    drawn = {"real": found.real, "fake": found.fake, "generator": found.generator}
    both = {name: curve(loss, scores) for name, loss in drawn.items()}
    values, slopes = ({name: pair[i] for name, pair in both.items()} for i in (0, 1))
    for lines in (values, slopes):
        lines["place"] = share * lines["real"] + (1 - share) * lines["fake"]
    uphill = torch.stack([scores, torch.zeros_like(scores)], dim=1)
    return Shown(
        scores, values, slopes, best_scores(settings),
        scores_before(settings), critic_turn(settings), batch(), generator_turn(settings),
        scores, critic_over_plane(settings, uphill),
    )  # fmt: skip


def words(settings: BenchSettings) -> str:
    """What the picture shows, in a few sentences; or what the library says of these settings."""
    try:
        shown = compute(settings)
    except ValueError as refusal:
        return str(refusal)
    walked = (shown.moved - shown.points.fake).norm(dim=1)
    still = int((walked < 0.05).sum())
    place = f"{settings.family}: at a place where {settings.share:.0%} of the samples are real"
    match shown.best:
        case None:
            place += " no score is best: it runs away."
        case (low, high) if low == high:
            place += f" the critic's best score is {_number(low)}."
        case (low, high):
            place += f" every score from {_number(low)} to {_number(high)} is best."
    turn = f"Generator's turn: of {len(walked)} points {still} move less than 0.05, "
    return f"{place} {turn}the furthest {_number(float(walked.max()))}."


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−").replace("inf", "∞")
