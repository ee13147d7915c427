"""Where a question about the rate is answered with yes, without walking every iteration where the pieces are known.

Between two neighbouring samples of a piece the size of the rate has one direction, so a question that depends on
the size changes its answer there at most once, and narrowing the gap finds where, on the exact rates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import PRINTED_ZERO_BELOW, Schedule

__all__ = ["Curve", "Question", "curve_of", "first_where", "least", "zero_from"]

Question: TypeAlias = Callable[[NDArray[Any]], NDArray[np.bool_]]
"""Asks rates, answers bools; growing rates must not change the answer more than once."""

WALKED = 2**22  # where pieces are not known, so many iterations are all looked at; of more, every n-th
PROBES = 80  # asking for so many rates takes as long as for one; they find one of 2**31 iterations in five rounds


class Curve(NamedTuple):
    """The rates of a schedule at the iterations that determine the rest.

    Attributes:
        schedule: the schedule.
        iterations: ascending iterations.
        rates: the exact rates there.
        gaps: positions after which equal cycles are left out, with the position where such a cycle begins.
    """

    schedule: Schedule
    iterations: NDArray[np.int64]
    rates: NDArray[Any]
    gaps: dict[int, int]

    def stretches(self, question: Question) -> list[tuple[int, int]]:
        """The longest stretches ``(first, last)`` over which every rate is answered with yes, ascending.

        Of equal cycles only those at the two ends are looked at, unless they are answered the same all through.
        """
        yes, at = question(self.rates), self.iterations
        found: list[tuple[int, int]] = []
        begin = int(at[0]) if yes[0] else None
        for i in sorted({*np.flatnonzero(yes[1:] != yes[:-1]).tolist(), *self.gaps}):
            cycle = yes[self.gaps.get(i, i) : i + 2]
            if cycle.all() or not cycle.any():
                continue
            left, right = int(at[i]), int(at[i + 1])
            edge = right if i in self.gaps else self._change(left, right, question)
            if begin is not None:
                found.append((begin, left if i in self.gaps else edge - 1))
            begin = edge if yes[i + 1] else None
        return [*found, (begin, int(at[-1]))] if begin is not None else found

    def tail(self, question: Question) -> int | None:
        """The first iteration of the unbroken stretch up to the last one that is answered with yes, or None."""
        no = np.flatnonzero(~question(self.rates))
        if not no.size:
            return int(self.iterations[0])
        i = int(no[-1])
        if i == len(self.iterations) - 1:
            return None
        left, right = int(self.iterations[i]), int(self.iterations[i + 1])
        return right if i in self.gaps else self._change(left, right, question)

    def _change(self, left: int, right: int, question: Question) -> int:
        """The first iteration after ``left`` that is answered as ``right`` is; many are asked at a time."""
        after = right - left > 1 and bool(question(self.schedule([right]))[0])
        while right - left > 1:
            probes = np.linspace(left, right, PROBES).astype(np.int64)
            at = int((question(self.schedule(probes)) == after).argmax())
            left, right = int(probes[at - 1]), int(probes[at])
        return right


def curve_of(schedule: Schedule, first: int, last: int) -> Curve:
    """The curve of ``first..last``: the ends of its pieces, or every iteration where the pieces are not known."""
    pieces = schedule.pieces(first, last)
    gaps: dict[int, int] = {}
    if pieces is None:
        at = np.linspace(first, last, min(last - first + 1, WALKED)).astype(np.int64)
        return Curve(schedule, at, schedule(at), gaps)
    samples: list[int] = []
    for piece in pieces:
        begin, length = len(samples), piece.last - piece.first + 1
        samples += _ends(piece.first, piece.last)
        if piece.repeats > 2:
            gaps[len(samples)] = begin
            samples += [piece.last + 1, piece.end - length]
        if piece.repeats > 1:
            samples += _ends(piece.end - length + 1, piece.end)
    at = np.array(samples, np.int64)
    return Curve(schedule, at, schedule(at), gaps)


def _ends(first: int, last: int) -> list[int]:
    """The ends of a piece with their neighbours, which show a sign that changes from one iteration to the next."""
    return sorted({t for t in (first, first + 1, last - 1, last) if first <= t <= last})


def first_where(schedule: Schedule, first: int, last: int, question: Question) -> int | None:
    """The first iteration of ``first..last`` whose rate is answered with yes, or None."""
    found = curve_of(schedule, first, last).stretches(question)
    return found[0][0] if found else None


def zero_from(schedule: Schedule, first: int, last: int, below: float = PRINTED_ZERO_BELOW) -> int | None:
    """The first iteration of the unbroken stretch up to ``last`` in which the rate is below ``below`` in size, or None.

    >>> from lrsched.trainers.darknet import Poly
    >>> zero_from(Poly(learning_rate=0.01, power=4.0, max_batches=392480), 0, 392480)
    359477
    """
    return curve_of(schedule, first, last).tail(lambda rates: np.abs(rates) < below)


def least(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The smallest integer of ``low..high`` that holds, where all above one that holds do; ``high`` when none does.

    >>> least(lambda n: n * n >= 200, 0, 1000)
    15
    """
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high
