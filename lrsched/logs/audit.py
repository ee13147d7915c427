"""audit(): the rates that a log shows against those that a cfg plans, record by record, and what explains the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from lrsched.log import MOST_GPUS, Integers, Log, LogError
from lrsched.logs.causes import Cause, find_causes
from lrsched.logs.printed import Observed
from lrsched.trainers.darknet import Net
from lrsched.trainers.darknet.log.digits import Floats

__all__ = ["Audit", "Cause", "Mismatches", "audit"]

SHOWN = 3
"""So many mismatches are told one by one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Mismatches:
    """The records that do not show the planned rate; one element of every array per record.

    Attributes:
        record: its number in the log, from 0.
        iteration: as printed.
        logged: the rate that the log shows.
        planned: the exact rate of the cfg.
    """

    record: Integers
    iteration: Integers
    logged: Floats
    planned: Floats

    def __len__(self) -> int:
        return len(self.record)


@dataclass(frozen=True, kw_only=True, eq=False)
class Audit:
    """What became of a planned rate.

    Attributes:
        matched: records that show the planned rate, to the last printed decimal.
        total: records of the log.
        ngpus: the number of GPUs that was reckoned with.
        mismatches: the records that do not match.
        causes: what explains all of them, the simplest first.
        planned: the planned rate of every record.
        source: the log.
    """

    matched: int
    total: int
    ngpus: int
    mismatches: Mismatches
    causes: tuple[Cause, ...]
    planned: Floats = field(repr=False)
    source: str = "<log>"

    @property
    def ok(self) -> bool:
        """Whether every record shows the planned rate."""
        return self.matched == self.total

    @property
    def explained(self) -> bool:
        """Whether nothing is left that no cause explains."""
        return self.ok or any(cause.code != "cleared" or cause.changes for cause in self.causes)

    @property
    def changes(self) -> Mapping[str, object]:
        """The values that the simplest cause puts in place of the planned ones."""
        return next((cause.changes for cause in self.causes if cause.changes), {})

    def __str__(self) -> str:
        on = f" on {self.ngpus} GPUs" if self.ngpus > 1 else ""
        if self.ok:
            told = [f"All {self.total} records show the planned rate{on}."]
        else:
            first = int(self.mismatches.iteration[0])
            because = "" if self.explained else " No single cause explains the others."
            told = [
                f"{self.matched} of {self.total} records show the planned rate{on}; "
                f"the first that does not is iteration {first}.{because}"
            ]
        told += [f"- {cause}" for cause in self.causes]
        wrong = self.mismatches
        for number in range(min(len(wrong), SHOWN)):
            told.append(
                f"  iteration {wrong.iteration[number]}: logged {wrong.logged[number]:g}, "
                f"planned {wrong.planned[number]:.8g}"
            )
        if len(wrong) > SHOWN:
            told.append(f"  and {len(wrong) - SHOWN} more")
        return "\n".join(told)


def audit(log: Log, net: Net, ngpus: int | None = None) -> Audit:
    """Hold the rates that a log shows against those that a cfg plans, at the precision that was printed.

    Args:
        log: what the trainer printed.
        net: the cfg, as the fork that trained reads it.
        ngpus: the number of GPUs; taken from the images per iteration and the printed learning rate when None.

    Raises:
        LogError: when the log has no records.
        CfgError: for numbers with which the trainer crashes or hangs.
        TypeError, ValueError: for a number of GPUs that is not a whole number of at least 1.
    """
    if not len(log):
        raise LogError(f"{log.source}: there is no record to compare; give a log with rates.")
    observed = Observed.of(log)
    candidates = [ngpus] if ngpus is not None else list(dict.fromkeys([*_likely_gpus(log, net), 1]))
    tried = [(observed.matches(net, count), count) for count in candidates]
    good, used = max(tried, key=lambda one: int(one[0].sum()))
    planned = observed.planned(net, used)
    wrong = np.flatnonzero(~good)
    return Audit(
        matched=int(good.sum()),
        total=len(observed),
        ngpus=used,
        mismatches=Mismatches(
            record=wrong, iteration=observed.iteration[wrong], logged=log.rate[wrong], planned=planned[wrong]
        ),
        causes=find_causes(log, observed, net, used, good),
        planned=planned,
        source=log.source,
    )


def _likely_gpus(log: Log, net: Net) -> Iterator[int]:
    """Numbers of GPUs that the log itself tells of, the surest first."""
    known = ~np.isnan(log.images) & (log.iteration > 0)
    if known.any() and net.effective_batch > 0:
        each = float((log.images[known] / log.iteration[known]).max()) / net.effective_batch
        if each == int(each) and 1 <= each <= MOST_GPUS:
            yield int(each)
    for header in log.headers:
        printed = float(header.learning_rate) if header.learning_rate else math.nan
        factor = printed / net.learning_rate if net.learning_rate else math.nan
        if net.dialect.gpus_multiply_rate and 1 <= factor <= MOST_GPUS + 0.5 and abs(factor - round(factor)) < 1e-4:
            yield round(factor)
