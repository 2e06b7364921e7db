"""Noise, the ways through it, and the grid over it."""

import math

import pytest
import torch

from lsgan_lib import latent

MANY = 40_000
KINDS = ["uniform", "normal"]
WAYS = ["lerp", "slerp", "distribution_preserving"]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def share_below(values: torch.Tensor, bound: float) -> float:
    return (values <= bound).double().mean().item()


def cumulative(kind: str, bound: float) -> float:
    """The noise's distribution function, from its definition."""
    if kind == "uniform":
        return min(max((bound + 1) / 2, 0), 1)
    return 0.5 * (1 + math.erf(bound / math.sqrt(2)))


def distribution_distance(values: torch.Tensor, kind: str) -> float:
    """Largest gap between the empirical and the true distribution function (Kolmogorov)."""
    bounds = [-2 + 0.1 * k for k in range(41)]
    return max(abs(share_below(values, x) - cumulative(kind, x)) for x in bounds)


# The largest gap of n true draws exceeds 2.2 / sqrt(n) about once in ten thousand samples.
GAP = 2.2 / math.sqrt(MANY)


@pytest.mark.parametrize("kind", KINDS)
def test_draws_have_their_distribution(kind):
    z = latent.draw(MANY, 2, kind, seeded())
    assert z.shape == (MANY, 2)
    for coordinate in z.T:
        assert distribution_distance(coordinate, kind) < GAP
    assert abs(torch.corrcoef(z.T)[0, 1]) < 5 / math.sqrt(MANY)  # coordinates are independent


def test_the_two_kinds_of_noise_are_told_apart_by_this_measure():
    z = latent.draw(MANY, 1, "normal", seeded())[:, 0]
    assert distribution_distance(z, "uniform") > 10 * GAP


def test_a_seed_names_the_draw_and_the_global_state_is_left_alone():
    before = torch.get_rng_state()
    first, again, other = (latent.draw(3, 4, "uniform", seeded(s)) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_path_reaches_both_ends(way, kind):
    ends = latent.draw(2, 100, kind, seeded(5))
    walk = latent.path(ends[0], ends[1], 7, way, kind)
    assert walk.shape == (7, 100)
    # The great circle passes through sines and a division; the other two must be exact.
    tolerance = 1e-5 if way == "slerp" else 0.0
    torch.testing.assert_close(walk[0], ends[0], rtol=0, atol=tolerance)
    torch.testing.assert_close(walk[-1], ends[1], rtol=0, atol=tolerance)


@pytest.mark.parametrize("way", WAYS)
def test_a_path_back_is_the_path_in_reverse(way):
    a, b = latent.draw(2, 9, "uniform", seeded(6))
    back = latent.path(b, a, 5, way).flip(0)
    torch.testing.assert_close(latent.path(a, b, 5, way), back, rtol=0, atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_many_paths_at_once_are_the_paths_one_by_one(way):
    a, b = latent.draw(3, 4, "uniform", seeded(1)), latent.draw(3, 4, "uniform", seeded(2))
    together = latent.path(a, b, 6, way)
    assert together.shape == (3, 6, 4)
    for row in range(3):
        torch.testing.assert_close(together[row], latent.path(a[row], b[row], 6, way))


def test_lerp_goes_straight_at_constant_speed():
    walk = latent.path(torch.tensor([0.0, 0.0]), torch.tensor([1.0, -2.0]), 5, "lerp")
    assert walk.tolist() == [[0, 0], [0.25, -0.5], [0.5, -1], [0.75, -1.5], [1, -2]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_middle_of_a_straight_line_has_half_the_mean_square(kind):
    a, b = (latent.draw(MANY, 1, kind, seeded(s)) for s in (1, 2))
    middle = latent.lerp(a, b, 0.5).square().mean() / a.square().mean()
    assert middle.item() == pytest.approx(0.5, abs=0.02)


def test_slerp_walks_a_quarter_circle_in_equal_angles():
    walk = latent.path(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 4, "slerp")
    degrees = [0, 30, 60, 90]
    expected = [[math.cos(math.radians(d)), math.sin(math.radians(d))] for d in degrees]
    torch.testing.assert_close(walk, torch.tensor(expected), rtol=0, atol=1e-6)


def test_slerp_is_as_long_as_the_great_circle():
    """Between unit vectors the broken line through many points has the length of their angle."""
    a, b = torch.nn.functional.normalize(latent.draw(2, 50, "normal", seeded(3)).double())
    walk = latent.path(a, b, 2_001, "slerp")
    length = walk.diff(dim=0).norm(dim=1).sum().item()
    assert length == pytest.approx(math.acos((a @ b).item()), rel=1e-6)
    torch.testing.assert_close(walk.norm(dim=1), torch.ones(2_001).double(), rtol=0, atol=1e-9)


def test_slerp_changes_the_length_linearly():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 6.0])
    assert latent.path(a, b, 5, "slerp").norm(dim=1).tolist() == pytest.approx([2, 3, 4, 5, 6])


@pytest.mark.parametrize("b", [[2.0, 4.0], [-1.0, -2.0], [0.0, 0.0], [1.0, 2.0]])
def test_slerp_falls_back_to_the_line_where_there_is_no_great_circle(b):
    a, b = torch.tensor([1.0, 2.0]), torch.tensor(b)
    walk = latent.path(a, b, 5, "slerp")
    torch.testing.assert_close(walk, latent.path(a, b, 5, "lerp"), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("t", [0.1, 0.25, 0.5, 0.7, 0.9])
def test_the_distribution_preserving_path_preserves_the_distribution(kind, t):
    a, b = (latent.draw(MANY, 1, kind, seeded(s))[:, 0] for s in (1, 2))
    moved = latent.distribution_preserving(a, b, t, kind)
    assert distribution_distance(moved, kind) < GAP
    line = latent.lerp(a, b, t)  # which the straight line does not
    assert distribution_distance(line, kind) > 1.5 * GAP


def test_the_uniform_map_at_the_middle_is_the_one_of_the_triangle():
    """(a + b) / 2 has the triangular density 1 - |x|, so the map is sign(x) (1 - (1 - |x|)^2)."""
    line = [-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0]
    a = torch.tensor(line)
    moved = latent.distribution_preserving(a, a, 0.5)
    assert moved.tolist() == pytest.approx([-1, -0.75, -0.4375, 0, 0.4375, 0.75, 1], abs=1e-6)


@pytest.mark.parametrize("t", [0.0, 0.01, 0.2, 0.5, 0.8, 1.0])
def test_the_uniform_map_is_monotone_without_a_jump_and_stays_in_the_cube(t):
    """Along the diagonal a = b = x the line passes x itself; the flat part ends at |1 - 2t|."""
    x = torch.linspace(-1, 1, 2_001)
    moved = latent.distribution_preserving(x, x, t)
    steps = moved.diff()
    # Its slope is twice the line's density, at most 1 / max(t, 1 - t).
    assert (steps >= -1e-6).all() and (steps <= 0.001 / max(t, 1 - t) + 1e-6).all()
    assert moved.abs().max() <= 1


def test_manifold_grid_reads_like_paper():
    """First coordinate to the right, second upwards, row by row from the top."""
    assert latent.manifold_grid(2, 3).tolist() == [
        *([-1, 1], [0, 1], [1, 1]),
        *([-1, -1], [0, -1], [1, -1]),
    ]


def test_normal_grid_is_even_in_probability():
    lines = latent.manifold_grid(2, 5, kind="normal")[:5, 0]
    shares = [cumulative("normal", x) for x in lines.tolist()]
    assert shares == pytest.approx([0.025, 0.2625, 0.5, 0.7375, 0.975], abs=1e-6)
    assert latent.manifold_grid(2, 2, kind="normal")[0].tolist() == pytest.approx(
        [-1.959964, 1.959964], abs=1e-5
    )


@pytest.mark.parametrize(
    "refused",
    [
        lambda z: latent.draw(1, 2, "gaussian"),
        lambda z: latent.path(z, z, 1),
        lambda z: latent.path(z, z, 5, "great circle"),
        lambda z: latent.distribution_preserving(z, z, 0.5, "cauchy"),
        lambda z: latent.manifold_grid(1, 5),
        lambda z: latent.manifold_grid(5, 1),
        lambda z: latent.manifold_grid(5, 5, kind="cauchy"),
    ],
)
def test_what_has_no_meaning_is_refused(refused):
    with pytest.raises(ValueError, match="must be one of|needs"):
        refused(torch.zeros(3))


# --- the way back: from an image to its noise ----------------------------------------------------


class Linear(torch.nn.Module):
    """z -> A z + b, whose nearest image is known by least squares."""

    def __init__(self, z_dim=3, pixels=6):
        super().__init__()
        self.map = torch.nn.Linear(z_dim, pixels)
        with torch.no_grad():
            self.map.weight.normal_(generator=seeded(1))
            self.map.bias.normal_(generator=seeded(2))

    def forward(self, z):
        return self.map(z).view(-1, 1, 2, 3)


def test_invert_finds_what_least_squares_finds():
    generator = Linear().eval()
    images = torch.randn(5, 1, 2, 3, generator=seeded(3))
    z, error = latent.invert(generator, images, 3, kind="normal", steps=400, random=seeded())
    a, b = generator.map.weight.detach(), generator.map.bias.detach()
    best = torch.linalg.lstsq(a, (images.flatten(1) - b).T).solution.T
    torch.testing.assert_close(z, best, atol=2e-2, rtol=0)
    rest = (images.flatten(1) - best @ a.T - b).square().mean(dim=1).sqrt()
    torch.testing.assert_close(error, rest, atol=1e-3, rtol=0)
    assert (error >= rest - 1e-5).all()  # never below the minimum
    drawn = (generator(z) - images).square().flatten(1).mean(dim=1).sqrt()
    torch.testing.assert_close(error, drawn.detach())  # the error is that of the z returned


def test_uniform_noise_stays_where_the_generator_was_trained():
    generator = Linear().eval()
    far = 50 * torch.ones(2, 1, 2, 3)
    z, _ = latent.invert(generator, far, 3, kind="uniform", steps=50, random=seeded())
    assert z.abs().max() == 1
    free, _ = latent.invert(generator, far, 3, kind="normal", steps=50, random=seeded())
    assert free.abs().max() > 1


class Folded(torch.nn.Module):
    """Two valleys, at z = -1 and z = 2, of which the second is the deeper one."""

    def forward(self, z):
        return torch.minimum((z + 1).square() + 0.5, (z - 2).square())


def test_more_starts_find_the_deeper_valley_and_no_step_is_the_best_draw():
    folded, zeros = Folded().eval(), torch.zeros(1, 1)
    one = [latent.invert(folded, zeros, 1, kind="normal", starts=1, random=seeded(s))[1].item()
           for s in range(8)]  # fmt: skip
    assert max(one) == pytest.approx(0.5, abs=1e-3)  # some single start is caught
    many = latent.invert(folded, zeros, 1, kind="normal", starts=32, random=seeded())[1]
    assert many.item() == pytest.approx(0, abs=1e-3)
    z, error = latent.invert(folded, zeros, 1, kind="normal", steps=0, starts=9, random=seeded())
    draws = folded(latent.draw(9, 1, "normal", seeded()))
    assert error.item() == pytest.approx(draws.min().item()) and z.shape == (1, 1)


def test_whoever_watches_a_search_sees_it_get_better_and_can_stop_it():
    generator, images = Linear().eval(), torch.randn(5, 1, 2, 3, generator=seeded(3))
    seen = []

    def watch(step, z, error):
        seen.append((step, z, error))

    settings = {"kind": "normal", "steps": 30}
    whole = latent.invert(generator, images, 3, **settings, random=seeded(), watch=watch)
    assert [step for step, _, _ in seen] == list(range(31))
    errors = torch.stack([error for _, _, error in seen])
    assert (errors.diff(dim=0) <= 0).all() and (errors[-1] < errors[0] - 0.1).all()
    unwatched = latent.invert(generator, images, 3, **settings, random=seeded())
    for found in (whole, seen[-1][1:]):
        torch.testing.assert_close(found, unwatched, rtol=0, atol=0)
    stopped = latent.invert(
        generator, images, 3, **settings, random=seeded(), watch=lambda step, z, error: step == 7
    )
    torch.testing.assert_close(stopped, seen[7][1:], rtol=0, atol=0)  # the best of eight places


def test_invert_leaves_the_generator_alone_and_refuses_one_in_training():
    generator = Linear().eval()
    before = [p.clone() for p in generator.parameters()]
    latent.invert(generator, torch.zeros(1, 1, 2, 3), 3, steps=3, random=seeded())
    assert all(map(torch.equal, before, generator.parameters()))
    assert all(p.grad is None for p in generator.parameters())
    with pytest.raises(ValueError, match="training mode"):
        latent.invert(Linear(), torch.zeros(1, 1, 2, 3), 3)
