"""Conditions under which every test and every chapter runs, whatever pytest is asked for."""

import os

# One torch thread for each process. More threads than free cores can be fifty times slower, and the
# chapters' recorded outputs were made so. Set before anything imports torch; kernels inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
