"""The checks of a function of the iteration, and the two ways to run them: at once, or as one pytest test each."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from lrsched.testing.rate_checks import RATE_CHECKS
from lrsched.testing.results import Check, Failure, Result, Skip, check, known, reported, run_check
from lrsched.testing.subject import Rates, Subject, evaluate, evaluate_array, raised, subject

__all__ = ["CHECKS", "check_schedule", "parametrize_with_checks"]


@check()
def check_same_answer_twice(subject: Subject) -> Failure | None:
    """An iteration gets the same rate however often, and in whatever order, it is asked for."""
    backwards = evaluate(subject.function, np.repeat(subject.probes[::-1], 2).tolist())
    first = 2 * np.arange(subject.probes.size)[::-1]
    return _first_other(subject, "called after later iterations", backwards.part(first)) or _first_other(
        subject, "called twice in a row", backwards.part(first + 1)
    )


@check()
def check_arrays_agree(subject: Subject) -> Failure | None:
    """An array gets the rates that its iterations get one by one (our own schedules: to the bit; others: 4 ULP)."""
    if not subject.takes_arrays:
        raise Skip("it takes no arrays, so it is called once per iteration")
    # what an iteration gets must not depend on the others in the array: none, those before it, those after it
    alone = evaluate(lambda each: subject.function(np.array([each]))[0], subject.probes)
    found = _first_other(subject, "in an array of its own", alone)
    walked = subject.iterations
    for array, what in ((walked, "an array"), (walked[::-1], "a descending array")):
        together = evaluate_array(subject.function, array)
        if together is None:
            return Failure(f"{what} of {array.size} iterations does not get {array.size} real numbers")
        places = np.searchsorted(walked, subject.probes)
        there = together.part(places if array is walked else walked.size - 1 - places)
        found = found or _first_other(subject, f"in {what} of {array.size} iterations", there)
    return found


@check()
def check_int64_agrees(subject: Subject) -> Failure | None:
    """An iteration gets the same rate as an int of Python and as an int64 of numpy."""
    return _first_other(subject, "as an int64", evaluate(subject.function, subject.probes))


@check()
def check_pickles(subject: Subject) -> Failure | None:
    """Pickled and unpickled, as for a checkpoint or a worker, it gives the same rates."""
    try:
        packed = pickle.dumps(subject.function)
    except Exception as error:
        if subject.own or subject.expected.picklable:
            return Failure(f"pickle.dumps {raised(error)}")
        raise Skip("it cannot be pickled; expect picklable=True where it must") from None
    return _first_other(subject, "after unpickling", evaluate(pickle.loads(packed), subject.probes.tolist()))


def _first_other(subject: Subject, how: str, other: Rates) -> Failure | None:
    """The first of the probes that gets another rate in ``other``."""
    place = subject.alone.first_other(other, 0.0 if subject.own else subject.slack)
    if place is None:
        return None
    iteration = int(subject.probes[place])
    return Failure(f"at iteration {iteration} it {subject.alone.text(place)}; {how} it {other.text(place)}", iteration)


CHECKS: tuple[Check, ...] = RATE_CHECKS + tuple(each for each in globals().values() if isinstance(each, Check))
"""All checks of a function, in the order of the results."""


def check_schedule(
    source: Any,
    *,
    expected_failures: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
    raises: bool = True,
    budget: float | None = None,
    progress: Callable[[str], object] = print,
    **expected: Any,
) -> list[Result]:
    """Check a schedule: a cfg, a Schedule or any function of the iteration.

    >>> results = check_schedule(lambda t: 0.1 * 0.5 ** (t // 30), horizon=90, milestones=[30, 60, 90])
    >>> {result.check for result in results if result.status == "passed"} >= {"finite", "jumps"}
    True

    Args:
        source: what ``lrsched.as_schedule`` takes: a path, a config, a Schedule or a callable.
        expected_failures: names of checks that may fail, and why; they are reported as "xfail".
        only: names of the checks to run; all when absent.
        raises: whether failures are raised at the end, all together.
        budget: seconds that a function may take which takes no arrays; fewer iterations are looked at then.
        progress: called with a sentence when it will take long.
        **expected: fields of ``Expectations``; what is not expected is not checked. A Schedule may know its horizon.

    Raises:
        ScheduleCheckError: when checks fail, with the first iteration of each failure.
        TypeError, ValueError: for an expectation that makes no sense, or a name no check has.
    """
    known(CHECKS, expected_failures or (), "expected_failures")
    known(CHECKS, only or (), "only")
    asked = subject(source, expected, budget=budget, progress=progress)
    chosen = [each for each in CHECKS if only is None or each.name in only]
    results = [run_check(each, asked, expected_failures or {}) for each in chosen]
    return reported(asked.name, results, raises=raises)


def parametrize_with_checks(
    sources: Sequence[Any], *, expected_failures: Mapping[str, str] | None = None, **expected: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Make a pytest test of every check of every schedule; what is not expected makes no test.

    The decorated function takes ``schedule`` and ``check`` and calls ``check(schedule)``. Expected failures become
    ``xfail``, not strict.

    Args:
        sources: schedules, or pairs of a schedule and a dict with what is expected of it alone.
        expected_failures: names of checks that may fail, and why.
        **expected: what is expected of all.

    Raises:
        TypeError, ValueError: for an expectation that makes no sense, or a name no check has.
    """
    import pytest  # noqa: PLC0415 (the checks run without it)

    reasons = expected_failures or {}
    known(CHECKS, reasons, "expected_failures")

    def run(each: Check, asked: Subject) -> None:
        result = run_check(each, asked, {})
        if result.status == "skipped":
            pytest.skip(result.why)
        reported(asked.name, [result])

    cases = []
    for source, alone in (each if isinstance(each, tuple) else (each, {}) for each in sources):
        asked = subject(source, {**expected, **alone})
        for each in CHECKS:
            if asked.expected.has(*each.needs):
                marks = (pytest.mark.xfail(reason=reasons[each.name], strict=False),) if each.name in reasons else ()
                cases.append(pytest.param(asked, partial(run, each), marks=marks, id=f"{asked.name}-{each.name}"))
    return pytest.mark.parametrize(("schedule", "check"), cases)
