"""Any table with columns of steps and learning rates; those of Keras's CSVLogger and Lightning are such."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lrsched.fitting import Clock
from lrsched.log import Log, TrainerLogs
from lrsched.logged import Inference
from lrsched.trainers.printed.lines import usual_clocks
from lrsched.trainers.printed.plateau import plateau
from lrsched.trainers.printed.tables import columns_of, logs_in, rate_column

__all__ = ["KERAS_LOGS", "LIGHTNING_LOGS", "LOGS", "parse"]

# what a plateau is usually watched on, the likeliest first
MONITORS = ("val_loss", "val/loss", "valid_loss", "val_acc", "val_accuracy", "loss", "train_loss", "accuracy")
DRIFT = 1e-6  # a rate that is multiplied in float32 again and again drifts by this share


def parse(
    data: bytes, source: str, step: str | None = None, rate: str | None = None, trainer: str = "table"
) -> list[Log]:
    """Every run of a table, by the given or the usual columns of step and rate.

    Raises:
        LogError: when there is no such column.
    """
    cells = columns_of(data.decode("utf-8-sig", "replace"), rate)
    return logs_in(cells, source, step, rate, trainer=trainer)


def _names(beginning: bytes) -> list[str]:
    """The columns of a table with this beginning; empty where none is a rate."""
    *lines, _ = f"{beginning.decode('utf-8-sig', 'replace')[:65536]}\n".rsplit("\n", 2)
    names = list(columns_of("\n".join(lines)))
    return names if rate_column(names) else []


def _is_keras(beginning: bytes, name: str) -> bool:
    first, *others = _names(beginning) or [""]
    return first == "epoch" and "loss" in others and rate_column(others) in ("lr", "learning_rate") and _ordered(others)


def _ordered(names: list[str]) -> bool:
    """Whether names stand as CSVLogger writes them: sorted, those of a late validation at the end."""
    return names == sorted(names) or names == sorted(names, key=lambda name: (name.startswith("val_"), name))


def _is_lightning(beginning: bytes, name: str) -> bool:
    names = _names(beginning)
    return {"epoch", "step"} <= set(names) and any(name.startswith("lr-") for name in names)


def _infer(log: Log) -> Inference | None:
    """A rate that falls where ReduceLROnPlateau would lower it, once an epoch; None for any other."""
    rated = np.flatnonzero(np.isfinite(log.rate))
    names = [name for name in MONITORS if name in log.records.columns]
    watched = np.isfinite(log.column(names[0])) if names else np.zeros(len(log), bool)
    # an epoch of a log of steps ends where the loss of its validation stands
    ends = np.flatnonzero(watched & (np.arange(len(log)) >= rated[0]))
    if len(ends) < 3 or (log.unit != "epoch" and not names[0].startswith("val")):
        return None
    rows = rated[np.searchsorted(rated, ends, side="right") - 1]
    begins = log.iteration[ends] if log.unit == "epoch" else np.append(0, log.iteration[ends[:-1]] + 1)
    monitors = {name: log.column(name)[ends] for name in names}
    found = plateau(begins, log.rate[rows], log.column("rate_slack")[rows], monitors)
    if found is None:
        return None
    rates, slack = found.curve(log.iteration[rated]), log.column("rate_slack")[rated]
    if (np.abs(rates - log.rate[rated]) > np.maximum(slack, DRIFT * rates)).any():
        return None
    explained: dict[str, Any] = {"matched": len(rated), "total": len(rated), "last": int(log.iteration[-1])}
    explained |= {"family": found.family, "parameters": found.parameters, "open": found.open}
    return Inference(schedule=found.curve, **explained)


KERAS_LOGS = TrainerLogs(
    begins=_is_keras,
    parse=partial(parse, trainer="Keras"),
    names=("*.csv",),
    clocks=lambda log: (Clock(),),
    infer=_infer,
)

LIGHTNING_LOGS = TrainerLogs(
    begins=_is_lightning,
    parse=partial(parse, trainer="Lightning"),
    names=("metrics.csv", "version_*/metrics.csv", "lightning_logs/version_*/metrics.csv"),
    clocks=lambda log: (Clock(),),
    infer=_infer,
)

LOGS = TrainerLogs(
    begins=lambda beginning, name: bool(_names(beginning)),
    parse=parse,
    columns=True,
    names=("*.csv", "*.jsonl"),
    clocks=usual_clocks,
    infer=_infer,
)
