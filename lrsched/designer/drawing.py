"""What there is to draw: the curves in a window, their marks, and the points that can be dragged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from lrsched.designer.document import Document, shaping
from lrsched.designer.state import ENDLESS, Json, RequestError, State, asked, unit_of, wanted
from lrsched.numbers import LAST_ITERATION, real, whole
from lrsched.planner import Plan
from lrsched.plotting.curves import RATE, curve, panel_of
from lrsched.schedule import Schedule
from lrsched.shaping import Handle
from lrsched.sources import as_schedule, is_config

__all__ = ["drawn", "handles", "rates_of", "window_of"]

WIDTH, MOST_WIDE = 900, 4096  # columns that are drawn where the page does not say, and at most
LEAST_SHOWN = 0.001  # a shorter stretch of zeros, as a share of the run, is no more than its end
NOTHING = np.zeros(0, np.int64), np.zeros(0)  # the points of a run that is over before the window


def window_of(view: Any) -> Json:
    """First and last iteration and columns of a window; RequestError for one that the page would not send."""
    given = wanted({} if view is None else view, "view")
    first, last, width = given.get("first") or 0, given.get("last"), given.get("width") or WIDTH
    try:
        first = whole("view: first", first)
        return {
            "first": first,
            "last": None if last is None else whole("view: last", last, low=first + 1),
            "width": int(real("view: width", width, low=1, high=1e6)),
        }
    except (TypeError, ValueError) as why:
        raise RequestError(str(why)) from None


def rates_of(document: Document, state: State) -> Schedule:
    """The rates that a state asks for; ValueError where the trainer refuses it."""
    return as_schedule(asked(document, state), ngpus=state.run["ngpus"] or 1)


def drawn(document: Document, config: Any, planned: Plan, window: Json, others: Sequence[tuple[Document, Any]]) -> Json:
    """What there is to draw of a run, ready for JSON."""
    schedule, run = planned.schedule, planned.run
    beside = [_other(*other) for other in others]
    first, last, end = _framed(planned, window, [other for _, other in beside])
    frame = first, last, min(window["width"], MOST_WIDE)
    before = _opened(document) or schedule
    line, ghost = _line(schedule, *frame), _ghost(document, *frame)
    known = np.concatenate([line[1], ghost[1]])
    known = known[np.isfinite(known)]
    parts = [*config.schedules(run.ngpus).items()][1:] if is_config(config) else []
    zero, band = planned.zero_from, schedule.band()
    return {
        "curve": _points(line),
        "ghost": None if before == schedule else _points(ghost),
        "others": [
            {"file": place, **named, **_points(_line(other, *frame) if other else NOTHING)}
            for place, (named, other) in enumerate(beside)
        ],
        "parts": [{"name": name, **_points(_line(part, *frame))} for name, part in parts if panel_of(name) == RATE],
        "band": None if band is None else {"low": band[0], "high": band[1]},
        "view": {"first": first, "last": last},
        "run": {"first": 0, "last": end},
        "scale": {
            "low": min(float(known.min(initial=0)), 0.0),
            "high": float(known.max(initial=0)),
            "least": float(known[known > 0].min(initial=1)),
        },
        "marks": {
            "burn_in": [0, schedule.warmup - 1] if schedule.warmup else None,
            "burn_in_name": run.terms.warmup,
            "zero": None if zero is None or (run.last or end) - zero < LEAST_SHOWN * end else [zero, run.last],
            "zero_name": f"the rate is {run.terms.zero}",
            "target": run.target,
            "horizon": schedule.horizon,
        },
    }


def handles(config: Any, planned: Plan, window: Json, last: int) -> Iterator[Json]:
    """The points that can be dragged, with their rates."""
    run = planned.run
    step = max(unit_of(window, last), 10 ** max(math.floor(math.log10(max((run.horizon or ENDLESS) / 200, 1))), 0))
    points = [*shaping(config).handles(run.ngpus)] if is_config(config) else []
    if run.target is not None:
        points.append(Handle("target", "target", run.target, ("target",), at=lambda iteration: {}))
    for point in points:
        height = float(planned.schedule(point.iteration))
        yield {
            "id": point.name,
            "label": point.label,
            "iteration": point.iteration,
            "rate": height,
            "moves": "rate" if point.at is None else "time" if point.reaches is None else "both",
            "keys": point.keys,
            "min": point.low,
            "max": point.high,
            "text": f"{point.label}: iteration {point.iteration}, rate {height:.6g}",
            "step": step,
        }


def _framed(planned: Plan, window: Json, beside: Sequence[Schedule | None]) -> tuple[int, int, int]:
    """The first and last iteration that are drawn, and the last one that there is to draw."""
    schedule = planned.schedule
    ends = [schedule.horizon, planned.run.target, *[other.horizon for other in beside if other is not None]]
    bends = islice(schedule.milestones(1, LAST_ITERATION // 2), 100)
    end = max((t for t in ends if t), default=max([ENDLESS, *bends]) * 11 // 10)
    first = min(window["first"], LAST_ITERATION - 1)
    return first, max(end if window["last"] is None else window["last"], first + 1), end


def _opened(document: Document) -> Schedule | None:
    """The rates of the file as it was opened; None where it lacks what they need."""
    with suppress(ValueError):
        return as_schedule(document.config, ngpus=document.ngpus)
    return None


@lru_cache(32)
def _ghost(document: Document, first: int, last: int, width: int) -> Any:
    """The curve of the file as it was opened, which many answers show."""
    schedule = _opened(document)
    return NOTHING if schedule is None else _line(schedule, first, last, width)


def _line(schedule: Schedule, first: int, last: int, width: int) -> Any:
    """The points of a window up to the end of the run."""
    last = min(last, last if schedule.horizon is None else schedule.horizon)
    return curve(schedule, first, last, width) if first <= last else NOTHING


def _points(line: Any) -> Json:
    """Points with seven digits, which are those of float32 and more than a screen has; null for what is not finite."""
    t, y = map(np.asarray, line)
    with np.errstate(all="ignore"):
        unit = 10.0 ** (6 - np.floor(np.log10(np.abs(y))))
        short = np.where(np.isfinite(unit), np.round(y * unit) / unit, y)
    known = np.isfinite(short)
    rates: Any = short.astype(object)
    rates[~known] = None
    return {"t": t.tolist(), "y": rates.tolist()}


def _other(document: Document, state: Any) -> tuple[Json, Schedule | None]:
    """The schedule of another document, or why there is none."""
    told = {"name": document.name, "refused": None}
    try:
        return told, rates_of(document, State.of({} if state is None else state))
    except (ValueError, TypeError, OverflowError) as why:
        return {**told, "refused": str(why)}, None
