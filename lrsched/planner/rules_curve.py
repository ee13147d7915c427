"""Rules about how the rate moves: burn-in, drops, cycles, decay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lrsched.planner.facts import Facts, Finding, Rule, counted, facts_of, rule
from lrsched.planner.usual import USUAL_DECAY
from lrsched.schedule import printed_zero
from lrsched.search import first_where, last_where
from lrsched.trainers.darknet import BurnIn, Exp, Poly, Sgdr, Sigmoid, Step, Steps

__all__ = ["CURVE_RULES"]

LONG_BURN_IN = 0.3
EARLY_RATE, EARLY_SHARE = 0.01, 0.5
LATE_RAISE = 0.1


@rule("step-never-reached")
def step_never_reached(facts: Facts) -> Iterator[Finding]:
    """A step at or past the end of the run changes nothing; one inside the burn-in is hidden by it.

    The recipe that edits max_batches only: 18 of 423 cfgs found in the wild.
    """
    run, policy, end = facts.run, facts.run.policy, facts.end
    if end is None:
        return
    burn_in = run.schedule.end if isinstance(run.schedule, BurnIn) else 0
    if isinstance(policy, Step) and end // abs(policy.step) == 0 and policy.scale != 1:
        yield _never(end, (policy.step,), "rate never drops", end)
    if not isinstance(policy, Steps):
        return
    reached = policy.reached_at()
    missed = tuple(s for s, t in zip(policy.steps, reached, strict=True) if t >= end)
    if missed:
        huge = " (this fork takes a negative step for a huge one)" if min(missed) < 0 else ""
        yield _never(min(t for t in reached if t >= end), missed, f"drop there never happens{huge}", end)
    hidden = tuple(s for s, t in zip(policy.steps, reached, strict=True) if 0 < t < burn_in and t < end)
    if hidden:
        yield Finding(
            code="step-never-reached",
            severity="warning",
            first=min(hidden),
            last=burn_in,
            message=(
                f"{_steps(hidden)} inside the burn-in of {burn_in} iterations, which hides the drop: the rate jumps "
                f"at iteration {burn_in} instead."
            ),
        )


def _never(first: int, steps: tuple[int, ...], what: str, end: int) -> Finding:
    return Finding(
        code="step-never-reached",
        severity="warning",
        first=first,
        last=max(end, first),
        message=f"{_steps(steps)} not before the end of the run at {end}, so the {what}.",
    )


def _steps(steps: tuple[int, ...]) -> str:
    listed = ", ".join(map(str, steps[:4])) + (" and others" if len(steps) > 4 else "")
    return f"step {listed} is" if len(steps) == 1 else f"steps {listed} are"


@rule("steps-unsorted")
def steps_unsorted(facts: Facts) -> Iterator[Finding]:
    """The walk through steps stops at the first that lies ahead, so a smaller step behind it waits."""
    policy = facts.run.policy
    if not isinstance(policy, Steps):
        return
    for before, after in zip(policy.steps, policy.steps[1:], strict=False):
        if after < before:
            yield Finding(
                code="steps-unsorted",
                severity="warning",
                first=max(after, 0),
                last=max(before, 0),
                message=(
                    f"steps are not in ascending order: {after} stands behind {before}, so its drop waits until "
                    f"iteration {before}."
                ),
            )
            return


@rule("rate-raised")
def rate_raised(facts: Facts) -> Iterator[Finding]:
    """A scale above 1 after the burn-in multiplies the rate; early in a run that is a warm-up, later a mistake.

    AlexeyAB/darknet#1095.
    """
    policy, end = facts.run.policy, facts.end
    if end is None:
        return
    # a negative step counts its drops below zero, so its scale works the other way round
    growing = (
        isinstance(policy, Step)
        and abs(policy.step) <= end
        and (policy.scale > 1 if policy.step > 0 else 0 < policy.scale < 1)
    ) or (isinstance(policy, Exp) and policy.gamma > 1)
    if growing:
        yield Finding(
            code="rate-raised",
            severity="warning",
            first=facts.run.start,
            last=end,
            message=f"The rate grows all through the run, to {facts.end_rate:g} at iteration {end}.",
        )
    if not isinstance(policy, Steps):
        return
    for t, scale in zip(policy.reached_at(), policy.scales, strict=True):
        if scale > 1 and facts.run.start <= t < end and t >= 0:
            late = t > LATE_RAISE * end
            yield Finding(
                code="rate-raised",
                severity="warning" if late else "note",
                first=t,
                last=end,
                message=(
                    f"At iteration {t} the rate is multiplied by {scale:g}, to {facts.run.rate(t):g}"
                    + (": late in a run that undoes what was learned." if late else " (a warm-up by hand).")
                ),
            )


@rule("burn-in-covers-run", "burn-in-long")
def burn_in_length(facts: Facts) -> Iterator[Finding]:
    """A burn-in as long as the run, or a large part of it, leaves no training at the full rate.

    burn_in=1000 is written for runs of hundreds of thousands of iterations.
    """
    run, end = facts.run, facts.end
    if not isinstance(run.schedule, BurnIn) or end is None or end == 0:
        return
    burn_in = run.schedule.end
    if burn_in >= end:
        whole = run.max_batches is None or burn_in >= run.max_batches
        yield Finding(
            code="burn-in-covers-run",
            severity="error" if whole else "warning",
            first=run.start,
            last=end,
            message=(
                f"The burn-in of {burn_in} iterations covers the whole run up to {end}: the rate only rises and the "
                f"policy never begins."
            ),
        )
    elif burn_in > LONG_BURN_IN * end and run.start < burn_in:
        yield Finding(
            code="burn-in-long",
            severity="warning",
            first=run.start,
            last=burn_in,
            message=f"The burn-in takes {burn_in} of {end} iterations, {burn_in / end:.0%} of the run.",
        )


@rule("burn-in-prints-zero")
def burn_in_prints_zero(facts: Facts) -> Iterator[Finding]:
    """The most asked question: in the burn-in a log prints 0.000000 at first, which is healthy.

    AlexeyAB/darknet#1082, #2449, pjreddie/darknet#701.
    """
    run, end = facts.run, facts.end
    if not isinstance(run.schedule, BurnIn) or end is None or facts.zero_from == run.start:
        return
    last = min(run.schedule.end, end)
    if run.start >= last or not printed_zero(run.rate(max(run.start, 1))):
        return
    first = first_where(run.schedule, run.start, last, lambda rates: ~printed_zero(rates))
    if first is not None and first > run.start + 1:
        yield Finding(
            code="burn-in-prints-zero",
            severity="note",
            first=run.start,
            last=first - 1,
            message=(
                f"Until iteration {first - 1} a log prints 0.000000: that is the burn-in and healthy; from {first} "
                f"on it prints more."
            ),
        )


@rule("decays-early")
def decays_early(facts: Facts) -> Iterator[Finding]:
    """Under 1 % of its peak for more than half of the run, the rate leaves most of the hours without effect."""
    run, end = facts.run, facts.end
    if end is None or not facts.length or facts.zero_from == run.start or facts.peak == 0:
        return
    bound = EARLY_RATE * facts.peak
    if not abs(facts.end_rate) < bound:
        return
    last = last_where(run.schedule, run.start, end, lambda rates: ~(np.abs(rates) < bound))
    if last is None or end - last <= EARLY_SHARE * facts.length:
        return
    yield Finding(
        code="decays-early",
        severity="warning",
        first=last + 1,
        last=end,
        message=(
            f"From iteration {last + 1} on the rate is under 1% of its peak {facts.peak:g}: "
            f"{(end - last) / facts.length:.0%} of the run."
        ),
    )


@rule("never-decays", "decays-too-little")
def decays_little(facts: Facts) -> Iterator[Finding]:
    """By the end of training the rate should have decayed by 100 times or more."""
    run, policy, end = facts.run, facts.run.policy, facts.end
    if end is None or not facts.length or facts.peak == 0 or not np.isfinite(facts.end_rate):
        return
    if isinstance(run.schedule, BurnIn) and run.schedule.end >= end:
        return
    size = abs(facts.end_rate)
    # a run that goes on has decayed from the peak of its whole curve, not from where it goes on
    whole = facts_of(replace(run, start=0), search_zero=False) if run.start else facts
    if size >= whole.peak:
        should = isinstance(policy, (Step, Steps, Exp, Poly, Sigmoid))
        yield Finding(
            code="never-decays",
            severity="warning" if should else "note",
            first=run.start,
            last=end,
            message=f"The rate never decays: at the end, iteration {end}, it is at its peak {whole.peak:g}.",
        )
    elif size * USUAL_DECAY > whole.peak * (1 + 1e-6):
        yield Finding(
            code="decays-too-little",
            severity="note",
            first=whole.peak_at,
            last=end,
            message=(
                f"From its peak {whole.peak:g} the rate decays to {size:g} at iteration {end}, {whole.peak / size:.3g} "
                f"times; {USUAL_DECAY} times or more is usual."
            ),
        )


@rule("sgdr-ends-mid-cycle", "burn-in-hides-first-cycle")
def sgdr_cycles(facts: Facts) -> Iterator[Finding]:
    """A run that stops in the middle of a cycle stops at a high rate; a burn-in can swallow the first cycle."""
    run, policy, end = facts.run, facts.run.policy, facts.end
    if not isinstance(policy, Sgdr) or end is None or not facts.length:
        return
    if isinstance(run.schedule, BurnIn) and run.schedule.end >= policy.first_cycle:
        yield Finding(
            code="burn-in-hides-first-cycle",
            severity="warning",
            first=0,
            last=policy.first_cycle,
            message=(
                f"The burn-in of {run.schedule.end} iterations hides the first cycle of {policy.first_cycle}: "
                f"its peak is never trained at."
            ),
        )
    start, size = list(policy.cycles(end, end))[-1]
    if start + size != end:
        share = abs(facts.end_rate) / facts.peak if facts.peak else 0.0
        yield Finding(
            code="sgdr-ends-mid-cycle",
            severity="warning" if share > LATE_RAISE else "note",
            first=start,
            last=end,
            message=(
                f"The run ends at {end}, {counted(end - start)} into a cycle of {size}: its last rate is "
                f"{facts.end_rate:g}, {share:.0%} of the peak, not the minimum."
            ),
        )


CURVE_RULES: tuple[Rule, ...] = (
    burn_in_length,
    step_never_reached,
    steps_unsorted,
    rate_raised,
    sgdr_cycles,
    decays_early,
    decays_little,
    burn_in_prints_zero,
)
