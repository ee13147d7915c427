"""How long slow schedules take: said before they start, and kept within a budget where the caller gives one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from lrsched.testing.evaluate import quiet

__all__ = ["Pace"]

WORTH_SAYING = 5.0
"""Seconds from which on the caller is told how long it will take."""

SAMPLE = 0.05
"""Seconds for which a function is called to learn how long a call takes."""

AGAIN = 6
"""Calls of the checks that call a function once more, for each of their iterations."""


@dataclass(frozen=True)
class Pace:
    """How long checks may take, and who is told.

    Attributes:
        budget: seconds; None for as long as it takes.
        progress: called with a sentence when it will take long.
    """

    budget: float | None = None
    progress: Callable[[str], object] = print

    def affordable(self, function: Callable[[Any], Any], horizon: int, most: int, probes: int) -> tuple[int, int]:
        """How many iterations may be looked at, one call each, and how many of them again."""
        begin, calls = perf_counter(), 0
        with quiet():
            while perf_counter() - begin < SAMPLE and calls <= min(horizon, 100):
                try:
                    function(calls)
                except Exception:
                    return most, probes
                calls += 1
        each = (perf_counter() - begin) / calls
        needed = min(horizon + 1, most) + 2 * AGAIN * probes
        if self.budget is not None and needed * each > self.budget:
            fitting = max(int(self.budget / each / 2), 2)
            self.progress(f"a call takes {each:.2g} s: looking at {fitting} of {horizon + 1} iterations")
            return fitting, max(fitting // (2 * AGAIN), 1)
        self.announce(needed * each, f"{needed} calls of {each:.2g} s")
        return most, probes

    def announce(self, seconds: float, what: str) -> None:
        """Say how long it will take, where that is long."""
        if seconds > WORTH_SAYING:
            self.progress(f"the checks will take about {seconds:.0f} s ({what}); budget=SECONDS looks at fewer")
