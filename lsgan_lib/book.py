"""What every chapter shares: a quiet start, claims, the library's own source, recorded runs."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lsgan_lib.errors import BookError
from lsgan_lib.files import read_json
from lsgan_lib.folders import ASSETS, data_folder

if TYPE_CHECKING:
    from torch import nn

    from lsgan_lib.data import ImageSet
    from lsgan_lib.training import Recipe, RunDirectory

REPOSITORY = ASSETS.parent

_started = time.perf_counter()


def setup(seed: int = 0) -> None:
    """Start a chapter: one thread, one seed, the book's figure style.

    Small networks lose more than they gain when two threads share them, and lose badly when
    another program is busy on the same cores. ``LSGAN_THREADS=4`` in the environment asks for more.
    """
    global _started
    _started = time.perf_counter()
    threads = int(os.environ.get("LSGAN_THREADS", "1"))
    torch.set_num_threads(threads)
    torch.manual_seed(seed)

    from lsgan_lib.figures import use_style

    use_style()
    print(f"Ready: seed {seed}, {threads} thread{'s' if threads > 1 else ''}.")


def claim(holds: object, sentence: str) -> None:
    """Stop the chapter if its text would be wrong; print one stable line if it is right."""
    assert bool(holds), f"this run contradicts the text: {sentence}"
    print(f"✓ {sentence}")


# --- the library's own source, in the page ------------------------------------------------------


def source_of(thing: Callable[..., Any] | type) -> str:
    """Return the source of a function or class of the library, headed by the file it stands in."""
    thing = inspect.unwrap(thing)
    file = Path(inspect.getsourcefile(thing) or "")
    try:
        shown = file.resolve().relative_to(REPOSITORY).as_posix()
    except ValueError:  # written in the page itself, or in another package
        shown = file.name
    return f"# {shown}\n{textwrap.dedent(inspect.getsource(thing)).rstrip()}\n"


def show_source(*things: Callable[..., Any] | type) -> None:
    """Print the source of functions and classes as it stands in the library today.

    What is printed is part of the chapter's stored output, so a chapter fails its test when the
    library has moved on and its text may be stale.
    """
    source = "\n\n".join(source_of(thing) for thing in things)
    if not in_notebook():
        print(source)
        return
    from IPython.display import display

    display({"text/plain": source, "text/markdown": f"```python\n{source}```"}, raw=True)


def in_notebook() -> bool:
    """Tell whether this code runs in a Jupyter kernel, where rich output can be shown."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


# --- faces that anybody may show ----------------------------------------------------------------


def avatars(count: int = 1_000, *, size: int = 64) -> ImageSet:
    """Drawn faces, uint8 (count, 3, size, size): made on this machine when first asked for.

    The pictures are the first of `lsgan data avatars`, and are taken from that set where it was
    made. Otherwise they are drawn (about 150 a second) and kept in the data folder.
    Raises BookError when the packages that draw them are missing.
    """
    from data_prep.avatars import Avatars
    from data_prep.pack import Busy, pack
    from lsgan_lib.data import read_set

    whole = data_folder() / Avatars(size=size).name
    if (whole / "manifest.json").is_file() and len(read_set(whole)) >= count:
        drawn = read_set(whole).first(count)
    else:
        source = Avatars(count, size)
        folder = data_folder() / source.name
        while not (folder / "manifest.json").is_file():
            try:
                pack(source.job(), folder, workers=1, progress=False)
            except Busy:  # another page draws the same faces
                time.sleep(0.5)
        drawn = read_set(folder)
    # One line whether they were there or not: a page must print the same each time.
    print(f"{count:,} faces, drawn on this machine; the first time takes some seconds.")
    return drawn


# --- recorded runs ------------------------------------------------------------------------------


@dataclass(frozen=True)
class RecordedRun:
    """A finished training run kept in ``assets/runs``: what was asked, where it ran, what came out.

    The folder is a run directory (`lsgan_lib.training.RunDirectory`) without its state, with
    metrics.json beside it; only runs that a chapter walks through keep their weights.
    """

    name: str
    folder: Path

    @functools.cached_property
    def recipe(self) -> Recipe:
        """Every setting of the experiment."""
        return self._directory.recipe()

    @functools.cached_property
    def where(self) -> dict[str, Any]:
        """Device, versions, commit, images per second, seconds and the data (run.json)."""
        return self._directory.facts()

    @functools.cached_property
    def metrics(self) -> dict[str, Any]:
        """The run's measured quality (metrics.json); empty where none was measured."""
        path = self.folder / "metrics.json"
        return read_json(path) if path.is_file() else {}

    @functools.cached_property
    def log(self) -> dict[str, np.ndarray]:
        """The columns of log.csv, one entry a tick; a cell that was left empty is NaN."""
        rows = self._directory.log()
        return {name: np.array([row[name] for row in rows]) for name in (rows or [{}])[0]}

    @functools.cached_property
    def samples(self) -> list[Path]:
        """The grids of one fixed noise, in the order in which they were drawn."""
        return list(self._directory.samples().values())

    @property
    def command(self) -> str:
        """The line that makes this run again."""
        return str(self.where.get("command", f"lsgan train {self.name}"))

    def sample_at(self, images: float) -> Path:
        """Return the grid drawn closest to the moment when ``images`` images had been shown."""
        grids = self._directory.samples()
        if not grids:
            raise BookError(f"the recorded run {self.name} has no sample grids.")
        return grids[min(grids, key=lambda shown: abs(shown - images))]

    def generator(self) -> nn.Module:
        """Return the averaged generator of this run, in eval mode, in single precision."""
        if not (self.folder / "generator.safetensors").is_file():
            raise BookError(
                f"the recorded run {self.name} keeps no weights. Make them with: {self.command}"
            )
        return self._directory.generator().requires_grad_(False)

    @functools.cached_property
    def _directory(self) -> RunDirectory:
        from lsgan_lib.training import RunDirectory  # brings the whole of training with it

        return RunDirectory(self.folder)


def load_run(name: str) -> RecordedRun:
    """Open the recorded run ``assets/runs/name``."""
    runs = ASSETS / "runs"
    folder = runs / name
    if not (folder / "recipe.json").is_file():
        known = sorted(path.parent.name for path in runs.glob("*/recipe.json"))
        raise BookError(f"there is no recorded run {name!r}; recorded are: {', '.join(known)}.")
    return RecordedRun(name, folder)


# --- the last cell ------------------------------------------------------------------------------


def versions() -> None:
    """Print the versions that made this page and the seconds since ``setup()``."""
    import platform

    seconds = time.perf_counter() - _started
    print(
        f"Python {platform.python_version()} · torch {torch.__version__} · "
        f"numpy {np.__version__} · {seconds:.0f} s"
    )
