"""A thread in each process that notices when another process of the run is gone.

A collective over gloo fails at once when a process dies, for the system closes its connections. Two
losses show in no collective: a GPU that waits for a dead neighbour's numbers waits for ever, its
process asleep with it, and a machine without power closes nothing. So a thread in every process,
which has nothing else to do and is never asleep for long, meets its fellows once a second.
"""

import os
import re
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from lsgan_lib.errors import BookError, first_line

BEAT = 1.0  # seconds between two meetings
PATIENCE = 20.0  # seconds to wait for a fellow: a busy machine is late, a lost one never comes
LIMIT = (
    28.0  # seconds after the last meeting at which a process ends that has not noticed by itself
)
# A loss has to end the whole run within 30 seconds. Until the limit, files can be written to their
# end, and an error that all processes share is told by each of them.


class LostProcess(BookError):
    """Another process of the run was killed, crashed or cannot be reached any more."""


class Heartbeat:
    """Begin to meet the same thread of all other processes (all have to begin together).

    rank: of this process. `advice` ends the sentence about a loss: how the run can go on.
    """

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.advice = "Start all of them again; what was saved is not lost."
        patience = timedelta(seconds=PATIENCE)
        self._group: Any = dist.new_group(backend="gloo", timeout=patience)
        self._leaving = threading.Event()
        self._alone = False
        self._loss: RuntimeError | None = None
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Wait until all processes leave; raises LostProcess when one of them cannot."""
        self._leaving.set()
        self._thread.join()
        if self._loss is not None:
            raise self.lost(self._loss)

    def leave_alone(self) -> None:
        """Let this process end by itself, without a word about the others.

        The thread ends first: one that is in a call of gloo when Python ends aborts the process.
        """
        self._alone = True
        self._leaving.set()
        self._thread.join(PATIENCE)

    def lost(self, error: RuntimeError) -> LostProcess:
        """The error to raise where a collective failed."""
        # gloo: "[its source file:line] Connection closed by peer [address]:port. Guesses ..."
        why = re.sub(r"^\[\S*\] ", "", first_line(error)).split(". ")[0]
        return LostProcess(
            f"process {self.rank} lost another process of the run ({why}). {self.advice}"
        )

    def _beat(self) -> None:
        all_leave, met = False, time.monotonic()
        try:
            while not all_leave:
                self._leaving.wait(BEAT)
                if self._alone:
                    return
                leaving = torch.tensor(int(self._leaving.is_set()))
                dist.all_reduce(leaving, dist.ReduceOp.MIN, self._group)
                all_leave, met = bool(leaving), time.monotonic()
        except RuntimeError as error:
            self._loss = error
            if not self._leaving.wait(max(0.0, met + LIMIT - time.monotonic())):
                self._end(error)

    def _end(self, error: RuntimeError) -> None:
        """End the process from this thread: the main one sleeps in a call that never returns.

        Files are written whole or not at all, so nothing is half done.
        """
        print(self.lost(error), file=sys.stderr, flush=True)
        os._exit(1)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Heartbeat":
        return self  # a copied network still belongs to the same run
