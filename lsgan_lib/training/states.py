"""The saved states of a run: the newest, the last ones before it, and the best.

state.pt               the newest
states/000060000.pt    those before it, named by images shown
best.pt                the one with the lowest distance so far
"""

import math
import os
import shutil
from pathlib import Path
from typing import Any, Literal

import torch

from lsgan_lib.errors import BookError
from lsgan_lib.files import atomic
from lsgan_lib.training import state_file

Which = int | Literal["newest", "best"]
"""A state of a run; a number is one of images shown."""


class States:
    """Reads and writes the states in the folder of one run."""

    def __init__(self, run: Path, resume_command: str) -> None:
        self.run = run
        self.resume_command = resume_command
        # Once this object has read or written them, so that a save reads no file.
        self._newest: int | None = None  # images shown of state.pt
        self._lowest: float | None = None  # distance of best.pt

    def older(self) -> list[int]:
        """Images shown of the states before the newest, in order."""
        return sorted(
            int(path.stem) for path in (self.run / "states").glob("*.pt") if path.stem.isdigit()
        )

    def write(self, content: dict[str, Any], keep: int, distance: float | None) -> None:
        """Add the newest state, and drop what is older than the last `keep`.

        A process may be killed between any two lines of this. The old newest gets its second name
        before it loses its first one, so that it is never without; state.pt always exists, by
        os.replace. The best comes before the newest: were it the other way round, a run that was
        killed between them would go on behind the moment and never name its best state. As it is,
        it comes to that moment again, with the same bits. What is dropped goes last.
        """
        newest, best = self._path("newest"), self._path("best")
        shown = content["shown"]
        before = self._shown()
        if before is not None:
            _give_second_name(newest, self._path(before))
        content = {**content, "distance": distance}
        if distance is not None and distance < self._distance():  # of equals the older stays
            state_file.write(best, content)
            _give_second_name(best, newest)
            self._lowest = distance
        else:
            state_file.write(newest, content)
        self._newest = shown
        older = self.older()
        # One of as many images or more is of a future that was given up: the run went back.
        kept = [images for images in older if images < shown][-(keep - 1) :] if keep > 1 else []
        for images in set(older) - set(kept):
            self._path(images).unlink(missing_ok=True)

    def read(self, device: torch.device | str, which: Which) -> dict[str, Any] | None:
        """A state; None where the newest is wanted and the run was stopped before the first.

        Raises BookError where a state is missing or cannot be read; where it is the newest, the
        sentence names the one to go on from.
        """
        if which == "newest":
            return self._read_newest(device)
        path = self._path(which)
        if path.exists():
            return state_file.read(path, device)
        for other in (self._path("newest"), self._path("best")):
            if (_readable(other) or {}).get("shown") == which:
                return state_file.read(other, device)
        older = ", ".join(map(str, self.older())) or "none"
        raise BookError(
            f"there is no state {which} in {self.run}. Older than the newest there are: {older}. "
            f"`{self.resume_command}` goes on from the newest."
        )

    def _read_newest(self, device: torch.device | str) -> dict[str, Any] | None:
        path = self._path("newest")
        if not path.exists() and not self.older():
            # The best is written first: this run was killed between the two of its first save.
            path = self._path("best")
            if not path.exists():
                return None
        try:
            content = state_file.read(path, device)
        except BookError as error:
            raise BookError(f"{error} {self._way_on()}") from error
        self._newest = content["shown"]
        return content

    def _path(self, which: Which) -> Path:
        if isinstance(which, int):
            return self.run / "states" / f"{which:09d}.pt"
        return self.run / {"newest": "state.pt", "best": "best.pt"}[which]

    def _shown(self) -> int | None:
        """Images of state.pt; None where there is none that can be read."""
        path = self._path("newest")
        if not path.exists():
            return None
        if self._newest is None:
            self._newest = (_readable(path) or {}).get("shown")
        return self._newest

    def _distance(self) -> float:
        """The distance of best.pt; infinite where there is none that can be read."""
        path = self._path("best")
        if not path.exists():
            return math.inf
        if self._lowest is None:
            self._lowest = (_readable(path) or {}).get("distance")
        return math.inf if self._lowest is None else self._lowest

    def _way_on(self) -> str:
        """The sentence that helps when the newest state cannot be read."""
        ways: list[Which] = [*reversed(self.older()), "best"]
        for which in ways:
            if _readable(self._path(which)) is not None:
                return f"`{self.resume_command} --from {which}` goes on from one that can be read."
        return "There is no other that can be read: start the run again in another folder."


def _readable(path: Path) -> dict[str, Any] | None:
    try:
        return state_file.read(path)
    except BookError:
        return None


def _give_second_name(file: Path, name: Path) -> None:
    """Make `name` another name of a file, whole or not at all; a copy where links are unknown."""
    # Not the neighbour that `atomic` would write to: what is written to a link, is written to the
    # file itself, and a link of ours may have been left by a process that was killed.
    link = name.with_name(f".{name.name}.{os.getpid()}.link.part")
    try:
        name.parent.mkdir(exist_ok=True)
        os.link(file, link)
        os.replace(link, name)
    except OSError:
        with atomic(name) as copy, open(file, "rb") as original:
            shutil.copyfileobj(original, copy)
    finally:
        link.unlink(missing_ok=True)  # os.replace leaves it where both were one file already
