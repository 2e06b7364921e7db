"""One run in many processes, one for each GPU, on one machine or many (chapter 14).

`torchrun --nproc-per-node K -m lsgan_lib train ...` starts them. Every process holds all networks
and takes its share of each batch. What they do together is little and stands here: take the
weights of process 0 once, average the gradients once before each step of an optimiser. K shares
of b images then make the step of one process with K x b, within rounding, where BatchNorm is off
or synchronised (`lsgan_lib.networks.synchronised`).

Why not DistributedDataParallel, which does this by itself? Its averaging hangs on parameters: it
fires inside .backward(), when the last of those that took part in forward has its gradient.
- torch.autograd.grad by parameters fires nothing: each process keeps its own gradients, without a
  word. The documentation excludes autograd.grad, of which slope penalties are made.
- loss + penalty in one .backward() is right. The penalty alone, or in a .backward() of its own, is
  not: a slope knows nothing of the last bias, whose gradient never comes, so that every process
  keeps its own gradients for a step and raises in the next. find_unused_parameters=True looks in
  the wrong place, and does not help.
- Two networks in one wrapper, of which one rests while the other moves: the same error.
- BatchNorm: before each forward the running statistics of process 0 overwrite all others. Older
  versions of torch took that for a change under way, and raised on two forwards before a backward.
What it gains, sending gradients while others are computed, is little for 25 MB of weights.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from lsgan_lib.data.batches import Shard
from lsgan_lib.errors import BookError, first_line
from lsgan_lib.training.heartbeat import Heartbeat

# How long processes wait for one that is alive: process 0 draws samples, measures and writes while
# the others stand at the next average. A process that is gone is the heartbeat's affair.
TIMEOUT = timedelta(minutes=30)

_joined: list["World"] = []  # while this process is among others: the one that it has joined


@dataclass(frozen=True)
class World:
    """All processes of a run, seen from one of them. `World()` is one process: nothing to do.

    Every method is a collective: all processes call it at the same point of the program, or wait.
    It raises LostProcess, a BookError, when one of them is gone. `with join() as world:` ends with
    all of them leaving together; one that leaves with an error goes alone, and the others notice.
    """

    rank: int = 0  # of this process, 0 ... size - 1; number 0 writes the files
    size: int = 1  # processes
    device: torch.device | None = None  # of this process; None: one process is free to choose
    heartbeat: Heartbeat | None = field(default=None, repr=False, compare=False)
    guest: bool = False  # joined within another `join`, whose end it leaves to that

    @property
    def shard(self) -> Shard:
        """Which part of every batch is this process's."""
        return self.rank, self.size

    def broadcast_(self, *networks: nn.Module) -> None:
        """Give every process the parameters and buffers of process 0, in place."""
        if self.size > 1:
            tensors = [t.detach() for net in networks for t in (*net.parameters(), *net.buffers())]
            with self._translated():
                _in_one_piece(tensors, lambda flat: dist.broadcast(flat, src=0))

    def mean_gradients_(self, network: nn.Module) -> None:
        """Replace every gradient by its mean over all processes, in place.

        A parameter without a gradient counts as zero, or keeps None where no process has one.
        """
        if self.size == 1:
            return
        parameters = list(network.parameters())
        missing = [p for p in parameters if p.grad is None]
        # Ends the message, which has one length in every process whatever is missing where.
        has = torch.ones(len(parameters), dtype=parameters[0].dtype, device=parameters[0].device)
        if missing:
            has.copy_(torch.tensor([p.grad is not None for p in parameters]))
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        with self._translated():
            _in_one_piece([*gradients, has], lambda flat: self._sum_(flat).div_(self.size))
        if missing:  # only then is a number read, for which a GPU has to finish first
            for p, gradient, share in zip(parameters, gradients, has.tolist(), strict=True):
                p.grad = gradient if share > 0 else None

    def mean_(self, tensor: Tensor) -> Tensor:
        """Replace a tensor by its mean over all processes, in place; returns it."""
        return self.sum_(tensor).div_(self.size) if self.size > 1 else tensor

    def sum_(self, tensor: Tensor) -> Tensor:
        """Replace a contiguous tensor by its sum over all processes, in place; returns it."""
        if self.size > 1:
            with self._translated():
                self._sum_(tensor)
        return tensor

    def agree(self, flag: bool) -> bool:
        """Whether any process says so. On the CPU: no GPU is waited for."""
        return bool(self.sum_(torch.tensor(int(flag))))

    def barrier(self) -> None:
        """Wait until every process is here. On the CPU: no GPU is waited for."""
        self.agree(False)

    def check_same(self, networks: Mapping[str, nn.Module], shown: int) -> None:
        """Compare the parameters of named networks over all processes, bit for bit.

        Raises BookError, in every process, that names networks, processes and images shown.
        """
        if self.size == 1:
            return
        hashes = torch.zeros(self.size, len(networks), 32, dtype=torch.uint8)
        for place, network in zip(hashes[self.rank], networks.values(), strict=True):
            place.copy_(torch.frombuffer(bytearray(_digest(network)), dtype=torch.uint8))
        self.sum_(hashes)
        differs = (hashes != hashes[0]).any(dim=2).T.tolist()  # [network][process]
        found = [
            f"another {name} in process {', '.join(str(r) for r, other in enumerate(row) if other)}"
            for name, row in zip(networks, differs, strict=True)
            if any(row)
        ]
        if found:
            raise BookError(
                f"after {shown:,} images not all processes hold the weights of process 0: there is "
                f"{'; '.join(found)}. Go on from the last saved state. If it comes again, one of "
                "the machines computes wrongly or runs other code."
            )

    @contextmanager
    def guard(self, advice: str) -> Iterator[None]:
        """Within the block, the sentence about a lost process ends with this advice."""
        if self.heartbeat is None:
            yield
            return
        before, self.heartbeat.advice = self.heartbeat.advice, advice
        try:
            yield
        finally:
            self.heartbeat.advice = before

    def __enter__(self) -> "World":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.heartbeat is None or self.guest:
            return
        _joined.clear()
        if kind is None or kind is KeyboardInterrupt:  # then all stop, and process 0 may yet save
            self.heartbeat.leave()
            dist.destroy_process_group()
        else:
            self.heartbeat.leave_alone()

    def _sum_(self, tensor: Tensor) -> Tensor:
        dist.all_reduce(tensor)
        return tensor

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            if self.heartbeat is None:
                raise
            raise self.heartbeat.lost(error) from error


def join(wanted: torch.device | str | None = None) -> World:
    """Meet the other processes that torchrun started; `World()` where there are none.

    wanted: "cpu" or "cuda"; None takes the GPUs where there are some, each process its own. Raises
    BookError where there are too few, and when the others cannot be reached. They meet once: a
    program with several runs puts one `join` around them all.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return World()
    if _joined:
        return replace(_joined[0], guest=True)
    device = _own_device(wanted)
    # Over gloo the processors speak with one another, over nccl the GPUs.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    try:
        dist.init_process_group(backend, timeout=TIMEOUT)
        rank = dist.get_rank()
        _joined.append(World(rank, dist.get_world_size(), device, Heartbeat(rank)))
        return _joined[0]
    except (ValueError, RuntimeError) as error:
        raise BookError(
            f"this process could not meet the others of its run ({first_line(error, 200)}). Start "
            "all of them with torchrun --nproc-per-node K -m lsgan_lib ..."
        ) from error


def _own_device(wanted: torch.device | str | None) -> torch.device:
    """The processor, or the GPU with this process's number on its machine."""
    kind = str(wanted or ("cuda" if torch.cuda.is_available() else "cpu"))
    if kind not in ("cpu", "cuda"):
        raise BookError(f"many processes compute on cpu or on cuda, not on {kind}: say which.")
    if kind == "cpu":
        return torch.device("cpu")
    local_rank, count = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if local_rank >= count:
        raise BookError(
            f"this is process {local_rank + 1} on a machine with {count or 'no'} GPUs that torch "
            "can use. Start one process for each GPU, or say --device cpu."
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def share(batch_size: int, size: int) -> int:
    """Images of a batch that one of `size` processes takes; raises BookError for a remainder."""
    if batch_size % size == 0:
        return batch_size // size
    fewer = next(n for n in range(size, 0, -1) if batch_size % n == 0)
    below = batch_size // size * size
    sizes = f"{below} or {below + size}" if below else f"{size}"
    raise BookError(
        f"a batch of {batch_size} images cannot be shared equally by {size} processes. "
        f"Start {fewer}, or set the batch size to {sizes}."
    )


def _in_one_piece(tensors: list[Tensor], collective: Callable[[Tensor], object]) -> None:
    """Lay tensors end to end, one message for each dtype, and bring back what it became."""
    for dtype in dict.fromkeys(t.dtype for t in tensors):
        some = [t for t in tensors if t.dtype == dtype]
        flat = torch.cat([t.flatten() for t in some])
        collective(flat)
        pieces = flat.split([t.numel() for t in some])
        torch._foreach_copy_(some, [p.view(t.shape) for p, t in zip(pieces, some, strict=True)])


def _digest(network: nn.Module) -> bytes:
    """Checksum of the bytes of all parameters."""
    digest = hashlib.sha256()
    for parameter in network.parameters():
        digest.update(parameter.detach().cpu().flatten().view(torch.uint8).numpy().data)
    return digest.digest()
