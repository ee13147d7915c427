"""The rates that a log shows, compared with those that a config would have printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.log import Floats, Integers, Log
from lrsched.trainers import Config, trainer_of

__all__ = ["PrintedRates", "printed_units"]

SAMPLE = 256
"""So many records are looked at before all of them are."""


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

    def matches(self, config: Config, ngpus: int = 1, shift: int = 0) -> NDArray[np.bool_]:
        """Which records show the rate of a config, to the last printed decimal, ``shift`` iterations later."""
        low, high = trainer_of(config).logs().rates(config, self.iteration + shift, ngpus)
        below, above = printed_units(low, self.decimals), printed_units(high, self.decimals)
        found: NDArray[np.bool_] = (below <= self.units) & (self.units <= above)
        return found | (np.isnan(low) & np.isnan(self.units))

    def explained_by(self, config: Config, ngpus: int = 1, shift: int = 0) -> bool:
        """Whether every record shows the rate of a config; one that no trainer runs explains nothing."""
        try:
            return bool(self.sample().matches(config, ngpus, shift).all() and self.matches(config, ngpus, shift).all())
        except (ValueError, OverflowError):
            return False
