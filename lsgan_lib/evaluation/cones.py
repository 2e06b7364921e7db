"""The best loss-sensitive critic on a few points, without a network: a linear programme, and cones.

Qi, arXiv 1701.06264, the non-parametric analysis (Theorem 2 and its corollaries). Chapter 07.

Of all critics whose slope is at most kappa, which minimise the objective on n real and m generated
points? Only the critic's values at the n + m points enter the objective, so the best values solve a
linear programme. Between the points a critic is bounded by two cones over these values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack
from torch import Tensor

from lsgan_lib.losses import loss_sensitive
from lsgan_lib.losses.checks import check_images, check_scores, check_settings

Norm = Literal["l1", "l2"]


def distances(points: Tensor, others: Tensor, *, norm: Norm = "l1") -> Tensor:
    """Distance of each of P points to each of K others: (P, K).

    points: (P, D), others: (K, D). The margin of `lsgan_lib.losses.loss_sensitive` at scale 1, of
    every pair instead of one partner for each.
    """
    check_images(points=points, others=others)
    pairs = points.repeat_interleave(len(others), dim=0), others.repeat(len(points), 1)
    return loss_sensitive.margin(*pairs, norm=norm, scale=1.0).view(len(points), len(others))


def violations(real_scores: Tensor, fake_scores: Tensor, margins: Tensor) -> Tensor:
    """margin + L(x_i) - L(y_j) of every pair: (n, m), positive where a hinge is active.

    real_scores: (n,), fake_scores: (m,), margins: (n, m). Raises ValueError where they do not fit.
    """
    check_scores(real_scores=real_scores, fake_scores=fake_scores)
    n, m = len(real_scores), len(fake_scores)
    if margins.shape != (n, m):
        raise ValueError(
            f"margins must have a row for each of the {n} real and a column for each of the {m} "
            f"generated points, but has shape {tuple(margins.shape)}."
        )
    pairs = real_scores.repeat_interleave(m), fake_scores.repeat(n), margins.flatten()
    return loss_sensitive.violation(*pairs).view(n, m)


def objective(
    real_scores: Tensor,
    fake_scores: Tensor,
    margins: Tensor,
    *,
    lam: float,
    p: Tensor | None = None,
    q: Tensor | None = None,
) -> Tensor:
    """The critic's objective over all pairs (Qi, eq. 8; chapter 07, (7.3)).

        sum_i p_i L(x_i) + lam sum_ij p_i q_j (margin_ij + L(x_i) - L(y_j))_+

    Scores and margins as in `violations`. p: (n,) and q: (m,), weights of the real and of the
    generated points, each with a sum of 1; equal ones if not given. Returns a scalar.
    """
    excess = violations(real_scores, fake_scores, margins).clamp_min(0)
    p, q = _weights("p", p, real_scores), _weights("q", q, fake_scores)
    return p @ real_scores + lam * p @ excess @ q


def lower_cone(
    places: Tensor, points: Tensor, values: Tensor, kappa: float, *, norm: Norm = "l1"
) -> Tensor:
    """max(0, max_i values_i - kappa |x - points_i|): (P,), the least critic with these values.

    places: (P, D), points: (K, D), values: (K,) >= 0. Every critic that is never negative, has
    slope at most kappa and takes these values at the points lies on or above it. (7.7)
    """
    cones = values - kappa * distances(places, points, norm=norm)  # (P, K)
    return cones.amax(dim=1).clamp_min(0)


def upper_cone(
    places: Tensor, points: Tensor, values: Tensor, kappa: float, *, norm: Norm = "l1"
) -> Tensor:
    """min_i values_i + kappa |x - points_i|: (P,), the greatest critic (7.7); as `lower_cone`."""
    cones = values + kappa * distances(places, points, norm=norm)  # (P, K)
    return cones.amin(dim=1)


@dataclass(frozen=True)
class BestCritics:
    """What all critics that minimise the objective on these points have in common.

    The minimisers form a lattice: with two critics their pointwise minimum and maximum minimise as
    well, since each term of the objective depends on one value, or on one difference of two. So
    one minimiser lies below all others, everywhere, and one above. `lower` and `upper` are these.
    """

    real: Tensor
    """(n, D)"""
    fake: Tensor
    """(m, D)"""
    kappa: float
    """the steepest slope that is allowed, in units of the distance"""
    lam: float
    """weight of the hinges against the mean loss of the real points"""
    norm: Norm
    """of the distance"""
    value: float
    """of the objective, the smallest that is possible"""
    least: Tensor
    """(n + m,), values of the least minimiser at the real points, then at the generated ones"""
    greatest: Tensor
    """(n + m,), of the greatest"""

    @property
    def points(self) -> Tensor:
        """Real points, then generated ones: (n + m, D)."""
        return torch.cat([self.real, self.fake])

    def lower(self, places: Tensor) -> Tensor:
        """The least minimiser at places (P, D): (P,)."""
        return lower_cone(places, self.points, self.least, self.kappa, norm=self.norm)

    def upper(self, places: Tensor) -> Tensor:
        """The greatest minimiser at places (P, D): (P,)."""
        return upper_cone(places, self.points, self.greatest, self.kappa, norm=self.norm)

    def active(self, values: Tensor | None = None, *, tolerance: float = 1e-6) -> float:
        """Share of the n * m pairs whose hinge is active, at `least` unless values are given."""
        values = self.least if values is None else values
        n = len(self.real)
        margins = distances(self.real, self.fake, norm=self.norm)
        excess = violations(values[:n], values[n:], margins)
        return (excess > tolerance).double().mean().item()


def best_critics(
    real: Tensor,
    fake: Tensor,
    *,
    kappa: float,
    lam: float = 1.0,
    norm: Norm = "l1",
    p: Tensor | None = None,
    q: Tensor | None = None,
) -> BestCritics:
    """Minimise the objective over all critics L >= 0 of slope at most kappa (Qi, eq. 11; (7.6)).

        minimise    sum_i p_i l_i + lam sum_ij p_i q_j s_ij
        such that   s_ij >= margin_ij + l_i - l_(n+j),  s_ij >= 0     one slack a pair
                    |l_k - l_h| <= kappa distance_kh,   l_k >= 0      over all n + m points

    real: (n, D), fake: (m, D); a place may be in both, or twice in one. p, q as in `objective`.
    The programme has n m + n + m unknowns; up to some 40 points a side it takes under a second.
    Raises ValueError for a kappa or lam that is not positive and finite.
    """
    real, fake = checked(real, fake, kappa=kappa, lam=lam)
    n, m = len(real), len(fake)
    p = _weights("p", p, real[:, 0])
    q = _weights("q", q, fake[:, 0])
    cost = np.concatenate([p.numpy(), np.zeros(m), lam * torch.outer(p, q).flatten().numpy()])
    steep, apart = slope_rows(real, fake, kappa, norm)
    margins = distances(real, fake, norm=norm).flatten().numpy()
    rows, limits = vstack([steep, slack_rows(n, m)]), np.concatenate([apart, -margins])
    found = minimisers(cost, rows, limits, n + m)
    return BestCritics(real, fake, kappa, lam, norm, *found)


# The parts of the programme. Its unknowns: the n + m values, then a slack for each of n m pairs.


def checked(real: Tensor, fake: Tensor, *, kappa: float, lam: float) -> tuple[Tensor, Tensor]:
    """The points in double precision; raises ValueError for what no programme can be made of."""
    check_images(real=real, fake=fake)
    check_settings(kappa=kappa, lam=lam)
    for name, setting in (("kappa", kappa), ("lam", lam)):
        if setting <= 0:
            raise ValueError(f"{name} is {setting}, but must be positive.")
    return real.double(), fake.double()


def slope_rows(
    real: Tensor, fake: Tensor, kappa: float, norm: Norm
) -> tuple[coo_array, np.ndarray]:
    """Rows and limits of l_k - l_h <= kappa distance_kh, for all ordered pairs of two points."""
    points, n, m = torch.cat([real, fake]), len(real), len(fake)
    high, low = np.nonzero(~np.eye(n + m, dtype=bool))
    ones = np.ones(len(high))
    rows = _rows((ones, high), (-ones, low), width=n + m + n * m)
    return rows, kappa * distances(points, points, norm=norm).numpy()[high, low]


def slack_rows(n: int, m: int, slope: float = 1.0) -> coo_array:
    """Rows of slope (l_i - l_(n+j)) - s_ij <= -slope margin_ij, pair by pair."""
    i, j = np.divmod(np.arange(n * m), m)
    ones, pair = np.ones(n * m), n + m + np.arange(n * m)
    return _rows((slope * ones, i), (-slope * ones, n + j), (-ones, pair), width=n + m + n * m)


def minimisers(
    cost: np.ndarray, rows: coo_array, limits: np.ndarray, values: int, *, slack: float | None = 0.0
) -> tuple[float, Tensor, Tensor]:
    """The minimum of cost @ x under rows @ x <= limits, and the least and the greatest minimiser.

    values: how many of the unknowns are a critic's values (they come first, and are not negative);
    of the others no one is below `slack`, or they are free.
    """
    bounds = [(0.0, None)] * values + [(slack, None)] * (len(cost) - values)
    value = _solve(cost, rows, limits, bounds)[0]
    # Among the minimisers: the one with the smallest, and the one with the greatest, sum of values.
    rows = vstack([rows, coo_array(cost[None])])
    limits = np.append(limits, value + 1e-9 * max(1.0, abs(value)))
    total = np.concatenate([np.ones(values), np.zeros(len(cost) - values)])
    least, greatest = (
        torch.from_numpy(_solve(sign * total, rows, limits, bounds)[1][:values].copy())
        for sign in (1, -1)
    )
    return value, least, greatest


def _rows(*entries: tuple[np.ndarray, np.ndarray], width: int) -> coo_array:
    """A sparse matrix from the value of each row and its column, for each entry of the rows."""
    count = len(entries[0][0])
    values = np.concatenate([value for value, _ in entries])
    columns = np.concatenate([column for _, column in entries])
    places = np.tile(np.arange(count), len(entries))
    return coo_array((values, (places, columns)), shape=(count, width))


def _solve(
    cost: np.ndarray, rows: coo_array, limits: np.ndarray, bounds: Sequence[tuple[Any, Any]]
) -> tuple[float, np.ndarray]:
    """Minimise cost @ x under rows @ x <= limits."""
    found = linprog(cost, A_ub=rows.tocsr(), b_ub=limits, bounds=bounds, method="highs")
    if not found.success:
        raise RuntimeError(f"the linear programme was not solved: {found.message}")
    return float(found.fun), found.x


def _weights(name: str, weights: Tensor | None, scores: Tensor) -> Tensor:
    """Equal weights in the type of the scores, or the given ones after a look at them."""
    if weights is None:
        return torch.full_like(scores, 1 / len(scores)).detach()
    if weights.shape != scores.shape or (weights < 0).any() or abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"{name} must hold {len(scores)} probabilities: none negative, with a sum of 1."
        )
    return weights.to(scores.dtype)
