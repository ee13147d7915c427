"""The panels of a training log: loss, learning rate, mAP and IOU, with what happened marked in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lrsched.logs import Audit, Log, stitch
from lrsched.logs.joining import part
from lrsched.plotting.canvas import Canvas
from lrsched.plotting.curves import Floats, Points, broken, curve, finite, smooth, thinned
from lrsched.plotting.labels import Mark
from lrsched.plotting.log_facts import drops_in, gaps_in, iou_curves, loss_limits, saved_at, warmup_of
from lrsched.plotting.schedules import RATE, rate_limits
from lrsched.schedule import Schedule

__all__ = ["Run", "draw_logs", "panels_of", "within"]

LOSS, MAP, IOU = "loss", "mAP in %", "IOU"

COLUMNS, SMOOTH_POINTS, FEW = 900, 400, 60
"""Columns of a curve, points of an average; so few records are drawn as dots as well."""

RANGE = 50.0
"""A rate that falls by more after the warm-up is drawn on a logarithmic axis."""


@dataclass(frozen=True, eq=False)
class Run:
    """One run in the picture: its name, and what its log says within the iterations drawn."""

    label: str
    log: Log

    @cached_property
    def average(self) -> Floats:
        """The average loss; the loss where no average is printed."""
        printed = finite(self.log.avg_loss)
        return finite(self.log.loss) if np.isnan(printed).all() else printed

    @cached_property
    def warmup(self) -> int:
        """The first iteration after the warm-up, as the rates show it; 0 without one."""
        return warmup_of(self.log)

    @cached_property
    def drops(self) -> list[Mark]:
        """Where the rate changes by a factor."""
        return drops_in(self.log, self.warmup)

    def points(self, values: Floats, width: int = 1) -> Points:
        """A column of the log as a curve that breaks where records are missing; medians of ``width`` records."""
        return broken(*thinned(*smooth(self.log.iteration, values, width), COLUMNS), gaps_in(self.log))

    def __str__(self) -> str:
        log, said = self.log, [f"{self.label}: iterations {self.log.iteration[0]} to {self.log.iteration[-1]}"]
        if 0 < len(self.drops) <= 4:
            said.append("the rate changes at " + ", ".join(drop.text for drop in self.drops))
        if log.map_points:
            best = max(log.map_points, key=lambda point: point.value)
            said.append(f"best mAP {best.value:.1%} at {best.iteration}")
        if log.first_nan is not None:
            said.append(f"NaN from {log.first_nan} on (cross)")
        return " · ".join(said)


def within(log: Log, label: str, first: int, last: int | None) -> Log:
    """The records from ``first`` to ``last``; of a log that goes back, what was given up is left out.

    Raises:
        ValueError: when there are none.
    """
    rising = log if (np.diff(log.iteration) > 0).all() else stitch([log])
    begin = int(np.searchsorted(rising.iteration, first))
    end = len(rising) if last is None else int(np.searchsorted(rising.iteration, last, side="right"))
    if begin >= end:
        there = f"it has {rising.iteration[0]} to {rising.iteration[-1]}" if len(rising) else "it has none"
        raise ValueError(f"{label}: no record lies between the iterations to be drawn; {there}")
    return part(rising, begin, end) if end - begin < len(rising) else rising


def panels_of(runs: Sequence[Run]) -> list[str]:
    """The panels for what the logs hold."""
    tested = any(run.log.map_points for run in runs)
    overlaps = any(not np.isnan(run.log.layers.iou).all() for run in runs if len(run.log.layers))
    return [LOSS, RATE, *([MAP] if tested else []), *([IOU] if overlaps else [])]


def draw_logs(canvas: Canvas, runs: Sequence[Run], planned: Sequence[Schedule], audited: Audit | None) -> None:
    """Draw runs in the panels of a canvas; under their rates the planned ones, and red what differs from them."""
    alone = len(runs) == 1
    _loss(canvas, runs, alone)
    _rate(canvas, runs, [_plan(canvas, schedule) for schedule in planned], alone)
    if audited is not None and len(audited.mismatches):
        wrong = audited.mismatches
        points = thinned(wrong.iteration, finite(wrong.logged), COLUMNS)
        [dots] = canvas.panels[RATE].plot(*points, ".", color=canvas.theme.alarm, markersize=5, zorder=4)
        canvas.say(f"{len(wrong)} of {audited.total} logged rates differ from the plan", dots)
    if MAP in canvas.panels:
        _precision(canvas, runs, alone)
    if IOU in canvas.panels:
        _overlaps(canvas, runs, alone)
    if len({run.warmup for run in runs}) == 1:
        canvas.shade(planned[0].warmup if planned else runs[0].warmup)
    if alone:
        _happened(canvas, runs[0].log, runs[0].drops)


def _loss(canvas: Canvas, runs: Sequence[Run], alone: bool) -> None:
    ax = canvas.panels[LOSS]
    low, high, log, outside = loss_limits([run.log for run in runs], [run.average for run in runs])
    for place, run in enumerate(runs):
        dot = {"marker": ".", "markersize": 5} if len(run.log) < FEW else {}
        width = max(len(run.log) // SMOOTH_POINTS, 1)
        if alone:
            points = run.points(finite(run.log.loss))
            canvas.say("loss of each iteration", ax.plot(*points, color=canvas.theme.noise, linewidth=0.7, **dot)[0])
        [line] = ax.plot(*run.points(run.average, width), **canvas.line(place, _width(place, alone)), **dot, zorder=3)
        over = f", median of {width} records" if width > 1 else ""
        canvas.say(f"average loss{over}" if alone else str(run), line)
        if not alone and run.log.first_nan is not None:
            cross = {"marker": "X", "markersize": 9, "markeredgecolor": canvas.theme.ground, "zorder": 5}
            ax.plot(run.log.first_nan, 0.04, **canvas.line(place, 1.0), **cross, transform=ax.get_xaxis_transform())
    canvas.limit(LOSS, low, high, log, "no loss is a number")
    if outside:
        canvas.say(outside)


def _width(place: int, alone: bool) -> float:
    """Later lines are thinner, so that equal ones can be seen under each other."""
    return 1.4 if alone else max(3.0 - 0.6 * place, 1.2)


def _plan(canvas: Canvas, schedule: Schedule) -> Floats:
    """Draw a planned rate, broad enough to be seen under the logged one."""
    x, y = curve(schedule, canvas.first, canvas.last)
    canvas.say("planned rate", canvas.panels[RATE].plot(x, y, color=canvas.theme.plan, linewidth=6, zorder=1.5)[0])
    return y


def _rate(canvas: Canvas, runs: Sequence[Run], plans: Sequence[Floats], alone: bool) -> None:
    ax, rates = canvas.panels[RATE], [finite(run.log.rate) for run in runs]
    for place, (run, rate) in enumerate(zip(runs, rates, strict=True)):
        dot = {"marker": ".", "markersize": 4} if len(run.log) <= 5 * FEW and alone else {}
        [line] = ax.plot(*run.points(rate), **canvas.line(place, _width(place, alone)), **dot, zorder=3)
        if alone:
            canvas.say("logged rate", line)
    if all((rate == 0).all() for rate in rates):
        canvas.say("every rate is printed as 0.000000")
    seen = np.concatenate([*rates, *plans])
    after = np.concatenate([rate[run.log.iteration >= run.warmup] for run, rate in zip(runs, rates, strict=True)])
    above = after[after > 0]
    low = float(np.quantile(above, 0.05)) if above.size else np.inf
    log = bool(np.nanmax(seen, initial=0) / low >= RANGE) and any(run.drops for run in runs)
    canvas.limit(RATE, *rate_limits(seen, above[above >= low / 2], log), "no rate is a number")


def _precision(canvas: Canvas, runs: Sequence[Run], alone: bool) -> None:
    ax, top = canvas.panels[MAP], 0.0
    for place, run in enumerate(runs):
        points = run.log.map_points
        x, y = [point.iteration for point in points], [100 * point.value for point in points]
        size = 5 if len(points) <= 40 else 3
        [line] = ax.plot(x, y, **canvas.line(place, 1.0), marker="o", markersize=size, zorder=3)
        top = max([top, *y])
        if alone:
            best, edge = int(np.argmax(y)), {"markeredgecolor": canvas.theme.ink, "markeredgewidth": 0.6, "zorder": 4}
            [star] = ax.plot(x[best], y[best], "*", color=canvas.theme.curves[1], markersize=13, clip_on=False, **edge)
            canvas.say(f"mAP, {len(points)} values", line)
            canvas.say(f"best mAP: {y[best]:.2f}% at iteration {x[best]}", star)
    canvas.limit(MAP, 0, min(top * 1.15, 105.0) or 1.0)


def _overlaps(canvas: Canvas, runs: Sequence[Run], alone: bool) -> None:
    seen = []
    for place, run in enumerate(runs):
        for number, (name, (x, y)) in enumerate(iou_curves(run.log, by_layer=alone) if len(run.log.layers) else ()):
            style = canvas.line(number if alone else place, 1.4) | (
                {"marker": "o", "markersize": 3} if x.size < 30 else {}
            )
            [line] = canvas.panels[IOU].plot(*broken(x, y, gaps_in(run.log)), **style)
            seen.append(y)
            if alone:
                canvas.say(name, line)
    low, high = (float(limit(np.concatenate(seen))) for limit in (np.min, np.max))
    beside = max((high - low) * 0.12, 0.02)
    canvas.limit(IOU, low - beside, high + beside)


def _happened(canvas: Canvas, log: Log, drops: Sequence[Mark]) -> None:
    """Mark what happened in a single run."""
    if log.first_nan is not None:
        line = canvas.mark(Mark(log.first_nan, f"NaN {log.first_nan}", "-"), canvas.theme.alarm)
        bad = int((np.isnan(log.loss) | np.isnan(log.avg_loss)).sum())
        canvas.say(f"first NaN at iteration {log.first_nan}, in {bad} of {len(log)} records", line, sign=True)
    at = {event.iteration for event in log.events if event.kind in ("resumed", "restarted")}
    at |= {seam.iteration for seam in log.seams if seam.kind in ("overlap", "gap")}
    resumed = sorted(t for t in at if canvas.first <= t <= canvas.last)
    lines = [canvas.mark(Mark(t, f"resumed {t}", "--")) for t in resumed]
    _count(canvas, "resumed", "at iteration", resumed, lines)
    canvas.drops(drops)
    gaps = gaps_in(log)
    patches = [canvas.hatch(first, last) for first, last in gaps]
    _count(canvas, "no records", "from", [f"{first} to {last}" for first, last in gaps], patches)
    saved = [t for t in saved_at(log) if canvas.first <= t <= canvas.last]
    style: dict[str, Any] = {"color": canvas.theme.ink, "markersize": 5, "clip_on": False, "zorder": 5}
    ticks = canvas.top.plot(saved, [0.0] * len(saved), "^", transform=canvas.top.get_xaxis_transform(), **style)
    _count(canvas, "weights saved", "after", saved, ticks)


def _count(canvas: Canvas, what: str, word: str, places: Sequence[object], artists: Sequence[Any]) -> None:
    times = f" {len(places)} times, the last" if len(places) > 1 else ""
    if places:
        canvas.say(f"{what}{times} {word} {places[-1]}", artists[0], sign=True)
