"""Going on with a run for longer than it was planned for: named ways, with the rate on both sides of the seam."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lrsched.planner.levers import exact_integer
from lrsched.planner.run import Run
from lrsched.planner.usual import USUAL_BURN_IN, USUAL_DECAY
from lrsched.schedule import LAST_ITERATION
from lrsched.trainers.darknet import BurnIn, CfgError, Constant, Exp, Net, Poly, Sgdr, Sigmoid, Step, Steps
from lrsched.trainers.darknet.arithmetic import single
from lrsched.trainers.darknet.numbers import shortest

__all__ = ["Extension", "extensions"]


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One way to go on with a run.

    Attributes:
        name: ``stretch``, ``continuous``, ``hold`` or ``re-warm``.
        changes: cfg key -> value.
        why: what becomes of the curve.
        before: the rate at the seam with the cfg as written.
        after: the rate at the seam with the changes.
        rate_at_target: the exact rate at the target with the changes.
        run: the run with the changes; it counts from 0 again where the trainer has to be told -clear.
    """

    name: str
    changes: Mapping[str, Any]
    why: str
    before: float
    after: float
    rate_at_target: float
    run: Run

    @property
    def jump(self) -> float:
        """How many times larger the rate is behind the seam; infinite from a rate of 0."""
        if self.before == 0:
            return 1.0 if self.after == 0 else math.inf
        return self.after / self.before if math.isfinite(self.before) else math.nan


def extensions(run: Run) -> tuple[Extension, ...]:
    """Ways to go on from ``run.start`` to ``run.target``, when that lies past max_batches.

    Nothing is offered for a run that needs no change, or that is no darknet policy.
    """
    end, goal = run.max_batches, run.target
    if goal is None or end is None or goal <= end or not 0 < run.start < goal or run.policy is None:
        return ()
    return tuple(way for way in _extensions(run, end, goal) if _runs(run, way.changes))


def _runs(run: Run, changes: Mapping[str, Any]) -> bool:
    """Whether the trainer reads the cfg with these changes at all: one fork refuses keys that nobody reads."""
    try:
        run.rewritten(changes)
    except CfgError:
        return False
    return True


def _extensions(run: Run, end: int, goal: int) -> Iterator[Extension]:
    policy = run.policy
    before = run.rate(run.start)
    stretched = _stretched(run, end, goal)
    yield _extension(run, "stretch", stretched, "the same curve over the longer run")
    if isinstance(policy, Poly):
        continued = _poly_through(run, policy, goal, stretched["max_batches"], before)
    elif isinstance(policy, Steps):
        continued = {"max_batches": goal, "steps": _moved(policy.steps, run.start, end, goal)}
    elif isinstance(policy, Sgdr):
        continued = {"max_batches": goal, "sgdr_cycle": policy.first_cycle}
    else:
        continued = {"max_batches": goal}
    if continued and math.isfinite(before):
        yield _extension(run, "continuous", continued, "the rate goes on from where it is")
    if 0 < before < math.inf:
        held = {"max_batches": goal, "policy": Constant.KEY, "learning_rate": _before_gpus(run, before), "burn_in": 0}
        if run.net is not None:
            yield _extension(run, "hold", held, "the rate stays where it is")
            anew: dict[str, Any] = {
                "max_batches": goal - run.start,
                "burn_in": min(USUAL_BURN_IN, (goal - run.start) // 10),
            }
            if isinstance(policy, Steps):
                anew["steps"] = tuple(max(s * anew["max_batches"] // end, 1) for s in policy.steps)
            fresh = run.with_keys(anew)
            yield Extension(
                name="re-warm",
                changes=anew,
                why="count from 0 again (-clear): a new burn-in, then the whole curve over the iterations left",
                before=before,
                after=fresh.rate(min(anew["burn_in"], anew["max_batches"])),
                rate_at_target=fresh.rate(anew["max_batches"]),
                run=replace(fresh, start=0, target=anew["max_batches"]),
            )


def _extension(run: Run, name: str, changes: dict[str, Any], why: str) -> Extension:
    changed = run.with_keys(changes)
    goal = run.target or 0
    return Extension(
        name=name,
        changes=changes,
        why=why,
        before=run.rate(run.start),
        after=changed.rate(run.start),
        rate_at_target=changed.rate(goal),
        run=changed,
    )


def _stretched(run: Run, end: int, goal: int) -> dict[str, Any]:
    policy = run.policy
    changes: dict[str, Any] = {"max_batches": goal}
    if isinstance(policy, Poly) and policy.power > 0:
        # a poly that ends at the target has a rate of 0 there; it ends later, at learning_rate/100 at the target
        left = 1 - (1 / USUAL_DECAY) ** (1 / policy.power)
        wanted = abs(policy.learning_rate) / USUAL_DECAY
        guess = min(int(goal / left), LAST_ITERATION) if left > 0 else LAST_ITERATION
        found = exact_integer(
            lambda n: run.with_keys({"max_batches": n}).rate(goal) >= wanted, goal, LAST_ITERATION, guess
        )
        changes["max_batches"] = found or goal
    elif isinstance(policy, Steps):
        changes["steps"] = tuple(step * goal // end if step > 0 else step for step in policy.steps)
    elif isinstance(policy, Step):
        changes["step"] = max(policy.step * goal // end, 1)
    elif isinstance(policy, Exp) and policy.gamma > 0:
        changes["gamma"] = shortest(single(policy.gamma ** (end / goal)))
    elif isinstance(policy, Sigmoid):
        changes |= {"step": policy.step * goal // end, "gamma": shortest(single(policy.gamma * end / goal))}
    elif isinstance(policy, Sgdr):
        changes["sgdr_cycle"] = max(policy.first_cycle * goal // end, 1)
    return changes


def _poly_through(run: Run, policy: Poly, goal: int, max_batches: int, before: float) -> dict[str, Any]:
    """learning_rate and max_batches with which the rate at the seam stays, solved together.

    ``learning_rate' (1 - s/T')^p`` is to be the rate at the seam, with the T' of the stretched curve.
    """
    if isinstance(run.schedule, BurnIn) and run.start < run.schedule.end:
        # the burn-in does not know where the run ends
        return {"max_batches": max_batches}
    if not 0 < before < math.inf or run.start >= max_batches:
        return {}
    rate = before / (1 - run.start / max_batches) ** policy.power
    return {"max_batches": max_batches, "learning_rate": _before_gpus(run, rate)}


def _before_gpus(run: Run, rate: float) -> float:
    """The learning_rate to write so that the trainer, GPU factor included, holds ``rate``."""
    net: Net | None = run.net
    factor = run.ngpus if net is not None and net.dialect.gpus_multiply_rate else 1
    return shortest(single(rate / factor))


def _moved(steps: tuple[int, ...], start: int, end: int, goal: int) -> tuple[int, ...]:
    """Steps behind the seam moved in proportion between the seam and the new end; those before it stay."""
    if end <= start:
        return steps
    return tuple(s if s <= start else start + (s - start) * (goal - start) // (end - start) for s in steps)
