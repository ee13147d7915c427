"""What Hypothesis can draw: iterations, and schedules of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec

from hypothesis import strategies as st

from lrsched import schedules as shapes
from lrsched.schedule import LAST_ITERATION, Schedule
from lrsched.trainers import TRAINERS

__all__ = ["iterations", "schedules"]

LEVELS = st.floats(2.0**-20, 1.0)

LANDMARKS = (0, 1, 2**15, 2**16, 2**24, 2**24 + 1, LAST_ITERATION)
"""Where small integers and float32 end."""


def iterations(
    *, min_value: int = 0, max_value: int = LAST_ITERATION, near: Iterable[int] = ()
) -> st.SearchStrategy[int]:
    """Iterations, often the first and last ones, those where small numbers end, and those beside ``near``.

    Raises:
        ValueError: when there is no iteration between the two.
    """
    if not 0 <= min_value <= max_value <= LAST_ITERATION:
        raise ValueError(
            f"iterations lie in [0, {LAST_ITERATION}]; got min_value={min_value!r} and max_value={max_value!r}"
        )
    beside = {mark + side for mark in (min_value, max_value, *LANDMARKS, *near) for side in (-1, 0, 1)}
    usable = sorted(each for each in beside if min_value <= each <= max_value)
    return st.integers(min_value, max_value) | st.sampled_from(usable)


def schedules(*, max_horizon: int = 600_000) -> st.SearchStrategy[Schedule]:
    """Schedules of every kind with parameters as people use them: of the trainers, and the named ones.

    Raises:
        ValueError: for a run shorter than two iterations.
    """
    if max_horizon < 2:
        raise ValueError(f"max_horizon must be at least 2, got {max_horizon!r}")
    packages = [f"lrsched.trainers.{trainer.name}.strategies" for trainer in TRAINERS]
    of_trainers = [import_module(each).schedules(max_horizon) for each in packages if find_spec(each) is not None]
    return st.one_of(_named(max_horizon), *of_trainers)


@st.composite
def _named(draw: st.DrawFn, max_horizon: int) -> Schedule:
    """The schedules that have names, their corners in the order that they demand."""
    horizon = draw(st.integers(2, max_horizon))
    warmup = draw(st.integers(0, min(horizon - 2, horizon // 4)))
    low, peak = sorted(draw(st.tuples(LEVELS, LEVELS)))
    start = draw(st.sampled_from([0.0, low]))
    kinds: list[Callable[[], Schedule]] = [
        lambda: shapes.linear(peak=peak, final=low, horizon=horizon),
        lambda: shapes.exponential(peak=peak, final=low, horizon=horizon),
        lambda: shapes.polynomial(peak=peak, final=low, power=draw(st.floats(0.5, 4)), horizon=horizon),
        lambda: shapes.cosine(peak=peak, final=low, horizon=horizon, warmup=warmup, initial=start),
        lambda: shapes.one_cycle(peak=peak, initial=start, final=low, horizon=horizon, warmup=warmup),
        lambda: shapes.warmup_stable_decay(
            peak=peak, final=low, horizon=horizon, warmup=warmup, decay=draw(st.integers(1, horizon - warmup - 1))
        ),
        lambda: shapes.inverse_sqrt(peak=peak, warmup=max(warmup, 1), horizon=horizon, initial=start),
    ]
    return draw(st.sampled_from(kinds))()
