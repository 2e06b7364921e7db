"""What each `lsgan` command does, one idea a file; `lsgan_lib.cli` finds them by name.

Torch takes seconds to import: what needs it is imported inside the functions, so that --help,
lists and typing mistakes answer at once.
"""
