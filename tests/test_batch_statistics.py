"""BatchNorm on the batch's own statistics leaves no trace, and makes what training makes."""

import copy

import pytest
import torch
from torch import nn

from lsgan_lib.evaluation.batch_statistics import batch_statistics, images_in_batches
from lsgan_lib.networks import LeastSquaresNetworks


def generator_and_noise(**settings):
    networks = LeastSquaresNetworks(size=16, channels=3, z_dim=4, width=1e-3, **settings)
    random = torch.Generator().manual_seed(0)
    generator = networks.generator(random)
    for _ in range(3):  # moving averages that are not those of a fresh network
        generator(torch.randn(8, 4, generator=random))
    return generator.eval(), torch.randn(12, 4, generator=random)


def test_pictures_are_those_of_training_mode():
    generator, z = generator_and_noise()
    twin = copy.deepcopy(generator).train()
    with torch.no_grad():
        expected = torch.cat([twin(z[:6]), twin(z[6:])])
    assert torch.equal(images_in_batches(generator, z, 6), expected)


def test_by_hand_for_one_layer():
    layer, two = nn.BatchNorm1d(1).eval(), torch.tensor([[1.0], [3.0]])
    with batch_statistics(layer):  # mean 2, variance 1
        assert layer(two).flatten().tolist() == pytest.approx([-1, 1], abs=1e-5)
    assert layer(two).flatten().tolist() == pytest.approx([1, 3], abs=1e-4)  # mean 0, variance 1


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_moved_and_the_modes_come_back(training):
    generator, z = generator_and_noise(dropout=0.5)
    generator.train(training)
    before = copy.deepcopy(generator.state_dict())
    modes = [layer.training for layer in generator.modules()]
    with pytest.raises(RuntimeError), batch_statistics(generator):
        generator(z)
        raise RuntimeError
    assert [layer.training for layer in generator.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    generator.train()(z)  # and it moves again afterwards
    assert not torch.equal(generator.project[1].running_mean, before["project.1.running_mean"])


def test_dropout_stays_off():
    generator, z = generator_and_noise(dropout=0.5)
    assert torch.equal(images_in_batches(generator, z, 12), images_in_batches(generator, z, 12))


def test_a_plain_copy_in_training_mode_does_move_them():
    """The trap that the block avoids: no_grad does not keep BatchNorm from moving."""
    generator, z = generator_and_noise()
    before = generator.project[1].running_mean.clone()
    with torch.no_grad():
        generator.train()(z)
    assert not torch.equal(generator.project[1].running_mean, before)


def test_a_batch_that_is_not_full_is_refused():
    generator, z = generator_and_noise()
    with pytest.raises(ValueError, match="do not fill batches of 5"):
        images_in_batches(generator, z, 5)
