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

__all__ = [
    "Arithmetic",
    "Doubles",
    "Singles",
    "exp_rates",
    "half_cosine_rates",
    "power_rates",
    "sigmoid_rates",
    "single",
]

Doubles: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[Any]

RELATIVE_ERROR = 2.0**-48
"""Bound on the relative error of a block's doubles: 32 units in the last place; they stay under 8."""

LESS, MORE = 1.0 - RELATIVE_ERROR, 1.0 + 2 * RELATIVE_ERROR
"""What turns a double into the lower bound of the true value, and that into the upper bound."""

ANGLE_ERROR = 2.0**-47
"""Bound on the absolute error of a block's cosines, whose angles lie in [0, pi]."""

WHOLE_POWERS = range(1, 9)
"""Exponents for which repeated products (under 4 units in the last place) replace ``pow``."""

ROOT = 0.5
"""The exponent for which numpy replaces ``pow`` by a square root."""

FINE = 256
"""Length of the fine table when a block is the product of two small tables."""

SMALL_ARGUMENT = np.float32(-100)
"""``1 + exp`` of it and of everything below is 1."""

LARGEST_SINGLE = 3.4028234663852886e38
"""The largest finite float32."""

LARGEST_EXACT = 2**24
"""float32 holds every whole number up to here."""


@dataclass(frozen=True)
class Arithmetic:
    """How a compiled trainer computes its rates.

    Attributes:
        unsigned: the iteration is an unsigned 64-bit number, so what is negative is huge beside it.
        single: ``pow`` and ``exp`` of float32 numbers are the float32 functions.
        pi: the constant in the cosine of ``sgdr``.
    """

    unsigned: bool = False
    single: bool = False
    pi: float = 3.14159265


def single(value: float) -> np.float32:
    """The float32 next to ``value``; what is too large becomes infinity, as in C."""
    if -LARGEST_SINGLE <= value <= LARGEST_SINGLE:
        return np.float32(value)
    with np.errstate(all="ignore"):
        return np.float32(value)


def power_rates(
    learning_rate: float, base: Singles, exponent: Any, out: Singles, arithmetic: Arithmetic = Arithmetic()
) -> None:
    """``learning_rate * pow(base, exponent)`` for float32 bases and one exponent, or for one base and many."""
    rate = single(learning_rate)
    factor = 1.0 if arithmetic.single else float(rate)
    wide, low = np.empty((2, out.size))  # one piece of memory: allocators reuse one better than several
    np.copyto(wide, base)
    _power(wide, exponent, low)
    np.multiply(low, factor * LESS, out=low)

    def exact(i: int) -> float:
        return factor * _c_pow(float(wide[i]), float(np.broadcast_to(exponent, out.shape)[i]))

    _round_relative(low, out, exact)
    if arithmetic.single:
        np.multiply(out, rate, out=out)


def exp_rates(learning_rate: float, gamma: float, first: int, out: Singles) -> None:
    """``learning_rate * pow(gamma, t)`` for the consecutive iterations ``t = first, first + 1, ...``."""
    factor, base = float(single(learning_rate)), float(single(gamma))
    if factor == 0 or not math.isfinite(factor):  # 0 * inf is NaN: it matters which of the factors overflows
        power_rates(learning_rate, np.array([base]), np.arange(first, first + out.size, dtype=np.float64), out)
        return
    coarse = np.power(base, first + np.arange(0, out.size, FINE, dtype=np.float64))
    fine = np.power(base, np.arange(FINE, dtype=np.float64))
    low = np.multiply.outer(coarse * (factor * LESS), fine).reshape(-1)[: out.size]
    _round_relative(low, out, lambda i: factor * _c_pow(base, float(first + i)))


def sigmoid_rates(learning_rate: float, argument: Singles, out: Singles, arithmetic: Arithmetic) -> None:
    """``learning_rate * (1 / (1 + exp(argument)))`` for float32 arguments."""
    factor = float(single(learning_rate))
    if argument[0] < SMALL_ARGUMENT or argument[-1] < SMALL_ARGUMENT:
        argument = np.maximum(argument, SMALL_ARGUMENT)  # numpy is slow where exp underflows
    low = argument.astype(np.float64)
    np.exp(low, out=low)
    if arithmetic.single:
        np.multiply(low, LESS, out=low)
        _round_relative(low, out, lambda i: _c_exp(float(argument[i])))
        out[:] = factor * (1.0 / (1.0 + out.astype(np.float64)))
        return
    np.add(low, 1.0, out=low)
    np.divide(factor * LESS, low, out=low)
    _round_relative(low, out, lambda i: factor * (1.0 / (1.0 + _c_exp(float(argument[i])))))


def half_cosine_rates(
    low: float, high: float, offset: Singles | int, size: Singles | int, out: Singles, arithmetic: Arithmetic
) -> None:
    """``low + 0.5 (high - low) (1 + cos(offset pi / size))``, the offsets given or counted on from one.

    With offsets given, every one may have a size of its own.
    """
    bottom, pi = float(single(low)), arithmetic.pi
    with np.errstate(all="ignore"):
        half = 0.5 * float(single(high) - single(low))
    finite = math.isfinite(bottom) and math.isfinite(half)
    slack = abs(half) * ANGLE_ERROR + (abs(bottom) + 2 * abs(half)) * RELATIVE_ERROR if finite else 0.0
    if finite and isinstance(offset, int) and isinstance(size, int) and offset + out.size <= LARGEST_EXACT:
        start = offset
        least = _consecutive_waves(bottom + half - slack, half, start, pi / size, out.size)

        def angle(i: int) -> float:
            return float(start + i) * pi / size
    else:
        counted = np.arange(offset, offset + out.size) if isinstance(offset, int) else offset
        wide = counted.astype(np.float32).astype(np.float64)
        least = bottom + half * (1.0 + np.cos(wide * pi / size)) - slack

        def angle(i: int) -> float:
            return float(wide[i]) * pi / float(np.broadcast_to(size, out.shape)[i])

    np.copyto(out, least, casting="same_kind")
    np.add(least, 2 * slack, out=least)
    _correct(out, least, lambda i: bottom + half * (1.0 + math.cos(angle(i))))


def _consecutive_waves(middle: float, height: float, first: int, step: float, count: int) -> Doubles:
    """``middle + height cos(step t)`` for ``t = first, first + 1, ...``, by the cosine of a sum of angles."""
    coarse = (first + np.arange(0, count, FINE, dtype=np.float64)) * step
    fine = np.arange(FINE, dtype=np.float64) * step
    left = np.array([height * np.cos(coarse), -height * np.sin(coarse), np.full(coarse.shape, middle)])
    right = np.array([np.cos(fine), np.sin(fine), np.ones(FINE)])
    return np.asarray((left.T @ right).reshape(-1)[:count])


def _power(base: Doubles, exponent: Any, out: Doubles) -> None:
    if not (isinstance(exponent, float) and exponent in WHOLE_POWERS):
        np.power(base, exponent, out=out)
        if isinstance(exponent, float) and exponent == ROOT:
            # numpy takes the root, which C's pow is not at -0.0 and -inf
            np.add(out, 0.0, out=out)
            out[base == -math.inf] = math.inf
        return
    np.copyto(out, base)
    for bit in bin(int(exponent))[3:]:
        np.multiply(out, out, out=out)
        if bit == "1":
            np.multiply(out, base, out=out)


def _round_relative(low: Doubles, out: Singles, exact: Callable[[int], float]) -> None:
    """Round to float32 what lies between ``low`` and ``low * MORE``; ``low`` is used up."""
    np.copyto(out, low, casting="same_kind")
    np.multiply(low, MORE, out=low)
    _correct(out, low, exact)


def _correct(rounded: Singles, high: Doubles, exact: Callable[[int], float]) -> None:
    """Write ``exact(index)`` where the lower bound, already ``rounded``, and ``high`` are not the same float32."""
    apart = rounded.view(np.int32) != high.astype(np.float32).view(np.int32)
    for index in apart.nonzero()[0]:
        rounded[index] = exact(int(index))


def _c_pow(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = base < 0 and exponent % 2 == 1
        return -math.inf if odd else math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan


def _c_exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
