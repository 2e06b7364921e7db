"""`lsgan bench labs`: how soon each lab's picture follows each of its controls.

A control is set as the page sets it, and the clock runs until the picture has been set: drawing and
PNG included, the way to the browser not (some milliseconds on one machine). Every slider, number,
list, box and pad takes part. Buttons do not: they save files, or begin what is meant to take long.
Of the live lab the pictures a second are counted too, while it plays.

Written to assets/benchmarks/labs/MACHINE.json: {"format": 1, "rows": [...]}, each row a `Latency`,
then where and when (`lsgan_lib.benchmarks.record.place`) and load: how many processes wanted a core
before the bench began, so that a measurement beside other work shows. A lab that is measured again
takes the place of its older rows; the others stay.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import ipywidgets as widgets
import torch
import tyro
from tqdm import tqdm
from tyro.conf import Positional

from lsgan_lib.benchmarks.record import add_rows, aligned, default_file, place
from lsgan_lib.book import load_run
from lsgan_lib.errors import BookError
from lsgan_lib.labs.cone_drawer import ConeDrawer
from lsgan_lib.labs.lab import Lab
from lsgan_lib.labs.latent_explorer import LatentExplorer
from lsgan_lib.labs.live_lab import LiveLab
from lsgan_lib.labs.loss_bench import LossBench
from lsgan_lib.labs.monitor import Monitor
from lsgan_lib.labs.pad import Pad
from lsgan_lib.networks import LossSensitiveNetworks


def untrained_faces() -> LatentExplorer:
    """A 64-pixel generator as published; what it computes takes as long before training."""
    generator = LossSensitiveNetworks(size=64).generator(torch.Generator().manual_seed(0))
    return LatentExplorer(generator.eval().requires_grad_(False), kind="normal")


LABS: dict[str, Callable[[], Lab]] = {
    "latent explorer, 28 pixels": lambda: LatentExplorer.of_run("mnist-least-squares"),
    "latent explorer, 64 pixels": untrained_faces,
    "live lab": LiveLab,
    "live lab, two games": lambda: LiveLab.pair("ring, cross-entropy", "least squares"),
    "loss bench": LossBench,
    "cone drawer": ConeDrawer,
    "training monitor": lambda: Monitor(load_run("mnist-least-squares").folder),
}


@dataclass(frozen=True)
class Latency:
    """One control of one lab. None: not measured, as the picture did not change."""

    lab: str
    control: str
    """its words on the page; "made" is the lab itself with its first picture, "play" its film"""
    repaints: int
    """times that the picture changed"""
    first_ms: float | None = None
    """milliseconds to the first of these"""
    median_ms: float | None = None
    worst_ms: float | None = None
    frames_per_second: float | None = None
    """of "play" only: pictures a second, each with the training steps before it"""


class Clock:
    """Notes each time that a picture changes."""

    def __init__(self, image: widgets.Widget) -> None:
        self.changes: list[float] = []
        image.observe(lambda _: self.changes.append(time.perf_counter()), names="value")

    def after(self, act: Callable[[], object]) -> float | None:
        """Seconds from now to the last change that the act made, or None if it made none."""
        before, begun = len(self.changes), time.perf_counter()
        act()
        return self.changes[-1] - begun if len(self.changes) > before else None


def settings_of(control: widgets.Widget, count: int, dice: random.Random) -> Iterator[Any]:
    """Values that a reader may give a control; none for a control that takes no part.

    count: at most so many. Of a list each value once: labs keep pictures for the way back, and a
    picture that is looked up would tell nothing of the time that it takes.
    """
    match control:
        case widgets.Checkbox() | widgets.ToggleButton():
            yield from (not control.value for _ in range(min(count, 2)))
        case widgets.SelectionSlider() | widgets.Dropdown() | widgets.ToggleButtons():
            values = [value for _, value in _pairs(control)]
            yield from (values[1:] + values[:1])[:count]
        case widgets.FloatLogSlider():
            for _ in range(count):
                yield control.base ** dice.uniform(control.min, control.max)
        case widgets.IntSlider() | widgets.BoundedIntText():
            yield from (dice.randint(control.min, control.max) for _ in range(count))
        case widgets.FloatSlider() | widgets.BoundedFloatText():
            yield from (dice.uniform(control.min, control.max) for _ in range(count))
        case Pad():
            # Pressed anew every fourth time: a press beside everything begins no drag.
            for i in range(count):
                kind = "move" if i % 4 else "down"
                yield {"kind": kind, "x": dice.random(), "y": dice.random()}


def _pairs(control: widgets.Widget) -> Sequence[tuple[str, Any]]:
    options = control.options
    return [pair if isinstance(pair, tuple) else (str(pair), pair) for pair in options]


def measure_control(lab: Lab, clock: Clock, control: widgets.Widget, count: int) -> list[float]:
    """Seconds to each repaint, over some values of one control, which then has its old one."""
    taken = []
    dice = random.Random(0)
    if isinstance(control, Pad):
        for event in settings_of(control, count, dice):
            taken.append(clock.after(lambda event=event: control.hear(event)))  # type: ignore[misc]
        control.hear({"kind": "up", "x": 0.5, "y": 0.5})
    else:
        old = getattr(control, "value", None)
        for value in settings_of(control, count, dice):
            taken.append(clock.after(lambda value=value: setattr(control, "value", value)))  # type: ignore[misc]
        if taken:
            control.value = old
    return [seconds for seconds in taken if seconds is not None]


def row_of(lab: str, control: str, seconds: Sequence[float]) -> Latency:
    """First, median and worst."""
    if not seconds:
        return Latency(lab, control, 0)
    first, middle, worst = (1e3 * s for s in (seconds[0], median(seconds), max(seconds)))
    return Latency(lab, control, len(seconds), first, middle, worst)


def measure_lab(name: str, count: int, seconds: float) -> Iterator[Latency]:
    """A row for each control that takes part; the lab is closed in the end."""
    begun = time.perf_counter()
    lab = LABS[name]()
    try:
        yield row_of(name, "made", [time.perf_counter() - begun])
        clock = Clock(lab.image)
        for control in lab.controls():
            if getattr(control, "disabled", False) or control.layout.display == "none":
                continue
            if not any(True for _ in settings_of(control, 1, random.Random(0))):
                continue
            words = "picture" if control is lab.image else getattr(control, "description", "")
            yield row_of(
                name, words or "another picture", measure_control(lab, clock, control, count)
            )
        if isinstance(lab, LiveLab):
            yield _film(name, lab, clock, seconds)
    finally:
        lab.close()


def _film(name: str, lab: LiveLab, clock: Clock, seconds: float) -> Latency:
    lab.play()
    time.sleep(0.5)  # the first pictures come after a start
    before, begun = len(clock.changes), time.perf_counter()
    time.sleep(seconds)
    frames, took = len(clock.changes) - before, time.perf_counter() - begun
    lab.pause()
    return Latency(name, "play", frames, frames_per_second=frames / took)


def table(rows: Sequence[Latency]) -> str:
    """Aligned columns; milliseconds, or pictures a second."""
    lines = [("lab", "control", "repaints", "first", "median", "worst ms", "pictures/s")]
    for row in rows:
        numbers = (row.first_ms, row.median_ms, row.worst_ms, row.frames_per_second)
        cells = ("-" if value is None else f"{value:.1f}" for value in numbers)
        lines.append((row.lab, row.control, str(row.repaints), *cells))  # type: ignore[arg-type]
    return "\n".join(aligned(lines))


def bench_labs(
    labs: Positional[tuple[str, ...]] = (),
    repaints: int = 20,
    seconds: float = 5.0,
    threads: int | None = None,
    out: Path | None = None,
) -> None:
    """Measure how soon each lab's picture follows its controls, and how fast the live lab plays.

    Args:
        labs: names of labs, as the table shows them; all of them if not given.
        repaints: values that each control is set to.
        seconds: how long the live lab plays.
        threads: CPU threads; 1 if not given, as in a chapter.
        out: the JSON file; assets/benchmarks/labs/MACHINE.json in a clone of the book if not given.
    """
    unknown = [name for name in labs if name not in LABS]
    if unknown:
        raise BookError(f"there is no lab {unknown[0]!r}. There are: {'; '.join(LABS)}.")
    for name, value in (("repaints", repaints), ("seconds", seconds), ("threads", threads)):
        if value is not None and not value > 0:
            raise BookError(f"--{name} is {value}, but must be more than 0.")
    torch.set_num_threads(threads or 1)
    facts = place(torch.device("cpu")) | {"load": round(os.getloadavg()[0], 2)}
    rows: list[Latency] = []
    with tqdm(list(labs or LABS), unit=" labs", disable=None) as bar:
        for name in bar:
            bar.set_description(name)
            rows += measure_lab(name, repaints, seconds)
    file = out or default_file(facts).parent / "labs" / default_file(facts).name
    add_rows(file, rows, facts, same=("lab",))
    print(f"{facts['device_name']}, {facts['threads']} threads, load before: {facts['load']}")
    print(table(rows))
    print(f"wrote {file}")


def main(arguments: Sequence[str]) -> None:
    """What `lsgan bench labs` does with the words that follow it."""
    tyro.cli(bench_labs, args=list(arguments), prog="lsgan bench labs")
