"""What the operators of schedules make: products, sums, and sequences by ``then``."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from textwrap import shorten
from typing import Annotated, Any

import numpy as np

from lrsched.numbers import LARGEST, LAST_ITERATION, Param, real
from lrsched.schedule import Floats, Iterations, Origin, Schedule, as_part, rates_of
from lrsched.text import WIDTH

__all__ = ["Product", "Sequential", "Sum", "added", "merged", "multiplied", "operand"]


def multiplied(schedule: Schedule, other: Any) -> Product:
    """``schedule * other``."""
    given = operand("a factor", other)
    if isinstance(given, Schedule):
        return Product(schedules=(schedule, given))
    return Product(schedules=(schedule,), factor=given)


def added(schedule: Schedule, other: Any) -> Schedule:
    """``schedule + other``; the schedule itself where that is 0, with which ``sum()`` begins."""
    given = operand("a term", other)
    if isinstance(given, Schedule):
        return Sum(schedules=(schedule, given))
    return Sum(schedules=(schedule,), term=given) if given else schedule


def operand(name: str, other: Any) -> Schedule | float:
    """What a schedule is multiplied by, or what is added to it: a number that is finite, or another schedule."""
    if isinstance(other, (int, float, np.number, np.bool_)):
        return real(name, other, low=-LARGEST, high=LARGEST)
    return as_part(name, other)


@dataclass(frozen=True, kw_only=True, repr=False)
class Combined(Schedule):
    """What is made of several schedules."""

    schedules: tuple[Schedule, ...]

    def _check(self) -> None:
        given = self.schedules
        if not (isinstance(given, tuple) and given and all(isinstance(part, Schedule) for part in given)):
            raise TypeError(f"{type(self).__name__}: schedules must be a tuple of schedules, got {given!r}")

    @property
    def horizon(self) -> int | None:
        return max((part.horizon for part in self.schedules if part.horizon is not None), default=None)

    @property
    def warmup(self) -> int:
        return max(part.warmup for part in self.schedules)

    @property
    def caption(self) -> str:
        return shorten(repr(self), WIDTH, placeholder=" ...")

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return merged(*(part.milestones(first, last) for part in self.schedules))

    def _operation(self, operator: str, *numbers: float) -> str:
        """The operation that makes it: of two schedules, or of one and a number; else the call of the class."""
        operands = [*map(_bracketed, self.schedules), *map(repr, numbers)]
        return operator.join(operands) if len(operands) == 2 else super().__repr__()


def _bracketed(schedule: Schedule) -> str:
    """A schedule in the words that make it, with brackets where they are an operation."""
    text = repr(schedule)
    operation = isinstance(schedule, (Product, Sum)) and not text.startswith(type(schedule).__name__)
    return f"({text})" if operation else text


@dataclass(frozen=True, kw_only=True, repr=False)
class Product(Combined):
    """The product of schedules and a number, over a divisor, all counted from iteration 0: ``a * b * 2``, ``a / 3``.

    A division is not the product with the inverse, which is rounded: ``a / 10`` has the rates of ``a``, each over 10.
    """

    factor: Annotated[float, Param("factor of every rate", -LARGEST, LARGEST, (0.1, 10.0))] = 1.0
    divisor: Annotated[float, Param("divisor of every rate", -LARGEST, LARGEST, (0.1, 10.0), zero=False)] = 1.0

    def formula(self, t: Iterations) -> Floats:
        return reduce(np.multiply, [rates_of(part, t) for part in self.schedules]) * self.factor / self.divisor

    def __repr__(self) -> str:
        numbers = (number for number in (self.factor, self.divisor) if number != 1)
        return self._operation(" * " if self.divisor == 1 else " / ", *numbers)


@dataclass(frozen=True, kw_only=True, repr=False)
class Sum(Combined):
    """The sum of schedules and a number, all counted from iteration 0; ``a + b`` and ``a - 0.01`` make one."""

    term: Annotated[float, Param("added to every rate", -LARGEST, LARGEST, (0.0, 0.1))] = 0.0

    def formula(self, t: Iterations) -> Floats:
        return reduce(np.add, [rates_of(part, t) for part in self.schedules]) + self.term

    def __repr__(self) -> str:
        return self._operation(" - " if self.term < 0 else " + ", *([abs(self.term)] if self.term else []))


@dataclass(frozen=True, kw_only=True, repr=False)
class Sequential(Combined):
    """Schedules one after another; the iteration of a boundary belongs to the next. ``a.then(b)`` makes one."""

    at: Annotated[tuple[int, ...], Param("where each but the first begins", 1, LAST_ITERATION, (1, 100_000))]
    count_from: Origin = "boundary"

    def _check(self) -> None:
        super()._check()
        if len(self.at) != len(self.schedules) - 1 or list(self.at) != sorted(set(self.at)):
            count = len(self.schedules)
            raise ValueError(f"then: {count} schedules need {count - 1} ascending boundaries, got {self.at}")
        if self.count_from not in ("boundary", "zero"):
            raise ValueError(f'then: count_from must be "boundary" or "zero", got {self.count_from!r}')

    def __repr__(self) -> str:
        if len(self.at) != 1:
            return super().__repr__()
        origin = "" if self.count_from == "boundary" else f", count_from={self.count_from!r}"
        return f"{_bracketed(self.schedules[0])}.then({self.schedules[1]!r}, at={self.at[0]}{origin})"

    def _parts(self) -> Iterator[tuple[Schedule, int, int, int]]:
        """Yield ``(schedule, its iteration 0, first, last)`` for each."""
        starts, ends = (0, *self.at), (*self.at, LAST_ITERATION + 1)
        for schedule, first, after in zip(self.schedules, starts, ends, strict=True):
            yield schedule, first if self.count_from == "boundary" else 0, first, after - 1

    @property
    def horizon(self) -> int | None:
        schedule, zero, first, _ = list(self._parts())[-1]
        return None if schedule.horizon is None else min(max(zero + schedule.horizon, first), LAST_ITERATION)

    @property
    def warmup(self) -> int:
        return min(self.schedules[0].warmup, self.at[0])

    def milestones(self, first: int, last: int) -> Iterator[int]:
        for schedule, zero, begin, end in self._parts():
            low, high = max(begin, first), min(end, last)
            if low <= high:
                boundary = [begin] if 0 < begin == low else []
                yield from merged(boundary, (zero + bend for bend in schedule.milestones(low - zero, high - zero)))

    def formula(self, t: Iterations) -> Floats:
        rates = np.empty(t.size)
        for schedule, zero, first, last in self._parts():
            inside = (first <= t) & (t <= last)
            if inside.any():
                rates[inside] = rates_of(schedule, t[inside] - zero)
        return rates


def merged(*ascending: Iterable[int]) -> Iterator[int]:
    """What some ascending iterables hold, ascending, each number once, without looking further than asked."""
    return (bend for bend, _ in groupby(heapq.merge(*ascending)))
