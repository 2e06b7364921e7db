"""Objectives: a loss, a critic and all settings in one value; checked on critics known by heart."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lsgan_lib.losses.objectives import (
    CrossEntropy,
    LeastSquares,
    LossSensitive,
    Objective,
    Penalty,
    Wasserstein,
)
from lsgan_lib.losses.penalties import Critic

fast = settings(deadline=None, derandomize=True, max_examples=40)

SHAPE = (1, 2, 2)

# One of each kind, without a penalty, so that every number below is the loss's own.
BARE: dict[str, Objective] = {
    "least squares": LeastSquares(a=-1.0, b=2.0, c=0.5),
    "cross-entropy": CrossEntropy(),
    "cross-entropy saturating": CrossEntropy(saturating=True),
    "wasserstein": Wasserstein(penalty=None),
    "loss-sensitive": LossSensitive(margin_scale=0.1, slope=0.25, penalty=None),
}
KINDS = ["gradient_norm", "interpolates", "dragan", "two_point", "finite_difference"]


def images(count: int, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, *SHAPE, generator=random, dtype=torch.float64)


def linear(slope: Tensor) -> Critic:
    return lambda x: (x * slope).flatten(start_dim=1).sum(dim=1)


def slope_of_five() -> Tensor:
    return torch.tensor([[[0.0, 3], [0, 4]]], dtype=torch.float64, requires_grad=True)


def first_entry(x: Tensor) -> Tensor:
    """A critic whose score can be written into the image."""
    return x[:, 0, 0, 0]


def with_scores(*values: float) -> Tensor:
    batch = torch.zeros(len(values), *SHAPE, dtype=torch.float64)
    batch[:, 0, 0, 0] = torch.tensor(values, dtype=torch.float64)
    return batch


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- the losses of each objective ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "critic_loss", "generator_loss"),
    [
        # Scores: real 1, 3 and fake 0, 2.
        (LeastSquares(), (0 + 4 + 0 + 4) / 4, (1 + 1) / 4),
        (LeastSquares(a=-1, b=1, c=0), (0 + 4 + 1 + 9) / 4, (0 + 4) / 4),
        (LeastSquares(a=2, b=-1, c=3), (4 + 16 + 4 + 0) / 4, (9 + 1) / 4),
        (
            CrossEntropy(),
            np.log([1 + math.exp(-1), 1 + math.exp(-3)]).mean()
            + np.log([2, 1 + math.exp(2)]).mean(),
            np.log([2, 1 + math.exp(-2)]).mean(),
        ),
        (
            CrossEntropy(saturating=True),
            np.log([1 + math.exp(-1), 1 + math.exp(-3)]).mean()
            + np.log([2, 1 + math.exp(2)]).mean(),
            -np.log([2, 1 + math.exp(2)]).mean(),
        ),
        (Wasserstein(penalty=None), 1 - 2, -1),
        # Both pairs differ by 1 in one entry of four: margin 0.5, violations 0.5 + 1 = 1.5.
        (LossSensitive(margin_scale=0.5, penalty=None), 1.5, 1),
        (LossSensitive(margin_scale=0.5, real_weight=0.1, penalty=None), 1.5 + 0.2, 1),
        (LossSensitive(margin_scale=0.4, margin_reduce="pixel", penalty=None), 1.1, 1),
        (
            LossSensitive(margin_scale=0.4, margin_reduce="pixel", norm="l2", penalty=None),
            1.2,  # root of the mean square of (1, 0, 0, 0) is a half
            1,
        ),
    ],
)
def test_losses_of_two_pairs_worked_by_hand(objective, critic_loss, generator_loss) -> None:
    real, fake = with_scores(1, 3), with_scores(0, 2)
    loss, terms = objective.critic_loss(first_entry, real, fake)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(critic_loss)
    assert terms["score_real"].item() == 2
    assert terms["score_fake"].item() == 1
    assert objective.generator_loss(first_entry, fake).item() == pytest.approx(generator_loss)


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        # Violations 0.5 + (-4, 1): -3.5 kept, 1.5 broken.
        (LossSensitive(slope=0.0), 1.5 / 2),
        (LossSensitive(slope=0.2), (1.5 - 0.7) / 2),
        (LossSensitive(slope=-1.0), (1.5 + 3.5) / 2),
        (LossSensitive(cost="absolute"), (1.5 + 3.5) / 2),
        (LossSensitive(cost="elu"), (1.5 + math.expm1(-3.5)) / 2),
        (LossSensitive(cost="elu", alpha=0.3), (1.5 + 0.3 * math.expm1(-3.5)) / 2),
        (LossSensitive(cost="elu", slope=-1.0), (1.5 + math.expm1(-3.5)) / 2),  # slope: leaky only
    ],
)
def test_loss_sensitive_uses_the_cost_it_names(objective: LossSensitive, expected: float) -> None:
    real, fake = with_scores(0, 1), with_scores(4, 0)
    fake[1, 0, 1, 1] = 3.0  # no part of the score; with it both pairs are 4 apart in L1
    objective = dataclasses.replace(objective, margin_scale=0.125, penalty=None)
    loss, terms = objective.critic_loss(first_entry, real, fake)
    assert terms["margin"].item() == 0.5
    assert loss.item() == pytest.approx(expected)


def test_loss_sensitive_logs_margin_and_share_of_active_hinges() -> None:
    """Differences L(x) - L(G(z)) of -2, -0.5, 0, 1 with the margins 1, 0.25, 0, 0.5."""
    real, fake = with_scores(0, 0, 0, 1), with_scores(2, 0.5, 0, 0)
    objective = LossSensitive(margin_scale=0.5, penalty=None)
    _, terms = objective.critic_loss(first_entry, real, fake)
    assert terms["margin"].item() == pytest.approx((1 + 0.25 + 0 + 0.5) / 4)
    assert terms["active_hinges"].item() == 0.25  # a violation of exactly 0 is not one
    _, terms = objective.critic_loss(first_entry, fake, real)
    assert terms["active_hinges"].item() == 0.5
    assert terms["margin"].item() == pytest.approx((1 + 0.25 + 0 + 0.5) / 4)


@pytest.mark.parametrize(
    ("slope", "own", "all_pairs"), [(0.0, 0.537, 0.345), (-1.0, 1.173, 0.791), (1.0, -0.1, -0.1)]
)
def test_pairing_all_is_the_seeds_broadcast(slope: float, own: float, all_pairs: float) -> None:
    """Differences -2.5 to -0.1 and margins 0.2 to 2.2, paired in order; broadcast in numpy."""
    differences, margins = np.linspace(-2.5, -0.1, 16), np.linspace(0.2, 2.2, 16)
    real, fake = with_scores(*differences), with_scores(*np.zeros(16))
    # The rest of each pair's L1 distance of margin / 0.08 goes where the score does not look.
    real[:, 0, 1, 1] = torch.from_numpy(margins / 0.08 - np.abs(differences))
    violation = differences[:, None] + margins[None, :]
    broadcast = np.where(violation > 0, violation, slope * violation)
    assert broadcast.mean() == pytest.approx(all_pairs, abs=5e-4)
    for pairing, expected, active in (
        ("own", own, (differences + margins > 0).mean()),
        ("all", broadcast.mean(), (violation > 0).mean()),
    ):
        objective = LossSensitive(slope=slope, margin_scale=0.08, pairing=pairing, penalty=None)
        loss, terms = objective.critic_loss(first_entry, real, fake)
        assert loss.item() == pytest.approx(expected, abs=5e-4)
        assert terms["active_hinges"].item() == pytest.approx(active)
        assert terms["margin"].item() == pytest.approx(1.2)


# --- identities between objectives --------------------------------------------------------------


@pytest.mark.parametrize("margin_scale", [0.0, 2e-4, 0.7])
def test_loss_sensitive_at_slope_one_is_wasserstein(margin_scale: float) -> None:
    """With L = -D: the same loss but for the mean margin, which holds no weight of the critic."""
    slope, real, fake = slope_of_five(), images(6, 1), images(6, 2)
    sensitive = LossSensitive(slope=1.0, margin_scale=margin_scale, penalty=None)
    ours, terms = sensitive.critic_loss(lambda x: -linear(slope)(x), real, fake)
    theirs, _ = Wasserstein(penalty=None).critic_loss(linear(slope), real, fake)
    constant = margin_scale * (real - fake).abs().sum().item() / 6
    assert ours.item() == pytest.approx(theirs.item() + constant)
    assert terms["margin"].item() == pytest.approx(constant)
    (our_pull,) = torch.autograd.grad(ours, slope)
    (their_pull,) = torch.autograd.grad(theirs, slope)
    torch.testing.assert_close(our_pull, their_pull)

    ours = sensitive.generator_loss(lambda x: -linear(slope)(x), fake)
    theirs = Wasserstein(penalty=None).generator_loss(linear(slope), fake)
    assert ours.item() == pytest.approx(theirs.item())


def test_loss_sensitive_at_other_slopes_is_not_wasserstein() -> None:
    slope, real, fake = slope_of_five(), images(6, 1), images(6, 2)
    (pull_of_one,), (pull_of_hinge,) = (
        torch.autograd.grad(
            LossSensitive(slope=s, penalty=None).critic_loss(linear(slope), real, fake)[0], slope
        )
        for s in (1.0, 0.0)
    )
    assert (pull_of_one - pull_of_hinge).abs().max() > 0.1


@fast
@given(a=st.floats(-3, 3), b=st.floats(-3, 3), c=st.floats(-3, 3))
def test_every_least_squares_coding_leads_to_the_same_divergence(
    a: float, b: float, c: float
) -> None:
    """At the optimal critic both losses are known functions of one number, T, and of the coding.

        critic      min V(D) = 1/4 (b - a)^2 (1 - T / 2)
        generator   C(G)     = 1/4 (a + b - 2c)^2 + 1/8 (b - a)^2 T

    on four points, with T = sum (p - q)^2 / (p + q). The critic is a table that an image indexes.
    """
    assume(abs(a - b) > 1e-3)
    p, q = np.array([5, 2, 1, 0]) / 8, np.array([1, 3, 2, 2]) / 8
    table = torch.tensor((b * p + a * q) / (p + q), requires_grad=True)
    objective = LeastSquares(a=a, b=b, c=c)

    def critic(x: Tensor) -> Tensor:
        return table[x[:, 0, 0, 0].long()]

    real = with_scores(*np.repeat(range(4), (8 * p).astype(int)))
    fake = with_scores(*np.repeat(range(4), (8 * q).astype(int)))
    loss, _ = objective.critic_loss(critic, real, fake)
    loss.backward()
    np.testing.assert_allclose(table.grad, np.zeros(4), atol=1e-12)  # the minimum: V is convex
    t = ((p - q) ** 2 / (p + q)).sum()
    assert loss.item() == pytest.approx((b - a) ** 2 / 4 * (1 - t / 2), abs=1e-9)
    criterion = objective.generator_loss(critic, fake) + objective.generator_loss(critic, real)
    expected = (a + b - 2 * c) ** 2 / 4 + (b - a) ** 2 * t / 8
    assert criterion.item() == pytest.approx(expected, abs=1e-9)


# --- gradients ----------------------------------------------------------------------------------


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(
    ("name", "pull"),
    [
        ("least squares", lambda score: score - 0.5),
        ("cross-entropy", lambda score: sigmoid(score) - 1),
        ("cross-entropy saturating", lambda score: -sigmoid(score)),
        ("wasserstein", lambda score: -np.ones_like(score)),
        ("loss-sensitive", lambda score: np.ones_like(score)),
    ],
)
def test_generators_gradient_is_the_pull_on_the_score_times_the_critics_slope(name, pull) -> None:
    slope = slope_of_five()
    fake = images(5, 2).requires_grad_()
    BARE[name].generator_loss(linear(slope), fake).backward()
    score = linear(slope)(fake).detach().numpy()
    expected = pull(score)[:, None, None, None] * slope.detach().numpy() / 5
    np.testing.assert_allclose(fake.grad, expected, atol=1e-12)


@pytest.mark.parametrize("name", BARE)
def test_each_side_moves_the_scores_its_own_way(name: str) -> None:
    """From equal scores the critic separates, the generator closes in; low is real for LS-GAN."""
    high_is_real = -1 if name == "loss-sensitive" else 1
    real = with_scores(*[0.25] * 4).requires_grad_()
    fake = with_scores(*[0.25] * 4).requires_grad_()
    BARE[name].critic_loss(first_entry, real, fake)[0].backward()
    assert (-high_is_real * first_entry(real.grad) > 0).all()
    assert (-high_is_real * first_entry(fake.grad) < 0).all()
    fake = with_scores(*[0.25] * 4).requires_grad_()
    BARE[name].generator_loss(first_entry, fake).backward()
    assert (-high_is_real * first_entry(fake.grad) > 0).all()


@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("name", BARE)
def test_critics_gradient_agrees_with_finite_differences(name: str, kind: str | None) -> None:
    real, fake = images(3, 1), images(3, 2)
    penalty = None if kind is None else Penalty(kind=kind, weight=0.3)
    objective = dataclasses.replace(BARE[name], penalty=penalty)

    def loss(inner: Tensor, outer: Tensor) -> Tensor:
        def critic(x: Tensor) -> Tensor:
            return torch.tanh(x.flatten(start_dim=1) @ inner) @ outer

        return objective.critic_loss(critic, real, fake, seeded())[0]

    weights = [images(4, 3).reshape(4, 4)[:, :3], images(1, 4).flatten()[:3]]
    weights = [weight.contiguous().requires_grad_() for weight in weights]
    assert torch.autograd.gradcheck(loss, weights)


# --- penalties ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BARE)
@pytest.mark.parametrize("weight", [0.0, 0.5, 10.0])
def test_penalty_weight_is_applied_once(name: str, weight: float) -> None:
    """A slope of 5 squared: the loss grows by weight * 25, the log shows 25."""
    real, fake = images(4, 1), images(4, 2)
    plain, plain_terms = BARE[name].critic_loss(linear(slope_of_five()), real, fake)
    objective = dataclasses.replace(BARE[name], penalty=Penalty(weight=weight, power=2))
    slope = slope_of_five()
    loss, terms = objective.critic_loss(linear(slope), real, fake)
    assert (loss - plain).item() == pytest.approx(25 * weight, abs=1e-9)
    assert terms["penalty"].item() == pytest.approx(25)
    assert terms.keys() - plain_terms.keys() == {"penalty"}

    plain_slope = slope_of_five()
    BARE[name].critic_loss(linear(plain_slope), real, fake)[0].backward()
    loss.backward()
    extra = slope.grad - plain_slope.grad
    torch.testing.assert_close(extra, weight * 2 * slope.detach())  # d |w|^2 = 2 w
    assert torch.equal(  # the generator's turn knows no penalty
        objective.generator_loss(linear(slope), fake),
        BARE[name].generator_loss(linear(slope), fake),
    )


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        # At slope (0, 3, 0, 4), pairs that differ by (0, 0, 0, 2): the slope along them is 4.
        (Penalty(), 5),
        (Penalty(power=2), 25),
        (Penalty(reduce="pixel"), 7 / 4),
        (Penalty(reduce="pixel", power=2), 25 / 4),
        (Penalty(kind="interpolates"), 16),
        (Penalty(kind="interpolates", target=3.0), 4),
        (Penalty(kind="dragan"), 16),
        (Penalty(kind="dragan", target=0.0), 25),
        (Penalty(kind="two_point", target=0.0), 16),
        (Penalty(kind="two_point", target=1.0), 9),
    ],
)
def test_penalties_with_their_settings_worked_by_hand(penalty: Penalty, expected: float) -> None:
    real = images(3, 1)
    fake = real - torch.tensor([[[0.0, 0], [0, 2]]], dtype=torch.float64)
    value = penalty(linear(slope_of_five()), real, fake, seeded())
    assert value.item() == pytest.approx(expected)
    assert value.requires_grad


def test_penalties_look_at_real_images() -> None:
    """A critic that is flat left of 0 and steep right of it: real images right, fake ones left."""
    weight = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)

    def critic(x: Tensor) -> Tensor:
        return weight * first_entry(x).relu()

    real, fake = with_scores(5, 6), with_scores(-5, -6)
    for kind in ("gradient_norm", "dragan", "finite_difference"):
        penalty = Penalty(kind=kind, target=0.0)
        assert penalty(critic, real, fake, seeded()).item() > 0.1
        assert penalty(critic, fake - 10, real, seeded()).item() == 0
    between = [
        Penalty(kind=kind, target=0.0)(
            critic, real.repeat(50, 1, 1, 1), fake.repeat(50, 1, 1, 1), seeded()
        )
        for kind in ("interpolates", "two_point")
    ]
    assert 0.3 * 9 < between[0].item() < 0.7 * 9  # half of each segment lies right of 0
    assert 0 < between[1].item() < 9


def test_settings_of_random_penalties_reach_them() -> None:
    """The bowl |x|^2 / 2 at the origin: slope |noise|, with a size that the settings decide."""
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)

    def bowl(x: Tensor) -> Tensor:
        return weight * x.square().flatten(start_dim=1).sum(dim=1) / 2

    origin = torch.zeros(2000, *SHAPE, dtype=torch.float64)
    # (sigma |e|^2 / 2)^2 has the mean sigma^2 (D^2 + 2 D) / 4 = 6 sigma^2 for D = 4 entries.
    for sigma in (0.01, 2.0):
        value = Penalty(kind="finite_difference", sigma=sigma)(bowl, origin, origin, seeded())
        assert value.item() == pytest.approx(6 * sigma**2, rel=0.2)
    # Images of standard deviation 1 around 0, moved by spread * u: E |x|^2 = 4 (1 + spread^2 / 3).
    real = images(2000, 1)
    for spread in (0.5, 3.0):
        penalty = Penalty(kind="dragan", spread=spread, target=0.0)
        value = penalty(bowl, real, real, seeded()).item()
        assert value == pytest.approx(4 * (1 + spread**2 / 3), rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BARE)
def test_the_same_generator_gives_the_same_loss(name: str, kind: str) -> None:
    objective = dataclasses.replace(BARE[name], penalty=Penalty(kind=kind))
    weight = images(1, 3)[0].requires_grad_()

    def value(seed: int) -> float:
        def critic(x: Tensor) -> Tensor:
            return linear(weight)(x.square())

        return objective.critic_loss(critic, images(4, 1), images(4, 2), seeded(seed))[0].item()

    before = torch.get_rng_state()
    assert value(1) == value(1)
    assert (value(1) == value(2)) == (kind == "gradient_norm")
    assert torch.equal(torch.get_rng_state(), before)


def test_defaults_are_the_papers_and_the_seeds_settings() -> None:
    assert LeastSquares() == LeastSquares(a=0.0, b=1.0, c=1.0)
    assert LossSensitive(penalty=None) == LossSensitive(
        cost="leaky",
        slope=0.0,
        norm="l1",
        margin_scale=2e-4,
        margin_reduce="sum",
        pairing="own",
        real_weight=0.0,
        penalty=None,
    )
    assert Penalty() == Penalty(weight=10.0, power=1, target=1.0, spread=0.5, sigma=0.01)


def test_default_penalties() -> None:
    """WGAN-GP's 10 on segments; the seed's 10 over the 64 that its norm takes away."""
    assert Wasserstein().penalty == Penalty(kind="interpolates", weight=10.0, target=1.0)
    assert LossSensitive().penalty.kind == "gradient_norm"
    assert LossSensitive().penalty.power == 1
    assert LossSensitive().penalty.weight == pytest.approx(10 / math.sqrt(64 * 64), abs=0.005)
    assert LeastSquares().penalty is None
    assert CrossEntropy().penalty is None


# --- terms for the log --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("name", BARE)
def test_terms_are_numbers_without_gradient(name: str, kind: str | None) -> None:
    penalty = None if kind is None else Penalty(kind=kind)
    objective = dataclasses.replace(BARE[name], penalty=penalty)
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1), nn.Flatten(0))
    critic = critic.double()
    fake = images(4, 2).requires_grad_()  # as if somebody forgot to detach the generator
    loss, terms = objective.critic_loss(critic, images(4, 1), fake, seeded())
    expected = {"score_real", "score_fake"}
    expected |= {"margin", "active_hinges"} if name == "loss-sensitive" else set()
    expected |= {"penalty"} if kind else set()
    assert set(terms) == expected
    for term in terms.values():
        assert term.shape == ()
        assert not term.requires_grad
        assert term.isfinite()
    assert loss.requires_grad
    assert terms["score_real"].item() == pytest.approx(critic(images(4, 1)).mean().item())
    assert terms["score_fake"].item() == pytest.approx(critic(images(4, 2)).mean().item())


# --- values that a recipe can hold --------------------------------------------------------------


@pytest.mark.parametrize("value", [*BARE.values(), Penalty(), Wasserstein(), LossSensitive()])
def test_objectives_are_frozen_values(value) -> None:
    twin = dataclasses.replace(value)
    assert twin == value
    assert hash(twin) == hash(value)
    assert {value: "found"}[twin] == "found"
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, 0)
    assert dataclasses.asdict(value) == dataclasses.asdict(twin)  # what recipe.json is made of


def test_different_settings_are_different_values() -> None:
    values = [*BARE.values(), LeastSquares(), Wasserstein(), LossSensitive()]
    assert len(set(values)) == len(values)
    assert LeastSquares(a=-1.0, c=0.0) != LeastSquares()


# --- guards -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 1, 1, 1), (3, 1)])
@pytest.mark.parametrize("name", BARE)
def test_a_critic_with_unflattened_scores_is_refused(name: str, shape: tuple[int, ...]) -> None:
    def critic(x: Tensor) -> Tensor:
        return first_entry(x).reshape(shape)

    with pytest.raises(
        ValueError, match=r"^real must hold one score per sample.*real\.flatten\(\)"
    ):
        BARE[name].critic_loss(critic, images(3, 1), images(3, 2))
    with pytest.raises(ValueError, match="^fake must hold one score per sample"):
        BARE[name].generator_loss(critic, images(3, 2))


def test_loss_sensitive_refuses_batches_of_other_sizes() -> None:
    with pytest.raises(ValueError, match="real_images .*fake_images .*Draw as many fake"):
        BARE["loss-sensitive"].critic_loss(first_entry, images(4, 1), images(1, 2))


def use(objective: Objective) -> None:
    """One critic step, for settings that are refused at the first use at the latest."""
    objective.critic_loss(linear(slope_of_five()), images(2, 1), images(2, 2))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: LeastSquares(a=1.0), "^a and b are both 1.0"),
        (lambda: LeastSquares(a=math.nan), "^a must be a finite number"),
        (lambda: LeastSquares(b=math.inf), "^b must be a finite number"),
        (lambda: LeastSquares(c=-math.inf), "^c must be a finite number"),
        (lambda: LossSensitive(norm="l3"), "^norm must be one of 'l1', 'l2'"),
        (lambda: LossSensitive(margin_reduce="mean"), "^margin_reduce must be one of 'sum'"),
        (lambda: LossSensitive(pairing="each"), "^pairing must be one of 'own', 'all'"),
        (lambda: LossSensitive(margin_scale=-1.0), "margin_scale.* negative"),
        (lambda: LossSensitive(margin_scale=math.nan), "^margin_scale must be a finite number"),
        (lambda: LossSensitive(real_weight=-1.0), "real_weight.* negative"),
        (lambda: LossSensitive(real_weight=math.inf), "^real_weight must be a finite number"),
        (lambda: LossSensitive(cost="softplus"), "^cost must be one of 'leaky', 'elu', 'absolute'"),
        (lambda: LossSensitive(slope=1.01), "^slope is 1.01"),
        (lambda: LossSensitive(slope=math.nan), "^slope must be a finite number"),
        (lambda: LossSensitive(cost="elu", alpha=2.0), "^alpha is 2.0"),
        (lambda: LossSensitive(cost="elu", alpha=math.inf), "^alpha must be a finite number"),
        (lambda: Penalty(weight=-1.0), "^weight is -1.0: a negative penalty"),
        (lambda: Penalty(weight=math.nan), "^weight must be a finite number"),
        (lambda: Penalty(weight=math.inf), "^weight must be a finite number"),
    ],
)
def test_settings_refused_at_the_door(make, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: LeastSquares(penalty=Penalty(kind="spectral")), "kind must be one of"),
        (lambda: LeastSquares(penalty=Penalty(power=3)), "^power must be one of 1, 2"),
        (lambda: LeastSquares(penalty=Penalty(reduce="mean")), "^reduce must be one of 'sample'"),
        (
            lambda: LeastSquares(penalty=Penalty(kind="interpolates", target=math.nan)),
            "^target must be a finite number",
        ),
        (
            lambda: LeastSquares(penalty=Penalty(kind="dragan", spread=math.inf)),
            "^spread must be a finite number",
        ),
        (
            lambda: LeastSquares(penalty=Penalty(kind="finite_difference", sigma=0.0)),
            "^sigma is 0.0",
        ),
    ],
)
def test_settings_refused_at_the_first_step_at_the_latest(make, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        use(make())
