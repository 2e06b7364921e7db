"""What the commands that read a run have in common: finding it by path or name."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsgan_lib.training import RunDirectory


def find_run(run: Path) -> "RunDirectory":
    """A run's folder, or the recorded run of that name where there is no such folder."""
    from lsgan_lib import data
    from lsgan_lib.training import RunDirectory

    recorded = data.ASSETS / "runs" / run
    directory = RunDirectory(run)
    if not directory.exists() and RunDirectory(recorded).exists():
        directory = RunDirectory(recorded)
    return directory
