"""What a check is: a function that looks at a schedule and returns what is wrong, or None."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lrsched.testing.evaluate import quiet
from lrsched.testing.expectations import Expectations
from lrsched.testing.results import Failure, Result, ScheduleCheckError, Skip
from lrsched.text import did_you_mean

__all__ = ["Check", "check", "known", "raise_failures", "run_check"]


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with a schedule.

    Attributes:
        look: returns the first failure, or None; what it raises (but Skip) is a failure too.
        needs: expectations one of which must be given, or there is nothing to judge.
    """

    look: Callable[[Any], Failure | None]
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What results and ``expected_failures`` call it: ``check_not_negative`` is "not-negative"."""
        return self.look.__name__.removeprefix("check_").replace("_", "-")

    @property
    def expected(self) -> str:
        """What the check expects of a schedule: the first line of its docstring."""
        return (inspect.getdoc(self.look) or "").partition("\n")[0]

    def __call__(self, subject: Any) -> Failure | None:
        return self.look(subject)


def check(*needs: str) -> Callable[[Callable[[Any], Failure | None]], Check]:
    """Make a check of a function ``check_...``, whose docstring says what it expects.

    Args:
        needs: expectations one of which must be given for it to be run.
    """
    return lambda look: Check(look, needs)


def run_check(each: Check, subject: Any, expected: Expectations, expected_failures: Mapping[str, str]) -> Result:
    """Run one check."""

    def result(status: Any, got: str = "", iteration: int | None = None, why: str = "") -> Result:
        return Result(check=each.name, status=status, expected=each.expected, got=got, iteration=iteration, why=why)

    if not expected.has(*each.needs):
        return result("skipped", why=f"no expectation: {' or '.join(each.needs)}")
    try:
        with quiet():
            found = each(subject)
    except Skip as why:
        return result("skipped", why=str(why))
    except Exception as error:  # the schedule's own code may raise anything, anywhere
        found = Failure(f"it raises {type(error).__name__}: {error}".removesuffix(": "))
    if found is None:
        return result("passed")
    if each.name in expected_failures:
        return result("xfail", found.got, found.iteration, f"expected, because {expected_failures[each.name]}")
    return result("failed", found.got, found.iteration)


def known(checks: Sequence[Check], given: Mapping[str, str], where: str) -> Mapping[str, str]:
    """Names of checks as they were given.

    Raises:
        ValueError: for a name no check has.
    """
    names = [each.name for each in checks]
    for name in given:
        if name not in names:
            meant = did_you_mean(str(name), names) or f"; write one of {', '.join(names)}"
            raise ValueError(f"{where}: no check is called {name!r}{meant}")
    return given


def raise_failures(name: str, results: list[Result], *, raises: bool = True) -> list[Result]:
    """Return results.

    Raises:
        ScheduleCheckError: when one failed and ``raises`` is set.
    """
    if raises and any(result.status == "failed" for result in results):
        raise ScheduleCheckError(name, results)
    return results
