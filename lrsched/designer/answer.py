"""answer(): all that the page shows for what a person has asked for. A pure function; nothing is read or written."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from lrsched.designer.document import Document, files_of, shaping
from lrsched.designer.state import (
    ENDLESS,
    Changes,
    RequestError,
    State,
    asked,
    changed,
    columns,
    legible,
    unit_of,
    value_of,
    wanted,
)
from lrsched.numbers import LAST_ITERATION, real, whole
from lrsched.planner import Plan, plan
from lrsched.planner.printed import complete, rate, verdict
from lrsched.plotting.curves import RATE, curve, panel_of
from lrsched.schedule import Schedule
from lrsched.shaping import Key
from lrsched.sources import as_schedules, is_config
from lrsched.text import json_ready, plain
from lrsched.trainers import planning_of

__all__ = ["answer", "rate_at", "text_of"]

WIDTH, MOST_WIDE = 900, 4096
"""Columns that are drawn where the page does not say, and at most."""

LEAST_SHOWN = 0.001
"""A shorter stretch of zeros, as a share of the run, is no more than its end."""

NOTHING = np.zeros(0, np.int64), np.zeros(0)
"""The points of a run that is over before the window."""

SETTINGS = {
    "ngpus": ("GPUs", "number of GPUs", 1),
    "target": ("target", "the iteration you want to reach", 0),
    "start": ("start", "the iteration you resume from", 0),
    "classes": ("classes", "number of classes, to judge the length", 1),
    "images": ("images", "number of training images, to judge the length", 1),
}
"""What a run is wanted for: label, help and lowest number."""

Json = dict[str, Any]


def answer(
    source: str | Document,
    state: Any = None,
    *,
    view: Any = None,
    do: Any = None,
    at: Any = None,
    others: Sequence[tuple[Document, Any]] = (),
) -> Json:
    r"""All that the page shows for a state, as JSON has it.

    What is drawn stands in ``curve``, ``ghost`` (the document as it was opened), ``others``, ``parts`` and ``marks``;
    what can be dragged in ``handles``, and changed in ``controls``, ``settings`` and ``rows``; what the planner says in
    ``verdict``, ``findings`` and ``fixes``; the lines that change in ``diff``. ``refused`` is why the trainer would not
    train it, and then there is nothing to draw or to say.

    Args:
        source: the document that is shaped, or the text of one.
        state: what was asked for so far: changes, options, ngpus, target, start, classes, images.
        view: the window: first and last iteration, and how many columns wide it is drawn.
        do: what a person does now: set, setting, move, row or apply; the answer has the state after it.
        at: an iteration whose exact rate is wanted.
        others: further documents with their states, whose curves are drawn, too.

    >>> text = "[net]\nbatch=64\nlearning_rate=0.01\nmax_batches=9000\npolicy=poly\npower=4\n"
    >>> made = answer(text, {"changes": {"power": 1}})
    >>> made["verdict"]["text"], made["state"]["changes"], [line["text"] for line in made["diff"]]
    ('OK: no problems found.', {'power': 1}, ['power=4', 'power=1'])

    Raises:
        ValueError: for a request that the page would not send; what a trainer refuses is a part of the answer.
    """
    document = Document.of(source) if isinstance(source, str) else source
    now, window = State.of({} if state is None else state), _window(view)
    if do is not None:
        try:
            now = changed(document, now, wanted(do, "do"), window)
        except RequestError:
            raise
        except (ValueError, TypeError, OverflowError) as why:  # such as a point moved on a curve that is refused
            raise RequestError(str(why)) from None
    config, planned, refused = _planned(document, now)
    told: Json = {
        "state": now,
        "refused": refused,
        "caption": config.caption(now.run["ngpus"]) if planned and is_config(config) else "",
        "unit": "iteration" if planned is None else planned.schedule.unit,
        "controls": [*_controls(document, now, config)],
        "settings": [*_settings(document, now)],
        "rows": _rows(document, now, config),
        **dict.fromkeys(("curve", "ghost", "marks", "verdict", "at", "band", "scale", "run", "view")),
        **{name: [] for name in ("others", "parts", "handles", "findings", "fixes", "extensions", "diff")},
    }
    if planned is None:
        return {**json_ready(told)}
    drawn = _drawn(document, config, planned, window, others)
    told |= _said(planned)
    band = planned.schedule.band()
    told["band"] = None if band is None else {"low": band[0], "high": band[1]}
    told["handles"] = [*_handles(config, planned, unit_of(window, drawn["view"]["last"]))]
    told["diff"] = [*_diff(document, now, config)]
    told["at"] = None if at is None else _exact(planned.schedule, at)
    return {**json_ready(told), **drawn}


def rate_at(document: Document, state: Any, at: Any) -> Json:
    """The exact rate at an iteration; None where the trainer refuses the state."""
    now = State.of({} if state is None else state)
    try:
        schedule = _schedule(document, now)
    except (ValueError, TypeError, OverflowError):
        return {"at": None}
    return {"at": json_ready(_exact(schedule, at))}


def text_of(document: Document, state: Any) -> Mapping[str, str]:
    """The texts to write, by the names of their files.

    Raises:
        ValueError: where the trainer refuses the state, or its configs are not rewritten.
    """
    now = State.of({} if state is None else state)
    if document.why_not:
        raise ValueError(document.why_not)
    return files_of(asked(document, now))


def _planned(document: Document, state: State) -> tuple[Any, Plan | None, str | None]:
    """The config that is asked for with its plan; where the trainer refuses it, one that shows the keys, and why."""
    try:
        run: dict[str, Any] = {**state.run}
        config = asked(document, state)
        if not is_config(config):
            run |= {"ngpus": 1, "target": run.get("target") or config.horizon or ENDLESS}
        return config, plan(config, **run), None
    except (ValueError, TypeError, OverflowError) as why:
        return legible(document, state), None, str(why)


def _window(view: Any) -> Json:
    """First and last iteration and the columns of a window."""
    given = wanted({} if view is None else view, "view")
    first, last, width = given.get("first") or 0, given.get("last"), given.get("width") or WIDTH
    try:
        first = whole("view: first", first)
        last = None if last is None else whole("view: last", last, low=first + 1)
        return {
            "first": first,
            "last": last,
            "ghost": given.get("ghost") is not False,
            "width": int(real("view: width", width, low=1, high=1e6)),
        }
    except (TypeError, ValueError) as why:
        raise RequestError(str(why)) from None


def _framed(planned: Plan, window: Json, beside: Sequence[Schedule | None]) -> tuple[int, int, int]:
    """The first and last iteration that are drawn, and the last one that there is to draw."""
    schedule = planned.schedule
    ends = [schedule.horizon, planned.run.target, *[other.horizon for other in beside if other is not None]]
    bends = islice(schedule.milestones(1, LAST_ITERATION // 2), 100)
    end = max((t for t in ends if t), default=max([ENDLESS, *bends]) * 11 // 10)
    first = min(window["first"], LAST_ITERATION - 1)
    return first, max(end if window["last"] is None else window["last"], first + 1), end


def _drawn(
    document: Document, config: Any, planned: Plan, window: Json, others: Sequence[tuple[Document, Any]]
) -> Json:
    """What there is to draw of a run, ready for JSON."""
    schedule, run = planned.schedule, planned.run
    beside = [_other(*other) for other in others]
    first, last, end = _framed(planned, window, [other for _, other in beside])
    before = schedule
    with suppress(ValueError):  # the file may lack what the rates need
        before = next(iter(as_schedules(document.config, ngpus=document.ngpus).values()))
    frame = first, last, min(window["width"], MOST_WIDE)
    line, ghost = _line(schedule, *frame), _ghost(before, *frame)
    known = np.concatenate([line[1], ghost[1]])
    known = known[np.isfinite(known)]
    parts = [*config.schedules(run.ngpus).items()][1:] if is_config(config) else []
    zero = planned.zero_from
    return {
        "curve": _points(line),
        "ghost": None if before == schedule else _points(ghost) if window["ghost"] else "same",
        "others": [
            {"file": place, **named, **_points(_line(other, *frame) if other else NOTHING)}
            for place, (named, other) in enumerate(beside)
        ],
        "parts": [{"name": name, **_points(_line(part, *frame))} for name, part in parts if panel_of(name) == RATE],
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


def _said(planned: Plan) -> Json:
    """What the planner says of a run, with its fixes."""
    every = complete(planned)
    return {
        "verdict": {"text": verdict(planned), "severity": planned.findings[0].severity if planned.findings else "good"},
        "findings": [
            {
                **{name: getattr(one, name) for name in ("code", "severity", "message", "first", "last")},
                "fixes": [
                    _fix(planned, fix)
                    for fix in planned.suggestions
                    if fix.fixes[:1] == (one.code,) and fix not in every
                ],
            }
            for one in planned.findings
        ],
        "fixes": [_fix(planned, fix) for fix in every],
        "extensions": [
            {
                "name": each.name,
                "text": each.text,
                "lines": [planned.run.planning.line(*change) for change in each.changes.items()],
                "apply": {"changes": each.changes, "target": each.run.target, "start": each.run.start},
            }
            for each in planned.extensions
        ],
    }


@lru_cache(32)
def _cached(schedule: Schedule, first: int, last: int, width: int) -> Any:
    return _line(schedule, first, last, width)


def _line(schedule: Schedule, first: int, last: int, width: int) -> Any:
    """The points of a window up to the end of the run."""
    last = min(last, last if schedule.horizon is None else schedule.horizon)
    return curve(schedule, first, last, width) if first <= last else NOTHING


def _ghost(schedule: Schedule, first: int, last: int, width: int) -> Any:
    """The curve of the file as it was opened, which many answers show."""
    try:
        hash(schedule)
    except TypeError:  # of a config with a dictionary
        return _line(schedule, first, last, width)
    return _cached(schedule, first, last, width)


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
        return told, _schedule(document, State.of({} if state is None else state))
    except (ValueError, TypeError, OverflowError) as why:
        return {**told, "refused": str(why)}, None


def _schedule(document: Document, state: State) -> Schedule:
    """The rates that a state asks for."""
    return next(iter(as_schedules(asked(document, state), ngpus=state.run["ngpus"] or 1).values()))


def _exact(schedule: Schedule, at: Any) -> Json:
    try:
        iteration = whole("at", at)
    except (TypeError, ValueError) as why:
        raise RequestError(str(why)) from None
    found = schedule(iteration)
    return {
        "iteration": iteration,
        "rate": float(found),
        "exact": f"{float(found):.9g}" if np.ndim(found) == 0 else "",
        "printed": f"{float(found):.6f}",
    }


def _fix(planned: Plan, fix: Any) -> Json:
    """A suggestion: its words, its lines, and what applying it does; a target it needs is a part of that."""
    there = "" if fix.rate_at_target is None else f"; rate at {fix.run.goal}: {rate(fix.rate_at_target)}"
    return {
        "number": planned.suggestions.index(fix) + 1,
        "text": f"{fix.text}{there}",
        "lines": [fix.run.planning.line(*change) for change in fix.changes.items()],
        "fixes": fix.fixes,
        "apply": {"changes": fix.changes, "target": fix.target},
    }


def _handles(config: Any, planned: Plan, unit: int) -> Iterator[Json]:
    """The points that can be dragged, with their rates."""
    run, schedule = planned.run, planned.schedule
    step = max(unit, 10 ** max(math.floor(math.log10(max((run.horizon or ENDLESS) / 200, 1))), 0))
    nudge = {"time": step, "time_coarse": 10 * step, "rate": 1.05, "rate_coarse": 1.5}
    points: list[Any] = [*shaping(config).handles(run.ngpus)] if is_config(config) else []
    places = [(p.name, p.label, p.iteration, p.keys, bool(p.at), bool(p.reaches), p.low, p.high) for p in points]
    if run.target is not None:
        places.append(("target", "target", run.target, ("target",), True, False, 0, LAST_ITERATION))
    for name, label, iteration, keys, moves, rises, low, high in places:
        height = float(schedule(iteration))
        yield {
            "id": name,
            "label": label,
            "iteration": iteration,
            "rate": height,
            "moves": "both" if moves and rises else "time" if moves else "rate",
            "keys": keys,
            "min": low,
            "max": high,
            "text": f"{label}: iteration {iteration}, rate {height:.6g}",
            "nudge": nudge,
        }


def _controls(document: Document, state: State, config: Any) -> Iterator[Json]:
    """The keys with their values; what was asked for stands there even where it is refused."""
    if not is_config(config):
        return
    shown, opened = shaping(config), shaping(document.config)
    for key in shown.shown():
        if key.name not in shown.rows():
            yield _control(key, state.changes, opened.key(key.name))


def _control(key: Key, changes: Changes, opened: Key | None) -> Json:
    value, text, error = key.value, "" if key.value is None else plain(key.value), None
    if key.name in changes:
        text = "" if changes[key.name] is None else plain(changes[key.name])
        try:
            value = value_of(key, changes[key.name])
        except ValueError as why:
            error = str(why)
    kinds = {int: "whole", float: "number", bool: "flag", tuple: "list", str: "text"}
    told: Json = {
        "key": key.name,
        "label": key.name.rpartition(".")[2],
        "kind": "choice" if key.choices else kinds[key.kind],
        "value": value,
        "text": text,
        "file": None if opened is None or opened.value is None else plain(opened.value),
        "default": None if key.default is None else plain(key.default),
        "help": key.param.doc if key.param else "",
        "choices": key.choices or None,
        "changed": key.name in changes,
        "error": error,
        "group": key.group or key.name.rpartition(".")[0],
    }
    return told | _range(key, value)


def _range(key: Key, value: Any) -> Json:
    """The slider of a key, wide enough for its value."""
    low: Any = None
    high = least = low
    if key.param is not None and key.kind in (int, float):
        low, high = key.param.typical
        if isinstance(value, (int, float)) and math.isfinite(value):
            low, high = min(low, value), max(high, value)
        least = low if low > 0 else 1 if key.kind is int else high * 1e-4
    bounds = (key.param.low, key.param.high) if key.param else (-math.inf, math.inf)
    return {
        "low": low,
        "high": high,
        "low_positive": least,
        "log": low is not None and low >= 0 and high > 50 * (least or 1),
        "min": bounds[0],
        "max": bounds[1],
    }


def _settings(document: Document, state: State) -> Iterator[Json]:
    """What a run is wanted for."""
    blank = {"default": None, "min": None, "max": None, "low": None, "high": None, "choices": None, "error": None}
    for name, (title, present, titles) in shaping(document.config).options().items():
        value = state.options.get(name, present)
        yield {
            **blank,
            "key": name,
            "label": title,
            "kind": "choice",
            "value": value,
            "text": value,
            "help": f"the {title} that trains",
            "file": present,
            "choices": [*titles],
            "titles": [*titles.values()],
            "changed": value != present,
        }
    for name, (label, words, low) in SETTINGS.items():
        given, usual = getattr(state, name), document.ngpus if name == "ngpus" else None
        if name not in ("target", "start", *(shaping(document.config).facts() if is_config(document.config) else ())):
            continue
        shown = usual if given is None else given
        yield {
            **blank,
            "key": name,
            "label": label,
            "kind": "whole",
            "value": shown,
            "text": "" if shown is None else str(shown),
            "help": words,
            "file": usual,
            "min": low,
            "changed": given not in (None, usual),
        }


def _rows(document: Document, state: State, config: Any) -> Json | None:
    """The lists of equal length as the rows of a table."""
    keys = [shaping(config).key(name) for name in shaping(config).rows()] if is_config(config) else []
    known = [key for key in keys if key is not None]
    if not known:
        return None
    opened = [shaping(document.config).key(key.name) for key in known]
    return {
        "keys": [key.name for key in known],
        "labels": [key.name for key in known],
        "helps": [key.param.doc if key.param else "" for key in known],
        "values": [*zip(*columns(document, state, config).values(), strict=False)],
        "changed": any(key.name in state.changes for key in known),
        "file": [*zip(*(key.value for key in opened if key is not None), strict=False)],
    }


def _diff(document: Document, state: State, config: Any) -> Iterator[Json]:
    """The lines that change; of a config that is not rewritten those to copy."""
    texts = files_of(config)
    if not texts and is_config(config):
        written = planning_of(config).line
        yield from (
            {"sign": "+", "line": None, "text": written(*change), "file": ""} for change in state.changes.items()
        )
    for name, text in texts.items():
        old, new = document.files.get(name, "").splitlines(), text.splitlines()
        same = _alike(old, new)
        rest = _alike(old[same:][::-1], new[same:][::-1])  # what stays behind the changes would take most of the time
        parts = old[same : len(old) - rest], new[same : len(new) - rest]
        matcher = difflib.SequenceMatcher(None, *parts, autojunk=False) if old != new else None
        for tag, a, b, c, d in matcher.get_opcodes() if matcher else ():
            if tag != "equal":
                yield from _lines("-", old, same, a, b, name)
                yield from _lines("+", new, same, c, d, name)


def _alike(old: list[str], new: list[str]) -> int:
    """How many lines are the same at the beginning."""
    return next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _lines(sign: str, lines: list[str], same: int, first: int, stop: int, name: str) -> Iterator[Json]:
    for place in range(same + first, same + stop):
        yield {"sign": sign, "line": place + 1, "text": lines[place], "file": name}
