"""What a check is, and its results: passed, failed (what was expected, what it got), skipped, or xfail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from lrsched.testing.subject import quiet, raised
from lrsched.text import did_you_mean

__all__ = ["Check", "Failure", "Result", "ScheduleCheckError", "Skip", "check", "known", "reported", "run_check"]


@dataclass(frozen=True)
class Failure:
    """What a check found: what it got, and the first iteration at which it shows."""

    got: str
    iteration: int | None = None


class Skip(Exception):  # noqa: N818 (nothing is wrong)
    """Raised by a check that has nothing to look at; its text says why."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of one check of one schedule: ``expected`` is what is right, ``got`` what came instead."""

    check: str
    status: Literal["passed", "failed", "xfail", "skipped"]  # xfail: failed, and the caller expected it
    expected: str
    got: str = ""
    iteration: int | None = None  # the first at which the failure shows
    why: str = ""  # it was skipped, or expected to fail
    parameters: Mapping[str, Any] | None = None  # of a family, the smallest whose schedule fails

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values with stable keys, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return ": ".join(part for part in (f"{self.check} {self.status}", self.got, self.why) if part)


class ScheduleCheckError(AssertionError):
    """A schedule fails checks; ``results`` has the result of every check, ``name`` what the schedule is called."""

    def __init__(self, name: str, results: Sequence[Result]) -> None:
        super().__init__(name, tuple(results))
        self.name: str = name
        self.results: tuple[Result, ...] = tuple(results)

    def __str__(self) -> str:
        failed = [result for result in self.results if result.status == "failed"]
        lines = [f"{self.name} fails {len(failed)} of {sum(each.status != 'skipped' for each in self.results)} checks"]
        for result in failed:
            drawn = ", ".join(f"{name}={value!r}" for name, value in (result.parameters or {}).items())
            lines.append(f"  {result.check}" + (f", smallest parameters: {drawn}" if drawn else ""))
            lines += [f"    expected: {result.expected}", f"    got: {result.got}"]
        return "\n".join(lines)


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong: a function of what is checked, and the expectations one of which it needs."""

    name: str  # what results and ``expected_failures`` call it: ``check_not_negative`` is "not-negative"
    expected: str  # the first line of its docstring
    look: Callable[[Any], Failure | None]
    needs: tuple[str, ...] = ()


def check(*needs: str) -> Callable[[Callable[[Any], Failure | None]], Check]:
    """Make a check of a function ``check_...``: it returns what is wrong, or None, or raises Skip.

    Args:
        needs: expectations one of which must be given for it to run.
    """

    def made(look: Callable[[Any], Failure | None]) -> Check:
        name = look.__name__.removeprefix("check_").replace("_", "-")
        return Check(name, (look.__doc__ or "").partition("\n")[0], look, needs)

    return made


def run_check(each: Check, asked: Any, expected_failures: Mapping[str, str]) -> Result:
    """Run one check; whatever the schedule's own code raises is a failure."""
    result = Result(check=each.name, status="passed", expected=each.expected)
    if not asked.expected.has(*each.needs):
        return replace(result, status="skipped", why=f"no expectation: {' or '.join(each.needs)}")
    try:
        with quiet():
            found = each.look(asked)
    except Skip as nothing:
        return replace(result, status="skipped", why=str(nothing))
    except Exception as error:
        found = Failure(raised(error))
    if found is None:
        return result
    result = replace(result, status="failed", got=found.got, iteration=found.iteration)
    if each.name not in expected_failures:
        return result
    return replace(result, status="xfail", why=f"expected, because {expected_failures[each.name]}")


def known(checks: Sequence[Check], names: Iterable[str], where: str) -> None:
    """Refuse names that no check has.

    Raises:
        ValueError: for the first of them.
    """
    there = [each.name for each in checks]
    for name in names:
        if name not in there:
            meant = did_you_mean(str(name), there) or f"; write one of {', '.join(there)}"
            raise ValueError(f"{where}: no check is called {name!r}{meant}")


def reported(name: str, results: list[Result], *, raises: bool = True) -> list[Result]:
    """Return results.

    Raises:
        ScheduleCheckError: when one failed and ``raises`` is set.
    """
    if raises and any(result.status == "failed" for result in results):
        raise ScheduleCheckError(name, results)
    return results
