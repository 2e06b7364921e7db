"""Of several processes that torchrun started, the first one speaks."""

import os


def rank() -> int:
    """The number that torchrun gave this process; 0 where there is only one."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process is the one that shows progress and results."""
    return rank() == 0
