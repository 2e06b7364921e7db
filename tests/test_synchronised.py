"""Two processes with half a batch each normalise as one process with all of it."""

from copy import deepcopy

import pytest
import torch
from process_pair import both
from torch import Tensor, nn

from lsgan_lib.losses.penalties import gradient_norm
from lsgan_lib.networks.synchronised import SynchronisedBatchNorm, synchronise
from lsgan_lib.training.processes import World, join


def network(norm: bool = True) -> nn.Sequential:
    """A critic with both kinds of BatchNorm; every parameter and buffer has a value of its own."""
    torch.manual_seed(3)
    layers = [
        nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Tanh(),
        nn.Flatten(), nn.Linear(12, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1, bias=False),
        nn.Flatten(0),
    ]  # fmt: skip
    critic = nn.Sequential(*layers).double()
    with torch.no_grad():
        for value in (*critic.parameters(), *critic.buffers()):
            if value.is_floating_point():
                value.uniform_(0.5, 1.5)
    return critic


def images() -> Tensor:
    """Whose two halves have other means and variances."""
    torch.manual_seed(4)
    first, second = torch.randn(2, 4, 1, 3, 3, dtype=torch.float64)
    return torch.cat([first, 5 + 3 * second])


def losses(critic: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, their mean square, and a penalty that differentiates twice."""
    scores = critic(x)
    return scores, scores.square().mean(), gradient_norm(critic, x)


def everything(critic: nn.Module, x: Tensor, world: World) -> dict[str, Tensor]:
    x = x.clone(memory_format=torch.channels_last).requires_grad_(True)
    scores, loss, penalty = losses(critic, x)
    found = {"scores": scores.detach(), "penalty": penalty.detach()}
    for name, value in (("plain", loss), ("twice", penalty)):
        critic.zero_grad()
        value.backward(retain_graph=True)
        world.mean_gradients_(critic)
        found |= {f"{name} {key}": p.grad.clone() for key, p in critic.named_parameters()}
    found["input"] = x.grad / world.size
    found |= {f"kept {key}": value.clone() for key, value in critic.state_dict().items()}
    found["rested"] = critic.eval()(x).detach()
    return found


def half() -> dict[str, Tensor]:
    with join("cpu") as world:
        critic = synchronise(network(), world)
        return everything(critic, images().chunk(2)[world.rank], world)


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    return both(tmp_path_factory.mktemp("halves"), half)


@pytest.fixture(scope="module")
def whole():
    return everything(network(), images(), World())


def test_scores_and_input_gradients_are_those_of_the_whole_batch(halves, whole):
    for name in ("scores", "input", "rested"):
        joined_up = torch.cat([found[name] for found in halves])
        torch.testing.assert_close(joined_up, whole[name], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["plain", "twice", "kept"])
def test_gradients_and_buffers_are_those_of_the_whole_batch(kind, halves, whole):
    """plain: of a loss; twice: of a slope penalty; kept: what a state holds, estimates included."""
    names = [name for name in whole if name.startswith(kind)]
    assert names
    for found in halves:
        for name in names:
            torch.testing.assert_close(found[name], whole[name], rtol=1e-12, atol=1e-12)


def test_penalties_of_the_halves_have_the_mean_of_the_whole(halves, whole):
    mean = sum(found["penalty"] for found in halves) / 2
    torch.testing.assert_close(mean, whole["penalty"], rtol=1e-12, atol=0)


def unsynchronised() -> dict[str, Tensor]:
    with join("cpu") as world:
        return everything(network(), images().chunk(2)[world.rank], world)


def test_without_it_the_processes_differ(tmp_path, whole):
    """What the tests above would find if nothing were synchronised."""
    halves = both(tmp_path, unsynchronised)
    name = "plain 0.weight"
    assert not torch.allclose(halves[0][name], whole[name], rtol=1e-2)
    assert not torch.equal(halves[0]["kept 1.running_mean"], halves[1]["kept 1.running_mean"])


def test_one_process_alone_keeps_its_layers():
    critic = network()
    before = list(critic)
    assert list(synchronise(critic, World())) == before


class Alone:
    """One process that believes to be many: the sum over all of them is its own value."""

    rank, size = 0, 1

    def sum_(self, tensor: Tensor) -> Tensor:
        return tensor


def test_a_state_fits_before_and_after():
    """Names, order, parameters and buffers stay, so states and averages do not care."""
    critic = network()
    names, tensors = list(critic.state_dict()), list(critic.parameters())
    many = Alone()
    many.size = 2
    synchronise(critic, many)
    assert isinstance(critic[1], SynchronisedBatchNorm)
    assert list(critic.state_dict()) == names
    assert all(a is b for a, b in zip(critic.parameters(), tensors, strict=True))
    deepcopy(critic).load_state_dict(network().state_dict())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_computes_in_the_precision_of_batch_norm(dtype):
    """bfloat16 comes in and goes out under autocast; means and variances are float32."""
    x = torch.linspace(-3, 9, 24).view(2, 3, 2, 2).to(dtype)
    norm = nn.BatchNorm2d(3)
    ours = SynchronisedBatchNorm(deepcopy(norm), Alone())
    expected, found = norm(x), ours(x)
    assert found.dtype == expected.dtype == dtype
    tolerance = torch.finfo(dtype).eps
    torch.testing.assert_close(found, expected, rtol=2 * tolerance, atol=tolerance)
    torch.testing.assert_close(ours.running_var, norm.running_var, rtol=1e-6, atol=0)
    torch.testing.assert_close(ours.running_mean, norm.running_mean, rtol=1e-6, atol=1e-7)
