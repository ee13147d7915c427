"""Which numbers are simple, and what rounded ones may have been: people write 3e-4, not 0.00029999871."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lrsched.fitting.solving import Band

__all__ = ["LONGEST", "SLACK", "cost", "digits", "few", "is_loose", "near", "roundest", "roundness"]
__all__ += ["short_decimal", "whole_numbers"]

SLACK = 1e-6  # relative room around every bound: rates are float32 numbers
LONGEST = 10_000_000  # no whole number above this is offered
WIDE = 8  # numbers between such that differ by this factor are spread in equal factors
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


def cost(parameters: Mapping[str, Any], unusual: int = 0) -> int:
    """How much has to be said to name a curve: the digits of its rates, its times, and what is unusual about it.

    >>> cost({"peak": 3e-4, "warmup": 100, "horizon": 5000, "final": 3e-5})
    5
    """
    peak, steps = parameters.get("peak") or 1.0, parameters.get("warmup", -9)
    total = 2 * unusual
    for name, value in parameters.items():
        if name in ("peak", "slope", "factor"):
            total += digits(value)
        elif name == "initial" and value and round(peak / value, 6) in (steps, steps + 1):
            total += 1  # the warm-up is counted from 1
        elif name in ("final", "initial") and value:
            total += 1 + min(digits(value), digits(value / peak), digits(peak / value))
        elif name in ("warmup", "horizon", "every"):
            total += int(value > 0)
        elif name in ("decay", "power", "cycles", "rise"):
            total += 2
        elif name == "milestones":
            total += (len(value) + 1) // 2
        elif name == "steps":
            total += 2 * len(value)
    return total


def roundness(number: float) -> int:
    """How many zeros a number ends with; 0 itself is the roundest."""
    number = round(number)
    return len(str(number)) - len(str(number).rstrip("0")) if number else 20


def roundest(low: int, high: int) -> int:
    """The number from ``low`` to ``high`` that ends with the most zeros.

    >>> roundest(1981, 2019), roundest(7, 9)
    (2000, 7)
    """
    size = 1
    while -(-low // (size * 10)) * size * 10 <= high:
        size *= 10
    return -(-low // size) * size


def near(at: float) -> tuple[int, ...]:
    """The whole number at a place, and its neighbours."""
    middle = round(at)
    return (middle, middle - 1, middle + 1)  # likeliest first


def few(band: Band, most: int) -> list[int]:
    """The whole numbers of a band, not below 0, and those near the best; at most so many, the roundest among them."""
    first, last = max(math.ceil(band.low), 0), math.floor(min(band.high, 1e10))
    found = dict.fromkeys(one for one in near(band.best) if one >= 0)
    if last - first < most:
        return list(found | dict.fromkeys(range(first, last + 1)))
    wide = last > WIDE * max(first, 1)
    spread = (np.geomspace(max(first, 1), last, most // 2) if wide else np.linspace(first, last, most // 2)).round()
    size = 10 ** int(np.log10(max((last - first) / (most / 2), 1)) + 1)
    rounds = range(-(-first // size) * size, last + 1, size)
    return list(found | dict.fromkeys([*rounds, *map(int, spread)]))
