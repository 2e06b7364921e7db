"""Cross-entropy losses against probabilities worked by hand, and the Jensen-Shannon identity."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lsgan_lib.losses.cross_entropy import critic_loss, generator_loss

LOGITS = st.lists(st.floats(-12, 12), min_size=1, max_size=8)

fast = settings(deadline=None, derandomize=True, max_examples=60)


def scores(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def sigmoid(logits: list[float]) -> np.ndarray:
    return 1 / (1 + np.exp(-np.array(logits)))


# --- values -------------------------------------------------------------------------------------


def test_critic_loss_of_a_table_worked_by_hand() -> None:
    """Odds 3:1, 1:1 and 7:1 are the logits ln 3, 0, ln 7, with probabilities 3/4, 1/2, 7/8."""
    real = scores(math.log(3), 0)  # says "real" with probability 3/4, 1/2
    fake = scores(-math.log(3), math.log(7), 0)  # says "fake" with probability 3/4, 1/8, 1/2
    expected = -math.log(3 / 4 * 1 / 2) / 2 - math.log(3 / 4 * 1 / 8 * 1 / 2) / 3
    loss = critic_loss(real, fake)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_generator_losses_of_a_table_worked_by_hand() -> None:
    fake = scores(-math.log(3), math.log(7), 0)  # says "real" with probability 1/4, 7/8, 1/2
    usual, minimax = generator_loss(fake), generator_loss(fake, saturating=True)
    assert usual.shape == minimax.shape == ()
    assert usual.item() == pytest.approx(-math.log(1 / 4 * 7 / 8 * 1 / 2) / 3, abs=1e-12)
    assert minimax.item() == pytest.approx(math.log(3 / 4 * 1 / 8 * 1 / 2) / 3, abs=1e-12)
    assert torch.equal(usual, generator_loss(fake, saturating=False))


@fast
@given(real=LOGITS, fake=LOGITS)
def test_losses_are_log_probabilities(real: list[float], fake: list[float]) -> None:
    loss = critic_loss(scores(*real), scores(*fake)).item()
    expected = -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()
    assert loss == pytest.approx(expected, abs=1e-9)
    assert generator_loss(scores(*fake)).item() == pytest.approx(
        -np.log(sigmoid(fake)).mean(), abs=1e-9
    )
    assert generator_loss(scores(*fake), saturating=True).item() == pytest.approx(
        np.log(1 - sigmoid(fake)).mean(), abs=1e-9
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_huge_logits_neither_overflow_nor_lose_the_tail(dtype: torch.dtype) -> None:
    huge, right, wrong = (
        1e4,
        torch.full((2,), 1e4, dtype=dtype),
        torch.full((2,), -1e4, dtype=dtype),
    )
    assert critic_loss(right, wrong).item() == 0
    assert critic_loss(wrong, right).item() == pytest.approx(2 * huge)
    assert generator_loss(wrong).item() == pytest.approx(huge)
    assert generator_loss(right, saturating=True).item() == pytest.approx(-huge)
    # The tail: log(1 + exp(-40)) is exp(-40) to 17 digits, far below float's step at 1.
    sure = torch.full((1,), 40.0, dtype=dtype)
    assert generator_loss(sure).item() == pytest.approx(math.exp(-40), rel=1e-5)


# --- gradients ----------------------------------------------------------------------------------


@fast
@given(real=LOGITS, fake=LOGITS)
def test_gradients_are_the_errors_of_the_probabilities(
    real: list[float], fake: list[float]
) -> None:
    """The critic's gradient is (probability it gives) - (probability it should give)."""
    real_scores, fake_scores = scores(*real), scores(*fake)
    critic_loss(real_scores, fake_scores).backward()
    np.testing.assert_allclose(real_scores.grad, (sigmoid(real) - 1) / len(real), atol=1e-12)
    np.testing.assert_allclose(fake_scores.grad, (sigmoid(fake) - 0) / len(fake), atol=1e-12)
    for saturating, gradient in [(False, sigmoid(fake) - 1), (True, -sigmoid(fake))]:
        fake_scores = scores(*fake)
        generator_loss(fake_scores, saturating=saturating).backward()
        np.testing.assert_allclose(fake_scores.grad, gradient / len(fake), atol=1e-12)


def test_gradients_agree_with_finite_differences() -> None:
    real, fake = scores(0.3, -1.2, 2.5), scores(-0.4, 0.9)
    assert torch.autograd.gradcheck(critic_loss, (real, fake))
    for saturating in (False, True):
        assert torch.autograd.gradcheck(
            lambda f, s=saturating: generator_loss(f, saturating=s), fake
        )


def test_each_generator_loss_falls_asleep_on_its_own_side() -> None:
    """The usual form where the critic is fooled, the minimax form where the critic is sure."""
    pull = {}
    for saturating in (False, True):
        fake = scores(-20, 20)
        generator_loss(fake, saturating=saturating).backward()
        pull[saturating] = (-2 * fake.grad).tolist()  # -gradient of one sample: up is "more real"
    assert pull[False] == pytest.approx([1, 0], abs=1e-8)
    assert pull[True] == pytest.approx([0, 1], abs=1e-8)


@fast
@given(real=LOGITS, fake=LOGITS)
def test_minimax_form_is_minus_the_critics_own_term(real: list[float], fake: list[float]) -> None:
    """The saturating game has zero sum: what one side wins on the fakes, the other loses."""
    fake_scores = scores(*fake)
    total = critic_loss(scores(*real), fake_scores) + generator_loss(fake_scores, saturating=True)
    total.backward()
    np.testing.assert_allclose(fake_scores.grad, np.zeros(len(fake)), atol=1e-12)


# --- the theory of the original GAN -------------------------------------------------------------


def test_optimal_critic_is_the_log_density_ratio_and_leaves_jensen_shannon() -> None:
    """At D = log(p_data / p_g) the critic's loss is log 4 - 2 JS(p_data, p_g), and no lower."""
    real = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])  # p_data = 1/2, 1/4, 1/4
    fake = torch.tensor([0, 1, 1, 1, 1, 2, 2, 2])  # p_g    = 1/8, 1/2, 3/8
    p, q = np.array([4, 2, 2]) / 8, np.array([1, 4, 3]) / 8
    best = torch.tensor(np.log(p / q), requires_grad=True)
    loss = critic_loss(best[real], best[fake])
    loss.backward()
    np.testing.assert_allclose(best.grad, np.zeros(3), atol=1e-12)  # convex, so this is the minimum

    def entropy(density: np.ndarray) -> float:
        return -(density * np.log(density)).sum()

    jensen_shannon = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    assert loss.item() == pytest.approx(math.log(4) - 2 * jensen_shannon, abs=1e-12)
    for step in torch.randn(20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64):
        moved = best.detach() + step
        assert critic_loss(moved[real], moved[fake]) > loss


# --- guards -------------------------------------------------------------------------------------

GOOD = torch.zeros(3)


@pytest.mark.parametrize("shape", [(3, 1, 1, 1), (3, 1), (1, 3), ()])
def test_scores_must_be_one_number_a_sample(shape: tuple[int, ...]) -> None:
    bad = torch.zeros(shape)
    for call, name in [
        (lambda: critic_loss(bad, GOOD), "real"),
        (lambda: critic_loss(GOOD, bad), "fake"),
        (lambda: generator_loss(bad), "fake"),
        (lambda: generator_loss(bad, saturating=True), "fake"),
    ]:
        with pytest.raises(ValueError, match=rf"^{name} must hold one score per sample") as caught:
            call()
        assert str(shape) in str(caught.value)


def test_empty_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="^real is empty"):
        critic_loss(GOOD[:0], GOOD)
    with pytest.raises(ValueError, match="^fake is empty"):
        critic_loss(GOOD, GOOD[:0])
    with pytest.raises(ValueError, match="^fake is empty"):
        generator_loss(GOOD[:0])
