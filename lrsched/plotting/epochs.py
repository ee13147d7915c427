"""The panels of a log of epochs: metrics, the losses of training and validation, and the rates of all groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lrsched.logs import Audit, Log, LogError, Outcome, outcome
from lrsched.plotting.canvas import Canvas
from lrsched.plotting.curves import RATE, Floats, finite
from lrsched.plotting.labels import Mark
from lrsched.plotting.logs import DOT, FEW, Run, draw_mismatches, draw_planned, value_limits
from lrsched.plotting.schedules import rate_limits
from lrsched.plotting.style import DASHES
from lrsched.text import spanned

__all__ = ["draw_epochs", "epoch_panels"]

METRICS = "metrics"
NAMES: Mapping[str, str] = {
    "map": "mAP50-95",
    "map50": "mAP50",
    "precision": "precision",
    "recall": "recall",
    "top1": "top-1 accuracy",
    "top5": "top-5 accuracy",
}
"""The metrics that are drawn, the one people look at first."""

# the first line of the losses and of the rates, so that no colour of a panel comes again in another
LOSS_LINE, RATE_LINE = 4, 6
# rates of biases that begin so many times above those of the weights would flatten them
HIGH, ROOM = 2.0, 1.4
# metrics that are never below are not drawn from 0 on
GOOD = 0.8

MOST_LOSSES = 4
"""More losses than these are drawn as their sum."""


def epoch_panels(runs: Sequence[Run]) -> list[str]:
    """The panels for what the logs hold: of several runs the one metric and the sums of their losses."""
    found: dict[str, None] = {}
    for run in runs:
        found |= dict.fromkeys([METRICS] * any(True for _ in _metrics(run.log)))
        found |= dict.fromkeys(_losses(run.log, alone=len(runs) == 1))
    rated = any(np.isfinite(run.log.rate).any() for run in runs)
    return [*found, *([RATE] if rated or not found else [])]


def _metrics(log: Log) -> Iterator[str]:
    return (name for name in NAMES if np.isfinite(log.column(name)).any())


def _losses(log: Log, alone: bool) -> dict[str, dict[str, Floats]]:
    """Each panel of losses with its curves; a loss that is 0 everywhere was not computed."""
    shown = {name: log.column(name) for name in log.records.columns if np.any(np.nan_to_num(log.column(name)))}
    parts = list(dict.fromkeys(name.split("/")[1] for name in shown if name.startswith(("train/", "val/"))))
    parts = [part for part in parts if part != "total"]
    if alone and 1 < len(parts) <= MOST_LOSSES:
        kinds = {"training": "train/", "validation": "val/"}
        return {
            part.replace("_", " "): {kind: shown[at + part] for kind, at in kinds.items() if at + part in shown}
            for part in parts
        }
    whole = {
        kind: shown[name] for kind, name in {"training": "loss", "validation": "val_loss"}.items() if name in shown
    }
    if not alone:
        return {f"{kind} loss": {kind: column} for kind, column in whole.items()}
    return {"loss": whole} if whole else {}


def draw_epochs(canvas: Canvas, runs: Sequence[Run], audited: Audit | None, best: str | None) -> None:
    """Draw runs in the panels of a canvas; of a single one every group, the plan, and the best epoch."""
    alone = len(runs) == 1
    if METRICS in canvas.panels:
        _draw_metrics(canvas, runs, alone)
    for panel in canvas.panels:
        if panel not in (METRICS, RATE):
            _draw_losses(canvas, panel, runs, alone)
    if RATE in canvas.panels:
        _draw_rates(canvas, runs, audited, alone)
    for run in runs if alone else ():
        try:
            _mark_best(canvas, run, outcome(run.log, best))
        except LogError:
            continue  # nothing by which epochs can be compared


def _draw_metrics(canvas: Canvas, runs: Sequence[Run], alone: bool) -> None:
    seen: list[Floats] = []
    for place, run in enumerate(runs):
        names = list(_metrics(run.log))
        for number, name in enumerate(names if alone else names[:1]):
            style = canvas.line(number if alone else place, alone=alone) | _dots(run)
            seen.append(finite(run.log.column(name)))
            top = f" \N{MIDDLE DOT} best {NAMES[name]} {np.nanmax(seen[-1]):.3f}"
            text = NAMES[name] if alone else _named(run) + top
            canvas.draw(METRICS, run.points(seen[-1]), text, **style)
    low, high = (float(limit(np.concatenate(seen))) for limit in (np.nanmin, np.nanmax))
    # from 0 on, unless that would flatten all of it
    low = low - (1 - low) / 10 if GOOD < low < 1 else min(low, 0.0)
    canvas.limit(METRICS, low, high + (high - low) / 20 or 1.0)


def _draw_losses(canvas: Canvas, panel: str, runs: Sequence[Run], alone: bool) -> None:
    seen: list[Floats] = []
    first = next(name for name in canvas.panels if name not in (METRICS, RATE))
    for place, run in enumerate(runs):
        for kind, column in _losses(run.log, alone).get(panel, {}).items():
            style = canvas.line(place, alone=alone) | _dots(run)
            if alone:
                validation = kind == "validation"
                style |= canvas.line(LOSS_LINE + validation, alone=True) | {"linestyle": "--" if validation else "-"}
            seen.append(finite(column))
            text = f"{kind} loss" if alone else "" if METRICS in canvas.panels else _named(run)
            canvas.draw(panel, run.points(seen[-1]), text * (panel == first), **style)
    canvas.limit(panel, *value_limits(seen), "no loss is a number")


def _draw_rates(canvas: Canvas, runs: Sequence[Run], audited: Audit | None, alone: bool) -> None:
    seen = draw_planned(canvas, {} if audited is None else dict.fromkeys(audited.plans.values()))
    highest = min((float(np.nanmax(rates)) for rates in seen), default=np.nan)  # of the group whose plan is lowest
    for place, run in enumerate(runs):
        groups = _groups(run.log) if alone else {str(run): run.log.rate}
        for number, (name, column) in enumerate(groups.items()):
            seen.append(finite(column))
            style = canvas.line(RATE_LINE + number if alone else place, alone=alone) | _dots(run)
            style |= {"linestyle": DASHES[number % len(DASHES)]} if alone else {}
            canvas.draw(RATE, run.points(seen[-1]), f"logged rate {name}".rstrip() if alone else "", **style, zorder=3)
    draw_mismatches(canvas, audited)
    rates, usual = np.concatenate(seen), finite(np.concatenate([run.log.rate for run in runs]))
    highest = np.fmax(highest, np.nanmax(usual, initial=0))
    if alone and np.nanmax(rates, initial=0) > HIGH * highest:
        canvas.say(f"not shown: rates above the axis, up to {np.nanmax(rates):.3g}")
        rates = np.append(usual, ROOM * highest)
    canvas.limit(RATE, *rate_limits(rates, rates[rates > 0], False), "no rate is a number")


def _groups(log: Log) -> dict[str, Floats]:
    """The logged rates of the groups; groups with the same rates are one curve."""
    found: dict[bytes, list[str]] = {}
    for name in log.groups:
        found.setdefault(log.column(name).tobytes(), []).append(name)
    return {", ".join(names): log.column(names[0]) for names in found.values()} or {"": log.rate}


def _mark_best(canvas: Canvas, run: Run, came: Outcome) -> None:
    line = canvas.mark(Mark(came.best_epoch, f"best {came.best_epoch}", "--"))
    holds = f", in {came.weights[0]}" if came.weights else ""
    canvas.say(f"best {came.unit} {came.best_epoch}{holds}: {came.column} {came.best:.4g}", line)


def _named(run: Run) -> str:
    return f"{run.label}: {spanned(run.log.iteration[0], run.log.iteration[-1], run.log.unit)}"


def _dots(run: Run) -> dict[str, Any]:
    return DOT if len(run.log) < FEW else {}
