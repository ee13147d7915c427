"""What is found in one log, as text and as JSON: how the run went, and how that compares with its config."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np

from lrsched.log import Log, LogError, MapPoint, Seam
from lrsched.logs import Audit, Diagnosis, Inference, Outcome, audit, diagnose, infer, outcome
from lrsched.planner import Plan, plan
from lrsched.schedule import FunctionSchedule
from lrsched.text import counted, spanned
from lrsched.trainers import Config

__all__ = ["LogReport", "log_report"]

AUDITED = ("matched", "total", "ok", "ngpus", "cause", "contradictions", "groups")
INFERRED = ("family", "parameters", "clock", "values", "ngpus", "matched", "total", "last", "open")
METRICS = ("precision", "recall", "map50", "map", "top1", "top5")
WORST = 8  # classes that are named


@dataclass(frozen=True, kw_only=True, eq=False)
class LogReport:
    """One run: its log, and what was found in it; None where nothing was."""

    log: Log
    diagnosis: Diagnosis
    audit: Audit | None
    inference: Inference | None
    config: Config | None
    outcome: Outcome | None = None
    plan: Plan | None = None

    @property
    def label(self) -> str:
        """The name of the run: its files, without their folders."""
        return " + ".join(PurePath(source).name for source in self.log.source.split(" + "))

    @property
    def problem(self) -> bool:
        """Whether the loss became nan, the run crashed, or the log is not as planned."""
        crashed = self.diagnosis.ending.kind == "crashed"
        return crashed or self.log.first_nan is not None or (self.audit is not None and not self.audit.ok)

    def __str__(self) -> str:
        log = self.log
        batch = log.effective_batch
        images = f", {counted(batch, 'image')} per iteration" if batch else ""
        span = spanned(log.iteration[0], log.iteration[-1], log.unit)
        parts = [f"{self.label}: {counted(len(log), 'record')}, {span}{images}", *_indented(self.diagnosis)]
        if self.outcome is not None:
            parts += _indented(self.outcome if self.diagnosis.curves is None else self.outcome.epochs)
        parts += ["", *(f"    {name:<11} {text}" for name, text in _facts(log))]
        if self.audit is not None and self.config is not None:
            parts += ["", f"compared with {self.config.source}:", *_indented(self.audit)]
        elif self.config is not None:
            parts += ["", f"No rate is logged, so nothing can be compared with {self.config.source}."]
        if self.inference is not None:
            parts += ["", "inferred from the rates:", *_indented(self.inference)]
        if self.plan is not None and (ahead := "\n".join(_ahead(log, self.plan))):
            parts += ["", "the schedule to its end:", *_indented(ahead)]
        return "\n".join(parts)

    def to_json(self) -> dict[str, Any]:
        """The same for programs, with stable keys."""
        log, audit, found, curves = self.log, self.audit, self.inference, self.diagnosis.curves
        audited = {name: getattr(audit, name, None) for name in AUDITED}
        inferred = {name: getattr(found, name, None) for name in INFERRED}
        return {
            "label": self.label,
            "source": log.source,
            "records": len(log),
            "first": log.iteration[0],
            "last": log.iteration[-1],
            "effective_batch": log.effective_batch,
            "columns": _columns(log),
            "loss": _loss(log),
            "seconds_per_iteration": self.diagnosis.pace and self.diagnosis.pace.seconds,
            "first_nan": log.first_nan,
            "map": log.map_points,
            "saved": [{"iteration": event.iteration, "file": event.text} for event in log.events_of("saved")],
            "seams": log.seams,
            "skipped": log.skipped,
            "audit": audit and {**audited, "first_mismatch": next(iter(audit.mismatches.iteration), None)},
            "inferred": found and {**inferred, "schedule": found.schedule and repr(found.schedule)},
            "diagnosis": replace(self.diagnosis, curves=curves and replace(curves, courses={})),
            "outcome": self.outcome,
            "plan": self.plan and {"rate_at_end": self.plan.rate_at_target, "findings": self.plan.findings},
        }


def log_report(
    log: Log,
    config: Config | None = None,
    ngpus: int | None = None,
    *,
    infer_too: bool = False,
    best: str | None = None,
    curves: bool = True,
) -> LogReport:
    """Compare a log with its config when there is one; infer the config when there is none, or when asked to; diagnose.

    Every iteration must be in the log once; ``ngpus`` is detected when None. ``best`` is the column by which the epochs
    of a log of epochs are compared; without ``curves`` it is not said what those of the loss show.
    """
    found = None
    config = config.of_log(log) if config is not None and hasattr(config, "of_log") else config
    if config is None or infer_too:
        with suppress(LogError):  # a log without rates is still worth a report
            found = infer(log)
    rated = bool(np.isfinite(log.rate).any())
    compared = None if config is None or not rated else audit(log, config, ngpus, found)
    used = found.ngpus if found is not None else 1
    if compared is not None and not len(compared.mismatches):
        used = compared.ngpus
    result = None if best is None else outcome(log, best)
    if best is None and log.unit == "epoch":
        with suppress(LogError):  # nothing by which epochs can be compared
            result = outcome(log)
    return LogReport(
        log=log,
        diagnosis=diagnose(log, config, used, inferred=found, audited=compared, curves=curves),
        audit=compared,
        inference=found,
        config=config,
        outcome=result,
        plan=_plan(log, config if compared is None or compared.ok else None, found, used),
    )


def _plan(log: Log, config: Config | None, found: Inference | None, ngpus: int) -> Plan | None:
    """What the planner says of the schedule that the run follows: that of the config, or what explains every rate.

    Of an explanation only what its trainer says of the end of the run can be planned, and nothing where the peak is
    not known before that.
    """
    with suppress(ValueError):  # a config whose rates are not known without more
        if config is not None:
            return plan(config, ngpus=ngpus)
        last = log.horizon
        if last is None or found is None or found.schedule is None or not found.complete:
            return None
        if "peak" not in found.open or log.iteration[-1] >= last:
            rates = found.schedule
            own = FunctionSchedule(
                function=rates, horizon=last, peak_at=min(rates.warmup, last), bends=rates.milestones
            )
            return plan(own, last, ngpus=ngpus)
    return None


def _ahead(log: Log, planned: Plan) -> Iterator[str]:
    """What comes, or would have come: the rate at the end, and what is more than worth a note."""
    goal = planned.target
    if goal is not None and goal > log.iteration[-1] and log.unit == "iteration":
        yield f"At {log.unit} {goal} the rate is {planned.rate_at_target:g}."
    for finding in planned.findings:
        if finding.serious:
            yield f"{finding.severity}: {finding.code}: {finding.message}"


def _indented(text: object) -> list[str]:
    return [f"    {line}" if line else "" for line in str(text).splitlines()]


def _facts(log: Log) -> Iterator[tuple[str, str]]:
    columns = _columns(log)
    own = [name for name in columns if "/" in name] if log.groups else []
    yield "printed", ", ".join(own or columns)
    for name in (_loss_column(log), "val_loss"):
        yield from _course(log, name, np.nanargmin, "lowest")
    largest, at = _extreme(log, "rate", np.nanargmax)
    if at is not None:
        yield "rate", f"largest {largest:g} at {at}, {log.rate[np.isfinite(log.rate)][-1]:g} at last"
    for name in METRICS:
        yield from _course(log, name, np.nanargmax, "best")
    known = [point for point in log.map_points if point.iteration >= 0 and log.unit != "epoch"]
    if known:
        best = max(known, key=lambda point: point.value)
        highest = max(point.best for point in log.map_points) if len(log.map_points) else math.nan
        before = f" (the trainer's best: {highest:.2%})" if highest > best.value + 1e-4 else ""
        yield "mAP", f"best {best.value:.2%} at {best.iteration}{before}, last {known[-1].value:.2%}"
        yield from _last_map(known[-1])
    if len(log.layers):
        numbers = [str(number) for number in np.unique(log.layers.layer).tolist() if number >= 0]
        yield "layers", f"{counted(len(log.layers), 'line')}" + (f" of {', '.join(numbers)}" if numbers else "")
    for event in log.events:
        if event.kind in ("resumed", "restarted") and not log.seams:
            yield event.kind, f"at {event.iteration}" + (f", {event.text}" if event.text else "")
    for seam in log.seams:
        yield "seam", _seam(seam)
    if log.skipped:
        yield "skipped", str(log.skipped)


def _course(log: Log, name: str, which: Callable[..., int], word: str) -> Iterator[tuple[str, str]]:
    column = log.column(name)[np.isfinite(log.column(name))]
    extreme, at = _extreme(log, name, which)
    if at is not None:
        ends = f"{column[0]:g} at first, {column[-1]:g} at last"
        yield name.replace("_", " "), f"{ends}, {word} {extreme:g} at {at}"


def _last_map(point: MapPoint) -> Iterator[tuple[str, str]]:
    """What was printed with the last mAP: how good the detections are, and each class, the worst ones first."""
    shares = {"precision": point.precision, "recall": point.recall, "F1": point.f1}
    known = [f"{name} {share:.0%}" for name, share in shares.items() if not math.isnan(share)]
    if known:
        yield "", f"{', '.join(known)} at {point.iteration}"
    classes = sorted((point.classes or {}).items(), key=lambda item: item[1])
    if classes:
        shown = [f"{name} {precision:.2%}" for name, precision in classes[:WORST]]
        more = f", {counted(len(classes) - WORST, 'more class', 'more classes')} up to {classes[-1][1]:.2%}"
        yield "AP", f"{', '.join(shown)}{more * (len(classes) > WORST)} at {point.iteration}"


def _seam(seam: Seam) -> str:
    after, dropped = f"at {seam.iteration} after {seam.previous}", counted(seam.dropped, "record")
    return {
        "restart": f"restarted at {seam.iteration}; {dropped} before it left out",
        "overlap": f"resumed {after}; {dropped} of the earlier piece left out",
        "gap": f"resumed {after}; {counted(seam.missing, 'iteration')} missing",
        "continues": f"continues {after}",
    }[seam.kind]


def _columns(log: Log) -> list[str]:
    return [name if "/" in name else name.replace("_", " ") for name in log.names]


def _loss(log: Log) -> dict[str, Any]:
    name = _loss_column(log)
    lowest, at = _extreme(log, name, np.nanargmin)
    return {"first": log.column(name)[0], "last": log.column(name)[-1], "lowest": lowest, "lowest_at": at}


def _loss_column(log: Log) -> str:
    return "avg_loss" if "avg_loss" in log.names else "loss"


def _extreme(log: Log, name: str, which: Callable[..., int]) -> tuple[float | None, int | None]:
    """The lowest (``np.nanargmin``) or highest value of a column and its iteration."""
    finite = np.where(np.isfinite(log.column(name)), log.column(name), np.nan)
    if np.isnan(finite).all():
        return None, None
    at = int(which(finite))
    return float(finite[at]), int(log.iteration[at])
