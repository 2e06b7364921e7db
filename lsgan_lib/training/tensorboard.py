"""The log and the samples of a run for TensorBoard: `tensorboard --logdir runs`."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lsgan_lib.errors import BookError, first_line


class Board:
    """Event files in a folder, counted in images shown, each point once.

    first: images shown before the first point that will come. What a run that was killed had
    written beyond it is taken back, for it comes again; so is what a run wrote that then went back
    to an older state. Raises BookError where TensorBoard is not installed or the disk is full.

    torch's SummaryWriter would do, but it writes in a thread, which shows a traceback of its own
    when the disk is full, and it names its files so that their order is not always that of time.
    """

    def __init__(self, folder: Path, first: int) -> None:
        check_installed()
        self._folder = folder
        self._last: dict[str, int] = {}  # images at the newest row, and at the newest picture
        with self._translated():
            folder.mkdir(parents=True, exist_ok=True)
            # The point at `first` itself stays: it was written before the state gone on from.
            self._begin(first + 1 if first else 0)

    def row(self, row: dict[str, float]) -> None:
        """A row of the log: one point on each curve."""
        from torch.utils.tensorboard.summary import scalar

        shown = int(row["images"])
        points = [scalar(name, value) for name, value in row.items() if name != "images"]
        self._add("row", shown, points)

    def picture(self, shown: int, png: bytes) -> None:
        """The samples of this moment, as they are written to the run's folder."""
        from torch.utils.tensorboard.summary import image

        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
        self._add("picture", shown, [image("samples", pixels, dataformats="HWC")])

    def close(self) -> None:
        """End the event file."""
        with self._translated():
            self._file.close()

    def _add(self, kind: str, shown: int, summaries: list[Any]) -> None:
        """Write points that belong to so many images."""
        with self._translated():
            if shown <= self._last.get(kind, -1):
                self._file.close()
                self._begin(shown)
                self._last = {k: min(last, shown - 1) for k, last in self._last.items()}
            self._last[kind] = shown
            for summary in summaries:
                self._write(step=shown, summary=summary)
            # Points before a saved state must be in the file before it: a kill loses the rest only.
            self._file.flush()

    def _begin(self, purge: int) -> None:
        """Begin a file, at which TensorBoard forgets the points of `purge` images and more."""
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        before = [path.suffix[1:] for path in self._folder.glob("events.out.tfevents.*")]
        number = max((int(n) for n in before if n.isdigit()), default=0) + 1
        # They are read in the order of their names.
        self._file = open(self._folder / f"events.out.tfevents.{number:06d}", "xb")
        self._records = RecordWriter(self._file)
        self._write(file_version="brain.Event:2")
        self._write(step=purge, session_log=SessionLog(status=SessionLog.START))
        self._file.flush()

    def _write(self, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._records.write(Event(wall_time=time.time(), **content).SerializeToString())

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BookError(
                f"could not write to {self._folder}: {first_line(error)}. Free some space, or go "
                "on without --tensorboard."
            ) from error


def check_installed() -> None:
    """Raise BookError that says how to install TensorBoard, where it is not."""
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError as error:
        raise BookError(
            f"TensorBoard is not installed ({first_line(error)}): pip install tensorboard"
        ) from error
