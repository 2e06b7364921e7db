"""`python -m lsgan_lib` is `lsgan`."""

from lsgan_lib.cli import main

main()
