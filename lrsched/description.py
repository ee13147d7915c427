"""What a schedule does, in numbers: its peak, its minimum, its ends, its area; and how far two schedules are apart.

Both look at every iteration, a block at a time: half a million take about 20 ms. Of a run of millions they look at a
sample, where the pieces of the schedules are known.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.numbers import LAST_ITERATION, real, whole
from lrsched.schedule import BLOCK, Iterations, Schedule
from lrsched.search import WALKED, curve_of
from lrsched.sources import Source, as_schedule
from lrsched.text import spanned

__all__ = ["Comparison", "Description", "compare", "describe"]

SAMPLES = 2**19  # iterations that stand for a longer run: so many evenly spread, as many ever denser at its beginning


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a schedule does from iteration 0 to its horizon, the last iteration that was looked at.

    ``peak`` and ``minimum`` are the rates of the largest and of the smallest size, where NaN is larger than all, and
    ``peak_at`` and ``minimum_at`` the first iterations that have them. ``after`` is the rate one iteration after the
    horizon, or None when there is none; ``area`` is the sum of the rates, approximately when ``sampled``.
    """

    schedule: str
    horizon: int
    at_zero: float
    at_horizon: float
    after: float | None
    peak: float
    peak_at: int
    minimum: float
    minimum_at: int
    area: float
    sampled: bool = False

    def __str__(self) -> str:
        rows = {
            "at 0": f"{self.at_zero:.6g}",
            "peak": f"{self.peak:.6g} at {self.peak_at}",
            "minimum": f"{self.minimum:.6g} at {self.minimum_at}",
            "at the horizon": f"{self.at_horizon:.6g} at {self.horizon}",
            "after it": self._after(),
            "area": f"{self.area:.6g}, mean rate {self.area / (self.horizon + 1):.6g}{', by a sample' * self.sampled}",
        }
        return _rows(self.schedule, rows)

    def _after(self) -> str:
        if self.after is None:
            return "no iteration is left"
        if math.isnan(self.after):
            return "is not a number"
        moves = "rises" if self.after > self.at_horizon else "falls" if self.after < self.at_horizon else "stays"
        return moves if moves == "stays" else f"{moves}: {self.after:.6g} at {self.horizon + 1}"


def describe(source: Source, horizon: int | None = None, **options: Any) -> Description:
    """Say where a schedule begins, is highest and lowest, and ends, and what it adds up to.

    >>> from lrsched.schedules import one_cycle
    >>> print(describe(one_cycle(peak=0.1, horizon=1000)))
    one_cycle(peak=0.1, horizon=1000, warmup=300)
        at 0            0.004
        peak            0.1 at 300
        minimum         4e-07 at 1000
        at the horizon  4e-07 at 1000
        after it        stays
        area            50.6021, mean rate 0.0505516

    ``horizon`` is the schedule's own when absent; ``options`` are those of :func:`lrsched.as_schedule`.
    """
    schedule = as_schedule(source, target=horizon, **options)
    last = schedule.horizon if horizon is None else whole("horizon", horizon)
    if last is None:
        raise ValueError(f"describe: {schedule} has no last iteration; give horizon=N")
    peak_at, minimum_at, highest, lowest, area = 0, 0, -math.inf, math.inf, 0.0
    sampled, blocks = _looked_at(0, last, schedule)
    for at, count in blocks:
        rates = schedule(at).astype(np.float64)
        size = np.nan_to_num(np.abs(rates), nan=math.inf, posinf=math.inf)
        if size.max() > highest:
            highest, peak_at = size.max(), _first(schedule, at, int(size.argmax()))
        if size.min() < lowest:
            lowest, minimum_at = size.min(), _first(schedule, at, int(size.argmin()))
        area += float(np.sum(rates * count))
    at_zero, at_horizon, peak, minimum = schedule([0, last, peak_at, minimum_at]).tolist()
    return Description(
        schedule=str(schedule),
        horizon=last,
        at_zero=at_zero,
        at_horizon=at_horizon,
        after=float(schedule(last + 1)) if last < LAST_ITERATION else None,
        peak=peak,
        peak_at=peak_at,
        minimum=minimum,
        minimum_at=minimum_at,
        area=area,
        sampled=sampled,
    )


def _looked_at(first: int, last: int, *schedules: Schedule) -> tuple[bool, Iterable[tuple[Iterations, Any]]]:
    """Whether a sample stands for the run; and blocks of iterations, with how many each of them stands for."""
    # without pieces every iteration has to be looked at
    if last - first < WALKED or any(each.pieces(first, last) is None for each in schedules):
        return False, ((np.arange(t, min(t + BLOCK, last + 1)), 1) for t in range(first, last + 1, BLOCK))
    samples = [np.linspace(first, last, SAMPLES), first - 1 + np.geomspace(1, last - first + 1, SAMPLES)]
    ends = [curve_of(each, first, last).iterations for each in schedules]
    at = np.sort(np.concatenate([*samples, *ends]).astype(np.int64))
    at = at[np.diff(at, prepend=-1) > 0]  # np.unique takes ten times as long
    return True, [(at, np.diff((at[1:] + at[:-1]) / 2, prepend=first - 0.5, append=last + 0.5))]


def _first(schedule: Schedule, at: Iterations, place: int) -> int:
    """The first iteration that has the rate of the one at a place, of those that lie after the one before it."""
    before = int(at[place - 1] if place else at[0] - 1)
    rates = np.abs(schedule.rates(before + 1, int(at[place]) + 1))
    return before + 1 + int((rates == rates[-1]).argmax()) if rates[-1] == rates[-1] else int(at[place])


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far two schedules are apart over the iterations ``first..last``.

    ``differing`` of them differ by more than was allowed, the first at ``first_difference``. ``largest`` is the largest
    absolute difference, infinite where only one rate is a number, and ``largest_at`` the first iteration that has it
    (None when all rates are equal). The areas are the sums of the rates. All of it holds for a sample when ``sampled``.
    """

    first: int
    last: int
    same: bool
    differing: int
    first_difference: int | None
    largest: float
    largest_at: int | None
    area_a: float
    area_b: float
    sampled: bool = False

    def __str__(self) -> str:
        count = self.last - self.first + 1
        rows = {}
        if self.first_difference is not None:
            rows["they differ"] = f"at {self.differing} of {count} iterations, first at {self.first_difference}"
        if self.largest_at is not None:
            rows["most"] = f"by {self.largest:.6g} at {self.largest_at}"
        rows["areas"] = f"{self.area_a:.6g} and {self.area_b:.6g}"
        if self.sampled:
            rows["looked at"] = "a sample of the iterations, and where the schedules bend"
        return _rows(f"{'same' if self.same else 'not the same'} over {spanned(self.first, self.last)}", rows)


def _rows(title: str, rows: dict[str, str]) -> str:
    return "\n".join([title, *(f"    {name:<15} {value}" for name, value in rows.items())])


def compare(
    a: Source,
    b: Source,
    *,
    first: int = 0,
    last: int | None = None,
    tolerance: float = 0.0,
    relative: float = 0.0,
    **options: Any,
) -> Comparison:
    """Compare two schedules, iteration by iteration.

    >>> from lrsched.schedules import cosine
    >>> print(compare(cosine(peak=0.1, horizon=1000), cosine(peak=0.1, horizon=1001)))
    not the same over iterations 0 to 1001
        they differ     at 1000 of 1002 iterations, first at 1
        most            by 9.09398e-05 at 646
        areas           50.05 and 50.1

    The last iteration is the later of the two horizons when absent. Differences up to ``tolerance + relative * abs(rate
    of a)`` do not count; a relative 1e-6 lets a float32 rate equal the float64 one that it is rounded from.
    ``options`` are those of :func:`lrsched.as_schedule`.
    """
    one, other = (as_schedule(each, target=last, **options) for each in (a, b))
    if last is None:
        last = max((each.horizon for each in (one, other) if each.horizon is not None), default=None)
        if last is None:
            raise ValueError("compare: neither schedule has a last iteration; give last=N")
    first, last = whole("first", first), whole("last", last)
    if last < first:
        raise ValueError(f"compare: last must not be before first, got {last} and {first}")
    tolerance, relative = real("tolerance", tolerance), real("relative", relative)
    differing, first_difference, largest, largest_at = 0.0, None, 0.0, None
    areas = np.zeros(2)
    sampled, blocks = _looked_at(first, last, one, other)
    for at, count in blocks:
        rates, others = one(at).astype(np.float64), other(at).astype(np.float64)
        gap = _gaps(rates, others)
        beyond = gap > tolerance + relative * np.nan_to_num(np.abs(rates), nan=0.0, posinf=0.0)
        if first_difference is None and beyond.any():
            first_difference = int(at[beyond.argmax()])
        differing += float(np.sum(beyond * count))
        if gap.max() > largest:
            largest, largest_at = float(gap.max()), int(at[gap.argmax()])
        areas += np.sum(rates * count), np.sum(others * count)
    return Comparison(
        first=first,
        last=last,
        same=not differing,
        differing=round(differing),
        first_difference=first_difference,
        largest=largest,
        largest_at=largest_at,
        area_a=float(areas[0]),
        area_b=float(areas[1]),
        sampled=sampled,
    )


def _gaps(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far numbers are apart; NaN is equal to NaN only, an infinity to its like."""
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.nan_to_num(np.abs(one - other), nan=math.inf, posinf=math.inf)
    gap[(one == other) | (np.isnan(one) & np.isnan(other))] = 0
    return gap
