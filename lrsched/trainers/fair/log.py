"""log.txt: one JSON object an epoch, appended by every start, as DeiT, MAE and DETR and their kin have it.

Its train_lr is the mean over the iterations of an epoch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np

from lrsched.fitting import Clock, Fit, Observed, fit
from lrsched.log import Log
from lrsched.schedule import Floats, Schedule
from lrsched.schedules import cosine, warmup
from lrsched.trainers.fair.mean import epoch_mean, offsets
from lrsched.trainers.records import json_lines, log_of, runs

__all__ = ["begins", "clocks", "fitted", "parse"]

NAMES = {"epoch": "iteration", "train_lr": "rate", "train_loss": "loss", "test_loss": "val_loss"}

MOST_ACCUMULATED = 128
"""So many iterations to an update are looked for at most."""

LONGEST = 3000
"""So many epochs are looked for at most."""

SLOPE = "the log ends within the warm-up, which shows only its slope"


def begins(beginning: bytes, name: str) -> bool:
    """Whether a file that begins so is one."""
    first = re.search(rb'^\{.*"train_lr".*', beginning, re.MULTILINE)
    return first is not None and b'"epoch"' in beginning


def parse(data: bytes, source: str) -> list[Log]:
    """Every run in the file."""
    rows, skipped = json_lines(data)
    found = runs((row for row in rows if "train_lr" in row), "epoch")
    return [log_of(run, NAMES, source=source, trainer="fair", unit="epoch", skipped=skipped) for run in found]


def clocks(log: Log) -> Sequence[Clock]:
    """DETR applies the rate of the epoch; DeiT steps with the number of the epoch that is over: one epoch late."""
    return (Clock(), Clock(late=1))


def fitted(log: Log, observed: Observed) -> Fit | None:
    """What explains the rates of epochs, or, as MAE sets them, of iterations."""
    found = fit(observed, (Clock(), Clock(late=1)))
    if found is not None and found.complete:
        return found
    return next((mean for mean in _means(observed) if mean.complete), found)


def _means(observed: Observed) -> Iterator[Fit]:
    """A straight warm-up and a half cosine that are set at each iteration, and seen as means over epochs.

    Over the warm-up the mean of epoch e is that of e + m; m tells how many iterations an epoch has.
    """
    k, y = observed.step, observed.rate
    if len(k) < 2 or not y[1] > y[0] > 0:
        return
    slope = (y[1] - y[0]) / (k[1] - k[0])
    ahead = y[0] / slope - k[0]
    if not 0 <= ahead < 0.5:
        return
    risen = np.flatnonzero(np.abs(slope * (k + ahead) - y) > observed.slack * 10)
    top = int(risen[0]) if len(risen) else len(k)
    for each, accumulate in _iterations(ahead):
        if top == len(k):
            length = int(k[-1]) + 1
            curve: Schedule = warmup(length * each, peak=float(f"{slope * length:.9g}"))
            words = {"slope": float(f"{slope:.9g}")}
            yield _judged(observed, "warmup", curve, words, each, accumulate, {"peak": SLOPE, "warmup": SLOPE})
            continue
        warm = int(k[top])
        peak = float(f"{slope * warm:.9g}")
        horizon, final = _end(observed.rows(slice(top, None)), warm, peak, offsets(each, accumulate) / each)
        if horizon:
            curve = cosine(peak=peak, horizon=horizon * each, warmup=warm * each, final=final)
            words = {"peak": peak, "warmup": warm, "horizon": horizon, "final": final}
            yield _judged(observed, "cosine", curve, words, each, accumulate, {})


def _iterations(ahead: float) -> Iterator[tuple[int, int]]:
    """Iterations of an epoch, and to an update, whose mean share of the epoch this is; fewest to an update first."""
    for accumulate in range(1, MOST_ACCUMULATED):
        # for each number of updates q the mean is that of q * accumulate iterations and up to accumulate - 1 more
        about = accumulate / (1 - 2 * ahead)
        for each in range(max(math.floor(about) - accumulate, 1), math.ceil(about) + 2 * accumulate):
            if abs(offsets(each, accumulate).mean() / each - ahead) < 1e-9 and each > accumulate:
                yield each, accumulate


def _end(rows: Observed, warm: int, peak: float, shares: Floats) -> tuple[int, float]:
    """The epochs of the run and the final rate, of a cosine that begins after the warm-up; 0 where there is none."""
    k = rows.step[:: max(len(rows) // 40, 1)]
    y, slack = rows.rate[:: max(len(rows) // 40, 1)], rows.slack[:: max(len(rows) // 40, 1)]
    for horizon in range(warm + 1, LONGEST):
        turn = math.pi / (horizon - warm)
        left = 0.5 * (1 + (np.exp(1j * turn * (k - warm)) * np.exp(1j * turn * shares).mean()).real)
        at = int(np.argmin(left))
        final = max((y[at] - peak * left[at]) / (1 - left[at]), 0.0) if left[at] < 1 else 0.0
        final = float(f"{final:.6g}") if final > 1e-9 * peak else 0.0
        if horizon > k[-1] and (np.abs(final + (peak - final) * left - y) <= slack + 1e-9 * y + 1e-12 * peak).all():
            return horizon, final
    return 0, 0.0


def _judged(
    observed: Observed,
    family: str,
    curve: Schedule,
    words: dict[str, float],
    each: int,
    accumulate: int,
    open_: dict[str, str],
) -> Fit:
    mean = epoch_mean(curve, iterations=each, accumulate=accumulate)
    words = {**words, "iterations_per_epoch": each} | ({"accumulate": accumulate} if accumulate > 1 else {})
    matched = int(observed.matches(mean(observed.step)).sum())
    return Fit(
        schedule=mean,
        curve=mean,
        family=family,
        parameters=words,
        clock=Clock(),
        matched=matched,
        total=len(observed),
        open=open_,
        cost=4,
    )
