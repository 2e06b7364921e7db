"""Walks, shells and sums of noise, against geometry that is known."""

import math

import pytest
import torch

from lsgan_lib.latent import draw
from lsgan_lib.walks import analogy, at_home, shell, travelled, walk


def test_travelled_is_the_length_of_the_broken_line():
    corners = torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0], [3.0, 0.0]])
    assert travelled(corners).tolist() == [0, 5, 9, 9]


def test_a_straight_walk_is_as_long_as_the_distances_between_its_waypoints():
    points = draw(4, 30, "normal", torch.Generator().manual_seed(0)).double()
    gone = travelled(walk(points, 25))
    between = (points[1:] - points[:-1]).norm(dim=1).cumsum(0)
    torch.testing.assert_close(gone[[25, 50, 75]], between)


@pytest.mark.parametrize("kind", ["uniform", "normal"])
@pytest.mark.parametrize("z_dim", [2, 100, 1024])
def test_nearly_all_draws_lie_in_the_shell(kind, z_dim):
    low, middle, high = shell(z_dim, kind)
    norms = draw(20_000, z_dim, kind, torch.Generator().manual_seed(0)).norm(dim=1)
    assert norms.square().mean().sqrt().item() == pytest.approx(middle, rel=0.01)
    inside = ((norms >= low) & (norms <= high)).float().mean().item()
    assert 0.94 < inside < 0.985  # two standard deviations: 95 % for large z_dim
    assert low == 0 or ((norms < low).any() and (norms > high).any())


def test_the_shell_keeps_its_thickness_while_it_grows():
    """Normal noise: norms of standard deviation 1/sqrt(2), in any large dimension."""
    for z_dim in (1_000, 100_000):
        low, middle, high = shell(z_dim, "normal")
        assert high - low == pytest.approx(4 * math.sqrt(1 / 2), rel=0.01)
        assert middle == pytest.approx(math.sqrt(z_dim))


@pytest.mark.parametrize(("kind", "outside"), [("uniform", 0), ("normal", 0.25)])
def test_the_middle_of_a_straight_walk_leaves_the_shell(kind, outside):
    a, b = (draw(500, 100, kind, torch.Generator().manual_seed(s)) for s in (1, 2))
    low = shell(100, kind)[0]
    assert (a.norm(dim=1) > low).float().mean() > 0.96
    assert ((a + b) / 2).norm(dim=1).mean().item() < low - outside


def test_only_uniform_noise_has_an_edge():
    z = torch.tensor([-3.0, -1.0, 0.5, 1.5])
    assert at_home(z, "uniform").tolist() == [-1, -1, 0.5, 1]
    assert at_home(z, "normal") is z
    with pytest.raises(ValueError, match="must be one of"):
        at_home(z, "cauchy")


def test_an_analogy_adds_the_difference_of_two_means():
    a = torch.tensor([[2.0, 0.0], [4.0, 2.0]])
    b = torch.tensor([[1.0, 1.0]])
    c = torch.tensor([[0.0, 10.0], [0.0, 20.0]])
    assert analogy(a, b, c).tolist() == [2, 15]
    assert torch.equal(analogy(a, a, c), c.mean(dim=0))
    with pytest.raises(ValueError, match="group B is empty"):
        analogy(a, b[:0], c)
