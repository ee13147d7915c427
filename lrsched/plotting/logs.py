"""The panels of a training log: loss, learning rate, mAP and IOU, with what happened marked in all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lrsched.log import Integers, MapPoint
from lrsched.logs import Audit, Log, part
from lrsched.logs.joining import rising
from lrsched.plotting.canvas import Canvas
from lrsched.plotting.curves import RATE, Floats, Points, broken, curve, finite, medians, thinned
from lrsched.plotting.labels import Mark, factor
from lrsched.plotting.schedules import rate_limits
from lrsched.schedule import Schedule
from lrsched.text import counted, spanned

__all__ = ["Run", "draw_logs", "draw_mismatches", "draw_planned", "panels_of", "value_limits", "within"]

LOSS, MAP, IOU = "loss", "mAP in %", "IOU"

# columns of a curve, points of an average and of an IOU, layer lines of a point; so few records are dots as well
COLUMNS, SMOOTH_POINTS, IOU_POINTS, LEAST_LINES, FEW = 900, 400, 120, 15, 60
# how far above its usual height a loss is shown; from which ratio on the axes of losses and rates are logarithmic
OUTLIER, LOGARITHMIC, RANGE = 10.0, 20.0, 50.0

DOT: dict[str, Any] = {"marker": ".", "markersize": 5}
# a change of the rate by less is a curve, one of fewer printed units rounding; changes so near are one
LEAST_FACTOR, LEAST_UNITS, NEAR = 1.2, 3.0, 16


@dataclass(frozen=True, eq=False)
class Run:
    """One run in the picture: its name, and what there is to see in its log within the iterations drawn."""

    label: str
    log: Log

    @cached_property
    def warmup(self) -> int:
        """The first iteration after the rise of the rate with which the log begins; 0 when it does not begin so."""
        iteration, rate = self.rates
        top = int(rate.argmax()) if rate.size else 0
        rise = rate[: top + 1]
        if np.unique(rise).size < 4 or not (np.diff(rise) >= 0).all():
            return 0
        # a rate that is highest once falls from there, or the log ends
        return int(iteration[top]) + int((rate == rate[top]).sum() == 1)

    @cached_property
    def rates(self) -> tuple[Integers, Floats]:
        """The iterations with a rate, and the rates."""
        known = ~np.isnan(self.log.rate)
        return self.log.iteration[known], self.log.rate[known]

    @property
    def maps(self) -> list[MapPoint]:
        """The mAPs that are numbers."""
        return [point for point in self.log.map_points if np.isfinite(point.value)]

    @property
    def dots(self) -> dict[str, Any]:
        """Dots for records that are so few that lines alone would hide them."""
        return DOT if len(self.log) < FEW else {}

    @cached_property
    def gaps(self) -> list[tuple[int, int]]:
        """The last iteration before each stretch that the log does not have, and the first one after it."""
        steps = np.diff(self.log.iteration)
        if steps.size < 2:
            return []
        missing = set(np.flatnonzero(steps > 10 * max(float(np.median(steps)), 1.0)).tolist())
        missing |= {seam.record - 1 for seam in self.log.seams if seam.kind == "gap"}
        return [(int(self.log.iteration[i]), int(self.log.iteration[i + 1])) for i in sorted(missing)]

    @cached_property
    def drops(self) -> list[Mark]:
        """Where the logged rate changes by a factor, after the warm-up."""
        iteration, rate = self.rates
        large, small = np.maximum(rate[:-1], rate[1:]), np.minimum(rate[:-1], rate[1:])
        unit = 10.0 ** -self.log.rate_decimals[~np.isnan(self.log.rate)][1:].astype(np.float64)
        jumps = (large > LEAST_FACTOR * small) & (large - small >= LEAST_UNITS * unit)
        jumps &= (iteration[1:] > self.warmup) & ~np.isin(iteration[1:], [end for _, end in self.gaps])
        at, marks = np.flatnonzero(jumps) + 1, []
        # several GPUs print the new rate, the old one and the new one again: that is one change
        for group in np.split(at, np.flatnonzero(np.diff(at) > NEAR) + 1) if at.size else ():
            steps = rate[group] - rate[group - 1]
            if len(group) > 3 and ((steps > 0).all() or (steps < 0).all()):
                continue  # a curve that is steep for the distance of the records
            old, new, t = float(rate[group[0] - 1]), float(rate[group[-1]]), int(iteration[group[0]])
            times = new / old if old else np.inf
            if not 1 / LEAST_FACTOR < times < LEAST_FACTOR:
                marks.append(Mark(t, factor(t, times), ":"))
        return marks

    def points(self, values: Floats, width: int = 1) -> Points:
        """A column of the log as a curve that breaks where records are missing; medians of ``width`` records."""
        # a record of an evaluation has no rate and no loss: no reason to break the curve
        kept = ~np.isnan(values) | self.log.bad
        groups = np.arange(int(kept.sum())) // width
        x, y = (medians(groups, column[kept]) for column in (self.log.iteration, finite(values)))
        return broken(*thinned(x, y, COLUMNS), self.gaps)

    def iou(self, *, by_layer: bool) -> list[tuple[str, Points]]:
        """A curve of median IOUs for every layer, or one for all; lines without an object are left out."""
        layers, t, found = self.log.layers, self.log.iteration, []
        at, count, span = t[np.minimum(layers.record, len(t) - 1)], layers.count, int(t[-1] - t[0]) + 1
        shown = ~np.isnan(layers.iou) & ((count > 0) | (count.max(initial=0) == 0))
        number = layers.layer if by_layer else np.full_like(layers.layer, -1)
        for layer in np.unique(number[shown]).tolist():
            chosen = shown & (number == layer)
            bins = min(IOU_POINTS, span, max(int(chosen.sum()) // LEAST_LINES, 20))
            groups = (at[chosen] - t[0]) * bins // span
            x, y = medians(groups, at[chosen]), medians(groups, layers.iou[chosen])
            name = f"IOU{f' of layer {layer}' * (layer >= 0)}, median"
            found.append((name, broken(x[~np.isnan(y)], y[~np.isnan(y)], self.gaps)))
        return found

    def __str__(self) -> str:
        parts = [f"{self.label}: {spanned(self.log.iteration[0], self.log.iteration[-1], self.log.unit)}"]
        if self.maps and self.log.unit != "epoch":  # where it is one of several columns
            best = max(self.maps, key=lambda point: point.value)
            parts.append(f"best mAP {best.value:.1%} at {best.iteration}")
        if self.log.first_nan is not None:
            parts.append(f"NaN from {self.log.first_nan} on")
        return " · ".join(parts)


def within(log: Log, label: str, first: int, last: int | None) -> Log:
    """The records from ``first`` to ``last``; of a log that goes back, what was given up is left out."""
    log = rising(log)
    begin = int(np.searchsorted(log.iteration, first))
    end = len(log) if last is None else int(np.searchsorted(log.iteration, last, side="right"))
    if begin >= end:
        there = f"it has {log.iteration[0]} to {log.iteration[-1]}" if len(log) else "it has none"
        raise ValueError(f"{label}: no record lies between the iterations to be drawn; {there}")
    return part(log, begin, end) if end - begin < len(log) else log


def panels_of(runs: Sequence[Run]) -> list[str]:
    """The panels for what the logs hold."""
    overlaps = any(not np.isnan(run.log.layers.iou).all() for run in runs if len(run.log.layers))
    lost = any({"loss", "avg_loss", "val_loss"} & run.log.records.columns.keys() for run in runs)
    return [*([LOSS] * lost), RATE, *([MAP] * any(run.maps for run in runs)), *([IOU] * overlaps)]


def draw_logs(canvas: Canvas, runs: Sequence[Run], planned: Sequence[Schedule], audited: Audit | None) -> None:
    """Draw runs in the panels of a canvas; under their rates the planned ones, and red what differs from them."""
    alone = len(runs) == 1
    if LOSS in canvas.panels:
        _draw_losses(canvas, runs, alone)
    _draw_rates(canvas, runs, planned, audited)
    if MAP in canvas.panels:
        _draw_precision(canvas, runs, alone)
    if IOU in canvas.panels:
        _draw_overlaps(canvas, runs, alone)
    if len({run.warmup for run in runs}) == 1:
        canvas.shade(planned[0].warmup if planned else runs[0].warmup)
    if alone:
        _mark_events(canvas, runs[0])


def draw_planned(canvas: Canvas, schedules: Sequence[Schedule]) -> list[Floats]:
    """Draw planned rates, broad enough to be seen under the logged ones; the rates that are drawn."""
    plans = [curve(one, canvas.first, canvas.last) for one in schedules]
    for number, points in enumerate(plans):
        text = "" if number else "planned rate"
        canvas.draw(RATE, points, text, color=canvas.theme.plan, linewidth=6, zorder=1.5)
    return [rates for _, rates in plans]


def draw_mismatches(canvas: Canvas, audited: Audit | None) -> None:
    """Draw the logged rates that differ from the planned ones."""
    if audited is not None and len(wrong := audited.mismatches):
        points = thinned(wrong.iteration, finite(wrong.logged), COLUMNS)
        text = f"{len(wrong)} of {audited.total} logged rates differ from the plan"
        canvas.draw(RATE, points, text, **DOT, linestyle="none", color=canvas.theme.alarm, zorder=4)


def _draw_losses(canvas: Canvas, runs: Sequence[Run], alone: bool) -> None:
    for place, run in enumerate(runs):
        log, style, width = run.log, canvas.line(place, alone=alone), max(len(run.log) // SMOOTH_POINTS, 1)
        averaged = not np.isnan(log.avg_loss).all()
        if alone and averaged:
            noise = {"color": canvas.theme.noise, "linewidth": 0.7}
            canvas.draw(LOSS, run.points(log.loss), "loss of each iteration", **noise, **run.dots)
        column, name = (log.avg_loss, "average loss") if averaged else (log.loss, "training loss")
        text = name + f", median of {width} records" * (width > 1) if alone else str(run)
        canvas.draw(LOSS, run.points(column, width), text, **style, **run.dots, zorder=3)
        if np.isfinite(log.column("val_loss")).any():
            style = canvas.line(1, alone=True) if alone else style | {"linestyle": ":"}
            text = "validation loss" if alone else ""
            canvas.draw(LOSS, run.points(log.column("val_loss")), text, **style, **DOT, zorder=3)
    columns = [[run.log.column(name) for name in ("avg_loss", "loss", "val_loss")] for run in runs]
    low, high, log_scale = value_limits([finite(np.concatenate(each)) for each in columns])
    canvas.limit(LOSS, low, high, log_scale, "no loss is a number")
    loss = np.concatenate([run.log.loss for run in runs])
    outside = loss[(loss > high) | (loss < low)]
    if outside.size:
        canvas.say(f"not shown: {counted(outside.size, 'loss', 'losses')}, {outside.min():.3g} to {outside.max():.3g}")


def value_limits(values: Sequence[Floats]) -> tuple[float, float, bool]:
    """The limits of an axis for the losses of some runs, and whether it is logarithmic; NaN without a loss.

    A run is highest when it begins; what is ten times above its start and above most of it is an outlier.
    """
    limits = []
    for each in values:
        numbers = each[~np.isnan(each)]
        if numbers.size:
            few, usual, most = np.quantile(numbers, (0.005, 0.05, 0.75)).tolist()
            most = max(most, float(np.quantile(numbers[:20], 0.9)))
            top = min(numbers.max(), OUTLIER * most) if most > 0 else numbers.max()
            limits.append((few if few >= 0 else max(numbers.min(), OUTLIER * few), usual, top))
    if not limits:
        return np.nan, np.nan, False
    (low, usual, _), high = np.min(limits, axis=0).tolist(), float(np.max(limits, axis=0)[2])
    if low > 0 and high / usual > LOGARITHMIC:
        return low / 1.3, high * 1.3, True
    return min(low, 0.0), high + ((high - low) / 20 or 1.0), False


def _draw_rates(canvas: Canvas, runs: Sequence[Run], planned: Sequence[Schedule], audited: Audit | None) -> None:
    rates, plans, alone = [finite(run.log.rate) for run in runs], draw_planned(canvas, planned), len(runs) == 1
    for place, (run, rate) in enumerate(zip(runs, rates, strict=True)):
        style = canvas.line(place, alone=alone) | (DOT if len(run.log) < 5 * FEW and alone else {})
        canvas.draw(RATE, run.points(rate), "logged rate" if alone else "", **style, zorder=3)
    if not any(rate.any() for rate in rates):
        canvas.say("every rate is printed as 0.000000")
    draw_mismatches(canvas, audited)
    seen = np.concatenate([*rates, *plans])
    after = np.concatenate([rate[run.log.iteration >= run.warmup] for run, rate in zip(runs, rates, strict=True)])
    above = after[after > 0]
    low = float(np.quantile(above, 0.05)) if above.size else np.inf
    log = bool(np.nanmax(seen, initial=0) / low >= RANGE) and any(run.drops for run in runs)
    canvas.limit(RATE, *rate_limits(seen, above[above >= low / 2], log), "no rate is a number")


def _draw_precision(canvas: Canvas, runs: Sequence[Run], alone: bool) -> None:
    top = max(100 * point.value for run in runs for point in run.maps)
    for place, run in enumerate(runs):
        points = run.maps
        x, y = np.array([point.iteration for point in points]), np.array([100 * point.value for point in points])
        style = canvas.line(place, alone=alone) | {"marker": "o", "markersize": 5 if len(points) <= 40 else 3}
        canvas.draw(MAP, (x, y), f"mAP, {counted(len(points), 'value')}" if alone else "", **style)
        if alone:
            best = x[y.argmax()]
            canvas.star(MAP, best, top, f"best mAP: {top:.2f}% at iteration {best}", canvas.theme.curves[1])
    canvas.limit(MAP, 0, min(top * 1.15, 105.0) or 1.0)


def _draw_overlaps(canvas: Canvas, runs: Sequence[Run], alone: bool) -> None:
    for place, run in enumerate(runs):
        for number, (name, points) in enumerate(run.iou(by_layer=alone) if len(run.log.layers) else ()):
            style = canvas.line(number if alone else place, alone=alone) | (DOT if points[0].size < FEW / 2 else {})
            canvas.draw(IOU, points, name if alone else "", **style)
    low, high = canvas.panels[IOU].dataLim.intervaly.tolist()
    beside = max((high - low) * 0.1, 0.02)
    canvas.limit(IOU, low - beside, high + beside)


def _mark_events(canvas: Canvas, run: Run) -> None:
    """Mark what happened in a single run."""
    log = run.log
    if log.first_nan is not None:
        line = canvas.mark(Mark(log.first_nan, f"NaN {log.first_nan}", "-"), colour=canvas.theme.alarm)
        bad = int((np.isnan(log.loss) | np.isnan(log.avg_loss)).sum())
        canvas.say(f"first NaN at iteration {log.first_nan}, in {bad} of {len(log)} records", line)
    at = {event.iteration for event in log.events if event.kind in ("resumed", "restarted")}
    at |= {seam.iteration for seam in log.seams if seam.kind in ("overlap", "gap")}
    resumed = sorted(t for t in at if canvas.first <= t <= canvas.last)
    lines = [canvas.mark(Mark(t, f"resumed {t}", "--")) for t in resumed]
    _count(canvas, "resumed", "at iteration", resumed, lines)
    canvas.mark(*run.drops, drops=True)
    patches = [canvas.hatch(first, last) for first, last in run.gaps]
    _count(canvas, "no records", "from", [f"{first} to {last}" for first, last in run.gaps], patches)
    saved = sorted(t for t in {event.iteration for event in log.events_of("saved")} if canvas.first <= t <= canvas.last)
    style: dict[str, Any] = {"color": canvas.theme.ink, "markersize": 5 if len(saved) <= FEW else 2, "clip_on": False}
    ticks = canvas.top.plot(saved, [0.0] * len(saved), "^", transform=canvas.top.get_xaxis_transform(), **style)
    _count(canvas, "weights saved", "after", saved, ticks)


def _count(canvas: Canvas, what: str, word: str, places: Sequence[object], artists: Sequence[Any]) -> None:
    times = f" {len(places)} times, the last" if len(places) > 1 else ""
    if places:
        canvas.say(f"{what}{times} {word} {places[-1]}", artists[0])
