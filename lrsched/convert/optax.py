"""Anything that has rates as a function for optax: the rates of the run are listed once, and looked up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lrsched.convert.source import known_horizon
from lrsched.frameworks.loading import needed
from lrsched.numbers import LAST_ITERATION, whole
from lrsched.schedule import Floats, Schedule
from lrsched.sources import Source, as_schedule

__all__ = ["listed", "to_optax"]

MOST = 2**25  # so many rates are listed; an array of more would fill the memory of the accelerator


def to_optax(source: Source | Mapping[str, Any], *, horizon: int | None = None, **options: Any) -> Callable[[Any], Any]:
    """A function of the count of updates for optax: it can be compiled, mapped and injected as a hyper-parameter.

    The rates of all iterations up to the horizon are listed once, in float64, and looked up by the count, so that each
    is the exact rate rounded to float32 (or not at all, where jax keeps float64). Between two counts, if a count is not
    whole, lies a straight line. After the horizon the last rate stays where that of the schedule does; else the rate is
    NaN, because compiled code cannot raise: give ``horizon`` as far as you train.

    ``optax.sgd(to_optax("yolov3.cfg"))`` trains with the rates of darknet.

    Args:
        source: what :func:`lrsched.as_schedule` takes.
        horizon: the last iteration; the schedule's own when absent.
        options: those of :func:`lrsched.as_schedule`.

    Raises:
        ModuleNotFoundError: without jax.
        OSError, TypeError, ValueError: for what is not a schedule, or has no horizon.
    """
    rates, after = listed(as_schedule(source, **options), horizon)
    with needed("jax"):
        from jax import numpy as jnp  # noqa: PLC0415 (loaded only by those who have it)

    def rate(count: Any) -> Any:
        at = jnp.asarray(count)
        table = jnp.asarray(rates)  # float32, unless jax is told to keep float64
        if not jnp.issubdtype(at.dtype, jnp.integer):
            low = jnp.floor(at)
            one, other = rate(low.astype(int)), rate(low.astype(int) + 1)
            return jnp.where(at == low, one, one + (other - one) * (at - low))
        return jnp.where(at < table.size, table[jnp.clip(at, 0, table.size - 1)], jnp.asarray(after, table.dtype))

    return rate


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
    bends = next(schedule.milestones(last + 1, LAST_ITERATION), None) is not None
    stays = not bends and bool((np.asarray(schedule(later), np.float64) == rates[-1]).all())
    return rates, float(rates[-1]) if stays else math.nan
