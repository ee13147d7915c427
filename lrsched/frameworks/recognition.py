"""What schedule has these rates: a named one where every rate agrees with it, else the table of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from lrsched.fitting import Clock, Observed, fit
from lrsched.schedule import Floats, Schedule
from lrsched.schedules import Named, wellknown

__all__ = ["SINGLE", "checked", "named_or_table", "schedule_of"]

EXACT = float(np.finfo(np.float64).eps)  # the unit of rounding of Python's own numbers
# by what share of the largest one rates that are computed in float32 may differ from those in float64
SINGLE = 64 * float(np.finfo(np.float32).eps)


def _roundings(rates: Any, epsilon: float = EXACT) -> Floats:
    """By how much each rate of a run may differ from its formula, computed with so fine a unit of rounding.

    Two units of the largest rate, because ``1 + cos`` loses what stands below it, and of the rate itself four, and four
    for each iteration, because many schedulers multiply the last rate.

    >>> (_roundings([1.0, 0.5, 0.0]) / EXACT).tolist()
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
    allowed = _roundings(values) if slack is None else np.asarray(slack, np.float64)
    t = np.arange(first, first + values.size)
    if first == 0 and values.size > 1:
        for candidate in _candidates(Observed(step=t, rate=values, slack=allowed)):
            if (np.abs(candidate(t) - values) <= allowed).all():
                return _with_horizon(candidate, int(t[-1]))
    # what lies between two equal rates need not be listed
    kept = np.ones(values.size, bool)
    kept[1:-1] = (values[1:-1] != values[:-2]) | (values[1:-1] != values[2:])
    return wellknown.table(t[kept].tolist(), values[kept].tolist())


def named_or_table(name: str, single: Floats, double: Floats) -> Schedule:
    """The schedule of rates that were computed in float32 and in float64; where these differ, those in float32."""
    double = np.where((double < 0) & (double >= -_roundings(double)), 0.0, double)
    if (np.abs(single - double) <= SINGLE * np.abs(single).max()).all() and (double >= 0).all():
        return schedule_of(double)
    return schedule_of(checked(name, single), np.zeros_like(single))


def checked(name: str, rates: Floats, first: int = 0) -> Floats:
    """The rates, one an iteration from ``first`` on, if a schedule may have them."""
    if (bad := ~(rates >= 0) | ~np.isfinite(rates)).any():
        at = int(bad.argmax())
        raise ValueError(f"{name}: the rate is {rates[at]:g} at iteration {first + at}, which no schedule may have")
    return rates


def _candidates(observed: Observed) -> Iterator[Schedule]:
    """Schedules that may have the rates, the likeliest first."""
    rates, last, later = observed.rate, int(observed.step[-1]), list[Schedule]()
    for horizon in last, None:  # most are listed up to their end
        found = fit(replace(observed, horizon=horizon))
        if found is not None and found.complete and found.clock == Clock():
            lines = isinstance(found.schedule, Named) and found.schedule.function is wellknown.table
            later, now = ([found.schedule], []) if lines else (later, [found.schedule])
            yield from now
    for make in _polynomial, _triangles:
        with suppress(ArithmeticError, IndexError, ValueError):  # there is no such schedule
            yield make(rates.tolist(), last)
    middle = float(rates.max() + rates.min())  # what falls and rises, as a momentum does, is a peak upside down
    found = fit(replace(observed, rate=middle - rates, horizon=last))
    if found is not None and isinstance(named := found.schedule, Named):
        given = dict(named.arguments)
        turned = {key: middle - given[key] for key in ("peak", "final", "initial") if key in given}
        yield named.function(**given | {key: max(float(f"{rate:.12g}"), 0.0) for key, rate in turned.items()})
    yield from later


def _polynomial(rates: list[float], last: int) -> Schedule:
    """A warm-up and a polynomial with the power that the middle of its decay has."""
    peak = max(rates)
    top = rates.index(peak)
    at = (top + last) // 2
    power = math.log((rates[at] - rates[-1]) / (peak - rates[-1])) / math.log((last - at) / (last - top))
    start = {"warmup": top, "initial": rates[0]} if top else {}
    return wellknown.polynomial(peak=peak, final=rates[-1], horizon=last, power=float(f"{power:.9g}"), **start)


def _triangles(rates: list[float], last: int) -> Schedule:
    """Triangles that begin at their floor, each as high as the first, or lower than the one before by one factor."""
    floor, up = rates[0], int((np.diff(rates) < 0).argmax())
    down = int((np.diff(rates[up:]) >= 0).argmax()) or last - up
    tops = rates[up :: up + down]
    shrink = (tops[1] - floor) / (tops[0] - floor) if len(tops) > 1 else 1.0
    cycles = -(-last // (up + down))
    return wellknown.cyclic(
        peak=tops[0], floor=floor, up=up, down=down, cycles=cycles, shrink=min(float(f"{shrink:.9g}"), 1.0)
    )


def _with_horizon(schedule: Schedule, last: int) -> Schedule:
    """The schedule with its last iteration, where it has none and its rates do not depend on it."""
    if isinstance(schedule, Named) and schedule.function in (wellknown.step, wellknown.multi_step):
        return schedule.function(**dict(schedule.arguments) | {"horizon": last})
    return schedule
