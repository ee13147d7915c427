"""The forms of a curve between two rates: exact at both ends, never past them, in one direction to the last bit."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lrsched.schedule import Bends, Floats, FunctionSchedule, Iterations
from lrsched.text import joined

__all__ = ["along", "bends_at", "curve", "half_wave", "rule"]


def rule(function: Callable[[Iterations], Floats], horizon: int | None, *bends: int) -> FunctionSchedule:
    """A function of an array of iterations as a schedule with these milestones."""
    return FunctionSchedule(function=function, horizon=horizon, bends=bends_at(*bends))


def bends_at(*iterations: int) -> Bends:
    """The milestones of a rule that has just these, ascending; none of them is 0."""
    return lambda first, last: (bend for bend in iterations if max(first, 1) <= bend <= last)


def blend(low: Any, high: Any, share: Floats) -> Floats:
    """``low + (high - low) * share``, exactly ``low`` at 0 and ``high`` at 1."""
    # high - low may have been rounded up; with any smaller share the sum stays below high
    rates: Floats = np.where(share == 1, high, low + (high - low) * share)
    return rates


def along(left: Any, right: Any, passed: Iterations, length: Any, share: Callable[..., Floats]) -> Floats:
    """The rates from ``left`` to ``right``, ``passed`` of ``length`` iterations along a symmetric curve."""
    # counted from the lower end, where rates are small and small errors show
    up = share(np.where(left <= right, passed, length - passed), length)
    return blend(np.minimum(left, right), np.maximum(left, right), up)


def half_wave(away: Iterations, length: Any) -> Floats:
    """Half a wave, 0 to 1: the square of sin(pi/2 * away / length)."""
    # of the two equal halves the one with small angles is taken: neighbours differ there by more than sin can err
    nearer = np.minimum(away, length - away)
    square = np.square(np.sin(nearer / length * (math.pi / 2)))
    square = np.where(2 * nearer == length, 0.5, square)
    wave: Floats = np.where(2 * away <= length, square, 1 - square)
    return wave


def geometric(left: float, right: float, passed: Iterations, length: int) -> Floats:
    """From ``left`` to ``right``, both above 0, in equal factors."""
    ratio = right / left
    span = math.log(ratio) if 0 < ratio < math.inf else math.log(right) - math.log(left)
    if abs(span) <= 0.5:
        # the quotient may have been rounded up, which would lead past the end
        rates = np.clip(left + left * np.expm1(passed / length * span), min(left, right), max(left, right))
    else:
        # from the nearer end, so that both ends are exact
        early = 2 * passed <= length
        exponent = np.where(early, passed, passed - length) / length * span
        rates = np.exp(exponent) * np.where(early, left, right)
    return np.where(passed == length, right, rates)


def curve(left: float, right: float, length: int, form: str = "linear", power: float = 1.0) -> FunctionSchedule:
    """From one rate to another in ``length`` iterations, both reached exactly; the last one stays."""
    forms: dict[str, Callable[[Iterations], Floats]] = {
        "linear": lambda passed: along(left, right, passed, length, np.divide),
        "cosine": lambda passed: along(left, right, passed, length, half_wave),
        # 1 - sqrt(x), without the difference of two numbers that are nearly equal
        "root": lambda passed: blend(right, left, (length - passed) / length / (1 + np.sqrt(passed / length))),
        "exponential": lambda passed: geometric(left, right, passed, length),
        "polynomial": lambda passed: blend(right, left, np.power((length - passed) / length, power)),
        "quadratic": lambda passed: blend(left, right, np.square(passed / length)),
        "logarithmic": lambda passed: blend(left, right, np.minimum(np.log1p(passed) / math.log(max(length, 2)), 1.0)),
        "constant": lambda passed: np.where(passed < length, left, right),
    }
    if form not in forms:
        raise ValueError(f"form must be {joined(map(repr, forms), 'or')}, got {form!r}")
    if form == "exponential" and not (left > 0 and right > 0):
        raise ValueError(f"an exponential curve needs rates above 0, got {left:g} and {right:g}")
    return rule(lambda t: forms[form](np.minimum(t, length)), length, length)
