"""A schedule at another time: later or earlier, again and again, held at its end."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias

import numpy as np

from lrsched.schedule import LAST_ITERATION, Floats, Iterations, Param, Piece, Schedule, in_blocks
from lrsched.schedules.base import (
    MOST_PIECES,
    Boundary,
    Count,
    Float64Schedule,
    Shift,
    Source,
    as_part,
    fill,
    gather,
    never_negative,
    rate,
)
from lrsched.schedules.units import EpochClock, Time

__all__ = ["Held", "Repeated", "Shifted", "held", "repeated", "shifted"]

Often: TypeAlias = Annotated[int | None, Param("how often; for ever when absent", 1.0, float(LAST_ITERATION), (1, 10))]


@dataclass(frozen=True, kw_only=True, repr=False)
class Shifted(Float64Schedule):
    """A schedule some iterations later, or earlier; made by :func:`shifted`, which tells the rest."""

    schedule: Schedule
    by: Shift

    def _check(self) -> None:
        pass

    @property
    def horizon(self) -> int | None:
        end = self.schedule.horizon
        return None if end is None else min(max(end + self.by, 0), LAST_ITERATION)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        if first <= self.by <= last and self.by > 0:
            yield self.by
        low, high = max(max(first, 1) - self.by, 1), min(last - self.by, LAST_ITERATION)
        if low <= high:
            yield from (bend + self.by for bend in self.schedule.milestones(low, high))

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        head = (Piece(first, min(self.by - 1, last)),) if first < self.by else ()
        begin, end = max(first, self.by), min(last, LAST_ITERATION + self.by)
        tail = (Piece(max(end + 1, first), last),) if end < last else ()
        if begin > end:
            return head + tail
        pieces = self.schedule.pieces(begin - self.by, end - self.by)
        if pieces is None:
            return None
        return head + tuple(replace(p, first=p.first + self.by, last=p.last + self.by) for p in pieces) + tail

    def _never_negative(self) -> bool:
        return never_negative(self.schedule)

    def _fill(self, first: int, out: Floats) -> None:
        before = min(max(self.by - first, 0), out.size)
        if before:
            out[:before] = rate(self.schedule, 0)
        own = first + before - self.by
        inside = min(max(LAST_ITERATION + 1 - own, 0), out.size - before)
        if inside:
            fill(self.schedule, own, out[before : before + inside])
        if before + inside < out.size:
            out[before + inside :] = rate(self.schedule, LAST_ITERATION)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        gather(self.schedule, np.clip(iterations - self.by, 0, LAST_ITERATION), out)


def shifted(schedule: Source, by: Time, *, clock: EpochClock | None = None) -> Schedule:
    """A schedule some iterations later; what it gives at its iteration 0 is held until it begins.

    >>> from lrsched.schedules.named import linear
    >>> shifted(linear(start=1, end=0, horizon=4), 2)([0, 2, 3, 6]).tolist()
    [1.0, 1.0, 0.75, 0.0]
    >>> shifted(linear(start=1, end=0, horizon=4), -2)([0, 1, 2]).tolist()
    [0.5, 0.25, 0.0]

    Args:
        schedule: a schedule, or a function of the iteration.
        by: how much later it begins; a negative number begins in its midst.
        clock: what a time in epochs or per cent is measured by.
    """
    part = as_part(schedule)
    later = (clock or EpochClock()).iterations(by) if isinstance(by, str) else by
    moved = Shifted(schedule=part, by=later)
    return part if moved.by == 0 else moved


@dataclass(frozen=True, kw_only=True, repr=False)
class Held(Float64Schedule):
    """A schedule that stops changing; made by :func:`held`, which tells the rest."""

    schedule: Schedule
    at: Boundary

    def _check(self) -> None:
        pass

    @property
    def horizon(self) -> int | None:
        return self.at

    def milestones(self, first: int, last: int) -> Iterator[int]:
        if first < self.at:
            yield from self.schedule.milestones(first, min(last, self.at - 1))
        if max(first, 1) <= self.at <= last:
            yield self.at

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        if first > self.at:
            return (Piece(first, last),)
        pieces = self.schedule.pieces(first, min(last, self.at))
        if pieces is None or last <= self.at:
            return pieces
        return (*pieces, Piece(self.at + 1, last))

    def _never_negative(self) -> bool:
        return never_negative(self.schedule)

    def _fill(self, first: int, out: Floats) -> None:
        inside = min(max(self.at + 1 - first, 0), out.size)
        if inside:
            fill(self.schedule, first, out[:inside])
        if inside < out.size:
            out[inside:] = rate(self.schedule, self.at)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        gather(self.schedule, np.minimum(iterations, self.at), out)


def held(schedule: Source, at: Time | None = None, *, clock: EpochClock | None = None) -> Held:
    """A schedule whose rate stays, from one iteration on, what it is there.

    >>> held(lambda t: 1 / (t + 1), 3)([0, 1, 3, 4, 1000]).tolist()
    [1.0, 0.5, 0.25, 0.25, 0.25]

    Args:
        schedule: a schedule, or a function of the iteration.
        at: the iteration whose rate stays; the schedule's horizon when absent.
        clock: what a time in epochs or per cent is measured by.

    Raises:
        ValueError: when ``at`` is absent and the schedule knows no horizon.
    """
    part = as_part(schedule)
    end = part.horizon if at is None else (clock or EpochClock()).iterations(at)
    if end is None:
        raise ValueError(f"held: {part!r} knows no horizon; say from which iteration on with at=...")
    return Held(schedule=part, at=end)


@dataclass(frozen=True, kw_only=True, repr=False)
class Repeated(Float64Schedule):
    """The beginning of a schedule, again and again; made by :func:`repeated`, which tells the rest."""

    schedule: Schedule
    period: Count
    times: Often = None

    def _check(self) -> None:
        pass

    def _cycle(self, iteration: int) -> int:
        count = iteration // self.period
        return count if self.times is None else min(count, self.times - 1)

    @property
    def horizon(self) -> int | None:
        if self.times is None:
            return None
        end = self.schedule.horizon
        within = self.period - 1 if end is None else end
        return min((self.times - 1) * self.period + within, LAST_ITERATION)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        for cycle in range(self._cycle(first), self._cycle(last) + 1):
            start = cycle * self.period
            if cycle and first <= start:
                yield start
            end = last if cycle == self._cycle(last) else start + self.period - 1
            low = max(first - start, 1)
            if low <= end - start:
                yield from (start + bend for bend in self.schedule.milestones(low, end - start))

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        cycle, final = self._cycle(first), self._cycle(last)
        if cycle == final:
            return self._cut(cycle, first, last)
        begun = first > cycle * self.period
        head = self._cut(cycle, first, (cycle + 1) * self.period - 1) if begun else ()
        whole = self.schedule.pieces(0, self.period - 1)
        tail = self._cut(final, final * self.period, last)
        if whole is None or head is None or tail is None:
            return None
        starts = range((cycle + begun) * self.period, final * self.period, self.period)
        if len(whole) == 1 and starts:
            return (*head, Piece(starts[0], starts[0] + whole[0].last, len(starts) * whole[0].repeats), *tail)
        if len(starts) * len(whole) > MOST_PIECES:
            return None
        middle = (Piece(start + p.first, start + p.last, p.repeats) for start in starts for p in whole)
        return (*head, *middle, *tail)

    def _cut(self, cycle: int, first: int, last: int) -> tuple[Piece, ...] | None:
        start = cycle * self.period
        pieces = self.schedule.pieces(first - start, last - start)
        return None if pieces is None else tuple(Piece(start + p.first, start + p.last, p.repeats) for p in pieces)

    def _never_negative(self) -> bool:
        return never_negative(self.schedule)

    def _fill(self, first: int, out: Floats) -> None:
        if self.period < 4096:
            for begin, part in in_blocks(first, out):
                self._gather(np.arange(begin, begin + part.size, dtype=np.int64), part)
            return
        last = first + out.size - 1
        for cycle in range(self._cycle(first), self._cycle(last) + 1):
            begin = max(cycle * self.period, first)
            end = last if cycle == self._cycle(last) else (cycle + 1) * self.period - 1
            fill(self.schedule, begin - cycle * self.period, out[begin - first : end - first + 1])

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        cycles = iterations // self.period
        if self.times is not None:
            np.minimum(cycles, self.times - 1, out=cycles)
        gather(self.schedule, iterations - cycles * self.period, out)


def repeated(schedule: Source, period: Time, times: int | None = None, *, clock: EpochClock | None = None) -> Repeated:
    """The first ``period`` iterations of a schedule, again and again; the last time it goes on as it would alone.

    >>> from lrsched.schedules.named import linear
    >>> saw = repeated(linear(start=1, end=0, horizon=3), 4, times=2)
    >>> saw(range(10)).round(2).tolist(), saw.horizon
    ([1.0, 0.67, 0.33, 0.0, 1.0, 0.67, 0.33, 0.0, 0.0, 0.0], 7)

    Args:
        schedule: a schedule, or a function of the iteration.
        period: iterations from one beginning to the next.
        times: how often it runs; for ever when absent.
        clock: what a time in epochs or per cent is measured by.
    """
    return Repeated(schedule=as_part(schedule), period=(clock or EpochClock()).iterations(period), times=times)
