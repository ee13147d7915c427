"""The rates of a run as an array, for code that is compiled: what comes after the last of them, too."""

from __future__ import annotations

import math

import numpy as np

from lrsched.convert.source import known_horizon
from lrsched.numbers import LAST_ITERATION, whole
from lrsched.schedule import Floats, Schedule

__all__ = ["MOST", "listed"]

MOST: int = 2**25
"""So many rates are listed; an array of more would fill the memory of the accelerator."""


def listed(schedule: Schedule, horizon: int | None = None) -> tuple[Floats, float]:
    """The rates from 0 to the horizon, and the rate of every later iteration: NaN where it does not stay.

    >>> from lrsched.schedules import linear
    >>> listed(linear(peak=1, horizon=2))
    (array([1. , 0.5, 0. ]), 0.0)
    >>> listed(linear(peak=1, horizon=4), 2)
    (array([1.  , 0.75, 0.5 ]), nan)

    Raises:
        ValueError: without a horizon, or with one that is too far away.
    """
    last = whole("horizon", known_horizon(schedule, horizon))
    if last >= MOST:
        raise ValueError(f"horizon={last} needs an array of {last + 1} rates; up to {MOST - 1} are possible")
    rates = np.asarray(schedule.rates(0, last + 1), np.float64)
    later = [each for each in (last + 1, last + 2, 2 * last + 1, 10 * last, LAST_ITERATION) if each > last]
    stays = next(schedule.milestones(last + 1, LAST_ITERATION), None) is None
    stays = stays and all(
        float(rate) == rates[-1] for rate in schedule([each for each in later if each <= LAST_ITERATION])
    )
    return rates, float(rates[-1]) if stays else math.nan
