"""The second derivative for free equals the one by automatic differentiation."""

import pytest
import torch
from torch import Tensor, nn

from lsgan_lib.losses import penalties
from lsgan_lib.losses.straight import straight_layers
from lsgan_lib.networks import LeastSquaresNetworks, LossSensitiveNetworks, MLPNetworks
from lsgan_lib.networks.small_maps import by_matrix_product


class Hidden(nn.Module):
    """A critic that does not say what it is made of."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, x: Tensor) -> Tensor:
        return self.critic(x)


FAMILIES = {
    "conv": (LossSensitiveNetworks(size=16, width=0.1), (3, 16, 16)),
    "final relu": (LossSensitiveNetworks(size=8, width=0.1, final_relu=True), (3, 8, 8)),
    "conv and linear": (
        LeastSquaresNetworks(size=12, channels=2, width=0.05, critic_norm=False),
        (2, 12, 12),
    ),
    "mlp": (MLPNetworks(activation="relu", depth=3, hidden=16), (2,)),
}


def critic_and_images(family: str, dtype: torch.dtype = torch.float64) -> tuple[nn.Module, Tensor]:
    networks, shape = FAMILIES[family]
    random = torch.Generator().manual_seed(1)
    critic = networks.critic(random).to(dtype)
    with torch.no_grad():
        for p in critic.parameters():  # away from the start, where all biases are zero
            p.add_(0.1 * torch.randn(p.shape, generator=random).to(dtype))
    return critic, torch.randn(5, *shape, generator=random).to(dtype).requires_grad_()


def derivatives(critic: nn.Module, images: Tensor, loss_of) -> list[Tensor]:
    """Loss, its gradients by every weight, and by the images."""
    critic.zero_grad()
    images.grad = None
    loss = loss_of(*penalties.scores_and_gradient(critic, images))
    loss.backward()
    grads = [
        torch.zeros_like(p) if p.grad is None else p.grad for p in [*critic.parameters(), images]
    ]
    return [loss.detach(), *grads]


LOSSES = {
    "scores alone": lambda s, g: (s.sin() * torch.arange(5)).sum() + 0 * g.sum(),
    "slopes alone": lambda s, g: g.flatten(1).norm(dim=1).mean() + (g**3).sum(),
    "both": lambda s, g: (s.square() * torch.arange(5)).sum() + g.square().sum() + (g**3).sum(),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("family", FAMILIES)
def test_equals_automatic_differentiation(family: str, loss: str) -> None:
    critic, images = critic_and_images(family)
    assert straight_layers(critic) is not None
    assert straight_layers(Hidden(critic)) is None
    ours = derivatives(critic, images, LOSSES[loss])
    theirs = derivatives(Hidden(critic), images, LOSSES[loss])
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-13)


def test_slopes_are_finite_differences() -> None:
    critic, images = critic_and_images("conv")
    _, slopes = penalties.scores_and_gradient(critic, images)
    direction = torch.randn(images.shape, dtype=torch.float64)
    with torch.no_grad():
        step = 1e-6 * direction
        quotient = (critic(images + step) - critic(images - step)) / 2e-6
    along = (slopes * direction).flatten(1).sum(1)
    torch.testing.assert_close(quotient, along.detach(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("family", ["conv", "conv and linear", "mlp"])  # no ReLU after the bias
@pytest.mark.parametrize("count", [5, 8, 37, 64])
@pytest.mark.parametrize("trained", [False, True])
def test_a_loss_of_differences_leaves_the_last_bias_where_it_is(
    family: str, count: int, trained: bool
) -> None:
    """To the last bit: Adam makes whole steps of any gradient, however small."""
    networks, shape = FAMILIES[family]
    random = torch.Generator().manual_seed(count)
    critic = networks.critic(random)
    if trained:  # as a trainer on a CPU has it
        by_matrix_product(critic.to(memory_format=torch.channels_last), torch.device("cpu"))
    real, fake = torch.randn(2, count, *shape, generator=random)
    scores, slopes = penalties.scores_and_gradient(critic, real)
    hinge = torch.relu(0.01 + scores - critic(fake)).mean()
    (hinge + slopes.flatten(1).norm(dim=1).mean()).backward()
    last = [p for name, p in critic.named_parameters() if name.endswith("bias")][-1]
    assert last.grad is not None and torch.equal(last.grad, torch.zeros(1))


@pytest.mark.parametrize(
    "networks",
    [
        MLPNetworks(activation="tanh"),
        LossSensitiveNetworks(size=16, width=0.1, critic_norm=True),
    ],
)
def test_curved_critics_are_left_to_automatic_differentiation(networks) -> None:
    assert straight_layers(networks.critic(torch.Generator())) is None


def test_padding_other_than_zeros_is_not_straight_to_us() -> None:
    critic, _ = critic_and_images("conv")
    critic.layers[0].padding_mode = "reflect"
    assert straight_layers(critic) is None


def test_a_frozen_critic_is_refused() -> None:
    critic, images = critic_and_images("conv")
    critic.requires_grad_(False)
    with pytest.raises(RuntimeError, match="would train nothing"):
        penalties.input_gradient(critic, images)


def test_no_gradients_no_penalty() -> None:
    critic, images = critic_and_images("conv")
    with torch.no_grad(), pytest.raises(RuntimeError, match="enable_grad"):
        penalties.input_gradient(critic, images)


def relative_error(value: list[Tensor], exact: list[Tensor]) -> float:
    flat = [torch.cat([t.flatten().double() for t in tensors]) for tensors in (value, exact)]
    return ((flat[0] - flat[1]).norm() / flat[1].norm()).item()


def penalty_gradient(critic: nn.Module, images: Tensor, bf16: bool, penalty) -> list[Tensor]:
    critic.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        value = penalty(critic, images)
    assert value.dtype == torch.float32
    value.backward()
    return [p.grad.clone() for p in critic.parameters() if p.grad is not None]


@pytest.mark.parametrize("hidden", [False, True], ids=["straight", "automatic"])
def test_bfloat16_moves_an_exact_gradient_penalty_by_less_than_another_batch_does(hidden) -> None:
    critic, images = critic_and_images("conv", torch.float32)
    judged = Hidden(critic) if hidden else critic
    others = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(7))
    exact = penalty_gradient(judged, images.detach(), False, penalties.gradient_norm)
    rounded = penalty_gradient(judged, images.detach(), True, penalties.gradient_norm)
    another = penalty_gradient(judged, others, False, penalties.gradient_norm)
    error = relative_error(rounded, exact)
    assert 0 < error < 0.03
    assert error < relative_error(another, exact) / 3


def test_differences_of_scores_keep_float32_under_autocast() -> None:
    critic, images = critic_and_images("conv", torch.float32)

    def finite(critic: nn.Module, x: Tensor) -> Tensor:
        return penalties.finite_difference(critic, x, random=torch.Generator().manual_seed(3))

    def two(critic: nn.Module, x: Tensor) -> Tensor:
        return penalties.two_point(critic, x, -x, random=torch.Generator().manual_seed(3))

    for penalty in (finite, two):
        exact = penalty_gradient(critic, images.detach(), False, penalty)
        rounded = penalty_gradient(critic, images.detach(), True, penalty)
        assert relative_error(rounded, exact) == 0


def test_why_a_finite_difference_needs_float32() -> None:
    critic, images = critic_and_images("conv", torch.float32)
    x = images.detach()
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    exact = (critic(x + 0.01 * direction) - critic(x)).square().mean()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = (critic(x + 0.01 * direction) - critic(x)).square().mean()
    assert (rounded / exact - 1).abs() > 0.05


def test_the_last_layer_keeps_float32_under_autocast() -> None:
    critic, images = critic_and_images("conv", torch.float32)
    with torch.no_grad():
        critic.layers[-1].bias.fill_(100.0)  # bfloat16 knows 100 and 100.5, nothing between
    for judged in (critic, Hidden(critic)):
        with torch.autocast("cpu", torch.bfloat16):
            scores, _ = penalties.scores_and_gradient(judged, images)
        assert scores.dtype == torch.float32
        halves = scores.detach() * 2
        assert not torch.equal(halves, halves.round())
