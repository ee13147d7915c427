"""What rounded numbers may have been: decimals and whole numbers between bounds, the simplest first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

__all__ = ["LONGEST", "SLACK", "digits", "is_loose", "short_decimal", "whole_numbers"]

SLACK = 1e-6
"""Relative room around every bound: rates are float32 numbers."""

LONGEST = 10_000_000
"""No whole number above this is offered."""

ROUND = tuple(factor * 10**zeros for zeros in range(6, -1, -1) for factor in (5, 2, 1))


def short_decimal(low: float, high: float) -> float:
    """The decimal with the fewest digits in ``low..high``.

    >>> short_decimal(0.0026095, 0.0026105), short_decimal(0.0995, 0.1005)
    (0.00261, 0.1)
    """
    middle = (low + high) / 2
    decimals = (float(f"{middle:.{digits}e}") for digits in range(15))
    return next((short for short in decimals if low <= short <= high), middle)


def digits(number: float) -> int:
    """How many significant digits a number has, to twelve.

    >>> digits(3e-4), digits(0.00261), digits(4000), digits(0.0)
    (1, 3, 1, 0)
    """
    return len(f"{number:.11e}".split("e")[0].lstrip("-").rstrip("0").replace(".", "")) if number else 0


def is_loose(chosen: float, low: float, high: float) -> bool:
    """Whether between the bounds lie other decimals with one digit more than the one that was chosen."""
    if not chosen or not high < math.inf:
        return True
    unit = 10.0 ** (math.floor(math.log10(abs(chosen))) - digits(chosen))
    return math.floor(high / unit + SLACK) > math.ceil(low / unit - SLACK)


def whole_numbers(low: float, high: float, most: int = 8) -> Iterator[int]:
    """Whole numbers in ``low..high``, the roundest first; so many of each roundness.

    >>> list(itertools.islice(whole_numbers(997.2, 1003.1), 3))
    [1000, 998, 1002]
    """
    if not low <= high:
        return
    first, last = math.ceil(min(max(low, 1), 2 * LONGEST)), math.floor(min(high, LONGEST))
    rounds = (itertools.islice(range(first + -first % base, last + 1, base), most) for base in ROUND)
    yield from dict.fromkeys(itertools.chain.from_iterable(rounds))
