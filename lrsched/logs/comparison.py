"""audit(): the rates that a log shows compared with those that a config plans, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lrsched.log import Floats, Integers, Log, LogError
from lrsched.logs.inference import PrintedRates, infer
from lrsched.logs.joining import part
from lrsched.trainers import Config, trainer_of

__all__ = ["Audit", "Mismatches", "audit"]

SHOWN = 3
"""So many mismatches are shown one by one."""


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

    ``ngpus`` is detected when it is None.

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
    trainer = trainer_of(config).logs()
    for other, count, sentence in trainer.readings(config, ngpus):
        if (count == ngpus or not any(trainer.contradictions(other, log, count))) and printed.explained_by(
            other, count
        ):
            yield sentence
    found, given = infer(log), trainer.values(config)
    keys = [key for key in found.values if found.values[key] != given.get(key) and key not in found.open]
    if not (found.complete and keys):
        return
    with suppress(ValueError):  # a config that cannot be written so explains nothing
        other = config.with_values({key: getattr(found.config, key) for key in keys})
        if printed.explained_by(other, ngpus):
            differences = (f"{key}={found.values[key]} (given: {given.get(key, 'none')})" for key in keys)
            yield f"The log is of another cfg: {', '.join(differences)}."
