"""Schedules made of a schedule: within limits, held, later, again, once an epoch, over another horizon; and tables.

Every function takes a schedule or a plain function of the iteration, and gives a named schedule. Rates are float64;
those of darknet's policies keep their exact values. Products, sums and sequences are operators of every schedule.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from lrsched.numbers import LAST_ITERATION, declarations, whole
from lrsched.schedule import Combined, Floats, Iterations, Part, Schedule, Sequential, as_part, rates_of
from lrsched.schedules.curves import Bends, Rule, along, bends_at, line
from lrsched.schedules.naming import Named, named
from lrsched.schedules.parameters import Count, EpochLength, Horizon, Iteration, Length, Limit, Milestones, Rates, Shift
from lrsched.schedules.units import half_up

__all__ = ["clamped", "held", "per_epoch", "repeated", "sampled", "shifted", "stretched", "table"]


@named
def clamped(schedule: Part, *, low: Limit | None = None, high: Limit | None = None) -> Schedule:
    """A schedule kept within limits. Where a limit takes hold the rate bends, which is not a milestone.

    >>> from lrsched.schedules.decays import linear
    >>> clamped(linear(peak=1, horizon=4), low=0.1, high=0.8)([0, 1, 2, 4]).tolist()
    [0.8, 0.75, 0.5, 0.1]

    Raises:
        ValueError: when neither limit is given, or ``low`` is above ``high``.
    """
    part = as_part("schedule", schedule)
    if low is None and high is None:
        raise ValueError("give low, high or both")
    if low is not None and high is not None and low > high:
        raise ValueError(f"low must not be above high, got {low:g} and {high:g}")
    return _at(part, lambda t: np.clip(rates_of(part, t), low, high), part.horizon, part.milestones)


@named
def held(schedule: Part, *, at: Iteration | None = None) -> Schedule:
    """A schedule whose rate stays, from an iteration on, what it is there; ``at`` is its horizon when absent.

    >>> held(lambda t: 1 / (t + 1), at=3)([0, 1, 3, 4, 1000]).tolist()
    [1.0, 0.5, 0.25, 0.25, 0.25]

    Raises:
        ValueError: when ``at`` is absent and the schedule has no horizon.
    """
    part = as_part("schedule", schedule)
    last = part.horizon if at is None else at
    if last is None:
        raise ValueError(f"{part!r} has no last iteration; say from which one on with at=...")

    def milestones(first: int, stop: int) -> Iterator[int]:
        yield from part.milestones(first, min(stop, last - 1))
        yield from bends_at(last)(first, stop)

    return _at(part, lambda t: rates_of(part, np.minimum(t, last)), last, milestones)


@named
def shifted(schedule: Part, *, by: Shift) -> Schedule:
    """A schedule some iterations later; its first rate stays until it begins. A negative ``by`` begins in its midst.

    >>> from lrsched.schedules.decays import linear
    >>> shifted(linear(peak=1, horizon=4), by=2)([0, 2, 3, 6]).tolist()
    [1.0, 1.0, 0.75, 0.0]
    >>> shifted(linear(peak=1, horizon=4), by=-2)([0, 1, 2]).tolist()
    [0.5, 0.25, 0.0]
    """
    part = as_part("schedule", schedule)

    def milestones(first: int, last: int) -> Iterator[int]:
        yield from bends_at(max(by, 0))(first, last)
        yield from (bend + by for bend in part.milestones(max(first - by, 1 - by, 1), min(last - by, LAST_ITERATION)))

    last = None if part.horizon is None else min(max(part.horizon + by, 0), LAST_ITERATION)
    return _at(part, lambda t: rates_of(part, np.clip(t - by, 0, LAST_ITERATION)), last, milestones)


@named
def repeated(schedule: Part, *, period: Length, times: Count | None = None) -> Schedule:
    """The first ``period`` iterations of a schedule, again and again; the last time it goes on as it would alone.

    >>> from lrsched.schedules.decays import linear
    >>> saw = repeated(linear(peak=1, horizon=3), period=4, times=2)
    >>> saw(range(10)).round(2).tolist(), saw.horizon
    ([1.0, 0.67, 0.33, 0.0, 1.0, 0.67, 0.33, 0.0, 0.0, 0.0], 7)
    """
    part = as_part("schedule", schedule)
    final = LAST_ITERATION // period if times is None else times - 1

    def milestones(first: int, last: int) -> Iterator[int]:
        for start in range(min(first // period, final) * period, min(last, final * period) + 1, period):
            yield from bends_at(start)(first, last)
            end = last if start == final * period else min(last, start + period - 1)
            yield from (start + bend for bend in part.milestones(max(first - start, 1), end - start))

    last = None if times is None else final * period + (period - 1 if part.horizon is None else part.horizon)
    return _at(part, lambda t: rates_of(part, t - np.minimum(t // period, final) * period), last, milestones)


@named
def per_epoch(schedule: Part, *, iterations: EpochLength) -> Schedule:
    """A schedule counted in epochs: its rate t stays for the ``iterations`` of epoch t.

    >>> from lrsched.schedules.decays import cosine
    >>> run = per_epoch(cosine(peak=0.1, horizon=2), iterations=500)
    >>> run([0, 499, 500, 1000, 1499]).tolist(), run.horizon
    ([0.1, 0.1, 0.05, 0.0, 0.0], 1499)
    """
    part = as_part("schedule", schedule)
    last = None if part.horizon is None else (part.horizon + 1) * iterations - 1
    return _paced(part, 1, iterations, last)


@named
def sampled(schedule: Part, *, was: Length, horizon: Horizon) -> Schedule:
    """A schedule at another pace: the rate at t is exactly that of iteration ``t * was // horizon``.

    >>> sampled(lambda t: t, was=10, horizon=20)([0, 1, 2, 19, 20]).tolist()
    [0.0, 0.0, 1.0, 9.0, 10.0]
    """
    part = as_part("schedule", schedule)
    return _paced(part, was, horizon, None if part.horizon is None else -(-part.horizon * horizon // was))


@named
def table(iterations: Milestones, rates: Rates) -> Schedule:
    """Straight lines between listed rates; before the first and after the last the rate stays.

    >>> table([0, 100, 400, 500], [0.0, 0.1, 0.1, 0.01])([0, 50, 100, 250, 500, 1000]).tolist()
    [0.0, 0.05, 0.1, 0.1, 0.01, 0.01]

    Raises:
        ValueError: for iterations that are not ascending, and unless there is one rate for each.
    """
    if len(iterations) != len(rates) or not iterations:
        raise ValueError(f"give one rate for each iteration, got {len(iterations)} iterations and {len(rates)} rates")
    for before, after in pairwise(iterations):
        if after <= before:
            raise ValueError(f"iterations must be ascending, got {after} after {before}")
    at, values = np.array(iterations, np.int64), np.array(rates, np.float64)

    def function(t: Iterations) -> Floats:
        after = np.searchsorted(at, t, side="right")
        left, right = np.maximum(after - 1, 0), np.minimum(after, at.size - 1)
        length = np.maximum(at[right] - at[left], 1)
        return along(values[left], values[right], np.clip(t - at[left], 0, length), length, line)

    return Rule(function=function, last=iterations[-1], bends=bends_at(*iterations))


def stretched(schedule: Part, horizon: int, *, was: int | None = None, fixed: Sequence[str] = ()) -> Schedule:
    """The same curve over another number of iterations.

    Named schedules are made again with longer times, and so are products, sums and sequences of them; anything else
    is :func:`sampled`.

    >>> from lrsched.schedules.decays import cosine
    >>> run = cosine(peak=0.1, horizon=10_000, warmup=500)
    >>> stretched(run, 20_000), stretched(run, 20_000, fixed=["warmup"])
    (cosine(peak=0.1, horizon=20000, warmup=1000), cosine(peak=0.1, horizon=20000, warmup=500))

    Args:
        schedule: a schedule, or a function of the iteration.
        horizon: the last iteration it shall have.
        was: the last iteration it has now; the schedule's own horizon when absent.
        fixed: parameters that keep their number of iterations, such as ``"warmup"``.

    Raises:
        ValueError: when the present horizon is unknown, ``fixed`` names no time of the schedule, or a part of it would
            vanish.
    """
    part = as_part("stretched: schedule", schedule)
    now, new = part.horizon if was is None else was, whole("stretched: horizon", horizon, low=1)
    if not now:
        raise ValueError(f"stretched: {part!r} has no last iteration above 0; say which it has now with was=...")
    unknown = set(fixed) - set(_times(part))
    if unknown:
        raise ValueError(f"stretched: {part!r} has no time called {min(unknown)}")
    return _slower(part, Fraction(new, now), fixed)


def _times(schedule: Schedule) -> Iterator[str]:
    """The names of the parameters that are times."""
    if isinstance(schedule, Combined):
        for part in schedule.schedules:
            yield from _times(part)
    elif isinstance(schedule, Named):
        yield from (name for name, (_, param) in declarations(schedule.function).items() if param.text == "time")


def _slower(schedule: Schedule, ratio: Fraction, fixed: Sequence[str]) -> Schedule:
    """The same curve, taking ``ratio`` times as many iterations."""
    if isinstance(schedule, Combined):
        parts = tuple(_slower(part, ratio, fixed) for part in schedule.schedules)
        if isinstance(schedule, Sequential):
            return replace(schedule, schedules=parts, at=tuple(half_up(at * ratio) for at in schedule.at))
        return replace(schedule, schedules=parts)
    pace = sampled(schedule, was=ratio.denominator, horizon=ratio.numerator)
    if not isinstance(schedule, Named) or schedule.function is sampled:
        return pace
    times = set(_times(schedule)) - set(fixed)

    def changed(name: str, value: Any) -> Any:
        if isinstance(value, Schedule):
            return _slower(value, ratio, fixed)
        if name not in times or value is None:
            return value
        return tuple(half_up(t * ratio) for t in value) if isinstance(value, tuple) else half_up(value * ratio)

    made = schedule.function(**{name: changed(name, value) for name, value in schedule.arguments})
    # cycles, for one, cannot always be stretched to the iteration
    exact = schedule.horizon is None or made.horizon == half_up(schedule.horizon * ratio)
    return made if exact else pace


def _at(part: Schedule, function: Callable[[Iterations], Floats], last: int | None, bends: Bends) -> Rule:
    return Rule(function=function, last=last, peak_at=part.warmup, bends=bends)


def _paced(part: Schedule, was: int, now: int, last: int | None) -> Rule:
    """``part`` at the pace of ``was`` of its iterations in ``now``."""

    def reached(own: int) -> int:
        return -(-own * now // was)

    def milestones(first: int, stop: int) -> Iterator[int]:
        low, high = (first - 1) * was // now + 1, min(stop * was // now, LAST_ITERATION)
        found = (reached(bend) for bend in part.milestones(max(low, 1), high)) if low <= high else ()
        yield from (at for at, _ in groupby(found))

    return Rule(
        function=lambda t: rates_of(part, np.minimum(t * was // now, LAST_ITERATION)),
        last=last,
        peak_at=min(reached(part.warmup), LAST_ITERATION),
        bends=milestones,
    )
