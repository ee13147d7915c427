"""A suggestion: cfg keys with other values, tried on the exact rates before it is offered."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lrsched.planner.facts import facts_of
from lrsched.planner.findings import find
from lrsched.planner.levers import changes_of, exact_integer, learning_rate_lever, levers, settings
from lrsched.planner.run import Run
from lrsched.schedule import LAST_ITERATION
from lrsched.trainers.darknet import CfgError, Steps

if TYPE_CHECKING:
    from lrsched.planner.plan import Plan

__all__ = ["MISREAD", "ROUNDING", "Suggestion", "longer", "offer", "proven", "raised", "reaching"]

ROUNDING = 1e-6
"""Rates that differ by less are the same but for their rounding to float32."""

MISREAD = frozenset({"unknown-policy", "value-not-a-number", "steps-scales-mismatch"})
"""A cfg with one of these errors is not the cfg that was meant."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """cfg keys with new values that were evaluated and work.

    Attributes:
        changes: cfg key -> value.
        why: what the values do.
        rate_at_target: the exact rate at the target with these values.
        cures: the code of the finding that is gone then; empty for a wish of the user's own.
        written: the run as its cfg is written, aimed at the same target.
    """

    changes: Mapping[str, Any]
    why: str
    rate_at_target: float
    cures: str = ""
    written: Run = field(repr=False, compare=False)

    @property
    def run(self) -> Run:
        """The run with these values."""
        return self.written.with_keys(self.changes)

    @property
    def plan(self) -> Plan:
        """The plan of the changed cfg, written and read again."""
        from lrsched.planner.plan import plan_run  # noqa: PLC0415 (a plan holds suggestions, these lead to plans)

        return plan_run(self.written.rewritten(self.changes))


def reaching(run: Run, goal: int) -> Run:
    """The run with ``goal`` as its target, lengthened to it when it ends before."""
    aimed = replace(run, target=goal)
    if run.max_batches is not None and run.max_batches < goal and run.policy is not None:
        return aimed.with_keys(longer(run, goal))
    return aimed


def longer(run: Run, goal: int) -> dict[str, Any]:
    """The keys with which a run lasts until ``goal``."""
    changes: dict[str, Any] = {"max_batches": goal}
    if isinstance(run.policy, Steps) and run.max_batches:
        moved = tuple(step * goal // run.max_batches if step > 0 else step for step in run.policy.steps)
        changes["steps"] = moved
    return changes


def raised(
    run: Run, aimed: Run, goal: int, wanted: float, enough: Callable[[float], bool], *, lower: bool = False
) -> Iterator[tuple[dict[str, Any], float]]:
    """Changes with which the size of the rate at ``goal`` is enough, and that rate: by lever, exact then round.

    With ``lower`` a key may also be turned the other way, down to a rate that is just enough.
    """
    policy = aimed.policy
    if policy is None:
        return
    base = longer(run, goal) if aimed.max_batches != run.max_batches else {}
    if base:
        rate = aimed.rate(goal)
        if abs(rate) >= wanted * (1 - ROUNDING) and not (lower and abs(rate) > wanted * (1 + ROUNDING)):
            yield base, rate
            return
    higher = learning_rate_lever(aimed, goal, wanted)
    for lever in (*levers(policy, goal, wanted, aimed.max_batches, lower=lower), *([higher] if higher else [])):
        for setting in settings(aimed, lever, goal, enough):
            changes = changes_of(aimed, setting.key, setting.value)
            if run.ngpus == 1 or _finite(aimed.with_keys(changes)):
                yield base | changes, setting.rate
            elif setting.key == "max_batches":
                # several GPUs overshoot the end, where a fractional power is NaN
                long_enough = exact_integer(
                    lambda n: _finite(aimed.with_keys({"max_batches": n})), setting.value, LAST_ITERATION, setting.value
                )
                if long_enough is not None:
                    changes = {"max_batches": long_enough}
                    yield base | changes, aimed.with_keys(changes).rate(goal)


def _finite(run: Run) -> bool:
    return not find(facts_of(run, search_zero=False), "rate-not-finite")


def offer(run: Run, changes: dict[str, Any], why: str, code: str, rate: float | None = None) -> Suggestion:
    """A suggestion with the rate at the target it leads to, which is evaluated where it is not known."""
    if rate is None:
        changed = run.with_keys(changes)
        goal = changed.goal
        rate = changed.rate(goal) if goal is not None else float("nan")
    return Suggestion(changes=changes, why=why, rate_at_target=rate, cures=code, written=run)


def proven(run: Run, changes: dict[str, Any], why: str, code: str) -> Iterator[Suggestion]:
    """Offer a change when its finding is gone after it."""
    try:
        changed = run.rewritten(changes) if code in MISREAD else run.with_keys(changes)
    except (CfgError, ValueError):
        return
    goal = changed.goal
    rate = math.nan if goal is None else changed.rate(goal)
    if goal is not None and not math.isfinite(rate):
        return
    suggestion = offer(run, changes, why, code, rate)
    if not find(facts_of(changed, search_zero=False), code):
        yield suggestion
