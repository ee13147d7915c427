"""Time things side by side.

Runs that are compared alternate (A B C A B C ...), so that whatever else the machine does hits them alike; a ratio is
taken within each round, and the median of the rounds is reported.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

__all__ = ["Seconds", "asked", "interleaved", "median_ratio"]

Seconds: TypeAlias = list[float]
"""Wall-clock seconds of one run, round after round."""


def asked(name: str, about: str, **defaults: float) -> argparse.Namespace:
    """The options of a benchmark, as the command line gives them."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.benchmarks.{name}", description=about)
    for option, default in defaults.items():
        parser.add_argument(f"--{option}", type=type(default), default=default, help="default %(default)s")
    return parser.parse_args()


def interleaved(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Seconds]:
    """Run all of ``runs`` in turn, ``rounds`` times, after one round that is not counted."""
    seconds: dict[str, Seconds] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            begin = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - begin)
    return {name: taken[1:] for name, taken in seconds.items()}


def median_ratio(slow: Seconds, fast: Seconds) -> float:
    """How many times longer ``slow`` took than ``fast``: the median of the ratios within each round."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))
