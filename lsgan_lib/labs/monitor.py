"""The training monitor: watch a run that another process trains.

    Monitor("runs/mnist-least-squares").show()

It looks at the folder every few seconds, for as long as its cell stands on the page, and never
writes to it. Chapter 04.
"""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ipywidgets as widgets

from lsgan_lib.errors import first_line
from lsgan_lib.labs.lab import Lab
from lsgan_lib.labs.monitoring.drawing import (
    SIZE,
    MonitorSettings,
    draw_run,
    in_few_colours,
    moment_at,
)
from lsgan_lib.labs.monitoring.reading import Reading, numbers, read_run
from lsgan_lib.labs.pad import Event, Pad

_WIDE = {"description_width": "initial"}
NOTHING = [("-", -1)]
"""the slider's only stop where there are no samples"""
_TEXT = "color: var(--jp-ui-font-color1, inherit)"


class Monitor(Lab):
    """Curves and samples of a run, live.

    folder: of the run; it need not exist yet. every: seconds from one look to the next.
    """

    def __init__(self, folder: Path | str = "runs/mnist-least-squares", every: float = 3.0) -> None:
        self.every = every
        self.sentence = f"Training monitor of {Path(folder).name}"
        self._task: asyncio.Task[None] | None = None
        self._busy = False
        self.folder = widgets.Text(str(folder), description="run's folder", continuous_update=False,
                                   style=_WIDE, layout={"width": "min(420px, 95%)"})  # fmt: skip
        self.button = widgets.Button(description="Look now", icon="refresh")
        self.moment = widgets.SelectionSlider(
            options=NOTHING, description="samples after images",
            style=_WIDE, layout={"width": "min(420px, 98%)"},
        )  # fmt: skip
        self.newest = widgets.Checkbox(True, description="always the newest", indent=False,
                                       layout={"width": "auto"})  # fmt: skip
        self.ticks = widgets.IntSlider(1, 1, 25, description="mean of rows", style=_WIDE,
                                       layout={"width": "260px"})  # fmt: skip
        self.image = Pad(width=SIZE[0])
        self.status, self.numbers = widgets.HTML(), widgets.HTML()
        rows = ((self.folder, self.button), (self.moment, self.newest, self.ticks))
        wrap = {"flex_flow": "row wrap", "align_items": "center"}
        self.box = widgets.VBox(
            [*(widgets.HBox(row, layout=wrap) for row in rows), self.numbers, self.image,
             self.status]
        )  # fmt: skip
        self._settings = MonitorSettings(read_run(folder))
        self.look()
        self.folder.observe(self._quietly(self._attach), names="value")
        self.button.on_click(self._quietly(self._attach))
        self.moment.observe(self._quietly(self._choose), names="value")
        self.newest.observe(self._quietly(self.look), names="value")
        self.ticks.observe(self._quietly(lambda: self._paint()), names="value")
        self.image.on_event(self._point)
        self.image.on_gone(self.stop)

    @property
    def settings(self) -> MonitorSettings:
        """The last reading, the samples shown and the smoothing."""
        return self._settings

    def picture(self, settings: MonitorSettings) -> bytes:
        """Curves and samples."""
        return draw_run(settings)

    def strip(self) -> None:
        """The same picture, on paper."""
        from IPython.display import display

        words = f"[{self.sentence}: curves and samples]"
        size = {"width": SIZE[0], "height": SIZE[1]}
        png = in_few_colours(bytes(self.image.value))
        display({"image/png": png, "text/plain": words}, metadata={"image/png": size}, raw=True)

    def show(self) -> None:
        """Print the strip, show the lab, and begin to watch."""
        super().show()
        self.watch()

    def watch(self) -> None:
        """Look every few seconds from now on, on the kernel's own loop; nothing where none runs."""
        self.stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a script, a test
            return
        self._task = loop.create_task(self._watching())

    def stop(self) -> None:
        """Look no more; the picture stays."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Look no more, and leave the page."""
        self.stop()
        super().close()

    async def _watching(self) -> None:
        while self.settings.reading.watched_on:
            await asyncio.sleep(self.every)
            try:
                self.look()
            except Exception as error:  # told on the page: nobody reads what a task raises
                self._say(f"Could not look: {first_line(error)}. Looking again.")

    def look(self) -> None:
        """Read the folder; paint where anything is new."""
        reading = read_run(self.folder.value)
        known = self.settings.reading
        if reading.state == "damaged" and reading.folder == known.folder:
            # Written at this moment: what was known before is shown until it can be read.
            reading = replace(known, state="damaged", told=reading.told)
        moments = [images for images, _ in reading.samples]
        chosen = self.moment.value
        if self.newest.value or chosen not in moments:
            chosen = moments[-1] if moments else -1
        self._busy = True
        try:
            options = [(f"{images:,}", images) for images in moments] or NOTHING
            if tuple(options) != tuple(self.moment.options):
                self.moment.options = options
            self.moment.value = chosen
            self.moment.disabled = len(moments) < 2
        finally:
            self._busy = False
        self._paint(reading)

    def _paint(self, reading: Reading | None = None) -> None:
        reading, at = reading or self.settings.reading, self.moment.value
        try:
            grid = Path(dict(reading.samples)[at]).read_bytes()
        except (OSError, KeyError):  # none yet, or deleted since: the run went back
            grid = b""
        new = MonitorSettings(reading, self.ticks.value, at, grid)
        if new != self._settings or not self.image.value:
            self.image.value = self.picture(new)
        self._settings = new
        self._say(reading.told)
        self.numbers.value = f'<span style="{_TEXT}">{html.escape(numbers(reading))}</span>'

    def _say(self, sentence: str) -> None:
        said = html.escape(sentence)
        if said not in self.status.value or not self.status.value:
            self.status.value = f'<div role="status" style="{_TEXT}">{said}</div>'
            self.image.alt = f"Curves and samples of {self.folder.value}. {sentence}"

    def _attach(self) -> None:
        self.look()
        self._say(f"{self.settings.reading.told} Looked at {time.strftime('%H:%M:%S')}.")
        self.watch()

    def _choose(self) -> None:
        self._busy = True
        self.newest.value = self.moment.index == len(self.moment.options) - 1
        self._busy = False
        self._paint()

    def _point(self, event: Event) -> None:
        """A click on a curve, or an arrow key, chooses samples."""
        moments = [images for images, _ in self.settings.reading.samples]
        if not moments:
            return
        if event["kind"] == "key":
            steps = {"ArrowLeft": -1, "ArrowRight": 1, "ArrowDown": -1, "ArrowUp": 1}
            index = moments.index(self.moment.value) + steps.get(event["key"], 0)
            self.moment.value = moments[min(max(index, 0), len(moments) - 1)]
        elif event["kind"] in ("down", "move"):
            x, y = event["x"], event["y"]
            at = moment_at(self.settings.reading, self.settings.ticks, x, y)
            if at is not None:
                self.moment.value = min(moments, key=lambda images: abs(images - at))

    def _quietly(self, act: Callable[[], None]) -> Callable[[object], None]:
        """A listener that rests while the lab itself moves its controls."""
        return lambda _: None if self._busy else act()
