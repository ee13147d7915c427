"""What will go wrong in a run: one small function a rule, with its reason and the thread it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lrsched.planner.run import Run

__all__ = ["RULES", "Facts", "Finding", "Rule", "Severity"]

Severity: TypeAlias = Literal["error", "warning", "note"]

ZERO_SHARE_WARNING = 0.01
"""From this share of the run on, iterations at a printed zero are more than the last touch of a decay."""

ZERO_SHARE_ERROR = 0.5
"""From this share of the run on, it is mostly wasted."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something the planner noticed.

    Attributes:
        code: a stable name, such as ``rate-reaches-zero``.
        severity: ``error`` and ``warning``: the run is useless or not what was meant; ``note``: worth knowing.
        first: the first iteration it concerns.
        last: the last iteration it concerns.
        message: one sentence: what happens, since when, what it means.
    """

    code: str
    severity: Severity
    first: int
    last: int
    message: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A run and what was computed of it once, for every rule to read."""

    run: Run
    zero_from: int | None


Rule: TypeAlias = Callable[[Facts], Iterator[Finding]]


def rate_reaches_zero(facts: Facts) -> Iterator[Finding]:
    """The rate is printed as 0.000000 up to the end: those iterations hardly change a weight.

    AlexeyAB/darknet#332 "Learning rate turns to 0", ultralytics/yolov3#18.
    """
    run, end = facts.run, facts.run.end
    if facts.zero_from is None or end is None:
        return
    count = end - facts.zero_from + 1
    share = count / (end - run.start + 1)
    severity: Severity = "note"
    if share >= ZERO_SHARE_ERROR:
        severity = "error"
    elif share >= ZERO_SHARE_WARNING:
        severity = "warning"
    stretch = f"iteration {end}" if count == 1 else f"iteration {facts.zero_from} on"
    yield Finding(
        code="rate-reaches-zero",
        severity=severity,
        first=facts.zero_from,
        last=end,
        message=(
            f"{'At' if count == 1 else 'From'} {stretch} the rate is printed as 0.000000 until the end at {end}: "
            f"{_count(count)}, {share:.1%} of the run, hardly change a weight."
        ),
    )


def ends_before_target(facts: Facts) -> Iterator[Finding]:
    """The trainer stops at max_batches, so a later target is never reached.

    AlexeyAB/darknet#2891 "stopped at max_batches", #7935.
    """
    run = facts.run
    if run.target is None or run.max_batches is None or run.target <= run.max_batches:
        return
    yield Finding(
        code="ends-before-target",
        severity="error",
        first=run.max_batches,
        last=run.target,
        message=(
            f"The run ends at max_batches={run.max_batches}, {_count(run.target - run.max_batches)} before the target "
            f"{run.target}: those are never trained."
        ),
    )


def max_batches_missing(facts: Facts) -> Iterator[Finding]:
    """Without max_batches the trainer has no iteration to reach and stops at once.

    The loop of every fork runs while the iteration is below max_batches, whose default is 0.
    """
    run = facts.run
    if run.net is None or run.max_batches is not None:
        return
    yield Finding(
        code="max-batches-missing",
        severity="error",
        first=run.start,
        last=run.start if run.target is None else run.target,
        message=f"max_batches is {run.net.max_batches}, so training ends before its first iteration.",
    )


RULES: tuple[Rule, ...] = (max_batches_missing, ends_before_target, rate_reaches_zero)


def _count(iterations: int) -> str:
    return f"{iterations} iteration{'s' if iterations != 1 else ''}"
