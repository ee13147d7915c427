"""The picture of a verdict on loss curves: the curves as they were judged, and where they were decided."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from lrsched.curves import Verdict
from lrsched.curves.evidence import NAMES
from lrsched.log import Log
from lrsched.logs import verdict_on
from lrsched.plotting.canvas import Canvas
from lrsched.plotting.curves import RATE, finite, thinned
from lrsched.plotting.labels import Mark
from lrsched.plotting.style import own_settings

__all__ = ["mark_verdict", "plot_verdict"]

LOSS, METRIC, COLUMNS = "loss", "metric", 900
PANELS = {"train": LOSS, "val": LOSS, "metric": METRIC}


def plot_verdict(
    verdict: Verdict,
    steps: ArrayLike,
    rate: ArrayLike | None = None,
    *,
    metric_higher_is_better: bool = True,
    unit: str = "step",
    title: str = "",
    **columns: ArrayLike | None,
) -> Axes:
    """Draw what ``verdict_of`` was given, with its evidence: smoothed curves, the best step, drops of the rate.

    The arguments are those of ``verdict_of``, with its verdict before them.
    """
    step = np.asarray(steps, np.float64)
    known = {name: np.asarray(column, np.float64) for name, column in columns.items() if column is not None}
    panels = list(dict.fromkeys(PANELS[name] for name in known)) + ([RATE] if rate is not None else [])
    with own_settings():
        canvas = Canvas(panels, int(np.nanmin(step)), int(np.ceil(np.nanmax(step))), unit=unit)
        for place, (name, column) in enumerate(known.items()):
            _draw(canvas, place, name, step, column, verdict, -1 if name == "metric" and metric_higher_is_better else 1)
        _limit(canvas, verdict, {name: column for name, column in known.items() if PANELS[name] == LOSS})
        if rate is not None:
            points = thinned(step, finite(np.asarray(rate, np.float64)), COLUMNS)
            canvas.draw(RATE, points, "rate", **canvas.line(0, alone=True))
        _mark(canvas, verdict)
        for advice in verdict.advice[:1]:
            canvas.say(str(advice))
        return canvas.finished(f"{title}: {verdict.verdict} (confidence {verdict.confidence:.0%})".removeprefix(": "))


def _draw(canvas: Canvas, place: int, name: str, step: Any, column: Any, verdict: Verdict, sign: int) -> None:
    """One column as it was logged, faintly, and smoothed."""
    style, logged = canvas.line(place, alone=True), np.isfinite(column)
    points = thinned(step[logged], column[logged], COLUMNS)
    canvas.draw(PANELS[name], points, color=style["color"], alpha=0.3, linewidth=0.7)
    course = verdict.courses.get(name)
    if course is not None:
        canvas.draw(PANELS[name], (course.step, sign * course.smooth), f"{NAMES[name]}, smoothed", **style, zorder=3)
        if name == "val" or (name == "train" and "val" not in verdict.courses):
            level = float(np.interp(course.best, course.step, course.smooth))
            canvas.star(LOSS, course.best, level, f"best: {canvas.unit} {course.best:.0f}", style["color"])


def _limit(canvas: Canvas, verdict: Verdict, losses: dict[str, Any]) -> None:
    """Show nearly all points of what was looked at; outliers and a beginning that towers lie outside."""
    courses = [verdict.courses[name].smooth for name in losses if name in verdict.courses]
    seen = [values for values in courses or [column[np.isfinite(column)] for column in losses.values()] if values.size]
    if seen:
        low, high = min(map(np.min, seen)), max(float(np.quantile(values, 0.99)) for values in seen)
        canvas.limit(LOSS, low - 0.1 * (high - low), high + (0.2 * (high - low) or 1.0))


def mark_verdict(canvas: Canvas, log: Log) -> None:
    """Mark in the picture of a log what its curves say: the best loss, where that was decided, drops of the rate."""
    try:
        verdict = verdict_on(log)
    except ValueError:  # it has no loss
        return
    known = ("done", "end", *(("drop", "restart") if log.unit == "epoch" else ()))  # the others are marked already
    best = [mark.step for mark in verdict.marks if mark.kind == "best" and canvas.first <= mark.step <= canvas.last]
    if verdict.verdict != "cannot-tell":
        val = verdict.courses.get("val")
        name = "loss" if val is None else "metric" if val is verdict.courses.get("metric") else "validation loss"
        line = canvas.mark(*(Mark(round(step), f"best {name}", "-.") for step in best)) if best else None
        at = f", best {name} at {best[0]:.0f}" if best else ""
        canvas.say(f"the curves: {verdict.headline.rstrip('.')}{at}", line)
        _mark(canvas, verdict, known)


def _mark(canvas: Canvas, verdict: Verdict, kinds: Sequence[str] = ("done", "end", "drop", "restart")) -> None:
    """Lines where something was decided."""
    for mark in verdict.marks:
        if mark.kind in kinds and canvas.first <= mark.step <= canvas.last:
            style = ":" if mark.kind in ("drop", "restart") else "--"
            canvas.mark(Mark(round(mark.step), mark.text, style), drops=mark.kind in ("drop", "restart"))
