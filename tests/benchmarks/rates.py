"""How fast a whole run is evaluated, beside the same formula in C, in Python and in numpy.

    python -m tests.benchmarks.rates

What is measured, once per policy and round, one thread each, one after the other:

- lrsched: ``schedule.rates(0, N, out=float32 array)``;
- C: a loop over a function with a switch, compiled here with ``cc -O2``, that writes a float32 array (``plain.c``);
- Python: a loop over the functions of ``math`` that writes an ``array``; only every 50th iteration, scaled up;
- numpy: a float64 expression over ``np.arange(N)``, assigned to a float64 array.

The arrays are allocated before the clock starts. lrsched and C must have written the same bits. The exit status is 1
when they have not, or when lrsched is not as many times faster than C as the table asks for.
"""

from __future__ import annotations

import argparse
import array
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched import Net
from tests.benchmarks.rivals import CLoop, compile_c_loop, numpy_expression, python_loop
from tests.benchmarks.timing import as_json, interleaved, median_ratio, shown, table

__all__ = ["Case", "Row", "cases", "main", "measure"]

ITERATIONS = 5_000_000
ROUNDS = 7
PYTHON_STRIDE = 50


@dataclass(frozen=True, kw_only=True)
class Case:
    """A run to evaluate, and how many times faster than the C loop it should be."""

    parameters: str
    net: Net
    bar: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured for one case; ``None`` where there was no C compiler."""

    policy: str
    parameters: str
    ns_per_iteration: float
    c_ratio: float | None
    python_ratio: float
    numpy_ratio: float
    differing_bits: int | None
    bar: float
    reached: bool | None


def cases(iterations: int) -> list[Case]:
    """Every policy with the numbers of a usual run of so many iterations."""
    tenth = max(iterations // 10, 1)

    def case(policy: str, bar: float, **keys: Any) -> Case:
        net = Net(policy=policy, learning_rate=0.01, burn_in=1000, max_batches=iterations, **keys)
        written = (f"{key}={','.join(f'{v:.9g}' for v in np.atleast_1d(value))}" for key, value in keys.items())
        return Case(parameters=" ".join(written), net=net, bar=bar)

    return [
        case("constant", 1),
        case("step", 1, step=max(iterations // 100, 1), scale=0.94),
        case("step", 1, step=100, scale=0.9999),
        case("steps", 1, steps=(8 * tenth, 9 * tenth), scales=(0.1, 0.1)),
        case("exp", 1, gamma=1 - 5 / iterations),
        case("poly", 1, power=4.0),
        case("poly", 1, power=2.5),
        case("random", 1, power=4.0),
        case("sigmoid", 1, gamma=20 / iterations, step=5 * tenth),
        case("sgdr", 1, sgdr_cycle=tenth, sgdr_mult=2, learning_rate_min=0.00001),
    ]


def measure(case: Case, iterations: int, rounds: int, c_loop: CLoop | None) -> Row:
    """Evaluate one case with all rivals in turn."""
    net, schedule = case.net, case.net.schedule()
    ours = np.empty(iterations, np.float32)
    doubles = np.empty(iterations, np.float64)
    some = range(0, iterations, PYTHON_STRIDE)
    floats = array.array("f", bytes(4 * len(some)))
    runs: dict[str, Callable[[], object]] = {
        "lrsched": lambda: schedule.rates(0, iterations, out=ours),
        "python": lambda: python_loop(net, some, floats),
        "numpy": lambda: numpy_expression(net, doubles),
    }
    differing = None
    if c_loop is not None:
        theirs = np.empty(iterations, np.float32)
        runs["c"] = lambda: c_loop(net, theirs)
    seconds = interleaved(runs, rounds)
    if c_loop is not None:
        differing = _differing_bits(ours, theirs)
    c_ratio = median_ratio(seconds["c"], seconds["lrsched"]) if c_loop is not None else None
    return Row(
        policy=net.policy,
        parameters=case.parameters,
        ns_per_iteration=statistics.median(seconds["lrsched"]) / iterations * 1e9,
        c_ratio=c_ratio,
        python_ratio=median_ratio(seconds["python"], seconds["lrsched"]) * iterations / len(some),
        numpy_ratio=median_ratio(seconds["numpy"], seconds["lrsched"]),
        differing_bits=differing,
        bar=case.bar,
        reached=None if c_ratio is None else c_ratio >= case.bar,
    )


def _differing_bits(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> int:
    apart = ours.view(np.uint32) ^ theirs.view(np.uint32)
    return int(np.unpackbits(apart[apart != 0].view(np.uint8)).sum())


def as_table(rows: Sequence[Row]) -> str:
    """The rows for a person to read."""
    answers = {True: "reached", False: "MISSED", None: "-"}
    return table(
        ["policy", "parameters", "ns/iteration", "C", "Python", "numpy", "differing bits", "bar (C)", ""],
        [
            [
                row.policy,
                row.parameters,
                shown(row.ns_per_iteration),
                shown(row.c_ratio, "x"),
                shown(row.python_ratio, "x"),
                shown(row.numpy_ratio, "x"),
                "-" if row.differing_bits is None else str(row.differing_bits),
                f"{row.bar:g}x",
                answers[row.reached],
            ]
            for row in rows
        ],
        left=2,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rates", description="Speed of every policy.")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="length of a run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often everything runs (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args(arguments)
    compiled = compile_c_loop()
    c_loop = None if isinstance(compiled, str) else compiled
    if isinstance(compiled, str):
        print(f"without the C loop: {compiled}", file=sys.stderr)
    rows = [measure(case, given.iterations, given.rounds, c_loop) for case in cases(given.iterations)]
    if given.json:
        print(as_json(rows, iterations=given.iterations, rounds=given.rounds, python_stride=PYTHON_STRIDE))
    else:
        print(f"{given.iterations} iterations of every policy, learning_rate=0.01, burn_in=1000; C, Python, numpy: how")
        print(f"many times longer they take than lrsched, median of {given.rounds} rounds, one thread each.")
        print(f"Python runs every {PYTHON_STRIDE}th iteration and is scaled up.\n")
        print(as_table(rows))
    return int(any(row.differing_bits or row.reached is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
