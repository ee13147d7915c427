"""audit(): the rates that a log shows compared with those that a config plans, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lrsched.log import Floats, Integers, Log, LogError
from lrsched.logs.inference import Inference, infer
from lrsched.logs.joining import part
from lrsched.logs.printed import PrintedRates
from lrsched.trainers import Config, trainer_of

__all__ = ["Audit", "Mismatches", "audit"]

SHOWN = 3
"""So many mismatches are shown one by one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Mismatches:
    """The records that do not show the planned rate; one element of every array per record.

    Attributes:
        record: its number in the log, from 0.
        iteration: as printed.
        logged: the rate that the log shows.
        planned: the exact rate of the config.
    """

    record: Integers
    iteration: Integers
    logged: Floats
    planned: Floats

    def __len__(self) -> int:
        return len(self.record)


@dataclass(frozen=True, kw_only=True, eq=False)
class Audit:
    """A log compared with a config.

    Attributes:
        matched: records that show the planned rate, to the last printed decimal.
        total: records of the log.
        ngpus: the number of GPUs that was assumed.
        mismatches: the records that do not match.
        cause: the simplest thing that explains them, one sentence, or an empty string.
        contradictions: what else of the config the log contradicts, a sentence each.
        planned: the planned rate of every record.
        source: the log.
    """

    matched: int
    total: int
    ngpus: int
    mismatches: Mismatches
    cause: str
    contradictions: tuple[str, ...]
    planned: Floats = field(repr=False)
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


def audit(log: Log, config: Config, ngpus: int | None = None) -> Audit:
    """Compare the rates that a log shows with those that a config plans, at the precision that was printed.

    Args:
        log: what the trainer printed.
        config: the config, as the trainer reads it.
        ngpus: the number of GPUs; detected when None.

    Raises:
        LogError: when the log has no records.
        ValueError: for numbers with which the trainer crashes or hangs, and less than one GPU.
        TypeError: for a number of GPUs that is not a whole number.
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
        cause=_cause(log, config, used, good) if wrong.size else "",
        contradictions=tuple(trainer.contradictions(config, log, used)),
        planned=planned,
        source=log.source,
    )


def _cause(log: Log, config: Config, ngpus: int, good: NDArray[np.bool_]) -> str:
    """The simplest thing that explains the mismatches: of the whole log, or from the first of them on."""
    for sentence in _causes(log, config, ngpus):
        return sentence
    first = int((~good).argmax())
    if 0 < first < len(log) - 1 and not good[first:].mean() > 0.5:
        for sentence in _causes(part(log, first, len(log)), config, ngpus):
            return f"From iteration {log.iteration[first]} on: {sentence[0].lower()}{sentence[1:]}"
    return ""


def _causes(log: Log, config: Config, ngpus: int) -> Iterator[str]:
    """What explains every record of a log, the simplest first."""
    printed = PrintedRates.of(log)
    for other, count, sentence in trainer_of(config).logs().readings(config, ngpus):
        if printed.explained_by(other, count):
            yield sentence
    for shift in _shifts(log, config, ngpus):
        if printed.explained_by(config, ngpus, shift):
            late = f"lags the iteration counter by {-shift}" if shift < 0 else f"is {shift} ahead of the counter"
            yield f"The rate {late} iterations."
    found = infer(log)
    if found.complete and (differences := _differences(found, config)):
        yield f"The log is of another cfg: {differences}."


def _shifts(log: Log, config: Config, ngpus: int) -> Iterator[int]:
    """By how much the iterations may be shifted: from a change of the logged rate to one of the planned rate."""
    changes = np.flatnonzero(np.diff(log.rate) != 0) + 1
    if changes.size:
        change, last = int(log.iteration[changes[-1]]), int(log.iteration[-1])
        schedule = next(iter(config.schedules(ngpus).values()))
        for milestone in schedule.milestones(0, 2 * last):
            if milestone != change:
                yield milestone - change


def _differences(found: Inference, config: Config) -> str:
    """What was inferred beside what the config says, without what the log leaves open."""
    given = trainer_of(config).logs().values(config)
    keys = [key for key in found.values if found.values[key] != given.get(key) and key not in found.open]
    return ", ".join(f"{key}={found.values[key]} (given: {given.get(key, 'none')})" for key in keys)
