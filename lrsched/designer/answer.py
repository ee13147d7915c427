"""answer(): all that the page shows for what a person has asked for. A pure function; nothing is read or written."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, takewhile
from typing import Any

import numpy as np

from lrsched.designer.controls import controls, rows, settings
from lrsched.designer.document import Document, files_of
from lrsched.designer.drawing import drawn, handles, rates_of, window_of
from lrsched.designer.state import ENDLESS, Json, RequestError, State, asked, changed, legible, wanted
from lrsched.numbers import whole
from lrsched.planner import Plan, plan
from lrsched.planner.printed import complete, rate, verdict
from lrsched.schedule import Schedule
from lrsched.sources import is_config
from lrsched.text import json_ready
from lrsched.trainers import planning_of

__all__ = ["answer", "rate_at", "text_of"]


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
    now, window = State.of({} if state is None else state), window_of(view)
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
        "unit": "iteration" if planned is None else planned.schedule.unit,
        "controls": [*controls(document, now, config)],
        "settings": [*settings(document, now)],
        "rows": rows(document, now, config),
        **dict.fromkeys(("curve", "ghost", "marks", "verdict", "at", "band", "scale", "run", "view")),
        **{name: [] for name in ("others", "parts", "handles", "findings", "fixes", "extensions", "diff")},
    }
    if planned is None:
        return {**json_ready(told)}
    shown = drawn(document, config, planned, window, others)
    told |= _said(planned)
    told["handles"] = [*handles(config, planned, window, shown["view"]["last"])]
    told["diff"] = [*_diff(document, now, config)]
    told["at"] = None if at is None else _exact(planned.schedule, at)
    return {**json_ready(told), **shown}


def rate_at(document: Document, state: Any, at: Any) -> Json:
    """The exact rate at an iteration; None where the trainer refuses the state."""
    now = State.of({} if state is None else state)
    try:
        schedule = rates_of(document, now)
    except (ValueError, TypeError, OverflowError):
        return {"at": None}
    return {"at": json_ready(_exact(schedule, at))}


def text_of(document: Document, state: Any) -> Mapping[str, str]:
    """The texts to write, by the names of their files; ValueError for a state that is refused or cannot be written."""
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


def _said(planned: Plan) -> Json:
    """What the planner says of a run, with its fixes."""
    every, findings = complete(planned), []
    for one in planned.findings:
        own = [fix for fix in planned.suggestions if fix.fixes[:1] == (one.code,) and fix not in every]
        shown = {name: getattr(one, name) for name in ("code", "severity", "message", "first", "last")}
        findings.append({**shown, "fixes": [*map(_fix, own)]})
    return {
        "verdict": {"text": verdict(planned), "severity": planned.findings[0].severity if planned.findings else "good"},
        "findings": findings,
        "fixes": [*map(_fix, every)],
        "extensions": [
            {"name": one.name, "text": one.text, **_applied(one, target=one.run.target, start=one.run.start)}
            for one in planned.extensions
        ],
    }


def _fix(fix: Any) -> Json:
    """A suggestion; a target it needs is a part of what applying it does."""
    there = "" if fix.rate_at_target is None else f"; rate at {fix.run.goal}: {rate(fix.rate_at_target)}"
    return {"text": f"{fix.text}{there}", "fixes": fix.fixes, **_applied(fix, target=fix.target)}


def _applied(offer: Any, **run: int | None) -> Json:
    """The lines of an offer, and what applying it does."""
    return {"lines": offer.run.planning.lines(offer.changes), "apply": {"changes": offer.changes, **run}}


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


def _diff(document: Document, state: State, config: Any) -> Iterator[Json]:
    """The lines that change; of a config that is not rewritten those to copy."""
    texts, lines = files_of(config), list[str]()
    for name, text in texts.items():
        lines += _changed(document.files.get(name, "").splitlines(), text.splitlines())
    if not texts and is_config(config):
        lines = [f"+{line}" for line in planning_of(config).lines(state.changes)]
    yield from ({"sign": line[0], "text": line[1:]} for line in lines)


def _changed(old: list[str], new: list[str]) -> Iterator[str]:
    """The lines of a diff; most of a file stays as it is, and difflib is slow."""
    same = _alike(old, new)
    rest = _alike(old[same:][::-1], new[same:][::-1])
    found = difflib.unified_diff(old[same : len(old) - rest], new[same : len(new) - rest], n=0, lineterm="")
    return (line for line in islice(found, 2, None) if not line.startswith("@"))  # after the names of the files


def _alike(old: list[str], new: list[str]) -> int:
    """How many lines are the same at the beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
