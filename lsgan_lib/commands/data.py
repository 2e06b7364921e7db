"""`lsgan data`: the packed image sets."""

import sys
from collections.abc import Sequence

from lsgan_lib.errors import BookError


def data(arguments: Sequence[str]) -> None:
    """Prepare packed image sets, and list, show or verify those that there are."""
    from data_prep.__main__ import prepare
    from data_prep.sources import NAMES
    from lsgan_lib import sets
    from lsgan_lib.packed import read_packed

    word, *rest = arguments or ["--help"]
    if word in ("-h", "--help"):
        print(
            "usage: lsgan data list | show NAME | verify NAME\n"
            "       lsgan data SOURCE [--from PATH] [--size N] [--out FOLDER] ...\n\n"
            f"sources: {', '.join(NAMES)}\n\nlsgan data SOURCE --help tells more about one."
        )
    elif word == "list":
        print(sets.table_of_sets())
    elif word in ("show", "verify"):
        if len(rest) != 1:
            raise BookError(f"name one set: `lsgan data {word} NAME`. `lsgan data list` shows all.")
        folder = sets.find_set(rest[0])
        packed = read_packed(folder, verify=word == "verify")
        if word == "show":
            print(sets.describe(folder, packed))
        else:
            print(f"{folder}: {len(packed.images):,} pictures match their checksum.")
    else:
        code = prepare(word, rest, "lsgan data")
        if code:
            sys.exit(code)
