"""A cfg of darknet for any schedule."""

from __future__ import annotations

from typing import Any

from lrsched.sources import Source, as_schedule
from lrsched.trainers.darknet.dialects import Dialect
from lrsched.trainers.darknet.nearest import Fit, nearest

__all__ = ["fit_cfg"]


def fit_cfg(
    source: Source, horizon: int | None = None, *, steps: int = 12, dialect: str | Dialect = "alexeyab", **options: Any
) -> Fit:
    """The cfg of darknet whose rates are nearest to those of anything that has a schedule.

    Every policy is tried with and without a burn-in, and the best possible ``steps``. The cfg returned has the smallest
    largest relative error of the rate over iterations 1 to the horizon (see :class:`Fit`). Rates below a thousandth of
    the peak count as that thousandth.

    >>> from lrsched.schedules import linear, multi_step
    >>> print(fit_cfg(multi_step(peak=0.1, milestones=[8000, 9000], horizon=10_000, warmup=500)))
    [net]
    batch=64
    subdivisions=16
    learning_rate=0.1
    burn_in=500
    max_batches=10000
    policy=steps
    power=1
    steps=8000,9000
    scales=0.1,0.1
    >>> print(fit_cfg(linear(peak=0.1, final=0.001, horizon=10_000), steps=4).sentence)
    The rate of the cfg is off by at most 59.1 %, at iteration 6050: 0.0252 in place of 0.04011.

    ``horizon`` is the schedule's own when absent; ``options`` are those of :func:`lrsched.as_schedule`.

    Raises:
        OSError, TypeError, ValueError: for what has no rate; for rates that are negative or not finite, with the
            iteration; for a run without an end, or longer than 2**24 iterations.
    """
    schedule = as_schedule(source, horizon=horizon, **options)
    last = schedule.horizon if horizon is None else horizon
    if last is None:
        raise ValueError(f"{schedule} has no last iteration; give horizon=N")
    return nearest(schedule, last, steps, dialect)
