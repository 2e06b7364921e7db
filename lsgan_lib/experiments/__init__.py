"""Experiments of many runs: one module is one table in assets/tables, and one command makes it."""
