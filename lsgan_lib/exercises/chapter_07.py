"""Checks of the exercises in chapter 07, *Derive the loss-sensitive GAN*.

Every expected value comes from a route of its own, not from the formula that the exercise asks for.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lsgan_lib.evaluation.cones import BestCritics, best_critics, upper_cone
from lsgan_lib.exercises import (
    Unusable,
    Verdict,
    choice,
    close,
    correct,
    exercise,
    not_yet,
    number,
    result,
    tensor,
)
from lsgan_lib.losses import loss_sensitive
from lsgan_lib.losses.costs import absolute, leaky


@exercise("7.1")
def check_7_1(mean_hinge: Any, slopes: Any, mean_identity: Any) -> Verdict:
    """One real sample, a near and a far generated one."""
    losses = torch.tensor([0.5, 2.0, 2.0], dtype=torch.float64, requires_grad=True)
    margin = torch.tensor([1.0, 4.0], dtype=torch.float64)
    pairs = losses[:1].expand(2), losses[1:], margin
    loss = loss_sensitive.critic_loss(*pairs)
    (truth,) = torch.autograd.grad(loss, losses)
    found = number(mean_hinge)
    if close(found, 2 * loss, within=1e-6):
        return not_yet("this is the sum of both hinges; their mean is asked for")
    if not close(found, loss, within=1e-6):
        return not_yet("what is missing is margin + L(x) - L(y), or nothing if that is negative")
    answer = tensor(slopes, (3,)).double()
    if close(answer, -truth, within=1e-6):
        return not_yet("slopes of the loss, not the way down: the real one's is positive")
    if close(answer, 2 * truth, within=1e-6):
        return not_yet("the mean over two pairs brings a factor 1/2")
    if not close(answer, truth, within=1e-6):
        return not_yet("only a pair that misses its margin has slopes: +1/2 by L(x), -1/2 by L(y)")
    if not close(number(mean_identity), loss_sensitive.critic_loss(*pairs, cost=leaky(1.0))):
        return not_yet("without the hinge a pair that exceeds its margin counts negative")
    return correct("the near sample has met its demand and feels nothing")


@exercise("7.2")
def check_7_2(quarter: Any, three: Any) -> Verdict:
    """One pair at the distance 2, flat and steep."""
    for kappa, answer in ((0.25, quarter), (3.0, three)):
        best = best_critics(torch.zeros(1, 1), torch.full((1, 1), 2.0), kappa=kappa)
        value, least, greatest = tensor(answer, (3,)).double().tolist()
        if not (close(least, best.least[1], within=1e-4) and least <= greatest + 1e-6):
            return not_yet(
                f"κ = {kappa:g}: the real point is at 0; how high must, and can, the other be?"
            )
        if not close(greatest, best.greatest[1], within=1e-4):
            return not_yet(f"κ = {kappa:g}: once the margin is kept, only the slope sets a limit")
        if not close(value, best.value, within=1e-4):
            return not_yet(f"κ = {kappa:g}: S is what is still missing of the margin 2")
    return correct("below slope 1 one critic is best; above it a whole range is, and S is 0")


def scanned(x: float, points: list[float], values: list[float], kappa: float) -> tuple[float, ...]:
    """The lowest and the highest of finely spaced values that break no slope; NaN if none fits."""
    known = list(zip(points, values, strict=True))
    if any(abs(v - w) > kappa * abs(a - b) + 1e-9 for a, v in known for b, w in known):
        return math.nan, math.nan
    if min(values) < 0:
        return math.nan, math.nan
    tries = torch.linspace(0, 40, 40_001, dtype=torch.float64)
    fits = torch.ones_like(tries, dtype=torch.bool)
    for point, value in known:
        fits &= (tries - value).abs() <= kappa * abs(x - point) + 1e-9
    return tries[fits].min().item(), tries[fits].max().item()


@exercise("7.3")
def check_7_3(bounds_at: Any) -> Verdict:
    """The range of a critic at one place."""
    cases = [
        (1.0, [0.0, 4.0], [1.0, 3.0], 1.0, "two cones on either side: take the tighter one"),
        (9.0, [0.0, 4.0], [1.0, 3.0], 0.5, "outside of the points the same formula holds"),
        (
            2.0,
            [0.0, 4.0],
            [0.5, 0.5],
            1.0,
            "a critic is never negative: the floor is part of (7.7)",
        ),
        (4.0, [0.0, 4.0, 5.0], [1.0, 3.0, 2.0], 2.0, "at a point itself both bounds are its value"),
        (-1.0, [0.5], [2.0], 3.0, "one point is enough for two bounds"),
    ]
    for x, points, values, kappa, hint in cases:
        low, high = (number(end) for end in _pair(result(bounds_at, x, points, values, kappa)))
        truth = scanned(x, points, values, kappa)
        if not close([low, high], truth, within=2e-3):
            return not_yet(f"x = {x:g}, points {points}, values {values}, κ = {kappa:g}: {hint}")
    steep = _pair(result(bounds_at, 1.0, [0.0, 2.0], [0.0, 5.0], 1.0))
    if not all(math.isnan(number(end)) for end in steep):
        return not_yet("values 0 and 5 at the distance 2 need a slope of 2.5: no critic of slope 1")
    return correct("lower and upper cone, and a critic that cannot exist is refused")


@exercise("7.4")
def check_7_4(loss: Any, with_absolute: Any, proves: Any) -> Verdict:
    """A row of a log in which every hinge is active."""
    row = torch.tensor([-3.0]), torch.tensor([-2.6]), torch.tensor([1.2])
    if not close(number(loss), loss_sensitive.critic_loss(*row), within=1e-3):
        return not_yet("all hinges are active, so the mean of the hinges is the hinge of the means")
    if not close(
        number(with_absolute), loss_sensitive.critic_loss(*row, cost=absolute()), within=1e-3
    ):
        return not_yet("which of the pairs lie where |a| and the hinge differ?")
    if choice(proves, ("yes", "no")) != "no":
        return not_yet("slope below 1 makes all hinges active; is that the only way to get there?")
    return correct("0.8 either way; and an untrained critic of any slope can show such a row")


@exercise("7.5")
def check_7_5(flat: Any, steep: Any, verdict: Any) -> Verdict:
    """Gaps of trained networks of two slopes, and what they support."""
    first, second = _gaps(flat), _gaps(steep)
    said = choice(verdict, ("steeper memorises more", "cannot tell"))
    supported = "steeper memorises more" if min(second) > max(first) else "cannot tell"
    if said != supported:
        return not_yet(f"by the rule of the exercise these numbers say {supported!r}")
    return correct(f"{len(first)} against {len(second)} seeds: {said}")


def depth_of_pits(best: BestCritics) -> Tensor:
    """How far the critic over the least values rises around each generated point: (m,).

    In units of what slope kappa allows, the lowest of 32 directions; 1 is a pit, at most 0 none.
    """
    apart = torch.cdist(best.points, best.points)
    radius = 0.01 * apart[apart > 0].min()
    turn = torch.arange(32, dtype=torch.float64) * math.tau / 32
    ring = radius * torch.stack([turn.cos(), turn.sin()], dim=1)
    around = (best.fake[:, None] + ring).flatten(0, 1)
    heights = upper_cone(around, best.points, best.least, best.kappa, norm="l2")
    rise = heights.view(-1, 32).amin(dim=1) - best.least[len(best.real) :]
    return rise / (best.kappa * radius)


@exercise("7.6")
def check_7_6(real: Any, fake: Any, kappa: Any) -> Verdict:
    """A game whose critic of least values holds every generated point in a pit."""
    clouds = [torch.as_tensor(points, dtype=torch.float64) for points in (real, fake)]
    for cloud in clouds:
        if cloud.ndim != 2 or cloud.shape[1] != 2 or len(cloud) < 3:
            raise Unusable("bring at least three real and three generated points, shape (n, 2)")
        if len(cloud) > 30:
            raise Unusable("at most thirty points a side, please")
    points = torch.cat(clouds)
    if (torch.cdist(points, points) + torch.eye(len(points))).min() < 1e-3:
        raise Unusable("keep all points at least 0.001 apart")
    slope = number(kappa)
    if not 0 < slope <= 2:
        raise Unusable("the slope must lie between 0 and 2")
    best = best_critics(*clouds, kappa=slope, norm="l2")
    pits = depth_of_pits(best) > 0.5
    if not pits.all():
        free = int((~pits).sum())
        return not_yet(
            f"{free} of {len(pits)} generated points can leave; "
            f"{best.active():.0%} of the hinges are active, and an active one holds no pit"
        )
    return correct(
        f"{len(pits)} pits at slope {slope:g}: all margins are kept, and no one can leave"
    )


def _pair(answer: Any) -> tuple[Any, Any]:
    try:
        low, high = answer
    except (TypeError, ValueError):
        raise Unusable("return two numbers, the lowest and the highest") from None
    return low, high


def _gaps(values: Any) -> list[float]:
    gaps = [float(value) for value in torch.as_tensor(values).flatten()]
    if len(gaps) < 3:
        raise Unusable("bring the gaps of at least three seeds for each slope")
    if not all(math.isfinite(gap) for gap in gaps):
        raise Unusable("a gap that is not finite says that something went wrong in training")
    return gaps
