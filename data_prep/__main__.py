"""`python -m data_prep NAME ...`, which is also `lsgan data NAME ...`.

Exit codes: 0 every picture is in the set; 3 the set was made, and its report names pictures that
had to be dropped; 1 no set was made; 130 stopped by Ctrl-C, to be gone on with.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from data_prep.pack import Result, pack
from data_prep.pieces import as_text
from data_prep.sources import NAMES, source
from lsgan_lib.errors import BookError
from lsgan_lib.folders import data_folder
from lsgan_lib.packed import frequent_reasons

SOME_DROPPED = 3


def prepare(name: str, arguments: Sequence[str], prog: str) -> int:
    """Make the set that the command line describes; returns the exit code.

    Raises BookError, and KeyboardInterrupt after Ctrl-C.
    """
    kind = source(name)

    def run(
        source: Annotated[kind, tyro.conf.arg(name="")],  # type: ignore[valid-type]
        out: Path | None = None,
        workers: int | None = None,
        strict: bool = False,
    ) -> Result:
        """{about}

        Args:
            source: the flags of the source itself.
            out: folder of the set; its name within the data folder if not given.
            workers: processes; as many as there are cores if not given.
            strict: make no set at all when a picture has to be dropped.
        """
        job = source.job()  # type: ignore[attr-defined]
        folder = out if out is not None else data_folder() / job.name
        pictures = getattr(source, "source", None)
        if pictures is not None and _lies_in(folder, pictures):
            raise BookError(
                f"the set would go to {folder}, inside the pictures in {pictures}, and its own "
                "files would then count among them. Choose another --out."
            )
        try:
            return pack(job, folder, workers=workers, strict=strict)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"stopped. The same command goes on where {job.name} stands."
            ) from None

    about = (kind.__doc__ or "").splitlines()[0]
    run.__doc__ = (run.__doc__ or "").replace("{about}", about)
    return _say(tyro.cli(run, args=arguments, prog=f"{prog} {name}"))


def _lies_in(folder: Path, other: Path) -> bool:
    return folder.expanduser().resolve().is_relative_to(other.expanduser().resolve())


def _say(result: Result) -> int:
    folder = result.folder
    if result.already:
        print(
            f"{as_text(str(folder))} is there already: {result.count:,} pictures, made with these "
            "options from files of these names and sizes."
        )
    else:
        shown = as_text(str(folder))
        print(f"{result.count:,} pictures in {shown}. Look at {shown}/contact_sheet.png.")
    if not result.dropped:
        return 0
    report = as_text(str(folder / "report.csv"))
    print(f"{len(result.dropped):,} dropped; {report} names each:", file=sys.stderr)
    for reason in frequent_reasons(result.dropped):
        print(f"  {reason}", file=sys.stderr)
    return SOME_DROPPED


def main(arguments: Sequence[str] | None = None, prog: str = "python -m data_prep") -> int:
    """Entry point; returns the exit code."""
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    try:
        if name in ("-h", "--help"):
            print(f"usage: {prog} SOURCE [--from PATH] [--size N] [--out FOLDER] ...\n")
            print(f"sources: {', '.join(NAMES)}\n\n{prog} SOURCE --help tells more about one.")
            return 0
        return prepare(name, rest, prog)
    except BookError as error:
        print(f"data_prep: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(f"data_prep: {str(error) or 'stopped.'}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
