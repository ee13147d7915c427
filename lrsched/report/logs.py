"""What is found in one log, in words and as JSON: a summary, the audit, the cfg inferred, the diagnosis."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np

from lrsched.log import FLOAT_RECORD_COLUMNS
from lrsched.logs import Log, LogError, Seam, stitch
from lrsched.logs.audit import Audit, audit
from lrsched.logs.diagnosis import Diagnosis, diagnose
from lrsched.logs.inference import Inference, infer
from lrsched.trainers.darknet import Net

__all__ = ["Found", "whole"]

EVENTS = {
    "started": "started",
    "loaded": "weights loaded",
    "saved": "weights saved",
    "best-map": "a new best mAP",
    "resizing": "network resized",
    "syncing": "GPUs synchronised",
}


def whole(log: Log) -> Log:
    """The log with every iteration once."""
    return stitch([log]) if (np.diff(log.iteration) <= 0).any() else log


class Found:
    """One run: its log, and what is made of it."""

    def __init__(self, label: str, log: Log, net: Net | None, arguments: argparse.Namespace) -> None:
        self.label, self.log, self.net = label, log, net
        self._cfg, self._gpus = arguments.cfg, arguments.gpus
        self._infers = net is None or arguments.infer

    @cached_property
    def audited(self) -> Audit | None:
        """The audit, None without a cfg."""
        return None if self.net is None else audit(self.log, self.net, self._gpus)

    @cached_property
    def inferred(self) -> Inference | None:
        """What explains the log, None where that was not asked for or the log has no rate."""
        try:
            return infer(self.log) if self._infers else None
        except LogError:
            return None

    @cached_property
    def diagnosed(self) -> Diagnosis:
        """What the curves say."""
        return diagnose(self.log, self.net)

    @property
    def problem(self) -> bool:
        """Whether the loss became nan, or the logged rates are not the planned ones."""
        return self.log.first_nan is not None or (self.audited is not None and not self.audited.ok)

    def __str__(self) -> str:
        told = [*_summary(self.label, self.log)]
        if self.audited is not None:
            told += [f"against {self._cfg}:", _indented(self.audited)]
        if self.inferred is not None:
            told += ["found in the rates:", _indented(self.inferred)]
        told += ["diagnosis:", _indented(self.diagnosed)]
        return "\n".join(told)

    def json(self) -> dict[str, Any]:
        """The same for programs."""
        log = self.log
        document = {
            "label": self.label,
            "source": log.source,
            "records": len(log),
            "first": int(log.iteration[0]),
            "last": int(log.iteration[-1]),
            "effective_batch": log.effective_batch,
            "columns": _columns(log),
            "loss": _loss(log),
            "rate": {
                "largest": _extreme(log.rate, max)[0],
                "last": float(log.rate[-1]),
                "decimals": int(log.rate_decimals.max()),
                "printed_zero": int((log.rate == 0).sum()),
            },
            "seconds_per_iteration": _seconds(log),
            "first_nan": log.first_nan,
            "map": [{"iteration": p.iteration, "value": p.value, "threshold": p.threshold} for p in log.map_points],
            "layers": {"lines": len(log.layers), "numbers": np.unique(log.layers.layer).tolist()},
            "saved": [{"iteration": e.iteration, "file": e.text} for e in log.events_of("saved")],
            "events": {kind: len(log.events_of(kind)) for kind in EVENTS},
            "seams": [asdict(seam) for seam in log.seams],
            "skipped": asdict(log.skipped),
            "audit": _audit_json(self.audited),
            "inferred": _inferred_json(self.inferred),
            "diagnosis": asdict(self.diagnosed),
        }
        return {key: _plain(value) for key, value in document.items()}


def _indented(text: object) -> str:
    return "\n".join(f"    {line}" if line else "" for line in str(text).rstrip("\n").splitlines())


def _summary(label: str, log: Log) -> Iterator[str]:
    images = f", {log.effective_batch} images each" if log.effective_batch else ""
    yield f"{label}: {_counted(len(log), 'record')}, iterations {log.iteration[0]} to {log.iteration[-1]}{images}"
    for name, text in _lines(log):
        yield f"    {name:<11} {text}"


def _lines(log: Log) -> Iterator[tuple[str, str]]:
    yield "printed", ", ".join(_columns(log))
    loss = _loss(log)
    if loss["lowest"] is not None:
        lowest = f"lowest {loss['lowest']:g} at {loss['lowest_at']}"
        yield "avg loss", f"{loss['first']:g} at first, {loss['last']:g} at last, {lowest}"
    largest, at = _extreme(log.rate, max)
    if at is not None:
        yield "rate", f"largest {largest:g} at {log.iteration[at]}, {log.rate[-1]:g} at last"
    if log.map_points:
        best = max(log.map_points, key=lambda point: point.value)
        yield "mAP", f"best {best.value:.2%} at {best.iteration}, last {log.map_points[-1].value:.2%}"
    if len(log.layers):
        numbers = [str(number) for number in np.unique(log.layers.layer).tolist() if number >= 0]
        yield "layers", f"{_counted(len(log.layers), 'line')}" + (f" of {', '.join(numbers)}" if numbers else "")
    counts = Counter(event.kind for event in log.events)
    happened = [f"{text} {counts[kind]}x" for kind, text in EVENTS.items() if counts[kind]]
    if happened:
        yield "happened", ", ".join(happened)
    for event in log.events:
        if event.kind in ("resumed", "restarted") and not log.seams:
            yield event.kind, f"at {event.iteration}" + (f", {event.text}" if event.text else "")
    for seam in log.seams:
        yield "seam", _seam(seam)
    bad = np.isnan(log.loss) | np.isnan(log.avg_loss)
    if bad.any():
        yield "nan", f"from iteration {log.first_nan} on, in {_counted(int(bad.sum()), 'record')}"
    if log.skipped:
        yield "skipped", str(log.skipped)


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"


def _seam(seam: Seam) -> str:
    if seam.kind == "restart":
        return f"began anew at {seam.iteration}; {_counted(seam.dropped, 'record')} before it left out"
    if seam.kind == "overlap":
        dropped = _counted(seam.dropped, "record")
        return f"resumed at {seam.iteration} after {seam.previous}; {dropped} of the earlier piece left out"
    if seam.kind == "gap":
        return f"resumed at {seam.iteration} after {seam.previous}; {_counted(seam.missing, 'iteration')} missing"
    return f"goes on at {seam.iteration} after {seam.previous}"


def _columns(log: Log) -> list[str]:
    known = [name for name in FLOAT_RECORD_COLUMNS if not np.isnan(getattr(log, name)).all()]
    return [name.replace("_", " ") for name in known]


def _loss(log: Log) -> dict[str, Any]:
    average = log.avg_loss if not np.isnan(log.avg_loss).all() else log.loss
    lowest, at = _extreme(average, min)
    where = None if at is None else int(log.iteration[at])
    return {"first": float(average[0]), "last": float(average[-1]), "lowest": lowest, "lowest_at": where}


def _extreme(values: Any, which: Any) -> tuple[float | None, int | None]:
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return None, None
    at = known[values[known].argmin() if which is min else values[known].argmax()]
    return float(values[at]), int(at)


def _seconds(log: Log) -> float | None:
    known = log.seconds[~np.isnan(log.seconds)]
    return float(np.median(known)) if known.size else None


def _audit_json(audited: Audit | None) -> dict[str, Any] | None:
    if audited is None:
        return None
    wrong = audited.mismatches
    return {
        "matched": audited.matched,
        "total": audited.total,
        "ok": audited.ok,
        "ngpus": audited.ngpus,
        "first_mismatch": int(wrong.iteration[0]) if len(wrong) else None,
        "causes": [
            {"code": cause.code, "message": cause.message, "changes": dict(cause.changes)} for cause in audited.causes
        ],
    }


def _inferred_json(inferred: Inference | None) -> dict[str, Any] | None:
    if inferred is None:
        return None
    return {
        "text": inferred.text,
        "matched": inferred.matched,
        "total": inferred.total,
        "ngpus": inferred.ngpus,
        "undetermined": list(inferred.undetermined),
    }


def _plain(value: Any) -> Any:
    """The value with null for what is no finite number, and nothing but what JSON has."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
