"""Which numbers are simple: people write 3e-4, not 0.00029999871."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lrsched.bounds import digits
from lrsched.fitting.solving import Band

__all__ = ["cost", "few", "near", "roundest", "roundness", "simplest"]


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


def simplest(value: float, matches: Callable[[float], int], close: float = 2e-3) -> float:
    """The number with the fewest digits near a value that explains most rows."""
    tried = [value]
    for places in range(12):
        rounded = float(f"{value:.{places}e}")
        if rounded and abs(rounded - value) <= close * abs(value):
            tried.append(rounded)
    counts = [matches(one) for one in tried]
    plain = [one for one, count in zip(tried[1:], counts[1:], strict=True) if count == max(counts)]
    return plain[0] if plain else value


def roundness(number: int) -> int:
    """How many zeros a number ends with; 0 itself is the roundest."""
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
    spread = np.linspace(first, last, most // 2).round()
    size = 10 ** int(np.log10(max((last - first) / (most / 2), 1)) + 1)
    rounds = range(-(-first // size) * size, last + 1, size)
    return list(found | dict.fromkeys([*rounds, *map(int, spread)]))
