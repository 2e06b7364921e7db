"""What a run's folder holds at one moment, read while another process writes to it.

Nothing here raises: a file that is missing, damaged or written at this moment is what a reading
says, and the next reading may say better.
"""

from __future__ import annotations

import math
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lsgan_lib.errors import BookError, first_line
from lsgan_lib.files import read_json
from lsgan_lib.runs import quiet_for, state_in_words
from lsgan_lib.training.run_directory import RunDirectory

State = Literal["absent", "damaged", "begun", "working", "stopped", "in trouble", "finished"]
_BREATH = 5.0  # seconds from one file to the next that nobody takes for an end
Log = tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True)
class Reading:
    """A run at one moment. Two readings are equal where the run's files say the same."""

    folder: str
    """as the reader typed it"""
    state: State
    told: str
    """state and what to do, in sentences"""
    what: str = ""
    """objective and data"""
    shown: int = 0
    """images, of the last row of the log or of run.json"""
    wanted: int = 0
    """images that the recipe asks for"""
    speed: float | None = None
    """images/s: of the log's last rows, else of run.json"""
    seconds_left: float | None = None
    """at that speed, while the run goes on"""
    log: Log = ()
    """columns of log.csv by name; NaN where a cell is empty"""
    samples: tuple[tuple[int, str], ...] = ()
    """sample grids: images shown, and the file"""

    @property
    def watched_on(self) -> bool:
        """Whether files may still come."""
        return self.state != "finished"

    def column(self, name: str) -> tuple[float, ...]:
        """A column of the log; empty where it has none, or no number in it."""
        values = dict(self.log).get(name, ())
        return values if any(math.isfinite(value) for value in values) else ()


def read_run(folder: Path | str, now: float | None = None) -> Reading:
    """Read the run in a folder. now: seconds since 1970; the clock's if not given."""
    name, now = str(folder), time.time() if now is None else now
    try:
        path = Path(folder).expanduser()
        if not (path / "recipe.json").is_file():
            return Reading(name, "absent", _absent(path, name))
    except (OSError, RuntimeError, ValueError) as error:  # a name that no folder can have
        return Reading(name, "absent", f"There is no run in {name} ({first_line(error)}).")
    log, trouble_with_log = _log(path)
    samples = _samples(path)
    try:
        recipe = read_json(path / "recipe.json")
        facts = read_json(path / "run.json") if (path / "run.json").is_file() else {}
        wanted, every = int(recipe["images"]), float(recipe["state_every"])
        saved = int(facts.get("images", 0))
        what = f"{recipe['objective']['kind']} on {recipe['data']}"
        speed = _speed(log, float(facts.get("images_per_second", 0)))
        trouble = " ".join((facts.get("trouble") or "").split())
        pause = max(every / speed, _BREATH) if speed else None
        words = state_in_words(saved, wanted, bool(trouble), quiet_for(path, now), pause)
    except (BookError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        told = f"The files of {name} cannot be read just now ({first_line(error)}); looking again."
        return Reading(name, "damaged", told, log=log, samples=samples)
    state = _state(words, saved)
    shown = max([saved, *(int(images) for images in dict(log).get("images", ())[-1:])])
    left = (wanted - shown) / speed if state in ("begun", "working") and speed else None
    told = " ".join(filter(None, [_told(state, name, saved, wanted, trouble, facts),
                                  trouble_with_log]))  # fmt: skip
    return Reading(name, state, told, what, shown, wanted, speed, left, log, samples)


def _absent(path: Path, name: str) -> str:
    begin = f"`lsgan train RECIPE --out {shlex.quote(name)}` begins one, and it appears here."
    if path.is_dir() and any(path.iterdir()):
        return f"{name} is a folder, but no run: it has no recipe.json. {begin}"
    return f"There is no run in {name} yet. {begin}"


def _state(words: str, saved: int) -> State:
    if words.startswith("perhaps running"):
        return "working" if saved else "begun"
    for state in ("stopped", "in trouble"):
        if words.startswith(state):
            return state  # type: ignore[return-value]
    return "finished"


def _told(
    state: State, name: str, saved: int, wanted: int, trouble: str, facts: dict[str, Any]
) -> str:
    resume = RunDirectory(name).resume_command
    match state:
        case "begun":
            return "Begun; no state is saved yet."
        case "working":
            return f"Perhaps running: saved at {saved:,} of {wanted:,} images."
        case "stopped":
            return f"Stopped or interrupted at {saved:,} of {wanted:,} images. `{resume}` goes on."
        case "in trouble":
            return f"In trouble at {saved:,} of {wanted:,} images: {trouble} See `{resume} --help`."
    minutes = float(facts.get("seconds", 0)) / 60
    return f"Finished: {saved:,} images in {minutes:,.0f} minutes."


def _log(path: Path) -> tuple[Log, str]:
    """The columns of log.csv, and a sentence where they cannot be read."""
    if not (path / "log.csv").is_file():
        return (), ""
    try:
        rows = RunDirectory(path).log()
        # One NaN for all: tuples that hold two different ones are not equal.
        return tuple(
            (name, tuple(math.nan if math.isnan(row[name]) else row[name] for row in rows))
            for name in (rows or [{}])[0]
        ), ""
    except (BookError, TypeError, KeyError):
        return (), "log.csv cannot be read just now; looking again."


def _samples(path: Path) -> tuple[tuple[int, str], ...]:
    try:
        return tuple((images, str(file)) for images, file in RunDirectory(path).samples().items())
    except (OSError, ValueError):
        return ()


def _speed(log: Log, saved: float) -> float | None:
    """Median of the last five rows: one slow tick is not the run's speed."""
    last = sorted(v for v in dict(log).get("images_per_second", ())[-5:] if math.isfinite(v))
    return last[len(last) // 2] if last else saved or None


def numbers(reading: Reading) -> str:
    """How far, how fast, how long still."""
    parts = [reading.what] if reading.what else []
    if reading.wanted:
        parts.append(f"{reading.shown:,} of {reading.wanted:,} images")
    if reading.speed:
        parts.append(f"{reading.speed:,.0f} images/s")
    if reading.seconds_left is not None:
        minutes, seconds = divmod(round(reading.seconds_left), 60)
        parts.append(f"{minutes} min {seconds} s left" if minutes else f"{seconds} s left")
    hinges = reading.column("active_hinges")
    if hinges:
        parts.append(f"{hinges[-1]:.0%} of the hinges active")
    return " · ".join(parts)
