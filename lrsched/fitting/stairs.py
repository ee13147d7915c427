"""Rates that stay, or drop by one factor now and then."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lrsched.fitting.forms import Guess
from lrsched.fitting.observed import Observed
from lrsched.fitting.shape import Shape
from lrsched.fitting.simplicity import digits, roundest, short_decimal
from lrsched.fitting.smooth import smooth
from lrsched.schedule import Floats, Iterations, Schedule
from lrsched.schedules import wellknown
from lrsched.schedules.combinators import clamped

__all__ = ["constant", "drops"]

MOST_DROPS = 20  # more drops than these are no list of milestones
MOST_DIGITS = 3  # a factor of more digits is none that people write
MOST_AT_ONCE = 1000  # a rate that is so many drops lower than the one before is no stair
MOST_PERIODS = 200  # so many drops may have come before the first row
# usual factors of drops
FACTORS = (0.1, 0.5, 0.2, 0.3, 0.25, 0.9, 0.8, 0.95, 0.97, 0.98, 0.99, 0.94, 0.7, 0.316, 0.6, 0.4, 0.75, 0.85)


def constant(rows: Observed) -> Iterator[Guess]:
    """The same rate everywhere."""
    low, high = rows.low.max(), rows.high.min()
    if low <= high:
        rate = short_decimal(float(low), float(high))
        yield Guess(curve=wellknown.constant(rate), family="constant", parameters={"peak": rate})


def drops(rows: Observed) -> Iterator[Guess]:
    """A warm-up, then a rate that stays but for drops by one factor, down to a lowest rate."""
    top = Shape(rows=rows).top
    rest = rows.rows(slice(top, None))
    k, y, changes = rest.step, rest.rate, rest.changes + 1
    if not 1 <= len(changes) <= 0.8 * len(y) or (np.diff(y)[changes - 1] >= 0).any():
        return
    starts = np.concatenate([[0], changes])
    # every row of a level narrows down what it is
    low = np.maximum.reduceat(rest.low, starts)
    high = np.minimum.reduceat(rest.high, starts)
    if (low > high).any():
        return
    found = _one_factor(low, high)
    floor = 0.0
    if found is None and len(low) > 2:
        floor, found = short_decimal(float(low[-1]), float(high[-1])), _one_factor(low[:-1], high[:-1])
    if found is None:
        return
    peak, factor, counts = found
    gaps = _by_epochs(rest, [(int(k[at - 1]) + 1, int(k[at])) for at in changes], changes)
    if floor:
        counts = np.append(counts, counts[-1] + math.ceil(math.log(floor / peak) / math.log(factor) - counts[-1]))
    level = np.repeat(counts, np.diff(np.append(starts, len(y))))
    # the peak lasts up to the first drop
    last = rows.rows([top + int(changes[0]) - 1])
    before = rows.rows(np.append(np.arange(top + int(changes[0])), top + int(changes[0]) - 1))
    before.step[-1] = max(gaps[0][1] - 1, int(last.step[0]))
    words: dict[str, Any] = {"peak": peak, "factor": factor} | ({"final": floor} if floor else {})
    ends = np.unique(np.concatenate([starts, changes - 1, [len(y) - 1]]))
    ends = ends[(low > 0)[np.searchsorted(starts, ends, "right") - 1]]  # how many drops lead to 0 is hidden
    if not floor and (period := _period(k[ends], level[ends])):
        skipped, every, open_ = period
        first = {"peak": float(f"{peak / factor**skipped:.9e}")} if skipped else {}
        yield from _warmed(before, top, "step", words | first | {"every": every}, open_)
    if len(changes) > MOST_DROPS or 3 * len(changes) > len(y):
        return
    milestones = [roundest(*gap) for gap, n in zip(gaps, np.diff(counts), strict=True) for _ in range(n)]
    wide = {f"milestones[{i}]": f"from {a} to {b} fit as well" for i, (a, b) in enumerate(gaps) if b > a}
    if top > 1 and changes.tolist() == [1]:
        yield from _cut_short(rows, before.rows(slice(0, -1)))
    yield from _warmed(before, top, "multi-step", words | {"milestones": milestones}, wide)


def _by_epochs(rows: Observed, gaps: list[tuple[int, int]], changes: Iterations) -> list[tuple[int, int]]:
    """The same gaps, narrowed down to where an epoch begins, for logs that count epochs."""
    if rows.epoch is None or rows.epoch[-1] < 1:
        return gaps
    k, n = rows.step, rows.epoch
    low, high = float(((k + 1) / (n + 1)).max()), float((k[n > 0] / n[n > 0]).min())  # of the length of an epoch
    narrow = []
    for (first, last), at in zip(gaps, changes.tolist(), strict=True):
        begin, end = max(first, math.ceil((n[at - 1] + 1) * low)), min(last, math.floor(n[at] * high))
        narrow.append((begin, end) if low <= high and begin <= end else (first, last))
    return narrow


def _one_factor(low: Floats, high: Floats) -> tuple[float, float, Iterations] | None:
    """The peak, the factor of all drops and how many of them lie above each level; None where no factor does."""
    ratios = (low[1:] + high[1:]) / (low[:-1] + high[:-1])
    shown = ratios[low[1:] > 0.8 * high[1:]]
    plain = short_decimal(float(low[1] / high[0]), float(high[1] / low[0]))
    single = float(np.median(shown[shown >= shown.max() ** 1.5])) if len(shown) else plain
    tried = [float(f"{single:.{places}e}") for places in range(10)]
    for factor in dict.fromkeys([plain, *FACTORS, *tried]):
        if not 0 < factor < 1:
            continue
        size = (low + high) / 2 / max(high[0], 1e-300)
        counts = np.round(np.log(np.maximum(size / size[0], 1e-300)) / math.log(factor))
        finest = math.ceil(math.log(max(float(high.min()), 1e-300) / high[0]) / math.log(factor))
        hidden = low <= 0
        counts[hidden] = np.maximum(counts[~hidden].max() + 1, finest)
        counts = counts.astype(np.int64)
        shares = factor**counts
        first, last = float((low / shares).max()), float((high / shares).min())
        if (np.diff(counts) > 0).all() and (np.diff(counts) < MOST_AT_ONCE).all() and first <= last * (1 + 1e-9):
            return short_decimal(first, max(first, last)), factor, counts
    return None


def _period(k: Iterations, level: Iterations) -> tuple[int, int, dict[str, str]] | None:
    """How many drops came before the first row, after how many steps each one comes, and what of that is open."""
    for skipped in range(MOST_PERIODS if level[-1] > 1 else 0):
        n = level + skipped
        low = int(((k + n + 1) // (n + 1)).max())  # n * every <= k < (n + 1) * every
        high = int((k[n > 0] // n[n > 0]).min())
        if low <= high and low > 1:
            wide = {"every": f"from {low} to {high} steps fit as well"} if low < high else {}
            return skipped, roundest(low, high), wide
    return None


def _warmed(
    before: Observed, top: int, family: str, parameters: dict[str, Any], wide: dict[str, str]
) -> Iterator[Guess]:
    """The drops, after the warm-up that the rows before the first drop show."""
    named = wellknown.step if family == "step" else wellknown.multi_step
    floor = parameters.get("final", 0.0)
    parts = {key: value for key, value in parameters.items() if key != "final"}
    main: Schedule = clamped(named(**parts), low=floor) if floor else named(**parts)
    odd = 3 * (digits(parameters["factor"]) > MOST_DIGITS)
    if not top:
        yield Guess(curve=main, family=family, parameters=parameters, open=wide, unusual=odd)
        return
    for found in smooth(before):
        start = {key: found.parameters[key] for key in ("warmup", "initial") if key in found.parameters}
        if "rise" in found.parameters or floor:
            curve: Schedule = found.curve.then(main, at=int(start["warmup"]), count_from="zero")
        else:
            curve = named(**parts, **start)
        told = {**found.parameters, **parameters}
        yield Guess(curve=curve, family=family, parameters=told, open={**found.open, **wide}, unusual=odd)


def _cut_short(rows: Observed, before: Observed) -> Iterator[Guess]:
    """A warm-up that ends where the only drop comes: the peak is used for no step."""
    k, y = before.step, before.rate
    slope = (y[-1] - y[0]) / (k[-1] - k[0])
    low, high = int(k[-1]) + 1, int(rows.step[len(before)])
    ends = range(low, min(high, low + 1500) + 1)
    length = min(ends, key=lambda end: (digits(float(f"{y[-1] + slope * (end - k[-1]):.8e}")), end))
    peak = float(f"{y[-1] + slope * (length - k[-1]):.8e}")
    initial = float(f"{max(peak - slope * length, 0.0):.6e}")
    for after in constant(rows.rows(slice(len(before), None))):
        start: dict[str, Any] = {"initial": initial} if initial > 1e-9 * peak else {}
        rate = after.parameters["peak"]
        curve = wellknown.warmup(length, peak=peak, **start).then(wellknown.constant(rate), at=length)
        parameters = {
            "peak": peak,
            "warmup": length,
            **start,
            "milestones": [length],
            "factor": float(f"{rate / peak:.9e}"),
        }
        yield Guess(curve=curve, family="multi-step", parameters=parameters, unusual=1)
