"""The command line: finds the command, and turns errors into sentences.

Errors that the reader can put right end in one sentence on stderr and exit code 1.
"""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence

import tyro

from lsgan_lib.commands.data import data
from lsgan_lib.commands.export import export
from lsgan_lib.commands.pictures import interpolate, manifold, sample
from lsgan_lib.commands.ranks import is_first, rank
from lsgan_lib.commands.recipes import recipes
from lsgan_lib.commands.runs import runs
from lsgan_lib.commands.train import resume, train
from lsgan_lib.errors import BookError


def bench(arguments: Sequence[str]) -> None:
    """Measure images/s of recipes, engines and precisions on this machine."""
    from lsgan_lib.benchmarks.command import main

    main(list(arguments))


_COMMANDS: dict[str, Callable[..., None]] = {
    "recipes": recipes,
    "data": data,
    "train": train,
    "resume": resume,
    "runs": runs,
    "sample": sample,
    "interpolate": interpolate,
    "manifold": manifold,
    "export": export,
    "bench": bench,
}
_READ_THEIR_OWN_ARGUMENTS = ("data", "train", "bench")


def _usage() -> str:
    lines = ["usage: lsgan COMMAND ...", ""]
    for name, command in _COMMANDS.items():
        about = (command.__doc__ or "").splitlines()[0]
        lines.append(f"  {name:12} {about}")
    return "\n".join([*lines, "", "lsgan COMMAND --help tells more about one."])


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `lsgan`; exits with 1 for what the reader can put right, 130 after Ctrl-C."""
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    speaker = "lsgan" if is_first() else f"lsgan (process {rank()})"
    warnings.showwarning = lambda message, *_: print(f"lsgan: {message}", file=sys.stderr)
    try:
        with _quiet_unless_first():
            if name in ("-h", "--help"):
                print(_usage())
            elif name not in _COMMANDS:
                raise BookError(f"there is no command {name!r}; there are {', '.join(_COMMANDS)}.")
            elif name in _READ_THEIR_OWN_ARGUMENTS:
                _COMMANDS[name](rest)
            else:
                tyro.cli(_COMMANDS[name], args=rest, prog=f"lsgan {name}")
    except (BookError, ValueError) as error:
        sys.exit(f"{speaker}: {error}")
    except KeyboardInterrupt as error:
        if is_first():
            print(f"lsgan: {str(error) or 'stopped.'}", file=sys.stderr)
        sys.exit(130)


@contextlib.contextmanager
def _quiet_unless_first() -> Iterator[None]:
    """Of several processes that torchrun started, only the first prints and warns."""
    if is_first():
        yield
        return
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        warnings.showwarning = lambda *_: None
        yield


if __name__ == "__main__":
    main()
