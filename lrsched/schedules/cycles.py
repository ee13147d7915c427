"""Schedules that come back to their peak."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from lrsched.schedule import LAST_ITERATION, Schedule
from lrsched.schedules.combinators import repeated, then
from lrsched.schedules.parameters import Cycles, Length, Level, Mult, Shrink
from lrsched.schedules.ramps import Ramp, Shape, below_peak
from lrsched.schedules.stretch import Words, rebuilt

__all__ = ["CosineWithRestarts", "Cyclic"]

MOST_DIFFERENT_CYCLES = 4096
"""Cycles that differ are listed one by one; equal ones may be any number."""


@dataclass(frozen=True, kw_only=True, repr=False)
class CosineWithRestarts(Shape):
    r"""Cosine cycles: :math:`\eta_T + \frac{\eta - \eta_T}{2}(1 + \cos(\pi\,i/(C - 1)))`, i counted in cycles of C.

    Every cycle begins at ``peak`` and reaches ``end`` at its last iteration, before the next one begins: a run of
    ``cycles * cycle`` updates sees each exactly that often. After the last cycle ``end`` stays. With ``mult`` each
    cycle is that many times longer than the one before.

    >>> run = CosineWithRestarts(peak=1.0, cycle=5, cycles=2)
    >>> run([0, 2, 4, 5, 7, 9, 10]).tolist(), run.horizon
    ([1.0, 0.5, 0.0, 1.0, 0.5, 0.0, 0.0], 9)

    Source: Loshchilov and Hutter, SGDR, arXiv:1608.03983 (2016).
    """

    FORMULA = (
        "end + (peak - end) / 2 * (1 + cos(pi * i / (C - 1))) at iteration i of a cycle of C iterations; "
        "C is cycle, cycle * mult, ..."
    )
    LENGTHS = ()

    peak: Level
    end: Level = 0.0
    cycle: Length
    cycles: Cycles
    mult: Mult = 1

    def _check(self) -> None:
        below_peak(self, "end")
        if self.cycle < 2:
            raise ValueError(
                f"CosineWithRestarts: cycle must be at least 2, to hold the peak and the end, got {self.cycle}"
            )
        if self.mult > 1 and self.cycles > 31:
            raise ValueError(f"CosineWithRestarts: {self.cycles} growing cycles end past 2**31 - 1; give fewer")
        if self.horizon > LAST_ITERATION:
            raise ValueError(f"CosineWithRestarts: the last cycle ends at {self.horizon}, past 2**31 - 1; give fewer")

    def _sizes(self) -> Iterator[int]:
        return (self.cycle * self.mult**index for index in range(self.cycles))

    @property
    def horizon(self) -> int:
        return (self.cycle * self.cycles if self.mult == 1 else sum(self._sizes())) - 1

    def _rule(self) -> Schedule:
        if self.mult == 1:
            return repeated(self._fall(self.cycle), self.cycle, self.cycles)
        falls = [self._fall(size) for size in self._sizes()]
        if len(falls) == 1:
            return falls[0]
        return then(*falls, at=list(accumulate(self._sizes()))[:-1], count_from="boundary")

    def _fall(self, size: int) -> Schedule:
        return Ramp(start=self.peak, end=self.end, length=size - 1, form="cosine")


@dataclass(frozen=True, kw_only=True, repr=False)
class Cyclic(Shape):
    r"""Triangles: straight from ``low`` to ``high`` in ``up`` iterations and back in ``down``, ``cycles`` times.

    ``low`` is reached at every multiple of ``up + down``, ``high`` ``up`` iterations later; after the last cycle
    ``low`` stays. With ``shrink`` each peak stands that many times as high above ``low`` as the one before (0.5 is
    "triangular2").

    >>> run = Cyclic(low=0.0, high=1.0, up=2, down=4, cycles=2, shrink=0.5)
    >>> run([0, 1, 2, 4, 6, 8, 12, 13]).tolist(), run.horizon
    ([0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 0.0, 0.0], 12)

    Source: Smith, Cyclical Learning Rates, arXiv:1506.01186 (2015).
    """

    FORMULA = (
        "low + (high - low) * shrink ** k * (i / up if i < up else (up + down - i) / down), "
        "where k, i = divmod(t, up + down)"
    )
    LENGTHS = ()

    low: Level
    high: Level
    up: Length
    down: Length
    cycles: Cycles
    shrink: Shrink = 1.0

    def _check(self) -> None:
        if self.low > self.high:
            raise ValueError(f"Cyclic: low must not be above high, got {self.low:g} > {self.high:g}")
        if self.shrink < 1 and self.cycles > MOST_DIFFERENT_CYCLES:
            raise ValueError(
                f"Cyclic: at most {MOST_DIFFERENT_CYCLES} shrinking cycles can be told apart, got {self.cycles}"
            )
        if self.horizon > LAST_ITERATION:
            raise ValueError(f"Cyclic: the last cycle ends at {self.horizon}, past 2**31 - 1; give fewer")

    @property
    def horizon(self) -> int:
        return self.cycles * (self.up + self.down)

    def _triangle(self, high: float) -> Schedule:
        rise = Ramp(start=self.low, end=high, length=self.up)
        return then(rise, Ramp(start=high, end=self.low, length=self.down), at=[self.up], count_from="boundary")

    def _rule(self) -> Schedule:
        period = self.up + self.down
        if self.shrink == 1:
            return repeated(self._triangle(self.high), period, self.cycles)
        lower = (self.low + (self.high - self.low) * self.shrink**index for index in range(1, self.cycles))
        highs = [self.high, *(min(high, self.high) for high in lower)]
        if len(highs) == 1:
            return self._triangle(self.high)
        starts = range(period, self.cycles * period, period)
        return then(*map(self._triangle, highs), at=starts, count_from="boundary")


@rebuilt.register
def _(schedule: CosineWithRestarts, horizon: int, was: int, words: Words) -> Schedule | None:
    # cycles are counted in updates, of which there is one more than the horizon says
    factor, rest = divmod(horizon + 1, was + 1)
    if was != schedule.horizon or words is not None or rest:
        return None
    return replace(schedule, cycle=schedule.cycle * factor)


@rebuilt.register
def _(schedule: Cyclic, horizon: int, was: int, words: Words) -> Schedule | None:
    up, rest_up = divmod(schedule.up * horizon, was)
    down, rest_down = divmod(schedule.down * horizon, was)
    if was != schedule.horizon or words is not None or rest_up or rest_down:
        return None
    return replace(schedule, up=up, down=down)
