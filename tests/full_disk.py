"""A disk that is full: the operating system itself refuses to let a file grow."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def full_disk(free: int) -> Iterator[None]:
    """Within the block no file can grow beyond `free` bytes; writing more is an OSError."""
    resource = pytest.importorskip("resource", reason="file size limits are a thing of Unix")
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
