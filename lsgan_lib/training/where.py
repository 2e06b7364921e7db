"""Where a run takes place: the device, and what run.json says about the machine."""

import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

import lsgan_lib
from lsgan_lib.errors import BookError, first_line


def pick_device(wanted: torch.device | str | None) -> torch.device:
    """The device asked for, or a GPU where there is one; raises BookError when it is not there."""
    if wanted is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BookError(
            f"the device {str(wanted)!r} is not here ({first_line(error)}). Use cpu."
        ) from error
    return device


def wait_for(device: torch.device) -> None:
    """Wait until a GPU has done all that it was asked for, as a clock must; a CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def machine(device: torch.device) -> dict[str, Any]:
    """Device, its name, threads, versions, and the commit of the code where it is a checkout."""
    cuda = device.type == "cuda"
    return {
        "device": device.type,
        "device_name": torch.cuda.get_device_name(device) if cuda else _processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "lsgan": lsgan_lib.__version__,
        "commit": _commit(),
    }


def _processor() -> str:
    """The processor's model name; Linux keeps it in a file, other systems in platform."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _commit() -> str | None:
    """Short name of the commit, with a + when files were changed since; None outside a checkout."""
    here = Path(__file__).parent
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return told.stdout.strip() or None if told.returncode == 0 else None
