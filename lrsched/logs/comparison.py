"""audit(): the rates that a log shows compared with those that a config plans, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lrsched.log import Floats, Integers, Log, LogError
from lrsched.logs.inference import Inference, PrintedRates, infer
from lrsched.logs.joining import part
from lrsched.text import counted
from lrsched.trainers import Config, trainer_of

__all__ = ["Audit", "Mismatches", "audit"]

SHOWN = 3
"""So many mismatches are shown one by one."""

LONGEST_PLAN = 2_000_000
"""A shift of the iterations is looked for up to here."""

MOST_SHIFTS = 1000
"""So many shifts are compared with the log."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Mismatches:
    """The records that do not show the planned rate: their number in the log, and what was logged and planned there."""

    record: Integers
    iteration: Integers
    logged: Floats
    planned: Floats

    def __len__(self) -> int:
        return len(self.record)


@dataclass(frozen=True, kw_only=True, eq=False)
class Audit:
    """A log compared with a config on ``ngpus`` GPUs.

    ``matched`` of ``total`` records show the planned rate, to the last printed decimal; ``cause`` is the simplest thing
    that explains the others, one sentence, or empty. ``contradictions`` are sentences about what else does not fit.
    """

    matched: int
    total: int
    ngpus: int
    mismatches: Mismatches
    cause: str
    contradictions: tuple[str, ...]
    source: str = "<log>"

    @property
    def ok(self) -> bool:
        """Whether every record shows the planned rate, and nothing else is contradicted."""
        return self.matched == self.total and not self.contradictions

    def __str__(self) -> str:
        on = f" on {self.ngpus} GPUs" if self.ngpus > 1 else ""
        which = "The only record shows" if self.total == 1 else f"All {self.total} records show"
        lines = [f"{which} the planned rate{on}."]
        wrong = self.mismatches
        if len(wrong):
            shows = f"{self.matched} of {self.total} records show the planned rate{on}"
            lines = [f"{shows}; the first that does not is iteration {wrong.iteration[0]}."]
            lines += [self.cause] if self.cause else []
        lines += self.contradictions
        for number in range(min(len(wrong), SHOWN)):
            at, logged, planned = wrong.iteration[number], wrong.logged[number], wrong.planned[number]
            lines.append(f"  iteration {at}: logged {logged:g}, planned {planned:.8g}")
        if len(wrong) > SHOWN:
            lines.append(f"  and {len(wrong) - SHOWN} more")
        return "\n".join(lines)


def audit(log: Log, config: Config, ngpus: int | None = None, inferred: Inference | None = None) -> Audit:
    """Compare the rates that a log shows with those that a config plans, at the precision that was printed.

    ``ngpus`` is detected when it is None; what was ``inferred`` from the log is not inferred again.

    Raises:
        LogError: when the log has no records.
        TypeError, ValueError: for numbers with which the trainer crashes or hangs, and an invalid number of GPUs.
    """
    if not len(log):
        raise LogError(f"{log.source}: there is no record to compare; give a log with rates.")
    trainer, printed = trainer_of(config).logs(), PrintedRates.of(log)
    counts = [ngpus] if ngpus is not None else list(dict.fromkeys(trainer.likely_gpus(config, log)))
    good, used = max(((printed.matches(config, count), count) for count in counts), key=lambda one: int(one[0].sum()))
    planned = trainer.rates(config, log.iteration, used)[0]
    wrong = np.flatnonzero(~good)
    return Audit(
        matched=int(good.sum()),
        total=len(log),
        ngpus=used,
        mismatches=Mismatches(
            record=wrong, iteration=log.iteration[wrong], logged=log.rate[wrong], planned=planned[wrong]
        ),
        cause=_cause(log, config, used, good, inferred) if wrong.size else "",
        contradictions=tuple(trainer.contradictions(config, log, used)),
        source=log.source,
    )


def _cause(log: Log, config: Config, ngpus: int, good: NDArray[np.bool_], inferred: Inference | None) -> str:
    """The simplest thing that explains the mismatches: of the whole log, or from the first of them on."""
    for sentence in _causes(log, config, ngpus, inferred):
        return sentence
    first = int((~good).argmax())
    if 0 < first < len(log) - 1 and not good[first:].mean() > 0.5:
        for sentence in _causes(part(log, first, len(log)), config, ngpus, None):
            return f"From iteration {log.iteration[first]} on: {sentence[0].lower()}{sentence[1:]}"
    return ""


def _causes(log: Log, config: Config, ngpus: int, inferred: Inference | None) -> Iterator[str]:
    """What explains every record of a log, the fewest numbers first."""
    printed = PrintedRates.of(log)
    trainer = trainer_of(config).logs()
    for other, count, sentence in trainer.readings(config, ngpus):
        if (count == ngpus or not any(trainer.contradictions(other, log, count))) and printed.explained_by(
            other, count
        ):
            yield sentence
    found, given = inferred or infer(log), trainer.values(config)
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


def _shift(printed: PrintedRates, config: Config, ngpus: int) -> str:
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
