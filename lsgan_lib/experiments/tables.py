"""Recorded tables: what an experiment of many runs wrote into assets/tables, and who made it."""

from pathlib import Path
from typing import Any

import numpy as np

from lsgan_lib.errors import BookError
from lsgan_lib.files import atomic, read_json, write_json
from lsgan_lib.folders import ASSETS


def table_path(name: str) -> Path:
    """Where the table of the experiment `name` lies; its pictures, if any, beside it as .npz."""
    return ASSETS / "tables" / f"{name}.json"


def command_of(name: str) -> str:
    """The line that makes a table, or the rest of one that was interrupted."""
    return f"python -m lsgan_lib.experiments.{name}"


def load_table(name: str) -> dict[str, Any]:
    """The table as it was written; raises BookError, with the command that makes it, if missing."""
    return read_json(_found(table_path(name), name))


def load_pictures(name: str) -> dict[str, np.ndarray]:
    """Samples that an experiment kept, by the name of their run.

    Pictures are uint8 (N, H, W), points float16 (..., N, 2). Raises BookError as `load_table` does.
    """
    with np.load(_found(table_path(name).with_suffix(".npz"), name)) as kept:
        return dict(kept)


def read_table(out: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """The table in a file that an experiment is about to add to; None where there is none yet.

    Raises BookError when it was made with other settings, which would mix two experiments.
    """
    if not out.is_file():
        return None
    old = read_json(out)
    if old["settings"] != settings:
        changed = [name for name, value in settings.items() if old["settings"].get(name) != value]
        raise BookError(
            f"{out} was made with other settings ({', '.join(changed) or 'fewer'} differ). "
            "Delete it to make the table anew, or give another file."
        )
    return old


def write_table(out: Path, table: dict[str, Any], samples: dict[str, np.ndarray]) -> None:
    """Write a table and the samples beside it, each file whole or not at all, the samples first."""
    with atomic(out.with_suffix(".npz")) as file:
        np.savez_compressed(file, **samples)  # type: ignore[arg-type]
    write_json(out, table)


def _found(path: Path, name: str) -> Path:
    if not path.is_file():
        raise BookError(f"there is no table {path}. Make it with: {command_of(name)}")
    return path
