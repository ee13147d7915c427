"""audit(): the rates that a log shows compared with those that a cfg plans, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from lrsched.fitting import shifts
from lrsched.log import Floats, Log, part
from lrsched.logged import Audit, Inference, Mismatches
from lrsched.schedule import LAST_ITERATION
from lrsched.text import counted
from lrsched.trainers.darknet.clock import SYNC_INTERVAL
from lrsched.trainers.darknet.log.gpus import GpuClock, likely_gpus, observed, other_readings
from lrsched.trainers.darknet.log.inference import infer, values_of
from lrsched.trainers.darknet.net import Net
from lrsched.trainers.darknet.policies import Random

__all__ = ["audit"]


@np.errstate(all="ignore")
def audit(log: Log, config: Net, ngpus: int | None = None, inferred: Inference | None = None) -> Audit:
    """Compare the rates that a log shows with those that a cfg plans, at the precision that was printed.

    ``ngpus`` is detected when it is None; what was ``inferred`` from the log is not inferred again.

    Raises:
        TypeError, ValueError: for numbers with which the trainer crashes or hangs, and an invalid number of GPUs.
    """
    counts = [ngpus] if ngpus is not None else list(dict.fromkeys(likely_gpus(config, log)))
    tried = [(*_compared(log, config, count), count) for count in counts]
    good, planned, used = max(tried, key=lambda one: int(one[0].sum()))
    wrong = np.flatnonzero(~good)
    return Audit(
        matched=int(good.sum()),
        total=len(log),
        ngpus=used,
        mismatches=Mismatches(
            record=wrong, iteration=log.iteration[wrong], logged=log.rate[wrong], planned=planned[wrong]
        ),
        cause=_cause(log, config, used, good, inferred) if wrong.size else "",
        contradictions=tuple(_contradictions(config, log, used)),
        source=log.source,
    )


def _compared(log: Log, config: Net, ngpus: int) -> tuple[NDArray[np.bool_], Floats]:
    """Which records show the rate of a config, to the last printed decimal, and the rate that it plans for each.

    Policy random draws it from a band; the rate is NaN where an iteration is not possible.
    """
    at, schedule = config.clock(ngpus).rate_at(log.iteration), config.schedule(ngpus)
    possible = (at >= 0) & (at <= LAST_ITERATION)
    planned = np.full(len(at), np.nan)
    planned[possible] = schedule(at[possible])
    rows, low, high = observed(log, config.dialect), planned, planned
    policy = getattr(schedule, "policy", schedule)
    if isinstance(policy, Random):
        drawn, ends = at >= schedule.warmup, sorted(policy.band())
        low, high = np.where(drawn, ends[0], low), np.where(drawn, ends[1], high)
    good: NDArray[np.bool_] = (low <= rows.high) & (rows.low <= high)
    return good | (np.isnan(low) & np.isnan(rows.rate)), low


def _explains(log: Log, config: Net, ngpus: int) -> bool:
    """Whether every record shows the rate of a config; one that no trainer runs explains nothing."""
    try:
        return bool(_compared(log, config, ngpus)[0].all())
    except (ValueError, OverflowError):
        return False


def _contradictions(net: Net, log: Log, ngpus: int) -> Iterator[str]:
    """What a log says against a cfg beside its rates: other images per iteration, iterations past the end."""
    shown, planned = log.effective_batch, net.effective_batch * ngpus
    if shown is not None and shown != planned:
        on = f" on {ngpus} GPUs" if ngpus > 1 else ""
        yield f"The log shows {shown} images per iteration, the cfg means {planned}{on} (batch={net.batch})."
    last = int(log.iteration.max())
    if 0 < net.max_batches < last - SYNC_INTERVAL * ngpus:
        yield f"The log reaches iteration {last}, the cfg ends at max_batches={net.max_batches}."
    if log.horizon is not None and net.max_batches > 0 and log.horizon != net.max_batches:
        yield f"The trainer printed {log.horizon} as the last iteration, the cfg says max_batches={net.max_batches}."


def _cause(log: Log, config: Net, ngpus: int, good: NDArray[np.bool_], inferred: Inference | None) -> str:
    """The simplest thing that explains the mismatches: of the whole log, or from the first of them on."""
    for sentence in _causes(log, config, ngpus, inferred):
        return sentence
    first = int((~good).argmax())
    if 0 < first < len(log) - 1 and not good[first:].mean() > 0.5:
        for sentence in _causes(part(log, first, len(log)), config, ngpus, None):
            return f"From iteration {log.iteration[first]} on: {sentence[0].lower()}{sentence[1:]}"
    return ""


def _causes(log: Log, config: Net, ngpus: int, inferred: Inference | None) -> Iterator[str]:
    """What explains every record of a log, the fewest numbers first."""
    for other, count, sentence in other_readings(config, ngpus):
        if (count == ngpus or not any(_contradictions(other, log, count))) and _explains(log, other, count):
            yield sentence
    found, given = inferred or infer(log), values_of(config)
    keys = [key for key in found.values if found.values[key] != given.get(key) and key not in found.open]
    another = ""
    if found.complete and keys:
        with suppress(ValueError):  # a config that cannot be written so explains nothing
            other = config.with_values({key: getattr(found.config, key) for key in keys})
            if _explains(log, other, ngpus):
                differences = (f"{key}={found.values[key]} (given: {given.get(key, 'none')})" for key in keys)
                another = f"The log is of another cfg: {', '.join(differences)}."
    numbers = sum(found.values[key].count(",") + 1 for key in keys)
    yield from filter(None, ([another] if another and numbers == 1 else [_shift(log, config, ngpus), another]))


def _shift(log: Log, config: Net, ngpus: int) -> str:
    """That every record shows the rate which is planned so many iterations later or earlier, or nothing."""
    rows, clock, plan = observed(log, config.dialect), GpuClock(counter=config.clock(ngpus)), config.schedule(ngpus)
    begin, end = int(log.iteration.min()), max(plan.horizon or 0, int(log.iteration.max()))
    fits = [-one.late for one in shifts(plan, rows, clock) if one.late <= begin <= end + one.late]
    if not fits:
        return ""
    alike = (by for by in fits if by * fits[0] > 0)
    amounts = [abs(by) for place, by in enumerate(alike) if abs(by - fits[0]) <= place]  # without a later cycle
    by = counted(amounts[0], "iteration") if len(amounts) == 1 else f"{amounts[0]} to {amounts[-1]} iterations"
    way = "later" if fits[0] > 0 else "earlier"
    return f"The counter of the run is shifted: each record shows the rate that is planned {by} {way}."
