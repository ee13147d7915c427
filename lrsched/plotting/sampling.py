"""Where to evaluate a schedule so that a picture of it is right: at its milestones, and where it bends between them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import Iterations, Piece, Schedule

__all__ = ["BUDGET", "log_floor", "sample"]

BUDGET = 8192
"""Points of a curve: six for each of 1365 columns, more columns than a picture has pixels across."""

TOLERANCE = 5e-4
"""How far a straight line may lie beside the curve, as a share of the height: under half a pixel of 1000."""

GRID = 256
"""Even points to begin with, so that a curve which is symmetric about a midpoint is not taken for a line."""

DENSE = 4
"""Evaluations per point of the budget where nothing is known about a schedule."""

Rates: TypeAlias = NDArray[Any]
Sampled: TypeAlias = tuple[Iterations, Rates]


def sample(
    schedule: Schedule, first: int, last: int, *, budget: int = BUDGET, log_scale: bool = False
) -> tuple[Iterations, Rates]:
    """Iterations of ``first..last``, ascending, that draw the schedule right when joined by lines, and their rates.

    The curve is evaluated beside every milestone and wherever a line would miss it. With more milestones than a
    picture has pixels, the extremes of every column of pixels are there. A schedule whose milestones are unknown is
    evaluated densely, and where neighbours differ down to the iteration at which they do.

    >>> from lrsched.trainers.darknet import Steps
    >>> iterations, rates = sample(Steps(learning_rate=0.1, steps=(400_000,), scales=(0.1,)), 0, 500_000)
    >>> [t for t, rate, after in zip(iterations.tolist(), rates, rates[1:]) if rate != after]
    [399999]

    Args:
        schedule: what to evaluate.
        first: the first iteration.
        last: the last iteration; the cost hardly grows with it.
        budget: about how many points to return, at least 64.
        log_scale: judge the lines as they look on a logarithmic axis of rates.

    Raises:
        ValueError: for a range that is empty or not of iterations, or a budget under 64.
    """
    if not 0 <= first <= last:
        raise ValueError(f"first must be 0 or more and at most last, got first={first} and last={last}")
    if budget < 64:
        raise ValueError(f"budget must be at least 64 points, got {budget}")
    if last - first < budget // 4:
        return _evaluated(schedule, np.arange(first, last + 1))
    few = budget // 12
    bends = list(islice(schedule.milestones(first, last), few + 1))
    pieces = schedule.pieces(first, last)
    if pieces is None:
        return _dense(schedule, first, last, bends, budget, log_scale)
    if len(bends) <= few:
        iterations, rates = _adaptive(schedule, _seeds(first, last, bends, budget), budget, log_scale)
        changes = len(bends) + 1
    else:
        iterations, rates = _envelope(schedule, first, last, pieces, bends, budget, log_scale)
        changes = 1
    if _changes_of_sign(rates) > changes:
        # a negative base: the size has a direction, the rate has none
        return _dense(schedule, first, last, bends, budget, log_scale)
    return iterations, rates


def log_floor(rates: Rates) -> float:
    """The lowest rate worth a place on a logarithmic axis: a decade under a printed zero, or 1/1000 of the highest."""
    highest = np.max(rates, initial=0.0, where=np.isfinite(rates))
    return float(min(5e-8, highest / 1000)) or 5e-8


def _evaluated(schedule: Schedule, iterations: Iterations) -> Sampled:
    return iterations, np.asarray(schedule(iterations))


def _seeds(first: int, last: int, bends: list[int], budget: int) -> Iterations:
    near = _beside(first, last, bends)
    parts = max(min(8, budget // (8 * near.size)), 4)
    within = near[:-1, None] + np.diff(near)[:, None] * np.arange(parts) // parts
    even = np.linspace(first, last, min(GRID, budget // 4) + 1).astype(np.int64)
    return np.unique(np.concatenate([near, within.reshape(-1), even]))


def _beside(first: int, last: int, bends: Iterable[int]) -> Iterations:
    """The ends of a range and each milestone, every one with its neighbours."""
    middle = np.array([first, last, *bends], np.int64)
    return np.unique(np.clip(np.concatenate([middle - 1, middle, middle + 1]), first, last))


def _adaptive(schedule: Schedule, iterations: Iterations, budget: int, log_scale: bool) -> Sampled:
    """Halve every gap whose line misses the curve, all gaps at a time, until none does or the budget is spent."""
    rates = np.asarray(schedule(iterations))
    open_gaps = np.ones(iterations.size - 1, np.bool_)
    while True:
        left = np.flatnonzero(open_gaps & (np.diff(iterations) > 1))
        room = budget - iterations.size
        heights = _heights(rates, log_scale)
        if left.size > room:
            steepest = np.abs(np.diff(heights))[left]
            left = np.sort(left[np.argsort(-np.nan_to_num(steepest, nan=np.inf), kind="stable")[: max(room, 0)]])
        if not left.size:
            return iterations, rates
        middles = (iterations[left] + iterations[left + 1]) // 2
        found = np.asarray(schedule(middles))
        gap = iterations[left + 1] - iterations[left]
        share = (middles - iterations[left]) / gap
        line = heights[left] * (1 - share) + heights[left + 1] * share
        seen = _heights(np.concatenate([rates, found]), log_scale)[rates.size :]
        missed = ~(np.abs(seen - line) <= TOLERANCE) & ~(np.isnan(seen) & np.isnan(line) & np.isnan(heights[left]))
        iterations = np.insert(iterations, left + 1, middles)
        rates = np.insert(rates, left + 1, found)
        open_gaps = np.zeros(iterations.size - 1, np.bool_)
        at = left[missed] + np.arange(left.size)[missed]
        open_gaps[at] = open_gaps[at + 1] = True


def _heights(rates: Rates, log_scale: bool) -> NDArray[np.float64]:
    """Rates as they stand on the axis, from 0 to 1; NaN where nothing can be drawn."""
    seen = np.asarray(rates, np.float64)
    if log_scale:
        floor = log_floor(seen)
        seen = np.log10(np.where(seen > 0, np.maximum(seen, floor), np.where(np.isnan(seen), np.nan, floor)))
    # halved, as the span of the largest doubles is infinite
    half = np.where(np.isfinite(seen), seen / 2, np.nan)
    low, high = np.fmin.reduce(half), np.fmax.reduce(half)
    return np.asarray((half - low) / (high - low) if high > low else half - low)


def _envelope(
    schedule: Schedule,
    first: int,
    last: int,
    pieces: tuple[Piece, ...],
    bends: list[int],
    budget: int,
    log_scale: bool,
) -> Sampled:
    """The ends of every column and of the pieces inside it, where the extremes are; the first bend drawn in full."""
    edges = _edges(first, last, budget // 6)
    chosen = [edges, edges[1:-1] - 1]
    single = [(piece.first, piece.last) for piece in pieces if piece.repeats == 1]
    chosen.append(np.array(single, np.int64).reshape(-1))
    for piece in pieces:
        if piece.repeats > 1:
            period = piece.last - piece.first + 1
            for origin in (piece.first, piece.last):
                # the repeats next to the edges of the columns: those between are the same
                after = -((origin - edges) // period)
                repeats = np.clip(np.concatenate([after - 1, after]), 0, piece.repeats - 1)
                chosen.append(origin + repeats * period)
    iterations, rates = _evaluated(schedule, np.unique(np.clip(np.concatenate(chosen), first, last)))
    iterations, rates = _reduced(iterations, rates, first, last, budget)
    opening = _adaptive(schedule, _seeds(first, min(bends[0] + 1, last), bends[:1], GRID), GRID, log_scale)
    return _merged((iterations, rates), opening, _evaluated(schedule, _beside(first, last, bends[:8])))


def _dense(schedule: Schedule, first: int, last: int, bends: list[int], budget: int, log_scale: bool) -> Sampled:
    """Every iteration of a short run, one at an uneven place of every stretch of a long one; then halve the jumps."""
    if last - first < DENSE * budget:
        iterations, rates = _evaluated(schedule, np.arange(first, last + 1))
        return _reduced(iterations, rates, first, last, budget)
    edges = _edges(first, last, budget)
    # uneven, so that a period of the schedule cannot hide between even points
    golden = np.modf(np.arange(1, edges.size) * 0.6180339887498949)[0]
    inside = edges[:-1] + (golden * np.diff(edges)).astype(np.int64)
    near = _beside(first, last, [*bends, *np.linspace(first, last, 9).astype(np.int64).tolist()])
    iterations, rates = _evaluated(schedule, np.unique(np.concatenate([near, inside])))
    while True:
        heights = _heights(rates, log_scale)
        jump = np.abs(np.diff(heights))
        apart = np.isnan(heights)
        jump[apart[1:] != apart[:-1]] = np.inf
        left = np.flatnonzero((jump > 4 * TOLERANCE) & (np.diff(iterations) > 1))
        room = 2 * DENSE * budget - iterations.size
        if left.size > room:
            left = np.sort(left[np.argsort(-jump[left], kind="stable")[: max(room, 0)]])
        if not left.size:
            kept = np.isin(iterations, near)
            beside = iterations[kept], rates[kept]
            return _merged(_reduced(iterations, rates, first, last, budget), beside)
        middles = (iterations[left] + iterations[left + 1]) // 2
        rates = np.insert(rates, left + 1, np.asarray(schedule(middles)))
        iterations = np.insert(iterations, left + 1, middles)


def _edges(first: int, last: int, columns: int) -> Iterations:
    """The first iteration of every column, and the last of all."""
    columns = min(columns, last - first)
    return np.unique(first + np.arange(columns + 1, dtype=np.int64) * (last - first) // columns)


def _reduced(iterations: Iterations, rates: Rates, first: int, last: int, budget: int) -> Sampled:
    """Leave out the inside of level stretches; if that is not enough keep the ends and extremes of every column."""
    if iterations.size <= budget:
        return iterations, rates
    level = (rates[1:] == rates[:-1]) | (np.isnan(rates[1:]) & np.isnan(rates[:-1]))
    kept = ~np.append(level, False) | ~np.insert(level, 0, False)
    kept[0] = kept[-1] = True
    iterations, rates = iterations[kept], rates[kept]
    if iterations.size <= budget:
        return iterations, rates
    column = (iterations - first) * (budget // 4) // (last - first + 1)
    begins = np.flatnonzero(np.diff(column, prepend=-1))
    ends = np.append(begins[1:], column.size) - 1
    finite = np.isfinite(rates)
    lowest = np.lexsort((np.where(finite, rates, np.inf), column))[begins]
    highest = np.lexsort((np.where(finite, rates, -np.inf), column))[ends]
    chosen = np.unique(np.concatenate([begins, ends, lowest, highest]))
    return iterations[chosen], rates[chosen]


def _merged(*parts: Sampled) -> Sampled:
    iterations, kept = np.unique(np.concatenate([part[0] for part in parts]), return_index=True)
    return iterations, np.concatenate([part[1] for part in parts])[kept]


def _changes_of_sign(rates: Rates) -> int:
    signs = np.sign(rates[np.isfinite(rates) & (rates != 0)])
    return int(np.count_nonzero(signs[1:] != signs[:-1]))
