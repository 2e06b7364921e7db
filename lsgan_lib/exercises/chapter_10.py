"""Checks of the exercises in chapter 10, *Slide from LS-GAN to WGAN*.

Every expected value comes from a route of its own, not from the formula that the exercise asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor

from lsgan_lib.exercises import (
    NotAttempted,
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
from lsgan_lib.experiments.tables import load_table
from lsgan_lib.losses import loss_sensitive
from lsgan_lib.losses.costs import leaky

SLOPES = (-1.0, 0.0, 0.25, 1.0)
OF_GENERATORS = ("modes", "high_quality", "distance")


@exercise("10.1")
def check_10_1(violation: Any, costs: Any, derivatives: Any) -> Verdict:
    """A pair that has kept its margin, under four costs."""
    low, margin = torch.ones(1), torch.full((1,), 2.0)
    high = torch.full((1,), 4.0, requires_grad=True)
    if not close(number(violation), loss_sensitive.violation(low, high.detach(), margin)[0]):
        return not_yet("the violation is margin + L(x) - L(y), and may be negative")
    losses = torch.stack(
        [loss_sensitive.critic_loss(low, high, margin, cost=leaky(nu)) for nu in SLOPES]
    )
    slopes = torch.stack([torch.autograd.grad(loss, high, retain_graph=True)[0] for loss in losses])
    if not close(tensor(costs, (4,)), losses.detach()):
        return not_yet(
            "left of zero the cost is slope times violation; mind two signs for slope -1"
        )
    found, truth = tensor(derivatives, (4,)), slopes.flatten()
    if close(found, -truth):
        return not_yet("L(y) stands in the violation with a minus: the chain rule brings it out")
    if not close(found, truth):
        return not_yet("the derivative by L(y) is minus the slope of the cost at the violation")
    return correct("pulled back, left alone, pushed a little, pushed in full")


def _candidates() -> dict[str, tuple[Callable[[Tensor], Tensor], str]]:
    """Costs by name, each with the verdict that is known from its construction."""
    relu = torch.relu
    return {
        "the hinge": (relu, "passes"),
        "the identity": (lambda a: a, "passes"),
        "|a|": (lambda a: a.abs(), "passes"),
        "a + relu(-a)^2, a cost of no family": (lambda a: a + relu(-a).square(), "passes"),
        "ELU with alpha 1": (torch.nn.functional.elu, "passes"),
        "slope 1.5": (lambda a: torch.where(a < 0, 1.5 * a, a), "too cheap"),
        "ELU with alpha 2": (lambda a: torch.nn.functional.elu(a, alpha=2.0), "too cheap"),
        "a hinge that saturates at 5": (lambda a: relu(a).clamp_max(5.0), "too cheap"),
        "a^2": (lambda a: a.square(), "too cheap"),
        "softplus": (torch.nn.functional.softplus, "too dear"),
        "twice the hinge": (lambda a: 2 * relu(a), "too dear"),
        "a hinge lifted by 0.01": (lambda a: relu(a) + 0.01, "too dear"),
    }


@exercise("10.2")
def check_10_2(judge: Any) -> Verdict:
    """The reader's test of the condition on a cost."""
    words = ("passes", "too cheap", "too dear")
    for name, (cost, truth) in _candidates().items():
        said = choice(result(judge, cost), words)
        if said != truth:
            return not_yet(f"{name}: you say {said!r}; look at C(a) - a on both sides of 0")
    return correct(f"{len(_candidates())} costs judged, of both halves of the condition")


def equal_bounds(table: dict[str, Any]) -> list[float]:
    """Bounds for which every measure of every run is the same under all costs, look by look."""
    by_kappa = zip(*(row["cells"] for row in table["runs"]), strict=True)
    return [float(cells[0]["kappa"]) for cells in by_kappa if all(c == cells[0] for c in cells)]


def equal_costs(table: dict[str, Any]) -> list[str]:
    """Costs whose generators are the same under all bounds, look by look.

    Margin, slope and active hinges are measured in units of the bound, so they are left out.
    """
    return [
        row["cost"]
        for row in table["runs"]
        if all(cell[m] == row["cells"][0][m] for cell in row["cells"] for m in OF_GENERATORS)
    ]


@exercise("10.3")
def check_10_3(bounds: Any, cost: Any, shows: Any) -> Verdict:
    """Which cells of the recorded table are one and the same."""
    try:
        found = sorted(float(bound) for bound in bounds)
    except TypeError:
        raise Unusable("a list of bounds is asked for, such as [2, 8]") from None
    table = load_table("slopes")
    truth = equal_bounds(table)
    if missing := [bound for bound in truth if bound not in found]:
        return not_yet(f"compare the runs of κ = {missing[0]:g} once more, seed by seed")
    if extra := [bound for bound in found if bound not in truth]:
        return not_yet(f"κ = {extra[0]:g}: look at the runs, not at their means")
    if choice(cost, tuple(row["cost"] for row in table["runs"])) not in equal_costs(table):
        return not_yet("for which cost does the margin drop out of every gradient?")
    if choice(shows, ("nothing", "a draw", "a win")) != "nothing":
        return not_yet("were two methods compared at all, where every hinge was active?")
    return correct("one method under several names cannot speak for or against any of them")


@exercise("10.4")
def check_10_4(hinge: Any, cost: Any, squares: Any, distance: Any) -> Verdict:
    """Three places: the best critics of three columns of the map, by search."""
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.25, 0.75])
    scores = np.linspace(-3, 3, 6_001)
    by_score = p[:, None] * np.maximum(1 - scores, 0) + q[:, None] * np.maximum(1 + scores, 0)
    found = tensor(hinge, (3,)).double().numpy()
    costs = p * np.maximum(1 - found, 0) + q * np.maximum(1 + found, 0)
    if (costs > by_score.min(axis=1) + 2e-3).any():  # not the scores: some are free beyond 1
        return not_yet("place by place: which score makes p (1 - D)+ + q (1 + D)+ smallest?")
    if not close(number(cost), by_score.min(axis=1).sum(), within=2e-3):
        return not_yet("put the best scores in, and add up over the places")
    squared = p[:, None] * (scores - 1) ** 2 + q[:, None] * scores**2
    if not close(tensor(squares, (3,)), scores[squared.argmin(axis=1)], within=2e-3):
        return not_yet("least squares: the minimum of p (D - 1)^2 + q D^2 at each place")
    truth = wasserstein_distance([0, 1, 2], [0, 1, 2], p, q)
    if not close(number(distance), truth, within=1e-6):
        return not_yet("carry the mass of p to that of q: mass times way, at the least")
    return correct("three critics of one pair of tables, and what each leaves to the generator")


@exercise("10.5")
def check_10_5(upright: Any, turned: Any, verdict: Any) -> Verdict:
    """Reconstruction errors of digits as they are and upside down, and what they support."""
    first, second = _errors(upright), _errors(turned)
    said = choice(verdict, ("knows", "cannot tell"))
    more = second.mean().item() / first.mean().item()
    supported = "knows" if more >= 1.05 else "cannot tell"
    if said != supported:
        return not_yet(f"by the rule of the exercise these numbers say {supported!r}")
    return correct(f"upside down the error is {more:.2f} times as large: {said}")


def _errors(values: Any) -> Tensor:
    errors = torch.as_tensor(values).double().flatten()
    if len(errors) != 60:
        raise Unusable(f"bring the error of each of the sixty digits, not {len(errors)} numbers")
    if not errors.isfinite().all() or (errors <= 0).any():
        raise Unusable("an error is a positive number; these are not all")
    return errors


@exercise("10.6")
def check_10_6(cost: Any) -> Verdict:
    """A cost to order: allowed, never far below zero, and asking kept pairs for more."""
    if not callable(cost):
        raise Unusable(f"a function is asked for, this is a {type(cost).__name__}")
    a = torch.linspace(-100, 20, 240_001, dtype=torch.float64)
    value = cost(a)
    if value is None:
        raise NotAttempted
    value = tensor(value, tuple(a.shape))
    if not value.isfinite().all():
        return not_yet("the cost is not finite everywhere between -100 and 20")
    if (value < a - 1e-9).any():
        where = a[value < a - 1e-9][-1].item()
        return not_yet(f"C(a) < a at a = {where:.3g}: a critic would gain by being steep")
    if not close(value[a >= 0], a[a >= 0], within=1e-9):
        return not_yet("from 0 on the cost must be a itself")
    if value.min() < -0.5 - 1e-9:
        return not_yet(f"the cost falls to {value.min().item():.3g}, below -1/2")
    slope = value.diff() / a.diff()
    kept = (a[1:] <= 0) & (a[:-1] >= -2)
    if slope[kept].min() < 0.1 - 1e-6:
        where = a[:-1][kept][slope[kept].argmin()].item()
        return not_yet(f"at a = {where:.3g} a kept pair is asked for {slope[kept].min():.2g} only")
    return correct(
        f"allowed; the floor is {value.min().item():.3g}, and the least push of a kept pair "
        f"{slope[kept].min().item():.2g}"
    )
