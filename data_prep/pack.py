"""Make a packed set from a job: in parallel, in constant memory, resumable, published as a whole.

Beside the folder OUT that is to come, a hidden folder grows:

    .OUT.part/job.json        which job this is: another one starts anew
    .OUT.part/00000.npz ...   finished pieces: pixels of 128 items, and what became of each item
    .OUT.part/set/            the set being put together from them

The last step renames set/ to OUT. A kill at any moment leaves pieces that the same command takes
up again, and OUT is there whole or not at all. Which process made a piece, and when, leaves no
trace in it: the same input and options give the same bytes with any number of workers.
"""

import csv
import hashlib
import io
import json
import multiprocessing
import os
import shutil
import signal
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from tqdm.auto import tqdm

from data_prep.contact_sheet import contact_sheet
from data_prep.job import Dropped, Job
from lsgan_lib.errors import BookError
from lsgan_lib.files import atomic, read_json, write_json
from lsgan_lib.packed import FORMAT, checksum, frequent_reasons, label_type

PIECE = 128
"""Items a piece: a kill loses at most this much work a process."""

_FACTS = ("source", "licence", "attribution", "framing", "options", "tools")


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
    Raises BookError when `out` holds something else, nothing could be kept, the disk is full, or
    strict and something was dropped. Ctrl-C raises KeyboardInterrupt and keeps finished pieces.
    """
    out = Path(out).expanduser()
    identity = _identity(job)
    if _is_there(out, identity):
        return _result(out, already=True)
    if not job.items:
        reasons = "; ".join(frequent_reasons(_refusals(job)))
        raise BookError(f"{job.name}: there is nothing to make. {reasons}")
    part = out.with_name(f".{out.name}.part")
    try:
        part.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BookError(f"cannot write to {out.parent}: {error.strerror}.") from error
    try:
        with filelock.FileLock(part / "lock", timeout=0):
            _begin(part, identity, job)
            _make_pieces(job, part, workers, progress)
            _assemble(job, part, identity, strict)
            if out.is_dir():
                out.rmdir()  # empty, as _is_there has seen
            os.replace(part / "set", out)
    except filelock.Timeout:
        raise BookError(f"another process is making {out} at this moment.") from None
    except OSError as error:
        raise BookError(
            f"could not write {out}: {error.strerror or error}. Free some space or choose another "
            "--out, then run the same command again: finished work is kept."
        ) from error
    shutil.rmtree(part, ignore_errors=True)
    return _result(out)


# --- which job is it --------------------------------------------------------------------------


def _identity(job: Job) -> str:
    """A fingerprint of options and input that a copy of the same files has too: names and sizes."""
    digest = hashlib.sha256(_json([job.name, job.shape, job.facts, job.classes]))
    for item in job.items:
        digest.update(_json([item.name, item.label, item.size]))
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
        if read_json(out / "manifest.json").get("job") == identity:
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


# --- pieces -----------------------------------------------------------------------------------


def _piece(part: Path, number: int) -> Path:
    return part / f"{number:05d}.npz"


def _make_pieces(job: Job, part: Path, workers: int | None, progress: bool) -> None:
    total = len(job.items)
    numbers = range((total + PIECE - 1) // PIECE)
    missing = [number for number in numbers if not _piece(part, number).is_file()]
    done = sum(len(_span(total, number)) for number in numbers) - sum(
        len(_span(total, number)) for number in missing
    )
    processes = min(workers if workers is not None else os.cpu_count() or 1, len(missing))
    if workers is not None and workers < 1:
        raise BookError(f"--workers is {workers}, but must be at least 1.")
    with tqdm(
        total=total, initial=done, unit=" pictures", desc=job.name, disable=not progress
    ) as bar:
        if processes <= 1 or not job.parallel:
            for number in missing:
                bar.update(_make_piece(job, part, number))
        else:
            _in_processes(job, part, missing, processes, bar)


def _in_processes(job: Job, part: Path, missing: list[int], processes: int, bar: Any) -> None:
    # spawn: a forked child of a program with threads (JupyterLab, torch) may hang
    pool = ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(job, part),
    )
    try:
        for finished in as_completed([pool.submit(_work, number) for number in missing]):
            bar.update(finished.result())
    except BrokenProcessPool as error:
        raise BookError(
            "a worker process died, most often for want of memory. Run the same command again with "
            "--workers 1: finished work is kept."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_JOB: tuple[Job, Path] | None = None


def _start_worker(job: Job, part: Path) -> None:
    global _JOB
    _JOB = job, part
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    # A parent that was killed cannot end its children, which would wait for work for ever.
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(number: int) -> int:
    assert _JOB is not None  # set by _start_worker
    return _make_piece(*_JOB, number)


def _span(total: int, number: int) -> range:
    return range(number * PIECE, min(total, (number + 1) * PIECE))


def _make_piece(job: Job, part: Path, number: int) -> int:
    """Make the pictures of one piece and write them whole; returns the number of items."""
    span = _span(len(job.items), number)
    made, rows = [], []
    for item in (job.items[i] for i in span):
        row = {"file": _text(item.name), "reason": "", "note": ""}
        try:
            picture = job.make(item)
            if picture.pixels.shape != job.shape or picture.pixels.dtype != np.uint8:
                raise TypeError(
                    f"{job.name} promised uint8 {job.shape}, made {picture.pixels.shape}"
                )
            made.append(picture.pixels)
            row["note"] = picture.note
        except Dropped as reason:
            row["reason"] = _text(str(reason))
        rows.append(row)
    pixels = np.stack(made) if made else np.zeros((0, *job.shape), np.uint8)
    with atomic(_piece(part, number)) as file:
        np.savez(file, pixels=pixels, rows=np.frombuffer(json.dumps(rows).encode(), np.uint8))
    return len(span)


def _text(name: str) -> str:
    """A file name as text that can be written anywhere."""
    return name.encode("utf-8", "backslashreplace").decode()


# --- the set ----------------------------------------------------------------------------------


def _assemble(job: Job, part: Path, identity: str, strict: bool) -> None:
    """Put the pieces together in part/set, streaming: no more than a piece is in memory."""
    rows = [row for text in _pieces(job, part, "rows") for row in json.loads(text.tobytes())]
    dropped = [{"file": row["file"], "reason": row["reason"]} for row in rows if row["reason"]]
    dropped += _refusals(job)
    count = sum(not row["reason"] for row in rows)
    if strict and dropped:
        listed = "\n".join(f"  {row['file']}: {row['reason']}" for row in dropped[:50])
        more = f"\n  ... and {len(dropped) - 50} more" if len(dropped) > 50 else ""
        raise BookError(
            f"--strict, and {len(dropped)} of {len(rows) + len(job.refused)} pictures cannot be "
            f"used, so no set was made:\n{listed}{more}"
        )
    if count == 0:
        reasons = "; ".join(frequent_reasons(dropped))
        raise BookError(f"{job.name}: no picture could be kept. {reasons}")
    folder = part / "set"
    folder.mkdir()
    pixels_sha256, duplicates, sheet = _write_images(job, part, folder, count)
    with atomic(folder / "contact_sheet.png") as file:
        file.write(contact_sheet(sheet))
    labels = _write_labels(job, rows, folder)
    _write_report(job, rows, folder)
    write_json(
        folder / "manifest.json",
        {
            "format": FORMAT,
            "name": job.name,
            "count": count,
            "shape": [count, *job.shape],
            **{fact: job.facts[fact] for fact in _FACTS if fact in job.facts},
            **labels,
            "sha256": pixels_sha256,
            "exact_duplicates": duplicates,
            "found": len(rows) + len(job.refused),
            "ignored": len(job.ignored),
            "dropped": dropped,
            "job": identity,
        },
    )


def _pieces(job: Job, part: Path, what: str) -> Iterator[np.ndarray]:
    """One array of every piece, in order; a damaged piece is deleted, to be made again."""
    for number in range((len(job.items) + PIECE - 1) // PIECE):
        path = _piece(part, number)
        try:
            with np.load(path) as piece:
                array = piece[what]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            path.unlink(missing_ok=True)
            raise BookError(
                f"a finished piece was damaged ({error}). Run the same command again: that piece "
                "will be made anew."
            ) from error
        yield array


def _write_images(job: Job, part: Path, folder: Path, count: int) -> tuple[str, int, np.ndarray]:
    """images.npy; returns its checksum, how many pictures repeat another, and a hundred of them."""
    digest, seen = hashlib.sha256(), Counter[bytes]()
    wanted = set(np.linspace(0, count - 1, min(100, count)).round().astype(int).tolist())
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *job.shape)}
    sheet, written = [], 0
    with atomic(folder / "images.npy") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for pixels in _pieces(job, part, "pixels"):
            for picture in pixels:
                content = picture.tobytes()
                seen[hashlib.blake2b(content, digest_size=16).digest()] += 1
                if written in wanted:
                    sheet.append(picture)
                written += 1
            digest.update(pixels.tobytes())
            file.write(pixels.tobytes())
    return digest.hexdigest(), count - len(seen), np.stack(sheet)


def _write_labels(job: Job, rows: list[dict[str, str]], folder: Path) -> dict[str, Any]:
    """labels.npy, where items have labels; returns what the manifest says of them."""
    if job.classes is None:
        return {}
    kept = [item.label for item, row in zip(job.items, rows, strict=True) if not row["reason"]]
    labels = np.array(kept, dtype=label_type(len(job.classes)))
    with atomic(folder / "labels.npy") as file:
        np.save(file, labels)
    return {"classes": [_text(name) for name in job.classes], "labels_sha256": checksum(labels)}


def _write_report(job: Job, rows: list[dict[str, str]], folder: Path) -> None:
    """report.csv: one row a file that was met, and what became of it."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["file", "outcome", "index", "note"])
    index = 0
    for row in rows:
        if row["reason"]:
            table.writerow([row["file"], "dropped", "", row["reason"]])
        else:
            table.writerow([row["file"], "kept", index, row["note"]])
            index += 1
    for row in _refusals(job):
        table.writerow([row["file"], "dropped", "", row["reason"]])
    for name in job.ignored:
        table.writerow([_text(name), "ignored", "", "not a picture"])
    with atomic(folder / "report.csv") as file:
        file.write(text.getvalue().encode())


def _refusals(job: Job) -> list[dict[str, str]]:
    return [{"file": _text(name), "reason": _text(reason)} for name, reason in job.refused]


def _result(out: Path, already: bool = False) -> Result:
    manifest = read_json(out / "manifest.json")
    return Result(out, manifest["count"], manifest["dropped"], already)
