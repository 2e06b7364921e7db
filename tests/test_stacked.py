"""Many networks as one: each slice is the network it came from, in values, slopes and training."""

import pytest
import torch
from torch import nn

from lsgan_lib.data import grid, ring
from lsgan_lib.data.batches import mix
from lsgan_lib.losses.objectives import CrossEntropy, LeastSquares, LossSensitive, Penalty
from lsgan_lib.networks.mlp import MLPNetworks
from lsgan_lib.networks.stacked import Stack
from lsgan_lib.training.many_seeds import Cell, ManySeeds, PointSettings, train_cells

NETWORKS = MLPNetworks(z_dim=5, hidden=12)
SMALL = PointSettings(networks=NETWORKS, steps=8, batch_size=16)
OBJECTIVES = {
    "least squares": LeastSquares(a=-1.0, b=1.0, c=0.0),
    "cross-entropy": CrossEntropy(),
    "saturating": CrossEntropy(saturating=True),
    "margins of the points": LossSensitive(norm="l2", margin_scale=0.5, penalty=None),
    "with a penalty": LeastSquares(penalty=Penalty(kind="dragan", weight=0.5)),
}
objectives = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def critics(count):
    return [NETWORKS.critic(seeded(seed)) for seed in range(count)]


def test_each_slice_is_its_network_in_values_and_gradients():
    networks = critics(3)
    stack = Stack(networks)
    points = torch.randn(3, 7, 2, generator=seeded(9))
    scores = stack(points)
    assert scores.shape == (3, 7)
    (scores.square().sum()).backward()
    for s, network in enumerate(networks):
        alone = network(points[s])
        torch.testing.assert_close(scores[s], alone)
        alone.square().sum().backward()
        for name, weight in network.named_parameters():
            torch.testing.assert_close(stack.weights[name].grad[s], weight.grad)


def test_a_network_taken_out_is_a_copy():
    networks = critics(2)
    stack = Stack(networks)
    out = stack.network(1)
    points = torch.randn(4, 2, generator=seeded(3))
    torch.testing.assert_close(out(points), networks[1](points))
    with torch.no_grad():
        stack.weights["layers.0.weight"].zero_()
    torch.testing.assert_close(out(points), networks[1](points))


def test_a_stack_refuses_what_it_cannot_hold():
    with pytest.raises(ValueError, match="at least one"):
        Stack([])
    with pytest.raises(ValueError, match="BatchNorm"):
        Stack([nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))])
    with pytest.raises(ValueError, match="3 networks need as many batches, not 2"):
        Stack(critics(3))(torch.zeros(2, 4, 2))


def by_hand(seed, objective, settings, mixture):
    """One run as ordinary modules: the turns written out, nothing shared with the stack."""
    start, random = seeded(mix(seed, 2, 0)), seeded(mix(seed, 4, 0))
    generator, critic = settings.networks.generator(start), settings.networks.critic(start)
    betas = (settings.beta1, settings.beta2)
    of_critic = torch.optim.Adam(critic.parameters(), lr=settings.critic_lr, betas=betas)
    of_generator = torch.optim.Adam(generator.parameters(), lr=settings.generator_lr, betas=betas)
    for _ in range(settings.steps):
        real = mixture.sample(settings.batch_size, random)
        z = torch.randn(settings.batch_size, settings.networks.z_dim, generator=random)
        fake = generator(z)
        loss, _ = objective.critic_loss(critic, real, fake.detach(), random)
        critic_gradients = torch.autograd.grad(loss, list(critic.parameters()))
        loss = objective.generator_loss(critic, fake)
        generator_gradients = torch.autograd.grad(loss, list(generator.parameters()))
        for network, gradients in ((critic, critic_gradients), (generator, generator_gradients)):
            for weight, gradient in zip(network.parameters(), gradients, strict=True):
                weight.grad = gradient
        of_critic.step()
        of_generator.step()
    return generator, critic


@objectives
def test_stacked_seeds_train_as_each_would_alone(objective):
    seeds = (0, 3, 4)
    cell = Cell(ring(std=0.1), objective, seeds)
    runs, untrained = train_cells([cell], SMALL), ManySeeds([cell], SMALL)
    compare_with_each_alone(runs, untrained, [(cell.mixture, objective, seed) for seed in seeds])


def test_cells_of_other_mixtures_and_losses_train_side_by_side():
    cells = [Cell(m(), o, (1, 2)) for m in (ring, grid) for o in list(OBJECTIVES.values())[:4]]
    runs, untrained = train_cells(cells, SMALL), ManySeeds(cells, SMALL)
    alone = [(cell.mixture, cell.objective, seed) for cell in cells for seed in cell.seeds]
    compare_with_each_alone(runs, untrained, alone)


def compare_with_each_alone(runs, untrained, alone):
    for r, (mixture, objective, seed) in enumerate(alone):
        generator, critic = by_hand(seed, objective, SMALL, mixture)
        for stack, before, network in (
            (runs.generator, untrained.generator, generator),
            (runs.critic, untrained.critic, critic),
        ):
            moved = 0.0
            for name, weight in network.named_parameters():
                torch.testing.assert_close(stack.weights[name][r], weight, rtol=1e-3, atol=1e-5)
                change = stack.weights[name][r] - before.weights[name][r]
                moved = max(moved, change.abs().max().item())
            assert moved > 5e-4, "hardly anything has moved: there was nothing to compare"


def test_company_does_not_change_a_seed():
    (alone,) = train_cells([Cell(ring(), LeastSquares(), (5,))], SMALL).samples(20)
    cells = [Cell(ring(), CrossEntropy(), (2,)), Cell(ring(), LeastSquares(), (2, 5))]
    _, company = train_cells(cells, SMALL).samples(20)
    torch.testing.assert_close(company[1], alone[0], rtol=1e-4, atol=1e-5)
    assert (company[0] - company[1]).abs().max() > 0.1


def test_cells_start_from_the_same_weights_and_see_the_same_points():
    runs = ManySeeds([Cell(ring(), o, (0, 1)) for o in (LeastSquares(), CrossEntropy())], SMALL)
    one, other = runs.samples(10)
    assert torch.equal(one, other)
    runs.step()
    states = [random.get_state() for random in runs._randoms]
    assert torch.equal(states[0], states[2]) and torch.equal(states[1], states[3])
    assert not torch.equal(states[0], states[1])


def test_a_look_changes_nothing_and_comes_when_asked():
    steps = []

    def look(runs):
        steps.append(runs.done)
        runs.samples(50)

    cell = Cell(ring(), LeastSquares(), (1,))
    watched = train_cells([cell], SMALL, every=3, look=look)
    blind = train_cells([cell], SMALL)
    assert steps == [0, 3, 6, 8]
    assert torch.equal(watched.samples(9)[0], blind.samples(9)[0])
