"""Benchmarks: each module is a command, run from the root of a checkout as ``python -m tests.benchmarks.NAME``."""
