"""A convolution by matrix product is the convolution."""

import pytest
import torch
from torch import nn

from lsgan_lib.networks import LeastSquaresNetworks, LossSensitiveNetworks
from lsgan_lib.networks.small_maps import SmallMapConv2d, by_matrix_product

CPU = torch.device("cpu")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("settings", [(5, 2, 2), (4, 2, 1), (3, 1, 1), (4, 1, 0), (1, 1, 0)])
@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
def test_outputs_and_all_gradients_are_those_of_conv2d(size, settings, order) -> None:
    kernel, _, padding = settings
    if size + 2 * padding < kernel:
        pytest.skip("the kernel is larger than the padded image: torch refuses it")
    plain = nn.Conv2d(3, 5, *settings).double().to(memory_format=order)
    both = nn.Sequential(plain)
    x = torch.randn(4, 3, size, size, dtype=torch.double).to(memory_format=order)
    answers = []
    for layer in (plain, by_matrix_product(both, CPU)[0]):
        image = x.clone().requires_grad_()
        y = layer(image)
        inputs = (image, layer.weight, layer.bias)
        weights = torch.linspace(-1, 1, y.numel(), dtype=torch.double).view(y.shape)
        grads = torch.autograd.grad((y * weights).sum() + y.square().sum(), inputs)
        answers.append([y, *grads])
    assert isinstance(both[0], SmallMapConv2d)
    for ours, theirs in zip(*answers, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_only_small_maps_are_made_matrices(monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a matrix product")

    layer = by_matrix_product(nn.Sequential(nn.Conv2d(2, 3, 3, 1, 1)), CPU)
    monkeypatch.setattr(nn.functional, "linear", refuse)
    layer(torch.ones(1, 2, 3, 3))
    with pytest.raises(AssertionError, match="a matrix product"):
        layer(torch.ones(1, 2, 2, 2))


@pytest.mark.parametrize("networks", [LeastSquaresNetworks(), LossSensitiveNetworks()])
def test_parameters_names_and_outputs_of_a_critic_stay(networks) -> None:
    critic = networks.critic(torch.Generator().manual_seed(0))
    x = torch.randn(4, networks.channels, networks.size, networks.size)
    before, names = critic(x), [(n, id(p)) for n, p in critic.named_parameters()]
    by_matrix_product(critic, CPU)
    assert [(n, id(p)) for n, p in critic.named_parameters()] == names
    torch.testing.assert_close(critic(x), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, padding=1, groups=2),
        nn.Conv2d(4, 4, 3, dilation=2, padding=2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, 3, stride=(1, 2)),
    ],
)
def test_other_convolutions_are_left_alone(layer) -> None:
    assert by_matrix_product(nn.Sequential(layer), CPU)[0] is layer


def test_on_a_gpu_nothing_changes() -> None:
    layers = nn.Sequential(nn.Conv2d(4, 4, 3))
    first = layers[0]
    assert by_matrix_product(layers, torch.device("cuda"))[0] is first
