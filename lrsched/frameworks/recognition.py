"""What schedule has these rates: a named one where every rate agrees with it, else the table of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lrsched.fitting import Observed, fit
from lrsched.schedule import Floats, Schedule
from lrsched.schedules import Named, wellknown

__all__ = ["EXACT", "roundings", "schedule_of"]

EXACT = np.finfo(np.float64).eps
"""The unit of rounding of Python's own numbers."""


def roundings(rates: Any, epsilon: float = float(EXACT)) -> Floats:
    """By how much each rate of a run may differ from its formula, computed with so fine a unit of rounding.

    Two units of the largest rate, because ``1 + cos`` loses what stands below it, and of the rate itself four, and four
    for each iteration, because many schedulers multiply the last rate.

    >>> (roundings([1.0, 0.5, 0.0]) / EXACT).tolist()
    [6.0, 6.0, 2.0]
    """
    sizes = np.abs(np.asarray(rates, np.float64))
    slack: Floats = epsilon * (2 * sizes.max(initial=0.0) + 4 * (1 + np.arange(sizes.size)) * sizes)
    return slack


def schedule_of(rates: Any, slack: Any = None, *, first: int = 0) -> Schedule:
    """The schedule with these rates, one an iteration from ``first`` on; the last one stays.

    A named schedule is given only where it agrees with every rate to the rounding, ``slack``; else it is the table.

    >>> schedule_of([0.1, 0.1, 0.1, 0.01, 0.01, 0.001]), schedule_of([0.3, 0.1, 0.2])
    (multi_step(peak=0.1, milestones=(3, 5), horizon=5), table((0, 1, 2), (0.3, 0.1, 0.2)))
    """
    values = np.asarray(rates, np.float64)
    allowed = roundings(values) if slack is None else np.asarray(slack, np.float64)
    t = np.arange(first, first + values.size)
    if first == 0 and values.size > 1:
        for candidate in _candidates(Observed(step=t, rate=values, slack=allowed)):
            if (np.abs(candidate(t) - values) <= allowed).all():
                return _with_horizon(candidate, int(t[-1]))
    # what lies between two equal rates need not be listed
    kept = np.ones(values.size, bool)
    kept[1:-1] = (values[1:-1] != values[:-2]) | (values[1:-1] != values[2:])
    return wellknown.table(t[kept].tolist(), values[kept].tolist())


def _candidates(observed: Observed) -> Iterator[Schedule]:
    """Schedules that may have the rates, the likeliest first."""
    for horizon in int(observed.step[-1]), None:  # most are listed up to their end
        found = fit(replace(observed, horizon=horizon))
        if found is not None and found.complete:
            yield found.schedule


def _with_horizon(schedule: Schedule, last: int) -> Schedule:
    """The schedule with its last iteration, where it has none and its rates do not depend on it."""
    if isinstance(schedule, Named) and schedule.function in (wellknown.step, wellknown.multi_step):
        return schedule.function(**dict(schedule.arguments) | {"horizon": last})
    return schedule
