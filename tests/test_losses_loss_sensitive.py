"""Loss-sensitive losses: margins against vector norms, pairs against loops, the seed's bug.

The critic is a loss: low for real samples. Row i of real, fake and margin is one pair.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import leaky_relu

from lsgan_lib.losses.costs import absolute, elu, leaky
from lsgan_lib.losses.loss_sensitive import critic_loss, generator_loss, margin, violation

fast = settings(deadline=None, derandomize=True, max_examples=60)

TRIPLE = st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(0, 3))  # L(x), L(G(z)), margin
PAIRS = st.lists(TRIPLE, min_size=1, max_size=8)


def column(values, requires_grad: bool = False) -> Tensor:
    return torch.tensor(list(values), dtype=torch.float64, requires_grad=requires_grad)


def random_images(count: int, seed: int, shape: tuple[int, ...] = (3, 4, 5)) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, *shape, generator=random, dtype=torch.float64) * 2 - 1


# --- margins ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("norm", "reduce", "expected"),
    [
        # The pairs differ by (3, -4, 0, 0) and by (1, 1, 1, -1).
        ("l1", "sum", [7, 4]),
        ("l1", "pixel", [7 / 4, 1]),
        ("l2", "sum", [5, 2]),
        ("l2", "pixel", [5 / 2, 1]),  # root of the mean square: sqrt(25 / 4), sqrt(4 / 4)
    ],
)
@pytest.mark.parametrize("shape", [(2, 1, 2, 2), (2, 4), (2, 2, 1, 2)])
def test_margins_of_two_pairs_worked_by_hand(
    norm: str, reduce: str, expected: list[float], shape: tuple[int, ...]
) -> None:
    real = torch.tensor([[1.0, -2, 5, 0], [0, 0, 0, 0]]).reshape(shape)
    fake = torch.tensor([[-2.0, 2, 5, 0], [-1, -1, -1, 1]]).reshape(shape)
    got = margin(real, fake, norm=norm, scale=0.5, reduce=reduce)
    assert got.shape == (2,)
    assert got.tolist() == pytest.approx([0.5 * value for value in expected], abs=1e-6)


@pytest.mark.parametrize(("norm", "order"), [("l1", 1), ("l2", 2)])
def test_margins_are_vector_norms_of_each_pair(norm: str, order: int) -> None:
    real, fake = random_images(6, 1), random_images(6, 2)
    expected = [
        np.linalg.norm((x - y).numpy().ravel(), ord=order) for x, y in zip(real, fake, strict=True)
    ]
    got = margin(real, fake, norm=norm, scale=0.01)
    np.testing.assert_allclose(got, 0.01 * np.array(expected), rtol=1e-12)
    mean_power = [  # the "pixel" form is a power mean of |x - y|: independent of the image's size
        ((x - y).abs() ** order).mean().item() ** (1 / order)
        for x, y in zip(real, fake, strict=True)
    ]
    got = margin(real, fake, norm=norm, scale=0.01, reduce="pixel")
    np.testing.assert_allclose(got, 0.01 * np.array(mean_power), rtol=1e-12)


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("reduce", ["sum", "pixel"])
def test_margins_are_distances(norm: str, reduce: str) -> None:
    x, y, z = (random_images(5, seed) for seed in (1, 2, 3))

    def distance(p: Tensor, q: Tensor, scale: float = 1.0) -> Tensor:
        return margin(p, q, norm=norm, scale=scale, reduce=reduce)

    assert torch.equal(distance(x, x), torch.zeros(5, dtype=torch.float64))
    assert (distance(x, y) > 0).all()
    torch.testing.assert_close(distance(x, y), distance(y, x))
    assert (distance(x, z) <= distance(x, y) + distance(y, z)).all()
    torch.testing.assert_close(distance(x, y, scale=3.0), distance(3 * x, 3 * y))
    assert torch.equal(distance(x, y, scale=0.0), torch.zeros(5, dtype=torch.float64))


def test_default_margin_is_the_seeds_summed_l1() -> None:
    """Mean differences of 0.3, 0.5, 0.7 in 12,288 entries: margins 0.74, 1.23, 1.72."""
    real = torch.zeros(3, 3, 64, 64)
    fake = torch.tensor([0.3, -0.5, 0.7]).reshape(3, 1, 1, 1).expand_as(real)
    assert margin(real, fake).tolist() == pytest.approx([0.737, 1.229, 1.720], abs=5e-4)


def test_margin_of_a_pair_depends_on_that_pair_alone() -> None:
    real, fake = random_images(5, 1), random_images(5, 2)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(margin(real[order], fake[order]), margin(real, fake)[order])
    torch.testing.assert_close(margin(real[2:3], fake[2:3]), margin(real, fake)[2:3])


# --- losses -------------------------------------------------------------------------------------

# Three pairs by hand: kept with room, broken, kept exactly.
LOW = (0.0, 2.0, 1.0)  # L(x)
HIGH = (3.0, 1.0, 1.5)  # L(G(z))
MARGIN = (1.0, 0.5, 0.5)
VIOLATIONS = (-2.0, 1.5, 0.0)  # margin + L(x) - L(G(z))


def test_violations_of_three_pairs_worked_by_hand() -> None:
    assert violation(column(LOW), column(HIGH), column(MARGIN)).tolist() == list(VIOLATIONS)


@pytest.mark.parametrize(
    ("cost", "total"),
    [
        (None, 0 + 1.5 + 0),
        (leaky(0.0), 0 + 1.5 + 0),
        (leaky(0.25), -0.5 + 1.5 + 0),
        (leaky(1.0), -2 + 1.5 + 0),
        (absolute(), 2 + 1.5 + 0),
        (elu(0.5), 0.5 * (math.exp(-2) - 1) + 1.5 + 0),
    ],
)
@pytest.mark.parametrize("real_weight", [0.0, 0.1])
def test_critic_loss_of_three_pairs_worked_by_hand(cost, total: float, real_weight: float) -> None:
    loss = critic_loss(
        column(LOW), column(HIGH), column(MARGIN), cost=cost, real_weight=real_weight
    )
    assert loss.shape == ()
    assert loss.item() == pytest.approx(total / 3 + real_weight * (0 + 2 + 1) / 3, abs=1e-12)


def test_generator_loss_is_the_mean_loss_of_the_fakes() -> None:
    fake = column(HIGH, requires_grad=True)
    loss = generator_loss(fake)
    loss.backward()
    assert loss.item() == pytest.approx(5.5 / 3)
    assert fake.grad.tolist() == pytest.approx([1 / 3] * 3)  # lower is better: no minus here


@fast
@given(pairs=PAIRS, slope=st.floats(-2, 1), weight=st.floats(0, 2))
def test_critic_loss_is_a_loop_over_pairs(pairs, slope: float, weight: float) -> None:
    loss = critic_loss(
        *map(column, zip(*pairs, strict=True)), cost=leaky(slope), real_weight=weight
    )
    expected = 0.0
    for real, fake, gap in pairs:
        short = gap - (fake - real)  # how far the fake stays short of its margin
        expected += (short if short > 0 else slope * short) + weight * real
    assert loss.item() == pytest.approx(expected / len(pairs), abs=1e-9)


@fast
@given(pairs=PAIRS, slope=st.floats(-2, 1), weight=st.floats(0, 2))
def test_gradient_moves_only_pairs_as_their_cost_says(pairs, slope: float, weight: float) -> None:
    """d/dL(x) = C'(violation) + weight, d/dL(G(z)) = -C'(violation): apart, until the margin."""
    for real, fake, gap in pairs:
        assume(abs(gap + real - fake) > 1e-6)
    real, fake, gaps = (column(row, True) for row in zip(*pairs, strict=True))
    critic_loss(real, fake, gaps, cost=leaky(slope), real_weight=weight).backward()
    pull = np.array([1.0 if fake < real + gap else slope for real, fake, gap in pairs]) / len(pairs)
    np.testing.assert_allclose(real.grad, pull + weight / len(pairs), atol=1e-12)
    np.testing.assert_allclose(fake.grad, -pull, atol=1e-12)


def test_gradients_agree_with_finite_differences() -> None:
    real, fake, gaps = (
        column(row, True) for row in ((0.1, 2.0, 0.7), (3.0, 1.0, 0.2), (1, 0.5, 0))
    )
    for cost in (leaky(0.0), leaky(-0.4), elu(0.8), absolute()):
        assert torch.autograd.gradcheck(
            lambda r, f, m, cost=cost: critic_loss(r, f, m, cost=cost, real_weight=0.3),
            (real, fake, gaps),
        )


# --- theory -------------------------------------------------------------------------------------


def test_hinge_rests_once_every_margin_is_kept_and_absolute_exactly_on_it() -> None:
    real, gaps = column((0.0, 1.0, -2.0)), column((0.5, 1.0, 2.0))
    beyond = (real + gaps + column((0.1, 3.0, 7.0))).requires_grad_()
    loss = critic_loss(real, beyond, gaps)
    loss.backward()
    assert loss.item() == 0
    assert beyond.grad.tolist() == [0, 0, 0]

    # The cost |a| pulls back what went beyond: descent from anywhere ends on the margins.
    fake = column((9.0, -4.0, 0.0), requires_grad=True)
    for step in range(400):
        (slope,) = torch.autograd.grad(critic_loss(real, fake, gaps, cost=absolute()), fake)
        fake = (fake - 3 * 0.2 * 0.98**step * slope).detach().requires_grad_()
    np.testing.assert_allclose((fake - real).detach(), gaps, atol=0.01)


@pytest.mark.parametrize("steepness", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_a_critic_flatter_than_its_margin_never_uses_the_hinge(steepness: float, norm: str) -> None:
    """|L(x) - L(y)| <= margin(x, y) makes every violation >= 0: then slope has no effect at all.

    A strong penalty therefore turns LS-GAN into WGAN plus a constant, whatever the cost.
    """
    real, fake, centre = random_images(16, 1), random_images(16, 2), random_images(1, 3)

    def critic(images: Tensor) -> Tensor:
        return steepness * margin(images, centre.expand_as(images), norm=norm)

    low, high, gaps = critic(real), critic(fake), margin(real, fake, norm=norm)
    assert (violation(low, high, gaps) >= 0).all()
    wgan = (low.mean() - high.mean() + gaps.mean()).item()
    for cost in (leaky(0.0), leaky(-1.0), leaky(0.5), leaky(1.0), elu(1.0), absolute()):
        assert critic_loss(low, high, gaps, cost=cost).item() == pytest.approx(wgan, abs=1e-12)


@fast
@given(pairs=PAIRS, shift=st.floats(-5, 5))
def test_only_score_differences_count(pairs, shift: float) -> None:
    """Without real_weight a constant added to the critic changes nothing; with it, it does."""
    real, fake, gaps = map(column, zip(*pairs, strict=True))
    loss = critic_loss(real, fake, gaps).item()
    assert critic_loss(real + shift, fake + shift, gaps).item() == pytest.approx(loss, abs=1e-9)
    weighted = critic_loss(real + shift, fake + shift, gaps, real_weight=0.5).item()
    expected = critic_loss(real, fake, gaps, real_weight=0.5).item() + 0.5 * shift
    assert weighted == pytest.approx(expected, abs=1e-9)


# --- the seed's first bug: margins must stay paired ---------------------------------------------

COUNT = 16
GAP = np.linspace(-2.5, -0.1, COUNT)  # L(x) - L(G(z)) of 16 pairs
SEED_MARGIN = np.linspace(0.2, 2.2, COUNT)


def numpy_loss(violations: np.ndarray, slope: float) -> float:
    return np.where(violations > 0, violations, slope * violations).mean()


@pytest.mark.parametrize(
    ("slope", "paired", "all_pairs"), [(0.0, 0.537, 0.345), (-1.0, 1.173, 0.791)]
)
def test_margins_stay_paired(slope: float, paired: float, all_pairs: float) -> None:
    """One of the seeds adds scores (N, 1, 1, 1) to margins (N,) and so meets all N * N pairs."""
    real, fake, gaps = column(GAP), column(np.zeros(COUNT)), column(SEED_MARGIN)
    loss = critic_loss(real, fake, gaps, cost=leaky(slope)).item()
    assert loss == pytest.approx(paired, abs=5e-4)
    assert loss == pytest.approx(numpy_loss(GAP + SEED_MARGIN, slope), abs=1e-12)

    # What the seed's line computes, with the guard taken away:
    broadcast = leaky_relu(real.reshape(-1, 1, 1, 1) - fake.reshape(-1, 1, 1, 1) + gaps, slope)
    assert broadcast.shape == (COUNT, 1, 1, COUNT)
    assert broadcast.mean().item() == pytest.approx(all_pairs, abs=5e-4)
    outer = numpy_loss(GAP[:, None] + SEED_MARGIN[None, :], slope)
    assert broadcast.mean().item() == pytest.approx(outer, abs=1e-12)

    # Ours gives that number only to those who spell the 256 pairs out ...
    every = [column(np.repeat(GAP, COUNT)), column(np.zeros(COUNT**2))]
    spelled_out = critic_loss(*every, column(np.tile(SEED_MARGIN, COUNT)), cost=leaky(slope))
    assert spelled_out.item() == pytest.approx(all_pairs, abs=5e-4)
    # ... and refuses the seed's shapes.
    with pytest.raises(
        ValueError, match=r"^real must hold one score per sample.*real\.flatten\(\)"
    ):
        critic_loss(real.reshape(-1, 1, 1, 1), fake.reshape(-1, 1, 1, 1), gaps, cost=leaky(slope))


def test_at_slope_one_pairing_does_not_matter() -> None:
    """The identity averages: mean margin plus mean difference, however they are combined."""
    real, fake, gaps = column(GAP), column(np.zeros(COUNT)), column(SEED_MARGIN)
    expected = GAP.mean() + SEED_MARGIN.mean()
    assert critic_loss(real, fake, gaps, cost=leaky(1.0)).item() == pytest.approx(expected)
    reverse = critic_loss(real, fake, gaps.flip(0), cost=leaky(1.0)).item()
    assert reverse == pytest.approx(expected, abs=1e-12)
    assert numpy_loss(GAP[:, None] + SEED_MARGIN, 1.0) == pytest.approx(expected)


def test_pairs_may_be_shuffled_together_but_not_apart() -> None:
    real, fake, gaps = column(GAP), column(np.zeros(COUNT)), column(SEED_MARGIN)
    order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(0))
    loss = critic_loss(real, fake, gaps).item()
    assert critic_loss(real[order], fake[order], gaps[order]).item() == pytest.approx(loss)
    assert abs(critic_loss(real, fake, gaps.flip(0)).item() - loss) > 0.1


# --- guards -------------------------------------------------------------------------------------

GOOD = torch.zeros(3)
IMAGES = torch.zeros(3, 1, 2, 2)


@pytest.mark.parametrize("function", [critic_loss, violation])
@pytest.mark.parametrize("shape", [(3, 1, 1, 1), (3, 1), (1, 3), ()])
def test_scores_and_margins_must_be_one_number_a_pair(function, shape: tuple[int, ...]) -> None:
    for position, name in enumerate(("real", "fake", "margin")):
        arguments = [GOOD, GOOD, GOOD]
        arguments[position] = torch.zeros(shape)
        with pytest.raises(ValueError, match=rf"^{name} must hold one score per sample") as caught:
            function(*arguments)
        assert str(shape) in str(caught.value)
    with pytest.raises(ValueError, match="^fake must hold one score per sample"):
        generator_loss(torch.zeros(shape))


@pytest.mark.parametrize("function", [critic_loss, violation])
def test_scores_and_margins_must_be_paired(function) -> None:
    """One row, too: (1,) against (3,) would broadcast without a word."""
    for position in range(3):
        for rows in (1, 2, 4):
            arguments = [GOOD, GOOD, GOOD]
            arguments[position] = torch.zeros(rows)
            with pytest.raises(ValueError, match=r"one pair.*one shape") as caught:
                function(*arguments)
            name = ("real", "fake", "margin")[position]
            assert f"{name} ({rows},)" in str(caught.value)


@pytest.mark.parametrize("function", [critic_loss, violation])
def test_empty_batches_are_refused(function) -> None:
    with pytest.raises(ValueError, match="^real is empty"):
        function(GOOD[:0], GOOD[:0], GOOD[:0])
    with pytest.raises(ValueError, match="^fake is empty"):
        generator_loss(GOOD[:0])


def test_images_must_be_paired() -> None:
    for other in (IMAGES[:2], IMAGES[:1], torch.zeros(3, 3, 2, 2), torch.zeros(3, 1, 2, 1)):
        with pytest.raises(ValueError, match="real_images .*fake_images .*Draw as many fake"):
            margin(IMAGES, other)


def test_images_must_be_floating_point() -> None:
    """In uint8, 0 - 1 is 255: a margin of the wrong sign, without a word."""
    pixels = IMAGES.to(torch.uint8)
    with pytest.raises(ValueError, match=r"^real_images must be floating point.*torch\.uint8"):
        margin(pixels, IMAGES)
    with pytest.raises(ValueError, match=r"^fake_images must be floating point.*torch\.uint8"):
        margin(IMAGES, pixels)


def test_images_must_be_a_batch() -> None:
    for bad in (torch.zeros(3), torch.zeros(()), IMAGES[:0]):
        with pytest.raises(ValueError, match="^real_images must be a batch"):
            margin(bad, IMAGES)
        with pytest.raises(ValueError, match="^fake_images must be a batch"):
            margin(IMAGES, bad)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_settings_must_be_finite(value: float) -> None:
    with pytest.raises(ValueError, match=f"^scale must be a finite number, not {value!r}"):
        margin(IMAGES, IMAGES, scale=value)
    with pytest.raises(ValueError, match=f"^real_weight must be a finite number, not {value!r}"):
        critic_loss(GOOD, GOOD, GOOD, real_weight=value)


def test_settings_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="^scale is -0.1"):
        margin(IMAGES, IMAGES, scale=-0.1)
    with pytest.raises(ValueError, match="^real_weight is -0.1"):
        critic_loss(GOOD, GOOD, GOOD, real_weight=-0.1)


def test_named_options_must_exist() -> None:
    with pytest.raises(ValueError, match="^norm must be one of 'l1', 'l2', not 'l3'"):
        margin(IMAGES, IMAGES, norm="l3")
    with pytest.raises(ValueError, match="^reduce must be one of 'sum', 'pixel', not 'mean'"):
        margin(IMAGES, IMAGES, reduce="mean")
