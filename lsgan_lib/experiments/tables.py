"""Recorded tables: what an experiment of many runs wrote into assets/tables, and who made it."""

from pathlib import Path
from typing import Any

import numpy as np

from lsgan_lib.errors import BookError
from lsgan_lib.files import read_json
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
    """Samples that an experiment kept, uint8 (N, H, W) by the name of their run.

    Raises BookError as `load_table` does.
    """
    with np.load(_found(table_path(name).with_suffix(".npz"), name)) as kept:
        return dict(kept)


def _found(path: Path, name: str) -> Path:
    if not path.is_file():
        raise BookError(f"there is no table {path}. Make it with: {command_of(name)}")
    return path
