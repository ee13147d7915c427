"""Schedules that rise once at most and then decay: to their final rate, which stays, or for ever.

They share one set of parameters. From ``initial`` at iteration 0 a straight warm-up reaches ``peak`` at iteration
``warmup`` (0: the peak comes first); from there the decay leads to ``final`` at ``horizon``, both reached exactly.
``final`` may lie above ``peak``: the curve then rises, as a momentum does. Times may be text (``"10%"`` of the
horizon), and so may rates (``"1%"`` of the peak).
"""

import math
from typing import Literal

import numpy as np

from lrsched.schedule import Schedule
from lrsched.schedules.curves import Rule, bends_at, curve
from lrsched.schedules.naming import named
from lrsched.schedules.parameters import (
    Factor,
    Form,
    Horizon,
    Length,
    Milestones,
    Peak,
    Power,
    Rate,
    Warmup,
)

__all__ = [
    "constant",
    "cosine",
    "exponential",
    "inverse_sqrt",
    "linear",
    "multi_step",
    "one_cycle",
    "polynomial",
    "step",
    "warmup",
    "warmup_stable_decay",
]


@named
def constant(rate: Peak) -> Schedule:
    r"""The same rate for ever: :math:`\eta`. It has no horizon; ``held(constant(0.1), at=1000)`` has one.

    >>> constant(0.1)([0, 1, 500_000]).tolist()
    [0.1, 0.1, 0.1]
    """
    return Rule(function=lambda t: rate)


@named
def warmup(iterations: Length, *, peak: Peak = 1.0, initial: Rate = 0.0) -> Schedule:
    r"""A straight line from ``initial`` to ``peak``, which stays: a factor, or what a schedule comes after.

    >>> (warmup(4) * constant(0.1))([0, 2, 4, 9]).tolist()
    [0.0, 0.05, 0.1, 0.1]
    >>> warmup(4, peak=0.1).then(linear(peak=0.1, horizon=10)).horizon
    14
    """
    return curve(initial, peak, iterations, peak_at=iterations)


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
    *,
    peak: Peak,
    horizon: Horizon,
    power: Power = 1.0,
    final: Rate = 0.0,
    warmup: Warmup = 0,
    initial: Rate = 0.0,
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
    *,
    peak: Peak,
    horizon: Horizon,
    final: Rate | None = None,
    warmup: Warmup = "30%",
    initial: Rate | None = None,
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
        rest = Rule(function=lambda t: peak, last=stable - warmup).then(rest)
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
    drops = Rule(
        function=lambda t: peak * np.power(factor, t // every),
        last=horizon,
        bends=lambda first, last: iter(range(max(-(-first // every), 1) * every, last + 1, every)),
    )
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
    drops = Rule(
        function=lambda t: peak * np.power(factor, np.searchsorted(ascending, t, side="right")),
        last=horizon,
        bends=bends_at(*ascending),
    )
    return _warmed_up(initial, peak, warmup, drops, count_from="zero")


@named
def inverse_sqrt(*, peak: Peak, warmup: Length, horizon: Horizon | None = None, initial: Rate = 0.0) -> Schedule:
    r"""Inverse square root: :math:`\eta\,\sqrt{W/t}` after a straight warm-up of W iterations, at least 1.

    The rate at ``horizon`` stays; without one it falls for ever.

    >>> inverse_sqrt(peak=1.0, warmup=4, horizon=64)([0, 2, 4, 16, 64, 100]).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.25, 0.25]

    Source: Vaswani et al., Attention Is All You Need, arXiv:1706.03762 (2017), section 5.3.
    """
    length = None if horizon is None else horizon - warmup
    tail = Rule(
        function=lambda t: peak * np.sqrt(warmup / (np.minimum(t, length or math.inf) + warmup)),
        last=length,
        bends=bends_at(length or 0),
    )
    return _warmed_up(initial, peak, warmup, tail)


def _warmed_up(
    initial: float,
    peak: float,
    warmup: int,
    rest: Schedule,
    form: str = "linear",
    count_from: Literal["boundary", "zero"] = "boundary",
) -> Schedule:
    if not warmup:
        return rest
    return curve(initial, peak, warmup, form).then(rest, count_from=count_from)
