"""What is measured on one curve, all in shares of its own fall and of the run: neither unit nor offset matters."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lrsched.curves.robust import Floats, line, running_median, slope_error, spread, widening

__all__ = ["HIDING", "Course"]

# first parts of the run that are left out where they tower so much over a fall that takes so long after them
HIDING = ((0.12, 8.0, 0.25), (0.03, 1.3, 0.09))
ENOUGH = 10  # so many points after the last drop of the rate may tell alone what follows it
SUDDEN = 0.35  # a fall by this share of the whole within a twentieth of the run is one at once


@dataclass(frozen=True, eq=False)
class Course:
    """One curve: ``step`` and ``value`` of at most 300 points, ``x`` the share of the run from 0 to 1.

    ``points`` counts what was logged; ``turned`` is where the last drop or restart of the rate is over, ``top`` the
    level of a beginning that was left out.
    """

    step: Floats
    x: Floats
    value: Floats
    points: int
    turned: float = 0.0
    top: float | None = None

    def at(self, share: float) -> int:
        """The step at a share of the run."""
        return round(float(np.interp(share, self.x, self.step)))

    @property
    def window(self) -> int:
        """So many points are neighbours: a twelfth."""
        return max(3, self.x.size // 12)

    @cached_property
    def smooth(self) -> Floats:
        """The running median."""
        return running_median(self.value, self.window)

    @cached_property
    def low(self) -> int:
        """The lowest point of the smoothed curve."""
        return int(self.smooth.argmin())

    @property
    def best(self) -> float:
        """The step of the lowest point near there, smoothed less."""
        begin = max(self.low - self.x.size // 12, 0)
        near = slice(begin, self.low + self.x.size // 12 + 1)
        return float(self.step[begin + int(running_median(self.value, 5)[near].argmin())])

    @cached_property
    def first(self) -> float:
        """The level at the beginning, without what hides the rest."""
        return float(np.median(self.value[: max(1, round(3 * self.x.size / self.points))]))

    @cached_property
    def last(self) -> float:
        """The level at the end."""
        return float(np.median(self.value[-self.window :]))

    @cached_property
    def fall(self) -> float:
        """From the level at the beginning to the lowest one; at least a trifle of the whole range."""
        return max(self.first - float(self.smooth[self.low]), 1e-3 * float(np.ptp(self.smooth)), 1e-300)

    @property
    def hidden(self) -> float:
        """The fall of a beginning that was left out."""
        return 0.0 if self.top is None else self.top - self.first

    @cached_property
    def rise(self) -> float:
        """From the lowest level to that at the end."""
        return self.last - float(self.smooth[self.low])

    @cached_property
    def _left(self) -> list[Floats]:
        """What straight lines through the parts of the run after its first third leave."""
        late = slice(self.x.size * 3 // 10, None)
        parts = int(np.clip(self.x[late].size // 8, 1, 4))
        pieces = zip(np.array_split(self.x[late], parts), np.array_split(self.value[late], parts), strict=True)
        return [line(x, y)[1] for x, y in pieces]

    @cached_property
    def swing(self) -> float:
        """The spread about these lines, in the calmer half of the parts."""
        return sorted(map(spread, self._left))[(len(self._left) - 1) // 2]

    @property
    def crossings(self) -> int:
        """How often the curve crosses these lines."""
        return sum(int((np.diff(np.sign(left)) != 0).sum()) for left in self._left)

    @cached_property
    def together(self) -> float:
        """By how much likeness of neighbours widens errors."""
        return widening(np.concatenate(self._left))

    @property
    def level_error(self) -> float:
        """The standard error of a level."""
        return 1.25 * self.swing * self.together / math.sqrt(self.window)

    @cached_property
    def jitter(self) -> float:
        """The spread from one point to the next, small where a curve jumps but once."""
        apart = np.diff(self.value)
        return 1.25 * float(np.abs(apart - np.median(apart)).mean()) / math.sqrt(2)

    @property
    def towers(self) -> float:
        """How far the first record lies above the others, in swings."""
        return float(self.value[0] - np.median(self.value)) / (self.swing + 1e-300)

    @property
    def wanders(self) -> float:
        """By how much the curve rises in a fifth of the run at most, in its second half, out of its noise."""
        levels = np.interp(np.arange(0.45, 1.01, 0.05), self.x, self.smooth)
        rise = float((levels[4:] - levels[:-4]).max())
        return rise if rise > 4 * self.level_error else 0.0

    @property
    def sudden(self) -> float:
        """Where a fall at once, such as after a drop of the rate that was not logged, is over; 0 where none is."""
        begins = np.arange(0.3, 0.9, 0.01)
        before, after = (np.interp(begins + lag, self.x, self.smooth) for lag in (0, 0.05))
        most = int((before - after).argmax())
        return float(begins[most]) + 0.06 if (before - after)[most] > SUDDEN * self.fall else 0.0

    @cached_property
    def tail(self) -> tuple[float, float, float]:
        """The fall over the last fifth of the run at the slope of its last part, its error, and where that begins.

        The part is as short as the noise allows, and begins after what the last drop of the rate did.
        """
        settled = max(self.turned, self.sudden)
        begins = ((0.8, 0.012), (0.7, 0.025), (0.5, math.inf))
        parts = [(max(begin, min(settled, 0.85)), enough, self.swing) for begin, enough in begins]
        if settled > 0.8 and (self.x >= settled).sum() >= ENOUGH:
            parts.insert(0, (settled, 0.025, self.swing / 2))
        found = ((self._slope(begin, noise), enough) for begin, enough, noise in parts)
        known = (tail for tail, enough in found if enough == math.inf or tail[1] * 0.2 < enough * self.fall)
        slope, error, begin = next(known)
        error = math.hypot(0.2 * error, self.wanders / 2)
        return -0.2 * slope, min(error, 1e6 * self.fall), begin

    def _slope(self, begin: float, noise: float) -> tuple[float, float, float]:
        """The slope from a share of the run on, of four points at least, its error, and the share of the first one."""
        part = slice(min(int((self.x < begin).sum()), self.x.size - 4), None)
        slope, left = line(self.x[part], self.value[part])
        return slope, slope_error(self.x[part], left, noise), float(self.x[part][0])

    @cached_property
    def done(self) -> float:
        """When nine tenths of the fall were done, as a share of the run; guessed from a part of it in noise."""
        light, fall = running_median(self.value, 3 if self.x.size <= 150 else 5), max(self.first - self.last, 1e-300)
        open_ = float(np.clip(1.5 * self.swing / fall, 0.1, 0.5))
        reached = light <= self.last + open_ * fall
        return float(self.x[reached.argmax()]) * math.log(10) / math.log(1 / open_) if reached.any() else 1.0

    @property
    def size(self) -> float:
        """What swings are compared with: the change from first to last, or what else the curve went through."""
        return max(self.first - self.last, self.fall / 2, self.rise)

    @property
    def visible(self) -> float:
        """How clearly some beginning lies above the rest, or some end below; below 1 chance may have done it."""
        n = self.x.size
        early, late = self.value[: n * 3 // 5], self.value[n * 2 // 5 :]
        found = [self._above(self.value[: max(3, int(n * share))], late) for share in (0.015, 0.04, 0.12, 0.3)]
        swings = (self.first - self.last) / (5 * self.swing + 1e-300)
        return max(*found, self._above(early, self.value[-max(3, n // 5) :]), swings)

    def _above(self, some: Floats, others: Floats) -> float:
        """By how much the chance that one of some lies above one of others exceeds 1/2, over what noise would do."""
        ordered = np.sort(others)
        ranks = np.searchsorted(ordered, some) + np.searchsorted(ordered, some, side="right")
        error = math.sqrt((1 / some.size + 1 / others.size) / 12) * min(self.together, 1.5)
        return (float(ranks.mean()) / 2 / others.size - 0.5) / min(max(0.25, 2.7 * error), 0.48)

    def without_beginning(self) -> Course:
        """The course without its first records, where these tower over a fall or rise that comes later."""
        for begin, tower, late in HIDING:
            rest = self.x >= begin
            if rest.sum() < 15 or rest.all():
                continue
            cut = replace(self, step=self.step[rest], x=self.x[rest], value=self.value[rest], top=self.first)
            own = max(cut.fall, cut.rise)
            if (
                self.first - self.last > tower * own
                and own > 6 * max(cut.swing, cut.level_error)
                and (cut.done > begin + late or cut.rise > 0.5 * cut.fall)
            ):
                return cut
        return self
