"""Checks of single rates: every iteration of the run gets one finite real number of 0 or more, within its limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrsched.testing.checking import check
from lrsched.testing.evaluate import shown
from lrsched.testing.results import Failure
from lrsched.testing.subject import Subject

__all__ = ["check_bounds", "check_finite", "check_not_negative", "check_not_stuck_at_zero", "check_one_real_number"]


@check()
def check_one_real_number(subject: Subject) -> Failure | None:
    """Every iteration from 0 to the horizon gets one real number.

    A negative number to a fractional power is complex in Python, NaN in numpy.
    """
    if not subject.answers.notes:
        return None
    place = min(subject.answers.notes)
    iteration = int(subject.iterations[place])
    return Failure(f"at iteration {iteration} it {subject.answers.text(place)}", iteration)


@check()
def check_finite(subject: Subject) -> Failure | None:
    """No rate is infinite or NaN."""
    wrong = ~np.isfinite(subject.rates)
    wrong[list(subject.answers.notes)] = False  # the check above says so
    return _first(subject, wrong)


@check()
def check_not_negative(subject: Subject) -> Failure | None:
    """No rate is below 0: it would increase the loss."""
    return _first(subject, (subject.rates < 0) & np.isfinite(subject.rates))


@check()
def check_not_stuck_at_zero(subject: Subject) -> Failure | None:
    """The rate is not 0 from the middle of the run on: nothing would be learned."""
    trains = np.flatnonzero(subject.rates)
    first = int(trains[-1]) + 1 if trains.size else 0
    if first == subject.rates.size or subject.iterations[first] > subject.horizon // 2:
        return None
    iteration = int(subject.iterations[first])
    return Failure(f"the rate is 0 from iteration {iteration} to the horizon at {subject.horizon}", iteration)


@check("minimum", "maximum")
def check_bounds(subject: Subject) -> Failure | None:
    """No rate is below the expected minimum or above the expected maximum."""
    low, high = subject.expected.minimum, subject.expected.maximum
    for wrong, limit in (
        (subject.rates < (-np.inf if low is None else low - subject.slack), f"below the minimum {low}"),
        (subject.rates > (np.inf if high is None else high + subject.slack), f"above the maximum {high}"),
    ):
        found = _first(subject, wrong & np.isfinite(subject.rates), f", {limit}")
        if found is not None:
            return found
    return None


def _first(subject: Subject, wrong: NDArray[np.bool_], after: str = "") -> Failure | None:
    places = np.flatnonzero(wrong)
    if not places.size:
        return None
    iteration = int(subject.iterations[places[0]])
    return Failure(f"the rate at iteration {iteration} is {shown(subject.rates[places[0]])}{after}", iteration)
