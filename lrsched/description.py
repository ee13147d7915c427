"""What a schedule does, in numbers: its peak, its minimum, its ends, its area; and how far two schedules are apart."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import LAST_ITERATION, Piece, Schedule
from lrsched.schedules.units import whole
from lrsched.sources import as_schedule

__all__ = ["Comparison", "Description", "compare", "describe"]

MOST_MILESTONES = 100_000
"""More milestones than this are not counted."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """Where a schedule begins, where it is highest and lowest, where it ends, and what it adds up to.

    Peak and minimum are those of the size of the rate, over iterations 0 to the horizon; what is not a number counts
    as larger than all.

    Attributes:
        schedule: the schedule as text that evaluates back.
        horizon: the last iteration that was looked at.
        at_zero: the rate at iteration 0.
        at_horizon: the rate at the horizon.
        after: the rate one iteration after the horizon, or None when there is none.
        later: the rate at twice the horizon, or None when that cannot be reached.
        peak: the largest rate.
        peak_at: the first iteration that has it.
        minimum: the smallest rate.
        minimum_at: the first iteration that has it.
        milestones: how many iterations change the rule, or None when there are more than 100 000.
        area: the sum of the rates of iterations 0 to the horizon, both counted.
        mean: ``area`` over the number of iterations.
    """

    schedule: str
    horizon: int
    at_zero: float
    at_horizon: float
    after: float | None
    later: float | None
    peak: float
    peak_at: int
    minimum: float
    minimum_at: int
    milestones: int | None
    area: float
    mean: float

    def __str__(self) -> str:
        rows = [
            ("at 0", f"{self.at_zero:.6g}"),
            ("peak", f"{self.peak:.6g} at {self.peak_at}"),
            ("minimum", f"{self.minimum:.6g} at {self.minimum_at}"),
            ("at the horizon", f"{self.at_horizon:.6g} at {self.horizon}"),
            ("after it", self._after()),
            ("milestones", f"more than {MOST_MILESTONES}" if self.milestones is None else f"{self.milestones}"),
            ("area", f"{self.area:.6g}, mean rate {self.mean:.6g}"),
        ]
        return "\n".join([self.schedule, *(f"    {name:<15} {value}" for name, value in rows)])

    def _after(self) -> str:
        if self.after is None:
            return "no iteration is left"
        if self.after == self.at_horizon and self.later in (None, self.after):
            return "stays"
        goes = "goes on" if self.after == self.at_horizon else _direction(self.at_horizon, self.after)
        later = "" if self.later is None else f", {self.later:.6g} at {2 * self.horizon}"
        return f"{goes}: {self.after:.6g} at {self.horizon + 1}{later}"


def _direction(before: float, after: float) -> str:
    if math.isnan(after):
        return "is not a number"
    return "rises" if after > before else "falls"


def describe(source: Schedule | Callable[[Any], Any], horizon: int | None = None) -> Description:
    """Say where a schedule begins, where it is highest and lowest, where it ends, and what it adds up to.

    Peak and minimum come from the exact rates at the ends of its pieces, or from a walk where those are not known.

    >>> from lrsched.schedules.named import one_cycle
    >>> print(describe(one_cycle(peak=0.1, horizon=1000)))
    OneCycle(peak=0.1, start=0.004, end=4e-07, horizon=1000, warmup=300)
        at 0            0.004
        peak            0.1 at 300
        minimum         4e-07 at 1000
        at the horizon  4e-07 at 1000
        after it        stays
        milestones      2
        area            50.6021, mean rate 0.0505516

    Args:
        source: a schedule, or a function of the iteration.
        horizon: the last iteration to look at; the schedule's own horizon when absent.

    Raises:
        TypeError: for a horizon that is not a whole number.
        ValueError: when the horizon is absent and the schedule knows none.
    """
    schedule = as_schedule(source)
    end = schedule.horizon if horizon is None else whole("horizon", horizon)
    if end is None:
        raise ValueError(f"describe: {schedule!r} knows no horizon; say up to which iteration with horizon=...")
    pieces = schedule.pieces(0, end)
    at_zero, at_horizon = schedule([0, end]).tolist()
    peak_at, minimum_at = _extremes(schedule, pieces, end)
    found = sum(1 for _ in islice(schedule.milestones(0, end), MOST_MILESTONES + 1))
    area = _area(schedule, pieces, end)
    return Description(
        schedule=repr(schedule),
        horizon=end,
        at_zero=at_zero,
        at_horizon=at_horizon,
        after=float(schedule(end + 1)) if end < LAST_ITERATION else None,
        later=float(schedule(2 * end)) if end + 1 < 2 * end <= LAST_ITERATION else None,
        peak=float(schedule(peak_at)),
        peak_at=peak_at,
        minimum=float(schedule(minimum_at)),
        minimum_at=minimum_at,
        milestones=found if found <= MOST_MILESTONES else None,
        area=area,
        mean=area / (end + 1),
    )


def _sizes(rates: Any) -> NDArray[np.float64]:
    size = np.abs(np.asarray(rates, np.float64))
    return np.where(np.isnan(size), np.inf, size)


def _extremes(schedule: Schedule, pieces: tuple[Piece, ...] | None, end: int) -> tuple[int, int]:
    """The first iterations with the largest and with the smallest size."""
    if pieces is None:
        return _walked_extremes(schedule, end)
    firsts = np.array([piece.first for piece in pieces], np.int64)
    lasts = np.array([piece.last for piece in pieces], np.int64)
    both = _sizes(schedule(np.stack([firsts, lasts], axis=1)))
    found = []
    for sign in (1, -1):
        best = (sign * both).max(axis=1)
        index = int(best.argmax())
        found.append(_first_with(schedule, int(firsts[index]), int(lasts[index]), float(sign * best[index])))
    return found[0], found[1]


def _first_with(schedule: Schedule, first: int, last: int, size: float) -> int:
    """The first iteration of a piece with a size that one of its ends has."""
    if float(_sizes(schedule(first))) == size:
        return first
    before, there = first, last
    while there - before > 1:
        middle = (before + there) // 2
        if float(_sizes(schedule(middle))) == size:
            there = middle
        else:
            before = middle
    return there


def _walked_extremes(schedule: Schedule, end: int) -> tuple[int, int]:
    highest, lowest, peak_at, minimum_at = -1.0, math.inf, 0, 0
    for begin, block in schedule.blocks(0, end + 1):
        size = _sizes(block)
        high, low = int(size.argmax()), int(size.argmin())
        if size[high] > highest:
            highest, peak_at = float(size[high]), begin + high
        if size[low] < lowest:
            lowest, minimum_at = float(size[low]), begin + low
    return peak_at, minimum_at


def _area(schedule: Schedule, pieces: tuple[Piece, ...] | None, end: int) -> float:
    return _total(_sums(schedule, pieces or (Piece(0, end),), known=pieces is not None))


def _total(sums: Iterator[float]) -> float:
    found = list(sums)
    try:
        return math.fsum(found)
    except (OverflowError, ValueError):
        return float(np.sum(found))


def _sums(schedule: Schedule, pieces: tuple[Piece, ...], *, known: bool) -> Iterator[float]:
    """Sums that add up to the whole: a constant piece is multiplied, a repeated one is walked once."""
    for piece in pieces:
        low, high = schedule([piece.first, piece.last]).tolist()
        if known and low == high:
            yield low * (piece.last - piece.first + 1) * piece.repeats
            continue
        for _, block in schedule.blocks(piece.first, piece.last + 1):
            yield float(np.sum(block, dtype=np.float64)) * piece.repeats


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far two schedules are apart.

    Attributes:
        first: the first iteration that was compared.
        last: the last one.
        same: no iteration differs by more than was allowed.
        differing: how many iterations differ by more than was allowed.
        first_difference: the first of them, or None.
        largest: the largest absolute difference; infinite where one rate is not a number and the other is.
        largest_at: the first iteration that has it, or None when all rates are equal.
        area_a: the sum of the rates of the one.
        area_b: the sum of the rates of the other.
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

    def __str__(self) -> str:
        count = self.last - self.first + 1
        lines = [f"{'same' if self.same else 'not the same'} over iterations {self.first} to {self.last}"]
        if self.first_difference is not None:
            lines.append(
                f"    they differ     at {self.differing} of {count} iterations, first at {self.first_difference}"
            )
        if self.largest_at is not None:
            lines.append(f"    most            by {self.largest:.6g} at {self.largest_at}")
        lines.append(f"    areas           {self.area_a:.6g} and {self.area_b:.6g}")
        return "\n".join(lines)


def compare(
    a: Schedule | Callable[[Any], Any],
    b: Schedule | Callable[[Any], Any],
    *,
    first: int = 0,
    last: int | None = None,
    absolute: float = 0.0,
    ulps: int | None = None,
) -> Comparison:
    """Compare two schedules at every iteration, exactly, a block at a time.

    >>> from lrsched.schedules.named import cosine
    >>> print(compare(cosine(peak=0.1, horizon=1000), cosine(peak=0.1, horizon=1001)))
    not the same over iterations 0 to 1001
        they differ     at 1000 of 1002 iterations, first at 1
        most            by 9.09398e-05 at 646
        areas           50.05 and 50.1

    Args:
        a: a schedule, or a function of the iteration.
        b: another.
        first: the first iteration to compare.
        last: the last one; the later of the two horizons when absent.
        absolute: differences up to this size do not count.
        ulps: rates this many units in the last place apart do not count, in the coarser of the two number types: so
            float32 rates equal the float64 ones they are rounded from. When absent only equal numbers are equal.

    Raises:
        TypeError: for bounds that are not whole numbers.
        ValueError: when ``last`` is absent and neither schedule knows a horizon, or a tolerance is negative.
    """
    one, other = as_schedule(a), as_schedule(b)
    if last is None:
        last = max((s.horizon for s in (one, other) if s.horizon is not None), default=None)
        if last is None:
            raise ValueError("compare: neither schedule knows a horizon; say up to which iteration with last=...")
    first, last = whole("first", first), whole("last", last)
    if last < first:
        raise ValueError(f"compare: last must not be before first, got {last} and {first}")
    if not absolute >= 0 or (ulps is not None and whole("ulps", ulps, high=2**63) < 0):
        raise ValueError(f"compare: absolute must be 0 or more, got {absolute!r}")
    coarse = one.dtype if one.dtype.itemsize < other.dtype.itemsize else other.dtype
    differing, first_difference, largest, largest_at = 0, None, 0.0, None
    areas: tuple[list[float], list[float]] = ([], [])
    for (begin, rates), (_, others) in zip(one.blocks(first, last + 1), other.blocks(first, last + 1), strict=True):
        gap = _gaps(rates.astype(np.float64), others.astype(np.float64))
        beyond = gap > absolute
        if ulps is not None:
            beyond &= _ulps_apart(rates.astype(coarse), others.astype(coarse)) > ulps
        if first_difference is None and beyond.any():
            first_difference = begin + int(beyond.argmax())
        differing += int(beyond.sum())
        at = int(gap.argmax())
        if gap[at] > largest:
            largest, largest_at = float(gap[at]), begin + at
        for area, block in zip(areas, (rates, others), strict=True):
            area.append(float(np.sum(block, dtype=np.float64)))
    return Comparison(
        first=first,
        last=last,
        same=not differing,
        differing=differing,
        first_difference=first_difference,
        largest=largest,
        largest_at=largest_at,
        area_a=_total(iter(areas[0])),
        area_b=_total(iter(areas[1])),
    )


def _gaps(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far numbers are apart; those that are not numbers, and equal infinities, are equal to their like."""
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(one - other)
    gap[np.isnan(gap)] = np.inf
    gap[(one == other) | (np.isnan(one) & np.isnan(other))] = 0
    return gap


def _ulps_apart(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.uint64]:
    """How many numbers of their type one has to step over from one to the other; most when one is not a number."""
    places, others = _place(one), _place(other)
    apart = np.maximum(places, others) - np.minimum(places, others)
    apart[np.isnan(one) | np.isnan(other)] = np.iinfo(np.uint64).max
    return apart


def _place(rates: NDArray[Any]) -> NDArray[np.uint64]:
    """The place of each number among all numbers of its type, ascending; both zeros have one place."""
    width = 8 * rates.dtype.itemsize
    bits = rates.view(f"u{rates.dtype.itemsize}").astype(np.uint64)
    middle = np.uint64(1 << (width - 1))
    return np.where(bits >= middle, middle - (bits - middle), bits + middle)
