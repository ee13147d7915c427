"""Schedules of optax: functions of the count of updates that jax can compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lrsched.frameworks.loading import needed
from lrsched.frameworks.recognition import named_or_table
from lrsched.numbers import whole
from lrsched.schedule import Floats, Schedule

__all__ = ["from_optax"]


def from_optax(schedule: Callable[[Any], Any], *, horizon: int) -> Schedule:
    """A schedule of optax, or any function of the count that jax can trace, from 0 to a horizon.

    It is computed once in float32, as it trains, and once in float64; where both agree to the rounding of float32, the
    rates are those in float64. A named schedule is given only where it agrees with the rate of *every* iteration, to a
    few units of the rounding. Else it is a table, whose last rate stays.

    Raises:
        ModuleNotFoundError: without jax.
        TypeError, ValueError: for what is not such a function, or rates that no schedule may have.
    """
    if not callable(schedule):
        raise TypeError(f"from_optax: give a function of the count, got {schedule!r}")
    counts = np.arange(whole("horizon", horizon, low=1) + 1)
    return named_or_table("from_optax", _rates(schedule, counts, wide=False), _rates(schedule, counts, wide=True))


def _rates(schedule: Callable[[Any], Any], counts: Any, *, wide: bool) -> Floats:
    """The rates at some counts, in float32 or, where the function leaves that open, in float64."""
    with needed("jax"):
        import jax.experimental  # noqa: PLC0415 (loaded only by those who have it)

    with (jax if hasattr(jax, "enable_x64") else jax.experimental).enable_x64(wide):
        try:
            rates = np.asarray(jax.vmap(schedule)(jax.numpy.asarray(counts)), np.float64)
        except Exception as why:
            text = str(why).partition("\n")[0]
            raise ValueError(
                f"from_optax: the function cannot be traced by jax: {text}; from_table takes its rates"
            ) from why
    if rates.shape != counts.shape:
        raise ValueError(f"from_optax: the function must return one rate, got an array of shape {rates.shape[1:]}")
    return rates
