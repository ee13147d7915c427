"""What a run has come to: its best epoch, what best.pt and last.pt hold, whether the last epochs still improve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from lrsched.log import Floats, Log
from lrsched.text import counted, did_you_mean, joined
from lrsched.trainers.yaml import ConfigError

__all__ = ["Outcome", "outcome"]

TAIL, LEAST_TAIL = 0.2, 5
"""The share of the epochs that are the last ones, and their least number."""

SURE, LEAST_GAIN = 2.0, 0.005
"""A trend counts where it is so many standard errors from flat, and so large a share of the best value."""

ROUNDING = 5e-5
"""Metrics are printed with four or five digits; the trainer compares the unrounded ones."""

SMALL_IS_GOOD = ("loss", "train/", "val/")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run has come to, by one column of its results.

    Attributes:
        column: what was compared.
        best_epoch: the epoch of best.pt, as the file counts; a later equal value replaces an earlier one.
        best: the value there.
        last_epoch: the epoch of last.pt.
        last: the value there.
        written: the epochs after which best.pt was written, where it is chosen by this column.
        near: other epochs whose printed value does not tell them from the best one.
        trend: what the last epochs do, or ``unknown`` where there are too few.
        gain: by how much the column changes over them, along a straight line.
    """

    column: str
    best_epoch: int
    best: float
    last_epoch: int
    last: float
    written: tuple[int, ...]
    near: tuple[int, ...]
    trend: Literal["improving", "flat", "worsening", "unknown"]
    gain: float

    def __str__(self) -> str:
        by = f"{self.column} {self.best:.5g}"
        lines = [f"Best epoch: {self.best_epoch} ({by}); best.pt was written {counted(len(self.written), 'time')}."]
        if self.near:
            lines.append(f"Equal within rounding: epoch{'s' if len(self.near) > 1 else ''} {joined(self.near)}.")
        lines.append(f"last.pt: epoch {self.last_epoch} ({self.column} {self.last:.5g}).")
        says = {
            "improving": f"The last epochs still improve ({self.gain:+.3g}): longer training should help.",
            "flat": "The last epochs are flat: longer training is unlikely to help.",
            "worsening": f"The last epochs get worse ({self.gain:+.3g}): use best.pt; longer training will not help.",
            "unknown": "Not enough epochs to see a trend.",
        }
        return "\n".join([*lines, says[self.trend]])


@np.errstate(all="ignore")
def outcome(log: Log, column: str = "fitness") -> Outcome:
    """The best epoch by a column, the last one, and the trend of the last fifth.

    Of epochs that a resumed run repeated the later row counts. A column of losses is best where it is smallest.

    Raises:
        ConfigError: for a column that the log does not have, or that has no number.
    """
    if column not in log.records.columns:
        raise ConfigError(
            f"{log.source}: there is no column {column!r}{did_you_mean(column, log.records.columns)}; the columns are "
            f"{joined(log.records.columns)}."
        )
    row_of = {int(epoch): row for row, epoch in enumerate(log.iteration)}
    epochs = np.array(sorted(row_of), np.int64)
    chosen = [row_of[int(epoch)] for epoch in epochs]
    values, epochs = log.column(column)[chosen], log.epoch[chosen].astype(np.int64)
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        raise ConfigError(f"{log.source}: no row has a number in the column {column!r}; name another one.")
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
    )


def _trend(
    values: Floats, sign: float, size: float
) -> tuple[Literal["improving", "flat", "worsening", "unknown"], float]:
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
