"""How long it takes to find one wrong iteration in a long schedule.

    python -m tests.benchmarks.checks

All checks of ``check_schedule`` on runs of 500 000 iterations, each with a fault of one iteration: a drop one late, a
warm-up one short, one rate that is off. The functions take arrays, or one iteration at a time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lrsched.testing import Result, check_schedule
from tests.benchmarks.timing import as_json, interleaved, shown, table

__all__ = ["Planted", "Row", "main", "measure", "planted"]

HORIZON = 500_000
ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A schedule with one wrong iteration, what is promised, and who should find it where."""

    fault: str
    takes: str
    function: Callable[[Any], Any]
    promises: dict[str, Any]
    check: str
    iteration: int

    def run(self, horizon: int) -> list[Result]:
        """Run all checks."""
        return check_schedule(self.function, horizon=horizon, raises=False, **self.promises)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault: whether it was found, where, and how long that took."""

    fault: str
    takes: str
    found: bool
    iteration: int | None
    seconds: float


def planted(horizon: int) -> list[Planted]:
    """Every fault twice: in a function of arrays, and in one of a single iteration."""
    drop, warmup, glitch = horizon * 4 // 5, horizon // 100, horizon * 5 // 9

    def late(t: Any) -> Any:
        return np.where(np.greater(t, drop), 0.01, 0.1)

    def late_alone(t: int) -> float:
        return 0.01 if t > drop else 0.1

    def short(t: Any) -> Any:
        return 0.1 * np.minimum(np.add(t, 1) / warmup, 1.0)

    def short_alone(t: int) -> float:
        return 0.1 * min((t + 1) / warmup, 1.0)

    def off(t: Any) -> Any:
        return 0.1 * (1 - np.true_divide(t, horizon)) + np.equal(t, glitch) * 0.001

    def off_alone(t: int) -> float:
        return 0.1 * (1 - t / horizon) + (0.001 if t == glitch else 0.0)

    faults: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any], dict[str, Any], str, int]] = [
        ("a drop one late", late, late_alone, {"milestones": [drop]}, "jumps-at-milestones-only", drop + 1),
        ("a warm-up one short", short, short_alone, {"warmup": warmup, "peak": 0.1}, "reaches-peak", warmup - 1),
        ("one rate too high", off, off_alone, {"decay": 0}, "decay-falls", glitch),
    ]
    return [
        Planted(fault=fault, takes=takes, function=function, promises=promises, check=check, iteration=iteration)
        for fault, arrays, alone, promises, check, iteration in faults
        for takes, function in (("arrays", arrays), ("one iteration", alone))
    ]


def measure(horizon: int, rounds: int) -> list[Row]:
    """Look for every fault in turn."""
    cases = planted(horizon)
    runs: dict[str, Callable[[], object]] = {str(place): partial(case.run, horizon) for place, case in enumerate(cases)}
    seconds = interleaved(runs, rounds)
    rows = []
    for place, case in enumerate(cases):
        failed = [result for result in case.run(horizon) if result.status == "failed"]
        at = {result.check: result.iteration for result in failed}.get(case.check)
        rows.append(
            Row(
                fault=case.fault,
                takes=case.takes,
                found=at == case.iteration,
                iteration=at,
                seconds=statistics.median(seconds[str(place)]),
            )
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status: 1 when a fault was not found where it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.checks", description="Cost of check_schedule().")
    parser.add_argument("--iterations", type=int, default=HORIZON, help="length of the run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often everything runs (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args(arguments)
    rows = measure(given.iterations, given.rounds)
    if given.json:
        print(as_json(rows, iterations=given.iterations, rounds=given.rounds))
    else:
        print(f"All checks of a run of {given.iterations} iterations, medians of {given.rounds} rounds.\n")
        print(
            table(
                ["fault", "takes", "found at", "seconds"],
                [
                    [row.fault, row.takes, f"{row.iteration}" if row.found else "MISSED", shown(row.seconds)]
                    for row in rows
                ],
                left=2,
            )
        )
    return int(not all(row.found for row in rows))


if __name__ == "__main__":
    sys.exit(main())
