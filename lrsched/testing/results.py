"""What a check says: passed, failed (what was expected, what came instead), skipped, or failed as expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["Failure", "Result", "ScheduleCheckError", "Skip", "Status"]

Status: TypeAlias = Literal["passed", "failed", "xfail", "skipped"]


@dataclass(frozen=True)
class Failure:
    """What a check found: what it got, and the first iteration at which it shows."""

    got: str
    iteration: int | None = None


class Skip(Exception):  # noqa: N818 (nothing is wrong)
    """Raised by a check that has nothing to judge; its text says why."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check said of one schedule.

    Attributes:
        check: the name of the check.
        status: "passed", "failed", "xfail" (failed, and the caller expected it) or "skipped" (nothing to judge).
        expected: what the check expects of a schedule, in one line.
        got: what came instead, when it failed.
        iteration: the first iteration at which that shows, where there is one.
        why: why the check was skipped, or why the caller expected it to fail.
        parameters: of a family of schedules, the smallest parameters whose schedule fails.
    """

    check: str
    status: Status
    expected: str
    got: str = ""
    iteration: int | None = None
    why: str = ""
    parameters: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values with stable keys, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return ": ".join(part for part in (f"{self.check} {self.status}", self.got, self.why) if part)


class ScheduleCheckError(AssertionError):
    """A schedule fails checks; ``results`` holds what every check said, ``name`` what the schedule is called."""

    def __init__(self, name: str, results: Sequence[Result]) -> None:
        self.name = name
        self.results = tuple(results)
        failed = [result for result in results if result.status == "failed"]
        judged = sum(result.status != "skipped" for result in results)
        lines = [f"{name} fails {len(failed)} of {judged} checks"]
        for result in failed:
            lines += [f"  {result.check}", f"    expected: {result.expected}", f"    got: {result.got}"]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[ScheduleCheckError], tuple[str, tuple[Result, ...]]]:
        return type(self), (self.name, self.results)
