"""The schedule that is checked: its function, its promises, and a walk over its run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import LAST_ITERATION, FunctionSchedule, Iterations, Schedule
from lrsched.testing.answers import Answers, Function, ask, ask_at_once
from lrsched.testing.declared import Declared, declared_by

__all__ = ["Subject", "subject"]

WALKED = 2**20
"""Runs up to this long are walked whole; of longer ones windows of iterations are, and searched between."""

WINDOW = 2**11
"""Iterations of a window."""

PROBES = 160
"""Iterations spread over the run at which a function is asked once more."""

MOST_LANDMARKS = 64
"""Milestones at which a function is asked once more."""

FIRST_UNSAFE = (2**15, 2**16, 2**24, 2**31)
"""Where small integers and float32 end."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A schedule to be checked: what to ask, what is promised, and how far it can be asked.

    Attributes:
        name: what it is called in messages and ids.
        function: what is asked for rates.
        declared: what is promised.
        reach: the last iteration it can be asked for.
        own: a Schedule of this package, which is held to the bit.
        recorded: the rates of a scheduler with state, that were written down; they can be asked one by one only.
    """

    name: str
    function: Function
    declared: Declared
    reach: int
    own: bool = False
    recorded: bool = False

    @property
    def horizon(self) -> int:
        """The last iteration of the run."""
        return self.declared.horizon

    @cached_property
    def vectorises(self) -> bool:
        """Whether it answers an array of iterations with an array of rates."""
        if self.recorded:
            return False
        # a function that holds arrays itself may answer arrays of one length, by accident
        lengths = (1, 5, 7)
        return all(
            ask_at_once(self.function, np.arange(length, dtype=np.int64) % (self.horizon + 1)) is not None
            for length in lengths
        )

    def ask(self, iterations: Iterable[Any]) -> Answers:
        """Ask once per iteration, in this order."""
        return ask(self.function, list(iterations))

    def rate(self, iteration: int) -> float:
        """One rate; NaN where the answer is no real number."""
        return float(self.evaluated(np.array([iteration], np.int64)).rates[0])

    def made(self, function: Function) -> Subject:
        """Another function, asked in the same way, nothing promised."""
        return Subject(self.name, function, Declared(horizon=1), self.reach, recorded=self.recorded)

    def evaluated(self, iterations: Iterations) -> Answers:
        """The answers for an array of iterations, at once where that works, else one by one."""
        answers = ask_at_once(self.function, iterations) if self.vectorises else None
        return self.ask(iterations.tolist()) if answers is None else answers

    @cached_property
    def landmarks(self) -> list[int]:
        """Iterations of the run where something is promised to happen, and their neighbours."""
        told = self.declared
        pieces = [each for piece in islice(told.pieces or (), MOST_LANDMARKS) for each in _ends(piece)]
        marks = [0, self.horizon, told.warmup, *(told.falling or ()), *pieces, *FIRST_UNSAFE]
        marks += [*list(told.milestones or ())[:MOST_LANDMARKS], *(told.joins or ())]
        near = {mark + side for mark in marks if mark is not None for side in (-1, 0, 1)}
        return sorted(each for each in near if 0 <= each <= self.horizon)

    @cached_property
    def probes(self) -> list[int]:
        """The landmarks and iterations spread over the run, ascending."""
        spread = np.arange(PROBES) * 0.6180339887498949 % 1.0  # the golden ratio leaves no large gap
        return sorted({*self.landmarks, *(spread * (self.horizon + 1)).astype(np.int64).tolist()})

    @cached_property
    def walk(self) -> Iterations:
        """The iterations that are looked at, ascending: all of a run of usual length."""
        if self.horizon < WALKED:
            return np.arange(self.horizon + 1, dtype=np.int64)
        half = WINDOW // 2
        windows = [np.arange(max(mark - half, 0), min(mark + half, self.horizon) + 1) for mark in self.probes]
        return np.unique(np.concatenate(windows)).astype(np.int64)

    @cached_property
    def answers(self) -> Answers:
        """What it answers along the walk."""
        return self.evaluated(self.walk)

    @cached_property
    def alone(self) -> Answers:
        """What it answers to the probes one by one, as ints of Python."""
        return self.ask(self.probes)

    @cached_property
    def known(self) -> tuple[Iterations, NDArray[np.float64]]:
        """The iterations of the walk with a finite real rate, and those rates."""
        there = np.isfinite(self.answers.rates)
        return self.walk[there], self.answers.rates[there]

    @cached_property
    def top(self) -> float:
        """The largest size of a rate."""
        rates = self.known[1]
        return float(np.abs(rates).max()) if rates.size else 0.0

    @cached_property
    def ulp(self) -> float:
        """The distance of two neighbouring numbers at the largest rate."""
        return float(np.finfo(self.answers.precision).eps) * self.top

    @property
    def slack(self) -> float:
        """What rounding may do: four units in the last place of the largest rate."""
        return 4 * self.ulp

    @property
    def tolerance(self) -> float:
        """How exactly promised rates must be met."""
        if self.declared.tolerance is not None:
            return self.declared.tolerance
        return (1e-9 if self.answers.precision.itemsize == 8 else 1e-6) * self.top

    def first_between(
        self, low: int, high: int, wrong: Callable[[float, float], bool], since: int | None = None
    ) -> tuple[int, int]:
        """Two neighbours with wrong rates, found by halving an interval whose ends have wrong rates.

        With ``since``, an iteration before ``low``, it looks for earlier ones from there on, by halving too.
        """
        while high - low > 1:
            middle = (low + high) // 2
            if wrong(self.rate(low), self.rate(middle)):
                high = middle
            else:
                low = middle
        good = low if since is None else since
        while low - good > 1:
            middle = (low + good) // 2
            if wrong(self.rate(middle), self.rate(middle + 1)):
                low = middle
            else:
                good = middle
        return low, low + 1


def _ends(piece: Any) -> Sequence[int]:
    return (piece.first, piece.last, piece.end)


def subject(source: Any, *, horizon: int | None = None, name: str | None = None, **declared: Any) -> Subject:
    """A schedule with its promises, ready to be checked; the promises are the fields of ``Declared``.

    Args:
        source: a Schedule, or any function of the iteration.
        horizon: the last iteration of the run; a Schedule may know it.
        name: what to call it; its repr or qualified name when absent.
        **declared: what is promised.

    Raises:
        TypeError, ValueError: for what cannot be called, or a promise that makes no sense.
    """
    if isinstance(source, Subject):
        if declared or horizon is not None:
            raise TypeError("a subject has its promises already; give them to subject(...)")
        return source
    if isinstance(source, type):
        raise TypeError(f"give an instance of {source.__name__}, not the class")
    if not callable(source):
        raise TypeError(f"a schedule must be callable with an iteration, got {type(source).__name__}")
    title = called(source) if name is None else name
    if isinstance(source, FunctionSchedule):
        horizon = source.end if horizon is None else horizon
        source = source.function
    promises = declared_by(source, horizon, declared)
    own = isinstance(source, Schedule)
    return Subject(title, source, promises, reach=LAST_ITERATION if own else 2**63 - 1, own=own)


def called(source: Any) -> str:
    """A short name of a schedule for messages and ids."""
    if isinstance(source, FunctionSchedule):
        return called(source.function)
    if isinstance(source, Schedule):
        return repr(source)
    code = getattr(source, "__code__", None)
    qualname = getattr(source, "__qualname__", None)
    if qualname is None:
        return type(source).__name__
    line = f" of line {code.co_firstlineno}" if code is not None and "<lambda>" in qualname else ""
    return str(qualname).rpartition("<locals>.")[2] + line
