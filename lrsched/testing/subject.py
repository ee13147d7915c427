"""The schedule that is checked: its function, what is expected, and its rates over the whole run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import LAST_ITERATION, FunctionSchedule, Iterations, Schedule
from lrsched.sources import as_schedule
from lrsched.testing.evaluate import Function, Rates, evaluate, evaluate_array
from lrsched.testing.expectations import Expectations, expectations
from lrsched.testing.pace import Pace

__all__ = ["WALKED", "Subject", "subject", "walk"]

WALKED = 2**22
"""Runs up to this long are walked whole: then the first iteration that fails is the smallest one."""

SPREAD = 2**20
"""Of longer runs this many iterations are looked at, evenly spread, and all where something is expected."""

PROBES = 16
"""Iterations spread over the run at which a function is called once more, and as many where something is expected."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A schedule to be checked.

    Attributes:
        name: what messages and test ids call it.
        expected: what it should do.
        iterations: the iterations that are looked at, ascending: all of a run of usual length.
        answers: what it returned at each of them.
        later: iterations after the horizon, and what it returned there.
        probes: iterations at which the function is called once more.
        function: what is called for rates; a recording has none.
        own: a Schedule of this package, whose rates must agree to the bit.
        takes_arrays: whether the function answers an array of iterations with an array of rates.
    """

    name: str
    expected: Expectations
    iterations: Iterations
    answers: Rates
    later: tuple[Iterations, Rates]
    probes: Iterations = field(default_factory=lambda: np.empty(0, np.int64))
    function: Function = math.nan.__add__
    own: bool = False
    takes_arrays: bool = False

    @property
    def horizon(self) -> int:
        """The last iteration of the run."""
        return self.expected.horizon

    @property
    def rates(self) -> NDArray[np.float64]:
        """The rate at each of the iterations; NaN where it is no real number."""
        return self.answers.values

    def rate(self, iteration: int) -> float:
        """The rate at an iteration that was looked at, as all those are where something is expected."""
        return float(self.rates[np.searchsorted(self.iterations, iteration)])

    @cached_property
    def top(self) -> float:
        """The largest size of a rate."""
        return float(np.max(np.abs(self.rates), initial=0.0, where=np.isfinite(self.rates)))

    @property
    def slack(self) -> float:
        """What rounding may do: four units in the last place of the largest rate."""
        return 4 * float(np.finfo(self.answers.dtype).eps) * self.top

    @property
    def tolerance(self) -> float:
        """How exactly expected rates must be met."""
        if self.expected.tolerance is not None:
            return self.expected.tolerance
        return (1e-9 if self.answers.dtype.itemsize == 8 else 1e-6) * self.top

    def part(self, first: int, last: int) -> tuple[Iterations, NDArray[np.float64]]:
        """The iterations in ``first..last`` that have a finite rate, and those rates."""
        inside = (self.iterations >= first) & (self.iterations <= last) & np.isfinite(self.rates)
        return self.iterations[inside], self.rates[inside]

    @cached_property
    def alone(self) -> Rates:
        """What it returns at the probes, called with one iteration at a time."""
        return evaluate(self.function, self.probes.tolist())


def walk(expected: Expectations, most: int = WALKED) -> Iterations:
    """The iterations to look at: all, or evenly spread ones and those where something is expected."""
    if expected.horizon < most:
        return np.arange(expected.horizon + 1, dtype=np.int64)
    spread = np.linspace(0, expected.horizon, min(most, SPREAD), dtype=np.int64)
    places = np.array([each for each in expected.places if not _found(spread, each)], np.int64)
    return np.insert(spread, np.searchsorted(spread, places), places)


def again(expected: Expectations, iterations: Iterations, count: int) -> Iterations:
    """A few of the iterations: some evenly spread, and some where something is expected."""
    marked = expected.places[:: len(expected.places) // count + 1]
    chosen = {*np.linspace(0, expected.horizon, count + 1, dtype=np.int64).tolist(), *marked}
    return np.array([each for each in sorted(chosen) if _found(iterations, each)], np.int64)


def _found(ascending: Iterations, iteration: int) -> bool:
    place = int(np.searchsorted(ascending, iteration))
    return place < ascending.size and int(ascending[place]) == iteration


def later_than(horizon: int) -> Iterations:
    """Iterations after the horizon: the next ones, and some far away."""
    far = {horizon + 1, horizon + 2, 2 * horizon - 1, 2 * horizon, 2 * horizon + 1, 10 * horizon, LAST_ITERATION}
    return np.array(sorted(each for each in far if horizon < each <= LAST_ITERATION), np.int64)


def subject(
    source: Any, given: Mapping[str, Any], *, name: str | None = None, most: int = WALKED, pace: Pace | None = None
) -> Subject:
    """Walk over a schedule, ready to be checked.

    Raises:
        OSError, TypeError, ValueError: for what is no schedule, or an expectation that makes no sense.
    """
    if isinstance(source, type):
        raise TypeError(f"give an instance of {source.__name__}, not the class")
    schedule = as_schedule(source, horizon=given.get("horizon"))
    expected = expectations(schedule, given)
    own = not isinstance(schedule, FunctionSchedule)
    # the function itself, because a Schedule refuses what is no number
    function: Function = schedule if own else schedule.function  # type: ignore[attr-defined]
    pace = Pace() if pace is None else pace
    takes_arrays = _takes_arrays(function, expected.horizon)
    count = PROBES
    if not takes_arrays:
        most, count = pace.affordable(function, expected.horizon, most, count)
    iterations = walk(expected, most)
    together = evaluate_array(function, iterations) if takes_arrays else None
    after = later_than(expected.horizon) if expected.after else np.empty(0, np.int64)
    return Subject(
        name=called(source) if name is None else name,
        expected=expected,
        iterations=iterations,
        answers=evaluate(function, iterations.tolist()) if together is None else together,
        later=(after, evaluate(function, after.tolist())),
        probes=again(expected, iterations, count),
        function=function,
        own=own,
        takes_arrays=takes_arrays,
    )


def _takes_arrays(function: Callable[[Any], Any], horizon: int) -> bool:
    # a function that holds arrays itself may answer arrays of one length, by accident
    lengths = (np.arange(length, dtype=np.int64) % (horizon + 1) for length in (1, 5, 7))
    return all(evaluate_array(function, each) is not None for each in lengths)


def called(source: Any) -> str:
    """A short name of a schedule for messages and test ids."""
    if isinstance(source, FunctionSchedule):
        return called(source.function)
    if isinstance(source, (Schedule, str)):
        return str(source) if isinstance(source, str) else repr(source)
    code, qualname = getattr(source, "__code__", None), getattr(source, "__qualname__", None)
    if qualname is None:
        return type(source).__name__
    line = f" of line {code.co_firstlineno}" if code is not None and "<lambda>" in qualname else ""
    return str(qualname).rpartition("<locals>.")[2] + line
