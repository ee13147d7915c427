"""Checks of how a function is called: twice, in another order, with arrays, with int64, after pickling."""

from __future__ import annotations

import pickle

import numpy as np
from numpy.typing import NDArray

from lrsched.testing.evaluate import Rates, evaluate, evaluate_array, raised
from lrsched.testing.results import Check, Failure, Skip, check
from lrsched.testing.subject import Subject

__all__ = ["CALL_CHECKS"]


@check()
def check_same_answer_twice(subject: Subject) -> Failure | None:
    """An iteration gets the same rate however often, and in whatever order, it is asked for."""
    probes, all_of_them = subject.probes, np.arange(subject.probes.size)
    twice = evaluate(subject.function, np.repeat(probes, 2).tolist())
    backwards = evaluate(subject.function, probes[::-1].tolist())
    return (
        _first_other(subject, all_of_them, "called twice in a row", twice.part(2 * all_of_them + 1))
        or _first_other(subject, all_of_them, "called after later iterations", backwards.part(all_of_them[::-1]))
        or _first_other(subject, all_of_them, "called after the whole run", twice.part(2 * all_of_them))
    )


@check()
def check_arrays_agree(subject: Subject) -> Failure | None:
    """An array gets the rates that its iterations get one by one (our own schedules: to the bit; others: 4 ULP)."""
    if not subject.takes_arrays:
        raise Skip("it takes no arrays, so it is called once per iteration")
    walked, begin = subject.iterations, subject.iterations.size // 3
    places = np.searchsorted(walked, subject.probes)
    # what an iteration gets must not depend on the others in the array: all, all backwards, the later ones
    for array, at in ((walked, places), (walked[::-1], walked.size - 1 - places), (walked[begin:], places - begin)):
        together = evaluate_array(subject.function, array)
        if together is None:
            return Failure(f"an array of {array.size} iterations does not get {array.size} real numbers")
        there = np.flatnonzero(at >= 0)
        where = f"in an array of {array.size} iterations"
        found = _first_other(subject, there, where, together.part(at[there]), _slack(subject))
        if found is not None:
            return found
    return None


@check()
def check_int64_agrees(subject: Subject) -> Failure | None:
    """An iteration gets the same rate as an int of Python and as an int64 of numpy."""
    int64s = evaluate(subject.function, list(subject.probes))
    return _first_other(subject, np.arange(subject.probes.size), "as an int64", int64s, _slack(subject))


@check()
def check_pickles(subject: Subject) -> Failure | None:
    """Pickled and unpickled, as for a checkpoint or a worker, it gives the same rates."""
    try:
        packed = pickle.dumps(subject.function)
    except Exception as error:
        if subject.own or subject.expected.picklable:
            return Failure(f"pickle.dumps {raised(error)}")
        raise Skip("it cannot be pickled; expect picklable=True where it must") from None
    copy = evaluate(pickle.loads(packed), subject.probes.tolist())
    return _first_other(subject, np.arange(subject.probes.size), "after unpickling", copy)


def _slack(subject: Subject) -> float:
    return 0.0 if subject.own else subject.slack


def _first_other(
    subject: Subject, places: NDArray[np.int64], how: str, other: Rates, slack: float = 0.0
) -> Failure | None:
    """The first of some probes that gets another rate in ``other``."""
    alone = subject.alone.part(places)
    apart = alone.other(other, slack)
    if not apart.size:
        return None
    place = int(apart[0])
    iteration = int(subject.probes[places[place]])
    return Failure(f"at iteration {iteration} it {alone.text(place)}; {how} it {other.text(place)}", iteration)


CALL_CHECKS = tuple(each for each in globals().values() if isinstance(each, Check))
"""All of them, in the order of the results."""
