"""The well-known schedules: decays, steps, cycles, tables. Each is one function; ``@named`` does the rest.

They share one set of parameters. From ``initial`` at iteration 0 a straight warm-up reaches ``peak`` at iteration
``warmup`` (0: the peak comes first); from there the decay leads to ``final`` at ``horizon``, both reached exactly;
the rate stays there. ``final`` may lie above ``peak``: the curve then rises, as a momentum does. Times may be text
(``"10%"`` of the horizon), and so may rates (``"1%"`` of the peak).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np

from lrsched.numbers import LAST_ITERATION as LAST
from lrsched.numbers import Param
from lrsched.schedule import Floats, FunctionSchedule, Iterations, Origin, Schedule
from lrsched.schedules.forms import along, curve, half_wave, rule
from lrsched.schedules.naming import half_up, named

__all__ = ["constant", "cosine", "cosine_with_restarts", "cyclic", "exponential", "inverse_sqrt", "linear"]
__all__ += ["multi_step", "one_cycle", "polynomial", "step", "table", "warmup", "warmup_stable_decay"]

# the parameters, each declared once
Peak: TypeAlias = Annotated[float, Param("rate at the end of the warm-up", 0, math.inf, (1e-5, 0.5))]
Rate: TypeAlias = Annotated[Any, Param("a rate, or a share of the peak", 0, math.inf, (0.0, 1e-5), text="rate")]
Horizon: TypeAlias = Annotated[Any, Param("last iteration of the run", 1, LAST, (100, 600_000), text="time")]
Warmup: TypeAlias = Annotated[Any, Param("iteration of the peak, 0: no warm-up", 0, LAST, (0, 50), text="time")]
Length: TypeAlias = Annotated[Any, Param("a number of iterations", 1, LAST, (2, 50), text="time")]
Milestones: TypeAlias = Annotated[Sequence[Any], Param("iterations, ascending", 0, LAST, (100, 500_000), text="time")]
Rates: TypeAlias = Annotated[Sequence[float], Param("the rate at each", 0, math.inf, (1e-6, 0.5))]
Count: TypeAlias = Annotated[int, Param("how many", 1, 100_000, (1, 10))]
Stretch: TypeAlias = Annotated[float, Param("length of a cycle over that of the one before", 0.01, 100, (1.0, 3.0))]
Shrink: TypeAlias = Annotated[float, Param("height of a cycle over that of the one before", 0, 1, (0.25, 1.0))]
Factor: TypeAlias = Annotated[float, Param("factor of every drop", 0, math.inf, (0.05, 1.0))]
Power: TypeAlias = Annotated[float, Param("exponent", 0.01, 100, (0.5, 5.0))]
Form: TypeAlias = Literal["linear", "cosine", "root", "exponential"]
Rise: TypeAlias = Literal["linear", "cosine", "quadratic", "logarithmic", "exponential", "constant"]


@named
def constant(rate: Peak) -> Schedule:
    r"""The same rate at every iteration: :math:`\eta`. It has no horizon; ``held(constant(0.1), at=1000)`` has one.

    >>> constant(0.1)([0, 1, 500_000]).tolist()
    [0.1, 0.1, 0.1]
    """
    return rule(lambda t: np.full(t.shape, rate), None)


@named
def warmup(iterations: Length, *, peak: Peak = 1.0, initial: Rate = 0.0, form: Rise = "linear") -> Schedule:
    r"""A straight line, or another rise, from ``initial`` to ``peak``, which stays: a factor, or what comes first.

    >>> (warmup(4) * constant(0.1))([0, 2, 4, 9]).tolist()
    [0.0, 0.05, 0.1, 0.1]
    >>> warmup(4, peak=0.1).then(linear(peak=0.1, horizon=10)).horizon
    14
    """
    return replace(curve(initial, peak, iterations, form), peak_at=iterations)


@named
def linear(*, peak: Peak, horizon: Horizon, final: Rate = 0.0, warmup: Warmup = 0, initial: Rate = 0.0) -> Schedule:
    r"""A straight line: :math:`\eta + (\eta_T - \eta)\,x` with :math:`x = (t - W)/(T - W)`.

    >>> linear(peak=0.1, horizon=4)([0, 1, 2, 4, 5]).tolist()
    [0.1, 0.07500000000000001, 0.05, 0.0, 0.0]
    """
    return _warmed_up(initial, peak, warmup, curve(peak, final, horizon - warmup))


@named
def exponential(*, peak: Peak, horizon: Horizon, final: Rate, warmup: Warmup = 0, initial: Rate = 0.0) -> Schedule:
    r"""Equal factors: :math:`\eta\,(\eta_T/\eta)^x` with :math:`x = (t - W)/(T - W)`; both rates lie above 0.

    >>> exponential(peak=1.0, horizon=4, final=0.0625)([0, 1, 2, 4, 5]).tolist()
    [1.0, 0.5, 0.25, 0.0625, 0.0625]
    """
    return _warmed_up(initial, peak, warmup, curve(peak, final, horizon - warmup, "exponential"))


@named
def polynomial(
    *, peak: Peak, horizon: Horizon, power: Power = 1.0, final: Rate = 0.0, warmup: Warmup = 0, initial: Rate = 0.0
) -> Schedule:
    r"""Polynomial decay: :math:`\eta_T + (\eta - \eta_T)(1 - x)^p` with :math:`x = (t - W)/(T - W)`.

    After the horizon it neither rises again nor leaves the real numbers.

    >>> polynomial(peak=1.0, horizon=4, power=2)([0, 2, 4, 5]).tolist()
    [1.0, 0.25, 0.0, 0.0]

    Source: Liu et al., ParseNet, arXiv:1506.04579 (2015), "poly".
    """
    return _warmed_up(initial, peak, warmup, curve(peak, final, horizon - warmup, "polynomial", power))


@named
def cosine(*, peak: Peak, horizon: Horizon, final: Rate = 0.0, warmup: Warmup = 0, initial: Rate = 0.0) -> Schedule:
    r"""Half a cosine: :math:`\eta_T + \frac{\eta - \eta_T}{2}(1 + \cos \pi x)` with :math:`x = (t - W)/(T - W)`.

    >>> cosine(peak=1.0, horizon=8)([0, 4, 8, 9]).tolist()
    [1.0, 0.5, 0.0, 0.0]
    >>> cosine(peak=1.0, horizon=10, final="50%", warmup="20%")([0, 1, 2, 6, 10, 11]).tolist()
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.5]

    Source: Loshchilov and Hutter, SGDR, arXiv:1608.03983 (2016), one cycle; warm-up as in Goyal et al.,
    arXiv:1706.02677 (2017).
    """
    return _warmed_up(initial, peak, warmup, curve(peak, final, horizon - warmup, "cosine"))


@named
def one_cycle(
    *, peak: Peak, horizon: Horizon, final: Rate | None = None, warmup: Warmup = "30%", initial: Rate | None = None
) -> Schedule:
    r"""Half a cosine up from ``initial`` to ``peak``, half a cosine down to ``final``.

    ``initial`` is a 25th of the peak when absent, ``final`` a 10 000th of ``initial``.

    >>> one_cycle(peak=1.0, horizon=10, initial=0.5, final=0.0, warmup=4)([0, 2, 4, 7, 10, 11]).tolist()
    [0.5, 0.75, 1.0, 0.5, 0.0, 0.0]

    Source: Smith and Topin, Super-Convergence, arXiv:1708.07120 (2017); cosines as in fastai.
    """
    first = peak / 25 if initial is None else initial
    last = first / 1e4 if final is None else final
    return _warmed_up(first, peak, warmup, curve(peak, last, horizon - warmup, "cosine"), "cosine")


@named
def warmup_stable_decay(
    *,
    peak: Peak,
    horizon: Horizon,
    final: Rate = 0.0,
    warmup: Warmup = 0,
    initial: Rate = 0.0,
    decay: Length = "10%",
    form: Form = "linear",
) -> Schedule:
    r"""A warm-up, a long stretch at the peak, a decay: a run that can be made longer without changing what is done.

    The peak stays up to iteration ``horizon - decay``. With x from 0 to 1 along the decay, the share of the peak is
    :math:`1 - x` (``linear``), :math:`(1 + \cos \pi x)/2` (``cosine``), :math:`1 - \sqrt x` (``root``), or the rates
    are :math:`\eta\,(\eta_T/\eta)^x` (``exponential``).

    >>> warmup_stable_decay(peak=1.0, horizon=20, warmup=4, decay=4)([0, 2, 4, 16, 17, 20, 21]).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.75, 0.0, 0.0]

    Source: Hu et al., MiniCPM, arXiv:2404.06395 (2024); the root in Hagele et al., arXiv:2405.18392 (2024).
    """
    stable = horizon - decay
    if stable < warmup:
        raise ValueError(f"warmup and decay take {warmup + decay} iterations, the horizon is {horizon}")
    rest: Schedule = curve(peak, final, decay, form)
    if stable > warmup:
        rest = rule(lambda t: np.full(t.shape, peak), stable - warmup).then(rest)
    return _warmed_up(initial, peak, warmup, rest)


@named
def step(
    *,
    peak: Peak,
    every: Length,
    factor: Factor = 0.1,
    horizon: Horizon | None = None,
    warmup: Warmup = 0,
    initial: Rate = 0.0,
) -> Schedule:
    r"""A drop every so many iterations: :math:`\eta\,c^{\lfloor t/s \rfloor}`, counted from iteration 0.

    >>> step(peak=1.0, every=10, factor=0.5)([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """

    def bends(first: int, last: int) -> Iterator[int]:
        return iter(range(max(-(-first // every), 1) * every, last + 1, every))

    drops = FunctionSchedule(function=lambda t: peak * factor ** (t // every), horizon=horizon, bends=bends)
    return _warmed_up(initial, peak, warmup, drops, count_from="zero")


@named
def multi_step(
    *,
    peak: Peak,
    milestones: Milestones,
    factor: Factor = 0.1,
    horizon: Horizon | None = None,
    warmup: Warmup = 0,
    initial: Rate = 0.0,
) -> Schedule:
    r"""A drop at each milestone: :math:`\eta\,c^k` after k of them; the iteration of a milestone has the new rate.

    >>> multi_step(peak=1.0, milestones=["80%", "90%"], horizon=100)([0, 79, 80, 89, 90]).round(6).tolist()
    [1.0, 1.0, 0.1, 0.1, 0.01]
    """
    ascending = sorted(milestones)
    drops = rule(lambda t: peak * factor ** np.searchsorted(ascending, t, side="right"), horizon, *ascending)
    return _warmed_up(initial, peak, warmup, drops, count_from="zero")


@named
def inverse_sqrt(*, peak: Peak, warmup: Length, horizon: Horizon | None = None, initial: Rate = 0.0) -> Schedule:
    r"""Inverse square root: :math:`\eta\,\sqrt{W/t}` after a straight warm-up of W iterations, at least 1.

    The rate at ``horizon`` stays; without one it keeps falling.

    >>> inverse_sqrt(peak=1.0, warmup=4, horizon=64)([0, 2, 4, 16, 64, 100]).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.25, 0.25]

    Source: Vaswani et al., Attention Is All You Need, arXiv:1706.03762 (2017), section 5.3.
    """
    length = None if horizon is None else horizon - warmup
    tail = rule(lambda t: peak * np.sqrt(warmup / (np.minimum(t, length or LAST) + warmup)), length, length or 0)
    return _warmed_up(initial, peak, warmup, tail)


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
    found: list[int] = []
    while len(found) < cycles and sum(found[-1:]) <= LAST:
        found.append(half_up(cycle * mult ** len(found)))
    sizes, ends = np.array(found), np.cumsum(found)
    if sizes.min() < 2 or ends[-1] > LAST:
        raise ValueError(f"cycles must have 2 iterations or more and end by {LAST}")

    def function(t: Iterations) -> Floats:
        k = np.minimum(np.searchsorted(ends, t, side="right"), cycles - 1)
        away = np.maximum(ends[k] - 1 - t, 0)
        top = np.minimum(floor + (peak - floor) * shrink**k, max(peak, floor))
        return along(floor, top, away, sizes[k] - 1, half_wave)

    horizon = int(ends[-1]) - 1
    return rule(function, horizon, *ends[:-1].tolist(), horizon)


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
    if cycles * period > LAST:
        raise ValueError(f"the last cycle ends at {cycles * period}, past {LAST}; give fewer")

    def function(t: Iterations) -> Floats:
        k = np.minimum(t // period, cycles - 1)
        i = np.minimum(t - k * period, period)
        top = np.minimum(floor + (peak - floor) * shrink**k, max(peak, floor))
        return along(floor, top, np.where(i < up, i, period - i), np.where(i < up, up, fall), np.divide)

    bends = accumulate([up, *[fall, up] * (cycles - 1), fall])
    return rule(function, cycles * period, *bends)


@named
def table(iterations: Milestones, rates: Rates) -> Schedule:
    """Straight lines between listed rates; before the first and after the last the rate stays.

    >>> table([0, 100, 400, 500], [0.0, 0.1, 0.1, 0.01])([0, 50, 100, 250, 500, 1000]).tolist()
    [0.0, 0.05, 0.1, 0.1, 0.01, 0.01]
    """
    if len(iterations) != len(rates) or not iterations:
        raise ValueError(f"give one rate for each iteration, got {len(iterations)} iterations and {len(rates)} rates")
    if list(iterations) != sorted(set(iterations)):
        raise ValueError(f"iterations must be ascending, got {iterations}")
    at, values = np.array(iterations, np.int64), np.array(rates, np.float64)

    def function(t: Iterations) -> Floats:
        after = np.searchsorted(at, t, side="right")
        left, right = np.maximum(after - 1, 0), np.minimum(after, at.size - 1)
        length = np.maximum(at[right] - at[left], 1)
        return along(values[left], values[right], np.clip(t - at[left], 0, length), length, np.divide)

    return rule(function, iterations[-1], *iterations)


def _warmed_up(
    initial: float, peak: float, warmup: int, rest: Schedule, form: str = "linear", count_from: Origin = "boundary"
) -> Schedule:
    return curve(initial, peak, warmup, form).then(rest, count_from=count_from) if warmup else rest
