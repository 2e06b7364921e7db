"""A thread that makes one frame after another, beside a kernel that goes on answering."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from lsgan_lib.errors import first_line

Frame = Callable[[], str | None]
"""makes a frame; says why there can be no more of them, or None to go on"""


class Film:
    """Calls `frame` at most `rate` times a second until it is stopped, or `longest` seconds long.

    ended: is told why the film ended by itself. Frames are made with `lock` held: who holds it sees
    no half-made frame. No thread is left behind: `stop` returns when the thread has ended.
    """

    def __init__(
        self, frame: Frame, ended: Callable[[str], None], *, rate: float = 25, longest: float = 600
    ) -> None:
        self.frame, self.ended = frame, ended
        self.rate, self.longest = rate, longest
        self.lock = threading.RLock()
        self.number = 0  # frames since the last start
        self._made: deque[float] = deque(maxlen=26)  # when
        self._asked_to_stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether frames are being made."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether somebody waits for the frame in progress; a long one may then be cut short."""
        return self._asked_to_stop.is_set()

    @property
    def pace(self) -> float:
        """Frames a second, over the last 25 of them."""
        if len(self._made) < 2:
            return 0.0
        return (len(self._made) - 1) / max(self._made[-1] - self._made[0], 1e-9)

    def start(self) -> None:
        """Begin; nothing where it runs already."""
        if self.running:
            return
        self._made.clear()
        self.number = 0
        self._asked_to_stop.clear()
        # A daemon: a kernel that shuts down does not wait for it.
        self._thread = threading.Thread(target=self._run, name="film", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, after the frame in progress; nothing where none is made."""
        self._asked_to_stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        why, end = self._frames_until(time.monotonic() + self.longest)
        if end:
            self.ended(why)

    def _frames_until(self, deadline: float) -> tuple[str, bool]:
        """Why it ended, and whether it did so by itself."""
        asked = self._asked_to_stop
        while not asked.is_set():
            begun = time.monotonic()
            self._made.append(begun)
            self.number += 1
            if begun > deadline:
                return f"stopped by itself after {self.longest / 60:.0f} minutes of play.", True
            # whoever stops the film may hold the lock, and must not be waited for
            if not self.lock.acquire(timeout=0.02):
                continue
            try:
                why = self.frame()
            except Exception as error:  # told on the page: nobody reads what a thread raises
                why = f"stopped by an error: {first_line(error)}"
            finally:
                self.lock.release()
            if why:
                return why, True
            # At least a moment, in which whoever waits for the lock gets it.
            asked.wait(max(0.002, begun + 1 / self.rate - time.monotonic()))
        return "", False
