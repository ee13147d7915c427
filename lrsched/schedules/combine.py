"""Other rates at the same times: products, multiples, limits."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lrsched.schedule import Floats, Iterations, Piece, Schedule, in_blocks
from lrsched.schedules.base import (
    Factor,
    Float64Schedule,
    Limit,
    Source,
    as_part,
    ends,
    fill,
    gather,
    never_negative,
    walked,
)

__all__ = ["Clamped", "Scaled", "Times", "clamped", "scaled", "times"]

MOST_CUTS = 2**11
"""Factors of a product with more pieces than this are walked instead."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Times(Float64Schedule):
    """The product of schedules; made by :func:`times`, which tells the rest."""

    schedules: tuple[Schedule, ...]

    def _check(self) -> None:
        if len(self.schedules) < 2:
            raise ValueError(f"times: give two schedules or more, got {len(self.schedules)}")

    @property
    def horizon(self) -> int | None:
        known = [schedule.horizon for schedule in self.schedules if schedule.horizon is not None]
        return max(known, default=None)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        latest = None
        for bend in heapq.merge(*(schedule.milestones(first, last) for schedule in self.schedules)):
            if bend != latest:
                yield bend
            latest = bend

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        of_each = [schedule.pieces(first, last) for schedule in self.schedules]
        cuts = {piece.first for pieces in of_each for piece in pieces or ()}
        if any(pieces is None for pieces in of_each) or len(cuts) > MOST_CUTS:
            return walked(self, first, last)
        starts = sorted(cuts)
        found: list[Piece] = []
        for begin, end in zip(starts, [*(start - 1 for start in starts[1:]), last], strict=True):
            inside = self._between(begin, end)
            if inside is None:
                return None
            found += inside
        return tuple(found)

    def _between(self, first: int, last: int) -> tuple[Piece, ...] | None:
        """The pieces between two neighbouring cuts, where every factor has one direction or one cycle."""
        changing: list[tuple[Piece, ...]] = []
        directions: set[str | bool] = set()
        for schedule in self.schedules:
            pieces = schedule.pieces(first, last)
            if pieces is None:
                return walked(self, first, last)
            low, high = ends(schedule, pieces)
            if len(pieces) == 1 and low[0] == high[0]:
                continue
            changing.append(pieces)
            directions |= {"cycle"} if len(pieces) > 1 or pieces[0].repeats > 1 else {bool(low[0] < high[0])}
        if len(changing) == 1:
            return changing[0]
        if len(directions) > 1 or "cycle" in directions:
            return walked(self, first, last)
        return (Piece(first, last),)

    def _never_negative(self) -> bool:
        return all(map(never_negative, self.schedules))

    def _fill(self, first: int, out: Floats) -> None:
        for begin, part in in_blocks(first, out):
            fill(self.schedules[0], begin, part)
            factor = np.empty(part.size, np.float64)
            for schedule in self.schedules[1:]:
                fill(schedule, begin, factor)
                np.multiply(part, factor, out=part)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        gather(self.schedules[0], iterations, out)
        factor = np.empty(iterations.size, np.float64)
        for schedule in self.schedules[1:]:
            gather(schedule, iterations, factor)
            np.multiply(out, factor, out=out)


def times(*schedules: Source) -> Times:
    """The product of schedules, such as a warm-up and the schedule it warms up.

    Every factor is counted from iteration 0; a warm-up stays at 1 after its end.

    >>> from lrsched.schedules.named import linear
    >>> warm_up, decay = linear(start=0, end=1, horizon=4), linear(start=0.8, end=0, horizon=8)
    >>> times(warm_up, decay)([0, 2, 4, 6, 8]).round(3).tolist()
    [0.0, 0.3, 0.4, 0.2, 0.0]

    Args:
        schedules: two or more, schedules or functions of the iteration.
    """
    return Times(schedules=tuple(map(as_part, schedules)))


@dataclass(frozen=True, kw_only=True, repr=False)
class Scaled(Float64Schedule):
    """A multiple of a schedule; made by :func:`scaled`, which tells the rest."""

    schedule: Schedule
    by: Factor

    def _check(self) -> None:
        pass

    @property
    def horizon(self) -> int | None:
        return self.schedule.horizon

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return self.schedule.milestones(first, last)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        return self.schedule.pieces(first, last)

    def _never_negative(self) -> bool:
        return self.by >= 0 and never_negative(self.schedule)

    def _fill(self, first: int, out: Floats) -> None:
        fill(self.schedule, first, out)
        np.multiply(out, self.by, out=out)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        gather(self.schedule, iterations, out)
        np.multiply(out, self.by, out=out)


def scaled(schedule: Source, by: float) -> Scaled:
    """A schedule with every rate multiplied by the same number.

    >>> from lrsched.schedules.named import linear
    >>> scaled(linear(start=1, end=0, horizon=4), 0.5)([0, 2, 4]).tolist()
    [0.5, 0.25, 0.0]
    """
    return Scaled(schedule=as_part(schedule), by=by)


@dataclass(frozen=True, kw_only=True, repr=False)
class Clamped(Float64Schedule):
    """A schedule kept within limits; made by :func:`clamped`, which tells the rest."""

    schedule: Schedule
    low: Limit = None
    high: Limit = None

    def _check(self) -> None:
        if self.low is None and self.high is None:
            raise ValueError("clamped: give low, high or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"clamped: low must not be above high, got {self.low:g} and {self.high:g}")

    @property
    def horizon(self) -> int | None:
        return self.schedule.horizon

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return self.schedule.milestones(first, last)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        # sizes keep their direction only where signs do not change
        if never_negative(self.schedule) and self._never_negative():
            return self.schedule.pieces(first, last)
        return walked(self, first, last)

    def _never_negative(self) -> bool:
        if self.high is not None and self.high < 0:
            return False
        return never_negative(self.schedule) or (self.low is not None and self.low >= 0)

    def _limit(self, out: Floats) -> None:
        if self.low is not None:
            np.maximum(out, self.low, out=out)
        if self.high is not None:
            np.minimum(out, self.high, out=out)

    def _fill(self, first: int, out: Floats) -> None:
        fill(self.schedule, first, out)
        self._limit(out)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        gather(self.schedule, iterations, out)
        self._limit(out)


def clamped(schedule: Source, *, low: float | None = None, high: float | None = None) -> Clamped:
    """A schedule kept within limits. Where a limit takes hold the rate bends, which is not told as a milestone.

    >>> from lrsched.schedules.named import linear
    >>> clamped(linear(start=1, end=0, horizon=4), low=0.1, high=0.8)([0, 1, 2, 4]).tolist()
    [0.8, 0.75, 0.5, 0.1]

    Args:
        schedule: a schedule, or a function of the iteration.
        low: the rate never falls below it.
        high: the rate never rises above it.

    Raises:
        ValueError: when neither limit is given, or ``low`` is above ``high``.
    """
    return Clamped(schedule=as_part(schedule), low=low, high=high)
