"""Rules about where a run begins and ends, and about rates that are no use."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrsched.planner.facts import Facts, Finding, Rule, Severity, counted, rule
from lrsched.schedule import printed_zero
from lrsched.search import first_where
from lrsched.trainers.darknet import Poly

__all__ = ["END_RULES"]

ZERO_SHARE_WARNING, ZERO_SHARE_ERROR = 0.01, 0.5


@rule("already-finished")
def already_finished(facts: Facts) -> Iterator[Finding]:
    """Training ends at once: a weights file stores the iteration, and it is not below max_batches.

    AlexeyAB/darknet#2633, #2891.
    """
    run = facts.run
    if run.max_batches is not None and run.start >= run.max_batches and run.start > 0:
        yield Finding(
            code="already-finished",
            severity="error",
            first=run.max_batches,
            last=run.start,
            message=(
                f"The run goes on from iteration {run.start}, but ends at max_batches={run.max_batches}: training "
                f"stops at once. Raise max_batches, or count from 0 again (-clear, or weights cut by `partial`)."
            ),
        )


@rule("max-batches-missing")
def max_batches_missing(facts: Facts) -> Iterator[Finding]:
    """Without max_batches, whose default is 0, `detector train` stops at once and `classifier train` never.

    The loop of a detector runs while the iteration is below max_batches; that of a classifier also while it is 0.
    """
    run = facts.run
    if run.net is not None and run.max_batches is None:
        yield Finding(
            code="max-batches-missing",
            severity="warning",
            first=run.start,
            last=run.start if run.target is None else run.target,
            message=(
                f"max_batches is {run.net.max_batches}: `detector train` ends before its first iteration, and "
                f"`classifier train` never ends."
            ),
        )


@rule("ends-before-target")
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
            f"The run ends at max_batches={run.max_batches}, {counted(run.target - run.max_batches)} before the "
            f"target {run.target}: those are never trained."
        ),
    )


@rule("rate-reaches-zero")
def rate_reaches_zero(facts: Facts) -> Iterator[Finding]:
    """The rate is printed as 0.000000 up to the end: those iterations hardly change a weight.

    AlexeyAB/darknet#332 "Learning rate turns to 0", ultralytics/yolov3#18.
    """
    if facts.zero_from is None or facts.end is None:
        return
    count = facts.end - facts.zero_from + 1
    share = count / facts.length
    severity: Severity = "note"
    if share >= ZERO_SHARE_ERROR:
        severity = "error"
    elif share >= ZERO_SHARE_WARNING:
        severity = "warning"
    begin = f"At iteration {facts.end}" if count == 1 else f"From iteration {facts.zero_from} on"
    yield Finding(
        code="rate-reaches-zero",
        severity=severity,
        first=facts.zero_from,
        last=facts.end,
        message=(
            f"{begin} the rate is printed as 0.000000 until the end at {facts.end}: "
            f"{counted(count)}, {_share(share)} of the run and of its hours, hardly change a weight."
        ),
    )


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "under 0.1%"


@rule("rate-not-finite")
def rate_not_finite(facts: Facts) -> Iterator[Finding]:
    """A rate that is NaN or infinite turns every weight into NaN at its first update.

    poly without max_batches divides by zero; a fractional power past max_batches is NaN, where several GPUs overshoot.
    """
    run = facts.run
    if not facts.length or (np.isfinite(facts.rates).all() and np.isfinite(run.rate(facts.last_trained))):
        return
    first = first_where(run.schedule, run.start, facts.last_trained, lambda rates: ~np.isfinite(rates))
    if first is None:
        return
    overshoot = facts.end is not None and first > facts.end
    yield Finding(
        code="rate-not-finite",
        severity="error",
        first=first,
        last=facts.last_trained,
        message=(
            f"At iteration {first} the rate is {run.rate(first)}, so every weight becomes NaN"
            + (f": on {run.ngpus} GPUs the last updates count past the end at {facts.end}." if overshoot else ".")
        ),
    )


@rule("rate-negative")
def rate_negative(facts: Facts) -> Iterator[Finding]:
    """A negative rate climbs the loss instead of descending it."""
    negative = np.flatnonzero(facts.rates < 0)
    if negative.size:
        first = int(facts.iterations[int(negative[0])])
        yield Finding(
            code="rate-negative",
            severity="error",
            first=first,
            last=int(facts.iterations[int(negative[-1])]),
            message=f"At iteration {first} the rate is {facts.run.rate(first):g}: training goes away from the goal.",
        )


@rule("rate-rises-after-end")
def rate_rises_after_end(facts: Facts) -> Iterator[Finding]:
    """Past max_batches poly with an even power rises again; only several GPUs ever count that far.

    darknet's loop compares the iteration with max_batches only after the GPUs have been synchronised.
    """
    run, policy = facts.run, facts.run.policy
    if not isinstance(policy, Poly) or run.max_batches is None or facts.last_trained <= run.max_batches:
        return
    rate = run.rate(facts.last_trained)
    if rate > run.rate(run.max_batches) and not printed_zero(rate):
        yield Finding(
            code="rate-rises-after-end",
            severity="warning",
            first=run.max_batches + 1,
            last=facts.last_trained,
            message=(
                f"On {run.ngpus} GPUs the last updates count past max_batches={run.max_batches}, where poly rises "
                f"again: the last one is made at rate {rate:f}."
            ),
        )


END_RULES: tuple[Rule, ...] = (
    max_batches_missing,
    already_finished,
    ends_before_target,
    rate_not_finite,
    rate_negative,
    rate_reaches_zero,
    rate_rises_after_end,
)
