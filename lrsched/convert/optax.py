"""Anything that has rates as a function for optax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lrsched.convert.listed import listed
from lrsched.frameworks.loading import needed
from lrsched.sources import Source, as_schedule

__all__ = ["to_optax"]


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
