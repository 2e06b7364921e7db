"""The table of layers and the spreads are what another route to the same numbers gives."""

import math

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lsgan_lib.networks import DCGANNetworks, LeastSquaresNetworks, LossSensitiveNetworks
from lsgan_lib.networks.layers import describe, layer_table
from lsgan_lib.networks.spread import kinds_of_pixel, spreads


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


PAIRS = {
    "28": LeastSquaresNetworks(size=28, width=0.125),
    "50, colour": LeastSquaresNetworks(size=50, channels=3, z_dim=7, width=0.125),
    "no norm": LeastSquaresNetworks(
        size=28, width=0.125, dropout=0.5, generator_norm=False, critic_norm=False
    ),
    "dcgan": DCGANNetworks(size=28, width=0.125),
    "loss-sensitive": LossSensitiveNetworks(size=32, width=0.125, final_relu=True),
}
pairs = pytest.mark.parametrize("networks", PAIRS.values(), ids=PAIRS)


def both(networks):
    """Each network of a pair with something that it takes."""
    images = torch.zeros(1, networks.channels, networks.size, networks.size)
    yield networks.generator(seeded()), torch.zeros(1, networks.z_dim)
    yield networks.critic(seeded()), images


@pairs
def test_multiplications_are_those_that_torch_counts(networks):
    for network, x in both(networks):
        rows = layer_table(network, x)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network.eval()(x)
        assert counter.get_total_flops() == 2 * sum(row.multiplications for row in rows)


@pairs
def test_every_parameter_is_in_the_table_once(networks):
    for network, x in both(networks):
        rows = layer_table(network, x)
        assert sum(row.parameters for row in rows) == sum(p.numel() for p in network.parameters())


@pairs
def test_each_row_takes_what_the_row_before_gives(networks):
    for network, x in both(networks):
        rows = layer_table(network, x)
        assert math.prod(rows[0].takes) == math.prod(x.shape[1:])
        for before, after in zip(rows[:-1], rows[1:], strict=True):
            assert math.prod(before.gives) == math.prod(after.takes)


def test_what_stands_behind_a_layer():
    generator, critic = (
        layer_table(network, x) for network, x in both(LeastSquaresNetworks(width=0.125))
    )
    assert [row.norm for row in generator] == [True] * 7 + [False]
    assert [row.norm for row in critic] == [False, True, True, True, False]
    assert [row.activation for row in generator] == ["ReLU"] * 7 + ["Tanh"]
    assert [row.activation for row in critic] == ["LeakyReLU 0.2"] * 4 + [""]
    assert [row.name for row in generator if row.dropout] == ["deconv2", "deconv4", "deconv6"]
    assert [row.stride for row in generator] == [0, 2, 1, 2, 1, 2, 2, 1]
    assert [row.output_padding for row in generator] == [0, 1, 0, 0, 0, 1, 1, 0]
    assert generator[0].gives == (32, 2, 2)  # written as the map that the next layer takes
    assert critic[-1].gives == (1,)


def test_a_final_activation_is_seen():
    """A sigmoid before the square would stand in the last row."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 1), nn.Sigmoid())
    assert layer_table(network, torch.zeros(1, 1, 2, 2))[-1].activation == "Sigmoid"


def test_reading_the_table_leaves_the_network_as_it_was():
    network = LeastSquaresNetworks(width=0.125, dropout=0.5).generator(seeded())
    network.layers[1].eval()  # one layer apart from the rest
    before = {name: value.clone() for name, value in network.state_dict().items()}
    layer_table(network, torch.ones(1, 100))
    assert network.training and not network.layers[1].training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert not any(module._forward_hooks for module in network.modules())


def test_hooks_are_gone_after_an_error():
    network = LeastSquaresNetworks(width=0.125).generator(seeded())
    with pytest.raises(RuntimeError):
        layer_table(network, torch.zeros(1, 99))
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())


def test_no_weights_no_table():
    with pytest.raises(ValueError, match="no linear layer"):
        layer_table(nn.Sequential(nn.ReLU()), torch.zeros(1, 3))


def test_the_description_names_every_layer_and_both_sums():
    rows = layer_table(*next(both(LeastSquaresNetworks())))
    text = describe(rows)
    assert all(row.name in text for row in rows)
    assert text.splitlines()[-1].split() == ["2,837,633", "79,590,400"]


# --- spreads --------------------------------------------------------------------------------------


def test_spreads_of_a_chain_that_can_be_done_by_hand():
    """x = 3, weights 2 and 5: outputs 6 and 30; the loss y^2 / 2 has slopes 30 and 30 * 5."""
    network = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1))
    with torch.no_grad():
        for layer, weight in ((network[0], 2.0), (network[2], 5.0)):
            layer.weight.fill_(weight)
            layer.bias.zero_()
    x = torch.tensor([[3.0], [-3.0]])  # ReLU stops the second: outputs -6 and 0
    first, second = spreads(network, x, lambda y: (y**2 / 2).mean())
    assert first.outputs == pytest.approx(6)
    assert second.outputs == pytest.approx(30 / math.sqrt(2))
    assert second.gradients == pytest.approx(30 / math.sqrt(2))
    assert first.gradients == pytest.approx(150 / math.sqrt(2))


def test_spreads_leave_moving_averages_and_gradients_alone():
    network = LeastSquaresNetworks(width=0.125).generator(seeded())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    spreads(network, torch.randn(8, 100, generator=seeded(1)))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())
    assert not any(module._forward_hooks for module in network.modules())


def test_the_four_kinds_of_pixel():
    tile = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).repeat(3, 3)
    assert kinds_of_pixel(tile[None, None]).tolist() == [1, 4, 9, 16]
