"""The panels of a log of epochs: metrics, the losses of training and validation, and the rates of all groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lrsched.logs import Audit, Log, LogError, outcome
from lrsched.plotting.canvas import Canvas
from lrsched.plotting.curves import RATE, Floats, finite
from lrsched.plotting.labels import Mark
from lrsched.plotting.logs import Run, draw_mismatches, draw_planned, value_limits
from lrsched.plotting.schedules import rate_limits
from lrsched.plotting.style import DASHES
from lrsched.schedule import Schedule

__all__ = ["draw_epochs", "epoch_panels"]

METRICS, TRAINING, VALIDATION = "metrics", "training loss", "validation loss"
# the metrics that are drawn, the one people look at first
NAMES = {"map": "mAP50-95", "map50": "mAP50", "precision": "precision", "recall": "recall"}
NAMES |= {"top1": "top-1 accuracy", "top5": "top-5 accuracy"}

# the first line of the losses and of the rates, so that no colour of a panel comes again in another
LOSS_LINE, RATE_LINE = 4, 6
# rates of biases that begin so many times above those of the weights would flatten them
HIGH, ROOM = 2.0, 1.4
GOOD = 0.8  # metrics that are never below are not drawn from 0 on
MOST_LOSSES = 4  # more losses than these are drawn as their sum

Shown = Mapping[str, Mapping[str, Floats]]


def epoch_panels(runs: Sequence[Run]) -> list[str]:
    """The panels for what the logs hold: of several runs the one metric and the sums of their losses."""
    found = dict.fromkeys(panel for run in runs for panel in _shown(run.log, alone=len(runs) == 1))
    rated = any(np.isfinite(run.log.rate).any() for run in runs)
    others = [panel for panel in found if panel != RATE]
    return [*others, *([RATE] if rated or not others else [])]


def _shown(log: Log, alone: bool) -> Shown:
    """Each panel with its curves by their names."""
    metrics = {text: log.column(name) for name, text in NAMES.items() if np.isfinite(log.column(name)).any()}
    rates = _groups(log) if alone else {"logged rate": log.rate}
    shown = {METRICS: metrics if alone else dict([*metrics.items()][:1]), **_losses(log, alone), RATE: rates}
    return {panel: curves for panel, curves in shown.items() if curves}


def _losses(log: Log, alone: bool) -> Shown:
    """Each panel of losses with its curves; a loss that is 0 everywhere was not computed."""
    known = {name: log.column(name) for name in log.records.columns if np.any(np.nan_to_num(log.column(name)))}
    parts = dict.fromkeys(name.split("/")[1] for name in known if name.startswith(("train/", "val/")))
    parts.pop("total", None)
    panels = {"loss": {"loss": TRAINING, "val_loss": VALIDATION}}
    if not alone:
        panels = {TRAINING: {"loss": TRAINING}, VALIDATION: {"val_loss": VALIDATION}}
    elif 1 < len(parts) <= MOST_LOSSES:
        panels = {part.replace("_", " "): {f"train/{part}": TRAINING, f"val/{part}": VALIDATION} for part in parts}
    return {
        panel: {text: known[name] for name, text in names.items() if name in known} for panel, names in panels.items()
    }


def _groups(log: Log) -> dict[str, Floats]:
    """The logged rates of the groups; groups with the same rates are one curve."""
    found: dict[bytes, list[str]] = {}
    for name in log.groups:
        found.setdefault(log.column(name).tobytes(), []).append(name)
    groups = {f"logged rate {', '.join(names)}": log.column(names[0]) for names in found.values()}
    return groups or {"logged rate": log.rate}


def draw_epochs(
    canvas: Canvas, runs: Sequence[Run], planned: Sequence[Schedule], audited: Audit | None, best: str | None
) -> None:
    """Draw runs in the panels of a canvas; of a single one every group, the plan, and the best epoch."""
    alone, said = len(runs) == 1, set[object]()
    shown = [_shown(run.log, alone) for run in runs]
    for panel in canvas.panels:
        plans = draw_planned(canvas, planned) if panel == RATE else []
        seen = []
        for place, run in enumerate(runs):
            for number, (name, column) in enumerate(shown[place].get(panel, {}).items()):
                # where there is but one run its curves have names of their own
                key, text = (name, name) if alone else (place, str(run))
                seen.append(finite(column))
                if panel == METRICS and not alone:
                    text += f" \N{MIDDLE DOT} best {name} {np.nanmax(seen[-1]):.3f}"
                style = _line(canvas, panel, name, number) if alone else canvas.line(place)
                canvas.draw(panel, run.points(seen[-1]), "" if key in said else text, **style | run.dots, zorder=3)
                said.add(key)
        if panel == METRICS:
            low, high = (float(limit(np.concatenate(seen))) for limit in (np.nanmin, np.nanmax))
            # from 0 on, unless that would flatten all of it
            low = low - (1 - low) / 10 if GOOD < low < 1 else min(low, 0.0)
            canvas.limit(METRICS, low, high + (high - low) / 20 or 1.0)
        elif panel == RATE:
            draw_mismatches(canvas, audited)
            _limit_rates(canvas, runs, plans, seen)
        else:
            canvas.limit(panel, *value_limits(seen), "no loss is a number")
    if alone:
        _mark_best(canvas, runs[0], best)


def _line(canvas: Canvas, panel: str, name: str, number: int) -> dict[str, Any]:
    """How a curve of the only run is drawn."""
    number = int(name == VALIDATION) if name in (TRAINING, VALIDATION) else number
    begin = {METRICS: 0, RATE: RATE_LINE}.get(panel, LOSS_LINE)
    return canvas.line(begin + number, alone=True) | {"linestyle": DASHES[number % len(DASHES)]}


def _limit_rates(canvas: Canvas, runs: Sequence[Run], plans: Sequence[Floats], logged: Sequence[Floats]) -> None:
    rates, usual = np.concatenate([*plans, *logged]), finite(np.concatenate([run.log.rate for run in runs]))
    lowest = min((float(np.nanmax(each)) for each in plans), default=np.nan)  # of the group whose plan is lowest
    highest = np.fmax(lowest, np.nanmax(usual, initial=0))
    if len(runs) == 1 and np.nanmax(rates, initial=0) > HIGH * highest:
        canvas.say(f"not shown: rates above the axis, up to {np.nanmax(rates):.3g}")
        rates = np.append(usual, ROOM * highest)
    canvas.limit(RATE, *rate_limits(rates, rates[rates > 0], False), "no rate is a number")


def _mark_best(canvas: Canvas, run: Run, column: str | None) -> None:
    try:
        came = outcome(run.log, column)
    except LogError:
        return  # nothing by which epochs can be compared
    line = canvas.mark(Mark(came.best_epoch, f"best {came.best_epoch}", "--"))
    holds = f", in {came.weights[0]}" if came.weights else ""
    canvas.say(f"best {came.unit} {came.best_epoch}{holds}: {came.column} {came.best:.4g}", line)
