"""log.txt: one JSON object an epoch, appended by every start, as DeiT, MAE and DETR and their kin have it.

Its train_lr is the mean over the iterations of an epoch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

import numpy as np

from lrsched.fitting import Clock, Fit, Observed, fit
from lrsched.log import Log
from lrsched.schedule import Floats, Schedule
from lrsched.schedules import cosine, warmup
from lrsched.trainers.fair.mean import epoch_mean, offsets
from lrsched.trainers.records import json_lines, log_of, runs

__all__ = ["begins", "clocks", "fitted", "parse"]

NAMES = {"epoch": "iteration", "train_lr": "rate", "train_loss": "loss", "test_loss": "val_loss"}

MOST_ACCUMULATED = 64
"""The most iterations of an update that are tried."""

MOST_ITERATIONS = 50_000
"""The most iterations of an epoch that are tried."""

LONGEST = 3000
"""The longest run, in epochs, that is tried."""

MOST_TRIED = 40
"""The most explanations by means that are tried."""

INITIALS = (0.0, 1e-6, 1e-7, 1e-5)
"""Where warm-ups begin."""

SLOPE = "the log ends within the warm-up, which shows only its slope"


def begins(beginning: bytes, name: str) -> bool:
    """Whether a file with this beginning is such a log.txt."""
    first = re.search(rb'^\{.*"train_lr".*', beginning, re.MULTILINE)
    return first is not None and b'"epoch"' in beginning


def parse(data: bytes, source: str) -> list[Log]:
    """Every run in the file."""
    rows, skipped = json_lines(data.decode("utf-8-sig", "replace"))
    found = runs((row for row in rows if "train_lr" in row), "epoch")
    return [log_of(run, NAMES, source=source, trainer="fair", unit="epoch", skipped=skipped) for run in found]


def clocks(log: Log) -> Sequence[Clock]:
    """DETR applies the rate of the epoch; DeiT steps with the number of the epoch that is over: one epoch late."""
    return (Clock(), Clock(late=1))


def fitted(log: Log, observed: Observed) -> Fit | None:
    """What explains the rates of epochs, or, as MAE, DINO and ConvNeXt set them, of iterations."""
    found = fit(observed, clocks(log))
    if found is not None and found.complete:
        return found
    return next((mean for mean in islice(_means(observed), MOST_TRIED) if mean.complete), found)


def _means(observed: Observed) -> Iterator[Fit]:
    """A straight warm-up and a half cosine that are set at each iteration, and seen as means over epochs.

    The mean over epoch e of the warm-up is what it is at e + m; m tells how many iterations an epoch has.
    """
    k, y = observed.step, observed.rate
    if len(k) < 2 or not y[1] > y[0] > 0:
        return
    slope = (y[1] - y[0]) / (k[1] - k[0])
    start = y[0] - slope * k[0]
    bent = np.abs(start + slope * k - y) > 10 * observed.slack
    top = int(bent.argmax()) if bent.any() else len(k)
    for accumulate, initial in product(range(1, MOST_ACCUMULATED), INITIALS):
        for each in _iterations((start - initial) / slope, accumulate):
            if top == len(k):
                length = int(k[-1]) + 1
                rise = warmup(length * each, peak=initial + slope * length, initial=initial)
                yield _mean(observed, "warmup", rise, {"slope": float(f"{slope:.9g}")}, each, accumulate)
            else:
                yield from _cosines(observed, top, initial, slope, each, accumulate)


def _cosines(observed: Observed, top: int, initial: float, slope: float, each: int, accumulate: int) -> Iterator[Fit]:
    """A warm-up of this slope up to the row ``top``, and half a cosine after it."""
    warm = int(observed.step[top])
    for early in (0, 1):  # numpy.linspace reaches the peak with the last iteration of the warm-up
        peak = float(f"{initial + slope * (warm - early / each):.9g}")
        horizon, final = _end(observed.rows(slice(top, None)), warm, peak, offsets(each, accumulate) / each)
        if horizon:
            fall = cosine(peak=peak, horizon=(horizon - warm) * each, final=final)
            rise = warmup(warm * each - early, peak=peak, initial=initial)
            words = {"peak": peak, "warmup": warm, "horizon": horizon, "final": final, "initial": initial}
            yield _mean(observed, "cosine", rise.then(fall, at=warm * each), words, each, accumulate)


def _iterations(ahead: float, accumulate: int) -> Iterator[int]:
    """The iterations of an epoch that set their rate, on average, after this share of it."""
    about = accumulate / (1 - 2 * ahead) if 0 <= ahead < 0.5 else math.inf
    if about < MOST_ITERATIONS:  # with a last update of fewer iterations it is a little off
        for each in range(max(math.floor(about), 2 * accumulate) - accumulate, math.ceil(about) + 2 * accumulate):
            updates, rest = divmod(each, accumulate)
            mean = accumulate * (accumulate * updates * (updates - 1) / 2 + rest * updates) / each
            if abs(mean / each - ahead) < 1e-9:
                yield each


def _end(rows: Observed, warm: int, peak: float, shares: Floats) -> tuple[int, float]:
    """The epochs of the run and the final rate, of a cosine that begins after the warm-up; 0 where there is none."""
    some = rows.sample(40)
    for horizon in range(int(rows.step[-1]) + 1, LONGEST):
        turn = math.pi / (horizon - warm)
        left = 0.5 + 0.5 * (np.exp(1j * turn * (some.step - warm)) * np.exp(1j * turn * shares).mean()).real
        final = max((some.rate[-1] - peak * left[-1]) / (1 - left[-1]), 0.0)
        final = float(f"{final:.6g}") if final > 1e-9 * peak else 0.0
        if (np.abs(final + (peak - final) * left - some.rate) <= some.slack + 1e-12 * peak).all():
            return horizon, final
    return 0, 0.0


def _mean(
    observed: Observed, family: str, inner: Schedule, words: Mapping[str, Any], each: int, accumulate: int
) -> Fit:
    curve = epoch_mean(inner, iterations=each, accumulate=accumulate)
    known = {**words, "iterations_per_epoch": each, "accumulate": accumulate}
    unusual = {key: value for key, value in known.items() if (key, value) not in (("accumulate", 1), ("initial", 0.0))}
    return Fit(
        schedule=curve,
        curve=curve,
        family=family,
        parameters=unusual,
        clock=Clock(),
        matched=int(observed.matches(curve(observed.step)).sum()),
        total=len(observed),
        open=dict.fromkeys(("peak", "warmup"), SLOPE) if family == "warmup" else {},
    )
