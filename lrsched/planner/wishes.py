"""suggest(): the values that give a rate one wishes for."""

from __future__ import annotations

import math
import os
from dataclasses import replace

from lrsched.planner.run import make_run
from lrsched.planner.suggestions import ROUNDING, Suggestion, offer, raised, reaching
from lrsched.planner.usual import USUAL_DECAY
from lrsched.schedule import Schedule
from lrsched.trainers.darknet import Dialect, Net

__all__ = ["suggest"]

JUST_ABOVE = 2.0
"""A rate up to so many times the one that was wished for counts as just above it."""

ALREADY = 1.01
"""A rate up to so many times the one that was wished for needs no change."""


def suggest(
    source: str | os.PathLike[str] | Net | Schedule,
    target: int | None = None,
    *,
    end_rate: float | None = None,
    decay: float = USUAL_DECAY,
    keep: str = "learning_rate",
    start: int = 0,
    ngpus: int = 1,
    dialect: str | Dialect = "alexeyab",
) -> tuple[Suggestion, ...]:
    """Values for people who know what they want: a rate at the target, met, or at most twice as large.

    One suggestion without changes says that the rate is so already; none at all that no key of the policy can do it.

    Args:
        source: a cfg's path, a Net or a Schedule of darknet.
        target: the iteration the rate is wanted at; max_batches when None.
        end_rate: the rate wanted there; the peak divided by ``decay`` when None.
        decay: how many times smaller than the peak the rate should be there.
        keep: a key that must keep its value.
        start: the iteration the run begins at.
        ngpus: the number of GPUs (a cfg or Net only).
        dialect: the fork that reads the cfg (a path only).

    >>> from lrsched.trainers.darknet import Poly
    >>> story = Poly(learning_rate=0.01, power=4.0, max_batches=392480)
    >>> [dict(s.changes) for s in suggest(story, 592480, end_rate=0.0001)]
    [{'max_batches': 866488}, {'max_batches': 870000}]

    Raises:
        CfgError, OSError: for a cfg that cannot be read.
        TypeError, ValueError: for a target, rate or decay that cannot be.
    """
    run = make_run(source, target, start=start, ngpus=ngpus, dialect=dialect)
    goal, policy = run.goal, run.policy
    if goal is None or policy is None:
        raise ValueError("suggest needs a darknet schedule and a target; name a target")
    if not 0 < decay < math.inf:
        raise ValueError(f"decay must be above 0 and finite, got {decay}")
    wanted = abs(policy.learning_rate) / decay if end_rate is None else end_rate
    if not wanted > 0:
        raise ValueError(f"the rate wanted at the end must be above 0, got {wanted}")
    long_enough = reaching(run, goal)
    aimed = replace(run, target=goal)
    present = run.rate(goal)
    if long_enough.schedule is run.schedule and wanted * (1 - ROUNDING) <= present <= wanted * ALREADY:
        return (offer(aimed, {}, f"the rate at {goal} is {wanted:g} or just above already", "", present),)
    return tuple(
        offer(aimed, changes, f"the rate at {goal} becomes {wanted:g} or just above", "", rate)
        for changes, rate in raised(run, long_enough, goal, wanted, lambda rate: rate >= wanted, lower=True)
        if keep not in changes and rate <= wanted * JUST_ABOVE
    )
