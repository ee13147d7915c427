"""Schedules made of a schedule: within limits, held, later, again, once an epoch.

Every function takes a schedule or a function of the iteration, and gives a named schedule with the exact rates as
float64. Products, sums and sequences are operators of every schedule.
"""

import bisect
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Annotated, Any, TypeAlias

import numpy as np

from lrsched.numbers import LAST_ITERATION as LAST
from lrsched.numbers import Param
from lrsched.schedule import Bends, FunctionSchedule, Iterations, Schedule, rates_of
from lrsched.schedules.forms import bends_at
from lrsched.schedules.naming import named
from lrsched.schedules.operators import merged
from lrsched.schedules.wellknown import Count, Length, Milestones

__all__ = ["clamped", "clocked", "held", "per_epoch", "repeated", "shifted"]

Inner: TypeAlias = Annotated[Any, Param("a schedule, or a function of the iteration", 0, 0, (0, 0), text="schedule")]
EpochLength: TypeAlias = Annotated[int, Param("iterations of an epoch", 1, LAST, (2, 5_000))]
Iteration: TypeAlias = Annotated[Any, Param("an iteration", 0, LAST, (0, 100_000), text="time")]
Limit: TypeAlias = Annotated[float, Param("a limit of the rate", 0, math.inf, (0.0, 0.5))]
Shift: TypeAlias = Annotated[Any, Param("iterations later", -LAST, LAST, (-1_000, 100_000), text="time")]


@named
def clamped(schedule: Inner, *, low: Limit | None = None, high: Limit | None = None) -> Schedule:
    """A schedule kept within limits. Where a limit takes hold the rate bends, which is not a milestone.

    >>> from lrsched.schedules.wellknown import linear
    >>> clamped(linear(peak=1, horizon=4), low=0.1, high=0.8)([0, 1, 2, 4]).tolist()
    [0.8, 0.75, 0.5, 0.1]
    """
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        raise ValueError(f"give low, high or both, low not above high, got {low} and {high}")
    return FunctionSchedule(
        function=lambda t: np.clip(rates_of(schedule, t), low, high),
        horizon=schedule.horizon,
        peak_at=schedule.warmup,
        bends=schedule.milestones,
    )


def steps_taken(t: Iterations, *, late: int, times: int, each: int, skipped: Sequence[int]) -> Iterations:
    """How many steps a schedule has taken by another clock at t: see ``clocked``; ``skipped`` is ascending."""
    taken: Iterations = np.clip((t - late) * times // each - np.searchsorted(skipped, t, side="right"), 0, LAST)
    return taken


@named
def clocked(
    schedule: Inner, *, late: Shift = 0, times: Count = 1, each: Length = 1, skipped: Milestones = ()
) -> Schedule:
    r"""A schedule by another clock: at t it has taken :math:`\lfloor (t - late)\,times/each \rfloor` less the skipped.

    >>> from lrsched.schedules.wellknown import linear
    >>> clocked(linear(peak=1, horizon=4), times=2)([0, 1, 2, 3]).tolist()
    [1.0, 0.5, 0.0, 0.0]
    >>> clocked(linear(peak=1, horizon=4), late=1, skipped=[3])([1, 2, 3, 4, 5, 6]).tolist()
    [1.0, 0.75, 0.75, 0.5, 0.25, 0.0]
    """
    lost = sorted(skipped)
    count = partial(steps_taken, late=late, times=times, each=each, skipped=lost)

    def first_at(k: int) -> int:
        """The first iteration at which the schedule has taken k steps."""
        t: int = -(-k * each // times) + late
        for one in lost:
            if one <= t:
                t = -(-(k + bisect.bisect_right(lost, t)) * each // times) + late
        return max(t, 0)

    def milestones(first: int, last: int) -> Iterator[int]:
        low, high = count(np.array([max(first - 1, 0), last])).tolist()
        bends = merged(map(first_at, schedule.milestones(max(low, 1), high)), sorted([first_at(0), *lost]))
        return (bend for bend in bends if max(first, 1) <= bend <= last)

    last = None if schedule.horizon is None else min(first_at(schedule.horizon), LAST)
    return _retimed(schedule, count, last, milestones, first_at(schedule.warmup))


@named
def held(schedule: Inner, *, at: Iteration | None = None) -> Schedule:
    """A schedule whose rate stays, from an iteration on, what it is there; ``at`` is its horizon when absent.

    >>> held(lambda t: 1 / (t + 1), at=3)([0, 1, 3, 4, 1000]).tolist()
    [1.0, 0.5, 0.25, 0.25, 0.25]
    """
    last = schedule.horizon if at is None else at
    if last is None:
        raise ValueError(f"{schedule} has no last iteration; say from which one on with at=...")

    def milestones(first: int, stop: int) -> Iterator[int]:
        yield from schedule.milestones(first, min(stop, last - 1))
        yield from bends_at(last)(first, stop)

    return _retimed(schedule, lambda t: np.minimum(t, last), last, milestones, schedule.warmup)


@named
def shifted(schedule: Inner, *, by: Shift) -> Schedule:
    """A schedule some iterations later; its first rate stays until it begins. A negative ``by`` begins it part-way.

    >>> from lrsched.schedules.wellknown import linear
    >>> shifted(linear(peak=1, horizon=4), by=2)([0, 2, 3, 6]).tolist()
    [1.0, 1.0, 0.75, 0.0]
    >>> shifted(linear(peak=1, horizon=4), by=-2)([0, 1, 2]).tolist()
    [0.5, 0.25, 0.0]
    """
    return clocked(schedule, late=by)


@named
def repeated(schedule: Inner, *, period: Length, times: Count | None = None) -> Schedule:
    """The first ``period`` iterations of a schedule, again and again; the last time it goes on as it would alone.

    >>> from lrsched.schedules.wellknown import linear
    >>> saw = repeated(linear(peak=1, horizon=3), period=4, times=2)
    >>> saw(range(10)).round(2).tolist(), saw.horizon
    ([1.0, 0.67, 0.33, 0.0, 1.0, 0.67, 0.33, 0.0, 0.0, 0.0], 7)
    """
    final = LAST // period if times is None else times - 1

    def milestones(first: int, last: int) -> Iterator[int]:
        for start in range(min(first // period, final) * period, min(last, final * period) + 1, period):
            yield from bends_at(start)(first, last)
            end = last if start == final * period else min(last, start + period - 1)
            yield from (start + bend for bend in schedule.milestones(max(first - start, 1), end - start))

    last = None if times is None else final * period + (period - 1 if schedule.horizon is None else schedule.horizon)
    return _retimed(schedule, lambda t: t - np.minimum(t // period, final) * period, last, milestones, schedule.warmup)


@named
def per_epoch(schedule: Inner, *, iterations: EpochLength) -> Schedule:
    """A schedule counted in epochs: its rate t stays for the ``iterations`` of epoch t.

    >>> from lrsched.schedules.wellknown import cosine
    >>> run = per_epoch(cosine(peak=0.1, horizon=2), iterations=500)
    >>> run([0, 499, 500, 1000, 1499]).tolist(), run.horizon
    ([0.1, 0.1, 0.05, 0.0, 0.0], 1499)
    """
    run = clocked(schedule, each=iterations)
    last = None if schedule.horizon is None else (schedule.horizon + 1) * iterations - 1
    return FunctionSchedule(function=run.formula, horizon=last, peak_at=run.warmup, bends=run.milestones)


def _retimed(
    part: Schedule, own: Callable[[Iterations], Any], last: int | None, bends: Bends, peak_at: int
) -> Schedule:
    """``part`` at its ``own`` iterations."""
    return FunctionSchedule(function=lambda t: rates_of(part, own(t)), horizon=last, peak_at=peak_at, bends=bends)
