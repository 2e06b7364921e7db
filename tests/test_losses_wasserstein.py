"""Wasserstein losses: a difference of means, and the distance that it measures."""

import numpy as np
import pytest
import torch
from torch import Tensor

from lsgan_lib.losses.wasserstein import critic_loss, generator_loss


def scores(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_losses_of_a_table_worked_by_hand() -> None:
    real, fake = scores(3, 0, 3), scores(-1, 2)  # means 2 and 1/2
    assert critic_loss(real, fake).item() == -1.5
    assert generator_loss(fake).item() == -0.5


def test_gradients_push_real_up_and_fake_down_and_the_generator_pushes_back() -> None:
    real, fake = scores(3, 0, 3), scores(-1, 2)
    critic_loss(real, fake).backward()
    assert real.grad.tolist() == pytest.approx([-1 / 3] * 3)
    assert fake.grad.tolist() == pytest.approx([1 / 2] * 2)
    fake = scores(-1, 2)
    generator_loss(fake).backward()
    assert fake.grad.tolist() == pytest.approx([-1 / 2] * 2)
    assert torch.autograd.gradcheck(critic_loss, (scores(1, 2), scores(0, 5, 1)))


def test_best_critic_of_slope_one_measures_the_transport_distance() -> None:
    """All real points right of all fake ones: D(x) = x is optimal and the loss is minus W1.

    On a line, W1 between equally many points is the mean distance of the sorted pairs. Any other
    critic of slope at most 1 does no better.
    """
    random = np.random.default_rng(0)
    real, fake = random.uniform(2, 3, 50), random.uniform(-1, 1, 50)
    distance = np.abs(np.sort(real) - np.sort(fake)).mean()
    best = critic_loss(torch.tensor(real), torch.tensor(fake)).item()
    assert best == pytest.approx(-distance)
    for critic in (np.sin, np.abs, np.tanh, lambda x: -x, lambda x: 0.9 * x):
        assert critic_loss(torch.tensor(critic(real)), torch.tensor(critic(fake))).item() > best


@pytest.mark.parametrize("shape", [(3, 1, 1, 1), (3, 1), (1, 3), ()])
def test_scores_must_be_one_number_a_sample(shape: tuple[int, ...]) -> None:
    good, bad = torch.zeros(3), torch.zeros(shape)
    for call, name in [
        (lambda: critic_loss(bad, good), "real"),
        (lambda: critic_loss(good, bad), "fake"),
        (lambda: generator_loss(bad), "fake"),
    ]:
        with pytest.raises(ValueError, match=rf"^{name} must hold one score per sample"):
            call()


def test_empty_scores_are_refused() -> None:
    for call, name in [
        (lambda: critic_loss(torch.zeros(0), torch.zeros(1)), "real"),
        (lambda: critic_loss(torch.zeros(1), torch.zeros(0)), "fake"),
        (lambda: generator_loss(torch.zeros(0)), "fake"),
    ]:
        with pytest.raises(ValueError, match=f"^{name} is empty"):
            call()
