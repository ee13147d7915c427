"""Which numbers to write instead: closed forms, each evaluated again on the exact rates before it is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lrsched.darknet import Poly
from lrsched.planner.run import Run
from lrsched.schedule import LAST_ITERATION, PRINTED_ZERO_BELOW, printed_zero

__all__ = ["Suggestion", "suggestions_for"]

USUAL_DECAY = 100
"""By the end of training the rate should have decayed by this factor or more (a rule of the field)."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """cfg keys with new values that were evaluated and work.

    Attributes:
        changes: cfg key -> value.
        why: what the values do.
        rate_at_target: the exact rate at the target with these values.
    """

    changes: Mapping[str, Any]
    why: str
    rate_at_target: float


def suggestions_for(run: Run) -> tuple[Suggestion, ...]:
    """What to write instead when the rate is printed as zero at the target, or the run ends before it."""
    return tuple(_suggestions(run))


def _suggestions(run: Run) -> Iterator[Suggestion]:
    goal = run.goal
    if goal is None:
        return
    too_short = run.max_batches is not None and run.max_batches < goal
    policy = run.policy
    if isinstance(policy, Poly):
        if not too_short and not printed_zero(run.rate(goal)):
            return
        alive = _smallest_max_batches(run, policy, goal, PRINTED_ZERO_BELOW)
        if alive is not None:
            yield _offer(
                run, goal, alive, "the smallest value with which the rate at the target is not printed as zero"
            )
        usual = _smallest_max_batches(run, policy, goal, abs(policy.learning_rate) / USUAL_DECAY)
        if alive is not None and usual is not None and usual > alive:
            yield _offer(run, goal, usual, f"the smallest value with which the target gets learning_rate/{USUAL_DECAY}")
    elif too_short and policy is not None:
        yield _offer(run, goal, goal, "the smallest value with which the run reaches the target")


def _offer(run: Run, goal: int, max_batches: int, why: str) -> Suggestion:
    changes = {"max_batches": max_batches}
    return Suggestion(changes=changes, why=why, rate_at_target=run.with_keys(changes).rate(goal))


def _smallest_max_batches(run: Run, policy: Poly, goal: int, rate: float) -> int | None:
    """The smallest max_batches from ``goal`` on with which the rate at ``goal`` is at least ``rate``.

    From ``learning_rate (1 - t/T)^p = r`` follows ``T = t / (1 - (r/learning_rate)^(1/p))``; float32 decides the rest.
    """
    peak = abs(policy.learning_rate)
    if not (policy.power > 0 and peak > rate and goal > 0):
        return None

    def enough(max_batches: int) -> bool:
        return abs(run.with_keys({"max_batches": max_batches}).rate(goal)) >= rate

    remaining = 1.0 - (rate / peak) ** (1.0 / policy.power)
    guess = goal / remaining if remaining > 0 else float(LAST_ITERATION)
    return _smallest(enough, goal, LAST_ITERATION, int(min(max(guess, goal), LAST_ITERATION)))


def _smallest(holds: Callable[[int], bool], low: int, high: int, guess: int) -> int | None:
    """The smallest number of ``low..high`` for which ``holds`` (false, then true), looked for around ``guess``."""
    step = 1
    if holds(guess):
        below, above = guess, guess
        while below > low and holds(below):
            above, below, step = below, max(below - step, low), step * 4
        if holds(below):
            return below
    else:
        below, above = guess, guess
        while above < high and not holds(above):
            below, above, step = above, min(above + step, high), step * 4
        if not holds(above):
            return None
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if holds(middle) else (middle, above)
    return above
