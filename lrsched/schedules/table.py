"""A schedule from a table of iterations and rates."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lrsched.schedule import Floats, Iterations, Piece, in_blocks
from lrsched.schedules.base import Boundaries, Float64Schedule, Levels, cut
from lrsched.schedules.interpolate import between
from lrsched.schedules.units import EpochClock, Time

__all__ = ["Table", "table"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Table(Float64Schedule):
    """Straight lines between listed rates; made by :func:`table`, which tells the rest."""

    iterations: Boundaries
    values: Levels

    def _check(self) -> None:
        if len(self.iterations) != len(self.values):
            raise ValueError(
                f"table: there are {len(self.iterations)} iterations but {len(self.values)} rates; "
                "give one rate for each"
            )
        if not self.iterations:
            raise ValueError("table: give at least one iteration with its rate")
        for before, after in pairwise(self.iterations):
            if after <= before:
                raise ValueError(f"table: iterations must be ascending, got {after} after {before}")

    @property
    def horizon(self) -> int | None:
        return self.iterations[-1]

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return (at for at in self.iterations if max(first, 1) <= at <= last)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return cut(first, last, filter(None, self.iterations))

    def _never_negative(self) -> bool:
        return True

    def _fill(self, first: int, out: Floats) -> None:
        for begin, part in in_blocks(first, out):
            self._gather(np.arange(begin, begin + part.size, dtype=np.int64), part)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        at, rates = np.array(self.iterations, np.int64), np.array(self.values, np.float64)
        after = np.searchsorted(at, iterations, side="right")
        left, right = np.maximum(after - 1, 0), np.minimum(after, at.size - 1)
        length = np.maximum(at[right] - at[left], 1)
        passed = np.clip(iterations - at[left], 0, length)
        between(rates[left], rates[right], passed, length, out)


def table(points: Mapping[Any, float] | Iterable[tuple[Time, float]], *, clock: EpochClock | None = None) -> Table:
    """Straight lines between listed rates; before the first and after the last the rate stays.

    >>> table({0: 0.0, 100: 0.1, 400: 0.1, 500: 0.01})([0, 50, 100, 250, 500, 1000]).tolist()
    [0.0, 0.05, 0.1, 0.1, 0.01, 0.01]

    Args:
        points: iterations, ascending, with the rate at each.
        clock: what times in epochs or per cent are measured by.

    Raises:
        ValueError: for iterations that are not ascending, or no points at all.
    """
    measure = clock or EpochClock()
    listed = list(points.items()) if isinstance(points, Mapping) else list(points)
    return Table(iterations=tuple(measure.iterations(at) for at, _ in listed), values=tuple(rate for _, rate in listed))
