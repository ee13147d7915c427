"""All checks of a function of the iteration, and the two ways to run them: at once, or as one pytest test each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lrsched.testing import call_checks, shape_checks, value_checks
from lrsched.testing.checking import Check, known, raise_failures, run_check
from lrsched.testing.pace import Pace
from lrsched.testing.results import Result
from lrsched.testing.subject import Subject, subject

__all__ = ["CHECKS", "RATE_CHECKS", "check_schedule", "parametrize_with_checks", "run_checks"]

RATE_CHECKS: tuple[Check, ...] = (
    value_checks.check_one_real_number,
    value_checks.check_finite,
    value_checks.check_not_negative,
    value_checks.check_not_stuck_at_zero,
    value_checks.check_bounds,
    shape_checks.check_initial_rate,
    shape_checks.check_peak,
    shape_checks.check_final_rate,
    shape_checks.check_warmup,
    shape_checks.check_decay,
    shape_checks.check_jumps,
    shape_checks.check_after_horizon,
)
"""Checks of the rates over a run, wherever they come from."""

CHECKS: tuple[Check, ...] = (
    *RATE_CHECKS,
    call_checks.check_same_answer_twice,
    call_checks.check_arrays_agree,
    call_checks.check_int64_agrees,
    call_checks.check_input_not_written,
    call_checks.check_pickles,
)
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
    known(CHECKS, expected_failures or {}, "expected_failures")
    known(CHECKS, dict.fromkeys(only or (), ""), "only")
    asked = subject(source, expected, pace=Pace(budget, progress))
    results = run_checks(asked, CHECKS, expected_failures or {})
    chosen = [result for result in results if only is None or result.check in only]
    return raise_failures(asked.name, chosen, raises=raises)


def run_checks(asked: Subject, checks: Sequence[Check], expected_failures: Mapping[str, str]) -> list[Result]:
    """Run checks of one schedule."""
    return [run_check(each, asked, asked.expected, expected_failures) for each in checks]


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

    reasons = known(CHECKS, expected_failures or {}, "expected_failures")
    cases = []
    for each in sources:
        source, alone = each if isinstance(each, tuple) else (each, {})
        asked = subject(source, {**expected, **alone})
        for one in CHECKS:
            if asked.expected.has(*one.needs):
                marks = (pytest.mark.xfail(reason=reasons[one.name], strict=False),) if one.name in reasons else ()
                cases.append(pytest.param(asked, _Test(one), marks=marks, id=f"{asked.name}-{one.name}"))
    return pytest.mark.parametrize(("schedule", "check"), cases)


@dataclass(frozen=True)
class _Test:
    """A check as a test of pytest calls it."""

    check: Check

    def __call__(self, asked: Subject) -> None:
        import pytest  # noqa: PLC0415 (the checks run without it)

        result = run_check(self.check, asked, asked.expected, {})
        if result.status == "skipped":
            pytest.skip(result.why)
        raise_failures(asked.name, [result])
