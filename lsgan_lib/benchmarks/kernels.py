"""What a step asks of a GPU, counted by torch's profiler: kernels, launches, waits."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function

_STEPS = 4
_REGION = "counted steps"
_LAUNCHES = ("LaunchKernel", "GraphLaunch", "MemcpyAsync", "MemsetAsync")
_WAITS = ("StreamSynchronize", "DeviceSynchronize", "EventSynchronize", "CtxSynchronize")


@dataclass(frozen=True)
class Counts:
    """Means over a few steps."""

    kernels: float | None = None
    """programs that the GPU ran, copies and fills of memory included"""
    launches: float | None = None
    """times that the CPU asked it for something; one for a whole graph"""
    waits: float | None = None
    """times that the CPU stood still until the GPU had finished"""


def count_kernels(step: Callable[[], object], device: torch.device) -> Counts:
    """Profile a few steps that have been warmed up."""
    torch.cuda.synchronize(device)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        with record_function(_REGION):
            for _ in range(_STEPS):
                step()
        torch.cuda.synchronize(device)  # outside of the region
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text())["traceEvents"]
    return count_events(events, _STEPS)


def count_events(events: list[dict[str, Any]], steps: int) -> Counts:
    """Count in a trace in Chrome's format; waits and launches are those within the region."""
    region = next(e for e in events if e.get("name") == _REGION and e.get("cat", "")[:4] == "user")
    begin, end = region["ts"], region["ts"] + region["dur"]
    kernels = [e for e in events if e.get("cat") in ("kernel", "gpu_memcpy", "gpu_memset")]
    calls = [
        e["name"]
        for e in events
        if e.get("cat") in ("cuda_runtime", "cuda_driver") and begin <= e["ts"] <= end
    ]
    launches = [name for name in calls if any(part in name for part in _LAUNCHES)]
    waits = [name for name in calls if any(part in name for part in _WAITS)]
    return Counts(len(kernels) / steps, len(launches) / steps, len(waits) / steps)
