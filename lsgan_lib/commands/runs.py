"""`lsgan runs`."""

from pathlib import Path

from tyro.conf import Positional

from lsgan_lib.runs import table_of_runs


def runs(folder: Positional[Path] = Path("runs")) -> None:
    """List the runs below a folder: their state, how far they are, their last picture.

    Args:
        folder: where to look, sub-folders included.
    """
    print(table_of_runs(folder))
