"""Whether plan() costs the same for a short and for a very long run.

    python -m tests.benchmarks.plan

``plan(net)`` of a cfg for every policy, with ``max_batches`` of 5 000 and of 2 000 000 000, called in turn. The curves
are the same but for their length; only the cycles of ``sgdr`` keep theirs, so that the long run has millions of them.
To reach: the long run costs less than 1.5 times the short one, and both take under 2 ms.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lrsched import Net, plan
from lrsched.trainers.darknet import parse_cfg
from tests.benchmarks.timing import as_json, interleaved, median_ratio, shown, table

__all__ = ["Row", "cases", "main", "measure"]

SHORT, LONG = 5_000, 2_000_000_000
ROUNDS = 15
MOST_RATIO, MOST_MILLISECONDS = 1.5, 2.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """plan() of one policy on the short and on the long run."""

    policy: str
    parameters: str
    short_milliseconds: float
    long_milliseconds: float
    ratio: float

    @property
    def reached(self) -> bool:
        """Whether this row is within the bars."""
        return self.ratio < MOST_RATIO and max(self.short_milliseconds, self.long_milliseconds) < MOST_MILLISECONDS


def cases(iterations: int) -> list[tuple[str, Net]]:
    """Every policy, and what is written about its parameters, for a run of so many iterations."""

    def net(policy: str, **keys: Any) -> Net:
        run = Net(batch=64, subdivisions=16, learning_rate=0.01, burn_in=1000, max_batches=iterations, policy=policy)
        return parse_cfg(str(replace(run, **keys)))

    four_fifths, nine_tenths, half = iterations * 4 // 5, iterations * 9 // 10, iterations // 2
    return [
        ("", net("constant")),
        ("step=N/50 scale=0.9", net("step", step=iterations // 50, scale=0.9)),
        ("step=N/10 scale=0.1", net("step", step=iterations // 10, scale=0.1)),
        ("steps=0.8N,0.9N scales=0.1,0.1", net("steps", steps=(four_fifths, nine_tenths), scales=(0.1, 0.1))),
        ("gamma=1-5/N", net("exp", gamma=1 - 5 / iterations)),
        ("power=4", net("poly", power=4.0)),
        ("power=2.5", net("poly", power=2.5)),
        ("power=4", net("random", power=4.0)),
        ("gamma=20/N step=N/2", net("sigmoid", gamma=20 / iterations, step=half)),
        ("sgdr_cycle=1000 sgdr_mult=2", net("sgdr", sgdr_cycle=1000, sgdr_mult=2)),
        ("sgdr_cycle=1000 sgdr_mult=1", net("sgdr", sgdr_cycle=1000, sgdr_mult=1)),
    ]


def measure(rounds: int) -> list[Row]:
    """Plan the short and the long run of every case in turn."""
    rows = []
    for (parameters, short), (_, long) in zip(cases(SHORT), cases(LONG), strict=True):
        runs: dict[str, Callable[[], object]] = {
            "short": partial(plan, short),
            "long": partial(plan, long),
        }
        seconds = interleaved(runs, rounds)
        rows.append(
            Row(
                policy=short.policy,
                parameters=parameters,
                short_milliseconds=statistics.median(seconds["short"]) * 1e3,
                long_milliseconds=statistics.median(seconds["long"]) * 1e3,
                ratio=median_ratio(seconds["long"], seconds["short"]),
            )
        )
    return rows


def as_table(rows: Sequence[Row]) -> str:
    """The rows for a person to read."""
    return table(
        ["policy", "parameters", f"ms for N={SHORT}", f"ms for N={LONG}", "ratio", "bars"],
        [
            [
                row.policy,
                row.parameters,
                shown(row.short_milliseconds),
                shown(row.long_milliseconds),
                shown(row.ratio, "x"),
                "reached" if row.reached else "MISSED",
            ]
            for row in rows
        ],
        left=2,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.plan", description="Cost of plan().")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often everything runs (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args(arguments)
    rows = measure(given.rounds)
    if given.json:
        print(as_json(rows, short=SHORT, long=LONG, rounds=given.rounds))
    else:
        print(f"plan() of a run of N iterations, learning_rate=0.01, burn_in=1000, medians of {given.rounds} rounds.\n")
        print(as_table(rows))
    return 0 if given.json or all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
