"""darknet's arithmetic: double functions of float32 numbers, rounded to float32, to the bit and fast.

A trainer calls the C library's ``pow``, ``exp`` and ``cos`` once per iteration. numpy evaluates whole blocks much
faster but may differ from them in the last bits of a double. That matters only where the double lies next to the
border between two float32 numbers: those few are found, and computed again with the C library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.numbers import LAST_ITERATION

__all__ = ["Arithmetic", "Singles", "cosine_rates", "counts_on", "power_rates", "sigmoid_rates", "single"]

Doubles: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[Any]

# bounds on the error of a block's doubles (32 units in the last place; they stay under 8) and of its cosines
RELATIVE_ERROR, COSINE_ERROR = 2.0**-48, 2.0**-47
# what turns a double into the lower bound of the true value, and that into the upper bound
LESS, MORE = 1.0 - RELATIVE_ERROR, 1.0 + 2 * RELATIVE_ERROR
WHOLE_POWERS = range(1, 9)  # exponents for which repeated products replace pow: under 4 units in the last place
FINE = 256  # how many cosines the fine one of two tables holds
SMALL_ARGUMENT = np.float32(-100)  # 1 + exp of all below is 1, and numpy is slow where exp underflows
LARGEST_SINGLE = 2.0**128 - 2.0**104
LARGEST_EXACT = 2**24  # float32 holds every whole number up to here


@dataclass(frozen=True)
class Arithmetic:
    """How a compiled trainer computes its rates.

    Attributes:
        unsigned: the iteration is an unsigned 64-bit number, so what is negative is huge beside it.
        single: ``pow`` and ``exp`` of float32 numbers are the float32 functions, here rounded correctly; those of a
            C library are not always, which puts a rate up to 2 units in the last place beside this one.
        pi: the constant in the cosine of ``sgdr``.
    """

    unsigned: bool = False
    single: bool = False
    pi: float = 3.14159265

    def beside_the_count(self, number: int) -> int:
        """A number as it compares with an iteration: a negative one is past every unsigned one."""
        return LAST_ITERATION + 1 if number < 0 and self.unsigned else number


def single(value: float) -> np.float32:
    """The float32 next to ``value``; what is too large becomes infinity, as in C."""
    if -LARGEST_SINGLE <= value <= LARGEST_SINGLE:
        return np.float32(value)
    with np.errstate(all="ignore"):
        return np.float32(value)


def power_rates(learning_rate: float, base: Any, exponent: Any, arithmetic: Arithmetic = Arithmetic()) -> Singles:
    """``learning_rate * pow(base, exponent)``; one of base and exponent is an array, the other a number."""
    rate = single(learning_rate)
    factor = 1.0 if arithmetic.single else float(rate)
    bases, exponents = np.asarray(base, np.float64), np.asarray(exponent, np.float64)
    powers = _power(bases, exponents)

    def exact(i: int) -> float:
        return factor * math.pow(_at(bases, i), _at(exponents, i))

    rates = _rounded(np.multiply(powers, factor * LESS, out=powers), exact)
    return rates * rate if arithmetic.single else rates


def sigmoid_rates(learning_rate: float, argument: Singles, arithmetic: Arithmetic) -> Singles:
    """``learning_rate * (1 / (1 + exp(argument)))`` for float32 arguments."""
    factor = float(single(learning_rate))
    growth = np.exp(np.maximum(argument, SMALL_ARGUMENT).astype(np.float64))
    if arithmetic.single:
        growth = _rounded(growth * LESS, lambda i: math.exp(float(argument[i]))).astype(np.float64)
        return (factor * (1.0 / (1.0 + growth))).astype(np.float32)
    rates = np.divide(factor * LESS, np.add(growth, 1.0, out=growth), out=growth)
    return _rounded(rates, lambda i: factor * (1.0 / (1.0 + math.exp(float(argument[i])))))


def cosine_rates(
    low: float, high: float, offset: NDArray[np.int64], size: int | NDArray[np.int64], arithmetic: Arithmetic
) -> Singles:
    """``low + 0.5 (high - low) (1 + cos(offset pi / size))``; every offset may have a size of its own."""
    bottom, half = float(single(low)), 0.5 * float(single(high) - single(low))
    wide = offset.astype(np.float32).astype(np.float64)  # the trainer counts in float32

    def exact(i: int) -> float:
        return bottom + half * (1.0 + math.cos(float(wide[i]) * arithmetic.pi / _at(size, i)))

    if counts_on(offset) and isinstance(size, int) and offset[-1] <= LARGEST_EXACT:
        cosines = _cosines(int(offset[0]), offset.size, arithmetic.pi / size)
    else:
        cosines = np.cos(wide * arithmetic.pi / size)
    # infinite rates have no error: what they give is exact, or NaN
    slack = abs(half) * COSINE_ERROR + (abs(bottom) + 2 * abs(half)) * RELATIVE_ERROR
    slack = slack if math.isfinite(slack) else 0.0
    middle = np.multiply(np.add(cosines, 1.0, out=cosines), half, out=cosines)
    lower = np.add(middle, bottom - slack, out=middle)
    return _corrected(lower.astype(np.float32), lower + 2 * slack, exact)


def counts_on(t: NDArray[np.int64]) -> bool:
    """Whether whole numbers follow one another without a gap."""
    return int(t[-1]) - int(t[0]) == t.size - 1 and bool((t[1:] - t[:-1] == 1).all())


def _cosines(first: int, count: int, step: float) -> Doubles:
    """``cos(step t)`` for ``t = first, first + 1, ...``, by the cosine of a sum of two angles: five times faster."""
    coarse = (first + np.arange(0, count, FINE, dtype=np.float64)) * step
    fine = np.arange(FINE, dtype=np.float64) * step
    left = np.array([np.cos(coarse), -np.sin(coarse)])
    right = np.array([np.cos(fine), np.sin(fine)])
    return np.asarray((left.T @ right).reshape(-1)[:count])


def _power(base: Doubles, exponent: Doubles) -> Doubles:
    if exponent.ndim:
        return np.asarray(np.power(np.full(exponent.shape, base), exponent))  # of two arrays: twice as fast
    if exponent not in WHOLE_POWERS:
        powers: Doubles = np.power(base, exponent)
        if exponent == 0.5:
            # numpy takes the root, which C's pow is not at -0.0 and -inf
            powers = np.where(base == -math.inf, math.inf, powers + 0.0)
        return powers
    powers = base.copy()
    for bit in bin(int(exponent))[3:]:
        np.multiply(powers, powers, out=powers)
        if bit == "1":
            np.multiply(powers, base, out=powers)
    return powers


def _rounded(low: Doubles, exact: Callable[[int], float]) -> Singles:
    """Round to float32 what lies between ``low`` and ``low * MORE``; ``low`` is used up."""
    rounded = low.astype(np.float32)
    return _corrected(rounded, np.multiply(low, MORE, out=low), exact)


def _corrected(rounded: Singles, high: Doubles, exact: Callable[[int], float]) -> Singles:
    """Put ``exact(index)`` where the lower bound, already ``rounded``, and ``high`` are not the same float32."""
    apart = rounded.view(np.int32) != high.astype(np.float32).view(np.int32)
    for index in apart.nonzero()[0]:
        rounded[index] = exact(int(index))
    return rounded


def _at(values: Any, i: int) -> float:
    return float(values[i] if np.ndim(values) else values)
