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
from lrsched.log import Event, Log
from lrsched.logged import Audit, Inference
from lrsched.logs.advising import advised
from lrsched.logs.curves import read_run, verdict_on
from lrsched.logs.joining import median
from lrsched.text import counted, spanned
from lrsched.trainers import Config, trainer_of

__all__ = ["Diagnosis", "Ending", "Pace", "Weights", "diagnose"]

NEAR_MAP, NEAR_LOSS = 0.005, 1.05  # how far below the best mAP, how many times the lowest loss weights are as good
SMOOTHED = 0.02  # the share of the records, before weights were saved, that say how good they are
USUAL = 100  # records at the beginning that show how far apart they are


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

    ``iteration`` was done then (-1 where the log does not show it), ``avg_loss`` is the median before that, ``map`` the
    mAP computed nearest to it, and ``reason`` says why the file is worth keeping; it is empty where nothing does.
    """

    file: str
    iteration: int
    avg_loss: float
    map: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        known = [f"iteration {self.iteration}"] if self.iteration >= 0 else []
        known += [] if math.isnan(self.avg_loss) else [f"avg loss {self.avg_loss:.4g}"]
        known += [] if self.map is None else [f"mAP {self.map:.2%}"]
        return f"{self.file} ({', '.join(known)}): {self.reason}"


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
class Diagnosis:
    """What a log says about its training, in the order in which it is worth reading; None for what it does not show."""

    ending: Ending
    warnings: tuple[str, ...]
    pace: Pace | None
    best_map: float | None
    weights: tuple[Weights, ...]
    curves: Verdict | None = None

    def __str__(self) -> str:
        said = [] if self.curves is None else [f"The curves: {self.curves.headline}", *map(str, self.curves.advice)]
        lines = [str(self.ending), *self.warnings, *said, *([str(self.pace)] if self.pace is not None else [])]
        kept = [weights for weights in self.weights if weights.reason]
        return "\n".join([*lines, *(["Weights worth keeping:"] if kept else []), *(f"- {weights}" for weights in kept)])


def diagnose(
    log: Log | str | os.PathLike[str],
    config: Config | None = None,
    ngpus: int = 1,
    *,
    inferred: Inference | None = None,
    audited: Audit | None = None,
    curves: bool = True,
) -> Diagnosis:
    """Say what a log, or the file of one, shows about its training.

    ``config`` tells the end of the run, where the trainer does not print it, and takes the changes that are advised;
    without it the schedule that is inferred does. What was ``inferred`` or ``audited`` is not searched again. One turn
    of the training loop counts ``ngpus`` iterations. Without ``curves`` the loss is not judged, which takes longest.
    """
    log = log if isinstance(log, Log) else read_run(log)
    ending = _ending(log, _horizon(log, config, ngpus))
    maps = [value for point in log.map_points for value in (point.value, point.best) if not math.isnan(value)]
    best = max(maps, default=None)
    return Diagnosis(
        ending=ending,
        warnings=tuple(_warnings(log, best)),
        pace=_pace(log, ending, ngpus),
        best_map=best,
        weights=_weights(log, best, ending),
        curves=_curves(log, config, ngpus, inferred, audited) if curves else None,
    )


def _curves(log: Log, config: Any, ngpus: int, inferred: Inference | None, audited: Audit | None) -> Verdict | None:
    try:
        verdict = verdict_on(log)
    except ValueError:  # there is no loss in it
        return None
    return advised(verdict, log, config, ngpus, inferred=inferred, audited=audited)


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
    steps = np.diff(log.iteration[:USUAL])
    usual = int(np.median(steps)) if steps.size else 1
    cut = first if first > max(usual, 1) and not any(header.record == 0 for header in log.headers) else None
    final = any(_is(event, "_final") for event in log.events_of("saved") if event.record == len(log))
    error, stopped = log.events_of("error"), log.events_of("stopped")
    if final or (horizon is not None and last >= horizon and not error):
        return Ending("finished", last, horizon, first=cut)
    kind, said = ("crashed", error) if error else ("stopped", stopped) if stopped else ("open", ())
    return Ending(kind, last, horizon, said[-1].text if said else "", first=cut)


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
    gaps = np.flatnonzero(steps > 10 * max(np.median(steps), 1)) if steps.size else steps
    for gap in gaps[:3].tolist():
        yield f"No record between {log.unit}s {log.iteration[gap]} and {log.iteration[gap + 1]}."
    if gaps.size > 3:
        yield f"{gaps.size - 3} more gaps between records."


def _weights(log: Log, best: float | None, ending: Ending) -> tuple[Weights, ...]:
    """The files that exist, those to keep first: of a file that was written again and again only the last one."""
    files = {event.text: event for event in log.events_of("saved")}
    before = int(SMOOTHED * len(log))
    losses = {
        file: median(log.avg_loss[max(event.record - 1 - before, 0) : event.record]) for file, event in files.items()
    }
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
    seconds = median(log.seconds) / ngpus
    if math.isnan(seconds):
        return None
    left = float(log.hours_left[-1])
    if ending.horizon is not None:
        left = max(ending.horizon - ending.last, 0) * seconds / 3600
    over = ending.kind in ("finished", "crashed")
    return Pace(seconds, left if left >= 0 and not over else None, log.unit)
