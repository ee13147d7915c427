"""Units of time: ``"3 epochs"``, ``"10%"``, ``"2k"``, ``"600k images"`` and plain whole numbers, as iterations.

The arithmetic is exact, with fractions. What falls between two iterations goes to the nearer one, a half to the later.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, TypeAlias

from lrsched.numbers import LAST_ITERATION, whole
from lrsched.schedule import Param, declared

__all__ = ["Time", "Units", "half_up", "share"]

Time: TypeAlias = int | str
"""A number of iterations, or text: ``"2000"``, ``"2k it"``, ``"3 epochs"``, ``"10%"``, ``"600k images"``."""

NUMBER = r"\s*([0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})\s*"
_TIME = re.compile(NUMBER + r"([kM]?)\s*(|its?|iterations?|ep|epochs?|images?|%)\s*")
_SHARE = re.compile(NUMBER + "%\\s*")
_SIZES = {"": 1, "k": 1_000, "M": 1_000_000}

Length: TypeAlias = Annotated[int | None, Param("iterations, or images", 1, LAST_ITERATION, (1, 100_000))]


@dataclass(frozen=True, kw_only=True)
class Units:
    """What turns a time into iterations.

    >>> units = Units(iterations_per_epoch=500, batch=64, horizon=45_000)
    >>> [units(time) for time in ("3 epochs", "0.5ep", "10%", "64k images", "2k", 7)]
    [1500, 250, 4500, 1000, 2000, 7]

    Attributes:
        iterations_per_epoch: iterations in which every image is seen once; needed for epochs.
        batch: images per iteration; needed for images.
        horizon: the last iteration of the run; needed for ``%``, its share.

    Raises:
        TypeError: for a float or a bool.
        ValueError: for less than one iteration or image.
    """

    iterations_per_epoch: Length = None
    batch: Length = None
    horizon: Length = None

    def __post_init__(self) -> None:
        declared(self)

    def __call__(self, time: Time) -> int:
        """``time`` in iterations, rounded to the nearest whole one, halves up.

        Raises:
            TypeError: for a float, a bool or anything else that is neither a whole number nor text.
            ValueError: for text in another form, or in a unit that nothing was given to measure by.
        """
        if not isinstance(time, str):
            return whole("a time", time)
        match = _TIME.fullmatch(time)
        if match is None:
            raise ValueError(f'a time must look like 2000, "2k", "3 epochs", "10%" or "600k images", got {time!r}')
        number = Fraction(match[1].rstrip(".")) * _SIZES[match[2]]
        return whole(f"the time {time!r}", half_up(number * self._iterations_in(match[3], number, time)))

    def _iterations_in(self, unit: str, number: Fraction, time: str) -> Fraction:
        """How many iterations one ``unit`` is."""
        if unit.startswith("ep"):
            return self._known(time, "iterations_per_epoch")
        if unit.startswith("image"):
            return 1 / self._known(time, "batch")
        if unit == "%":
            if number > 100:
                raise ValueError(f"the time {time!r} lies past the end; a share of the run is at most 100%")
            return self._known(time, "horizon") / 100
        if number.denominator != 1:
            raise ValueError(f"the time {time!r} is not a whole number of iterations")
        return Fraction(1)

    def _known(self, time: str, name: str) -> Fraction:
        value = getattr(self, name)
        if value is None:
            raise ValueError(f"the time {time!r} needs {name}; write Units({name}=...)({time!r})")
        return Fraction(value)


def share(name: str, text: str, whole_rate: float) -> float:
    """A rate given as a share of another one, such as ``"1%"``.

    >>> share("final", "1%", 0.1)
    0.001

    Raises:
        ValueError: for text in another form.
    """
    match = _SHARE.fullmatch(text)
    if match is None:
        raise ValueError(f'{name} must be a number or a share of the peak such as "1%", got {text!r}')
    return float(Fraction(match[1].rstrip(".")) * Fraction(repr(whole_rate)) / 100)


def half_up(number: Fraction | float) -> int:
    """The nearest whole number, the larger one when two are equally near.

    >>> half_up(Fraction(5, 2)), half_up(Fraction(-5, 2)), half_up(Fraction(7, 3))
    (3, -2, 2)
    """
    return math.floor(Fraction(number) + Fraction(1, 2))
