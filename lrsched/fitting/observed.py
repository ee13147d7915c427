"""The rates of a log as they were observed: a step, a rate and the rounding of the print, each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import Floats, Iterations

__all__ = ["Observed", "printed_slack", "sampled", "slopes"]

# rates that are printed with all their digits may differ by this share: frameworks multiply them up step by step
EXACT = 1e-9


def printed_slack(rates: Any, *, digits: int | None = None, decimals: Any = None) -> Floats:
    """Half a unit of the last printed place: of so many significant ``digits``, or ``decimals`` (of all, or of each).

    >>> printed_slack([0.00123], digits=3).tolist(), printed_slack([0.00123], decimals=5).tolist()
    ([5.05e-06], [5.050000000000001e-06])
    """
    sizes = np.abs(np.asarray(rates, np.float64))
    if decimals is not None:
        return np.full(sizes.shape, 0.505 * 10.0 ** -np.asarray(decimals, np.float64))
    if digits is None:
        # 1 + cos loses what stands below the last digit of 1
        exact: Floats = EXACT * sizes + 4e-16 * sizes.max(initial=0.0)
        return exact
    with np.errstate(divide="ignore"):
        place = np.floor(np.log10(np.where(sizes > 0, sizes, 1.0))) - digits + 1
    slack: Floats = np.where(sizes > 0, 0.505 * 10.0**place, 0.0)
    return slack


@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """The rates of a run as its log shows them."""

    step: Iterations  # as logged
    rate: Floats
    slack: Floats  # by which a rate may differ from the one printed
    epoch: Iterations | None = None  # whole epochs, counted from 0, where the log has them
    horizon: int | None = None  # the number of steps that the trainer itself writes beside the rates

    def __len__(self) -> int:
        return len(self.step)

    @property
    def low(self) -> Floats:
        """The lowest that each rate may have been."""
        return self.rate - self.slack

    @property
    def high(self) -> Floats:
        """The highest that each rate may have been."""
        return self.rate + self.slack

    @property
    def exact(self) -> bool:
        """Whether the rates are printed with all their digits."""
        return bool((self.slack <= 1e-8 * self.rate.max(initial=0.0)).all())

    def rows(self, which: Any) -> Self:
        """Some of the rows."""
        columns = {name: column[which] for name, column in vars(self).items() if isinstance(column, np.ndarray)}
        return replace(self, **columns)

    def sample(self, most: int, *around: int) -> Self:
        """At most so many of the rows, and those near the given ones; see :func:`sampled`."""
        return self.rows(sampled(len(self), most, *around))

    @property
    def rises(self) -> Iterations:
        """The rows after which the rate rises."""
        return np.flatnonzero(np.diff(self.rate) > self.slack[1:] + self.slack[:-1])

    @property
    def changes(self) -> Iterations:
        """The rows after which the rate is another one."""
        return np.flatnonzero(np.abs(np.diff(self.rate)) > self.slack[1:] + self.slack[:-1])

    def differs(self, row: int) -> NDArray[np.bool_]:
        """Which rows have another rate than that one."""
        other: NDArray[np.bool_] = np.abs(self.rate - self.rate[row]) > self.slack + self.slack[row]
        return other

    def changing(self) -> Self:
        """The first and the last row of each stretch that is printed alike; they tell all about a curve."""
        new = np.diff(self.rate) != 0
        return self.rows(np.append(True, new) | np.append(new, True))

    def matches(self, rates: Any) -> NDArray[np.bool_]:
        """Which rows a rate each explains."""
        tried = np.asarray(rates, np.float64)
        close: NDArray[np.bool_] = np.abs(tried - self.rate) <= self.slack
        return close | (np.isnan(tried) & np.isnan(self.rate))


def slopes(x: NDArray[Any], low: Floats, high: Floats, begin: float = 0.0) -> tuple[float, float] | None:
    """The least and the greatest slope of a straight line that begins so and lies within bounds everywhere, or None.

    >>> slopes(np.array([1.0, 2.0]), np.array([0.9, 2.1]), np.array([1.5, 2.5]))
    (1.05, 1.25)
    """
    with np.errstate(all="ignore"):
        least = float(np.nanmax((low - begin) / x, initial=-np.inf))
        most = float(np.nanmin((high - begin) / x, initial=np.inf))
    return (least, most) if least <= most and np.inf not in (least, -most) else None


def sampled(count: int, most: int, *around: int) -> NDArray[np.int64]:
    """At most so many of ``count`` rows, spread over all, and those near the given ones."""
    spread = np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)
    close = [at + by for at in around for by in (-2, -1, 0, 1, 2) if 0 <= at + by < count]
    return np.unique(np.concatenate([spread, np.array(close, np.int64)]))
