"""Least-squares losses against hand-made tables, exact minimisers and the theory of chapter 02."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from lsgan_lib.losses.least_squares import critic_loss, generator_loss

SCORES = st.lists(st.floats(-10, 10), min_size=1, max_size=8)
TARGET = st.floats(-3, 3)

# Samples drawn from two densities on four points: sample i of the real ones sits at point REAL[i].
REAL = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2])  # p_data = 5/8, 2/8, 1/8, 0
FAKE = torch.tensor([0, 1, 1, 1, 2, 2, 3, 3])  # p_g    = 1/8, 3/8, 2/8, 2/8
P_DATA = np.array([5, 2, 1, 0]) / 8
P_G = np.array([1, 3, 2, 2]) / 8

fast = settings(deadline=None, derandomize=True, max_examples=60)


def scores(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


# --- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "real_half", "fake_half"),
    [
        # real 1, 0, 3: squared distances to 1 are 0, 1, 4; to 2 they are 1, 4, 1.
        # fake 0, 2, -1, 3: to 0 they are 0, 4, 1, 9; to -1 they are 1, 9, 0, 16.
        (0.0, 1.0, 5 / 6, 14 / 8),
        (-1.0, 1.0, 5 / 6, 26 / 8),
        (0.0, 2.0, 6 / 6, 14 / 8),
    ],
)
def test_critic_loss_of_a_table_worked_by_hand(
    a: float, b: float, real_half: float, fake_half: float
) -> None:
    loss = critic_loss(scores(1, 0, 3), scores(0, 2, -1, 3), a=a, b=b)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(real_half + fake_half, abs=1e-12)


# fake 0, 2, -1, 4: squared distances to 1 are 1, 1, 4, 9; to 0 they are 0, 4, 1, 16.
@pytest.mark.parametrize(("c", "expected"), [(1.0, 15 / 8), (0.0, 21 / 8), (-2.0, 57 / 8)])
def test_generator_loss_of_a_table_worked_by_hand(c: float, expected: float) -> None:
    loss = generator_loss(scores(0, 2, -1, 4), c=c)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_defaults_are_the_coding_0_1_1() -> None:
    real, fake = scores(0.3, -2.0), scores(0.7, 1.5)
    assert torch.equal(critic_loss(real, fake), critic_loss(real, fake, a=0.0, b=1.0))
    assert torch.equal(generator_loss(fake), generator_loss(fake, c=1.0))
    assert critic_loss(scores(1, 1), scores(0, 0)).item() == 0
    assert generator_loss(scores(1, 1)).item() == 0


@fast
@given(real=SCORES, fake=SCORES, a=TARGET, b=TARGET, c=TARGET)
def test_losses_are_half_of_variance_plus_squared_bias(
    real: list[float], fake: list[float], a: float, b: float, c: float
) -> None:
    """E (D - b)^2 = Var D + (E D - b)^2: the same number by another road."""
    assume(a != b)
    spread = (np.var(real) + np.var(fake)) / 2
    bias = ((np.mean(real) - b) ** 2 + (np.mean(fake) - a) ** 2) / 2
    loss = critic_loss(scores(*real), scores(*fake), a=a, b=b).item()
    assert loss == pytest.approx(spread + bias, abs=1e-9)
    loss = generator_loss(scores(*fake), c=c).item()
    assert loss == pytest.approx(np.var(fake) / 2 + (np.mean(fake) - c) ** 2 / 2, abs=1e-9)


# --- gradients ----------------------------------------------------------------------------------


@fast
@given(real=SCORES, fake=SCORES, a=TARGET, b=TARGET, c=TARGET)
def test_the_pull_on_a_score_is_its_distance_from_the_target(
    real: list[float], fake: list[float], a: float, b: float, c: float
) -> None:
    """d/dD 1/2 (D - t)^2 = D - t, so a score beyond its target is pulled back as well."""
    assume(a != b)
    real_scores, fake_scores = scores(*real), scores(*fake)
    critic_loss(real_scores, fake_scores, a=a, b=b).backward()
    np.testing.assert_allclose(real_scores.grad, (np.array(real) - b) / len(real), atol=1e-12)
    np.testing.assert_allclose(fake_scores.grad, (np.array(fake) - a) / len(fake), atol=1e-12)
    fake_scores = scores(*fake)
    generator_loss(fake_scores, c=c).backward()
    np.testing.assert_allclose(fake_scores.grad, (np.array(fake) - c) / len(fake), atol=1e-12)


def test_gradients_agree_with_finite_differences() -> None:
    real, fake = scores(0.3, -1.2, 2.5), scores(-0.4, 0.9)
    assert torch.autograd.gradcheck(lambda r, f: critic_loss(r, f, a=-0.7, b=1.3), (real, fake))
    assert torch.autograd.gradcheck(lambda f: generator_loss(f, c=0.4), (fake,))


# --- the theory of chapter 02 -------------------------------------------------------------------


def minimise_exactly(loss_of, table: Tensor) -> Tensor:
    """One Newton step: exact for a quadratic, from any start."""
    gradient = torch.autograd.functional.jacobian(loss_of, table)
    hessian = torch.autograd.functional.hessian(loss_of, table)
    return table - torch.linalg.solve(hessian, gradient)


@fast
@given(a=TARGET, b=TARGET, start=st.lists(st.floats(-10, 10), min_size=4, max_size=4))
def test_optimal_critic_is_the_density_weighted_mean_of_the_targets(
    a: float, b: float, start: list[float]
) -> None:
    """D* = (b p_data + a p_g) / (p_data + p_g), found by minimising over a free score per point."""
    assume(a != b)
    best = minimise_exactly(
        lambda table: critic_loss(table[REAL], table[FAKE], a=a, b=b), scores(*start).detach()
    )
    expected = (b * P_DATA + a * P_G) / (P_DATA + P_G)
    np.testing.assert_allclose(best, expected, atol=1e-9)


@fast
@given(a=TARGET, b=TARGET, c=TARGET)
def test_every_coding_minimises_the_same_divergence(a: float, b: float, c: float) -> None:
    """2 C(G) = 1/2 (a + b - 2c)^2 + 1/4 (b - a)^2 T at the optimal critic.

    T = sum (p_data - p_g)^2 / (p_data + p_g) knows neither a nor b nor c. C(G) is the generator's
    loss with the term of the real samples, which holds no generator, added.
    """
    assume(a != b)
    best = minimise_exactly(
        lambda table: critic_loss(table[REAL], table[FAKE], a=a, b=b),
        torch.zeros(4, dtype=torch.float64),
    )
    divergence = ((P_DATA - P_G) ** 2 / (P_DATA + P_G)).sum()
    criterion = generator_loss(best[FAKE], c=c) + generator_loss(best[REAL], c=c)
    expected = 0.5 * (a + b - 2 * c) ** 2 + 0.25 * (b - a) ** 2 * divergence
    assert 2 * criterion.item() == pytest.approx(expected, abs=1e-9)


def test_the_coding_of_the_paper_gives_pearsons_chi_squared() -> None:
    """b - c = 1 and b - a = 2 leave chi^2(p_data + p_g || 2 p_g) and no constant."""
    best = minimise_exactly(
        lambda table: critic_loss(table[REAL], table[FAKE], a=-1, b=1),
        torch.zeros(4, dtype=torch.float64),
    )
    twice = 2 * (generator_loss(best[FAKE], c=0) + generator_loss(best[REAL], c=0)).item()
    # Pearson's sum, in counts of eighths: (observed - expected)^2 / expected at the four points.
    observed, expected = [2, 6, 4, 4], [6, 5, 3, 2]
    by_hand = sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True)) / 8
    assert by_hand == pytest.approx((16 / 6 + 1 / 5 + 1 / 3 + 4 / 2) / 8)
    assert twice == pytest.approx(by_hand, abs=1e-12)


def test_disjoint_supports_saturate_the_least_squares_game_too() -> None:
    """T = 2 however far apart the supports lie: squares alone do not cure vanishing gradients."""
    for points in ([1, 1, 1, 1], [1, 2, 3, 3], [3, 3, 2, 2]):
        real, fake = torch.zeros(4, dtype=torch.long), torch.tensor(points)

        def objective(table: Tensor, fake: Tensor = fake, real: Tensor = real) -> Tensor:
            return critic_loss(table[real], table[fake], a=-1, b=1) + 1e-9 * table.square().sum()

        best = minimise_exactly(objective, torch.zeros(4, dtype=torch.float64))
        twice = 2 * (generator_loss(best[fake], c=0) + generator_loss(best[real], c=0)).item()
        assert twice == pytest.approx(2.0, abs=1e-6)


@fast
@given(real=SCORES, fake=SCORES, a=TARGET, b=TARGET)
def test_codings_are_one_game_in_other_units(
    real: list[float], fake: list[float], a: float, b: float
) -> None:
    """Moving the scores so that (a, b) becomes (-1, 1) divides the loss by ((b - a) / 2)^2."""
    assume(abs(b - a) > 0.1)
    half, middle = (b - a) / 2, (a + b) / 2
    in_units = [(torch.tensor(s, dtype=torch.float64) - middle) / half for s in (real, fake)]
    loss = critic_loss(scores(*real), scores(*fake), a=a, b=b).item()
    assert loss == pytest.approx(half**2 * critic_loss(*in_units, a=-1, b=1).item(), abs=1e-9)


@fast
@given(real=SCORES, fake=SCORES, a=TARGET, b=TARGET)
def test_the_game_is_symmetric_in_real_and_fake(
    real: list[float], fake: list[float], a: float, b: float
) -> None:
    """Samples and targets may be swapped together, but not one without the other."""
    assume(abs(a - b) > 1e-3)
    one = critic_loss(scores(*real), scores(*fake), a=a, b=b).item()
    other = critic_loss(scores(*fake), scores(*real), a=b, b=a).item()
    assert one == pytest.approx(other, abs=1e-12)
    crossed = critic_loss(scores(*real), scores(*fake), a=b, b=a).item()
    gap = (b - a) * (np.mean(real) - np.mean(fake))
    assert crossed - one == pytest.approx(gap, abs=1e-9)


# --- guards -------------------------------------------------------------------------------------

GOOD = torch.zeros(3)


@pytest.mark.parametrize("shape", [(3, 1, 1, 1), (3, 1), (1, 3), ()])
def test_scores_must_be_one_number_a_sample(shape: tuple[int, ...]) -> None:
    bad = torch.zeros(shape)
    for call, name in [
        (lambda: critic_loss(bad, GOOD), "real"),
        (lambda: critic_loss(GOOD, bad), "fake"),
        (lambda: generator_loss(bad), "fake"),
    ]:
        with pytest.raises(ValueError, match=rf"^{name} must hold one score per sample") as caught:
            call()
        assert str(shape) in str(caught.value)
        assert f"{name}.flatten()" in str(caught.value)  # says what to do about it


def test_empty_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="^real is empty"):
        critic_loss(GOOD[:0], GOOD)
    with pytest.raises(ValueError, match="^fake is empty"):
        critic_loss(GOOD, GOOD[:0])
    with pytest.raises(ValueError, match="^fake is empty"):
        generator_loss(GOOD[:0])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_targets_must_be_finite(value: float) -> None:
    with pytest.raises(ValueError, match=f"^a must be a finite number, not {value!r}"):
        critic_loss(GOOD, GOOD, a=value)
    with pytest.raises(ValueError, match=f"^b must be a finite number, not {value!r}"):
        critic_loss(GOOD, GOOD, b=value)
    with pytest.raises(ValueError, match=f"^c must be a finite number, not {value!r}"):
        generator_loss(GOOD, c=value)


@pytest.mark.parametrize("target", [0.0, 1.0, -2.5])
def test_equal_targets_are_refused(target: float) -> None:
    with pytest.raises(ValueError, match=f"^a and b are both {target}"):
        critic_loss(GOOD, GOOD, a=target, b=target)


def test_batches_of_other_sizes_are_welcome() -> None:
    """Real and fake scores are averaged apart, so nothing pairs them up."""
    assert critic_loss(torch.ones(2), torch.zeros(5)).item() == 0
