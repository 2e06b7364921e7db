"""The best critics of GLS-GAN on a few points: `best_critics` for other costs than the hinge.

GLS-GAN (Qi 2020, arXiv 1701.06264, from version 4 on) replaces the hinge by a cost C(a). For
C(a) = max(a, slope * a) with slope <= 1 the cost is convex, and the best values solve a linear
programme as before. Chapter 10.
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack
from torch import Tensor

from lsgan_lib.evaluation.cones import BestCritics, Norm, distances, violations
from lsgan_lib.losses.checks import check_images, check_settings
from lsgan_lib.losses.costs import leaky

Bounds = Sequence[tuple[int | None, None]]


def sloped_objective(
    real_scores: Tensor, fake_scores: Tensor, margins: Tensor, *, lam: float, slope: float
) -> Tensor:
    """mean_i L(x_i) + lam mean_ij C(margin_ij + L(x_i) - L(y_j)),  C(a) = max(a, slope a).

    Scores and margins as in `lsgan_lib.evaluation.cones.violations`. Returns a scalar.
    """
    costs = leaky(slope)(violations(real_scores, fake_scores, margins))
    return real_scores.mean() + lam * costs.mean()


def best_sloped_critics(
    real: Tensor,
    fake: Tensor,
    *,
    kappa: float,
    slope: float,
    lam: float = 1.0,
    norm: Norm = "l1",
) -> BestCritics:
    """Minimise `sloped_objective` over all critics L >= 0 of slope at most kappa.

        minimise    1/n sum_i l_i + lam/(nm) sum_ij s_ij
        such that   s_ij >= a_ij,  s_ij >= slope a_ij,  a_ij = margin_ij + l_i - l_(n+j)
                    |l_k - l_h| <= kappa distance_kh,   l_k >= 0      over all n + m points

    real: (n, D), fake: (m, D). slope 0 is the hinge, and the result that of `best_critics`. For
    every slope <= 1 the cost is a convex function of a difference of two values, so the minimisers
    are a lattice as there: one lies below all others, and one above. Raises ValueError for a kappa
    or lam that is not positive, and a slope above 1.
    """
    check_images(real=real, fake=fake)
    check_settings(kappa=kappa, lam=lam)
    leaky(slope)  # refuses a slope above 1: the cost would not be convex, nor this its minimum
    for name, setting in (("kappa", kappa), ("lam", lam)):
        if setting <= 0:
            raise ValueError(f"{name} is {setting}, but must be positive.")
    real, fake = real.double(), fake.double()
    n, m = len(real), len(fake)
    margins = distances(real, fake, norm=norm).flatten().numpy()
    points = torch.cat([real, fake])
    high, low = np.nonzero(~np.eye(n + m, dtype=bool))
    apart = kappa * distances(points, points, norm=norm).numpy()[high, low]
    i, j = np.divmod(np.arange(n * m), m)
    ones, pair, width = np.ones(n * m), n + m + np.arange(n * m), n + m + n * m
    steep = _rows((np.ones(len(high)), high), (-np.ones(len(low)), low), width=width)
    sides = [  # nu (margin + l_i - l_j) - s <= 0
        _rows((nu * ones, i), (-nu * ones, n + j), (-ones, pair), width=width)
        for nu in (1.0, slope)
    ]
    rows, limits = vstack([steep, *sides]), np.concatenate([apart, -margins, -slope * margins])
    cost = np.concatenate([np.full(n, 1 / n), np.zeros(m), np.full(n * m, lam / (n * m))])
    free: Bounds = [(0, None)] * (n + m) + [(None, None)] * (n * m)
    value = _solve(cost, rows, limits, free)[0]
    # Among the minimisers: the one with the smallest, and the one with the greatest, sum of values.
    rows = vstack([rows, coo_array(cost[None])])
    limits = np.append(limits, value + 1e-9 * max(1.0, abs(value)))
    total = np.concatenate([np.ones(n + m), np.zeros(n * m)])
    least, greatest = (
        torch.from_numpy(_solve(sign * total, rows, limits, free)[1][: n + m].copy())
        for sign in (1, -1)
    )
    return BestCritics(real, fake, kappa, lam, norm, value, least, greatest)


def _rows(*entries: tuple[np.ndarray, np.ndarray], width: int) -> coo_array:
    """A sparse matrix from the value of each row and its column, for each entry of the rows."""
    count = len(entries[0][0])
    values = np.concatenate([value for value, _ in entries])
    columns = np.concatenate([column for _, column in entries])
    places = np.tile(np.arange(count), len(entries))
    return coo_array((values, (places, columns)), shape=(count, width))


def _solve(
    cost: np.ndarray, rows: coo_array, limits: np.ndarray, bounds: Bounds
) -> tuple[float, np.ndarray]:
    """Minimise cost @ x under rows @ x <= limits."""
    found = linprog(cost, A_ub=rows.tocsr(), b_ub=limits, bounds=bounds, method="highs")
    if not found.success:
        raise RuntimeError(f"the linear programme was not solved: {found.message}")
    return float(found.fun), found.x
