"""Units of time: ``"3ep"``, ``"10%"``, ``"2000it"`` and plain whole numbers, as iterations.

The arithmetic is exact, with fractions. What falls between two iterations goes to the nearer one, a half to the later.
"""

import math
import operator
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from lrsched.schedule import LAST_ITERATION

__all__ = ["EpochClock", "Time", "half_up", "resolve", "whole"]

Time: TypeAlias = int | str
"""A number of iterations, or text: ``"2000it"``, ``"3ep"``, ``"10%"``."""

_TEXT = re.compile(r"\s*([0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})\s*(it|ep|%)\s*")


@dataclass(frozen=True, kw_only=True)
class EpochClock:
    """What units of time are measured by.

    >>> clock = EpochClock(iterations_per_epoch=500, horizon=45_000)
    >>> clock.iterations("3ep"), clock.iterations("10%"), clock.iterations("0.5ep"), clock.iterations(7)
    (1500, 4500, 250, 7)

    Attributes:
        iterations_per_epoch: iterations in which every image is seen once, or None when epochs are not used.
        horizon: the last iteration of the run, of which ``%`` is a share, or None when shares are not used.

    Raises:
        TypeError: for a float or a bool.
        ValueError: for an epoch or a run of less than one iteration.
    """

    iterations_per_epoch: int | None = None
    horizon: int | None = None

    def __post_init__(self) -> None:
        for name in ("iterations_per_epoch", "horizon"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, whole(f"EpochClock: {name}", given, low=1))

    def iterations(self, time: Time) -> int:
        """``time`` in iterations, rounded to the nearest whole one, halves up.

        Raises:
            TypeError: for a float, a bool or anything else that is neither a whole number nor text.
            ValueError: for text in another form, or in a unit this clock cannot measure.
        """
        if not isinstance(time, str):
            return whole("a time", time)
        match = _TEXT.fullmatch(time)
        if match is None:
            raise ValueError(f'a time must look like "2000it", "3ep", "10%" or 2000, got {time!r}')
        number, unit = Fraction(match[1].rstrip(".")), match[2]
        return whole(f"the time {time!r}", half_up(number * self._unit(unit, number, time)))

    def _unit(self, unit: str, number: Fraction, time: str) -> Fraction:
        if unit == "it":
            if number.denominator != 1:
                raise ValueError(f"the time {time!r} is not a whole number of iterations")
            return Fraction(1)
        if unit == "ep":
            if self.iterations_per_epoch is None:
                raise ValueError(f"the time {time!r} is in epochs; say how long one is with iterations_per_epoch=...")
            return Fraction(self.iterations_per_epoch)
        if self.horizon is None:
            raise ValueError(f"the time {time!r} is a share of the run; say how long that is with horizon=...")
        if number > 100:
            raise ValueError(f"the time {time!r} lies past the end; a share of the run is at most 100%")
        return Fraction(self.horizon, 100)


def resolve(time: Time, *, horizon: Time | None = None, iterations_per_epoch: int | None = None) -> int:
    """A time in iterations, rounded to the nearest whole one, halves up.

    >>> resolve("3ep", iterations_per_epoch=1250), resolve("2000it"), resolve("12.5%", horizon=500)
    (3750, 2000, 63)

    Args:
        time: iterations (2000 or ``"2000it"``), epochs (``"3ep"``) or a share of the run (``"10%"``).
        horizon: the last iteration of the run, itself in iterations or epochs; needed for ``%``.
        iterations_per_epoch: iterations in which every image is seen once; needed for ``ep``.

    Raises:
        TypeError: for a float, a bool or anything else that is neither a whole number nor text.
        ValueError: for text in another form, or in a unit that nothing was given to measure by.
    """
    clock = EpochClock(iterations_per_epoch=iterations_per_epoch)
    end = None if horizon is None else clock.iterations(horizon)
    return EpochClock(iterations_per_epoch=iterations_per_epoch, horizon=end).iterations(time)


def half_up(number: Fraction) -> int:
    """The nearest whole number, the larger one when two are equally near.

    >>> half_up(Fraction(5, 2)), half_up(Fraction(-5, 2)), half_up(Fraction(7, 3))
    (3, -2, 2)
    """
    return math.floor(number + Fraction(1, 2))


def whole(name: str, value: Any, *, low: int = 0, high: int = LAST_ITERATION) -> int:
    """``value`` as a plain int from ``low`` to ``high``.

    Raises:
        TypeError: for a float, a bool or anything else that is not a whole number.
        ValueError: when it lies outside.
    """
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None
    if not low <= number <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {number}")
    return number
