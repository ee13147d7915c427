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

ANGLE_ERROR = 2.0**-47
"""Bound on the absolute error of a block's cosines, whose angles lie in [0, pi]."""

WHOLE_POWERS = range(1, 9)
"""Exponents for which repeated products (under 4 units in the last place) replace ``pow``."""

FINE = 128
"""Length of the fine table when a block is the outer product of two small tables."""

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
    with np.errstate(all="ignore"):
        return np.float32(value)


def power_rates(
    learning_rate: float, base: Singles, exponent: Any, out: Singles, arithmetic: Arithmetic = Arithmetic()
) -> None:
    """``learning_rate * pow(base, exponent)`` for float32 bases and one exponent, or for one base and many."""
    rate = single(learning_rate)
    wide = base.astype(np.float64)
    powers = _power(wide, exponent)
    wide, exponents = np.broadcast_arrays(wide, exponent)
    if arithmetic.single:
        _round_relative(powers, out, lambda i: _c_pow(float(wide[i]), float(exponents[i])))
        np.multiply(out, rate, out=out)
    else:
        factor = float(rate)
        np.multiply(powers, factor, out=powers)
        _round_relative(powers, out, lambda i: factor * _c_pow(float(wide[i]), float(exponents[i])))


def exp_rates(learning_rate: float, gamma: float, first: int, out: Singles) -> None:
    """``learning_rate * pow(gamma, t)`` for the consecutive iterations ``t = first, first + 1, ...``."""
    factor, base = float(single(learning_rate)), float(single(gamma))
    coarse = np.power(base, first + np.arange(0, out.size, FINE, dtype=np.float64))
    fine = np.power(base, np.arange(FINE, dtype=np.float64))
    powers = np.multiply.outer(coarse * factor, fine).reshape(-1)[: out.size]
    _round_relative(powers, out, lambda i: factor * _c_pow(base, float(first + i)))


def sigmoid_rates(learning_rate: float, argument: Singles, out: Singles, arithmetic: Arithmetic) -> None:
    """``learning_rate * (1 / (1 + exp(argument)))`` for float32 arguments."""
    factor = float(single(learning_rate))
    wide = argument.astype(np.float64)
    growth = np.exp(wide)
    if arithmetic.single:
        rounded = np.empty(growth.shape, np.float32)
        _round_relative(growth, rounded, lambda i: _c_exp(float(wide[i])))
        growth = rounded.astype(np.float64)
        out[:] = factor * (1.0 / (1.0 + growth))
        return
    np.add(growth, 1.0, out=growth)
    np.divide(factor, growth, out=growth)
    _round_relative(growth, out, lambda i: factor * (1.0 / (1.0 + _c_exp(float(wide[i])))))


def half_cosine_rates(
    low: float, high: float, offset: Singles | int, size: int, out: Singles, arithmetic: Arithmetic
) -> None:
    """``low + 0.5 (high - low) (1 + cos(offset pi / size))``, the offsets given or counted on from one."""
    bottom, pi = float(single(low)), arithmetic.pi
    with np.errstate(all="ignore"):
        half = 0.5 * float(single(high) - single(low))
    if isinstance(offset, int) and offset + out.size <= LARGEST_EXACT:
        start = offset
        cosine = _consecutive_cosines(start, pi / size, out.size)
        rates = bottom + half * (1.0 + cosine)

        def angle(i: int) -> float:
            return float(start + i) * pi / size
    else:
        counted = np.arange(offset, offset + out.size) if isinstance(offset, int) else offset
        wide = counted.astype(np.float32).astype(np.float64)
        rates = bottom + half * (1.0 + np.cos(wide * pi / size))

        def angle(i: int) -> float:
            return float(wide[i]) * pi / size

    slack = abs(half) * ANGLE_ERROR + (abs(bottom) + 2 * abs(half)) * RELATIVE_ERROR
    _round_between(rates - slack, rates + slack, out, lambda i: bottom + half * (1.0 + math.cos(angle(i))))


def _consecutive_cosines(first: int, step: float, count: int) -> Doubles:
    coarse = (first + np.arange(0, count, FINE, dtype=np.float64)) * step
    fine = np.arange(FINE, dtype=np.float64) * step
    cosines = np.multiply.outer(np.cos(coarse), np.cos(fine))
    cosines -= np.multiply.outer(np.sin(coarse), np.sin(fine))
    return np.asarray(cosines.reshape(-1)[:count])


def _power(base: Doubles, exponent: Any) -> Doubles:
    if isinstance(exponent, float) and exponent in WHOLE_POWERS:
        product = base.copy()
        for bit in bin(int(exponent))[3:]:
            np.multiply(product, product, out=product)
            if bit == "1":
                np.multiply(product, base, out=product)
        return product
    return np.asarray(np.power(base, exponent), np.float64)


def _round_relative(doubles: Doubles, out: Singles, exact: Callable[[int], float]) -> None:
    _round_between(doubles * (1.0 - RELATIVE_ERROR), doubles * (1.0 + RELATIVE_ERROR), out, exact)


def _round_between(low: Doubles, high: Doubles, out: Singles, exact: Callable[[int], float]) -> None:
    """Round to float32 what lies between ``low`` and ``high``; where these round apart ask ``exact(index)``."""
    np.copyto(out, low, casting="same_kind")
    apart = out.view(np.int32) != high.astype(np.float32).view(np.int32)
    if apart.any():
        for index in np.flatnonzero(apart):
            out[index] = exact(int(index))


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
