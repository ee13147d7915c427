"""How long it takes to find the cfg nearest to a curve.

    python -m tests.benchmarks.fit

``fit_cfg`` of 500 200 iterations with up to 20 steps, for curves that are policies and for others. To reach: a second.
"""

from __future__ import annotations

import statistics
import sys
from functools import partial

from lrsched import schedules
from lrsched.convert import fit_cfg
from tests.benchmarks.timing import asked, interleaved

HORIZON, STEPS, MOST_SECONDS = 500_200, 20, 1.0
CURVES = {
    "polynomial, power 4": schedules.polynomial(peak=0.001, horizon=HORIZON, power=4),
    "cosine": schedules.cosine(peak=0.1, horizon=HORIZON),
    "cosine after a warm-up": schedules.cosine(peak=0.1, horizon=HORIZON, warmup=1000),
    "one cycle": schedules.one_cycle(peak=0.1, horizon=HORIZON),
    "exponential": schedules.exponential(peak=0.1, horizon=HORIZON, final=1e-4),
    "inverse square root": schedules.inverse_sqrt(peak=0.1, warmup=4000, horizon=HORIZON),
}


def main() -> int:
    """Measure, print, and return the exit status."""
    given = asked("fit", "Time of fit_cfg().", rounds=5)
    runs = {name: partial(fit_cfg, curve, HORIZON, steps=STEPS) for name, curve in CURVES.items()}
    print(f"fit_cfg() of {HORIZON} iterations, medians of {given.rounds} rounds (at most {MOST_SECONDS:g} s)")
    seconds = {name: statistics.median(each) for name, each in interleaved(runs, given.rounds).items()}
    for name, each in seconds.items():
        print(f"{name:24} {each:.2f} s  {runs[name]().sentence}")
    return int(max(seconds.values()) > MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
