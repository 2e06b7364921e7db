"""The one kind of error that is meant for the reader rather than for a debugger."""


class BookError(Exception):
    """Something the reader can put right: the message says what is wrong, where, and what to do.

    The command line prints the message alone and exits with 1. Notebooks show it as usual.
    """


def first_line(error: Exception, longest: int | None = None) -> str:
    """What an error of another library says, fit for a sentence of ours.

    Its first line, cut after `longest` characters: some quote whole files. Its kind, where it says
    nothing.
    """
    return (str(error).splitlines() or [type(error).__name__])[0][:longest]
