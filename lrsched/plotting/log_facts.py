"""What there is to see in a log before it is drawn: where its warm-up ends, drops, gaps, limits of the loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lrsched.logs import Log
from lrsched.plotting.curves import Floats, Points, finite, medians
from lrsched.plotting.labels import Mark, factor

__all__ = ["drops_in", "gaps_in", "iou_curves", "loss_limits", "saved_at", "warmup_of"]

MOST_SAVED, IOU_POINTS, LEAST_LINES = 60, 120, 15

OUTLIER, LOGARITHMIC = 10.0, 20.0
"""How far above its start and its usual height a loss is still shown; from which ratio on its axis is logarithmic."""

LEAST_FACTOR, LEAST_UNITS, NEAR = 1.2, 3.0, 16
"""A change of the rate by less is a curve, one of fewer printed units rounding; changes so near are one."""


def warmup_of(log: Log) -> int:
    """The first iteration after the rise of the rate with which the log begins; 0 when it does not begin so.

    Where the rate still rises in the last record it is the iteration after it.
    """
    falls = np.flatnonzero(~(np.diff(log.rate) >= 0))
    stretch = log.rate[: falls[0] + 1] if falls.size else log.rate
    levels = np.flatnonzero(np.diff(stretch, prepend=np.nan) != 0)
    if levels.size < 4 or levels[-1] < 5:
        return 0
    held = np.diff(levels, append=stretch.size)
    rising = held[-1] == 1 or (not falls.size and held[-1] <= held[-2])
    return int(log.iteration[stretch.size - 1]) + 1 if rising else int(log.iteration[levels[-1]])


def drops_in(log: Log, warmup: int) -> list[Mark]:
    """Where the logged rate changes by a factor, after the warm-up.

    Several GPUs print the new rate, the old one and the new one again: that is one change.
    """
    rate, iteration = log.rate, log.iteration
    large, small = np.maximum(rate[:-1], rate[1:]), np.minimum(rate[:-1], rate[1:])
    unit = 10.0 ** -log.rate_decimals[1:].astype(np.float64)
    jumps = (large > LEAST_FACTOR * small) & (large - small >= LEAST_UNITS * unit)
    jumps &= (iteration[1:] > warmup) & ~np.isin(iteration[1:], [end for _, end in gaps_in(log)])
    at = np.flatnonzero(jumps) + 1
    marks = []
    for group in np.split(at, np.flatnonzero(np.diff(at) > NEAR) + 1) if at.size else ():
        old, new = float(rate[group[0] - 1]), float(rate[group[-1]])
        times = new / old if old else np.inf
        if not 1 / LEAST_FACTOR < times < LEAST_FACTOR:
            t = int(iteration[group[0]])
            marks.append(Mark(t, factor(t, times), ":"))
    return marks


def gaps_in(log: Log) -> list[tuple[int, int]]:
    """The last iteration before each stretch that the log does not have, and the first one after it."""
    steps = np.diff(log.iteration)
    if steps.size < 2:
        return []
    missing = set(np.flatnonzero(steps > 10 * max(float(np.median(steps)), 1.0)).tolist())
    missing |= {seam.record - 1 for seam in log.seams if seam.kind == "gap"}
    return [(int(log.iteration[i]), int(log.iteration[i + 1])) for i in sorted(missing)]


def saved_at(log: Log) -> list[int]:
    """Iterations after which weights were saved; the numbered files only, where there are too many."""
    events = log.events_of("saved")
    numbered = {event.iteration for event in events if event.text.endswith(f"_{event.iteration}.weights")}
    everything = {event.iteration for event in events}
    return sorted(numbered if numbered and len(everything) > MOST_SAVED else everything)


def iou_curves(log: Log, *, by_layer: bool) -> Iterator[tuple[str, Points]]:
    """A curve of median IOUs for every layer, or one for all; lines without an object are left out."""
    layers = log.layers
    at, iou, count = log.iteration[np.minimum(layers.record, len(log) - 1)], layers.iou, layers.count
    shown = ~np.isnan(iou) & ((count > 0) | (count.max(initial=0) == 0))
    number = layers.layer if by_layer else np.full_like(layers.layer, -1)
    for layer in np.unique(number[shown]).tolist():
        chosen = shown & (number == layer)
        span = int(log.iteration[-1] - log.iteration[0]) + 1
        bins = min(IOU_POINTS, span, max(int(chosen.sum()) // LEAST_LINES, 20))
        groups = (at[chosen] - log.iteration[0]) * bins // span
        x, y = medians(groups, at[chosen].astype(np.float64), bins), medians(groups, iou[chosen], bins)
        yield f"IOU{f' of layer {layer}' * (layer >= 0)}, median", (x[~np.isnan(y)], y[~np.isnan(y)])


def loss_limits(logs: Sequence[Log], averages: Sequence[Floats]) -> tuple[float, float, bool, str]:
    """The limits of an axis of losses, whether it is logarithmic, and in words what lies outside; NaN without a loss.

    A run is highest when it begins; what is ten times above its start and above most of it is an outlier.
    """
    tops, bottoms, usuals = [], [], []
    for log, average in zip(logs, averages, strict=True):
        numbers = np.concatenate([average, finite(log.loss)])
        numbers = numbers[~np.isnan(numbers)]
        if numbers.size:
            few, usual, most = np.quantile(numbers, (0.005, 0.05, 0.75)).tolist()
            most = max(most, float(np.quantile(numbers[:20], 0.9)))
            tops.append(min(numbers.max(), OUTLIER * most) if most > 0 else numbers.max())
            bottoms.append(few if few >= 0 else max(numbers.min(), OUTLIER * few))
            usuals.append(usual)
    if not tops:
        return np.nan, np.nan, False, ""
    low, high = float(min(bottoms)), float(max(tops))
    logarithmic = low > 0 and high / min(usuals) > LOGARITHMIC
    low, high = (low / 1.3, high * 1.3) if logarithmic else (min(low, 0.0), high + ((high - low) / 20 or 1.0))
    iteration, loss = (np.concatenate([getattr(log, name) for log in logs]) for name in ("iteration", "loss"))
    above, below = loss > high, int((loss < low).sum())
    said = [f"{below} below the axis"] if below else []
    if above.any():
        highest = int(np.where(above, loss, -np.inf).argmax())
        said.append(f"{above.sum()} above it, the highest {loss[highest]:.3g} at {iteration[highest]}")
    return low, high, logarithmic, "losses not shown: " + ", ".join(said) if said else ""
