"""Mixtures of Gaussians: the density that is written is the one that is drawn from."""

import math

import pytest
import torch

from lsgan_lib.data import Mixture, grid, ring, seed_ring, triangle

UNEVEN = Mixture(torch.tensor([[0.0, 1.0], [2.0, -1.0]]), torch.tensor([0.8, 0.2]), 0.3)

MIXTURES = {
    "ring": ring(std=0.1),
    "grid": grid(3, spacing=1.0, std=0.1),
    "seed ring": seed_ring(std=0.1),
    "uneven": UNEVEN,
}
mixtures = pytest.mark.parametrize("mixture", MIXTURES.values(), ids=MIXTURES)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- density -------------------------------------------------------------------------------------


@mixtures
def test_the_density_integrates_to_one(mixture):
    line = torch.linspace(-4, 4, 401)
    points = torch.cartesian_prod(line, line)
    total = mixture.log_density(points).exp().double().sum() * 0.02**2
    assert total.item() == pytest.approx(1, abs=1e-4)


def test_the_density_of_two_modes_by_hand():
    """0.8 N(x; (0, 1)) + 0.2 N(x; (2, -1)), each 1 / (2 pi 0.09) exp(-d^2 / 0.18)."""
    for x, y in [(0.0, 1.0), (0.3, 1.0), (1.0, 0.0), (2.0, -0.7), (0.0, 0.0)]:
        first, second = x**2 + (y - 1) ** 2, (x - 2) ** 2 + (y + 1) ** 2
        value = 0.8 * math.exp(-first / 0.18) + 0.2 * math.exp(-second / 0.18)
        expected = math.log(value / (2 * math.pi * 0.09))
        got = UNEVEN.log_density(torch.tensor([[x, y]])).item()
        assert got == pytest.approx(expected, abs=1e-4)


def test_the_density_of_narrow_modes_is_exact_among_many_points():
    """Distances of many points come from products of matrices, which could blur a mode of 0.01."""
    mixture = ring()
    points = mixture.sample(500, seeded())
    gaps = points.double()[:, None] - mixture.centres.double()[None]
    normal = -gaps.square().sum(-1) / (2 * 0.01**2) - math.log(2 * math.pi * 0.01**2)
    expected = normal.exp().mean(dim=1).log()
    got = mixture.log_density(points).double()
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-2)


# --- samples -------------------------------------------------------------------------------------


@mixtures
def test_samples_have_the_mean_and_covariance_of_the_mixture(mixture):
    """Mean sum w c; covariance std^2 I + sum w (c - mean)(c - mean)^T."""
    count = 40_000
    points = mixture.sample(count, seeded())
    mean = (mixture.weights[:, None] * mixture.centres).sum(dim=0)
    gap = mixture.centres - mean
    covariance = (mixture.weights[:, None] * gap).T @ gap + mixture.std**2 * torch.eye(2)
    spread = covariance.diagonal().max().sqrt().item()
    assert points.shape == (count, 2)
    torch.testing.assert_close(points.mean(dim=0), mean, rtol=0, atol=5 * spread / math.sqrt(count))
    torch.testing.assert_close(
        torch.cov(points.T), covariance, rtol=0, atol=10 * spread**2 / math.sqrt(count)
    )


@mixtures
def test_modes_are_drawn_by_their_weights_and_have_their_width(mixture):
    count = 40_000
    points = mixture.sample(count, seeded(1))
    distance, mode = torch.cdist(points, mixture.centres).min(dim=1)
    shares = torch.bincount(mode, minlength=len(mixture.centres)) / count
    error = (mixture.weights * (1 - mixture.weights) / count).sqrt()
    assert ((shares - mixture.weights).abs() < 5 * error).all()
    # The squared distance from a centre is std^2 times a chi-square with two degrees.
    mean = distance.square().mean().item()
    assert mean == pytest.approx(2 * mixture.std**2, rel=5 / math.sqrt(count))


def test_a_seed_names_the_sample_and_the_global_state_is_left_alone():
    before = torch.get_rng_state()
    first, again, other = (ring().sample(9, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


# --- the three named ones ------------------------------------------------------------------------


def test_the_ring_has_eight_equal_modes_on_the_unit_circle():
    mixture = ring()
    half = math.sqrt(0.5)
    expected = [[1, 0], [half, half], [0, 1], [-half, half], [-1, 0], [-half, -half], [0, -1]]
    torch.testing.assert_close(mixture.centres[:7], torch.tensor(expected), rtol=0, atol=1e-6)
    assert mixture.weights.tolist() == [0.125] * 8 and mixture.std == 0.01


def test_the_grid_has_25_equal_modes_around_the_origin():
    mixture = grid()
    centres = sorted(map(tuple, mixture.centres.tolist()))
    assert centres == [(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]
    assert mixture.weights.tolist() == pytest.approx([0.04] * 25) and mixture.std == 0.05


def test_the_seed_ring_is_what_nine_angles_with_both_ends_make():
    """The authors' loop: nine equal weights at (sin, cos) of linspace(0, 2 pi, 9)."""
    weights: dict[tuple[float, float], float] = {}
    for k in range(9):
        angle = 2 * math.pi * k / 8
        point = (round(math.sin(angle), 5) + 0.0, round(math.cos(angle), 5) + 0.0)
        weights[point] = weights.get(point, 0) + 1 / 9
    mixture = seed_ring()
    got = {
        (round(x, 5) + 0.0, round(y, 5) + 0.0): w
        for (x, y), w in zip(mixture.centres.tolist(), mixture.weights.tolist(), strict=True)
    }
    assert got == pytest.approx(weights)
    assert got[(0.0, 1.0)] == pytest.approx(2 / 9) and len(got) == 8


def test_radius_and_spacing_scale():
    torch.testing.assert_close(ring(radius=3.0).centres, 3 * ring().centres)
    torch.testing.assert_close(seed_ring(radius=3.0).centres, 3 * seed_ring().centres)
    torch.testing.assert_close(grid(spacing=1.0).centres, grid().centres / 2)


def test_one_mode_is_enough():
    assert ring(1).centres.tolist() == [[1, 0]] and grid(1).centres.tolist() == [[0, 0]]


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "std", "message"),
    [
        ([0.5, 0.6], 0.1, "sum to 1"),
        ([1.5, -0.5], 0.1, "non-negative"),
        ([1.0], 0.1, "weights"),
        ([0.5, 0.5], 0.0, "std is 0.0"),
        ([0.5, 0.5], math.nan, "std must be a finite number"),
    ],
)
def test_what_is_no_mixture_is_refused(weights, std, message):
    with pytest.raises(ValueError, match=message):
        Mixture(torch.zeros(2, 2), torch.tensor(weights), std)


def test_rings_and_grids_without_modes_are_refused():
    for refused in (ring, grid):
        with pytest.raises(ValueError, match="at least one mode"):
            refused(0)


def test_the_triangle_has_half_of_its_points_on_top():
    data = triangle()
    points = data.sample(20_000, torch.Generator().manual_seed(0))
    mode = torch.cdist(points, data.centres).argmin(dim=1)
    share = mode.bincount() / len(points)
    torch.testing.assert_close(share, torch.tensor([0.5, 0.25, 0.25]), atol=0.01, rtol=0)
    assert data.centres[0, 1] > 0 > data.centres[1:, 1].max()
