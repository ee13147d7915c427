"""What a log says about the training: how it ended, what is wrong, the trend, the pace, weights to keep."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from lrsched.curves import Verdict
from lrsched.log import Event, Floats, Log, cut_runs
from lrsched.logs.curves import read_run, verdict_on
from lrsched.text import counted, spanned
from lrsched.trainers import Config, trainer_of

__all__ = ["Diagnosis", "Ending", "Pace", "Trend", "Weights", "diagnose"]

NEAR_MAP, NEAR_LOSS = 0.005, 1.05
"""Weights half a point below the best mAP, or with a smoothed loss 5 % above the lowest, are as good as the best."""

SMOOTHED = 0.02
"""This share of the records, those before weights were saved, say how good they are."""

FEWEST, BLOCKS = 100, 20
"""Fewer records show no trend; the medians of so many blocks are compared."""

CONFIDENT, SMALL_CHANGE = 0.99, 0.01
"""From which confidence and which relative change on a trend counts."""

DROP = 1.5
"""A rate that falls by this factor from one record to the next has dropped."""


@dataclass(frozen=True)
class Ending:
    """How the run ended: ``finished``, ``crashed``, ``stopped`` or ``open``, after the iteration ``last``.

    ``line`` is what the trainer printed then, ``first`` where the log begins when its beginning is missing. In a log of
    epochs ``last`` says how many are done.
    """

    kind: str
    last: int
    horizon: int | None
    line: str = ""
    first: int | None = None
    unit: str = "iteration"

    def __str__(self) -> str:
        of = f" of {self.horizon}" if self.horizon else ""
        if self.unit == "epoch":
            if self.kind == "finished":
                return f"The run finished: {self.last}{of} epochs."
            done = f"{self.last}{of} epochs" if of else counted(self.last, "epoch")
            return f"The log has {done}; it does not show whether the run goes on."
        text = {
            "finished": f"The run finished, at iteration {self.last}{of}.",
            "crashed": f"The run crashed after iteration {self.last}{of}: {self.line.rstrip('.')}.",
            "stopped": f"The run was stopped after iteration {self.last}{of} ({self.line}).",
            "open": f"The log ends at iteration {self.last}{of}; it does not show whether the run goes on.",
        }[self.kind]
        return text + (f" The log begins at iteration {self.first}." if self.first is not None else "")


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A file of weights that was saved and not overwritten.

    ``iteration`` was done then, ``avg_loss`` is the median before that, ``map`` the mAP computed nearest to it, and
    ``reason`` says why the file is worth keeping; it is empty where nothing does.
    """

    file: str
    iteration: int
    avg_loss: float
    map: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        precision = "" if self.map is None else f", mAP {self.map:.2%}"
        return f"{self.file} (iteration {self.iteration}, avg loss {self.avg_loss:.4g}{precision}): {self.reason}"


@dataclass(frozen=True)
class Pace:
    """The ``seconds`` of one iteration (the median), and the ``hours_left`` of a run that is not over, or None."""

    seconds: float
    hours_left: float | None = None
    unit: str = "iteration"

    def __str__(self) -> str:
        left = f"; {self.hours_left:.1f} hours left" if self.hours_left is not None and self.hours_left >= 0.05 else ""
        return f"An {self.unit} takes {self.seconds:.3g} seconds{left}."


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How the loss goes at the end: it ``falls``, ``stands``, ``rises``, or that is ``unknown``.

    ``change`` is that of the records looked at as a share of their median, ``confidence`` that it has this sign, and
    ``map_fell`` from which best to which last mAP it fell meanwhile, or None.
    """

    verdict: str
    change: float
    confidence: float
    first: int
    last: int
    records: int
    map_fell: tuple[float, float] | None = None

    def __str__(self) -> str:
        if self.verdict == "unknown":
            return f"Not enough records to see a trend of the loss ({self.records} at the end of the run)."
        seen = f"over {spanned(self.first, self.last)} (confidence {self.confidence:.1%})"
        if self.verdict == "stands":
            return f"The loss shows no clear trend {seen}."
        if self.verdict == "rises":
            return f"The loss rises: {self.change:.1%} more {seen}; longer training at this rate should not help."
        text = f"The loss still falls: {-self.change:.1%} less {seen}"
        if self.map_fell is None:
            return f"{text}; longer training should help."
        return f"{text}, but the mAP fell from {self.map_fell[0]:.1%} to {self.map_fell[1]:.1%}: overfitting?"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a log says about its training, in the order in which it is worth reading; None for what it does not show."""

    ending: Ending
    warnings: tuple[str, ...]
    trend: Trend
    pace: Pace | None
    best_map: float | None
    weights: tuple[Weights, ...]
    curves: Verdict | None = None

    def __str__(self) -> str:
        # the last epochs are judged by their metrics: Outcome
        trend = [str(self.trend)] if self.ending.unit != "epoch" else []
        if self.curves is not None and self.curves.verdict != "cannot-tell":
            trend = [f"The curves: {self.curves.headline}", *self.curves.advice]
        lines = [str(self.ending), *self.warnings, *trend, *([str(self.pace)] if self.pace is not None else [])]
        kept = [weights for weights in self.weights if weights.reason]
        return "\n".join([*lines, *(["Weights worth keeping:"] if kept else []), *(f"- {weights}" for weights in kept)])


def diagnose(log: Log | str | os.PathLike[str], config: Config | None = None, ngpus: int = 1) -> Diagnosis:
    """Say what a log, or the file of one, shows about its training.

    ``config`` tells the end of the run, where the trainer does not print it; one turn of the training loop counts
    ``ngpus`` iterations.
    """
    log = log if isinstance(log, Log) else read_run(log)
    ending = _ending(log, _horizon(log, config, ngpus))
    maps = [value for point in log.map_points for value in (point.value, point.best) if not math.isnan(value)]
    best = max(maps, default=None)
    return Diagnosis(
        ending=ending,
        warnings=tuple(_warnings(log, best)),
        trend=_trend(log, best),
        pace=_pace(log, ending, ngpus),
        best_map=best,
        weights=_weights(log, best, ending),
        curves=_curves(log),
    )


def _curves(log: Log) -> Verdict | None:
    try:
        return verdict_on(log)
    except ValueError:  # there is no loss in it
        return None


def _horizon(log: Log, config: Any, ngpus: int) -> int | None:
    """The last iteration of the run, or the number of its epochs."""
    if log.unit == "epoch":
        epochs: int | None = getattr(config, "total_epochs", None)
        return epochs or log.horizon
    schedules = {} if config is None else config.schedules(ngpus)
    return next((schedule.horizon for schedule in schedules.values()), None) or log.horizon


def _ending(log: Log, horizon: int | None) -> Ending:
    if not len(log):
        return Ending("open", 0, horizon)
    if log.unit == "epoch":
        done = int((log.iteration if np.isnan(log.epoch).any() else log.epoch).max()) + 1
        finished = horizon is not None and done >= horizon
        return Ending("finished" if finished else "open", done, horizon, unit=log.unit)
    last, first = int(log.iteration[-1]), int(log.iteration[0])
    steps = np.diff(log.iteration[:FEWEST])
    usual = int(np.median(steps)) if steps.size else 1
    cut = first if first > max(usual, 1) and not any(header.record == 0 for header in log.headers) else None
    final = any(_is(event, "_final") for event in log.events_of("saved") if event.record == len(log))
    error, stopped = log.events_of("error"), log.events_of("stopped")
    if final or (horizon is not None and last >= horizon and not error):
        return Ending("finished", last, horizon, first=cut)
    if error:
        return Ending("crashed", last, horizon, error[-1].text, first=cut)
    return Ending("stopped" if stopped else "open", last, horizon, stopped[-1].text if stopped else "", first=cut)


def _is(event: Event, ending: str) -> bool:
    return PurePath(event.text.replace("\\", "/")).stem.endswith(ending)


def _warnings(log: Log, best: float | None) -> Iterator[str]:
    if log.bad.any():
        at, rate = log.first_nan, log.rate[int(log.bad.argmax())]
        records = counted(int(log.bad.sum()), "record")
        yield f"The loss is nan from {log.unit} {at}, at a rate of {rate:g}, in {records}."
    if (log.rate == 0).any():
        yield f"The rate is printed as zero in {'; '.join(_zero_rates(log))}."
    for event in log.events_of("warning"):
        yield f"The trainer warned: {event.text}."
    if best == 0:
        yield "Every mAP is 0: nothing is detected, so no weights can be recommended."
    steps = np.diff(log.iteration)
    gaps = np.flatnonzero(steps > 10 * max(float(np.median(steps)), 1)) if steps.size > 1 else np.array([], int)
    for gap in gaps[:3].tolist():
        yield f"No record between {log.unit}s {log.iteration[gap]} and {log.iteration[gap + 1]}."
    if gaps.size > 3:
        yield f"{gaps.size - 3} more gaps between records."


def _weights(log: Log, best: float | None, ending: Ending) -> tuple[Weights, ...]:
    """The files that exist, those to keep first: of a file that was written again and again only the last one."""
    files = {event.text: event for event in log.events_of("saved")}
    losses = {file: _smoothed(log.avg_loss, event.record) for file, event in files.items()}
    lowest = min((loss for loss in losses.values() if not math.isnan(loss)), default=math.nan)
    found = []
    for file, event in files.items():
        precision, reason = _map_at(log, event.iteration), ""
        resumes_from = ending.kind != "finished" and str(event.iteration) not in PurePath(file).stem
        if _is(event, "_best"):
            precision, reason = best, "the best mAP, kept by the trainer"
        elif best and precision is not None and precision >= best - NEAR_MAP:
            reason = "near the best mAP"
        elif not best and losses[file] <= lowest * NEAR_LOSS and not resumes_from:
            reason = "near the lowest loss"
        elif _is(event, "_final"):
            reason = "the end of the run"
        reason = "" if best == 0 else reason
        found.append(Weights(file=file, iteration=event.iteration, avg_loss=losses[file], map=precision, reason=reason))
    name = re.match(r"(.*)_[^_]*(\.weights)$", next(iter(files), ""), re.DOTALL)
    if best and name and not any("best mAP" in weights.reason for weights in found):
        reason = "the trainer saves the best mAP there"
        found.append(Weights(file=f"{name[1]}_best{name[2]}", iteration=-1, avg_loss=math.nan, map=best, reason=reason))
    return tuple(sorted(found, key=lambda weights: (not weights.reason, -(weights.map or 0.0), -weights.iteration)))


def _smoothed(column: Floats, record: int) -> float:
    known = column[max(record - 1 - int(SMOOTHED * len(column)), 0) : record]
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size else math.nan


def _map_at(log: Log, iteration: int) -> float | None:
    """The mean average precision computed nearest to an iteration, if that is near enough."""
    points = [point for point in log.map_points if point.iteration >= 0]
    if not points:
        return None
    near = min(points, key=lambda point: (abs(point.iteration - iteration), -point.value))
    apart = np.diff(sorted({point.iteration for point in points}))
    interval = int(np.median(apart)) // 2 if apart.size else 0
    return near.value if abs(near.iteration - iteration) <= max(interval, 1) else None


def _zero_rates(log: Log) -> Iterator[str]:
    """Where the rate is printed as zero; a warm-up is one that begins so."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], log.rate == 0, [False])).astype(np.int8)))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        restarted = begin == 0 or log.iteration[begin] <= log.iteration[begin - 1]
        why = f" (the normal {trainer_of(log).logs().warmup})" if restarted and end < len(log) else ""
        yield spanned(log.iteration[begin], log.iteration[end - 1], log.unit) + why


def _pace(log: Log, ending: Ending, ngpus: int) -> Pace | None:
    """The seconds of one iteration: a record has those of a turn of the loop, whether or not others are missing."""
    known = log.seconds[np.isfinite(log.seconds)]
    if not known.size:
        return None
    seconds, printed = float(np.median(known)) / ngpus, float(log.hours_left[-1])
    if ending.kind in ("finished", "crashed"):
        return Pace(seconds, unit=log.unit)
    if ending.horizon is not None:
        return Pace(seconds, max(ending.horizon - ending.last, 0) * seconds / 3600, log.unit)
    return Pace(seconds, printed if printed >= 0 else None, log.unit)


def _trend(log: Log, best: float | None) -> Trend:
    """Whether the loss falls in the last fifth of the run, or since the last drop of the rate in it.

    The medians of twenty blocks are compared pair by pair (the test of Mann and Kendall); the change is the median
    of the slopes between them (Theil and Sen). Both ask for order only, so that outliers weigh no more than others.
    """
    last_piece = cut_runs(log)[-1] if len(log) else log
    begin = len(last_piece) * 4 // 5
    rate = last_piece.rate[begin:]
    drops = np.flatnonzero(rate[:-1] > DROP * rate[1:]) + 1
    if drops.size and len(rate) - drops[-1] >= FEWEST:
        begin += int(drops[-1])
    loss, iteration = last_piece.loss[begin:], last_piece.iteration[begin:]
    finite = np.isfinite(loss) & np.isfinite(loss[-1:])  # a run that ended in nan has no trend
    loss, iteration = loss[finite], iteration[finite]
    first, last = (int(iteration[0]), int(iteration[-1])) if iteration.size else (0, 0)
    if len(loss) < FEWEST:
        return Trend(verdict="unknown", change=0.0, confidence=0.5, first=first, last=last, records=len(loss))
    change, confidence = _change(np.array([np.median(block) for block in np.array_split(loss, BLOCKS)]))
    clear = confidence >= CONFIDENT and abs(change) >= SMALL_CHANGE
    verdict = ("falls" if change < 0 else "rises") if clear else "stands"
    last_map = log.map_points[-1].value if log.map_points else math.nan
    fell = (best, last_map) if best is not None and last_map < best - 2 * NEAR_MAP else None
    return Trend(
        verdict=verdict,
        change=change,
        confidence=confidence,
        first=first,
        last=last,
        records=len(loss),
        map_fell=fell if verdict == "falls" else None,
    )


def _change(values: Floats) -> tuple[float, float]:
    """The change over all values as a share of their median, and how sure its direction is."""
    count = len(values)
    early, late = np.triu_indices(count, 1)
    differences = values[late] - values[early]
    score = float(np.sign(differences).sum())
    ties = np.unique(values, return_counts=True)[1].astype(np.float64)
    spread = (count * (count - 1) * (2 * count + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    deviations = max(abs(score) - 1, 0) / math.sqrt(spread) if spread > 0 else 0.0
    slope = float(np.median(differences / (late - early)))
    middle = float(np.median(np.abs(values)))
    return (slope * (count - 1) / middle if middle else 0.0), 1 - math.erfc(deviations / math.sqrt(2)) / 2
