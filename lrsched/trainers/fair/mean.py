"""The mean of a rate over the iterations of an epoch, which is all that a log of epochs shows of it."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from lrsched.numbers import LAST_ITERATION, Param
from lrsched.schedule import Floats, FunctionSchedule, Iterations, Schedule, rates_of
from lrsched.schedules import named
from lrsched.schedules.combinators import Inner

__all__ = ["epoch_mean", "offsets"]

Count = Annotated[int, Param("a number of iterations", 1, LAST_ITERATION, (1, 5_000))]


def offsets(iterations: int, accumulate: int) -> Floats:
    """The iteration of an epoch at which the rate of each was set: only before an update.

    >>> offsets(5, 2).tolist()
    [0, 0, 2, 2, 4]
    """
    at = np.arange(iterations)
    found: Floats = at - at % accumulate
    return found


@named
def epoch_mean(schedule: Inner, *, iterations: Count, accumulate: Count = 1) -> Schedule:
    """A schedule of iterations as means over epochs; the rate is set every ``accumulate`` iterations of an epoch.

    >>> from lrsched.schedules import linear
    >>> epoch_mean(linear(peak=1, horizon=8), iterations=4)([0, 1, 2]).tolist()
    [0.8125, 0.3125, 0.0]
    """
    at, counts = np.unique(offsets(iterations, accumulate), return_counts=True)

    def function(t: Iterations) -> Floats:
        total: Floats = np.zeros(t.shape)
        for offset, count in zip(at.tolist(), counts.tolist(), strict=True):
            total += count * rates_of(schedule, t * iterations + offset)
        return total / iterations

    last = None if schedule.horizon is None else -(-schedule.horizon // iterations)
    return FunctionSchedule(function=function, horizon=last, peak_at=-(-schedule.warmup // iterations))
