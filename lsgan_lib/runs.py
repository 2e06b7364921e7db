"""The runs on this machine: a table of what each is, how far it is, and what is wrong with it.

Read from recipe.json, run.json and the names of the pictures, without torch. Nothing in a run says
whether a process is still at work on it; what can be known is when it last wrote a file.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lsgan_lib.errors import BookError
from lsgan_lib.files import read_json

_MARKS = {"recipe.json", "run.json", "state.pt"}
"""A folder that holds one of these is a run, perhaps a broken one."""

_QUIET = 600.0
"""Seconds without a new file after which a run of unknown speed counts as stopped."""


@dataclass(frozen=True)
class Row:
    """One run, as the table shows it."""

    name: str
    what: str = ""
    """objective and data"""
    state: str = ""
    progress: str = ""
    """percent of the recipe's images"""
    speed: str = ""
    """images/s"""
    picture: str = ""
    """path of the newest samples"""
    trouble: str = ""
    """what is wrong, as a sentence"""


def table_of_runs(folder: Path, now: float | None = None) -> str:
    """A line a run below `folder`, itself included; a second line where something is wrong.

    now: seconds since 1970, to tell how long a run has been quiet; the clock's if not given.
    Raises BookError where there is no such folder.
    """
    if not folder.is_dir():
        raise BookError(
            f"there is no folder {folder}. `lsgan train RECIPE` makes runs in the folder runs; "
            "name another one: `lsgan runs FOLDER`."
        )
    now = time.time() if now is None else now
    rows = [_row(run, now) for run in _find(folder)]
    if not rows:
        return f"there are no runs in {folder}. `lsgan train RECIPE` makes one."
    rows.insert(0, Row("run", "what", "state", "done", "images/s", "last picture"))
    cells = [(r.name, r.what, r.state, r.progress, r.speed) for r in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row, (*words, progress, speed) in zip(rows, cells, strict=True):
        left = (f"{word:{width}}" for word, width in zip(words, widths, strict=False))
        right = f"{progress:>{widths[3]}}", f"{speed:>{widths[4]}}"
        lines.append("  ".join([*left, *right, row.picture]).rstrip())
        if row.trouble:
            lines.append(f"    {row.trouble}")
    return "\n".join(lines)


def _find(folder: Path) -> Iterator[Path]:
    """The runs below a folder, by name; what lies inside a run is its own affair."""
    for place, inner, files in os.walk(folder):
        inner.sort()
        if _MARKS & set(files):
            inner.clear()
            yield Path(place)


def _row(run: Path, now: float) -> Row:
    """What there is to say about one run; a file that cannot be read is named, not raised."""
    pictures = sorted((run / "samples").glob("[0-9]*.png"))
    picture = str(pictures[-1]) if pictures else ""
    row = Row(str(run), state="broken", picture=picture)
    try:
        recipe = read_json(run / "recipe.json")
        facts = read_json(run / "run.json") if (run / "run.json").is_file() else {}
        wanted, shown = recipe["images"], facts.get("images", 0)
        speed = facts.get("images_per_second", 0)
        trouble = " ".join((facts.get("trouble") or "").split())
        pause = recipe["state_every"] / speed if speed else None
        return replace(
            row,
            what=f"{recipe['objective']['kind']} on {recipe['data']}",
            state=state_in_words(shown, wanted, bool(trouble), quiet_for(run, now), pause),
            # Rounded down: only a run that is finished has 100 percent.
            progress=f"{min(100, 100 * shown // wanted)}%",
            speed=f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}" if speed else "",
            trouble=trouble,
        )
    except BookError as problem:
        return replace(row, trouble=str(problem))
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        told = f"recipe.json or run.json is not as lsgan writes it ({error!r})."
        return replace(row, trouble=told)


def state_in_words(
    shown: int, wanted: int, trouble: bool, quiet: float, pause: float | None
) -> str:
    """finished, in trouble, or where it stands; "perhaps running" while files are still fresh.

    quiet: seconds since a file was written. pause: seconds from one saved state to the next. Twice
    that long without a file, and no process is at work; before, one may be or may just have ended.
    """
    if shown >= wanted:
        return "finished"
    where = f"at {shown:,} of {wanted:,} images"
    if trouble:
        return f"in trouble {where}"
    if quiet < (2 * pause if pause else _QUIET):
        return f"perhaps running, {where}"
    return f"stopped {where}"


def quiet_for(run: Path, now: float) -> float:
    """Seconds since a file of the run was written."""
    names = ("recipe.json", "run.json", "log.csv", "samples")
    times = [path.stat().st_mtime for path in map(run.joinpath, names) if path.exists()]
    return now - max(times)
