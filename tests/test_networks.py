"""The networks are those of the published tables: shapes, parameters, starting weights."""

import pytest
import torch
from torch import Tensor, nn

from lsgan_lib.networks import (
    DCGANNetworks,
    LeastSquaresNetworks,
    LossSensitiveNetworks,
    MLPNetworks,
    SmallDigitsNetworks,
)
from lsgan_lib.networks.least_squares import halvings

THIN = 1e-3  # four channels in every layer


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def maps(network: nn.Module, x: Tensor, kinds: tuple[type, ...]) -> list[tuple[int, ...]]:
    """(channels, height, width) after each layer of these kinds, in the order of the forward."""
    seen: list[tuple[int, ...]] = []
    for module in network.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(lambda m, i, out: seen.append(tuple(out.shape[1:])))
    with torch.no_grad():
        network.eval()(x)
    return seen


FAMILIES = {
    "least squares": LeastSquaresNetworks(size=28, z_dim=5, width=THIN),
    "least squares, dropout": LeastSquaresNetworks(size=28, z_dim=5, width=THIN, dropout=0.5),
    "least squares, colour": LeastSquaresNetworks(size=16, channels=3, z_dim=5, width=THIN),
    "dcgan": DCGANNetworks(size=28, z_dim=5, width=THIN),
    "loss-sensitive": LossSensitiveNetworks(size=16, z_dim=5, width=THIN),
    "small digits": SmallDigitsNetworks(size=28, z_dim=5, width=THIN),
    "points": MLPNetworks(z_dim=5, hidden=6),
}
families = pytest.mark.parametrize("networks", FAMILIES.values(), ids=FAMILIES)


# --- the published tables ------------------------------------------------------------------------


def convolution(into: int, out: int, kernel: int, norm: bool = True) -> int:
    """Weights and biases, and scale and shift of the BatchNorm behind."""
    return into * out * kernel**2 + out + 2 * out * norm


@pytest.mark.parametrize(
    ("size", "channels", "z_dim", "published"),
    [(28, 1, 100, (2.84, 4.31)), (64, 3, 1024, (6.94, 4.32)), (112, 3, 1024, (15.6, 4.33))],
)
def test_least_squares_parameters_are_those_of_the_reference(size, channels, z_dim, published):
    start = {28: 2, 64: 4, 112: 7}[size]
    entries = 256 * start**2
    generator = z_dim * entries + entries + 2 * entries  # with one BatchNorm scale per entry
    generator += 4 * convolution(256, 256, 3) + convolution(256, 128, 3)
    generator += convolution(128, 64, 3) + convolution(64, channels, 3, norm=False)
    critic = convolution(channels, 64, 5, norm=False) + convolution(64, 128, 5)
    critic += convolution(128, 256, 5) + convolution(256, 512, 5)
    critic += 512 * start**2 + 1
    networks = LeastSquaresNetworks(size=size, channels=channels, z_dim=z_dim)
    counts = parameters(networks.generator(seeded())), parameters(networks.critic(seeded()))
    assert counts == (generator, critic)
    assert counts == pytest.approx([1e6 * n for n in published], rel=0.005)


def test_loss_sensitive_parameters_are_those_of_the_reference():
    generator = convolution(100, 512, 4) + convolution(512, 256, 4) + convolution(256, 128, 4)
    generator += convolution(128, 64, 4) + convolution(64, 3, 4, norm=False)
    critic = sum(
        convolution(into, out, 4, norm=False)
        for into, out in [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1)]
    )
    networks = LossSensitiveNetworks()
    counts = parameters(networks.generator(seeded())), parameters(networks.critic(seeded()))
    assert counts == (generator, critic)
    assert counts == pytest.approx([3.58e6, 2.76e6], rel=0.005)


def test_dcgan_has_512_channels_and_five_by_five_kernels():
    entries = 512 * 4
    generator = 100 * entries + entries + 2 * entries
    generator += convolution(512, 256, 5) + convolution(256, 128, 5) + convolution(128, 64, 5)
    generator += convolution(64, 1, 5, norm=False)
    assert parameters(DCGANNetworks().generator(seeded())) == generator
    critics = [family().critic(seeded()) for family in (DCGANNetworks, LeastSquaresNetworks)]
    assert parameters(critics[0]) == parameters(critics[1])  # "the same critic"


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (28, [28, 14, 7, 4, 2]),
        (64, [64, 32, 16, 8, 4]),
        (112, [112, 56, 28, 14, 7]),
        (8, [8, 4, 2, 1, 1]),
        (30, [30, 15, 8, 4, 2]),
    ],
)
def test_maps_halve_and_double_through_the_same_sizes(size, sizes):
    assert halvings(size) == sizes
    full, half, quarter, eighth, sixteenth = sizes
    networks = LeastSquaresNetworks(size=size, channels=3, z_dim=5, width=0.0625)
    critic = maps(networks.critic(seeded()), torch.zeros(2, 3, size, size), (nn.Conv2d,))
    assert critic == [(n, s, s) for n, s in zip([4, 8, 16, 32], sizes[1:], strict=True)]
    generator = maps(networks.generator(seeded()), torch.zeros(2, 5), (nn.ConvTranspose2d,))
    assert generator == [
        *((16, eighth, eighth), (16, eighth, eighth)),
        *((16, quarter, quarter), (16, quarter, quarter)),
        *((8, half, half), (4, full, full), (3, full, full)),
    ]
    dcgan = DCGANNetworks(size=size, channels=3, z_dim=5, width=0.0625)
    generator = maps(dcgan.generator(seeded()), torch.zeros(2, 5), (nn.ConvTranspose2d,))
    assert generator == [(n, s, s) for n, s in zip([16, 8, 4, 3], sizes[-2::-1], strict=True)]


@pytest.mark.parametrize(
    ("size", "features"), [(8, [64]), (16, [64, 128]), (64, [64, 128, 256, 512])]
)
def test_loss_sensitive_maps_double_from_four(size, features):
    networks = LossSensitiveNetworks(size=size, z_dim=5, width=0.125)
    thin = [n // 8 for n in features]
    critic = maps(networks.critic(seeded()), torch.zeros(2, 3, size, size), (nn.Conv2d,))
    assert critic == [
        *((n, size // 2 ** (i + 1), size // 2 ** (i + 1)) for i, n in enumerate(thin)),
        (1, 1, 1),
    ]
    generator = maps(networks.generator(seeded()), torch.zeros(2, 5), (nn.ConvTranspose2d,))
    assert generator == [
        *((n, 4 * 2**i, 4 * 2**i) for i, n in enumerate(reversed(thin))),
        (3, size, size),
    ]


def layers(network: nn.Module) -> list[str]:
    return [type(m).__name__ for m in network.modules() if not list(m.children())]


def test_where_batchnorm_stands():
    """Not on the critic's first layer, not on the generator's last, nowhere in seed 1's critic."""
    activation = ["Conv2d", "LeakyReLU"]
    block = ["Conv2d", "BatchNorm2d", "LeakyReLU"]
    critic = LeastSquaresNetworks(width=THIN).critic(seeded())
    assert layers(critic) == [*activation, *block * 3, "Flatten", "Linear"]
    generator = layers(LeastSquaresNetworks(width=THIN).generator(seeded()))
    assert generator[-2:] == ["ConvTranspose2d", "Tanh"]
    assert generator.count("BatchNorm2d") == 6 and generator.count("BatchNorm1d") == 1
    critic = LossSensitiveNetworks(width=THIN).critic(seeded())
    assert layers(critic) == [*activation * 4, "Conv2d"]
    with_both = LossSensitiveNetworks(width=THIN, critic_norm=True, final_relu=True)
    assert layers(with_both.critic(seeded())) == [*activation, *block * 3, "Conv2d", "ReLU"]


def test_where_dropout_stands():
    """After the second, fourth and sixth transposed convolution, as in seed 0."""
    generator = LeastSquaresNetworks(width=THIN, dropout=0.5).generator(seeded())
    kept = [name for name in layers(generator) if name in ("ConvTranspose2d", "Dropout")]
    pair = ["ConvTranspose2d", "ConvTranspose2d", "Dropout"]
    assert kept == [*pair * 3, "ConvTranspose2d"]


@pytest.mark.parametrize("family", [LeastSquaresNetworks, DCGANNetworks, LossSensitiveNetworks])
def test_batchnorm_can_be_left_out(family):
    networks = family(size=16, width=THIN, generator_norm=False, critic_norm=False)
    for network in (networks.generator(seeded()), networks.critic(seeded())):
        assert not any("BatchNorm" in name for name in layers(network))


# --- what every family promises ------------------------------------------------------------------


@families
def test_generators_make_images_and_critics_one_score_each(networks):
    generator, critic = networks.generator(seeded(1)), networks.critic(seeded(2))
    images = generator(torch.randn(6, 5, generator=seeded(3)))
    points = isinstance(networks, MLPNetworks)
    assert images.shape == (
        (6, 2) if points else (6, networks.channels, networks.size, networks.size)
    )
    assert critic(images).shape == (6,)
    assert critic.eval()(images[:1]).shape == (1,)  # one sample is a batch too
    assert generator.z_dim == 5


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "points"])
def test_images_fill_minus_one_to_one_and_no_more(name):
    generator = FAMILIES[name].generator(seeded()).eval()
    for p in generator.parameters():
        p.data.mul_(100)  # weights large enough that only the tanh holds the pixels
    with torch.no_grad():
        images = generator(100 * torch.randn(4, 5, generator=seeded()))
    assert images.abs().max() <= 1 and images.abs().max() > 0.99


def scores_of_the_first(critic: nn.Module, size: int) -> tuple[float, float]:
    """The same image scored in two batches that differ in all the others."""
    image = torch.randn(1, 1, size, size, generator=seeded(0))
    with torch.no_grad():
        scores = [
            critic(torch.cat([image, 3 * torch.randn(5, 1, size, size, generator=seeded(s))]))[0]
            for s in (1, 2)
        ]
    return scores[0].item(), scores[1].item()


@pytest.mark.parametrize("training", [True, False])
def test_a_critic_without_batchnorm_judges_each_sample_alone(training):
    for family in (LossSensitiveNetworks, LeastSquaresNetworks):
        networks = family(size=16, channels=1, width=0.1, critic_norm=False)
        first, second = scores_of_the_first(networks.critic(seeded()).train(training), 16)
        assert first == pytest.approx(second, rel=1e-4)


def test_a_critic_with_batchnorm_does_not():
    networks = LossSensitiveNetworks(size=16, channels=1, width=0.1, critic_norm=True)
    first, second = scores_of_the_first(networks.critic(seeded()).train(), 16)
    assert first != pytest.approx(second, rel=1e-2)


def test_scores_leave_the_unit_interval_and_the_final_relu_keeps_them_from_below_zero():
    images = torch.randn(64, 3, 16, 16, generator=seeded(1))
    for networks, lowest in [
        (LeastSquaresNetworks(size=16, channels=3, width=0.1), -torch.inf),
        (LossSensitiveNetworks(size=16, width=0.1), -torch.inf),
        (LossSensitiveNetworks(size=16, width=0.1, final_relu=True), 0),
    ]:
        critic = networks.critic(seeded())
        for p in critic.parameters():
            p.data.mul_(10)
        with torch.no_grad():
            scores = critic(images)
        assert scores.max() > 1 and scores.min() >= lowest
        assert lowest == 0 or scores.min() < 0


# --- width ---------------------------------------------------------------------------------------


def test_width_multiplies_every_number_of_channels():
    full, half = (LeastSquaresNetworks(width=w).critic(seeded()) for w in (1.0, 0.5))
    channels = [
        [m.out_channels for m in c.modules() if isinstance(m, nn.Conv2d)] for c in (full, half)
    ]
    assert channels == [[64, 128, 256, 512], [32, 64, 128, 256]]


@families
def test_no_layer_is_thinner_than_four(networks):
    for network in (networks.generator(seeded()), networks.critic(seeded())):
        hidden = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
        assert all(m.in_channels >= 4 for m in hidden[1:])


# --- starting weights ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("networks", "norm_std"),
    [
        (LeastSquaresNetworks(width=0.5), 0.0),
        (DCGANNetworks(width=0.5), 0.0),
        (LossSensitiveNetworks(width=0.5), 0.02),
    ],
)
def test_starting_weights_are_normal_with_deviation_two_hundredths(networks, norm_std):
    for network in (networks.generator(seeded(1)), networks.critic(seeded(2))):
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                weight, count = module.weight.detach(), module.weight.numel()
                # Five standard errors of a mean and of a standard deviation.
                assert abs(weight.mean()) < 5 * 0.02 / count**0.5
                assert abs(weight.std() - 0.02) < 5 * 0.02 / (2 * count) ** 0.5
                assert (module.bias == 0).all()
            elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                weight, count = module.weight.detach(), module.weight.numel()
                assert abs(weight.mean() - 1) <= 5 * norm_std / count**0.5
                assert abs(weight.std() - norm_std) <= 5 * norm_std / (2 * count) ** 0.5
                assert (module.bias == 0).all()


def test_points_start_from_orthogonal_weights():
    for network in (MLPNetworks(gain=1.4).generator(seeded()), MLPNetworks().critic(seeded())):
        for module in network.modules():
            if isinstance(module, nn.Linear):
                weight = module.weight.detach()
                short = weight if weight.shape[0] <= weight.shape[1] else weight.T
                expected = 1.4**2 * torch.eye(len(short))  # rows of length 1.4, at right angles
                torch.testing.assert_close(short @ short.T, expected, rtol=0, atol=1e-4)
                assert (module.bias == 0).all()


@families
def test_a_seed_names_one_network_and_the_global_state_is_not_asked(networks):
    def weights(seed: int, foreign: int) -> list[Tensor]:
        torch.manual_seed(foreign)
        random = seeded(seed)
        both = (networks.generator(random), networks.critic(random))
        return [p for network in both for p in network.parameters()]

    one, again, other = weights(1, 10), weights(1, 20), weights(2, 10)
    assert all(map(torch.equal, one, again))
    assert not all(map(torch.equal, one, other))


@families
def test_gradients_reach_every_weight(networks):
    """Nothing is built and then left out of the forward pass."""
    generator, critic = networks.generator(seeded(1)), networks.critic(seeded(2))
    critic(generator(torch.randn(8, 5, generator=seeded(3)))).square().sum().backward()
    for network in (generator, critic):
        assert [n for n, p in network.named_parameters() if p.grad is None] == []


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{"size": 0}, {"channels": 0}, {"z_dim": -1}, {"width": 0.0}, {"width": float("nan")}],
)
@pytest.mark.parametrize("family", [LeastSquaresNetworks, DCGANNetworks, LossSensitiveNetworks])
def test_settings_that_are_not_positive_are_refused(family, settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        family(**settings)


@pytest.mark.parametrize("settings", [{"dim": 0}, {"hidden": 0}, {"depth": 0}, {"z_dim": 0}])
def test_settings_of_points_that_are_not_positive_are_refused(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} must be a positive number"):
        MLPNetworks(**settings)


@pytest.mark.parametrize("size", [4, 12, 28, 63, 65, 96])
def test_loss_sensitive_sizes_that_four_never_doubles_to_are_refused(size):
    with pytest.raises(ValueError, match=f"size is {size}"):
        LossSensitiveNetworks(size=size)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="activation must be one of 'tanh', 'relu'"):
        MLPNetworks(activation="gelu")
