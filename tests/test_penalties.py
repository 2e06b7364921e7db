"""Slope penalties against critics whose slopes are known, and against finite differences.

Three critics carry the proofs. A linear one, critic(x) = <w, x>, has the gradient w everywhere. The
bowl, critic(x) = |x|^2 / 2, has the gradient x. A small tanh network has one that nobody knows by
heart: its gradients are measured from scores alone, by central differences in float64.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lsgan_lib.losses.penalties import (
    Critic,
    clip_weights_,
    dragan,
    finite_difference,
    gradient_norm,
    input_gradient,
    interpolates,
    two_point,
)

fast = settings(deadline=None, derandomize=True, max_examples=40)

SHAPE = (2, 2, 3)  # channels, height, width
ENTRIES = math.prod(SHAPE)

# Every penalty behind one signature: (critic, real, fake, random) -> scalar.
PENALTIES: dict[str, Callable[..., Tensor]] = {
    "gradient_norm": lambda c, x, y, r: gradient_norm(c, x),
    "gradient_norm squared": lambda c, x, y, r: gradient_norm(c, x, power=2),
    "gradient_norm pixel": lambda c, x, y, r: gradient_norm(c, x, reduce="pixel"),
    "gradient_norm pixel squared": lambda c, x, y, r: gradient_norm(c, x, power=2, reduce="pixel"),
    "interpolates": lambda c, x, y, r: interpolates(c, x, y, random=r),
    "interpolates to 0": lambda c, x, y, r: interpolates(c, x, y, target=0.0, random=r),
    "dragan": lambda c, x, y, r: dragan(c, x, random=r),
    "two_point": lambda c, x, y, r: two_point(c, x, y, random=r),
    "two_point to 1": lambda c, x, y, r: two_point(c, x, y, target=1.0, random=r),
    "finite_difference": lambda c, x, y, r: finite_difference(c, x, random=r),
}
RANDOM_ONES = [name for name in PENALTIES if not name.startswith("gradient_norm")]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, seed: int, shape: tuple[int, ...] = SHAPE) -> Tensor:
    return torch.randn(count, *shape, generator=seeded(seed), dtype=torch.float64)


def linear(slope: Tensor) -> Critic:
    return lambda x: (x * slope).flatten(start_dim=1).sum(dim=1)


weight_of_bowl = torch.ones((), dtype=torch.float64, requires_grad=True)


def bowl(x: Tensor) -> Tensor:
    return (weight_of_bowl * x).square().flatten(start_dim=1).sum(dim=1) / 2


def network_of(inner: Tensor, bias: Tensor, outer: Tensor) -> Critic:
    """A one-layer tanh network whose weights are the arguments, as gradcheck wants them."""
    return lambda x: torch.tanh(x.flatten(start_dim=1) @ inner + bias) @ outer


def network_weights(seed: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    shapes, random = ((ENTRIES, 4), (4,), (4,)), seeded(seed)
    drawn = [torch.randn(s, generator=random, dtype=torch.float64) / 2 for s in shapes]
    return tuple(weight.requires_grad_() for weight in drawn)


def measured_gradient(critic: Critic, x: Tensor, step: float = 1e-5) -> np.ndarray:
    """The gradient of each sample's score from scores alone: (N, entries)."""
    columns = []
    for entry in torch.eye(ENTRIES, dtype=torch.float64).reshape(-1, *SHAPE):
        with torch.no_grad():
            columns.append((critic(x + step * entry) - critic(x - step * entry)) / (2 * step))
    return torch.stack(columns, dim=1).numpy()


class Recorder:
    """A critic that remembers where it was asked."""

    def __init__(self, critic: Critic) -> None:
        self.critic = critic
        self.asked: list[Tensor] = []

    def __call__(self, x: Tensor) -> Tensor:
        self.asked.append(x.detach().clone())
        return self.critic(x)


# --- critics with a known slope -----------------------------------------------------------------


def slope_of_thirteen() -> Tensor:
    """Channel vectors (3, 4) at one pixel and (0, 12) at another: lengths 5 and 12, 13 in all."""
    slope = torch.zeros(SHAPE, dtype=torch.float64)
    slope[:, 0, 0] = torch.tensor([3.0, 4.0])
    slope[:, 1, 2] = torch.tensor([0.0, 12.0])
    return slope.requires_grad_()


@pytest.mark.parametrize(
    ("power", "reduce", "expected"),
    [
        (1, "sample", 13.0),
        (2, "sample", 169.0),
        (1, "pixel", (5 + 12) / 6),  # mean over six pixels
        (2, "pixel", 169 / 6),
    ],
)
def test_gradient_norm_of_a_linear_critic(power: int, reduce: str, expected: float) -> None:
    for count in (1, 4):
        critic = linear(slope_of_thirteen())
        value = gradient_norm(critic, images(count, 0), power=power, reduce=reduce)
        assert value.shape == ()
        assert value.item() == pytest.approx(expected)


@pytest.mark.parametrize("target", [0.0, 1.0, 13.0, 20.0])
def test_slope_targets_of_a_linear_critic(target: float) -> None:
    critic, real, fake = linear(slope_of_thirteen()), images(5, 1), images(5, 2)
    expected = pytest.approx((13 - target) ** 2, abs=1e-9)
    assert interpolates(critic, real, fake, target=target).item() == expected
    assert dragan(critic, real, target=target).item() == expected


def test_default_targets() -> None:
    critic, real, fake = linear(slope_of_thirteen()), images(1, 1), images(1, 2)
    assert interpolates(critic, real, fake).item() == pytest.approx(12**2)
    assert dragan(critic, real).item() == pytest.approx(12**2)
    along = abs(critic(real - fake).item()) / (real - fake).norm().item()
    assert two_point(critic, real, fake).item() == pytest.approx(along**2)


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_two_point_of_a_linear_critic_is_its_slope_along_each_segment(target: float) -> None:
    """Wherever the two points fall, <w, d_i> / |d_i| is the slope along d_i = real_i - fake_i."""
    slope, real, fake = slope_of_thirteen(), images(6, 1), images(6, 2)
    across = (real - fake).flatten(start_dim=1).numpy()
    along = np.abs(across @ slope.detach().numpy().ravel()) / np.linalg.norm(across, axis=1)
    for seed in range(5):
        value = two_point(linear(slope), real, fake, target=target, random=seeded(seed))
        assert value.item() == pytest.approx(((along - target) ** 2).mean())
        assert value.item() <= max((13 - target) ** 2, target**2)


def test_gradient_norm_of_the_bowl_is_the_mean_length_of_the_images() -> None:
    """Lengths 1, 2, 3: the mean is 2, of the squares 14/3. One norm of the batch would be 3.74."""
    x = images(3, 0)
    x = x / x.flatten(start_dim=1).norm(dim=1).reshape(3, 1, 1, 1)
    x = x * torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1)
    assert gradient_norm(bowl, x).item() == pytest.approx(2)
    assert gradient_norm(bowl, x, power=2).item() == pytest.approx(14 / 3)
    same = interpolates(bowl, x, x, target=1.0)  # real and fake alike: the segments are points
    assert same.item() == pytest.approx((0 + 1 + 4) / 3)
    torch.testing.assert_close(input_gradient(bowl, x).detach(), x)


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_against_slopes_measured_from_scores(name: str) -> None:
    """Each penalty from its definition, with gradients that know nothing of backpropagation."""
    critic = Recorder(network_of(*network_weights()))
    value = PENALTIES[name](critic, images(4, 1), images(4, 2), seeded()).item()
    points = critic.asked
    if name == "finite_difference":
        start, moved = (critic.critic(p).detach().numpy() for p in reversed(points))
        expected = np.mean(((moved - start) / 0.01) ** 2)
    elif name.startswith("two_point"):
        rise = np.abs((critic.critic(points[0]) - critic.critic(points[1])).detach().numpy())
        distance = np.linalg.norm((points[0] - points[1]).numpy().reshape(4, -1), axis=1)
        expected = np.mean((rise / distance - (1 if name.endswith("1") else 0)) ** 2)
    else:
        gradient = measured_gradient(critic.critic, points[0])
        if "pixel" in name:  # (N * pixels, channels): one vector a pixel
            gradient = np.moveaxis(gradient.reshape(4, *SHAPE), 1, -1).reshape(-1, SHAPE[0])
        lengths = np.linalg.norm(gradient, axis=1)
        if "squared" in name:
            expected = np.mean(lengths**2)
        elif name.startswith("gradient_norm"):
            expected = np.mean(lengths)
        else:
            expected = np.mean((lengths - (0 if name.endswith("0") else 1)) ** 2)
    assert value == pytest.approx(expected, rel=1e-6)


# --- where the critic is asked ------------------------------------------------------------------


def test_gradient_norm_looks_at_the_given_images() -> None:
    critic, real = Recorder(bowl), images(4, 1)
    gradient_norm(critic, real)
    assert len(critic.asked) == 1
    assert torch.equal(critic.asked[0], real)


def positions_on_segments(points: Tensor, real: Tensor, fake: Tensor) -> np.ndarray:
    """u of each pair, after checking that points = u real + (1 - u) fake in every entry."""
    across = (real - fake).flatten(start_dim=1)
    along = (points - fake).flatten(start_dim=1)
    u = (along * across).sum(dim=1) / across.square().sum(dim=1)
    torch.testing.assert_close(along, u[:, None] * across)
    return u.numpy()


def looks_uniform(u: np.ndarray) -> bool:
    """Within [0, 1], and its distribution function nowhere further than 0.06 from the diagonal.

    For 1,000 uniform numbers that distance (Kolmogorov's) exceeds 0.06 once in 600 times; the
    seeds are fixed, so a test that passes keeps passing.
    """
    steps = (np.arange(len(u)) + 0.5) / len(u)
    return bool(u.min() >= 0 and u.max() <= 1 and np.abs(np.sort(u) - steps).max() < 0.06)


def test_interpolates_are_one_uniform_point_on_each_pairs_own_segment() -> None:
    critic, real, fake = Recorder(bowl), images(1000, 1), images(1000, 2)
    interpolates(critic, real, fake, random=seeded())
    assert len(critic.asked) == 1
    assert looks_uniform(positions_on_segments(critic.asked[0], real, fake))


def test_two_points_are_independent_on_each_pairs_own_segment() -> None:
    critic, real, fake = Recorder(bowl), images(1000, 1), images(1000, 2)
    two_point(critic, real, fake, random=seeded())
    first, second = (positions_on_segments(points, real, fake) for points in critic.asked)
    assert looks_uniform(first)
    assert looks_uniform(second)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_dragan_moves_every_entry_by_its_own_uniform_noise(spread: float) -> None:
    critic, real = Recorder(bowl), 3 * images(100, 1) + 7
    dragan(critic, real, spread=spread, random=seeded())
    noise = (critic.asked[0] - real).numpy() / (spread * np.std(real.numpy()))
    assert looks_uniform(noise.ravel()[:1000])
    by_sample = noise.reshape(100, -1)
    assert np.abs(np.corrcoef(by_sample.T) - np.eye(ENTRIES)).max() < 0.5  # no two entries alike


def test_dragan_looks_at_the_real_images_when_its_spread_is_zero() -> None:
    critic, real = Recorder(bowl), images(4, 1)
    dragan(critic, real, spread=0.0)
    assert torch.equal(critic.asked[0], real)


def test_dragan_reaches_half_a_population_deviation_unless_told() -> None:
    """The entries -1 and 1 deviate by exactly 1 (dividing by N - 1 would make it 1.41)."""
    critic, real, random = Recorder(bowl), torch.tensor([[-1.0, 1.0]]), seeded()
    for _ in range(200):
        dragan(critic, real, random=random)
    moves = torch.cat(critic.asked) - real
    assert 0.45 < moves.max() <= 0.5


@pytest.mark.parametrize("sigma", [0.01, 0.5])
def test_finite_difference_steps_along_a_standard_normal_direction(sigma: float) -> None:
    critic, real = Recorder(bowl), images(200, 1)
    finite_difference(critic, real, sigma=sigma, random=seeded())
    moved, start = critic.asked
    assert torch.equal(start, real)
    direction = ((moved - real) / sigma).numpy().reshape(200, -1)
    assert direction.mean() == pytest.approx(0, abs=0.1)
    assert np.abs(np.cov(direction.T) - np.eye(ENTRIES)).max() < 0.4
    inside = (np.abs(direction) < 1).mean()  # a normal number is within one deviation 68 in 100
    assert inside == pytest.approx(0.683, abs=0.03)


# --- theory -------------------------------------------------------------------------------------


def test_finite_difference_expects_the_squared_slope() -> None:
    """E <w, e>^2 = |w|^2 for e ~ N(0, I): 169, here within three deviations of 40,000 draws."""
    value = finite_difference(linear(slope_of_thirteen()), images(40_000, 3), random=seeded())
    assert value.item() == pytest.approx(169, rel=3 * math.sqrt(2 / 40_000))


def test_finite_difference_of_a_curved_critic_tends_to_the_squared_slope() -> None:
    """At one image of length 2, drawn 40,000 times, the bowl's expectation is 4 + O(sigma^2)."""
    one = images(1, 0)
    many = (2 * one / one.norm()).expand(40_000, *SHAPE)
    tolerance = 3 * math.sqrt(2 / 40_000)
    value = finite_difference(bowl, many, sigma=1e-3, random=seeded()).item()
    assert value == pytest.approx(4, rel=tolerance)
    # By hand: (<x, e> + sigma |e|^2 / 2)^2 has the mean |x|^2 + sigma^2 (D^2 + 2 D) / 4.
    value = finite_difference(bowl, many, sigma=0.2, random=seeded()).item()
    assert value == pytest.approx(4 + 0.04 * (ENTRIES**2 + 2 * ENTRIES) / 4, rel=2 * tolerance)


@pytest.mark.parametrize("name", ["gradient_norm", "interpolates", "dragan", "gradient_norm pixel"])
def test_a_repeated_batch_costs_the_same(name: str) -> None:
    """Means over the batch: with the segments shrunk to points, and no noise, nothing is random."""
    critic, x = network_of(*network_weights()), images(3, 1)
    penalty = {"dragan": lambda c, x, y, r: dragan(c, x, spread=0.0)}.get(name, PENALTIES[name])
    once, twice = (
        penalty(critic, x, x, None),
        penalty(critic, x.repeat(2, 1, 1, 1), x.repeat(2, 1, 1, 1), None),
    )
    assert twice.item() == pytest.approx(once.item())


# --- the seed's second bug: the penalty is a per-sample norm ------------------------------------


@fast
@given(
    channels=st.integers(1, 4),
    height=st.integers(1, 8),
    width=st.integers(1, 8),
    seed=st.integers(0, 999),
)
def test_pixel_form_is_at_most_the_sample_form_over_root_of_pixels(
    channels: int, height: int, width: int, seed: int
) -> None:
    slope = images(1, seed, (channels, height, width))[0].requires_grad_()
    x = images(2, seed + 1, (channels, height, width))
    sample = gradient_norm(linear(slope), x).item()
    pixel = gradient_norm(linear(slope), x, reduce="pixel").item()
    assert sample == pytest.approx(np.linalg.norm(slope.detach().numpy().ravel()))
    assert pixel <= sample / math.sqrt(height * width) * (1 + 1e-12)


def test_penalty_is_a_per_sample_norm() -> None:
    """One of the seeds takes the norm over channels: 64 times too weak, at least, at 64 x 64."""
    x = images(2, 0, (3, 64, 64))

    def both(slope: Tensor) -> tuple[float, float]:
        critic = linear(slope.requires_grad_())
        return gradient_norm(critic, x).item(), gradient_norm(critic, x, reduce="pixel").item()

    # The same slope at every pixel: Cauchy-Schwarz holds with equality.
    sample, pixel = both(torch.full((3, 64, 64), 0.01, dtype=torch.float64))
    assert sample == pytest.approx(0.01 * math.sqrt(3 * 64 * 64))
    assert sample / pixel == pytest.approx(64)

    # Independent normal slopes: a pixel's norm is chi with 3 degrees, of mean 2 sqrt(2 / pi).
    sample, pixel = both(images(1, 1, (3, 64, 64))[0])
    expected = 64 * math.sqrt(3) / (2 * math.sqrt(2 / math.pi))  # 69.5
    assert sample / pixel == pytest.approx(expected, rel=0.02)

    # All of the slope at one pixel: a critic of slope 1, and the pixel form hardly sees it.
    slope = torch.zeros(3, 64, 64, dtype=torch.float64)
    slope[0, 10, 20] = 1.0
    sample, pixel = both(slope)
    assert sample == pytest.approx(1)
    assert sample / pixel == pytest.approx(64**2)


# --- gradients with respect to the critic -------------------------------------------------------


@pytest.mark.parametrize("name", PENALTIES)
def test_parameter_gradients_agree_with_finite_differences(name: str) -> None:
    real, fake = images(3, 1), images(3, 2)

    def penalty(*weights: Tensor) -> Tensor:
        return PENALTIES[name](network_of(*weights), real, fake, seeded())

    assert torch.autograd.gradcheck(penalty, network_weights())


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_train_the_critic_and_nothing_else(name: str) -> None:
    weights = network_weights()
    real, fake = images(3, 1), images(3, 2)
    if name != "finite_difference":  # a plain difference of scores, differentiable everywhere
        real.requires_grad_()
        fake.requires_grad_()
    value = PENALTIES[name](network_of(*weights), real, fake, seeded())
    assert value.requires_grad
    value.backward()
    assert all(weight.grad.abs().sum() > 0 for weight in weights)
    assert real.grad is None
    assert fake.grad is None  # the generator's images hear nothing of it
    assert torch.equal(real, images(3, 1))


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_leave_the_batch_as_it_was(name: str) -> None:
    real, fake = images(3, 1), images(3, 2)
    PENALTIES[name](bowl, real, fake, seeded())
    assert not real.requires_grad
    assert not fake.requires_grad
    assert torch.equal(real, images(3, 1))
    assert torch.equal(fake, images(3, 2))


def test_descending_the_penalty_reaches_the_target_slope() -> None:
    slope = torch.full(SHAPE, 2.0, dtype=torch.float64, requires_grad=True)
    real, fake = images(3, 1), images(3, 2)
    for _ in range(60):
        (step,) = torch.autograd.grad(interpolates(linear(slope), real, fake, target=3.0), slope)
        slope = (slope - 0.2 * step).detach().requires_grad_()
    assert slope.norm().item() == pytest.approx(3.0)


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_flat_critic_gets_finite_gradients(name: str, dtype: torch.dtype) -> None:
    """The length of a zero vector has no derivative; one NaN here would be in every weight next."""
    real, fake = images(3, 1).to(dtype), images(3, 2).to(dtype)
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(ENTRIES, 4), nn.LeakyReLU(0.2), nn.Linear(4, 1), nn.Flatten(0)
    ).to(dtype)
    for weight in network.parameters():
        nn.init.zeros_(weight)
    flat = torch.zeros(SHAPE, dtype=dtype, requires_grad=True)
    for critic, weights in [(network, list(network.parameters())), (linear(flat), [flat])]:
        value = PENALTIES[name](critic, real, fake, seeded())
        value.backward()
        assert value.item() in (0.0, 1.0)  # the distance of a zero slope from its target, squared
        assert all(w.grad is None or w.grad.isfinite().all() for w in weights)


@pytest.mark.parametrize("name", ["gradient_norm", "gradient_norm pixel", "interpolates"])
def test_a_critic_flat_at_one_point_gets_finite_gradients(name: str) -> None:
    """The bowl's gradient at 0 is 0, yet its other slopes depend on the weight."""
    origin = torch.zeros(2, *SHAPE, dtype=torch.float64)
    (pull,) = torch.autograd.grad(PENALTIES[name](bowl, origin, origin, None), weight_of_bowl)
    assert pull.isfinite()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_two_point_where_both_points_coincide(dtype: torch.dtype, target: float) -> None:
    """Real and fake alike, here 0, so that both points are bitwise one: a slope of 0, not 0 / 0."""
    same = torch.zeros(4, *SHAPE, dtype=dtype)
    weights = [weight.detach().to(dtype).requires_grad_() for weight in network_weights()]
    value = two_point(network_of(*weights), same, same, target=target, random=seeded())
    value.backward()
    assert value.item() == target**2
    assert all(weight.grad.isfinite().all() for weight in weights)


def test_two_point_of_one_coinciding_pair_leaves_the_others_alone() -> None:
    slope, real, fake = slope_of_thirteen(), images(3, 1), images(3, 2)
    real[1] = fake[1] = 0
    across = (real - fake).flatten(start_dim=1).numpy()[[0, 2]]
    along = np.abs(across @ slope.detach().numpy().ravel()) / np.linalg.norm(across, axis=1)
    value = two_point(linear(slope), real, fake, random=seeded())
    value.backward()
    assert value.item() == pytest.approx((along**2).sum() / 3)
    assert slope.grad.isfinite().all()


# --- randomness ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RANDOM_ONES)
def test_the_same_generator_gives_the_same_penalty(name: str) -> None:
    critic, real, fake = network_of(*network_weights()), images(4, 1), images(4, 2)

    def value(random: torch.Generator | None) -> float:
        return PENALTIES[name](critic, real, fake, random).item()

    before = torch.get_rng_state()
    assert value(seeded(1)) == value(seeded(1))
    assert value(seeded(1)) != value(seeded(2))
    going_on = seeded(1)
    assert value(going_on) != value(going_on)  # each call draws anew
    assert torch.equal(torch.get_rng_state(), before)  # and nobody else's dice were touched


# --- weight clipping ----------------------------------------------------------------------------


def test_clip_weights_clamps_every_parameter_in_place() -> None:
    critic = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    with torch.no_grad():
        critic[0].weight.copy_(torch.tensor([[-3.0, 0.05], [0.01, 0.2]]))
        critic[2].bias.fill_(-0.5)
    critic[1].running_var.fill_(9.0)
    places = [weight.data_ptr() for weight in critic.parameters()]
    assert clip_weights_(critic, 0.1) is None
    assert critic[0].weight.tolist() == [
        pytest.approx([-0.1, 0.05]),
        pytest.approx([0.01, 0.1]),
    ]
    assert critic[2].bias.item() == pytest.approx(-0.1)
    assert critic[1].weight.tolist() == pytest.approx([0.1, 0.1])
    assert critic[1].running_var.tolist() == [9.0, 9.0]  # a statistic, not a weight
    assert [weight.data_ptr() for weight in critic.parameters()] == places
    assert all(weight.requires_grad and weight.is_leaf for weight in critic.parameters())


def test_clipped_weights_bound_a_linear_critics_slope() -> None:
    """|w| <= limit * sqrt(entries): what clipping has to do with WGAN's Lipschitz condition."""
    critic = nn.Sequential(nn.Flatten(), nn.Linear(ENTRIES, 1), nn.Flatten(0)).double()
    with torch.no_grad():
        critic[1].weight.mul_(100)
    clip_weights_(critic, 0.01)
    bound = 0.01 * math.sqrt(ENTRIES)
    slope = gradient_norm(critic, images(2, 0)).item()
    assert 0.9 * bound < slope <= bound * (1 + 1e-12)


@pytest.mark.parametrize("limit", [0.0, -0.01])
def test_clip_limit_must_be_positive(limit: float) -> None:
    with pytest.raises(ValueError, match=f"^limit is {limit}"):
        clip_weights_(nn.Linear(1, 1), limit)


@pytest.mark.parametrize("limit", [math.nan, math.inf])
def test_clip_limit_must_be_finite(limit: float) -> None:
    with pytest.raises(ValueError, match=f"^limit must be a finite number, not {limit!r}"):
        clip_weights_(nn.Linear(1, 1), limit)


# --- guards -------------------------------------------------------------------------------------

IMAGE_ARGUMENTS = [
    (lambda x: input_gradient(bowl, x), "images"),
    (lambda x: gradient_norm(bowl, x), "images"),
    (lambda x: dragan(bowl, x), "images"),
    (lambda x: finite_difference(bowl, x), "images"),
    (lambda x: interpolates(bowl, x, images(3, 0)), "real"),
    (lambda x: interpolates(bowl, images(3, 0), x), "fake"),
    (lambda x: two_point(bowl, x, images(3, 0)), "real"),
    (lambda x: two_point(bowl, images(3, 0), x), "fake"),
]


@pytest.mark.parametrize(("call", "name"), IMAGE_ARGUMENTS)
def test_images_must_be_floating_point_batches(call, name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be floating point.*torch\.uint8"):
        call(torch.zeros(3, *SHAPE, dtype=torch.uint8))
    for bad in (torch.zeros(0, *SHAPE), torch.zeros(3), torch.zeros(())):
        with pytest.raises(ValueError, match=rf"^{name} must be a batch.*{name}\[None\]") as caught:
            call(bad)
        assert str(tuple(bad.shape)) in str(caught.value)


@pytest.mark.parametrize("penalty", [interpolates, two_point])
def test_images_must_be_paired(penalty) -> None:
    """One fake image would broadcast to every real one."""
    for count in (1, 2, 4):
        with pytest.raises(ValueError, match=r"real \(3, .*fake \(\d, .*Draw as many fake"):
            penalty(bowl, images(3, 0), images(count, 1))


@pytest.mark.parametrize("shape", [(3, 1), (3, 1, 1, 1)])
def test_two_point_refuses_scores_that_would_meet_every_distance(shape: tuple[int, ...]) -> None:
    """A twin of the seed's pairing bug: (N, 1) rises over (N,) distances give N * N slopes."""
    with pytest.raises(ValueError, match=r"^scores must hold one score per sample") as caught:
        two_point(lambda x: bowl(x).reshape(shape), images(3, 0), images(3, 1))
    assert str(shape) in str(caught.value)


def test_named_options_must_exist() -> None:
    with pytest.raises(ValueError, match="^power must be one of 1, 2, not 3"):
        gradient_norm(bowl, images(1, 0), power=3)
    with pytest.raises(ValueError, match="^reduce must be one of 'sample', 'pixel', not 'mean'"):
        gradient_norm(bowl, images(1, 0), reduce="mean")


def test_pixel_form_needs_pixels() -> None:
    with pytest.raises(ValueError, match=r'^reduce="pixel" needs images.*\(3, 2\)'):
        gradient_norm(bowl, torch.zeros(3, 2), reduce="pixel")
    assert gradient_norm(bowl, torch.ones(3, 4)).item() == pytest.approx(2)  # "sample" takes points


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_settings_must_be_finite(value: float) -> None:
    x = images(2, 0)
    for call, name in [
        (lambda: interpolates(bowl, x, x, target=value), "target"),
        (lambda: dragan(bowl, x, target=value), "target"),
        (lambda: dragan(bowl, x, spread=value), "spread"),
        (lambda: two_point(bowl, x, x, target=value), "target"),
        (lambda: finite_difference(bowl, x, sigma=value), "sigma"),
    ]:
        with pytest.raises(ValueError, match=f"^{name} must be a finite number, not {value!r}"):
            call()


@pytest.mark.parametrize("sigma", [0.0, -0.01])
def test_a_step_must_have_a_length(sigma: float) -> None:
    with pytest.raises(ValueError, match=f"^sigma is {sigma}"):
        finite_difference(bowl, images(2, 0), sigma=sigma)


def test_a_penalty_that_would_train_nothing_is_refused() -> None:
    """Without gradients, and with a critic whose input gradient holds no weight that can learn."""
    frozen = torch.ones(SHAPE, dtype=torch.float64)
    for penalty in (
        lambda critic: gradient_norm(critic, images(2, 0)),
        lambda critic: interpolates(critic, images(2, 0), images(2, 1)),
        lambda critic: dragan(critic, images(2, 0)),
    ):
        with pytest.raises(RuntimeError, match="train nothing"):
            penalty(linear(frozen))
        with torch.no_grad(), pytest.raises(RuntimeError, match=r"keep torch\.enable_grad\(\) on"):
            penalty(bowl)
