"""What there is to see in a log before it is drawn: thinned curves, limits that outliers do not move, marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.logs import Log, stitch
from lrsched.plotting.captions import GAP, SMALL, Mark, Placed, thousands

__all__ = [
    "Limits",
    "Span",
    "broken",
    "burn_in_of",
    "drops_in",
    "finite",
    "gaps_in",
    "iou_curves",
    "limits_of",
    "placed_above",
    "rising",
    "saved_at",
    "smooth",
    "thinned",
    "width_of",
]

Floats: TypeAlias = NDArray[np.float64]

BINS, IOU_BINS, SMOOTH_POINTS, MOST_SAVED = 900, 120, 400, 60

LEAST_LINES, LEAST_BINS = 15, 20

MOST_LANES = 4

# how far above its start and its usual height a loss is still shown, and from which ratio on its axis is logarithmic
OUTLIER, DECADES = 10.0, 20.0

# a jump of the rate by less is a curve, and one of fewer printed units is rounding
LEAST_FACTOR, LEAST_UNITS, NEAR = 1.2, 3.0, 16

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Span:
    """Iterations from the first to the last one."""

    first: int
    last: int

    @property
    def margins(self) -> tuple[float, float]:
        """The limits of an axis: a hundredth more on either side."""
        beside = (self.last - self.first) / 100 or 2.0
        return self.first - beside, self.last + beside


@dataclass(frozen=True)
class Limits:
    """The limits of an axis of losses, and what of the loss and its average lies outside of them."""

    low: float
    high: float
    logarithmic: bool
    above: int = 0
    highest: float = 0.0
    highest_at: int = 0
    below: int = 0

    @property
    def words(self) -> str:
        """What is cut off, or an empty string."""
        said = []
        if self.above:
            counted = f"{self.above} record{'s' if self.above > 1 else ''}"
            said.append(f"cut off above: {counted}, the highest {self.highest:.3g} at {self.highest_at}")
        if self.below:
            said.append(f"cut off below: {self.below} record{'s' if self.below > 1 else ''}")
        return "; ".join(said)


def rising(log: Log) -> Log:
    """The log with every iteration once: what a resume gave up is left out."""
    return log if (np.diff(log.iteration) > 0).all() else stitch([log])


def finite(values: Floats) -> Floats:
    """The values with NaN for what no axis can show."""
    return np.where(np.abs(values) < 1e300, values, np.nan)


def thinned(x: NDArray[Any], y: Floats, bins: int = BINS) -> tuple[NDArray[Any], Floats]:
    """At most four points of every bin -- the first, the lowest, the highest, the last -- so that no extreme is lost.

    >>> x, y = thinned(np.arange(100_000), np.where(np.arange(100_000) == 5017, 9.0, 1.0))
    >>> x.size <= 4 * 900, y.max().item()
    (True, 9.0)
    """
    if y.size <= 4 * bins:
        return x, y
    rows = _rows(np.arange(y.size), -(-y.size // bins))
    values = y[rows]
    lowest = np.where(np.isnan(values), np.inf, values).argmin(1)
    highest = np.where(np.isnan(values), -np.inf, values).argmax(1)
    each = np.arange(len(rows))
    kept = np.unique(np.concatenate([rows[:, 0], rows[each, lowest], rows[each, highest], rows[:, -1]]))
    return x[kept], y[kept]


def _rows(values: NDArray[Any], width: int) -> NDArray[Any]:
    """The values in rows of a width; the last row is filled up with the last value."""
    padded = np.concatenate([values, np.repeat(values[-1:], -values.size % width)])
    return padded.reshape(-1, width)


def width_of(records: int, smoothing: int | None) -> int:
    """Records that are smoothed into one point: as said, or so many that the points are not too many."""
    return max(records // SMOOTH_POINTS, 1) if smoothing is None else smoothing


def smooth(x: NDArray[Any], y: Floats, width: int) -> tuple[Floats, Floats]:
    """Medians of so many neighbours each; NaN where none of them is a number.

    >>> smooth(np.arange(6), np.array([1.0, 99.0, 2.0, np.nan, np.nan, np.nan]), 3)[1].tolist()
    [2.0, nan]
    """
    if width == 1 or not y.size:
        return x.astype(np.float64), y
    rows = y.size // width * width or y.size
    edges = np.append(np.arange(0, rows, width), y.size)
    groups = np.repeat(np.arange(edges.size - 1), np.diff(edges))
    return x[(edges[:-1] + edges[1:]) // 2].astype(np.float64), _medians(groups, y, edges.size - 1)


def broken(x: NDArray[Any], y: Floats, gaps: Sequence[Span]) -> tuple[NDArray[Any], Floats]:
    """The curve with a NaN in every gap, so that no line is drawn across it."""
    at = np.searchsorted(x, [gap.last for gap in gaps])
    return np.insert(x, at, [gap.last for gap in gaps]), np.insert(y, at, np.nan)


def _medians(groups: NDArray[np.int64], y: Floats, count: int) -> Floats:
    """The lower median of every group of values; NaN for a group without numbers."""
    known = ~np.isnan(y)
    groups, y = groups[known], y[known]
    order = np.lexsort((y, groups))
    begin, end = (np.searchsorted(groups[order], np.arange(count), side) for side in ("left", "right"))
    medians = np.full(count, np.nan)
    some = end > begin
    medians[some] = y[order[((begin + end - 1) // 2)[some]]]
    return medians


def limits_of(runs: Sequence[tuple[NDArray[np.int64], Floats, Floats]]) -> Limits | None:
    """Limits for the losses and averages of some runs, None when there is no number among them.

    A run is highest when it begins; what is ten times above its start and above most of it is an outlier.
    """
    tops, bottoms, usuals = [], [], []
    for _, loss, average in runs:
        numbers = finite(np.concatenate([loss, average]))
        numbers = numbers[~np.isnan(numbers)]
        if not numbers.size:
            continue
        begin = finite(average)[~np.isnan(finite(average))][:20]
        start = float(np.quantile(begin, 0.9)) if begin.size else float(numbers[0])
        few, usual, most = np.quantile(numbers, (0.005, 0.05, 0.75)).tolist()
        top = float(numbers.max())
        tops.append(min(top, OUTLIER * max(start, most)) if max(start, most) > 0 else top)
        bottoms.append(few if few >= 0 else max(float(numbers.min()), OUTLIER * few))
        usuals.append(usual)
    if not tops:
        return None
    high, low, usual = max(tops), min(bottoms), min(usuals)
    logarithmic = low > 0 and high / usual > DECADES
    if logarithmic:
        low, high = low / 1.3, high * 1.3
    else:
        low = min(low, 0.0)
        high += (high - low) / 20 or 1.0
    return _with_outliers(runs, low, high, logarithmic)


def _with_outliers(
    runs: Sequence[tuple[NDArray[np.int64], Floats, Floats]], low: float, high: float, logarithmic: bool
) -> Limits:
    above = below = at = 0
    highest = 0.0
    for iteration, loss, average in runs:
        both = np.fmax(loss, average)
        over = both > high
        above += int(over.sum())
        below += int((loss < low).sum())
        if over.any() and float(both[over].max()) > highest:
            highest = float(both[over].max())
            at = int(iteration[over][both[over].argmax()])
    return Limits(low, high, logarithmic, above, highest, at, below)


def burn_in_of(log: Log) -> int | None:
    """The first iteration after the rise of the rate with which the log begins; None when it does not begin so.

    Where the rate still rises in the last record it is the iteration after it.
    """
    rate, iteration = log.rate, log.iteration
    falls = np.flatnonzero(~(np.diff(rate) >= 0))
    stretch = rate[: falls[0] + 1] if falls.size else rate
    top = int(stretch.argmax())
    if top < 5 or not rate[0] < 0.99 * rate[top] or np.unique(stretch[: top + 1]).size < 4:
        return None
    plateaus = np.diff(np.flatnonzero(np.diff(rate[: top + 1], prepend=np.nan) != 0), append=stretch.size)
    if stretch.size == len(log) and plateaus[-1] <= plateaus[-2]:
        return int(iteration[-1]) + 1
    return int(iteration[top + (plateaus[-1] == 1)])


def drops_in(log: Log, burn_in: int | None) -> list[Mark]:
    """Where the logged rate changes by a factor, after the burn-in."""
    rate, iteration = log.rate, log.iteration
    unit = 10.0 ** -log.rate_decimals.astype(np.float64)
    if len(log) < 2:
        return []
    before, after = rate[:-1], rate[1:]
    large, small = np.maximum(before, after), np.minimum(before, after)
    jumps = (large > LEAST_FACTOR * small) & (large - small >= LEAST_UNITS * unit[1:])
    jumps &= (iteration[1:] > (burn_in or 0)) & ~np.isin(iteration[1:], [gap.last for gap in gaps_in(log)])
    at = (np.flatnonzero(jumps) + 1).tolist()
    marks = []
    for group in _near(at):
        old, new = float(rate[group[0] - 1]), float(rate[group[-1]])
        factor = new / old if old else np.inf
        if not 1 / LEAST_FACTOR < factor < LEAST_FACTOR:
            t = int(iteration[group[0]])
            text = f"{thousands(t)} {TIMES}{factor:.3g}" if np.isfinite(factor) else f"{thousands(t)} from 0"
            marks.append(Mark(t, text, ":"))
    return marks


def _near(places: list[int]) -> Iterator[list[int]]:
    """Places in groups: several GPUs print the new rate, the old one and the new one again."""
    group: list[int] = []
    for place in places:
        if group and place - group[-1] > NEAR:
            yield group
            group = []
        group.append(place)
    if group:
        yield group


def gaps_in(log: Log) -> list[Span]:
    """Stretches of iterations that the log does not have."""
    steps = np.diff(log.iteration)
    if steps.size < 2:
        return []
    stride = max(float(np.median(steps)), 1.0)
    missing = set(np.flatnonzero(steps > 10 * stride).tolist())
    missing |= {seam.record - 1 for seam in log.seams if seam.kind == "gap"}
    return [Span(int(log.iteration[i]), int(log.iteration[i + 1])) for i in sorted(missing)]


def saved_at(log: Log) -> list[int]:
    """Iterations after which weights were saved; the numbered files only, where there are too many."""
    events = log.events_of("saved")
    everything = sorted({event.iteration for event in events})
    if len(everything) <= MOST_SAVED:
        return everything
    numbered = sorted({event.iteration for event in events if event.text.endswith(f"_{event.iteration}.weights")})
    return numbered or everything


def iou_curves(log: Log, span: Span, *, by_layer: bool = True) -> Iterator[tuple[int, Floats, Floats]]:
    """For every layer its number, and by bins of iterations the median iteration and the median IOU.

    Lines without an object are left out. With ``by_layer`` off all layers are one, numbered -1.
    """
    layers = log.layers
    if not len(layers) or not len(log):
        return
    at = log.iteration[np.minimum(layers.record, len(log) - 1)]
    iou, number, count = layers.iou, layers.layer, layers.count
    shown = ~np.isnan(iou) & (at >= span.first) & (at <= span.last) & ((count > 0) | (count.max() == 0))
    number = number if by_layer else np.full_like(number, -1)
    for layer in np.unique(number[shown]).tolist():
        chosen = shown & (number == layer)
        bins = int(min(IOU_BINS, span.last - span.first + 1, max(chosen.sum() // LEAST_LINES, LEAST_BINS)))
        edges = np.linspace(span.first, span.last + 1, bins + 1)
        groups = np.clip(np.searchsorted(edges, at[chosen], side="right") - 1, 0, bins - 1)
        medians = _medians(groups, iou[chosen], bins)
        some = ~np.isnan(medians)
        yield layer, _medians(groups, at[chosen].astype(np.float64), bins)[some], medians[some]


def placed_above(marks: Sequence[Mark], span: Span, room: float) -> list[Placed]:
    """Give every mark a lane above the panels, 0 next to them; one that fits nowhere is left out."""
    low, high = span.margins
    placed: list[Placed] = []
    for mark in marks:
        x, begin = ((at - low) / (high - low) * room for at in (mark.x, mark.x if mark.begin is None else mark.begin))
        length = len(mark.text) * SMALL * 0.62
        choices = [(x - length / 2, x + length / 2), (x, x + length), (x - length, x)]
        if mark.begin is not None:
            choices = [((begin + x - length) / 2, (begin + x + length) / 2), (begin, begin + length)]
        for lane, (left, right) in product(range(MOST_LANES), choices):
            tried = Placed(mark, lane, "left", x, left, right)
            if left >= -GAP and right <= room + GAP and not any(_overlap(tried, other) for other in placed):
                placed.append(tried)
                break
    return placed


def _overlap(one: Placed, other: Placed) -> bool:
    """Whether labels lie on each other, or a line that goes up to the higher lane runs through the lower label."""
    if one.lane == other.lane:
        return one.left < other.right + 2 * GAP and other.left < one.right + 2 * GAP
    upper, lower = (one, other) if one.lane > other.lane else (other, one)
    return upper.mark.style is not None and lower.left - GAP < upper.x < lower.right + GAP
