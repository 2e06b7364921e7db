"""The pieces of a job: made by worker processes, kept as files, read back one at a time.

A piece is the pixels of 128 items and what became of each of them. Which process made it, and
when, leaves no trace in it.
"""

import json
import multiprocessing
import os
import signal
import threading
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from tqdm.auto import tqdm

from data_prep.job import Dropped, Item, Job
from lsgan_lib.errors import BookError
from lsgan_lib.files import atomic

PIECE = 128
"""Items a piece: a kill loses at most this much work a process."""


class Row(TypedDict):
    """What became of an item: dropped where it has a reason, kept otherwise."""

    file: str
    reason: str
    note: str


def make_pieces(job: Job, part: Path, workers: int | None, progress: bool) -> None:
    """Make every piece of a job that is not yet in the folder `part`.

    workers: processes; as many as there are cores for None. Raises BookError when a worker dies.
    """
    missing = [number for number in _numbers(job) if not _piece(part, number).is_file()]
    to_do = sum(len(items_of(job, number)) for number in missing)
    total = len(job.items)
    processes = min(workers if workers is not None else os.cpu_count() or 1, len(missing))
    with tqdm(
        total=total, initial=total - to_do, unit=" pictures", desc=job.name, disable=not progress
    ) as bar:
        if processes <= 1 or not job.parallel:
            for number in missing:
                bar.update(_make_piece(job, part, number, items_of(job, number)))
        else:
            _in_processes(job, part, missing, processes, bar)


def rows_of(job: Job, part: Path) -> Iterator[Row]:
    """What became of every item, in order; raises BookError for a damaged piece."""
    for array in _arrays(job, part, "rows"):
        yield from json.loads(array.tobytes())


def pixels_of(job: Job, part: Path) -> Iterator[np.ndarray]:
    """The pictures that were kept, uint8 (n, C, H, W) a piece; BookError for a damaged one."""
    yield from _arrays(job, part, "pixels")


def items_of(job: Job, number: int) -> Sequence[Item]:
    """The items of one piece."""
    return job.items[number * PIECE : (number + 1) * PIECE]


def as_text(name: str) -> str:
    """A file name as text that can be written anywhere: on Linux a name may be any bytes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _numbers(job: Job) -> range:
    return range(-(-len(job.items) // PIECE))


def _piece(part: Path, number: int) -> Path:
    return part / f"{number:05d}.npz"


def _make_piece(job: Job, part: Path, number: int, items: Sequence[Item]) -> int:
    """Make the pictures of one piece and write them whole; returns the number of items."""
    made, rows = [], []
    for item in items:
        row = Row(file=as_text(item.name), reason="", note="")
        try:
            picture = job.make(item)
            if picture.pixels.shape != job.shape or picture.pixels.dtype != np.uint8:
                raise TypeError(
                    f"{job.name} promised uint8 {job.shape}, made {picture.pixels.shape}"
                )
            made.append(picture.pixels)
            row["note"] = picture.note
        except Dropped as reason:
            row["reason"] = as_text(str(reason))
        rows.append(row)
    pixels = np.stack(made) if made else np.zeros((0, *job.shape), np.uint8)
    with atomic(_piece(part, number)) as file:
        np.savez(file, pixels=pixels, rows=np.frombuffer(json.dumps(rows).encode(), np.uint8))
    return len(items)


def _arrays(job: Job, part: Path, name: str) -> Iterator[np.ndarray]:
    """One array of every piece, in order; a damaged piece is deleted, to be made again."""
    for number in _numbers(job):
        path = _piece(part, number)
        try:
            with np.load(path) as piece:
                array = piece[name]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            path.unlink(missing_ok=True)
            raise BookError(
                f"a finished piece was damaged ({error}). Run the same command again: that piece "
                "will be made anew."
            ) from error
        yield array


# --- worker processes -------------------------------------------------------------------------


def _in_processes(job: Job, part: Path, missing: list[int], processes: int, bar: Any) -> None:
    # spawn: a forked child of a program with threads (JupyterLab, torch) may hang
    pool = ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(replace(job, items=()), part),  # each task brings its own few items
    )
    try:
        with _without_sigint():
            tasks = [pool.submit(_work, number, items_of(job, number)) for number in missing]
        for finished in as_completed(tasks):
            bar.update(finished.result())
    except BrokenProcessPool as error:
        raise BookError(
            "a worker process died, most often for want of memory. Run the same command again with "
            "--workers 1: finished work is kept. (A script of yours that calls pack() must do so "
            'under `if __name__ == "__main__":`, since each worker imports it.)'
        ) from error
    except KeyboardInterrupt:
        # At once: pieces are written whole, and what was in work is made again. A second Ctrl-C
        # in the middle of this would leave threads waiting for each other.
        with _without_sigint():
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(cancel_futures=True)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _without_sigint() -> Iterator[None]:
    """Processes that start within the block ignore Ctrl-C, which is the parent's to answer.

    Python delivers signals to the main thread only, and so lets only that one change this.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_JOB: tuple[Job, Path] | None = None


def _start_worker(job: Job, part: Path) -> None:
    global _JOB
    _JOB = job, part
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where the parent could not see to it
    # A parent that was killed cannot end its children, which would wait for work for ever.
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(number: int, items: Sequence[Item]) -> int:
    assert _JOB is not None  # set by _start_worker
    job, part = _JOB
    return _make_piece(job, part, number, items)
