"""An experiment as a command: what a person reads when it cannot go on, or was stopped."""

import sys
from collections.abc import Callable

import tyro

from lsgan_lib.errors import BookError


def run_command(main: Callable[..., None], name: str) -> None:
    """Call `main` with what the command line says; ends the process where it fails.

    main: its arguments become the options, its docstring the help. name: the experiment's.
    """
    try:
        tyro.cli(main)
    except BookError as error:
        sys.exit(f"{name}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"{name}: interrupted. The same command goes on where it stopped.")
