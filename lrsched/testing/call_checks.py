"""Checks of how a function is called: twice, in another order, with arrays, with int64, after pickling."""

from __future__ import annotations

import pickle

import numpy as np

from lrsched.schedule import Iterations
from lrsched.testing.checking import check
from lrsched.testing.evaluate import Rates, evaluate, evaluate_array
from lrsched.testing.results import Failure, Skip
from lrsched.testing.subject import Subject

__all__ = [
    "check_arrays_agree",
    "check_input_not_written",
    "check_int64_agrees",
    "check_pickles",
    "check_same_answer_twice",
]


@check()
def check_same_answer_twice(subject: Subject) -> Failure | None:
    """An iteration gets the same rate however often, and in whatever order, it is asked for."""
    probes = subject.probes
    twice = evaluate(subject.function, np.repeat(probes, 2).tolist())
    backwards = evaluate(subject.function, probes[::-1].tolist())
    for place, iteration in enumerate(probes.tolist()):
        for other, at, how in (
            (twice, 2 * place, "called after the whole run"),
            (twice, 2 * place + 1, "called twice in a row"),
            (backwards, probes.size - 1 - place, "called after later iterations"),
        ):
            if subject.alone.differs(place, other, at):
                return _other(iteration, subject.alone, place, how, other, at)
    return None


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
        where = f"in an array of {array.size} iterations"
        found = _first_other(subject, np.flatnonzero(at >= 0), where, together, at)
        if found is not None:
            return found
    return None


@check()
def check_int64_agrees(subject: Subject) -> Failure | None:
    """An iteration gets the same rate as an int of Python and as an int64 of numpy."""
    places = np.arange(subject.probes.size)
    return _first_other(subject, places, "as an int64", evaluate(subject.function, list(subject.probes)), places)


@check()
def check_input_not_written(subject: Subject) -> Failure | None:
    """The array of iterations that it is given is not changed."""
    if not subject.takes_arrays:
        raise Skip("it takes no arrays")
    given = subject.probes.copy()
    subject.function(given)
    changed = np.flatnonzero(given != subject.probes)
    if not changed.size:
        return None
    iteration = int(subject.probes[changed[0]])
    return Failure(f"iteration {iteration} of the array has become {given[changed[0]]}", iteration)


@check()
def check_pickles(subject: Subject) -> Failure | None:
    """Pickled and unpickled, as for a checkpoint or a worker, it gives the same rates."""
    try:
        packed = pickle.dumps(subject.function)
    except Exception as error:
        if subject.own or subject.expected.picklable:
            return Failure(f"pickle.dumps raises {type(error).__name__}: {error}")
        raise Skip("it cannot be pickled; expect picklable=True where it must") from None
    copy = evaluate(pickle.loads(packed), subject.probes.tolist())
    for place, iteration in enumerate(subject.probes.tolist()):
        if subject.alone.differs(place, copy, place):
            return _other(iteration, subject.alone, place, "after unpickling", copy, place)
    return None


def _first_other(subject: Subject, places: Iterations, how: str, other: Rates, at: Iterations) -> Failure | None:
    """The first probe that gets another rate in ``other``; where neither is a finite number, other checks say so."""
    slack = 0.0 if subject.own else subject.slack
    for place in places.tolist():
        finite = np.isfinite([subject.alone.values[place], other.values[at[place]]]).any()
        if finite and subject.alone.differs(place, other, int(at[place]), slack):
            return _other(int(subject.probes[place]), subject.alone, place, how, other, int(at[place]))
    return None


def _other(iteration: int, one: Rates, place: int, how: str, other: Rates, at: int) -> Failure:
    return Failure(f"at iteration {iteration} it {one.text(place)}; {how} it {other.text(at)}", iteration)
