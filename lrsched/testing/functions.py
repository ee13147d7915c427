"""The checks of a function of the iteration, and the two ways to run them: at once, or as one pytest test each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from lrsched.testing.call_checks import CALL_CHECKS
from lrsched.testing.rate_checks import RATE_CHECKS
from lrsched.testing.results import Check, Result, known, reported, run_check
from lrsched.testing.subject import Pace, Subject, subject

__all__ = ["CHECKS", "check_schedule", "parametrize_with_checks"]

CHECKS: tuple[Check, ...] = RATE_CHECKS + CALL_CHECKS
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
        budget: seconds that a function may take which is called once per iteration; fewer are looked at then.
        progress: called with a sentence when it will take long; it is printed when absent.
        **expected: the fields of :class:`Expectations`: horizon, warmup, initial, peak, final, minimum, maximum,
            decay, strict, milestones, max_jump, after, picklable, tolerance. What is not expected is not checked.
            A Schedule may know its horizon.

    Raises:
        ScheduleCheckError: when checks fail, with the first iteration of each failure.
        TypeError, ValueError: for an expectation that makes no sense, or a name no check has.
    """
    known(CHECKS, expected_failures or (), "expected_failures")
    known(CHECKS, only or (), "only")
    asked = subject(source, expected, pace=Pace(budget, progress))
    chosen = [each for each in CHECKS if only is None or each.name in only]
    results = [run_check(each, asked, asked.expected, expected_failures or {}) for each in chosen]
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

    def test(each: Check) -> Callable[[Subject], None]:
        def run(asked: Subject) -> None:
            result = run_check(each, asked, asked.expected, {})
            if result.status == "skipped":
                pytest.skip(result.why)
            reported(asked.name, [result])

        return run

    cases = []
    for source, alone in (each if isinstance(each, tuple) else (each, {}) for each in sources):
        asked = subject(source, {**expected, **alone})
        for each in CHECKS:
            if asked.expected.has(*each.needs):
                marks = (pytest.mark.xfail(reason=reasons[each.name], strict=False),) if each.name in reasons else ()
                cases.append(pytest.param(asked, test(each), marks=marks, id=f"{asked.name}-{each.name}"))
    return pytest.mark.parametrize(("schedule", "check"), cases)
