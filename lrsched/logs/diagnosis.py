"""What a log says about the training: weights worth keeping, zero rates, pace, the first nan, the trend."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lrsched.log import Integers, Log
from lrsched.logs.printed import printed_units
from lrsched.logs.trend import DROP, Trend, still_falling
from lrsched.trainers.darknet import Net

__all__ = [
    "Diagnosis",
    "FirstNan",
    "Pace",
    "Trend",
    "Weights",
    "ZeroRate",
    "diagnose",
    "first_nan",
    "pace",
    "still_falling",
    "weights_saved",
    "weights_worth_keeping",
    "zero_rate",
]

NEAR_MAP = 0.005
"""Weights whose mean average precision is less than half a point below the best are as good as the best."""

NEAR_LOSS = 1.05
"""Weights whose average loss is at most 5 % above the lowest are as good as the lowest."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A file of weights that was saved and not overwritten.

    Attributes:
        file: as printed.
        iteration: done when it was saved.
        avg_loss: the running average then.
        map: the mean average precision computed nearest to it, or None.
        near_best_map: whether that is as good as the best of the run.
        near_lowest_loss: whether the average loss is as good as the lowest of the run.
    """

    file: str
    iteration: int
    avg_loss: float
    map: float | None = None
    near_best_map: bool = False
    near_lowest_loss: bool = False

    def __str__(self) -> str:
        precision = "" if self.map is None else f", mAP {self.map:.2%}"
        return f"{self.file} (iteration {self.iteration}, avg loss {self.avg_loss:g}{precision})"


@dataclass(frozen=True)
class ZeroRate:
    """A stretch of records whose rate was printed as zero.

    Attributes:
        first: its first iteration.
        last: its last iteration.
        warm_up: whether a higher rate follows and none went before, as in a burn-in.
    """

    first: int
    last: int
    warm_up: bool

    def __str__(self) -> str:
        why = " (a burn-in: healthy)" if self.warm_up else ""
        return f"iterations {self.first} to {self.last}{why}"


@dataclass(frozen=True)
class Pace:
    """How fast the run is.

    Attributes:
        seconds: of one printed iteration, the median.
        hours_left: to the end of the run, or None where that is not known.
        end: max_batches, or None where no cfg was given.
    """

    seconds: float
    hours_left: float | None = None
    end: int | None = None


@dataclass(frozen=True)
class FirstNan:
    """When the loss stopped to be a number.

    Attributes:
        iteration: as printed.
        phase: ``burn-in``, ``plateau``, ``after a drop`` or ``decay``.
        rate: as printed.
    """

    iteration: int
    phase: str
    rate: float


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a log says about its training.

    Attributes:
        saved: files of weights that exist, the earliest first.
        weights: those worth keeping, the best first.
        zero_rate: where the rate was printed as zero.
        pace: how fast the run is, or None where no seconds are printed.
        first_nan: when the loss stopped to be a number, or None.
        trend: whether the loss still falls.
        last: the last iteration.
    """

    saved: tuple[Weights, ...]
    weights: tuple[Weights, ...]
    zero_rate: tuple[ZeroRate, ...]
    pace: Pace | None
    first_nan: FirstNan | None
    trend: Trend
    last: int

    def __str__(self) -> str:
        told = []
        if self.first_nan is not None:
            nan = self.first_nan
            where = {"burn-in": "in the burn-in", "plateau": "on a plateau", "decay": "in the decay"}
            told.append(
                f"The loss is no number from iteration {nan.iteration} on, "
                f"{where.get(nan.phase, nan.phase)}, at rate {nan.rate:g}."
            )
        told.append(str(self.trend))
        if self.zero_rate:
            told.append(f"The rate was printed as zero in {'; '.join(map(str, self.zero_rate))}.")
        if self.pace is not None:
            left = self.pace.hours_left
            to = f" to iteration {self.pace.end}" if self.pace.end is not None else ""
            told.append(
                f"An iteration takes {self.pace.seconds:.3g} seconds"
                + (f"; {left:.1f} hours are left{to}." if left is not None else ".")
            )
        if self.weights:
            told += ["Worth keeping:", *(f"- {weights}" for weights in self.weights)]
        elif self.saved:
            told += ["None of the saved weights is near the best:", *(f"- {weights}" for weights in self.saved)]
        return "\n".join(told)


def diagnose(log: Log, net: Net | None = None) -> Diagnosis:
    """Say what a log tells about its training.

    Args:
        log: what the trainer printed.
        net: its cfg, for the end of the run and the phases of the rate; guessed from the rates when None.
    """
    return Diagnosis(
        saved=weights_saved(log),
        weights=weights_worth_keeping(log),
        zero_rate=zero_rate(log),
        pace=pace(log, net),
        first_nan=first_nan(log, net),
        trend=still_falling(log),
        last=int(log.iteration[-1]) if len(log) else 0,
    )


def weights_saved(log: Log) -> tuple[Weights, ...]:
    """The files of weights that exist: of a file that was written again and again only the last."""
    files = {event.text: event for event in log.events_of("saved")}
    lowest = float(np.nanmin(log.avg_loss)) if np.isfinite(log.avg_loss).any() else math.nan
    best = max((point.value for point in log.map_points), default=math.nan)
    saved = []
    for file, event in files.items():
        loss = float(log.avg_loss[event.record - 1]) if event.record else math.nan
        near = min(
            log.map_points, key=lambda point: (abs(point.iteration - event.iteration), -point.value), default=None
        )
        apart = 0 if near is None else abs(near.iteration - event.iteration)
        precision = near.value if near is not None and apart <= max(_map_interval(log), 1) else None
        saved.append(
            Weights(
                file=file,
                iteration=event.iteration,
                avg_loss=loss,
                map=precision,
                near_best_map=precision is not None and precision >= best - NEAR_MAP,
                near_lowest_loss=loss <= lowest * NEAR_LOSS,
            )
        )
    return tuple(sorted(saved, key=lambda weights: weights.iteration))


def _map_interval(log: Log) -> int:
    """Half of the usual distance between two mean average precisions."""
    apart = np.diff(sorted({point.iteration for point in log.map_points}))
    return int(np.median(apart)) // 2 if apart.size else 0


def weights_worth_keeping(log: Log) -> tuple[Weights, ...]:
    """The saved files near the best mean average precision or the lowest average loss, the best first."""
    kept = [weights for weights in weights_saved(log) if weights.near_best_map or weights.near_lowest_loss]

    def rank(weights: Weights) -> tuple[float, float, str]:
        loss = weights.avg_loss if not math.isnan(weights.avg_loss) else math.inf
        return -(weights.map if weights.map is not None else -1.0), loss, weights.file

    return tuple(sorted(kept, key=rank))


def zero_rate(log: Log) -> tuple[ZeroRate, ...]:
    """The stretches of records whose rate was printed as zero."""
    if not len(log):
        return ()
    zero = printed_units(log.rate, log.rate_decimals) == 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], zero, [False])).astype(np.int8)))
    stretches = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        restarted = begin == 0 or log.iteration[begin] <= log.iteration[begin - 1]
        stretches.append(
            ZeroRate(int(log.iteration[begin]), int(log.iteration[end - 1]), bool(restarted and end < len(log)))
        )
    return tuple(stretches)


def pace(log: Log, net: Net | None = None) -> Pace | None:
    """How fast the run is and how long it lasts still; None where no seconds are printed."""
    known = log.seconds[np.isfinite(log.seconds)]
    if not known.size:
        return None
    steps = np.diff(log.iteration)
    seconds = float(np.median(known)) / max(_turn(steps[steps > 0]), 1)
    if net is not None and net.max_batches > 0:
        left = max(net.max_batches - int(log.iteration[-1]), 0) * seconds / 3600
        return Pace(seconds, left, net.max_batches)
    printed = float(log.hours_left[-1])
    return Pace(seconds, printed if printed >= 0 else None)


def _turn(steps: Integers) -> int:
    """How many iterations one turn of the training loop counts; 1 where a log was filtered."""
    if not steps.size:
        return 1
    usual = round(float(np.mean(steps)))
    return usual if bool((steps == usual).mean() > 0.9) and usual <= 16 else 1


def first_nan(log: Log, net: Net | None = None) -> FirstNan | None:
    """When, in which phase and at which rate the loss stopped to be a number; None where it never did."""
    bad = np.flatnonzero(np.isnan(log.loss) | np.isnan(log.avg_loss))
    if not bad.size:
        return None
    record = int(bad[0])
    iteration = int(log.iteration[record])
    return FirstNan(iteration, _phase(log, record, net), float(log.rate[record]))


def _phase(log: Log, record: int, net: Net | None) -> str:
    if net is not None and net.burn_in > 0:
        if log.iteration[record] < net.burn_in:
            return "burn-in"
        before = log.rate[: record + 1][log.iteration[: record + 1] >= net.burn_in]
    else:
        before = log.rate[: record + 1]
        around = log.rate[max(record - 50, 0) : record + 51]
        rising = around.size > 1 and bool((np.diff(around) >= 0).all() and around[-1] > around[0])
        if rising or (log.rate[record] == 0 and not (before > 0).any()):
            return "burn-in"
    here, highest = float(log.rate[record]), float(np.max(before))
    if here >= highest:
        return "plateau"
    falls = np.flatnonzero(np.diff(before) < 0)
    sudden = falls.size and bool((before[falls] > DROP * before[falls + 1]).any())
    return "after a drop" if sudden else "decay"
