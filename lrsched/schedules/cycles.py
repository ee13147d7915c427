"""Schedules that come back to their peak."""

from itertools import accumulate

import numpy as np

from lrsched.numbers import LAST_ITERATION
from lrsched.schedule import Floats, Iterations, Schedule
from lrsched.schedules.curves import Rule, along, bends_at, half_wave, line
from lrsched.schedules.naming import named
from lrsched.schedules.parameters import Count, Length, Peak, Rate, Shrink, Stretch
from lrsched.schedules.units import half_up

__all__ = ["cosine_with_restarts", "cyclic"]


@named
def cosine_with_restarts(
    *, peak: Peak, cycle: Length, cycles: Count, floor: Rate = 0.0, mult: Stretch = 1.0, shrink: Shrink = 1.0
) -> Schedule:
    r"""Cosine cycles: :math:`\eta_f + \frac{\eta_k - \eta_f}{2}(1 + \cos(\pi\,i/(C - 1)))`, i counted in cycles of C.

    Every cycle begins at its peak and reaches ``floor`` at its last iteration, before the next one begins: a run of
    ``cycles * cycle`` updates sees each exactly that often. After the last cycle ``floor`` stays. Each cycle is
    ``mult`` times longer than the one before, and its peak stands ``shrink`` times as high above ``floor``.

    >>> run = cosine_with_restarts(peak=1.0, cycle=5, cycles=2)
    >>> run([0, 2, 4, 5, 7, 9, 10]).tolist(), run.horizon
    ([1.0, 0.5, 0.0, 1.0, 0.5, 0.0, 0.0], 9)

    Source: Loshchilov and Hutter, SGDR, arXiv:1608.03983 (2016).
    """
    sizes = np.array([half_up(cycle * mult**k) for k in range(cycles)])
    ends = sizes.cumsum()
    if sizes.min() < 2 or ends[-1] > LAST_ITERATION:
        raise ValueError(f"cycles must have 2 iterations or more and end by {LAST_ITERATION}")

    def function(t: Iterations) -> Floats:
        k = np.minimum(np.searchsorted(ends, t, side="right"), cycles - 1)
        away = np.maximum(ends[k] - 1 - t, 0)
        top = np.minimum(floor + (peak - floor) * shrink**k, max(peak, floor))
        return along(floor, top, away, sizes[k] - 1, half_wave)

    horizon = int(ends[-1]) - 1
    return Rule(function=function, last=horizon, bends=bends_at(*ends[:-1].tolist(), horizon))


@named
def cyclic(
    *, peak: Peak, up: Length, cycles: Count, floor: Rate = 0.0, down: Length | None = None, shrink: Shrink = 1.0
) -> Schedule:
    r"""Triangles: straight from ``floor`` to ``peak`` in ``up`` iterations and back in ``down``, ``cycles`` times.

    ``floor`` is reached at every multiple of ``up + down``, the peak ``up`` iterations later; after the last cycle
    ``floor`` stays. ``down`` is ``up`` when absent. Each peak stands ``shrink`` times as high above ``floor`` as the
    one before (0.5 is "triangular2").

    >>> run = cyclic(peak=1.0, up=2, down=4, cycles=2, shrink=0.5)
    >>> run([0, 1, 2, 4, 6, 8, 12, 13]).tolist(), run.horizon
    ([0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 0.0, 0.0], 12)

    Source: Smith, Cyclical Learning Rates, arXiv:1506.01186 (2015).
    """
    fall = up if down is None else down
    period = up + fall
    if cycles * period > LAST_ITERATION:
        raise ValueError(f"the last cycle ends at {cycles * period}, past {LAST_ITERATION}; give fewer")

    def function(t: Iterations) -> Floats:
        k = np.minimum(t // period, cycles - 1)
        i = np.minimum(t - k * period, period)
        top = np.minimum(floor + (peak - floor) * shrink**k, max(peak, floor))
        return along(floor, top, np.where(i < up, i, period - i), np.where(i < up, up, fall), line)

    bends = accumulate([up, *[fall, up] * (cycles - 1), fall])
    return Rule(function=function, last=cycles * period, bends=bends_at(*bends))
