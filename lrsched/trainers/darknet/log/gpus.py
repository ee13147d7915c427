"""On how many GPUs, and with which fork, a log may have been printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrsched.fitting import Clock, Observed
from lrsched.log import MOST_GPUS, Integers, Log
from lrsched.schedule import FunctionSchedule, Iterations, Schedule
from lrsched.trainers.darknet.cfg import CfgError
from lrsched.trainers.darknet.clock import Clock as Counter
from lrsched.trainers.darknet.dialects import DIALECTS, Dialect
from lrsched.trainers.darknet.net import Net

__all__ = ["SINGLE", "GpuClock", "likely_gpus", "observed", "other_readings", "runs_of", "shows_gpus"]

SINGLE = 2.0**-23  # the distance of two float32 numbers next to 1


@dataclass(frozen=True, kw_only=True)
class GpuClock(Clock):
    """The iteration whose rate a fork prints at each iteration when it trains on several GPUs."""

    counter: Counter

    def count(self, step: Any) -> Iterations:
        return np.maximum(self.counter.rate_at(np.asarray(step, np.int64) - self.late), 0)

    def applied(self, schedule: Schedule) -> Schedule:
        return FunctionSchedule(function=lambda t: schedule(self.count(t)), horizon=schedule.horizon)


def observed(log: Log, dialect: Dialect) -> Observed:
    """The rates of a log as a fork prints them: rounded, by one that is built with -Ofast two float32 numbers off."""
    unit = 10.0 ** -log.rate_decimals.astype(float)
    sizes = np.where(np.isfinite(log.rate), np.abs(log.rate), 0.0) + unit
    off = 2 * SINGLE if dialect.arithmetic.single else 1e-12
    return Observed(step=log.iteration, rate=log.rate, slack=0.5 * unit + off * sizes)


def runs_of(log: Log) -> list[tuple[int, Dialect]]:
    """Numbers of GPUs with the fork that counts iterations so, the likeliest first."""
    exact = bool(len(log)) and bool((log.rate_decimals == 8).all())
    counts = exact or bool(np.isfinite(log.hours_left).any())
    forks = [fork for fork in DIALECTS if fork.arithmetic.single == exact]
    forks.sort(key=lambda fork: fork.iteration_counts_gpus != counts)
    known, total, jumps = log.header.batch, log.effective_batch, _jumps(log.iteration)
    runs = []
    if known and total and total % known == 0 and 1 < total // known <= MOST_GPUS:
        runs += [(total // known, fork) for fork in forks]
    if jumps is not None:
        runs += [(jumps[0], fork) for fork in forks if fork.iteration_counts_gpus != jumps[1]]
    return list(dict.fromkeys([*runs, (1, forks[0])]))


def shows_gpus(log: Log, net: Net) -> bool:
    """Whether a log shows on how many GPUs the run was: it says so, or its iterations go on one by one."""
    if log.header.batch or log.events_of("syncing"):
        return True
    alone = net.burn_in if net.dialect.burn_in_on_one_gpu else 0
    return bool((np.diff(log.iteration)[log.iteration[1:] > alone + 1] == 1).any())


def _jumps(iteration: Integers) -> tuple[int, bool] | None:
    """The number of GPUs by the way in which the iterations go on, and whether they jump at every fourth."""
    steps = np.diff(iteration)
    sizes = set(np.unique(steps).tolist())
    if len(sizes) == 1 and 2 <= (size := sizes.pop()) <= MOST_GPUS and iteration[0] % size == 0:
        return size, False
    if len(sizes) == 2 and min(sizes) == 1 and (max(sizes) + 3) % 4 == 0:
        ngpus = (max(sizes) + 3) // 4
        if ngpus <= MOST_GPUS and (iteration[1:][steps > 1] % 4 == 0).all():
            return ngpus, True
    return None


def likely_gpus(net: Net, log: Log) -> Iterator[int]:
    """Numbers of GPUs that a log of this cfg shows: by its images, by the learning rate that it prints first, 1."""
    known = ~np.isnan(log.images) & (log.iteration > 0)
    if known.any() and net.effective_batch > 0:
        each = float((log.images[known] / log.iteration[known]).max()) / net.effective_batch
        if each == int(each) and 1 <= each <= MOST_GPUS:
            yield int(each)
    for header in log.headers:
        factor = float(header.learning_rate) / net.learning_rate if header.learning_rate and net.learning_rate else 0.0
        if net.dialect.gpus_multiply_rate and 1 <= factor <= MOST_GPUS + 0.5 and abs(factor - round(factor)) < 1e-4:
            yield round(factor)
    yield 1


def other_readings(net: Net, ngpus: int) -> Iterator[tuple[Net, int, str]]:
    """The same cfg on another number of GPUs, then read by another fork: each with a sentence that says so."""
    for count in range(1, MOST_GPUS + 1):
        if count != ngpus:
            gpus = f"{count} GPU{'s' if count > 1 else ''}"
            yield net, count, f"The run was on {gpus}, not on {ngpus}."
    for dialect in DIALECTS:
        if dialect.name != net.dialect.name:
            try:
                other = net.read_by(dialect)
            except CfgError:
                continue
            yield other, ngpus, f"The log matches {dialect.title}, not {net.dialect.title}."
