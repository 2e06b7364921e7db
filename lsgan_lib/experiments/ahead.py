"""Several runs of a table at once: workers go ahead while the table is filled in its own order."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager

import torch

from lsgan_lib.experiments.filling import Key, Outcome, name_of

Run = Callable[[Key], Outcome]


@contextmanager
def ahead(keys: Sequence[Key], run: Run, workers: int) -> Iterator[Run]:
    """A function that returns the outcome of a key, while workers are ahead with the others.

    keys: the runs to go ahead with, in order; any other key is run when it is asked for. run: a
    function that another process can import. workers: processes of one thread each; with 1 nothing
    goes ahead, and everything runs in this process. On the way out, by Ctrl-C too, the workers end
    at once: runs that nobody will read are not waited for.
    """
    if workers == 1:
        yield run
        return
    others = set(multiprocessing.active_children())
    # A child by fork would inherit a GPU that it cannot use.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(max(1, min(workers, len(keys))), spawn, initializer=_quiet)
    try:
        ready: dict[str, Future[Outcome]] = {name_of(key): pool.submit(run, key) for key in keys}

        def outcome(key: Key) -> Outcome:
            name = name_of(key)
            return ready[name].result() if name in ready else run(key)

        yield outcome
    finally:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        pool.shutdown(wait=False, cancel_futures=True)


def _quiet() -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
