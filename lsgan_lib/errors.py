"""The one kind of error that is meant for the reader rather than for a debugger."""


class BookError(Exception):
    """Something the reader can put right: the message says what is wrong, where, and what to do.

    The command line prints the message alone and exits with 1. Notebooks show it as usual.
    """
