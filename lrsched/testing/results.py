"""What a check says: passed, failed with the smallest counterexample, not judged, or failed as expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["Counterexample", "NotJudged", "Result", "ScheduleCheckError", "Status", "summary"]

Status: TypeAlias = Literal["passed", "failed", "xfail", "skipped"]


@dataclass(frozen=True)
class Counterexample:
    """The smallest case that was found to break a promise: what happens there, and at which iteration."""

    text: str
    iteration: int | None = None


class NotJudged(Exception):  # noqa: N818 (nothing is wrong)
    """Raised by a check that has nothing to judge; its text says why."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check said of one schedule.

    Attributes:
        check: the name of the check.
        reason: what a schedule promises here, in one line.
        status: "passed", "failed", "xfail" (failed, and that was expected) or "skipped" (nothing to judge).
        message: the smallest counterexample, or why nothing was judged; "" when it passed.
        iteration: where the counterexample lies, when it lies at one iteration.
        expected: why a failure was expected, when the caller said so.
    """

    check: str
    reason: str
    status: Status
    message: str = ""
    iteration: int | None = None
    expected: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values with stable keys, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        told = f": {self.message}" if self.message else ""
        why = f" (expected: {self.expected})" if self.status == "xfail" else ""
        return f"{self.check} {self.status}{told}{why}"


class ScheduleCheckError(AssertionError):
    """A schedule breaks promises; ``results`` holds what every check said.

    Args:
        name: what the schedule is called.
        results: all results, those that failed among them.
    """

    def __init__(self, name: str, results: Sequence[Result]) -> None:
        self.name = name
        self.results = tuple(results)
        super().__init__(summary(name, results))

    def __reduce__(self) -> tuple[type[ScheduleCheckError], tuple[str, tuple[Result, ...]]]:
        return type(self), (self.name, self.results)


def summary(name: str, results: Sequence[Result]) -> str:
    """The failures, three lines each: the check, what it promises, what happens instead."""
    failed = [result for result in results if result.status == "failed"]
    judged = sum(result.status != "skipped" for result in results)
    lines = [f"{name} fails {len(failed)} of {judged} checks"]
    for result in failed:
        lines += [f"  {result.check}", f"    promise: {result.reason}", f"    instead: {result.message}"]
    return "\n".join(lines)
