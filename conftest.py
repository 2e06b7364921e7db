"""Conditions under which every test and every chapter runs, whatever pytest is asked for."""

import os
import signal

import pytest

try:
    import nbval.kernel
except ImportError:  # a machine that only runs unit tests, as `benchmarks.gpu_session` does
    nbval = None

# One torch thread for each process. More threads than free cores can be fifty times slower, and the
# chapters' recorded outputs were made so. Set before anything imports torch; kernels inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

STARTS = 3  # attempts to start a chapter's kernel
start_once = nbval and nbval.kernel.start_new_kernel


def start_new_kernel(*arguments, **options):
    """Start a kernel, again if it dies before its first answer.

    A kernel is told five free ports and opens them a second later. With two workers another program
    may have taken one by then; the kernel dies and every cell of the chapter fails, though nothing
    is wrong with the chapter.
    """
    for _ in range(STARTS - 1):
        try:
            return start_once(*arguments, **options)
        except RuntimeError:
            continue
    return start_once(*arguments, **options)


if nbval:
    nbval.kernel.start_new_kernel = start_new_kernel


@pytest.fixture
def interruptible():
    """SIGINT as in a terminal: a test run started in the background inherits it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
