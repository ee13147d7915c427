"""The best possible steps: a curve cut into stretches of one rate each, as far apart as the error allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from lrsched.fitting.simplicity import whole_numbers
from lrsched.trainers.darknet.arithmetic import single
from lrsched.trainers.darknet.guessing import ROOM, ROUNDING, Curve, Floats, Keys, Ramp, decimal

__all__ = ["best_steps"]


class Ranges:
    """The lowest and the highest of any stretch of numbers: of every number, of every two, four, eight ..."""

    def __init__(self, values: Floats) -> None:
        self.size: int = values.size
        lows = highs = values
        self.levels: list[tuple[Callable[[int], float], Callable[[int], float]]] = [
            (lows.item, highs.item)
        ]  # ten times as fast as brackets, and lists take long to make
        while lows.size > 1:
            lows, highs = (np.append(each, each[-1:]) if each.size % 2 else each for each in (lows, highs))
            lows, highs = np.minimum(lows[::2], lows[1::2]), np.maximum(highs[::2], highs[1::2])
            self.levels.append((lows.item, highs.item))

    def reach(self, place: int, width: float, low: float = math.inf, high: float = -math.inf) -> int:
        """The first place from ``place`` on with which the numbers, ``low`` and ``high`` too, span more than width."""
        level, size = 0, self.size
        while place < size:
            lows, highs = self.levels[level]
            node = place >> level
            lower, higher = min(low, lows(node)), max(high, highs(node))
            if higher - lower <= width:
                low, high, place = lower, higher, (node + 1) << level
                while level + 1 < len(self.levels) and not place >> level & 1:
                    level += 1
            elif level:
                level -= 1
            else:
                return place
        return size


@dataclass(frozen=True, eq=False)
class Cutting:
    """A curve to be cut into stretches of one rate each, the first of which also decides the burn-in.

    A stretch whose logarithms span ``width`` has a rate from which none is further off than half of that. The longest
    stretches, one after another, are the fewest for a width: so the least width for a number of them can be found by
    halving, and no other cut is better.
    """

    curve: Curve
    ramp: Ramp
    ranges: Ranges

    @property
    def start(self) -> int:
        """The place of the first iteration after the burn-in."""
        return max(self.ramp.burn_in - 1, 0)

    @cached_property
    def wanted(self) -> Floats:
        """The logarithm of the learning rate with which each iteration of the burn-in has its rate."""
        t = np.arange(1, self.start + 1)
        wanted: Floats = self.curve.logs[: self.start] - self.ramp.power * np.log(t / max(self.ramp.burn_in, 1))
        return wanted

    def begun(self, width: float) -> tuple[float, float]:
        """Between which numbers, half a width below and above, the burn-in wants the logarithm of the learning rate."""
        # a rate that may count as the floor may be as low as it likes
        counts = self.curve.logs[: self.start] > math.log(self.curve.floor) + width / 2
        return float(self.wanted.min(initial=math.inf)), float(self.wanted.max(initial=-math.inf, where=counts))

    def cuts(self, width: float, most: int) -> list[int]:
        """The places where the longest stretches begin; none where they are more than ``most``."""
        low, high = self.begun(width)
        if high - low > width:
            return []
        found, place = [self.start], self.ranges.reach(self.start, width, low, high)
        while place < self.ranges.size:
            if len(found) == most:
                return []
            found.append(place)
            place = self.ranges.reach(place, width)
        return found

    def width(self, most: int, bound: float) -> float:
        """The least width for ``most`` stretches; infinite where it is above ``bound``."""
        if not self.cuts(bound, most):
            return math.inf
        if self.cuts(ROUNDING, most):
            return ROUNDING
        low, high = 0.0, bound
        while high - low > 1e-4 * ROUNDING + 1e-7 * low:
            middle = (low + high) / 2
            low, high = (low, middle) if self.cuts(middle, most) else (middle, high)
        return high

    def rounded(self, width: float, most: int) -> Keys:
        """The burn-in, steps and scales in round numbers, as far as the error hardly grows."""
        places = self._places(width * (1 + ROOM / 2), most)
        rate, *scales = self._scales(places, width * (1 + ROOM) / 2)
        keys: Keys = {"learning_rate": rate, **self.ramp._asdict()}
        if scales:
            keys |= {"policy": "steps", "steps": tuple(place + 1 for place in places[1:]), "scales": tuple(scales)}
        return keys

    def _places(self, width: float, most: int) -> list[int]:
        """Where the stretches begin: the roundest iterations between the earliest and the latest possible ones."""
        logs = self.curve.logs
        backwards, earliest = Ranges(logs[::-1]), [logs.size]
        for _ in self.cuts(width, most)[1:]:
            earliest.insert(0, logs.size - backwards.reach(logs.size - earliest[0], width))
        places, bounds = [self.start], self.begun(width)
        for early in earliest[:-1]:
            late = self.ranges.reach(places[-1], width, *bounds)
            places.append(next(whole_numbers(max(early, places[-1] + 1) + 1, late + 1), late + 1) - 1)
            bounds = (math.inf, -math.inf)
        return places

    def _scales(self, places: Sequence[int], half: float) -> list[float]:
        """The rate of the first stretch, and the factor of each further one; no rate is off by more than ``half``."""
        logs, level, scales = self.curve.logs, 1.0, list[float]()
        low, high = self.begun(2 * half)
        for begin, end in pairwise([*places, logs.size]):
            part = logs[begin:end]  # the first is empty where a step ends the burn-in
            low, high = min(low, part.min(initial=math.inf)), max(high, part.max(initial=-math.inf))
            scale = decimal(high - half - math.log(level), low + half - math.log(level))
            if scales and end == logs.size and not self.curve.rates[begin:].any():
                scale = 0.0
            scales.append(scale)
            level = float(single(level) * single(scale)) or level
            low, high = math.inf, -math.inf
        return scales


def best_steps(curve: Curve, ramps: Sequence[Ramp], most: int, bound: float) -> Keys | None:
    """The burn-in and the steps with the least width; None where it is not within a bound."""
    best, ranges = None, Ranges(curve.logs)
    for ramp in ramps:
        cutting = Cutting(curve, ramp, ranges)
        if (width := cutting.width(most, bound)) < math.inf:
            best, bound = (cutting, width), width * (1 - ROOM / 10)
        if bound < ROUNDING:
            break
    return None if best is None else best[0].rounded(best[1], most)
