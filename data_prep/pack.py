"""Make a packed set from a job: in parallel, in constant memory, resumable, published as a whole.

Beside the folder OUT that is to come, a hidden folder grows:

    .OUT.part/job.json        which job this is: another one starts anew
    .OUT.part/00000.npz ...   finished pieces: pixels of 128 items, and what became of each item
    .OUT.part/set/            the set being put together from them

The last step renames set/ to OUT. A kill at any moment leaves pieces that the same command takes
up again, and OUT is there whole or not at all. Which process made a piece, and when, leaves no
trace in it: the same input and options give the same bytes with any number of workers.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from data_prep.assemble import assemble, refusals
from data_prep.job import Job
from data_prep.pieces import make_pieces
from lsgan_lib.errors import BookError
from lsgan_lib.files import read_json, write_json
from lsgan_lib.packed import frequent_reasons, read_packed

LARGEST = 4096
"""Pixels a side: beyond, one piece would fill the memory."""


class Busy(BookError):
    """Another process is making the same set at this moment."""


@dataclass(frozen=True)
class Result:
    """What became of a job."""

    folder: Path
    count: int
    dropped: list[dict[str, str]]
    """file and reason of each picture that is not in the set"""
    already: bool = False
    """the set was there before, made by the same job"""


def pack(
    job: Job,
    out: Path,
    *,
    workers: int | None = None,
    strict: bool = False,
    progress: bool = True,
) -> Result:
    """Make the set of a job in the folder `out`; returns what was kept and what was dropped.

    workers: processes; as many as there are cores if not given. strict: refuse to make a set when
    anything had to be dropped. Where the same job was begun before, it goes on; where its set is
    there already, nothing is done.
    Raises Busy while another process makes the same folder, and BookError when `out` holds
    something else, nothing could be kept, the disk is full, or strict and something was dropped.
    Ctrl-C raises KeyboardInterrupt and keeps finished pieces.
    """
    if workers is not None and workers < 1:
        raise BookError(f"--workers is {workers}, but must be at least 1.")
    if max(job.shape) > LARGEST:
        raise BookError(f"{job.shape[1]} pixels a side are too many: {LARGEST} is the most.")
    out = Path(out).expanduser().resolve()
    identity = _identity(job)
    if _is_there(out, identity):
        result = _result(out, already=True)
        if strict and result.dropped:
            raise BookError(
                f"--strict, and {out} was made before with {len(result.dropped)} pictures dropped. "
                "Its report.csv names them."
            )
        return result
    if not job.items:
        reasons = "; ".join(frequent_reasons(refusals(job)))
        raise BookError(f"{job.name}: there is nothing to make. {reasons}")
    part = out.with_name(f".{out.name}.part")
    try:
        part.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BookError(f"cannot write to {out.parent}: {error.strerror}.") from error
    lock = filelock.FileLock(part / "lock", timeout=0)
    try:
        lock.acquire()
    except (filelock.Timeout, FileNotFoundError):  # held, or just cleared away with its folder
        raise Busy(f"another process is making {out} at this moment.") from None
    try:
        if not _is_there(out, identity):
            _begin(part, identity, job)
            make_pieces(job, part, workers, progress)
            assemble(job, part, part / "set", identity, strict)
            if out.is_dir():
                out.rmdir()  # empty, as _is_there has seen
            os.replace(part / "set", out)
        shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise BookError(
            f"could not write {out}: {error.strerror or error}. Free some space or choose another "
            "--out, then run the same command again: finished work is kept."
        ) from error
    finally:
        lock.release()
    shutil.rmtree(part, ignore_errors=True)  # where a lock that is held cannot be deleted
    return _result(out)


# --- which job is it --------------------------------------------------------------------------


def _identity(job: Job) -> str:
    """A fingerprint of options and input that a copy of the same files has too.

    Of the input: names, sizes, and checksums where a source knows them unread.
    """
    digest = hashlib.sha256(_json([job.name, job.shape, job.facts, job.classes]))
    for item in job.items:
        digest.update(_json([item.name, item.label, item.size, item.content]))
    digest.update(_json([job.refused, job.ignored]))
    return digest.hexdigest()


def _times(job: Job) -> str:
    """A fingerprint of when the files last changed: it matters while a job is unfinished."""
    return hashlib.sha256(_json([item.changed for item in job.items])).hexdigest()


def _json(content: Any) -> bytes:
    # File names on Linux may hold bytes that are no text; surrogates keep them apart.
    return json.dumps(content, sort_keys=True).encode()


def _is_there(out: Path, identity: str) -> bool:
    if (out / "manifest.json").is_file():
        if read_packed(out).manifest.get("job") == identity:
            return True
        raise BookError(
            f"{out} already holds a set made from other files, with other options or with other "
            "versions of the tools. Choose another --out, or delete that folder first."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BookError(
            f"{out} exists and is no packed set. Choose another --out: nothing is overwritten."
        )
    return False


def _begin(part: Path, identity: str, job: Job) -> None:
    """Keep the pieces of the same job, clear away those of another one, and half-made things."""
    ours = {"job": identity, "times": _times(job)}
    path = part / "job.json"
    try:
        same = path.is_file() and read_json(path) == ours
    except BookError:
        same = False
    for old in part.iterdir():
        half_made = old.is_dir() or old.suffix == ".part"
        if half_made:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        elif not same and old.name != "lock":
            old.unlink()
    write_json(path, ours)


def _result(out: Path, already: bool = False) -> Result:
    manifest = read_json(out / "manifest.json")
    return Result(out, manifest["count"], manifest["dropped"], already)
