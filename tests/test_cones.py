"""The linear programme and the cones, by routes that use neither.

An assignment of points to points, gradient descent, random critics, programmes for a single value.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from lsgan_lib.evaluation.cones import (
    BestCritics,
    best_critics,
    distances,
    lower_cone,
    objective,
    upper_cone,
    violations,
)
from lsgan_lib.losses import loss_sensitive
from lsgan_lib.losses.costs import leaky
from lsgan_lib.networks.bounded_slope import BoundedSlopeCritic

few = settings(deadline=None, derandomize=True, max_examples=25)


def cloud(count: int, dim: int, seed: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, dim, generator=random, dtype=torch.float64)


def value_of(best: BestCritics, values: torch.Tensor) -> float:
    """The objective, from the library's own loss on all pairs spelled out."""
    n, m = len(best.real), len(best.fake)
    real, fake = best.real.repeat_interleave(m, dim=0), best.fake.repeat(n, 1)
    margins = loss_sensitive.margin(real, fake, norm=best.norm, scale=1.0)
    scores = values[:n].repeat_interleave(m), values[n:].repeat(n)
    return best.lam * loss_sensitive.critic_loss(*scores, margins, real_weight=1 / best.lam).item()


GAMES = st.builds(
    lambda n, m, dim, seed, kappa, lam, norm: best_critics(
        cloud(n, dim, seed), 1.5 * cloud(m, dim, seed + 1), kappa=kappa, lam=lam, norm=norm
    ),
    n=st.integers(1, 5),
    m=st.integers(1, 5),
    dim=st.integers(1, 3),
    seed=st.integers(0, 10_000),
    kappa=st.sampled_from([0.3, 0.8, 1.0, 1.5, 4.0]),
    lam=st.sampled_from([0.5, 1.0, 2.0, 10.0]),
    norm=st.sampled_from(["l1", "l2"]),
)


# --- one pair, on paper -------------------------------------------------------------------------


@pytest.mark.parametrize("kappa", [0.25, 0.8, 1.0, 1.5, 3.0])
def test_one_pair(kappa: float) -> None:
    """The generated point is lifted as far as the slope allows, but no further than it must be."""
    d, lam = 2.0, 0.7
    best = best_critics(torch.zeros(1, 1), torch.full((1, 1), d), kappa=kappa, lam=lam)
    assert best.value == pytest.approx(lam * d * max(0, 1 - kappa), abs=1e-7)
    assert best.least.tolist() == pytest.approx([0, min(kappa, 1) * d], abs=1e-6)
    assert best.greatest.tolist() == pytest.approx([0, kappa * d], abs=1e-6)
    assert best.active() == (kappa < 1)


def test_cones_of_two_points_by_hand() -> None:
    points, values = torch.tensor([[0.0], [4.0]]), torch.tensor([1.0, 3.0])
    places = torch.tensor([[-3.0], [0.0], [1.0], [3.0], [10.0]])
    assert lower_cone(places, points, values, 1.0).tolist() == [0, 1, 0, 2, 0]
    assert upper_cone(places, points, values, 1.0).tolist() == [4, 1, 2, 4, 9]


# --- the programme's optimum, independently -----------------------------------------------------


@few
@given(
    n=st.integers(1, 6),
    m=st.integers(1, 5),
    lam=st.integers(1, 3),
    seed=st.integers(0, 10_000),
    kappa=st.sampled_from([0.2, 0.7, 1.0]),
)
def test_below_slope_one_the_optimum_is_a_transport(n, m, lam, seed, kappa) -> None:
    """Chapter 07, (7.9): the dual programme carries the generated points to the real ones.

    A generated point holds lam / m and a real one has room for (1 + lam) / n. In lots of 1 / (n m)
    that is an assignment, which another algorithm solves.
    """
    real, fake = cloud(n, 2, seed), 1.5 * cloud(m, 2, seed + 1)
    cost = distances(fake, real, norm="l2").numpy()
    lots = np.repeat(np.repeat(cost, lam * n, axis=0), (1 + lam) * m, axis=1)
    moved = lots[linear_sum_assignment(lots)].sum() / (n * m)
    best = best_critics(real, fake, kappa=kappa, lam=lam, norm="l2")
    assert best.value == pytest.approx(lam * cost.mean() - kappa * moved, abs=1e-6)


@few
@given(best=GAMES, seed=st.integers(0, 1000))
def test_no_critic_of_that_slope_does_better(best: BestCritics, seed: int) -> None:
    points = best.points
    rival = 3 * cloud(len(points), 1, seed)[:, 0].abs()
    for critic in (lower_cone, upper_cone):  # random heights made into critics of slope kappa
        values = critic(points, points, rival, best.kappa, norm=best.norm)
        assert value_of(best, values) >= best.value - 1e-6


# --- the cones ----------------------------------------------------------------------------------


@few
@given(best=GAMES, share=st.floats(0, 1))
def test_both_cones_and_every_mix_of_them_minimise(best: BestCritics, share: float) -> None:
    """Theorem 2 and Corollary 1; the values at the points are those of the programme."""
    low, high = best.lower(best.points), best.upper(best.points)
    torch.testing.assert_close(low, best.least, atol=1e-5, rtol=0)
    torch.testing.assert_close(high, best.greatest, atol=1e-5, rtol=0)
    for values in (low, high, share * low + (1 - share) * high):
        assert value_of(best, values) == pytest.approx(best.value, abs=1e-5)
        ours = objective(
            values[: len(best.real)],
            values[len(best.real) :],
            distances(best.real, best.fake, norm=best.norm),
            lam=best.lam,
        )
        assert ours.item() == pytest.approx(value_of(best, values), abs=1e-9)


@few
@given(best=GAMES, seed=st.integers(0, 1000))
def test_cones_are_critics(best: BestCritics, seed: int) -> None:
    """Never negative, of slope at most kappa, the lower one below the upper one."""
    places = 3 * cloud(12, best.real.shape[1], seed)
    apart = best.kappa * distances(places, places, norm=best.norm)
    for heights in (best.lower(places), best.upper(places)):
        assert (heights >= 0).all()
        assert ((heights[:, None] - heights[None]).abs() <= apart + 1e-6).all()
    assert (best.lower(places) <= best.upper(places) + 1e-6).all()


@few
@given(best=GAMES)
def test_least_and_greatest_are_so_at_each_point_by_itself(best: BestCritics) -> None:
    """Push one value up or down, at a small price: no minimiser goes beyond the two."""
    n, points = len(best.real), best.points
    margins = distances(best.real, best.fake, norm=best.norm)
    for index, sign in itertools.product(range(len(points)), (-1, 1)):
        start = best.least if sign < 0 else best.greatest
        pushed = start.clone()
        pushed[index] = (pushed[index] + sign * 0.05).clamp_min(0)
        # the nearest critic of that slope that passes through the pushed value
        if sign < 0:
            apart = best.kappa * distances(points, points[index : index + 1], norm=best.norm)
            pushed = torch.minimum(pushed, pushed[index] + apart[:, 0])
        else:
            apart = best.kappa * distances(points, points[index : index + 1], norm=best.norm)
            pushed = torch.maximum(pushed, pushed[index] - apart[:, 0])
        if (pushed - start).abs().max() < 1e-3:
            continue  # it lay on the floor
        worse = objective(pushed[:n], pushed[n:], margins, lam=best.lam).item()
        assert worse > best.value + 1e-4


# --- gradient descent ---------------------------------------------------------------------------


def trained(best: BestCritics, seed: int, steps: int = 300):
    """A network of slope kappa after Adam: its objective, and the critic that it is."""
    n, points = len(best.real), best.points.float()
    margins = distances(best.real, best.fake, norm=best.norm).float()
    random = torch.Generator().manual_seed(seed)
    network = BoundedSlopeCritic(best.kappa, random, dim=points.shape[1], depth=2)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1))
    for _ in range(steps):
        values = network(points)
        values = values - values.min()  # a constant is free: as low as the floor allows
        loss = objective(values[:n], values[n:], margins, lam=best.lam)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()

    @torch.no_grad()
    def critic(places: torch.Tensor) -> torch.Tensor:
        return (network(places.float()) - network(points).min()).clamp_min(0).double()

    values = critic(points)
    return value_of(best, values), critic


def outside(best: BestCritics, critic, seed: int) -> float:
    """How far the critic leaves the band between the cones, at the points and at 200 places."""
    places = torch.cat([best.points, 2 * cloud(200, best.real.shape[1], seed)])
    heights = critic(places)
    return max((best.lower(places) - heights).max(), (heights - best.upper(places)).max()).item()


@settings(deadline=None, derandomize=True, max_examples=10)
@given(
    n=st.integers(1, 4),
    m=st.integers(1, 4),
    dim=st.integers(1, 3),
    seed=st.integers(0, 10_000),
    kappa=st.sampled_from([0.5, 1.5, 3.0]),
    lam=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_what_gradient_descent_finds_lies_between_the_cones(n, m, dim, seed, kappa, lam) -> None:
    """Random points, random weights: the trained critic nearly minimises, and lies between.

    How nearly says how far it may stray. Along each edge the objective rises by a multiple of
    1 / (2 n m) for these lam, and it is convex on a lattice: a critic that is eps above the minimum
    leaves the band by at most 2 n m eps.
    """
    real, fake = cloud(n, dim, seed), 1.5 * cloud(m, dim, seed + 1)
    best = best_critics(real, fake, kappa=kappa, lam=lam, norm="l2")
    loss, critic = trained(best, seed)
    assert -1e-4 <= loss - best.value <= 0.2
    assert outside(best, critic, seed) <= 2 * n * m * max(loss - best.value, 0) + 2e-3


def test_an_untrained_critic_is_found_outside() -> None:
    best = best_critics(cloud(3, 2, 0), cloud(3, 2, 1) + 2, kappa=1.5, norm="l2")
    loss, critic = trained(best, seed=0, steps=0)
    assert loss > best.value + 0.2 and outside(best, critic, 0) > 0.2
    loss, critic = trained(best, seed=0)
    assert outside(best, critic, 0) < 0.2


def test_a_critic_that_is_no_minimiser_is_caught_outside() -> None:
    """The tests above can fail: half of the slope, and the generated points lie too low."""
    best = best_critics(cloud(4, 2, 0), cloud(3, 2, 1) + 2, kappa=1.5)
    flat = best_critics(best.real, best.fake, kappa=0.5)
    assert (flat.upper(best.points) < best.lower(best.points) - 0.1).any()


# --- below slope one ----------------------------------------------------------------------------


@few
@given(best=GAMES)
def test_hinges_and_slope(best: BestCritics) -> None:
    """kappa < 1: all are active, and any cost gives WGAN plus a constant. Else some may rest."""
    n = len(best.real)
    margins = distances(best.real, best.fake, norm=best.norm)
    for values in (best.least, best.greatest):
        if best.kappa < 1:
            assert best.active(values) == 1.0
            excess = violations(values[:n], values[n:], margins)
            wgan = margins.mean() + values[:n].mean() - values[n:].mean()
            for slope in (-1.0, 0.0, 0.5):
                torch.testing.assert_close(leaky(slope)(excess).mean(), wgan)


@few
@given(best=GAMES)
def test_a_generated_point_with_an_active_hinge_is_held_by_a_steepest_line(best) -> None:
    """A real point, or another generated one, lies below it at slope kappa: in every minimiser."""
    n = len(best.real)
    margins = distances(best.real, best.fake, norm=best.norm)
    apart = best.kappa * distances(best.fake, best.points, norm=best.norm)
    for values in (best.least, best.greatest):
        excess = violations(values[:n], values[n:], margins)
        held = (values[n:, None] - values[None] - apart).abs() < 1e-5
        held[torch.arange(len(best.fake)), n + torch.arange(len(best.fake))] = False
        asks = (excess > 1e-4).any(dim=0)
        assert held.any(dim=1)[asks].all()


# --- tables of probabilities --------------------------------------------------------------------


@few
@given(seed=st.integers(0, 10_000), lam=st.sampled_from([0.3, 1.0, 4.0]), far=st.booleans())
def test_the_flat_critic_is_best_exactly_where_p_covers_q(seed: int, lam: float, far: bool) -> None:
    """Qi, Lemma 1: an equilibrium needs p >= lam / (1 + lam) q; and that is enough."""
    random = torch.Generator().manual_seed(seed)
    places = torch.randn(5, 1, generator=random, dtype=torch.float64)
    p, other = torch.softmax(torch.randn(2, 5, generator=random, dtype=torch.float64), dim=1)
    # q = p + t (other - p): the largest t that p still covers
    step = lam * (other - p)
    t = (p / step)[step > 0].min()
    q = p + (1.2 if far else 0.9) * t * (other - p)
    if (q < 0).any():
        return
    best = best_critics(places, places, kappa=3.0, lam=lam, p=p, q=q)
    flat = lam * (p @ distances(places, places) @ q).item()
    if far:
        assert best.value < flat - 1e-7
    else:
        assert best.value == pytest.approx(flat, abs=1e-7)


# --- guards -------------------------------------------------------------------------------------


def test_what_is_refused() -> None:
    x, y = cloud(3, 2, 0), cloud(2, 2, 1)
    for name in ("kappa", "lam"):
        for wrong in (0.0, -1.0):
            with pytest.raises(ValueError, match=f"^{name} is {wrong}, but must be positive"):
                best_critics(x, y, **{"kappa": 1.0, "lam": 1.0} | {name: wrong})
        with pytest.raises(ValueError, match=f"^{name} must be a finite number"):
            best_critics(x, y, **{"kappa": 1.0, "lam": 1.0} | {name: math.inf})
    for p in (torch.ones(3), torch.tensor([1.5, -0.5, 0]), torch.tensor([0.5, 0.5])):
        with pytest.raises(ValueError, match="^p must hold 3 probabilities"):
            best_critics(x, y, kappa=1.0, p=p.double())
    with pytest.raises(ValueError, match="^margins must have a row for each of the 3 real"):
        violations(torch.zeros(3), torch.zeros(2), torch.zeros(2, 3))
    with pytest.raises(ValueError, match="must be a batch"):
        best_critics(x[0], y, kappa=1.0)


# --- the network --------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 7])
def test_no_weights_make_the_network_steeper_than_its_bound(dim: int) -> None:
    network = BoundedSlopeCritic(2.5, torch.Generator().manual_seed(0), dim=dim, hidden=16)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.05)
    random = torch.Generator().manual_seed(1)
    for _ in range(100):  # towards a slope of 40, which it must not reach
        x = torch.randn(64, dim, generator=random)
        loss = (network(x) - 40 * x[:, 0]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    x = torch.randn(400, dim, generator=random, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x).sum(), x)
    assert gradient.norm(dim=1).max() <= 2.5 + 1e-4
    assert gradient.norm(dim=1).mean() > 2.0  # and it uses what it has
    rise = (network(x)[:, None] - network(x)[None]).abs()
    assert (rise <= 2.5 * (x[:, None] - x[None]).norm(dim=2) + 1e-4).all()


def test_a_seed_names_one_network_and_wrong_settings_are_refused() -> None:
    x = torch.randn(5, 1)
    one, same, other = (
        BoundedSlopeCritic(1.0, torch.Generator().manual_seed(seed))(x) for seed in (1, 1, 2)
    )
    assert torch.equal(one, same) and not torch.equal(one, other)
    for kappa in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="^kappa"):
            BoundedSlopeCritic(kappa, torch.Generator())
    with pytest.raises(ValueError, match="hidden"):
        BoundedSlopeCritic(1.0, torch.Generator(), hidden=0)
