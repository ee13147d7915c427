"""Whether plan() costs the same for a short and for a very long run.

    python -m tests.benchmarks.plan

``plan(net)`` of a cfg for every policy, with ``max_batches`` of 5 000 and of 2 000 000 000, called in turn. The curves
are the same but for their length; only the cycles of ``sgdr`` keep theirs, so that the long run has millions of them.
To reach: both take less than 5 ms.
"""

from __future__ import annotations

import statistics
import sys
from functools import partial
from typing import Any

from lrsched import Net, parse_cfg, plan
from tests.benchmarks.timing import asked, interleaved

LENGTHS = (5_000, 2_000_000_000)
MOST_MILLISECONDS = 5.0


def cases(iterations: int) -> list[tuple[str, Net]]:
    """Every policy, and what is written about its parameters, for a run of so many iterations."""

    def net(policy: str, **keys: Any) -> Net:
        usual = {"batch": 64, "subdivisions": 16, "learning_rate": 0.01, "burn_in": 1000, "max_batches": iterations}
        return parse_cfg("[net]\n").with_values(usual | {"policy": policy} | keys)

    steps = (iterations * 4 // 5, iterations * 9 // 10)
    return [
        ("", net("constant")),
        ("step=N/50 scale=0.9", net("step", step=iterations // 50, scale=0.9)),
        ("step=N/10 scale=0.1", net("step", step=iterations // 10, scale=0.1)),
        ("steps=0.8N,0.9N scales=0.1,0.1", net("steps", steps=steps, scales=(0.1, 0.1))),
        ("gamma=1-5/N", net("exp", gamma=1 - 5 / iterations)),
        ("power=4", net("poly", power=4.0)),
        ("power=2.5", net("poly", power=2.5)),
        ("power=4", net("random", power=4.0)),
        ("gamma=20/N step=N/2", net("sigmoid", gamma=20 / iterations, step=iterations // 2)),
        ("sgdr_cycle=1000 sgdr_mult=2", net("sgdr", sgdr_cycle=1000, sgdr_mult=2)),
        ("sgdr_cycle=1000 sgdr_mult=1", net("sgdr", sgdr_cycle=1000, sgdr_mult=1)),
    ]


def main() -> int:
    """Measure, print, and return the exit status."""
    given = asked("plan", "Cost of plan().", rounds=15)
    good = True
    print(f"plan() of a run of N iterations, medians of {given.rounds} rounds, in ms (at most {MOST_MILLISECONDS:g})")
    for (parameters, short), (_, long) in zip(*map(cases, LENGTHS), strict=True):
        seconds = interleaved({"short": partial(plan, short), "long": partial(plan, long)}, given.rounds)
        milliseconds = [statistics.median(each) * 1e3 for each in seconds.values()]
        good &= max(milliseconds) < MOST_MILLISECONDS
        shown = ", ".join(f"N={n}: {ms:.2f}" for n, ms in zip(LENGTHS, milliseconds, strict=True))
        print(f"{short.policy:9} {parameters:32} {shown}")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
