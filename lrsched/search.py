"""Find iterations by their rate, from the pieces of a schedule, not by walking every iteration.

Over a piece the size of the rate has one direction, so a question that only grows or only fades with the size of the
rate changes its answer at most once: a search among 80 iterations at a time finds where, on the exact rates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import BLOCK, Schedule, printed_zero

__all__ = ["Question", "first_where", "last_where", "zero_from"]

Question: TypeAlias = Callable[[NDArray[Any]], NDArray[np.bool_]]
"""Asks rates, answers bools; growing rates must not change the answer more than once."""

PROBES = 80
"""So many at a time find one of 2**31 iterations in five rounds."""


def zero_from(schedule: Schedule, first: int, last: int) -> int | None:
    """The first iteration of the unbroken stretch up to ``last`` in which the rate is printed as 0.000000.

    >>> from lrsched.trainers.darknet import Poly
    >>> zero_from(Poly(learning_rate=0.01, power=4.0, max_batches=392480), 0, 392480)
    359477

    Returns:
        None when the rate at ``last`` is printed as something else.
    """
    alive = last_where(schedule, first, last, lambda rates: ~printed_zero(rates))
    if alive == last:
        return None
    return first if alive is None else alive + 1


def last_where(schedule: Schedule, first: int, last: int, question: Question) -> int | None:
    """The last iteration of ``first..last`` whose rate is answered with yes, or None."""
    pieces = schedule.pieces(first, last)
    if pieces is None:
        return _walk(schedule, first, last, question, backwards=True)
    stretches = [(piece.end - (piece.last - piece.first), piece.end) for piece in pieces]
    for stretch, answers in reversed(_answered(schedule, stretches, question)):
        found = _search(schedule, stretch, answers, question, want_last=True)
        if found is not None:
            return found
    return None


def first_where(schedule: Schedule, first: int, last: int, question: Question) -> int | None:
    """The first iteration of ``first..last`` whose rate is answered with yes, or None."""
    pieces = schedule.pieces(first, last)
    if pieces is None:
        return _walk(schedule, first, last, question, backwards=False)
    for stretch, answers in _answered(schedule, [(piece.first, piece.last) for piece in pieces], question):
        found = _search(schedule, stretch, answers, question, want_last=False)
        if found is not None:
            return found
    return None


Stretch: TypeAlias = tuple[int, int]


def _answered(
    schedule: Schedule, stretches: list[Stretch], question: Question
) -> list[tuple[Stretch, tuple[bool, bool]]]:
    """The stretches that hold a yes, with the answers at their two ends; all are asked at once."""
    answers = question(schedule(np.array(stretches, np.int64).ravel())).tolist()
    pairs = zip(stretches, zip(answers[::2], answers[1::2], strict=True), strict=True)
    return [(stretch, pair) for stretch, pair in pairs if any(pair)]


def _search(
    schedule: Schedule, stretch: Stretch, answers: tuple[bool, bool], question: Question, *, want_last: bool
) -> int | None:
    (first, last), (low, high) = stretch, answers
    if want_last and high:
        return last
    if not want_last and low:
        return first
    if low == high:
        return None
    # the answer changes once: keep a pair (before, after) around the change and narrow it
    before, after = first, last
    while after - before > 1:
        between = np.arange(1, min(PROBES, after - before - 1) + 1)
        probes = before + (after - before) * between // (len(between) + 1)
        changed = question(schedule(probes)) != low
        at = int(changed.argmax()) if changed.any() else len(probes)
        before = int(probes[at - 1]) if at else before
        after = int(probes[at]) if at < len(probes) else after
    return before if want_last else after


def _walk(schedule: Schedule, first: int, last: int, question: Question, *, backwards: bool) -> int | None:
    begins = range(first, last + 1, BLOCK)
    for begin in reversed(begins) if backwards else begins:
        yes = np.flatnonzero(question(schedule.rates(begin, min(begin + BLOCK, last + 1))))
        if yes.size:
            return begin + int(yes[-1] if backwards else yes[0])
    return None
