"""What the book finds on this machine, in sentences a reader can act on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from lsgan_lib.data import mnist_files
from lsgan_lib.errors import BookError
from lsgan_lib.folders import ASSETS, data_folder

PYTHON_NEEDED = (3, 11)
TORCH_NEEDED = (2, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``ready`` is False where a chapter would not run."""

    about: str
    sentence: str
    ready: bool = True


def check_environment() -> bool:
    """Print what this machine has and what that means for the book; True if all chapters can run.

    The lines differ from machine to machine, the answer should not.
    """
    findings = list(look())
    for finding in findings:
        print(f"{'✓' if finding.ready else '✗'} {finding.about:<8} {finding.sentence}")
    return all(finding.ready for finding in findings)


def look() -> Iterator[Finding]:
    """Look at everything that the book stands on, one finding each."""
    yield _python()
    yield _torch()
    yield _processor()
    yield _gpu()
    yield _widgets()
    yield _digits()
    yield _full_mnist()
    yield _recorded_runs()


def _python() -> Finding:
    found, needed = platform.python_version(), ".".join(map(str, PYTHON_NEEDED))
    if sys.version_info[:2] < PYTHON_NEEDED:
        return Finding("Python", f"{found} is too old: the book needs {needed} or newer.", False)
    return Finding("Python", f"{found}. The book needs {needed} or newer.")


def _torch() -> Finding:
    found, needed = torch.__version__, ".".join(map(str, TORCH_NEEDED))
    if tuple(int(part) for part in found.split(".")[:2]) < TORCH_NEEDED:
        return Finding("torch", f"{found} is too old: the book needs {needed} or newer.", False)
    return Finding("torch", f"{found}. The book needs {needed} or newer.")


def _processor() -> Finding:
    cores, threads = os.cpu_count() or 1, torch.get_num_threads()
    have = "1 core" if cores == 1 else f"{cores} cores"
    use = "one thread" if threads == 1 else f"{threads} threads"
    return Finding("CPU", f"{have}; the chapters use {use} (LSGAN_THREADS=2 for two).")


def _gpu() -> Finding:
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Finding(
            "GPU",
            f"{name}, {memory:.0f} GiB. `lsgan train` will use it; the chapters stay on the CPU, "
            "so that they print the same everywhere.",
        )
    return Finding("GPU", "none, and none is needed: long trainings were recorded for you.")


def _widgets() -> Finding:
    try:
        found = importlib.metadata.version("ipywidgets")
    except importlib.metadata.PackageNotFoundError:
        return Finding("sliders", "ipywidgets is missing: pip install ipywidgets", False)
    return Finding(
        "sliders",
        f"ipywidgets {found}. A line in brackets instead of a slider? Run its cell.",
    )


def _digits() -> Finding:
    if not (ASSETS / "data" / "mnist_5000" / "manifest.json").is_file():
        return Finding(
            "digits", "assets/data/mnist_5000 is missing: clone the whole repository.", False
        )
    return Finding("digits", "the 5,000 that come with the book are here.")


def _full_mnist() -> Finding:
    try:
        folder = data_folder()
    except BookError as problem:
        return Finding("MNIST", str(problem), False)
    home = folder / "mnist"
    if mnist_files.find(home, "train") is not None:
        return Finding("MNIST", f"all 60,000 digits are in {_short(home)}.")
    return Finding(
        "MNIST",
        "only `lsgan train` wants all 60,000 digits, and fetches them (12 MB).",
    )


def _recorded_runs() -> Finding:
    runs = sorted(path.parent.name for path in (ASSETS / "runs").glob("*/recipe.json"))
    if not runs:
        return Finding("runs", "assets/runs is missing: clone the whole repository.", False)
    return Finding("runs", f"recorded: {', '.join(runs)}.")


def _short(folder: Path) -> str:
    """Write a folder of the reader's with ~ for the home folder."""
    try:
        return f"~/{folder.relative_to(Path.home()).as_posix()}"
    except ValueError:
        return str(folder)
