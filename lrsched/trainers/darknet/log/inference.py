"""infer(): the cfg that explains the rates of a log, the simplest one."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.log import Floats, Integers, Log, part
from lrsched.logged import Inference
from lrsched.trainers.darknet.log.explanations import Explanation, explanations, net_values, printed_rates
from lrsched.trainers.darknet.net import Net

__all__ = ["PrintedRates", "infer", "printed_units"]

SAMPLE = 256
"""So many records are looked at before all of them are."""

MOST_TRIES = 4000
"""So many explanations are compared with the log."""

SHORTEST = 100
"""The beginning of a log is explained by itself only where it has so many records."""

PLAIN = 8
"""A beginning is only explained by what takes few words."""

LEAVES = 0.05
"""By this share of the rate, and two printed units, a curve is left where it no longer explains a log."""


def printed_units(rates: Any, decimals: Any) -> Floats:
    """Rates as whole numbers of the last decimal that is printed, rounded as C's ``%f`` does.

    A float32 has 24 binary digits and ten to the eighth 19 beside its powers of two, so the product is exact.

    >>> printed_units(np.float32([0.0005, 2.5e-6, 3.5e-6]), 6).tolist()
    [500.0, 2.0, 4.0]
    """
    with np.errstate(all="ignore"):
        units: Floats = np.rint(np.asarray(rates, np.float64) * 10.0 ** np.asarray(decimals, np.float64))
    return units


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedRates:
    """The rates of some records: ``units`` of the last of ``decimals`` decimals, at an ``iteration`` each."""

    iteration: Integers
    units: Floats
    decimals: Integers

    @classmethod
    def of(cls, log: Log) -> PrintedRates:
        """The rates of all records."""
        return cls(
            iteration=log.iteration, units=printed_units(log.rate, log.rate_decimals), decimals=log.rate_decimals
        )

    def __len__(self) -> int:
        return len(self.iteration)

    def sample(self, most: int = SAMPLE) -> PrintedRates:
        """Records spread evenly, the first and the last among them."""
        if len(self) <= most:
            return self
        rows = np.linspace(0, len(self) - 1, most).astype(np.int64)
        return PrintedRates(iteration=self.iteration[rows], units=self.units[rows], decimals=self.decimals[rows])

    def shifted(self, by: int) -> PrintedRates:
        """The same rates so many iterations later."""
        return replace(self, iteration=self.iteration + by)

    def matches(self, config: Net, ngpus: int = 1) -> NDArray[np.bool_]:
        """Which records show the rate of a config, to the last printed decimal."""
        low, high = printed_rates(config, self.iteration, ngpus)
        below, above = printed_units(low, self.decimals), printed_units(high, self.decimals)
        found: NDArray[np.bool_] = (below <= self.units) & (self.units <= above)
        return found | (np.isnan(low) & np.isnan(self.units))

    def explained_by(self, config: Net, ngpus: int = 1) -> bool:
        """Whether every record shows the rate of a config; one that no trainer runs explains nothing."""
        try:
            return bool(self.sample().matches(config, ngpus).all() and self.matches(config, ngpus).all())
        except (ValueError, OverflowError):
            return False


def infer(log: Log) -> Inference:
    """Find the simplest config that explains the rates of a log, and what the log leaves open.

    Every explanation is evaluated exactly against every record. Where none explains all of them, the longest beginning
    of the log that one explains is reported.
    """
    found, length = _simplest(log), len(log)
    if not found:
        found, length = _longest_beginning(log)
    if not found:
        return Inference(total=len(log))
    best, *others = found
    open_keys = dict(best.open)
    if others and "policy" not in open_keys:
        names = " and ".join(dict.fromkeys(other.family for other in others))
        open_keys["policy"] = f"{names} explain{'s' if len(others) == 1 else ''} these records as well"
    values = net_values(best.config)
    return Inference(
        schedule=best.config.schedule(best.ngpus),
        family=best.family,
        parameters={key: getattr(best.config, key) for key in values},
        config=best.config,
        values=values,
        ngpus=best.ngpus,
        matched=length,
        total=len(log),
        last=int(log.iteration[length - 1]),
        open=open_keys,
    )


def _simplest(log: Log, most: float = math.inf) -> list[Explanation]:
    """The simplest explanation of each family that explains every record, the simplest first; none costs more."""
    printed = PrintedRates.of(log)
    found: dict[str, Explanation] = {}
    ngpus: int | None = None
    for tried in itertools.islice(explanations(log), MOST_TRIES):
        if found and tried.ngpus != ngpus:
            break
        ngpus = tried.ngpus
        known = found.get(tried.family)
        least = most if known is None else min(most, known.cost - 1)
        if tried.cost <= least and printed.explained_by(tried.config, tried.ngpus):
            found[tried.family] = tried
    return sorted(found.values(), key=lambda explanation: explanation.cost)


def _longest_beginning(log: Log) -> tuple[list[Explanation], int]:
    """What explains the longest beginning of a log, and how many records that has.

    Anything fits a piece that is cut to it: a curve is only believed where the rate then leaves it at once.
    """
    found: list[Explanation] = []
    good, bad = 0, len(log)
    while bad - good > max(len(log) // 1000, 1):
        middle = (good + bad) // 2
        simplest = _simplest(part(log, 0, middle), PLAIN) if middle >= SHORTEST else []
        found, good, bad = (simplest, middle, bad) if simplest else (found, good, middle)
    if not found:
        return [], 0
    best, printed = found[0], PrintedRates.of(log)
    length = int((~printed.matches(best.config, best.ngpus)).argmax())
    planned = printed_rates(best.config, log.iteration[length : length + 1], best.ngpus)[0]
    units = float(printed_units(planned, log.rate_decimals[length])[0])
    leaves = abs(units - printed.units[length]) > max(LEAVES * units, 2)
    return (found, length) if leaves or "policy" in best.open else ([], 0)
