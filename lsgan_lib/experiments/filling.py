"""A table that fills run by run: what is in its file is not run again, Ctrl-C loses nothing."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lsgan_lib.experiments.tables import read_table, write_table

Key = dict[str, Any]
"""The settings in which the runs of a table differ: "objective", "seed" and the like."""
Outcome = tuple[dict[str, Any], np.ndarray]
"""What a run measured, and samples that are kept as pictures, uint8 (N, H, W)."""


def name_of(key: Key) -> str:
    """The run's name among the pictures: its values in order, "adam least_squares 0"."""
    return " ".join(str(value) for value in key.values())


def fill(
    out: Path, head: dict[str, Any], keys: Sequence[Key], run: Callable[[Key], Outcome]
) -> dict[str, Any]:
    """Make the runs that the file lacks, one after the other, and return the whole table.

    out: the JSON file; pictures go to the .npz beside it. head: what stands before "runs" in the
    file, "settings" among it. Rows stand in the order of the keys, each with its key, its outcome
    and its CPU seconds, unless the outcome has "seconds" of its own. Both files are written whole
    after every run, the pictures first. Raises BookError when the file was made with other
    settings, which would mix two experiments.
    """
    pictures_file = out.with_suffix(".npz")
    rows: dict[str, dict[str, Any]] = {}
    pictures: dict[str, np.ndarray] = {}
    old = read_table(out, head["settings"])
    if old is not None:
        rows = {name_of({k: row[k] for k in keys[0]}): row for row in old["runs"]}
        with np.load(pictures_file) as kept:
            pictures = dict(kept)
        # The clock goes on; the machine is that of the last run.
    order = [name_of(key) for key in keys]
    out.parent.mkdir(parents=True, exist_ok=True)
    for number, (name, key) in enumerate(zip(order, keys, strict=True), start=1):
        if name in rows and name in pictures:
            continue
        begun = time.process_time()
        outcome, samples = run(key)
        seconds = round(time.process_time() - begun, 1)
        rows[name] = {**key, **outcome, "seconds": outcome.get("seconds", seconds)}
        pictures[name] = samples
        _write(out, head, [rows[n] for n in order if n in rows], pictures)
        told = ", ".join(f"{k} {_short(v)}" for k, v in outcome.items() if _short(v))
        print(f"{number}/{len(order)} {name}: {told} ({seconds:.0f} s)", file=sys.stderr)
    return {**head, "runs": [rows[n] for n in order]}


def _write(
    out: Path, head: dict[str, Any], runs: list[dict[str, Any]], pictures: dict[str, np.ndarray]
) -> None:
    total = round(sum(row["seconds"] for row in runs), 1)
    write_table(out, {**head, "seconds": total, "runs": runs}, pictures)


def _short(value: Any) -> str:
    """A number or word for the progress line; nothing for the rest."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value) if isinstance(value, int | str) else ""
