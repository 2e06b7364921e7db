"""Where image sets lie: those that come with the book, and the reader's data folder."""

import os
from pathlib import Path

from lsgan_lib.errors import BookError

ASSETS = Path(__file__).resolve().parents[1] / "assets"
"""The repository's assets: recorded runs, the offline digits, figures."""


def data_folder() -> Path:
    """The folder of larger sets: $LSGAN_DATA where it is set, else a cache folder of the system.

    Raises BookError when $LSGAN_DATA names a folder that does not exist: a typing mistake should
    not end in a second copy of the data somewhere else.
    """
    named = os.environ.get("LSGAN_DATA")
    if not named:
        import platformdirs  # only here: with LSGAN_DATA nothing but torch and numpy is needed

        return Path(platformdirs.user_cache_dir("lsgan"))
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise BookError(
            f"the environment variable LSGAN_DATA names {folder}, which is not a folder. "
            "Create it, or unset LSGAN_DATA to use the cache folder."
        )
    return folder
