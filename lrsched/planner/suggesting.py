"""suggest(): the values that give the rate one wants at an iteration."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from lrsched.planner.fixing import Suggestion, serious, suggestion
from lrsched.planner.plan import make_run
from lrsched.planner.rules import DECAY, ROUNDING, find
from lrsched.rules import Offer, Run
from lrsched.sources import Source

__all__ = ["suggest"]

JUST_ABOVE = 2.0
"""A rate up to so many times the one that was wanted is offered."""

ALREADY = 1.01
"""A rate up to so many times the one that was wanted needs no change."""


def suggest(
    source: Source,
    target: int | None = None,
    *,
    end_rate: float | None = None,
    decay: float = DECAY,
    keep: str = "learning_rate",
    start: int = 0,
    ngpus: int = 1,
    **options: Any,
) -> tuple[Suggestion, ...]:
    """Values for people who know what they want: a rate at the target, met, or at most twice as large.

    One suggestion without changes means that the rate is so already; none, that no key can do it without harm.

    Args:
        source: a config's path, a config, or a schedule of a trainer.
        target: the iteration the rate is wanted at; the horizon when None.
        end_rate: the rate wanted there; the peak divided by ``decay`` when None.
        decay: how many times smaller than the peak the rate should be there.
        keep: a key that must keep its value.
        start: the iteration the run begins at.
        ngpus: the number of GPUs (a config only).
        options: options of the trainer that reads the path, such as ``dialect``.

    >>> from lrsched.trainers.darknet import Poly
    >>> story = Poly(learning_rate=0.01, power=4.0, max_batches=392480)
    >>> [(dict(s.changes), dict(s.exact)) for s in suggest(story, 592480, end_rate=0.0001)]
    [({'max_batches': 870000}, {'max_batches': 866488})]

    Raises:
        OSError, ValueError: for a config that cannot be read.
        TypeError, ValueError: for a target, rate or decay that cannot be.
    """
    run = make_run(source, target, start=start, ngpus=ngpus, **options)
    goal = run.goal
    if goal is None or run.config is None:
        raise ValueError("suggest needs a trainer's config and a last iteration; pass target=N")
    if not 0 < decay < math.inf:
        raise ValueError(f"decay must be above 0 and finite, got {decay}")
    wanted = run.peak[0] / decay if end_rate is None else end_rate
    if not wanted > 0:
        raise ValueError(f"the rate wanted at the end must be above 0, got {wanted}")
    known = serious(find(run, notes=False))
    found: dict[frozenset[str], Suggestion] = {}
    for offer in _offers(run, wanted, goal):
        try:
            changed = run.changed(offer.changes, target=goal)
        except ValueError:
            continue
        enough = wanted * (1 - ROUNDING) <= changed.rate(goal) <= wanted * JUST_ABOVE
        if enough and keep not in offer.changes and serious(find(changed, notes=False)) <= known:
            found.setdefault(frozenset(offer.changes), suggestion(offer, changed))
    return tuple(found.values())


def _offers(run: Run, wanted: float, goal: int) -> Iterator[Offer]:
    rate = run.rate(goal)
    if run.last == goal and wanted * (1 - ROUNDING) <= rate <= wanted * ALREADY:
        yield Offer({}, f"already {rate:g} at {goal}; no change needed")
        return
    longer, decay = run.planning.stretched(goal), run.planning.decaying(goal)
    yield from [] if longer is None else [longer]
    yield from [Offer(decay, f"the rate at {goal} is {wanted:g} or just above")] if decay else []
    yield from run.planning.reaching(wanted, goal, run.ngpus)
