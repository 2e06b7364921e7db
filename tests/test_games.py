"""Games of two numbers: eigenvalues and orbits against what paper and pencil say."""

import math
from functools import partial

import pytest
import torch

from lsgan_lib.games import Game, play, point_gan
from lsgan_lib.losses import cross_entropy, least_squares, wasserstein

ORIGIN = torch.zeros(2, dtype=torch.float64)
START = torch.tensor([1.0, 0.5], dtype=torch.float64)


def saturating(**settings):
    loss = partial(cross_entropy.generator_loss, saturating=True)
    return point_gan(cross_entropy.critic_loss, loss, **settings)


def usual(**settings):
    return point_gan(cross_entropy.critic_loss, cross_entropy.generator_loss, **settings)


def squares(a=0.0, b=1.0, c=1.0, **settings):
    return point_gan(
        partial(least_squares.critic_loss, a=a, b=b),
        partial(least_squares.generator_loss, c=c),
        middle=(a + b) / 2,
        **settings,
    )


def bilinear():
    return point_gan(wasserstein.critic_loss, wasserstein.generator_loss)


def sorted_eigenvalues(game):
    found = game.eigenvalues(ORIGIN)
    return sorted(found.tolist(), key=lambda z: (z.real, z.imag))


def sigma(x):
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize(("theta", "psi"), [(0.0, 0.0), (1.3, -0.4), (-2.0, 0.7), (0.1, 3.0)])
def test_the_field_is_what_one_derives_by_hand(theta, psi):
    state, u = torch.tensor([theta, psi], dtype=torch.float64), theta * psi
    by_hand = {
        saturating: (psi * sigma(u), -theta * sigma(u)),
        usual: (psi * sigma(-u), -theta * sigma(u)),
        squares: (psi * (0.5 - u), -theta * (0.5 + u)),
        bilinear: (psi, -theta),
    }
    for game, pull in by_hand.items():
        assert game().field(state).tolist() == pytest.approx(pull, abs=1e-12), game


def test_games_played_side_by_side_do_not_touch():
    states = torch.randn(3, 4, 2, dtype=torch.float64)
    game = usual(penalty=0.3, spread=0.5)
    alone = torch.stack([game.field(state) for state in states.reshape(-1, 2)])
    torch.testing.assert_close(game.field(states), alone.view(3, 4, 2))


@pytest.mark.parametrize("game", [saturating, usual, squares])
def test_at_equilibrium_all_three_turn_and_neither_grow_nor_shrink(game):
    assert sorted_eigenvalues(game()) == pytest.approx([-0.5j, 0.5j])


def test_the_other_coding_neither_turns_nor_shrinks():
    """(-1, 1, 0): the generator's pull (D - c) psi is a product of two things that vanish."""
    assert sorted_eigenvalues(squares(-1.0, 1.0, 0.0)) == pytest.approx([0, 0])


@pytest.mark.parametrize("weight", [0.1, 0.5, 1.0, 2.0])
def test_a_penalty_damps(weight):
    """-g/2 +- sqrt(g^2/4 - 1/4): Mescheder et al. 2018, with f'(0) = 1/2."""
    root = (complex(weight**2 / 4 - 0.25)) ** 0.5
    expected = sorted([-weight / 2 - root, -weight / 2 + root], key=lambda z: (z.real, z.imag))
    assert sorted_eigenvalues(usual(penalty=weight)) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(("game", "curvature"), [(usual, 1 / 4), (squares, 1.0)])
def test_shaking_the_points_damps_by_the_loss_s_curvature(game, curvature):
    """psi' = -2 curvature spread^2 psi - theta/2: both halves of the critic's loss bend."""
    spread = 0.6
    drag = 2 * curvature * spread**2
    found = game(spread=spread).jacobian(ORIGIN)
    expected = torch.tensor([[0.0, 0.5], [-0.5, -drag]], dtype=torch.float64)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_simultaneous_steps_of_the_bilinear_game_spiral_out(rate):
    game = bilinear()
    radius = play(game.simultaneous, START, rate, 50).norm(dim=-1)
    growth = radius[1:] / radius[:-1]
    torch.testing.assert_close(growth, torch.full_like(growth, math.sqrt(1 + rate**2)))


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 1.5])
def test_alternating_steps_of_the_bilinear_game_keep_an_ellipse(rate):
    """theta^2 + psi^2 - rate theta psi never changes, and for rate < 2 that is an ellipse."""
    theta, psi = play(bilinear().alternating, START, rate, 200).unbind(-1)
    energy = theta**2 + psi**2 - rate * theta * psi
    torch.testing.assert_close(energy, energy[:1].expand_as(energy))


def test_a_game_of_one_loss_turns_on_circles():
    """Both pulls are at right angles to the position: the sum of squares stays, to first order."""
    states = torch.randn(50, 2, dtype=torch.float64)
    for game in (saturating(), bilinear()):
        assert (game.field(states) * states).sum(-1).abs().max() < 1e-12
    inward = (usual().field(states) * states).sum(-1)
    u = states.prod(-1)
    torch.testing.assert_close(inward, -u * torch.tanh(u / 2))
    torch.testing.assert_close((squares().field(states) * states).sum(-1), -2 * u**2)


def test_any_two_losses_make_a_game():
    """Two players that do not meet go straight down."""
    game = Game(lambda t, p: (t**2).sum(), lambda t, p: ((p - 3) ** 2).sum())
    end = play(game.alternating, torch.tensor([4.0, -1.0]), 0.1, 100)[-1]
    torch.testing.assert_close(end, torch.tensor([0.0, 3.0]), atol=1e-6, rtol=0)


def test_alternating_the_generator_answers_the_new_critic():
    state = bilinear().alternating(torch.tensor([2.0, 0.0]), 0.5)
    assert state.tolist() == [1.5, -1.0]  # psi = 0 - 0.5 * 2, then theta = 2 + 0.5 * (-1)
    assert bilinear().simultaneous(torch.tensor([2.0, 0.0]), 0.5).tolist() == [2.0, -1.0]
