"""infer(): the simplest schedule that explains the rates of a log, by the trainer's own means or by those of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrsched.fitting import Clock, Fit, Observed, pieces, printed_slack
from lrsched.log import Integers, Log, LogError
from lrsched.logged import Inference
from lrsched.trainers import trainer_of

__all__ = ["clocks_of", "infer", "rates_of"]

LARGEST = 1e30  # no schedule has rates above it, or below its inverse


def infer(log: Log) -> Inference:
    """Find the simplest schedule that explains the rates of a log, and what the log leaves open.

    Every explanation is evaluated against every record, at the precision that was printed. Where none explains all of
    them, the longest beginning of the log that one explains is reported.

    Raises:
        LogError: when the log has no rate.
    """
    if not len(log) or not np.isfinite(log.rate).any():
        raise LogError(f"{log.source}: no record shows a rate, so none can be explained; give a log with rates.")
    known, observed = trainer_of(log).logs(), rates_of(log)[0]
    found = None if known.infer is None else known.infer(log)
    if found is not None:
        return found
    sensible = (observed.rate >= 0) & (observed.rate < LARGEST) & ((observed.rate > 1 / LARGEST) | (observed.rate == 0))
    if not sensible.all():
        return _inference(log, [])
    own = None if known.fitted is None else known.fitted(log, observed)
    return _inference(log, [(0, own)] if own is not None and own.complete else pieces(observed, clocks_of(log)))


def clocks_of(log: Log) -> Sequence[Clock]:
    """The clocks of its trainer, the likeliest first."""
    own = trainer_of(log).logs().clocks
    return own(log) if own is not None else (Clock(),)


def rates_of(log: Log) -> tuple[Observed, Integers]:
    """The rates of a log for fitting, and the records they stand in."""
    rows = np.flatnonzero(np.isfinite(log.rate))
    rate, slack = log.rate[rows], log.column("rate_slack")[rows]
    if "rate_decimals" in log.records.columns:
        slack = printed_slack(rate, decimals=log.rate_decimals[rows])
    slack = np.where(np.isnan(slack), printed_slack(rate), slack)
    epoch = log.epoch[rows]
    whole = np.floor(epoch).astype(np.int64) if rows.size and np.isfinite(epoch).all() else None
    return Observed(step=log.iteration[rows], rate=rate, slack=slack, epoch=whole, horizon=log.horizon), rows


def _inference(log: Log, found: Sequence[tuple[int, Fit]]) -> Inference:
    """What fits of stretches of a log say, each with the row it begins at; the first has to hold from the beginning."""
    observed, usual = rates_of(log)[0], clocks_of(log)[0]
    total = len(observed)
    if not found or not (found[0][1].complete or len(found) > 1):
        return Inference(total=total)
    (_, first), *others = found
    length = others[0][0] if others else first.total  # where nothing explains the rest, it is of a stretch
    return Inference(
        schedule=first.schedule,
        family=first.family,
        parameters=first.parameters,
        matched=length,
        total=total,
        last=int(observed.step[length - 1]),
        open=first.open,
        clock=first.clock.words(usual),
        rest=tuple((int(observed.step[row]), fit.schedule) for row, fit in others if fit.complete),
    )
