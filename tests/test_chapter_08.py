"""The checks of chapter 08 accept right answers, explain wrong ones, and stay quiet on stubs.

The closed form (8.8), the bound (8.6) and what BatchNorm takes away (8.10) are tested here by
routes that the chapter does not take.
"""

import math

import pytest
import torch
from exercise_checks import three_tests
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lsgan_lib.exercises import chapter_08 as exercises
from lsgan_lib.experiments import slope_penalties
from lsgan_lib.experiments.tables import load_table
from lsgan_lib.losses import penalties
from lsgan_lib.losses.loss_sensitive import critic_loss, margin
from lsgan_lib.networks import LossSensitiveNetworks


def per_image(critic, images):
    points = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return gradient.flatten(1).norm(dim=1).mean()


def per_pixel(critic, images):
    points = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return gradient.norm(2, dim=1).mean()


def without_graph(critic, images):
    points = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(points).sum(), points)
    return gradient.flatten(1).norm(dim=1).mean()


def of_the_mean(critic, images):
    points = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(points).mean(), points, create_graph=True)
    return gradient.flatten(1).norm(dim=1).mean()


def by_rows(loss):
    real, fake, gaps = torch.randn(3, 7, generator=torch.Generator().manual_seed(1))
    alone = [loss(real[i, None], fake[i, None], gaps[i, None]) for i in range(7)]
    return bool(torch.isclose(loss(real, fake, gaps), torch.stack(alone).mean(), atol=1e-6))


def by_moving_margins(loss):
    """Not enough: it does not see margins in another order."""
    real, fake, gaps = torch.randn(3, 7, generator=torch.Generator().manual_seed(1))
    return not bool(torch.isclose(loss(real, fake, gaps), loss(real, fake, gaps.roll(1))))


def soft(norms):
    return (torch.sqrt(1 + norms**2) - 1).mean()


def flat_answers():
    rows = slope_penalties.judged(load_table("slope_penalties"))
    weights = {}
    for row in rows:
        if row["cell"].startswith("sample, power 1"):
            weights.setdefault(row["cell"], set()).add(row["verdict"])
    dead = [float(cell.split(", ")[-1]) for cell, words in weights.items() if words == {"flat"}]
    return [min(dead), sum(row["verdict"] == "flat" for row in rows)]


RIGHT = {
    "8.1": (exercises.check_8_1, lambda: [1.5e-4, 0.078125, 6.1035e-4]),
    "8.2": (exercises.check_8_2, lambda: [(64, 64), torch.Size((64, 1, 1, 64)), 1]),
    "8.3": (exercises.check_8_3, lambda: [per_image]),
    "8.4": (exercises.check_8_4, lambda: [0.0, 0.5, 500]),
    "8.5": (exercises.check_8_5, lambda: [by_rows]),
    "8.6": (exercises.check_8_6, flat_answers),
    "8.7": (exercises.check_8_7, lambda: [soft]),
}


WRONG = [
    (exercises.check_8_1, [2e-4, 0.078125, 6.1e-4], "how many numbers now"),
    (exercises.check_8_1, [1.5e-4, 10 / 64, 6.1e-4], "root of the number of pixels"),
    (exercises.check_8_1, [1.5e-4, 0.078125, 0.078125], "over H W"),
    (exercises.check_8_2, [(64,), (64, 1, 1, 64), 1], "flush right"),
    (exercises.check_8_2, [(64, 64), (64, 64), 1], "scores (64, 1, 1, 1)"),
    (exercises.check_8_2, [(64, 64), (64, 1, 1, 64), 0], "sum of two means"),
    (exercises.check_8_2, [4096, (64, 1, 1, 64), 1], "a shape is asked for"),
    (exercises.check_8_3, [per_pixel], "over which axes"),
    (exercises.check_8_3, [of_the_mean], "divided by twice"),
    (exercises.check_8_3, [without_graph], "create_graph=True is missing"),
    (exercises.check_8_3, [lambda c, x: penalties.gradient_norm(c, x, power=2)], "that is power 2"),
    (exercises.check_8_3, [lambda c, x: per_image(c, x).detach()], "trains nothing"),
    (exercises.check_8_4, [1.0, 0.5, 500], "nearer than the weight"),
    (exercises.check_8_4, [0.0, 0.02, 500], "divide by μ"),
    (exercises.check_8_4, [0.0, 0.5, 250], "solve d / 2γ"),
    (exercises.check_8_5, [lambda loss: True], "does not notice: scores as a column"),
    (exercises.check_8_5, [lambda loss: False], "your test rejects the hinge"),
    (exercises.check_8_5, [by_moving_margins], "does not notice: margins in another order"),
    (exercises.check_8_6, [0.1, 0], "all three flat"),
    (exercises.check_8_7, [lambda n: n.mean()], "at the norm 0 it must not pull"),
    (exercises.check_8_7, [lambda n: (n**2).mean()], "harder than by power 1"),
    (exercises.check_8_7, [lambda n: torch.relu(n - 1).mean()], "not pulled down"),
    (exercises.check_8_7, [lambda n: torch.log(1 + n**2).mean() / 2], "hardly pulled at all"),
    (exercises.check_8_7, [lambda n: (torch.sqrt(1 + n**2) - 1).sum() / 5001], "take the mean"),
    (exercises.check_8_7, [lambda n: n], "one number"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)


# --- the library beside the two specimens --------------------------------------------------------


@settings(deadline=None, derandomize=True, max_examples=20)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 6))
def test_pairs_are_kept_by_the_librarys_loss_and_mixed_by_the_seeds(seed, count):
    random = torch.Generator().manual_seed(seed)
    real, fake = torch.randn(2, count, generator=random, dtype=torch.float64)
    gaps = torch.rand(count, generator=random, dtype=torch.float64)
    alone = [critic_loss(real[i, None], fake[i, None], gaps[i, None]) for i in range(count)]
    torch.testing.assert_close(critic_loss(real, fake, gaps), torch.stack(alone).mean())
    mixed = torch.relu(real.view(-1, 1, 1, 1) - fake.view(-1, 1, 1, 1) + gaps)
    loop = sum(max(0.0, (a - b + m).item()) for a, b in zip(real, fake, strict=True) for m in gaps)
    assert mixed.mean().item() == pytest.approx(loop / count**2, abs=1e-12)


@pytest.mark.parametrize("size", [8, 16, 32])
def test_the_pixel_form_is_smaller_by_the_root_of_the_pixels_and_tight_for_even_gradients(size):
    random = torch.Generator().manual_seed(size)
    gradient = torch.randn(5, 3, size, size, generator=random)
    sample, pixel = (penalties.mean_norm(gradient, reduce=kind) for kind in ("sample", "pixel"))
    assert pixel <= sample / size
    even = torch.full((5, 3, size, size), -0.3)
    sample, pixel = (penalties.mean_norm(even, reduce=kind) for kind in ("sample", "pixel"))
    assert pixel.item() == pytest.approx(sample.item() / size, rel=1e-5)
    spike = torch.zeros(5, 3, size, size)
    spike[:, 1, 2, 3] = 4.0  # all in one pixel: smaller by the number of pixels itself
    sample, pixel = (penalties.mean_norm(spike, reduce=kind) for kind in ("sample", "pixel"))
    assert pixel.item() == pytest.approx(sample.item() / size**2, rel=1e-5)


@pytest.mark.parametrize(
    ("distance", "weight", "power", "slope"),
    [(8, 10, 1, 0.0), (12, 10, 1, 0.04), (8, 10, 2, 0.04), (8, 200, 2, 0.02), (2, 200, 2, 0.005)],
)
def test_gradient_descent_on_a_linear_critic_ends_at_8_8(distance, weight, power, slope):
    """A weight vector, two images, the library's loss and penalty: no formula of the chapter."""
    real = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    fake = real.clone()
    fake[0, 0, 1, 2] = distance
    w = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    w[0, 0, 1, 2] = 0.03  # no direction but the pair's is of use
    w.requires_grad_(True)

    def critic(images):
        return (images * w).sum(dim=(1, 2, 3)) + 0 * images.square().sum(dim=(1, 2, 3))

    gap = margin(real, fake, scale=0.04)
    rate = (2e-3, 0.1)[power - 1] / weight
    for step in range(800):
        loss = critic_loss(critic(real), critic(fake), gap)
        loss = loss + weight * penalties.gradient_norm(critic, real, power=power)
        (gradient,) = torch.autograd.grad(loss, w)
        w = (w - rate / (1 + 0.05 * step) * gradient).detach().requires_grad_(True)
    assert w.norm().item() == pytest.approx(slope, abs=2e-3)


def test_batchnorm_lets_no_gradient_through_that_all_images_share():
    """(8.10), by moving all inputs of the norm at once instead of differentiating."""
    norm = nn.BatchNorm2d(3).double()
    after = nn.Sequential(nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(48, 1)).double()
    maps = torch.randn(6, 3, 4, 4, dtype=torch.float64)
    shift = torch.randn(1, 3, 1, 1, dtype=torch.float64)
    torch.testing.assert_close(after(norm(maps + shift)), after(norm(maps)))
    torch.testing.assert_close(after(norm(2.5 * maps)), after(norm(maps)), rtol=1e-4, atol=1e-4)


def test_a_critic_that_ends_in_a_relu_can_be_stuck_for_good():
    network = LossSensitiveNetworks(size=8, width=0.1, final_relu=True)
    critic = network.critic(torch.Generator().manual_seed(0))
    with torch.no_grad():
        critic.layers[-2].bias.fill_(-5.0)
    images = torch.randn(4, 3, 8, 8, requires_grad=True)
    scores = critic(images)
    assert scores.abs().max() == 0
    gradients = torch.autograd.grad(scores.sum(), [images, *critic.parameters()])
    assert all(g.abs().max() == 0 for g in gradients)


def test_the_seeds_scale_gives_margins_near_one_for_its_images_only():
    assert 2e-4 * 64 * 64 * 3 * 0.4 == pytest.approx(0.98304)
    for size, expected in ((64, 1.0), (32, 0.25), (16, 1 / 16)):
        images = torch.zeros(1, 3, size, size)
        got = margin(images, images + 1 / (2e-4 * 12_288))
        assert got.item() == pytest.approx(expected, rel=1e-5)
    assert math.isclose(10 / math.sqrt(64 * 64), 0.15625)
