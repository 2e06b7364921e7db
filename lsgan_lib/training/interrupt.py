"""Ctrl-C that waits for the end of a step."""

import signal
import threading
from types import FrameType


class Interrupt:
    """Within the block, the first SIGINT or SIGTERM only sets `asked`; a second one acts as usual.

    So a run can finish its step and save. Outside the main thread, where Python delivers no
    signals, the block changes nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before = {}
