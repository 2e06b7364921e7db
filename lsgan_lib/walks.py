"""A walk through noise: from point to point, how far, and whether it stays where draws lie."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lsgan_lib.latent import Noise, Way, path
from lsgan_lib.losses.checks import check_choice

_MOMENTS = {"uniform": (1 / 3, 1 / 5), "normal": (1.0, 3.0)}
"""mean of the square and of the fourth power of one coordinate"""


def walk(
    waypoints: Sequence[Tensor] | Tensor, stops: int, way: Way = "lerp", kind: Noise = "uniform"
) -> Tensor:
    """Join noise vectors into one walk of shape ((len(waypoints) - 1) * stops + 1, z_dim).

    Each waypoint stands in it once, ``stops`` places after the one before it. way, kind: as in
    `lsgan_lib.latent.path`. Raises ValueError for fewer than two waypoints.
    """
    if len(waypoints) < 2:
        raise ValueError("a walk needs at least two waypoints")
    legs = [
        path(here, there, stops + 1, way, kind)[:-1]  # its end is the next leg's beginning
        for here, there in zip(waypoints[:-1], waypoints[1:], strict=True)
    ]
    return torch.cat([*legs, waypoints[-1][None]])


def travelled(points: Tensor) -> Tensor:
    """Distance from the first point to each, along the broken line through all: (N, d) -> (N,)."""
    steps = points.diff(dim=0).norm(dim=1)
    return torch.cat([steps.new_zeros(1), steps.cumsum(dim=0)])


def shell(z_dim: int, kind: Noise = "uniform") -> tuple[float, float, float]:
    """Where nearly all draws lie: a low, a middle and a high norm.

        E |z|^2 = d m_2,    Var |z|^2 = d (m_4 - m_2^2),    norms at two standard deviations

    m_2 and m_4 are the moments of one coordinate: 1/3 and 1/5 for uniform noise on [-1, 1], 1 and 3
    for normal noise. The shell keeps its thickness while its radius grows with the root of d, so
    that for large d nearly all of space is outside. Low is 0 where the formula is below 0.
    """
    check_choice("kind", kind, ("uniform", "normal"))
    second, fourth = _MOMENTS[kind]
    mean, two_sd = z_dim * second, 2 * (z_dim * (fourth - second**2)) ** 0.5
    low, middle, high = max(mean - two_sd, 0) ** 0.5, mean**0.5, (mean + two_sd) ** 0.5
    return low, middle, high


def at_home(z: Tensor, kind: Noise) -> Tensor:
    """The nearest noise that the generator has met: each uniform number is kept within [-1, 1].

    Normal noise has no edge and comes back as it is.
    """
    check_choice("kind", kind, ("uniform", "normal"))
    return z.clamp(-1, 1) if kind == "uniform" else z


def analogy(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Mean of A - mean of B + mean of C, each (N, z_dim) -> (z_dim,).

    What is added to C is what A has and B has not, if the generator's noise is arranged that way
    (Radford, Metz and Chintala 2016, arXiv 1511.06434). Means of several samples stand for one
    trait better than single ones. Raises ValueError for an empty group.
    """
    for name, group in zip("ABC", (a, b, c), strict=True):
        if len(group) == 0:
            raise ValueError(f"group {name} is empty; choose at least one sample for it.")
    return a.mean(dim=0) - b.mean(dim=0) + c.mean(dim=0)
