"""What a log says about the training: how it ended, weights to keep, zero rates, pace, the first nan, the trend."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from lrsched.log import Event, Floats, Log
from lrsched.logs.joining import pieces
from lrsched.logs.printed import printed_units
from lrsched.trainers import Config

__all__ = ["Diagnosis", "Ending", "FirstNan", "Pace", "Trend", "Weights", "ZeroRate", "diagnose"]

NEAR_MAP = 0.005
"""Weights whose mean average precision is less than half a point below the best are as good as the best."""

NEAR_LOSS = 1.05
"""Weights whose smoothed loss is at most 5 % above the lowest are as good as the lowest."""

SMOOTHED = 0.02
"""This share of the records, those before weights were saved, say how good they are."""

BLOCKS = 20
"""The last fifth of a run is cut into so many blocks; their medians are compared."""

FEWEST = 100
"""Fewer records than these show no trend."""

CONFIDENT = 0.99
SMALL_CHANGE = 0.01
"""A change of less than 1 % over the last fifth is none."""

DROP = 1.5
"""A rate that falls by this factor from one record to the next has dropped."""


@dataclass(frozen=True)
class Ending:
    """How the run ended.

    Attributes:
        kind: ``finished``, ``crashed``, ``stopped`` or ``open``: it goes on, or the log does not show its end.
        last: the last iteration.
        horizon: the last iteration that was planned, or None.
        line: what the trainer printed when it ended, or an empty string.
        first: the first iteration of the log when its beginning is missing, else None.
    """

    kind: str
    last: int
    horizon: int | None
    line: str = ""
    first: int | None = None

    def __str__(self) -> str:
        of = f" of {self.horizon}" if self.horizon else ""
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

    Attributes:
        file: as printed.
        iteration: done when it was saved.
        avg_loss: the median of the running average before that.
        map: the mean average precision computed nearest to it, or None.
        reason: why it is worth keeping, or an empty string.
    """

    file: str
    iteration: int
    avg_loss: float
    map: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        precision = "" if self.map is None else f", mAP {self.map:.2%}"
        why = f": {self.reason}" if self.reason else ""
        return f"{self.file} (iteration {self.iteration}, avg loss {self.avg_loss:.4g}{precision}){why}"


@dataclass(frozen=True)
class ZeroRate:
    """A stretch of records from iteration ``first`` to ``last`` whose rate was printed as zero.

    ``warmup`` says whether a higher rate follows and none precedes it, as in a warm-up.
    """

    first: int
    last: int
    warmup: bool

    def __str__(self) -> str:
        return f"iterations {self.first} to {self.last}{' (the normal burn-in)' if self.warmup else ''}"


@dataclass(frozen=True)
class Pace:
    """The ``seconds`` of one iteration (the median), and the ``hours_left`` of a run that is not over, or None."""

    seconds: float
    hours_left: float | None = None


@dataclass(frozen=True)
class FirstNan:
    """The first iteration whose loss is nan, the ``rate`` printed there, and the ``phase`` of the schedule.

    ``phase`` is ``warm-up``, ``constant rate``, ``after a drop`` or ``decay``.
    """

    iteration: int
    phase: str
    rate: float


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How the loss goes at the end.

    Attributes:
        verdict: ``falls``, ``stands``, ``rises`` or ``unknown``.
        change: of the loss over the records looked at, as a share of its median; below 0 where it falls.
        confidence: that there is a trend in this direction at all, from 0.5 to 1.
        first: the first iteration looked at.
        last: the last one.
        records: how many were looked at.
        map_fell: from which best mAP to which last one it fell meanwhile, or None.
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
        seen = f"over iterations {self.first} to {self.last} (confidence {self.confidence:.1%})"
        if self.verdict == "stands":
            return f"The loss shows no clear trend {seen}."
        less = "less" if self.change < 0 else "more"
        text = f"The loss still {self.verdict}: {abs(self.change):.1%} {less} {seen}"
        if self.map_fell is not None:
            best, last = self.map_fell
            return f"{text}, but the mAP fell from {best:.1%} to {last:.1%}: this looks like overfitting."
        if self.verdict == "falls":
            return f"{text}; longer training should help."
        return f"{text.replace(' still', '')}; longer training at this rate should not help."


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a log says about its training, in the order in which it is worth reading.

    Attributes:
        ending: how the run ended.
        first_nan: when the loss became nan, or None.
        warnings: what the trainer or the numbers warn of, a sentence each.
        trend: how the loss goes at the end.
        zero_rate: where the rate was printed as zero.
        pace: how fast the run is, or None where no seconds are printed.
        best_map: the best mean average precision of the run, or None.
        weights: the files of weights that exist, the best first, and after them those without a reason to keep.
    """

    ending: Ending
    first_nan: FirstNan | None
    warnings: tuple[str, ...]
    trend: Trend
    zero_rate: tuple[ZeroRate, ...]
    pace: Pace | None
    best_map: float | None
    weights: tuple[Weights, ...]

    def __str__(self) -> str:
        lines = [str(self.ending)]
        if self.first_nan is not None:
            nan = self.first_nan
            where = {"warm-up": "in the burn-in", "constant rate": "at constant rate", "decay": "while decaying"}
            lines.append(
                f"The loss is nan from iteration {nan.iteration}, {where.get(nan.phase, nan.phase)} ({nan.rate:g})."
            )
        lines += [*self.warnings, str(self.trend)]
        if self.zero_rate:
            lines.append(f"The rate is printed as zero in {'; '.join(map(str, self.zero_rate))}.")
        if self.pace is not None:
            left = f"; {self.pace.hours_left:.1f} hours left" if self.pace.hours_left is not None else ""
            lines.append(f"An iteration takes {self.pace.seconds:.3g} seconds{left}.")
        kept = [weights for weights in self.weights if weights.reason]
        if kept:
            lines += ["Weights worth keeping:", *(f"- {weights}" for weights in kept)]
        return "\n".join(lines)


def diagnose(log: Log, config: Config | None = None, ngpus: int = 1) -> Diagnosis:
    """Say what a log shows about its training.

    Args:
        log: what the trainer printed.
        config: its config, for the end of the run and its warm-up; taken from the log when None.
        ngpus: the number of GPUs; one turn of the training loop counts as many iterations.
    """
    schedule = None if config is None else next(iter(config.schedules(ngpus).values()))
    horizon = (schedule.horizon if schedule is not None else None) or log.horizon
    ending = _ending(log, horizon)
    best = _best_map(log)
    return Diagnosis(
        ending=ending,
        first_nan=_first_nan(log, schedule.warmup if schedule is not None else None),
        warnings=tuple(_warnings(log, best)),
        trend=_trend(log, best),
        zero_rate=tuple(_zero_rate(log)),
        pace=_pace(log, ending, ngpus),
        best_map=best,
        weights=_weights(log, best, ending),
    )


def _ending(log: Log, horizon: int | None) -> Ending:
    if not len(log):
        return Ending("open", 0, horizon)
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


def _best_map(log: Log) -> float | None:
    """The best mean average precision, as the trainer says or as it was printed."""
    known = [value for point in log.map_points for value in (point.value, point.best) if not math.isnan(value)]
    return max(known, default=None)


def _warnings(log: Log, best: float | None) -> Iterator[str]:
    for event in log.events_of("warning"):
        yield f"The trainer warned: {event.text}."
    if best == 0:
        yield "The mAP is 0: nothing is detected."
    steps = np.diff(log.iteration)
    gaps = np.flatnonzero(steps > 10 * max(float(np.median(steps)), 1)) if steps.size > 1 else np.array([], int)
    for gap in gaps[:3].tolist():
        yield f"No record between iterations {log.iteration[gap]} and {log.iteration[gap + 1]}."
    if gaps.size > 3:
        yield f"{gaps.size - 3} more gaps between records."


def _weights(log: Log, best: float | None, ending: Ending) -> tuple[Weights, ...]:
    """The files that exist: of a file that was written again and again only the last one."""
    files = {event.text: event for event in log.events_of("saved")}
    losses = {file: _smoothed(log.avg_loss, event.record) for file, event in files.items()}
    lowest = min((loss for loss in losses.values() if not math.isnan(loss)), default=math.nan)
    with_map = bool(best)
    found = []
    for file, event in files.items():
        precision, reason = _map_at(log, event.iteration), ""
        if _is(event, "_best"):
            precision, reason = best, "the best mAP, kept by the trainer"
        elif with_map and precision is not None and precision >= (best or 0) - NEAR_MAP:
            reason = "near the best mAP"
        elif not with_map and losses[file] <= lowest * NEAR_LOSS and not _is_overwritten(file, event, ending):
            reason = "near the lowest loss"
        if not reason and _is(event, "_final"):
            reason = "the end of the run"
        found.append(Weights(file=file, iteration=event.iteration, avg_loss=losses[file], map=precision, reason=reason))
    if (
        with_map
        and best
        and files
        and not any(_is(event, "_best") for event in files.values())
        and not any(weights.reason.startswith("near") for weights in found)
    ):
        name = _named_best(files)
        if name:
            reason = "the trainer saves the best mAP there"
            found.append(Weights(file=name, iteration=ending.last, avg_loss=math.nan, map=best, reason=reason))

    def rank(weights: Weights) -> tuple[bool, float, float, int]:
        loss = weights.avg_loss if not math.isnan(weights.avg_loss) else math.inf
        return not weights.reason, -(weights.map or 0.0) if with_map else 0.0, loss, -weights.iteration

    return tuple(sorted(found, key=rank))


def _is_overwritten(file: str, event: Event, ending: Ending) -> bool:
    """Whether a file will be written again: the trainer's state to resume from."""
    return ending.kind != "finished" and str(event.iteration) not in PurePath(file).stem


def _named_best(files: dict[str, Event]) -> str:
    """The name of the file in which a trainer that computes mAP keeps its best weights."""
    for file in files:
        stem, dot, ending = file.rpartition(".")
        name, underscore, _ = stem.rpartition("_")
        if underscore and ending == "weights":
            return f"{name}_best{dot}{ending}"
    return ""


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


def _zero_rate(log: Log) -> Iterator[ZeroRate]:
    zero = printed_units(log.rate, log.rate_decimals) == 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], zero, [False])).astype(np.int8)))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        restarted = begin == 0 or log.iteration[begin] <= log.iteration[begin - 1]
        yield ZeroRate(int(log.iteration[begin]), int(log.iteration[end - 1]), bool(restarted and end < len(log)))


def _pace(log: Log, ending: Ending, ngpus: int) -> Pace | None:
    """The seconds of one iteration: a record has those of a turn of the loop, whether or not others are missing."""
    known = log.seconds[np.isfinite(log.seconds)]
    if not known.size:
        return None
    seconds = float(np.median(known)) / ngpus
    if ending.kind in ("finished", "crashed"):
        return Pace(seconds)
    if ending.horizon is not None:
        return Pace(seconds, max(ending.horizon - ending.last, 0) * seconds / 3600)
    printed = float(log.hours_left[-1])
    return Pace(seconds, printed if printed >= 0 else None)


def _first_nan(log: Log, warmup: int | None) -> FirstNan | None:
    bad = np.flatnonzero(log.bad)
    if not bad.size:
        return None
    record = int(bad[0])
    return FirstNan(int(log.iteration[record]), _phase(log, record, warmup), float(log.rate[record]))


def _phase(log: Log, record: int, warmup: int | None) -> str:
    before = log.rate[: record + 1]
    around = log.rate[max(record - 50, 0) : record + 51]
    rises = around.size > 1 and bool((np.diff(around) >= 0).all()) and around[-1] > around[0]
    hidden = log.rate[record] == 0 and not (before > 0).any()
    if log.iteration[record] < warmup if warmup is not None else rises or hidden:
        return "warm-up"
    after = before[log.iteration[: record + 1] >= (warmup or 0)]
    if after[-1] >= np.max(after):
        return "constant rate"
    return "after a drop" if bool((after[:-1] > DROP * after[1:]).any()) else "decay"


def _trend(log: Log, best: float | None) -> Trend:
    """Whether the loss falls in the last fifth of the run, or since the last drop of the rate in it.

    The medians of twenty blocks are compared pair by pair (the test of Mann and Kendall); the change is the median
    of the slopes between them (Theil and Sen). Both ask for order only, so that outliers weigh no more than others.
    """
    last_piece = pieces(log)[-1] if len(log) else log
    begin = len(last_piece) * 4 // 5
    rate = last_piece.rate[begin:]
    drops = np.flatnonzero(rate[:-1] > DROP * rate[1:]) + 1
    if drops.size and len(rate) - drops[-1] >= FEWEST:
        begin += int(drops[-1])
    loss, iteration = last_piece.loss[begin:], last_piece.iteration[begin:]
    finite = np.isfinite(loss)
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
