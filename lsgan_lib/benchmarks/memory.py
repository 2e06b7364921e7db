"""How much memory a training takes at its peak.

A GPU's allocator keeps a record. A process has none that a second training beside the first would
not spoil, so on the CPU the steps are made by a process of their own, started for this:
`python -m lsgan_lib.benchmarks.memory`, a recipe on its standard input. It first makes steps of the
same recipe in miniature, which load the libraries; counted is what the steps proper add to that.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import torch

from lsgan_lib.benchmarks.steps import Way, adapted, begin
from lsgan_lib.training.recipe import Recipe, from_json, to_json

_STEPS = 3  # the second is the first with an optimiser's means


def peak_on_cpu(recipe: Recipe, way: Way) -> int | None:
    """Bytes at the peak, in a process of its own; None where that fails or the system is silent."""
    if _told("VmHWM") is None:
        return None
    order = {"recipe": to_json(recipe), "way": vars(way), "threads": torch.get_num_threads()}
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(done.stdout) if done.returncode == 0 else None


def peak_on_gpu(recipe: Recipe, way: Way, device: torch.device) -> int:
    """Bytes at the peak, over what the device held before."""
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    step = begin(recipe, way, device)
    for _ in range(2 * _STEPS):  # a graph is captured after a few
        step()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _told(name: str) -> int | None:
    """A line of Linux's account of this process, in bytes: VmRSS now, VmHWM at the peak."""
    try:
        found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _main() -> None:
    order = json.load(sys.stdin)
    torch.set_num_threads(order["threads"])
    recipe, way = from_json(order["recipe"]), Way(**order["way"])
    _make_steps(adapted(recipe, width=1e-3, batch=2), way)
    before = _told("VmRSS") or 0
    _make_steps(recipe, way)
    print(max(0, (_told("VmHWM") or 0) - before))


def _make_steps(recipe: Recipe, way: Way) -> None:
    step = begin(recipe, way, torch.device("cpu"))
    for _ in range(_STEPS):
        step()


if __name__ == "__main__":
    _main()
