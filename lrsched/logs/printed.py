"""Rates as a trainer would print them, beside those that it printed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrsched.log import Integers, Log
from lrsched.schedule import LAST_ITERATION
from lrsched.trainers.darknet import Dialect, Net, Random
from lrsched.trainers.darknet.arithmetic import Singles
from lrsched.trainers.darknet.clock import SYNC_INTERVAL
from lrsched.trainers.darknet.log.digits import Floats
from lrsched.trainers.darknet.policies import BurnIn

__all__ = ["Flags", "Observed", "printed_units", "rate_at"]

Flags = NDArray[np.bool_]

SAMPLE = 256
"""So many records are looked at before all of them are."""


def rate_at(iterations: Integers, ngpus: int, dialect: Dialect, burn_in: int = 0) -> Integers:
    """The iteration whose rate stands in the line of each printed iteration.

    >>> from lrsched.trainers.darknet import ALEXEYAB
    >>> rate_at(np.array([402, 404, 406]), 2, ALEXEYAB).tolist()
    [402, 408, 406]
    """
    if ngpus == 1 or not dialect.iteration_counts_gpus:
        return iterations
    synced = iterations % SYNC_INTERVAL == 0
    if dialect.burn_in_on_one_gpu:
        synced &= iterations > burn_in
    return np.where(synced, iterations + SYNC_INTERVAL * (ngpus - 1), iterations)


def printed_units(rates: Singles, decimals: NDArray[np.uint8] | int) -> Floats:
    """Rates as whole numbers of the last decimal that is printed, rounded as C's ``%f`` does.

    A float32 has 24 binary digits and ten to the eighth 19 beside its powers of two, so the product is exact.

    >>> printed_units(np.float32([0.0005, 2.5e-6, 3.5e-6]), 6).tolist()
    [500.0, 2.0, 4.0]
    """
    with np.errstate(all="ignore"):
        units: Floats = np.rint(np.asarray(rates, np.float64) * 10.0 ** np.asarray(decimals, np.float64))
    return units


@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """The rates of a log, or of a part of it.

    Attributes:
        iteration: as printed.
        units: the rate in units of its last decimal, a whole number.
        decimals: how many decimals were printed.
    """

    iteration: Integers
    units: Floats
    decimals: NDArray[np.uint8]

    @classmethod
    def of(cls, log: Log) -> Observed:
        """What a log says of the rate."""
        return cls(
            iteration=log.iteration.astype(np.int64),
            units=printed_units(log.rate, log.rate_decimals),
            decimals=log.rate_decimals,
        )

    def __len__(self) -> int:
        return len(self.iteration)

    def part(self, which: slice | Flags | Integers) -> Observed:
        """Some of the records."""
        return Observed(iteration=self.iteration[which], units=self.units[which], decimals=self.decimals[which])

    def sample(self, most: int = SAMPLE) -> Observed:
        """Records spread evenly, the first and the last among them."""
        if len(self) <= most:
            return self
        return self.part(np.linspace(0, len(self) - 1, most).astype(np.int64))

    @property
    def low(self) -> Floats:
        """The smallest rate that is printed so."""
        return (self.units - 0.5) / 10.0**self.decimals

    @property
    def high(self) -> Floats:
        """The largest rate that is printed so."""
        return (self.units + 0.5) / 10.0**self.decimals

    def at(self, net: Net, ngpus: int, shift: int = 0) -> Integers:
        """The iteration whose rate each record shows."""
        return rate_at(self.iteration + shift, ngpus, net.dialect, net.burn_in)

    def planned(self, net: Net, ngpus: int = 1, shift: int = 0) -> Singles:
        """The rate of each record by a cfg, exactly; NaN where an iteration cannot be."""
        at = self.at(net, ngpus, shift)
        possible = (at >= 0) & (at <= LAST_ITERATION)
        rates = np.full(len(self), np.nan, np.float32)
        rates[possible] = net.schedule(ngpus)(at[possible])
        return rates

    def matches(self, net: Net, ngpus: int = 1, shift: int = 0) -> Flags:
        """Which records show the rate of a cfg.

        Args:
            net: the cfg.
            ngpus: number of GPUs.
            shift: added to every printed iteration before.
        """
        low = high = self.planned(net, ngpus, shift)
        schedule = net.schedule(ngpus)
        policy = schedule.policy if isinstance(schedule, BurnIn) else schedule
        if isinstance(policy, Random):
            drawn = self.at(net, ngpus, shift) >= (schedule.end if isinstance(schedule, BurnIn) else 0)
            ends = sorted(policy.band())
            low, high = np.where(drawn, ends[0], low), np.where(drawn, ends[1], high)
        if net.dialect.arithmetic.single:
            # these are built with -Ofast: a rate may be one unit in the last place off
            low, high = np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))
        below, above = printed_units(low, self.decimals), printed_units(high, self.decimals)
        answer: Flags = ((below <= self.units) & (self.units <= above)) | (np.isnan(low) & np.isnan(self.units))
        return answer

    def explained_by(self, net: Net, ngpus: int = 1, shift: int = 0) -> bool:
        """Whether every record shows the rate of a cfg; a cfg that no trainer runs explains nothing."""
        try:
            return bool(self.sample().matches(net, ngpus, shift).all() and self.matches(net, ngpus, shift).all())
        except (ValueError, OverflowError):
            return False
