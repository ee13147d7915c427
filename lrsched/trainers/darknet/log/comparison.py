"""audit(): the rates that a log shows compared with those that a cfg plans, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lrsched.log import Log, part
from lrsched.logged import Audit, Inference, Mismatches
from lrsched.text import counted
from lrsched.trainers.darknet.log.explanations import (
    contradictions,
    likely_gpus,
    net_values,
    other_readings,
    printed_rates,
)
from lrsched.trainers.darknet.log.inference import PrintedRates, infer
from lrsched.trainers.darknet.net import Net

__all__ = ["audit"]

LONGEST_PLAN = 2_000_000
"""A shift of the iterations is looked for up to here."""

MOST_SHIFTS = 1000
"""So many shifts are compared with the log."""


def audit(log: Log, config: Net, ngpus: int | None = None, inferred: Inference | None = None) -> Audit:
    """Compare the rates that a log shows with those that a cfg plans, at the precision that was printed.

    ``ngpus`` is detected when it is None; what was ``inferred`` from the log is not inferred again.

    Raises:
        TypeError, ValueError: for numbers with which the trainer crashes or hangs, and an invalid number of GPUs.
    """
    printed = PrintedRates.of(log)
    counts = [ngpus] if ngpus is not None else list(dict.fromkeys(likely_gpus(config, log)))
    good, used = max(((printed.matches(config, count), count) for count in counts), key=lambda one: int(one[0].sum()))
    planned = printed_rates(config, log.iteration, used)[0]
    wrong = np.flatnonzero(~good)
    return Audit(
        matched=int(good.sum()),
        total=len(log),
        ngpus=used,
        mismatches=Mismatches(
            record=wrong, iteration=log.iteration[wrong], logged=log.rate[wrong], planned=planned[wrong]
        ),
        cause=_cause(log, config, used, good, inferred) if wrong.size else "",
        contradictions=tuple(contradictions(config, log, used)),
        source=log.source,
    )


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
    printed = PrintedRates.of(log)
    for other, count, sentence in other_readings(config, ngpus):
        if (count == ngpus or not any(contradictions(other, log, count))) and printed.explained_by(other, count):
            yield sentence
    found, given = inferred or infer(log), net_values(config)
    keys = [key for key in found.values if found.values[key] != given.get(key) and key not in found.open]
    another = ""
    if found.complete and keys:
        with suppress(ValueError):  # a config that cannot be written so explains nothing
            other = config.with_values({key: getattr(found.config, key) for key in keys})
            if printed.explained_by(other, ngpus):
                differences = (f"{key}={found.values[key]} (given: {given.get(key, 'none')})" for key in keys)
                another = f"The log is of another cfg: {', '.join(differences)}."
    numbers = sum(found.values[key].count(",") + 1 for key in keys)
    yield from filter(None, ([another] if another and numbers == 1 else [_shift(printed, config, ngpus), another]))


def _shift(printed: PrintedRates, config: Net, ngpus: int) -> str:
    """That every record shows the rate which is planned so many iterations later or earlier, or nothing.

    Where the plan changes as the log does at its first change, the two may meet.
    """
    changes = np.flatnonzero((np.diff(printed.units) != 0) & (np.diff(printed.iteration) > 0))
    if not changes.size:
        return ""
    one, two = changes[0], changes[0] + 1
    here, apart = int(printed.iteration[one]), int(printed.iteration[two] - printed.iteration[one])
    horizon = next(iter(config.schedules(ngpus).values())).horizon or 0
    last = min(max(horizon, int(printed.iteration[-1])) + apart, LONGEST_PLAN)
    plan = PrintedRates(
        iteration=np.arange(last + 1), units=np.full(last + 1, printed.units[one]), decimals=printed.decimals[:1]
    )
    before = plan.matches(config, ngpus)
    after = replace(plan, units=np.full(last + 1, printed.units[two])).matches(config, ngpus)
    shifts = np.flatnonzero(before[:-apart] & after[apart:]) - here
    near = shifts[np.argsort(np.abs(shifts), kind="stable")][:MOST_SHIFTS].tolist()
    fits = [shift for shift in near if printed.shifted(shift).explained_by(config, ngpus)]
    if not fits:
        return ""
    amounts = [abs(shift) for shift in fits if abs(shift - fits[0]) < apart]
    by = counted(amounts[0], "iteration") if len(amounts) == 1 else f"{amounts[0]} to {amounts[-1]} iterations"
    way = "later" if fits[0] > 0 else "earlier"
    return f"The counter of the run is shifted: each record shows the rate that is planned {by} {way}."
