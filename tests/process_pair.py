"""Real processes that meet over gloo, for tests.

A server imports torch once and forks each of them, where the system can: importing takes seconds.
The test holds the store in which they meet, as torchrun does, on a port that the system chooses.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
from torch.distributed import TCPStore

_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_CONTEXT = multiprocessing.get_context(_METHOD)
if _METHOD == "forkserver":
    _CONTEXT.set_forkserver_preload(["lsgan_lib.training.processes"])

Work = Callable[..., Any]


class Pair:
    """Two processes that call work(*arguments); what they return and print lies in a folder."""

    def __init__(self, folder: Path, work: Work, *arguments: Any) -> None:
        self.folder = folder
        self.store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        self.processes: list[BaseProcess] = [
            _CONTEXT.Process(
                target=_begin, args=(rank, self.store.port, folder, work, arguments), daemon=True
            )
            for rank in (0, 1)
        ]
        for process in self.processes:
            process.start()

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.join()

    def code(self, rank: int, within: float = 150.0) -> int | None:
        """Exit code of a process; None where it has not ended by then (a busy machine is slow)."""
        self.processes[rank].join(within)
        return self.processes[rank].exitcode

    def said(self, rank: int) -> str:
        """All that a process wrote to stderr."""
        return (self.folder / f"said{rank}").read_text()

    def result(self, rank: int) -> Any:
        """What a process returned, tensors and plain values."""
        assert self.code(rank) == 0, self.said(rank)
        return torch.load(self.folder / f"result{rank}.pt", weights_only=True)


def both(folder: Path, work: Work, *arguments: Any) -> list[Any]:
    """What work(*arguments) returns in each of two processes."""
    with Pair(folder, work, *arguments) as pair:
        return [pair.result(rank) for rank in (0, 1)]


def _begin(rank: int, port: int, folder: Path, work: Work, arguments: tuple[Any, ...]) -> None:
    said = os.open(folder / f"said{rank}", os.O_WRONLY | os.O_CREAT)
    os.dup2(said, 2)
    sys.stderr = os.fdopen(said, "w", buffering=1)
    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",  # the store is there already: the test holds it
    }
    torch.save(work(*arguments), folder / f"result{rank}.pt")
