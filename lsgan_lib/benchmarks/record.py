"""The file in which measurements are kept, and the table in which they are shown.

A file holds the measurements of one machine: {"format": 1, "rows": [...]}, each row a flat object.
Its keys are the fields of `lsgan_lib.benchmarks.measure.Row`; then where and when it was measured:
those of `lsgan_lib.training.where.machine` (device, device_name, threads, python, torch, lsgan,
commit) and date (ISO 8601, UTC). The rows of one recipe, batch size and width come from one bench,
and a new bench takes their place.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from lsgan_lib.benchmarks.measure import Row
from lsgan_lib.errors import BookError
from lsgan_lib.files import read_json, write_json
from lsgan_lib.folders import ASSETS
from lsgan_lib.training.where import machine

FORMAT = 1
_SAME = ("recipe", "batch_size", "width", "device_name", "threads")
"""What tells whether two rows belong to one bench."""


def place(device: torch.device) -> dict[str, Any]:
    """Where and when a bench takes place."""
    return {**machine(device), "date": datetime.now(UTC).isoformat(timespec="seconds")}


def default_file(facts: dict[str, Any]) -> Path:
    """assets/benchmarks/MACHINE.json in a clone of the book, else in a folder here."""
    recorded = ASSETS / "benchmarks"
    name = re.sub(r"[^a-z0-9]+", "-", facts["device_name"].lower()).strip("-")
    if facts["device"] == "cpu":
        name += f"-{facts['threads']}-threads"
    return (recorded if recorded.is_dir() else Path("benchmarks")) / f"{name}.json"


def add_rows(
    file: Path, rows: Iterable[Any], facts: dict[str, Any], same: Sequence[str] = _SAME
) -> None:
    """Put rows, which are dataclasses, into a file, in the place of those that they measured again.

    same: keys that are equal in two rows of one bench.
    Raises BookError where the file is there and not such a file.
    """
    new = [asdict(row) | facts for row in rows]
    taken = {tuple(row[key] for key in same) for row in new}
    old = read_rows(file) if file.exists() else []
    kept = [row for row in old if tuple(row.get(key) for key in same) not in taken]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, {"format": FORMAT, "rows": kept + new})


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a file; raises BookError where it is missing or not such a file."""
    content = read_json(file)
    if not isinstance(content, dict) or content.get("format") != FORMAT or "rows" not in content:
        raise BookError(f"{file} is not a file of measurements. Name another with --out.")
    return content["rows"]


HEAD = (
    *("recipe", "way", "batch", "images/s", "ms/step", "x plain", "lowest-highest"),
    *("memory MB", "kernels", "limit"),
)


def table(rows: Sequence[Row]) -> str:
    """Aligned columns for the screen; a dash where nothing was measured, errors below."""
    lines = [HEAD, *map(_cells, rows)]
    errors = [f"{row.recipe}, {_way(row)}: {row.error}" for row in rows if row.error]
    return "\n".join([*aligned(lines), *errors])


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of cells as text: two columns of names to the left, the numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _way(row: Row) -> str:
    return row.engine if row.engine == "plain" else f"{row.engine} {row.precision}"


def _cells(row: Row) -> tuple[str, ...]:
    def cell(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    span = f"{cell(row.speed_up_lowest, '.2f')}-{cell(row.speed_up_highest, '.2f')}"
    return (
        row.recipe,
        _way(row),
        str(row.batch_size),
        cell(row.images_per_second, ",.0f"),
        cell(row.ms_per_step, ",.2f"),
        cell(row.speed_up, ".2f"),
        span if row.speed_up is not None else "-",
        cell(row.peak_memory / 1e6 if row.peak_memory is not None else None, ",.0f"),
        cell(row.kernels, ",.0f"),
        cell(row.share_of_limit, ".0%"),
    )
