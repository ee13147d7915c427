"""Checks of single rates: every iteration of the run gets a finite real number of 0 or more, within its limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrsched.testing.answers import COMPLEX, NOT_A_NUMBER, NUMBER, RAISED, shown
from lrsched.testing.results import Counterexample
from lrsched.testing.subject import Subject

__all__ = ["answers", "finite", "not_negative", "not_stuck_at_zero", "real", "within_bounds"]


def answers(subject: Subject) -> Counterexample | None:
    """Every iteration from 0 to the horizon is answered with one number."""
    return _told(subject, "at iteration", "it", RAISED, NOT_A_NUMBER)


def real(subject: Subject) -> Counterexample | None:
    """Rates are real numbers, not complex ones (a negative number to a fractional power is complex in Python)."""
    return _told(subject, "the rate at iteration", "", COMPLEX)


def _told(subject: Subject, before: str, it: str, *kinds: int) -> Counterexample | None:
    """The first answer of one of these kinds, along the walk or asked for alone."""
    found = []
    for given, iterations in ((subject.answers, subject.walk), (subject.alone, subject.probes)):
        place = given.first(*kinds)
        if place is not None:
            found.append((int(iterations[place]), given.told(place)))
    if not found:
        return None
    iteration, told = min(found, key=lambda each: each[0])
    return Counterexample(" ".join(f"{before} {iteration} {it} {told}".split()), iteration)


def finite(subject: Subject) -> Counterexample | None:
    """No rate is infinite or NaN."""
    given = subject.answers
    return _first(subject, (given.kinds == NUMBER) & ~np.isfinite(given.rates))


def not_negative(subject: Subject) -> Counterexample | None:
    """No rate lies below 0: it would walk up the slope of the loss."""
    with np.errstate(invalid="ignore"):
        return _first(subject, (subject.answers.rates < 0) & np.isfinite(subject.answers.rates))


def within_bounds(subject: Subject) -> Counterexample | None:
    """No rate lies below the promised minimum or above the promised maximum."""
    rates, told = subject.answers.rates, subject.declared
    outside = np.zeros(rates.shape, np.bool_)
    with np.errstate(invalid="ignore"):
        if told.minimum is not None:
            outside |= rates < told.minimum - subject.slack
        if told.maximum is not None:
            outside |= rates > told.maximum + subject.slack
    outside &= np.isfinite(rates)
    limits = " and ".join(
        f"{name} {shown(limit)}"
        for name, limit in (("minimum", told.minimum), ("maximum", told.maximum))
        if limit is not None
    )
    return _first(subject, outside, f"; promised: {limits}")


def not_stuck_at_zero(subject: Subject) -> Counterexample | None:
    """The rate is not 0 from the middle of the run on, or all the time: nothing would be learned."""
    iterations, rates = subject.known
    if not rates.size or rates[-1] != 0 or iterations[-1] != subject.horizon:
        return None
    alive = np.flatnonzero(rates)
    last = int(alive[-1]) if alive.size else -1
    begin = 0
    if last >= 0:
        _, begin = subject.first_between(
            int(iterations[last]), int(iterations[last + 1]), lambda low, high: low != 0 and high == 0
        )
    if begin > subject.horizon // 2:
        return None
    return Counterexample(f"the rate is 0 from iteration {begin} to the horizon at {subject.horizon}", begin)


def _first(subject: Subject, wrong: NDArray[np.bool_], after: str = "") -> Counterexample | None:
    places = np.flatnonzero(wrong)
    if not places.size:
        return None
    iteration = int(subject.walk[places[0]])
    return Counterexample(
        f"the rate at iteration {iteration} is {shown(subject.answers.rates[places[0]])}{after}", iteration
    )
