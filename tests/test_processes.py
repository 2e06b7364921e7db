"""What the processes of a run do together, with two real ones that meet over gloo."""

import os
import signal
import sys
import threading
import time
from typing import Any

import pytest
import torch
from process_pair import Pair, both
from torch import Tensor, nn

from lsgan_lib.errors import BookError
from lsgan_lib.losses.objectives import LossSensitive, Penalty
from lsgan_lib.training import heartbeat
from lsgan_lib.training.processes import World, join, share

OBJECTIVE = LossSensitive(slope=0.1, margin_scale=1.0, penalty=Penalty(weight=0.5))


def critic(seed: int = 0) -> nn.Sequential:
    """Scores (N,) of points (N, 2), in float64."""
    torch.manual_seed(seed)
    layers = nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0)
    return nn.Sequential(*layers).double()


def batch() -> tuple[Tensor, Tensor]:
    """Real and fake points."""
    return tuple(torch.randn(2, 8, 2, generator=torch.manual_seed(1), dtype=torch.float64))


def rows_of(world: World, *tensors: Tensor) -> list[Tensor]:
    return [tensor.chunk(world.size)[world.rank] for tensor in tensors]


def gradients(network: nn.Module) -> list[Tensor]:
    return [p.grad.clone() for p in network.parameters() if p.grad is not None]


def close(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(
        torch.allclose(a, b, rtol=1e-12, atol=1e-14) for a, b in zip(one, other, strict=True)
    )


# --- one process ---------------------------------------------------------------------------------


def test_without_torchrun_there_is_one_process_and_nothing_to_do():
    with join("cpu") as world, world.guard("not said"):
        network, value = critic(), torch.tensor([2.0])
        before = [p.clone() for p in network.parameters()]
        world.broadcast_(network)
        world.mean_gradients_(network)
        world.check_same({"critic": network}, shown=0)
        world.barrier()
        assert (world.rank, world.size) == (0, 1)
        assert world.mean_(value) is value and value.item() == 2
        assert world.agree(True) and not world.agree(False)
        assert all(torch.equal(a, b) for a, b in zip(network.parameters(), before, strict=True))


def test_a_batch_is_shared_equally_or_not_at_all():
    assert [share(64, size) for size in (1, 2, 64)] == [64, 32, 1]
    with pytest.raises(BookError, match="Start 5, or set the batch size to 63 or 70"):
        share(65, 7)
    with pytest.raises(BookError, match="Start 2, or set the batch size to 3"):
        share(2, 3)


def test_a_machine_without_enough_gpus_is_named(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "99")
    with pytest.raises(BookError, match="process 100 on a machine with .* GPUs"):
        join("cuda")
    with pytest.raises(BookError, match="not on mps"):
        join("mps")


def test_half_an_environment_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(BookError, match="RANK.*torchrun"):
        join("cpu")


# --- two processes -------------------------------------------------------------------------------


def together() -> dict[str, Any]:
    """Everything that ends well, in one pair of processes."""
    found: dict[str, Any] = {}
    with join("cpu") as world:
        # Another start in each process, and buffers, integers and another memory order among it.
        image = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)).to(
            memory_format=torch.channels_last
        )
        mixed = nn.ModuleList([critic(seed=world.rank), image])
        image[1].num_batches_tracked += world.rank
        world.broadcast_(mixed)
        found["broadcast"] = [*mixed.state_dict().values()]

        found["agree"] = [world.agree(world.rank in says) for says in ([], [0], [1], [0, 1])]
        found["mean"] = world.mean_(torch.tensor([1.0, 10.0]) * (1 + world.rank))

        network = critic()
        points = rows_of(world, *batch())
        loss, _ = OBJECTIVE.critic_loss(network, *points)
        loss.backward()
        world.mean_gradients_(network)
        found["gradients"] = gradients(network)

        # A gradient that one process has, and one that none has.
        some = nn.ParameterList([torch.ones(2), torch.ones(3), torch.ones(4)])
        some[0].grad = torch.full((2,), 1.0 + world.rank)
        if world.rank == 1:
            some[1].grad = torch.full((3,), 6.0)
        world.mean_gradients_(some)
        found["some"] = [p.grad for p in some]

        for _ in range(20):  # plain steps down the slope
            for p in network.parameters():
                p.grad = None
            OBJECTIVE.critic_loss(network, *points)[0].backward()
            world.mean_gradients_(network)
            with torch.no_grad():
                for p in network.parameters():
                    p -= 0.05 * p.grad
        found["trained"] = [p.detach() for p in network.parameters()]

        networks = {"critic": network, "generator": critic(), "average": critic()}
        world.check_same(networks, shown=1000)
        if world.rank == 1:
            weight = networks["average"][0].weight.data
            weight[0, 0] = torch.nextafter(weight[0, 0], weight.new_tensor(9.0))
        try:
            world.check_same(networks, shown=2000)
        except BookError as error:
            found["check"] = str(error)
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return both(tmp_path_factory.mktemp("pair"), together)


def test_all_begin_with_what_process_0_has(pair):
    first, second = (found["broadcast"] for found in pair)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert torch.equal(first[0], critic(seed=0)[0].weight)
    assert {t.dtype for t in first} == {torch.float64, torch.float32, torch.int64}


def test_gradients_of_two_halves_have_the_mean_of_the_whole_batch(pair):
    """Of a loss with a slope penalty, which differentiates twice."""
    network = critic()
    OBJECTIVE.critic_loss(network, *batch())[0].backward()
    for found in pair:
        assert close(found["gradients"], gradients(network))


def test_a_gradient_that_some_lack_counts_as_zero_and_one_that_all_lack_is_none(pair):
    for found in pair:
        first, second, third = found["some"]
        assert first.tolist() == [1.5] * 2 and second.tolist() == [3.0] * 3 and third is None


def test_two_halves_train_like_the_whole(pair):
    network = critic()
    for _ in range(20):
        loss, _ = OBJECTIVE.critic_loss(network, *batch())
        slopes = torch.autograd.grad(loss, list(network.parameters()))
        with torch.no_grad():
            for p, slope in zip(network.parameters(), slopes, strict=True):
                p -= 0.05 * slope
    for found in pair:
        assert close(found["trained"], list(network.parameters()))
        assert not torch.allclose(found["trained"][0], critic()[0].weight)


def test_one_that_says_so_is_enough(pair):
    for found in pair:
        assert found["agree"] == [False, True, True, True]
        assert found["mean"].tolist() == [1.5, 15.0]


def test_one_changed_bit_is_found_and_named(pair):
    for found in pair:
        assert "after 2,000 images" in found["check"]
        assert "another average in process 1." in found["check"]
        assert "critic" not in found["check"] and "generator" not in found["check"]


# --- a process is lost ---------------------------------------------------------------------------

ADVICE = "Go on with this."


def killed() -> None:
    """Process 1 dies while process 0 waits for its gradients."""
    with join("cpu") as world, world.guard(ADVICE):
        network = critic()
        while True:
            network(batch()[0]).sum().backward()
            world.mean_gradients_(network)
            if world.rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_ends_the_other_with_a_sentence(tmp_path):
    with Pair(tmp_path, killed) as pair:
        assert pair.code(1) == -signal.SIGKILL
        assert pair.code(0, within=30) == 1
        assert "LostProcess: process 0 lost another process of the run (" in pair.said(0)
        assert ADVICE in pair.said(0)


def asleep(number: int) -> None:
    """Process 0 is in no collective when process 1 goes: so it is with one that waits for a GPU."""
    heartbeat.BEAT, heartbeat.PATIENCE, heartbeat.LIMIT = 0.1, 1.0, 1.5
    with join("cpu") as world, world.guard(ADVICE):
        world.barrier()
        if world.rank == 1:
            os.kill(os.getpid(), number)
        time.sleep(60)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "vanished"])
def test_a_process_that_sleeps_notices_too(number, tmp_path):
    """A stopped process closes no connection, as a machine without power."""
    with Pair(tmp_path, asleep, number) as pair:
        assert pair.code(0, within=30) == 1
        assert "process 0 lost another process" in pair.said(0) and ADVICE in pair.said(0)
        assert "Traceback" not in pair.said(0)


def test_the_limits_end_a_run_within_30_seconds():
    assert heartbeat.BEAT + heartbeat.PATIENCE < heartbeat.LIMIT < 30


def busy_at_the_end(interrupted: bool) -> list[str]:
    """Process 1 is done; process 0 still writes, for longer than it could with a lost one."""
    heartbeat.BEAT, heartbeat.LIMIT = 0.1, 1.0
    try:
        with join("cpu") as world:
            if world.rank == 0:
                time.sleep(2)
            if interrupted:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        return ["interrupted"]
    return ["done"]


@pytest.mark.parametrize("interrupted", [False, True])
def test_all_leave_together(interrupted, tmp_path):
    with Pair(tmp_path, busy_at_the_end, interrupted) as pair:
        expected = ["interrupted"] if interrupted else ["done"]
        assert [pair.result(rank) for rank in (0, 1)] == [expected, expected]
        assert "lost" not in pair.said(0) + pair.said(1)


def error_in_one() -> None:
    try:
        with join("cpu") as world:
            if world.rank == 1:
                raise BookError("there is no such file here")
            world.barrier()
    finally:  # one that is in gloo's code when Python ends would abort the process
        print(f"threads left: {threading.active_count()}", file=sys.stderr)


def test_an_error_in_one_ends_both_each_with_its_own_sentence(tmp_path):
    with Pair(tmp_path, error_in_one) as pair:
        assert pair.code(1) == pair.code(0, within=30) == 1
        assert "no such file" in pair.said(1) and "lost" not in pair.said(1)
        assert "process 0 lost another process" in pair.said(0)
        assert all("threads left: 1\n" in pair.said(rank) for rank in (0, 1))


# --- what DistributedDataParallel does -----------------------------------------------------------


def wrapped() -> dict[str, Any]:
    """The claims of the module's docstring, on the installed version of torch."""
    from torch.nn.parallel import DistributedDataParallel

    found: dict[str, Any] = {}
    with join("cpu") as world:
        real, fake = rows_of(world, *batch())

        network = critic()
        ours = DistributedDataParallel(network)
        OBJECTIVE.critic_loss(ours, real, fake)[0].backward()
        found["one backward"] = gradients(network)

        network = critic()
        ours = DistributedDataParallel(network)
        loss, _ = OBJECTIVE.critic_loss(ours, real, fake)
        found["autograd.grad"] = list(torch.autograd.grad(loss, list(network.parameters())))

        for name, options in (("penalty", {}), ("unused", {"find_unused_parameters": True})):
            network = critic()
            ours = DistributedDataParallel(network, **options)
            OBJECTIVE.penalty(ours, real, fake, None).backward()
            found[name] = gradients(network)
            try:
                OBJECTIVE.penalty(ours, real, fake, None).backward()
            except RuntimeError as error:
                found[f"{name} again"] = str(error)

        network = critic()
        OBJECTIVE.penalty(network, real, fake, None).backward()
        world.mean_gradients_(network)
        found["penalty by us"] = gradients(network)
    return found


@pytest.mark.slow
def test_why_we_average_gradients_ourselves(tmp_path):
    """What the docstring of `processes` says of DistributedDataParallel.

    If this fails after an update of torch, the docstring and chapter 14 have to be written anew.
    """
    first, second = both(tmp_path, wrapped)
    whole, slope = critic(), critic()
    OBJECTIVE.critic_loss(whole, *batch())[0].backward()
    OBJECTIVE.penalty(slope, *batch(), None).backward()
    assert close(first["one backward"], gradients(whole))
    for way in ("autograd.grad", "penalty", "unused"):
        assert not close(first[way], second[way])
    for way in ("penalty", "unused"):
        assert "finished reduction in the prior iteration" in first[f"{way} again"]
    assert close(first["penalty by us"], gradients(slope))
    assert close(second["penalty by us"], gradients(slope))
