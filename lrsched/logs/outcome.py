"""How good a run is: its best epoch, what the best and the last weights hold, whether the last epochs improve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from lrsched.log import Floats, Log, LogError
from lrsched.text import counted, did_you_mean, joined
from lrsched.trainers import trainer_of

__all__ = ["Outcome", "outcome"]

TAIL, LEAST_TAIL = 0.2, 5  # the last epochs: this share of all, at least so many
SURE, LEAST_GAIN = 2.0, 0.005  # a trend is so many standard errors from flat, and gains this share of the best value
ROUNDING = 5e-5  # metrics are printed with four or five digits; the trainer compares the unrounded ones
SHOWN = 5  # epochs that are as good as the best one and are named
SMALL_IS_GOOD = ("loss", "train/", "val/")
USUAL = ("fitness", "map", "top1", "val_loss")  # columns by which epochs are compared; the first that a log has

Trend: TypeAlias = Literal["improving", "flat", "worsening", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How good a run is, by one column of its results.

    Attributes:
        column: what was compared.
        best_epoch: the best epoch, as the log counts; a later equal value replaces an earlier one.
        best: the value there.
        last_epoch: the last epoch.
        last: the value there.
        written: the epochs that were better than all before: after them the best weights were written.
        near: other epochs whose printed value does not tell them from the best one.
        trend: what the last epochs do, or ``unknown`` where there are too few.
        gain: by how much the column changes over them, along a straight line.
        weights: what the trainer calls the weights of the best epoch and of the last one, or None.
        unit: what the log counts.
    """

    column: str
    best_epoch: int
    best: float
    last_epoch: int
    last: float
    written: tuple[int, ...]
    near: tuple[int, ...]
    trend: Trend
    gain: float
    weights: tuple[str, str] | None = None
    unit: str = "epoch"

    def __str__(self) -> str:
        return f"{self.epochs}\n{self.course}"

    @property
    def epochs(self) -> str:
        """The best and the last epoch, in words."""
        best, last = "", ""
        if self.weights:
            best = f", in {self.weights[0]}, which was written {counted(len(self.written), 'time')}"
            last = f", in {self.weights[1]}"
        lines = [f"Best {self.unit}: {self.best_epoch} ({self.column} {self.best:.5g}){best}."]
        if self.near:
            near = joined([*self.near[:SHOWN], *(["more"] if len(self.near) > SHOWN else [])])
            lines.append(f"Equal within rounding: {self.unit}{'s' if len(self.near) > 1 else ''} {near}.")
        lines.append(f"Last {self.unit}: {self.last_epoch} ({self.column} {self.last:.5g}){last}.")
        return "\n".join(lines)

    @property
    def course(self) -> str:
        """What the last epochs do, a sentence."""
        return {
            "improving": f"The last epochs still improve ({self.column} {self.gain:+.3g}).",
            "flat": f"The last epochs are flat ({self.column} {self.gain:+.3g}).",
            "worsening": f"The last epochs get worse ({self.column} {self.gain:+.3g}): use the best weights.",
            "unknown": "Not enough epochs to see a trend.",
        }[self.trend]


@np.errstate(all="ignore")
def outcome(log: Log, column: str | None = None) -> Outcome:
    """The best epoch by a column, the last one, and the trend of the last fifth.

    Without a column it is the first of fitness, map, top1 and val_loss that the log has. Of epochs that a resumed run
    repeated the later row counts. A column of losses is best where it is smallest.

    Raises:
        LogError: for a column that the log does not have, or that has no number.
    """
    if column is None:
        column = next((name for name in USUAL if np.isfinite(log.column(name)).any()), "loss")
    if column not in log.records.columns:
        raise LogError(
            f"{log.source}: there is no column {column!r}{did_you_mean(column, log.records.columns)}; the columns are "
            f"{joined([name for name in log.names if name != 'epoch'])}."
        )
    row_of = {int(epoch): row for row, epoch in enumerate(log.iteration)}
    epochs = np.array(sorted(row_of), np.int64)
    values = log.column(column)[[row_of[int(epoch)] for epoch in epochs]]
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        raise LogError(f"{log.source}: no row has a number in the column {column!r}; name another one.")
    sign = -1.0 if any(part in column for part in SMALL_IS_GOOD) else 1.0
    score = np.where(np.isfinite(values), sign * values, -np.inf)
    records = np.flatnonzero((score >= np.maximum.accumulate(score)) & np.isfinite(score))
    best = int(records[-1])
    near = [int(epochs[row]) for row in np.flatnonzero(np.abs(score - score[best]) < ROUNDING) if row != best]
    trend, gain = _trend(values[known], sign, abs(float(values[best])))
    return Outcome(
        column=column,
        best_epoch=int(epochs[best]),
        best=float(values[best]),
        last_epoch=int(epochs[-1]),
        last=float(values[-1]),
        written=tuple(epochs[records].tolist()),
        near=tuple(near),
        trend=trend,
        gain=gain,
        weights=trainer_of(log).logs().weights,
        unit=log.unit,
    )


def _trend(values: Floats, sign: float, size: float) -> tuple[Trend, float]:
    """What the last values do, and by how much they change over that stretch."""
    count = max(int(TAIL * len(values)), LEAST_TAIL)
    if len(values) < 2 * LEAST_TAIL:
        return "unknown", float("nan")
    y, x = values[-count:], np.arange(count) - (count - 1) / 2
    slope = float(x @ y / (x @ x))
    error = float(np.sqrt(np.sum((y - y.mean() - slope * x) ** 2) / (count - 2) / (x @ x)))
    gain = slope * (count - 1)
    if abs(slope) <= SURE * error or abs(gain) < LEAST_GAIN * size:
        return "flat", gain
    return ("improving" if sign * slope > 0 else "worsening"), gain
