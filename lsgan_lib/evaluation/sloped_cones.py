"""The best critics of GLS-GAN on a few points: `best_critics` for other costs than the hinge.

GLS-GAN (Qi 2020, arXiv 1701.06264, from version 4 on) replaces the hinge by a cost C(a). For
C(a) = max(a, slope * a) with slope <= 1 the cost is convex, and the best values solve a linear
programme as before. Chapter 10.
"""

import numpy as np
from scipy.sparse import vstack
from torch import Tensor

from lsgan_lib.evaluation.cones import (
    BestCritics,
    Norm,
    checked,
    distances,
    minimisers,
    slack_rows,
    slope_rows,
    violations,
)
from lsgan_lib.losses.costs import leaky


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
    leaky(slope)  # refuses a slope above 1: the cost would not be convex, nor this its minimum
    real, fake = checked(real, fake, kappa=kappa, lam=lam)
    n, m = len(real), len(fake)
    cost = np.concatenate([np.full(n, 1 / n), np.zeros(m), np.full(n * m, lam / (n * m))])
    steep, apart = slope_rows(real, fake, kappa, norm)
    margins = distances(real, fake, norm=norm).flatten().numpy()
    rows = vstack([steep, slack_rows(n, m), slack_rows(n, m, slope)])
    limits = np.concatenate([apart, -margins, -slope * margins])
    found = minimisers(cost, rows, limits, n + m, slack=None)
    return BestCritics(real, fake, kappa, lam, norm, *found)
