"""One schedule after another."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from lrsched.schedule import LAST_ITERATION, Floats, Iterations, Piece, Schedule
from lrsched.schedules.base import Boundaries, Float64Schedule, Source, as_part, fill, gather, never_negative
from lrsched.schedules.units import EpochClock, Time

__all__ = ["Then", "then"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Then(Float64Schedule):
    """One schedule after another; made by :func:`then`, which tells the rest."""

    schedules: tuple[Schedule, ...]
    at: Boundaries
    count_from: Literal["boundary", "zero"]

    def _check(self) -> None:
        if len(self.schedules) < 2:
            raise ValueError(f"then: give two schedules or more, got {len(self.schedules)}")
        if len(self.at) != len(self.schedules) - 1:
            raise ValueError(
                f"then: {len(self.schedules)} schedules meet at {len(self.schedules) - 1} boundaries, "
                f"got {len(self.at)}: {list(self.at)}"
            )
        for before, after in pairwise((0, *self.at)):
            if after <= before:
                raise ValueError(f"then: boundaries must be above 0 and ascending, got {after} after {before}")

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each schedule begins."""
        return (0, *self.at)

    def offset(self, index: int) -> int:
        """The iteration that is 0 for a schedule, by its place."""
        return self.starts[index] if self.count_from == "boundary" else 0

    def _parts(self, first: int, last: int) -> Iterator[tuple[Schedule, int, int, int]]:
        """Yield ``(schedule, iterations before its 0, first, last)`` of the schedules that hold ``first..last``."""
        starts = (*self.starts, LAST_ITERATION + 1)
        for index in range(bisect_right(self.starts, first) - 1, len(self.schedules)):
            begin, end = max(starts[index], first), min(starts[index + 1] - 1, last)
            if begin > end:
                return
            yield self.schedules[index], self.offset(index), begin, end

    @property
    def horizon(self) -> int | None:
        last = self.schedules[-1].horizon
        if last is None:
            return None
        return min(max(last + self.offset(len(self.at)), self.at[-1]), LAST_ITERATION)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        for schedule, offset, begin, end in self._parts(first, last):
            boundary = begin in self.at
            if boundary:
                yield begin
            for bend in schedule.milestones(begin - offset, end - offset):
                if not (boundary and bend + offset == begin):
                    yield bend + offset

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        found: list[Piece] = []
        for schedule, offset, begin, end in self._parts(first, last):
            pieces = schedule.pieces(begin - offset, end - offset)
            if pieces is None:
                return None
            found += [Piece(piece.first + offset, piece.last + offset, piece.repeats) for piece in pieces]
        return tuple(found)

    def _never_negative(self) -> bool:
        return all(map(never_negative, self.schedules))

    def _fill(self, first: int, out: Floats) -> None:
        for schedule, offset, begin, end in self._parts(first, first + out.size - 1):
            fill(schedule, begin - offset, out[begin - first : end - first + 1])

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        where = np.searchsorted(np.array(self.at, np.int64), iterations, side="right")
        for index in np.unique(where).tolist():
            inside = where == index
            rates = np.empty(int(inside.sum()), np.float64)
            gather(self.schedules[index], iterations[inside] - self.offset(index), rates)
            out[inside] = rates


def then(
    *schedules: Source, at: Sequence[Time], count_from: Literal["boundary", "zero"], clock: EpochClock | None = None
) -> Then:
    """One schedule after another.

    >>> from lrsched.schedules.named import cosine, linear
    >>> run = then(linear(start=0, end=1, horizon=4), cosine(peak=1, horizon=10), at=[4], count_from="boundary")
    >>> run([0, 2, 4, 9, 14, 99]).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    >>> run.horizon, list(run.milestones(0, 99))
    (14, [4, 14])

    Args:
        schedules: two or more, schedules or functions of the iteration.
        at: where each but the first begins, ascending; the iteration of the boundary belongs to the next schedule.
        count_from: what is iteration 0 of each schedule: ``"boundary"``, where it begins, or ``"zero"``, iteration 0
            of the whole, so that it goes on as if it had been running all along (as darknet does after its burn-in).
        clock: what boundaries in epochs or per cent are measured by.

    Raises:
        ValueError: for boundaries that are not ascending, repeat, begin at 0, or are too few or too many.
    """
    measure = clock or EpochClock()
    return Then(schedules=tuple(map(as_part, schedules)), at=tuple(map(measure.iterations, at)), count_from=count_from)
