"""The log.txt of research code by FAIR and of what grew from it: DeiT, MAE, DETR, BEiT and many more."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Annotated, Any

import numpy as np

from lrsched.fitting import Clock, Fit, Guess, Observed, fit
from lrsched.fitting.explanations import judged
from lrsched.log import Log, TrainerLogs
from lrsched.numbers import LAST_ITERATION, Param
from lrsched.schedule import Floats, FunctionSchedule, Iterations, Schedule, rates_of
from lrsched.schedules import cosine, named, warmup
from lrsched.schedules.combinators import Inner
from lrsched.trainers.records import json_lines, log_of, runs

__all__ = ["LOGS", "epoch_mean"]

Count = Annotated[int, Param("a number of iterations", 1, LAST_ITERATION, (1, 5_000))]


@named
def epoch_mean(schedule: Inner, *, iterations: Count, accumulate: Count = 1) -> Schedule:
    """A schedule of iterations as means over epochs; the rate is set every ``accumulate`` iterations of an epoch.

    >>> from lrsched.schedules import linear
    >>> epoch_mean(linear(peak=1, horizon=8), iterations=4)([0, 1, 2]).tolist()
    [0.8125, 0.3125, 0.0]
    """

    def function(t: Iterations) -> Floats:
        total: Floats = np.zeros(t.shape)
        for offset in range(0, iterations, accumulate):  # the last update may be of fewer
            total += min(accumulate, iterations - offset) * rates_of(schedule, t * iterations + offset)
        return total / iterations

    last = None if schedule.horizon is None else -(-schedule.horizon // iterations)
    return FunctionSchedule(function=function, horizon=last, peak_at=-(-schedule.warmup // iterations))


# --- log.txt: a JSON object an epoch, appended by every start; its train_lr is the mean over the epoch's iterations ---


NAMES = {"epoch": "iteration", "train_lr": "rate", "train_loss": "loss", "test_loss": "val_loss"}
MOST_ACCUMULATED = 64  # the most iterations of an update that are tried
MOST_ITERATIONS = 50_000  # the most iterations of an epoch
LONGEST = 3000  # the longest run, in epochs
MOST_TRIED = 40  # the most explanations by means
INITIALS = (0.0, 1e-6, 1e-7, 1e-5)  # where warm-ups begin
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
        horizon, final = _end(observed.rows(slice(top, None)), warm, peak, each, accumulate)
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
            # with a common factor it is a shorter epoch, which was tried
            if abs(mean / each - ahead) < 1e-9 and math.gcd(each, accumulate) == 1:
                yield each


def _end(rows: Observed, warm: int, peak: float, each: int, accumulate: int) -> tuple[int, float]:
    """The epochs of the run and the final rate, of a cosine that begins after the warm-up; 0 where there is none."""
    some, (updates, rest) = rows.sample(40), divmod(each, accumulate)
    horizons = np.arange(int(rows.step[-1]) + 1, LONGEST)
    turn = np.pi / (horizons - warm)[:, None]
    part = turn * accumulate / each  # from one update to the next; the mean over an epoch is a geometric sum
    turned = accumulate * np.sin(updates * part / 2) / np.sin(part / 2) * np.exp(0.5j * (updates - 1) * part)
    mean = (turned + rest * np.exp(1j * updates * part)) / each
    left = 0.5 + 0.5 * (np.exp(1j * turn * (some.step - warm)) * mean).real
    lowest = np.maximum((some.rate[-1] - peak * left[:, -1]) / (1 - left[:, -1]), 0.0).tolist()
    final = np.array([[float(f"{low:.6g}") if low > 1e-9 * peak else 0.0] for low in lowest])
    good = (np.abs(final + (peak - final) * left - some.rate) <= some.slack + 1e-12 * peak).all(axis=1)
    return (int(horizons[good.argmax()]), float(final[good.argmax(), 0])) if good.any() else (0, 0.0)


def _mean(observed: Observed, family: str, inner: Schedule, words: dict[str, Any], each: int, accumulate: int) -> Fit:
    curve = epoch_mean(inner, iterations=each, accumulate=accumulate)
    known = words | {"iterations_per_epoch": each, "accumulate": accumulate}
    unusual = {key: value for key, value in known.items() if (key, value) not in (("accumulate", 1), ("initial", 0.0))}
    left = dict.fromkeys(("peak", "warmup"), SLOPE) if family == "warmup" else {}
    return judged(observed, Guess(curve=curve, family=family, parameters=unusual, open=left), Clock())


LOGS = TrainerLogs(begins=begins, parse=parse, clocks=clocks, names=("log.txt",), fitted=fitted)
