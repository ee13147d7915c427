"""Whether the loss still falls, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lrsched.log import Log
from lrsched.trainers.darknet.log.digits import Floats

__all__ = ["DROP", "Trend", "still_falling"]

BLOCKS = 20
"""The last fifth is cut into so many blocks; what is compared is their medians."""

FEWEST = 100
"""Fewer records than these say nothing about a trend."""

SURE = 0.99
"""A trend counts from this certainty on."""

SMALL_CHANGE = 0.01
"""A change of less than 1 % over the last fifth is none."""

DROP = 1.5
"""A rate that falls by this factor from one record to the next has dropped."""


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Whether the loss still falls.

    Attributes:
        verdict: ``falls``, ``stands``, ``rises`` or ``unknown``.
        change: of the loss over the records looked at, as a share of its median; below 0 where it falls.
        sureness: that there is a trend in this direction at all, from 0.5 to 1.
        first: the first iteration looked at.
        last: the last one.
        records: how many were looked at.
    """

    verdict: str
    change: float
    sureness: float
    first: int
    last: int
    records: int

    def __str__(self) -> str:
        seen = f"iterations {self.first} to {self.last}, {self.records} records"
        if self.verdict == "unknown":
            return f"Whether the loss still falls cannot be told from so little ({seen})."
        evidence = f"{abs(self.change):.1%} {'less' if self.change < 0 else 'more'} over {seen}"
        if self.verdict == "falls":
            return (
                f"The loss still falls ({evidence}; {self.sureness:.1%} sure): more iterations are worth it; "
                f"`lrsched plan CFG --start {self.last} --target N` says which numbers to write."
            )
        if self.verdict == "rises":
            return (
                f"The loss rises ({evidence}; {self.sureness:.1%} sure): more iterations at this rate are not worth it."
            )
        return f"The loss shows no sure trend ({evidence}, but only {self.sureness:.0%} sure)."


def still_falling(log: Log) -> Trend:
    """Whether the loss still falls in the last fifth of the run, or since the last drop of the rate in it.

    The medians of twenty blocks are compared pair by pair (the test of Mann and Kendall); the change is the median
    of the slopes between them (Theil and Sen). Both ask for order only, so that outliers weigh no more than others.
    """
    turns = np.flatnonzero(np.diff(log.iteration) <= 0)
    start = int(turns[-1]) + 1 if turns.size else 0
    begin = start + (len(log) - start) * 4 // 5
    rate = log.rate[begin:]
    drops = np.flatnonzero(rate[:-1] > DROP * rate[1:]) + 1
    if drops.size and len(rate) - drops[-1] >= FEWEST:
        begin += int(drops[-1])
    loss, iteration = log.loss[begin:], log.iteration[begin:]
    finite = np.isfinite(loss)
    loss, iteration = loss[finite], iteration[finite]
    first, last = (int(iteration[0]), int(iteration[-1])) if iteration.size else (0, 0)
    if len(loss) < FEWEST:
        return Trend(verdict="unknown", change=0.0, sureness=0.5, first=first, last=last, records=len(loss))
    blocks = np.array([np.median(block) for block in np.array_split(loss, BLOCKS)])
    change, sureness = _trend(blocks)
    verdict = "stands"
    if sureness >= SURE and abs(change) >= SMALL_CHANGE:
        verdict = "falls" if change < 0 else "rises"
    return Trend(verdict=verdict, change=change, sureness=sureness, first=first, last=last, records=len(loss))


def _trend(values: Floats) -> tuple[float, float]:
    """The change over all values as a share of their median, and how sure its direction is."""
    count = len(values)
    early, late = np.triu_indices(count, 1)
    differences = values[late] - values[early]
    score = float(np.sign(differences).sum())
    ties = np.unique(values, return_counts=True)[1].astype(np.float64)
    spread = (count * (count - 1) * (2 * count + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    deviations = max(abs(score) - 1, 0) / math.sqrt(spread) if spread > 0 else 0.0
    slope = float(np.median(differences / (late - early)))
    middle = float(np.median(np.abs(values)))
    return (slope * (count - 1) / middle if middle else 0.0), 1 - math.erfc(deviations / math.sqrt(2)) / 2
