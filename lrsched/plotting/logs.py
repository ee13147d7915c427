"""The picture of a training: loss, rate, mAP and IOU in panels over one axis of iterations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lrsched.logs import Log
from lrsched.logs.audit import Audit, audit
from lrsched.plotting.log_curves import Limits, Span, broken, finite, iou_curves, limits_of, rising, smooth, thinned
from lrsched.plotting.log_run import DOT, Run, plain, styles, within, words_of
from lrsched.plotting.log_signs import RED, mark_ends, mark_run
from lrsched.plotting.panels import Panels
from lrsched.plotting.picture import COLOURS, DASHES
from lrsched.plotting.sampling import sample
from lrsched.trainers.darknet import Net

__all__ = ["draw_log"]

PLANNED, RAW = "#f2b84b", "#a9bdd6"

MOST_POINTS = 300
"""Up to so many logged rates are drawn as points."""

RANGE = 50.0
"""A rate that falls by more after the burn-in is drawn on a logarithmic axis."""


def draw_log(
    logs: Sequence[tuple[str, Log]],
    *,
    net: Net | None = None,
    ngpus: int | None = None,
    audited: Audit | None = None,
    smoothing: int | None = None,
    first: int | None = None,
    last: int | None = None,
) -> Figure:
    """One picture of one or several runs, 1000 pixels wide.

    Args:
        logs: pairs of a label (plain text) and a log; in a log that goes back, what was given up is left out.
        net: the plan, drawn under the logged rates; what differs from it in a single run is red.
        ngpus: the number of GPUs of the plan; found out where it is None.
        audited: the audit of a single log against the plan, where it was made already.
        smoothing: records whose median is one point of the average; by their number when None.
        first: the first iteration drawn.
        last: the last iteration drawn.

    Raises:
        ValueError: for no log, and when no record lies between ``first`` and ``last``.
    """
    if not logs:
        raise ValueError("logs must hold at least one pair (label, log), got none")
    if smoothing is not None and smoothing < 1:
        raise ValueError(f"smoothing must be a number of records, 1 or more, got {smoothing}")
    runs = [
        Run(plain(label), within(rising(log), label, first, last), *style, smoothing)
        for (label, log), style in zip(logs, styles(), strict=False)
    ]
    span = Span(
        min(int(run.log.iteration[0]) for run in runs) if first is None else first,
        max(int(run.log.iteration[-1]) for run in runs) if last is None else last,
    )
    alone = runs[0] if len(runs) == 1 else None
    panels = Panels(_kinds(runs, span), span, _title(runs))
    _loss(panels, runs)
    if net is not None and alone and audited is None:
        audited = audit(rising(logs[0][1]), net, ngpus)
    planned = None if net is None else _plan(panels, net, audited.ngpus if audited is not None else ngpus or 1)
    _rate(panels, runs, audited if alone else None, planned)
    _precision(panels, runs)
    _overlaps(panels, runs, span)
    if alone:
        mark_run(panels, alone, span, net)
    else:
        mark_ends(panels, runs)
    return panels.finished()


def _kinds(runs: Sequence[Run], span: Span) -> list[str]:
    kinds = ["loss", "learning rate"]
    if any(span.first <= point.iteration <= span.last for run in runs for point in run.log.map_points):
        kinds.append("mAP")
    if any(not np.isnan(run.log.layers.iou).all() for run in runs if len(run.log.layers)):
        kinds.append("IOU")
    return kinds


def _title(runs: Sequence[Run]) -> str:
    if len(runs) > 1:
        return f"{len(runs)} training runs"
    log = runs[0].log
    records = f"{len(log)} record{'s' if len(log) > 1 else ''}"
    return f"{runs[0].label}{DOT}{records}, iterations {log.iteration[0]} to {log.iteration[-1]}"


def _loss(panels: Panels, runs: Sequence[Run]) -> None:
    ax = panels["loss"]
    limits = limits_of([(run.log.iteration, run.log.loss, run.average) for run in runs])
    alone = len(runs) == 1
    for place, run in enumerate(runs):
        dot: dict[str, Any] = {"marker": ".", "markersize": 5} if len(run.log) < 60 else {}
        if alone:
            x, y = broken(*thinned(run.log.iteration, _shown(run.log.loss, limits)), run.gaps)
            [raw] = ax.plot(x, y, color=RAW, linewidth=0.7, zorder=2, **dot)
            panels.say("loss of an iteration", raw)
        average = _shown(run.average, limits)
        x, y = broken(*thinned(*smooth(run.log.iteration, average, run.width)), run.gaps)
        [line] = ax.plot(x, y, **run.line(1.5 if alone else _width(place)), zorder=3, **dot)
        if alone:
            panels.say("average loss" + _smoothed(run), line)
        else:
            panels.say(f"{run.label}: {words_of(run)}", line)
    if limits is None:
        panels.nothing("loss", "no loss is a number")
        return
    if limits.logarithmic:
        panels.logarithmic("loss", limits.low, limits.high)
    else:
        ax.set_ylim(limits.low, limits.high)
    if limits.words:
        panels.say(limits.words)


def _width(place: int) -> float:
    """Later lines are thinner, so that equal ones can be seen under each other."""
    return float(max(3.0 - 0.6 * place, 1.2))


def _shown(values: NDArray[np.float64], limits: Limits | None) -> NDArray[np.float64]:
    """The values, with NaN for what has no logarithm where one is needed."""
    known = finite(values)
    return np.where(known > 0, known, np.nan) if limits is not None and limits.logarithmic else known


def _smoothed(run: Run) -> str:
    return f", median of {run.width} iterations" if run.width > 1 else ""


def _plan(panels: Panels, net: Net, ngpus: int) -> NDArray[np.float64]:
    """Draw the planned rate, broad enough to be seen under the logged one."""
    first = max(panels.span.first, 0)
    x, y = sample(net.schedule(ngpus), first, max(panels.span.last, first + 1))
    rate = finite(y.astype(np.float64))
    [line] = panels["learning rate"].plot(x, rate, color=PLANNED, linewidth=6, zorder=1.5)
    panels.say("planned rate" + (f" on {ngpus} GPUs" if ngpus > 1 else ""), line)
    return rate


def _rate(panels: Panels, runs: Sequence[Run], audited: Audit | None, planned: NDArray[np.float64] | None) -> None:
    ax, alone = panels["learning rate"], len(runs) == 1
    rates = [finite(run.log.rate) for run in runs]
    for place, (run, rate) in enumerate(zip(runs, rates, strict=True)):
        x, y = broken(*thinned(run.log.iteration, rate), run.gaps)
        few = len(run.log) <= MOST_POINTS
        dots: dict[str, Any] = {"marker": ".", "markersize": 4} if few and alone else {}
        [line] = ax.plot(x, y, **run.line(1.2 if alone else _width(place)), zorder=3, **dots)
        if alone:
            panels.say("logged rate", line)
    if audited is not None:
        _mismatches(panels, audited)
    _rate_axis(panels, runs, rates, [] if planned is None else [planned])


def _mismatches(panels: Panels, audited: Audit) -> None:
    wrong, span = audited.mismatches, panels.span
    inside = (wrong.iteration >= span.first) & (wrong.iteration <= span.last)
    if inside.any():
        x, y = thinned(wrong.iteration[inside], finite(wrong.logged[inside]))
        [dots] = panels["learning rate"].plot(x, y, ".", color=RED, markersize=5, zorder=4)
        panels.say(f"{audited.total - audited.matched} of {audited.total} logged rates differ from the plan", dots)


def _rate_axis(
    panels: Panels,
    runs: Sequence[Run],
    rates: Sequence[NDArray[np.float64]],
    planned: Sequence[NDArray[np.float64]],
) -> None:
    ax = panels["learning rate"]
    if all((rate == 0).all() for rate in rates):
        panels.say("every rate is printed as 0.000000")
    numbers = np.concatenate([*rates, *planned])
    numbers = numbers[~np.isnan(numbers)]
    if not numbers.size:
        panels.nothing("learning rate", "no rate is a number")
        return
    after = np.concatenate(
        [rate[run.log.iteration >= (run.burn_in or 0)] for run, rate in zip(runs, rates, strict=True)]
    )
    after = after[after > 0]
    high = float(numbers.max())
    low = float(np.quantile(after, 0.05)) if after.size else 0.0
    if low and high / low >= RANGE and any(run.drops for run in runs):
        panels.logarithmic("learning rate", low / 2, high * 2)
    else:
        low = min(float(numbers.min()), 0.0)
        ax.set_ylim(low, high + (high - low) * 0.12 or 1e-6)


def _precision(panels: Panels, runs: Sequence[Run]) -> None:
    if "mAP" not in panels:
        return
    ax, low, high = panels["mAP"], panels.span.first, panels.span.last
    top = 0.0
    for run in runs:
        points = [point for point in run.log.map_points if low <= point.iteration <= high]
        if not points:
            continue
        x, y = [point.iteration for point in points], [100 * point.value for point in points]
        size = 5 if len(points) <= 40 else 3
        [line] = ax.plot(x, y, **run.line(1.0), marker=run.marker, markersize=size, zorder=3)
        best = max(points, key=lambda point: point.value)
        top = max(top, 100 * best.value)
        if len(runs) == 1:
            limit = "" if np.isnan(best.threshold) else f"@{best.threshold:.2f}"
            [star] = ax.plot([best.iteration], [100 * best.value], "*", color=COLOURS[1], markersize=13, zorder=4)
            star.set(markeredgecolor="black", markeredgewidth=0.6, clip_on=False)
            panels.say(f"mAP{limit}, {len(points)} times", line)
            panels.say(f"best mAP: {best.value:.2%} at iteration {best.iteration}", star)
    ax.set_ylim(0, min(top * 1.15, 105.0) or 1.0)
    ax.set_ylabel("mAP in %")


def _overlaps(panels: Panels, runs: Sequence[Run], span: Span) -> None:
    if "IOU" not in panels:
        return
    ax, alone = panels["IOU"], len(runs) == 1
    lows, highs = [], []
    for run in runs:
        for place, (layer, x, y) in enumerate(iou_curves(run.log, span, by_layer=alone)):
            lows.append(float(y.min()))
            highs.append(float(y.max()))
            dot: dict[str, Any] = {"marker": run.marker, "markersize": 3} if x.size < 30 else {}
            if alone:
                colour, dashes = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
                [line] = ax.plot(*broken(x, y, run.gaps), color=colour, linestyle=dashes, linewidth=1.4, **dot)
                panels.say("IOU" + (f" of layer {layer}" if layer >= 0 else "") + ", median", line)
            else:
                ax.plot(x, y, **run.line(1.4), **dot)
    if not alone:
        panels.say("IOU: the median of all layers")
    if lows:
        room = max((max(highs) - min(lows)) * 0.12, 0.02)
        ax.set_ylim(min(lows) - room, max(highs) + room)
