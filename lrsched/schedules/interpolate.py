"""Curves between two rates: exact at both ends, never past them, and in one direction to the last bit."""

import math
from typing import Any

import numpy as np

from lrsched.schedule import Floats, Iterations

__all__ = ["between", "blend", "geometric", "half_wave"]


def blend(low: Any, high: Any, share: Floats, out: Floats) -> None:
    """Write ``low + (high - low) * share``, exactly ``low`` at 0 and ``high`` at 1, to ``out``."""
    np.multiply(share, high - low, out=out)
    np.add(out, low, out=out)
    # high - low may have been rounded up; with any smaller share the sum stays below high
    np.copyto(out, high, where=share == 1)


def between(left: Any, right: Any, passed: Iterations, length: Any, out: Floats) -> None:
    """Write the rates of a straight line from ``left`` to ``right``, ``passed`` of ``length`` iterations along it."""
    # counted from the lower end, where rates are small and small errors show
    share = np.where(left <= right, passed, length - passed) / length
    blend(np.minimum(left, right), np.maximum(left, right), share, out)


def half_wave(away: Iterations, length: int) -> Floats:
    """Half a wave, 0 to 1: the square of sin(pi/2 * away / length)."""
    # of the two equal halves the one with small angles is taken: neighbours differ there by more than sin can err
    nearer = np.minimum(away, length - away)
    square = np.square(np.sin(nearer / length * (math.pi / 2)))
    np.copyto(square, 0.5, where=2 * nearer == length)
    return np.where(2 * away <= length, square, 1 - square)


def geometric(left: float, right: float, passed: Iterations, length: int, out: Floats) -> None:
    """Write the rates of equal factors from ``left`` to ``right``, both above 0, to ``out``."""
    ratio = right / left
    span = math.log(ratio) if 0 < ratio < math.inf else math.log(right) - math.log(left)
    if abs(span) <= 0.5:
        np.multiply(np.expm1(passed / length * span), left, out=out)
        np.add(out, left, out=out)
    else:
        # from the nearer end, so that both ends are exact
        early = 2 * passed <= length
        exponent = np.where(early, passed, passed - length) / length * span
        np.multiply(np.exp(exponent), np.where(early, left, right), out=out)
    np.copyto(out, right, where=passed == length)
