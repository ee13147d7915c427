"""Which rates darknet would have printed: the exact ones, at the iterations at which a log shows them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrsched.log import MOST_GPUS, Floats, Integers, Log
from lrsched.schedule import LAST_ITERATION
from lrsched.trainers.darknet.cfg import CfgError
from lrsched.trainers.darknet.clock import SYNC_INTERVAL
from lrsched.trainers.darknet.dialects import DIALECTS
from lrsched.trainers.darknet.net import Net
from lrsched.trainers.darknet.policies import Random

__all__ = ["contradictions", "likely_gpus", "net_values", "other_readings", "printed_rates"]

_KEYS_OF_POLICY = {
    "poly": ("power", "max_batches"),
    "random": ("power",),
    "steps": ("steps", "scales"),
    "step": ("step", "scale"),
    "exp": ("gamma",),
    "sigmoid": ("gamma", "step"),
    "sgdr": ("learning_rate_min", "sgdr_cycle", "sgdr_mult"),
}


def printed_rates(net: Net, iterations: Integers, ngpus: int = 1) -> tuple[Floats, Floats]:
    """The lowest and the highest rate that each line can show; NaN where an iteration is not possible.

    Both are the rate itself, but policy random draws it, and a fork that is built with -Ofast may be two units in the
    last place of a float32 off.

    Raises:
        ValueError: for numbers with which no trainer runs.
    """
    at = net.clock(ngpus).rate_at(iterations)
    possible = (at >= 0) & (at <= LAST_ITERATION)
    schedule = net.schedule(ngpus)
    rates = np.full(len(at), np.nan, np.float32)
    rates[possible] = schedule(at[possible])
    low = high = rates
    policy = getattr(schedule, "policy", schedule)
    if isinstance(policy, Random):
        drawn, ends = at >= schedule.warmup, sorted(policy.band())
        low, high = np.where(drawn, ends[0], low), np.where(drawn, ends[1], high)
    if net.dialect.arithmetic.single:
        for _ in range(2):
            low, high = np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))
    return low.astype(np.float64), high.astype(np.float64)


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


def contradictions(net: Net, log: Log, ngpus: int) -> Iterator[str]:
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


def net_values(net: Net) -> dict[str, str]:
    """The keys and values of a cfg that decide its rate, as every fork reads them: without exponents."""
    names = ["learning_rate", *(["burn_in"] if net.burn_in else []), "policy", *_KEYS_OF_POLICY.get(net.policy, ())]
    if net.burn_in and net.power != 4 and "power" not in names:
        names.append("power")
    batch = {"batch": str(net.batch)} if net.batch > 1 else {}
    return batch | {name: _written(getattr(net, name)) for name in names}


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_written, value))
    return np.format_float_positional(value, trim="-") if isinstance(value, float) else str(value)
