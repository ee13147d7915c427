"""Clocks that no trainer uses on purpose, where the usual ones explain nothing simple: the likeliest first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from lrsched.fitting.clocks import Clock
from lrsched.fitting.observed import Observed
from lrsched.fitting.shape import Shape
from lrsched.fitting.simplicity import roundness

__all__ = ["MOST_FACTOR", "by_a_step", "by_factor", "by_stairs"]

MOST_FACTOR = 64
"""No clock is so many times faster or slower than the steps of the log."""


def by_a_step(clocks: Sequence[Clock]) -> Iterator[Clock]:
    """Clocks that are one step later or earlier."""
    lates = dict.fromkeys([1, 0, -1, *(clock.late + by for clock in clocks for by in (1, -1))])
    yield from (replace(clocks[0], late=late) for late in lates if all(clock.late != late for clock in clocks))


def by_factor(observed: Observed, usual: Clock) -> Iterator[Clock]:
    """Clocks so many times as fast, or slow, that the rates lead to the trainer's own horizon."""
    rows = replace(observed, step=usual.count(observed.step))
    shape, horizon = Shape(rows=rows), observed.horizon or 0
    if not horizon or len(shape.falling) < 4:
        return
    powers = (shape.zero(power, False) for power in (1.0, 2.0, 0.5, 3.0))
    ends = [band.best for band in (shape.half_wave[1], *powers)]
    fast = [round(horizon / end) for end in ends if end > 0]
    slow = [round(end / horizon) for end in ends] + [round(float(rows.step[-1]) / horizon)]
    yield from (replace(usual, times=n) for n in dict.fromkeys(fast) if 1 < n <= MOST_FACTOR)
    yield from (replace(usual, each=n) for n in dict.fromkeys(slow) if 1 < n <= MOST_FACTOR)


def by_stairs(observed: Observed, usual: Clock) -> Iterator[Clock]:
    """Clocks that advance whenever the rate does, where it changes after every so many steps."""
    k, y = observed.step, observed.rate
    changes = np.flatnonzero(np.abs(np.diff(y)) > observed.slack[1:] + observed.slack[:-1])
    if not 2 <= len(changes) <= len(y) // 2:
        return
    low, high = k[changes], k[changes + 1]  # each change lies above low, up to high
    gaps = np.arange(1, len(changes))
    shortest, longest = float(((low[1:] - high[0]) / gaps).max()), float(((high[1:] - low[0]) / gaps).min())
    first = max(math.ceil(shortest), 2)
    for late in (0, 1):
        found = [
            each
            for each in range(first, min(math.floor(longest), first + 5000) + 1)
            if ((high - late) // each == (low - late) // each + 1).all()
        ]
        if found:
            yield from (replace(usual, late=late, each=each) for each in (max(found, key=roundness), *found[:2]))
