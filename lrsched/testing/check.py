"""All checks, and the two ways to run them: at once, or as one pytest test each."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lrsched.testing import calls, course, values
from lrsched.testing.declared import Declared
from lrsched.testing.results import Counterexample, NotJudged, Result, ScheduleCheckError
from lrsched.testing.subject import Subject, subject

__all__ = ["CHECKS", "Check", "check_schedule", "named", "parametrize_with_checks", "reported", "run_check"]


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with a schedule.

    Attributes:
        look: finds the smallest counterexample, or returns None.
        needs: promises one of which must be given, or there is nothing to judge.
    """

    look: Callable[[Any], Counterexample | None]
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the check is called, in results and in ``expected_failures``."""
        return self.look.__name__.replace("_", "-")

    @property
    def reason(self) -> str:
        """What a schedule promises here, in one line."""
        return (inspect.getdoc(self.look) or "").partition("\n")[0]

    def __repr__(self) -> str:
        return f"<check {self.name}>"


CHECKS: tuple[Check, ...] = (
    Check(values.answers),
    Check(values.real),
    Check(values.finite),
    Check(values.not_negative),
    Check(values.not_stuck_at_zero),
    Check(values.within_bounds, ("minimum", "maximum")),
    Check(calls.pure),
    Check(calls.scalar_is_array),
    Check(calls.int_is_int64),
    Check(calls.input_not_written),
    Check(course.begins_at_start, ("start",)),
    Check(course.reaches_peak, ("peak",)),
    Check(course.reaches_end, ("end",)),
    Check(course.warmup_rises, ("warmup",)),
    Check(course.decay_falls, ("decay",)),
    Check(course.pieces_have_one_direction, ("pieces",)),
    Check(course.jumps_at_milestones_only, ("max_jump", "milestones")),
    Check(course.continuous_at_joins, ("joins",)),
    Check(course.after_the_end, ("after",)),
    Check(course.stretches, ("make",)),
    Check(calls.no_overflow),
    Check(calls.pickles),
    Check(calls.same_in_every_process),
)
"""All checks of a function, in the order in which they are told."""


def check_schedule(
    source: Any,
    *,
    horizon: int | None = None,
    expected_failures: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
    raises: bool = True,
    **declared: Any,
) -> list[Result]:
    """Check a schedule, or any function of the iteration, and say for every check what came out.

    >>> results = check_schedule(lambda t: 0.1 * 0.5 ** (t // 30), horizon=90, milestones=[30, 60, 90])
    >>> {result.check for result in results if result.status == "passed"} >= {"finite", "jumps-at-milestones-only"}
    True

    Args:
        source: a Schedule, any function of the iteration, or what ``subject`` returned.
        horizon: the last iteration of the run; a Schedule may know it.
        expected_failures: names of checks that may fail, and why; they are reported as "xfail", and pass silently.
        only: names of the checks to run; all when absent.
        raises: whether failures are raised at the end, all together.
        **declared: what is promised; the fields of :class:`Declared`. What is not promised is not judged.

    Raises:
        ScheduleCheckError: when checks fail, with the smallest counterexample of each.
        TypeError, ValueError: for a promise that makes no sense, or a name no check has.
    """
    asked = subject(source, horizon=horizon, **declared)
    expected = named(CHECKS, expected_failures or {}, "expected_failures")
    chosen = named(CHECKS, dict.fromkeys(only or (), ""), "only")
    results = [
        run_check(check, asked, asked.declared, expected.get(check.name))
        for check in CHECKS
        if only is None or check.name in chosen
    ]
    return reported(asked.name, results, raises=raises)


def named(checks: Sequence[Check], given: Mapping[str, str], where: str) -> Mapping[str, str]:
    """Names of checks as they were given.

    Raises:
        ValueError: for a name no check has.
    """
    names = [check.name for check in checks]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, 1)
            meant = f"write {near[0]!r}" if near else f"write one of {', '.join(names)}"
            raise ValueError(f"{where}: no check is called {name!r}; {meant}")
    return given


def run_check(check: Check, asked: Any, promises: Declared, expected: str | None) -> Result:
    """Run one check."""

    def result(status: Any, message: str = "", iteration: int | None = None) -> Result:
        why = expected if status == "xfail" else None
        return Result(
            check=check.name, reason=check.reason, status=status, message=message, iteration=iteration, expected=why
        )

    if not promises.has(*check.needs):
        return result("skipped", f"not declared: {' or '.join(check.needs)}")
    try:
        found = check.look(asked)
    except NotJudged as why:
        return result("skipped", str(why))
    if found is None:
        return result("passed")
    return result("failed" if expected is None else "xfail", found.text, found.iteration)


def reported(name: str, results: list[Result], *, raises: bool = True) -> list[Result]:
    """Hand on results.

    Raises:
        ScheduleCheckError: when one failed and ``raises`` is set.
    """
    if raises and any(result.status == "failed" for result in results):
        raise ScheduleCheckError(name, results)
    return results


def parametrize_with_checks(
    sources: Sequence[Any],
    *,
    horizon: int | None = None,
    expected_failures: Mapping[str, str] | None = None,
    **declared: Any,
) -> Callable[[Callable[..., Any]], Any]:
    """Make a pytest test of every check of every schedule; what is not promised makes no test.

    The decorated function takes ``schedule`` and ``check`` and calls ``check(schedule)``. Expected failures become
    ``xfail``, not strict.

    Args:
        sources: Schedules, functions of the iteration, or what ``subject`` returned, each with its own promises.
        horizon: the last iteration of the run, for those that do not know it.
        expected_failures: names of checks that may fail, and why.
        **declared: promises of all sources but those that ``subject`` returned.

    Raises:
        TypeError, ValueError: for a promise that makes no sense, or a name no check has.
    """
    import pytest  # noqa: PLC0415 (the checks run without it)

    expected = named(CHECKS, expected_failures or {}, "expected_failures")
    cases = []
    for source in sources:
        asked = source if isinstance(source, Subject) else subject(source, horizon=horizon, **declared)
        for check in CHECKS:
            if asked.declared.has(*check.needs):
                why = expected.get(check.name)
                marks = () if why is None else (pytest.mark.xfail(reason=why, strict=False),)
                cases.append(pytest.param(asked, _Test(check), marks=marks, id=f"{asked.name}-{check.name}"))
    return pytest.mark.parametrize(("schedule", "check"), cases)


@dataclass(frozen=True)
class _Test:
    """A check as the test of pytest calls it."""

    check: Check

    def __call__(self, source: Any) -> None:
        import pytest  # noqa: PLC0415 (the checks run without it)

        asked = subject(source)
        result = run_check(self.check, asked, asked.declared, None)
        if result.status == "skipped":
            pytest.skip(result.message)
        reported(asked.name, [result])
