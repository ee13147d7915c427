"""The schedules people name, as closed forms in float64 that reach their peak and their end exactly.

Every function takes times as whole numbers or as text (``"3ep"``, ``"10%"`` of its horizon, ``"2000it"``) and returns
a value of the class of the same name, whose formula, corners and source are told there. Iteration 0 is the first;
the horizon is the last iteration, whose rate stays after it.
"""

from dataclasses import replace
from typing import Literal

from lrsched.schedules.cycles import CosineWithRestarts, Cyclic
from lrsched.schedules.decays import (
    Cosine,
    Exponential,
    InverseSqrt,
    Linear,
    OneCycle,
    Polynomial,
    WarmupStableDecay,
)
from lrsched.schedules.primitives import Flat
from lrsched.schedules.ramps import Shape
from lrsched.schedules.units import EpochClock, Time

__all__ = [
    "Cosine",
    "CosineWithRestarts",
    "Cyclic",
    "Exponential",
    "Flat",
    "InverseSqrt",
    "Linear",
    "OneCycle",
    "Polynomial",
    "Shape",
    "WarmupStableDecay",
    "constant",
    "cosine",
    "cosine_with_restarts",
    "cyclic",
    "exponential",
    "inverse_sqrt",
    "linear",
    "one_cycle",
    "polynomial",
    "warmup_stable_decay",
]

UNMEASURED = EpochClock()


def constant(rate: float) -> Flat:
    """The same rate for ever: a :class:`Flat`.

    >>> constant(0.1)
    Flat(rate=0.1)
    """
    return Flat(rate=rate)


def linear(*, start: float, end: float = 0.0, horizon: Time, clock: EpochClock = UNMEASURED) -> Linear:
    """A straight line from ``start`` at iteration 0 to ``end`` at ``horizon``: a :class:`Linear`.

    >>> linear(start=0.1, horizon="2ep", clock=EpochClock(iterations_per_epoch=100))
    Linear(start=0.1, horizon=200)
    """
    return Linear(start=start, end=end, horizon=clock.iterations(horizon))


def exponential(*, start: float, end: float, horizon: Time, clock: EpochClock = UNMEASURED) -> Exponential:
    """Equal factors from ``start`` at iteration 0 to ``end`` at ``horizon``: an :class:`Exponential`.

    >>> exponential(start=0.1, end=0.001, horizon=1000)
    Exponential(start=0.1, end=0.001, horizon=1000)
    """
    return Exponential(start=start, end=end, horizon=clock.iterations(horizon))


def polynomial(
    *, start: float, end: float = 0.0, power: float = 1.0, horizon: Time, clock: EpochClock = UNMEASURED
) -> Polynomial:
    """A power of the share of the run that is left: a :class:`Polynomial`.

    >>> polynomial(start=0.01, power=4, horizon=592_480)
    Polynomial(start=0.01, power=4.0, horizon=592480)
    """
    return Polynomial(start=start, end=end, power=power, horizon=clock.iterations(horizon))


def cosine(
    *,
    peak: float,
    end: float = 0.0,
    horizon: Time,
    warmup: Time = 0,
    start: float = 0.0,
    clock: EpochClock = UNMEASURED,
) -> Cosine:
    """A warm-up in a straight line, then half a cosine from ``peak`` to ``end``: a :class:`Cosine`.

    >>> cosine(peak=0.1, horizon="90ep", warmup="5ep", clock=EpochClock(iterations_per_epoch=500))
    Cosine(peak=0.1, horizon=45000, warmup=2500)
    """
    own = _of_run(horizon, clock)
    return Cosine(peak=peak, end=end, horizon=_end(own), warmup=own.iterations(warmup), start=start)


def one_cycle(
    *,
    peak: float,
    horizon: Time,
    warmup: Time = "30%",
    start: float | None = None,
    end: float | None = None,
    clock: EpochClock = UNMEASURED,
) -> OneCycle:
    """Half a cosine up to ``peak``, half a cosine down to ``end``: a :class:`OneCycle`.

    >>> one_cycle(peak=1.0, start=0.04, end=0.0, horizon=11)
    OneCycle(peak=1.0, start=0.04, end=0.0, horizon=11, warmup=3)

    Args:
        peak: the rate at iteration ``warmup``.
        horizon: the iteration at which ``end`` is reached.
        warmup: the iteration at which the peak is reached; what is no whole number is rounded, halves up.
        start: the rate at iteration 0; a 25th of the peak when absent.
        end: the rate at ``horizon`` and after it; a 10 000th of ``start`` when absent.
        clock: what epochs are measured by.
    """
    own = _of_run(horizon, clock)
    first = peak / 25 if start is None else start
    last = first / 1e4 if end is None else end
    return OneCycle(peak=peak, start=first, end=last, horizon=_end(own), warmup=own.iterations(warmup))


def warmup_stable_decay(
    *,
    peak: float,
    end: float = 0.0,
    horizon: Time,
    warmup: Time = 0,
    decay: Time = "10%",
    form: Literal["linear", "cosine", "root"] = "linear",
    start: float = 0.0,
    clock: EpochClock = UNMEASURED,
) -> WarmupStableDecay:
    """A warm-up, a long stretch at ``peak``, a decay at the end: a :class:`WarmupStableDecay`.

    A decay given as text takes one iteration at least.

    >>> warmup_stable_decay(peak=0.1, horizon=10_000, warmup="1%", decay="20%")
    WarmupStableDecay(peak=0.1, horizon=10000, warmup=100, decay=2000)
    """
    own = _of_run(horizon, clock)
    length = own.iterations(decay)
    return WarmupStableDecay(
        peak=peak,
        end=end,
        horizon=_end(own),
        warmup=own.iterations(warmup),
        decay=max(length, 1) if isinstance(decay, str) else length,
        form=form,
        start=start,
    )


def inverse_sqrt(
    *, peak: float, warmup: Time, horizon: Time, start: float = 0.0, clock: EpochClock = UNMEASURED
) -> InverseSqrt:
    """A warm-up in a straight line, then the inverse square root of the iteration: an :class:`InverseSqrt`.

    >>> inverse_sqrt(peak=0.001, warmup=4000, horizon=100_000)
    InverseSqrt(peak=0.001, warmup=4000, horizon=100000)
    """
    own = _of_run(horizon, clock)
    return InverseSqrt(peak=peak, warmup=own.iterations(warmup), horizon=_end(own), start=start)


def cosine_with_restarts(
    *, peak: float, end: float = 0.0, cycle: Time, cycles: int, mult: int = 1, clock: EpochClock = UNMEASURED
) -> CosineWithRestarts:
    """Half a cosine from ``peak`` to ``end`` in every cycle: a :class:`CosineWithRestarts`.

    >>> cosine_with_restarts(peak=0.1, cycle="10ep", cycles=3, mult=2, clock=EpochClock(iterations_per_epoch=500))
    CosineWithRestarts(peak=0.1, cycle=5000, cycles=3, mult=2)
    """
    return CosineWithRestarts(peak=peak, end=end, cycle=clock.iterations(cycle), cycles=cycles, mult=mult)


def cyclic(
    *,
    low: float,
    high: float,
    up: Time,
    down: Time | None = None,
    cycles: int,
    shrink: float = 1.0,
    clock: EpochClock = UNMEASURED,
) -> Cyclic:
    """Straight up and straight down again, ``cycles`` times: a :class:`Cyclic`. ``down`` is ``up`` when absent.

    >>> cyclic(low=0.001, high=0.006, up=2000, cycles=4)
    Cyclic(low=0.001, high=0.006, up=2000, down=2000, cycles=4)
    """
    rise = clock.iterations(up)
    fall = rise if down is None else clock.iterations(down)
    return Cyclic(low=low, high=high, up=rise, down=fall, cycles=cycles, shrink=shrink)


def _of_run(horizon: Time, clock: EpochClock) -> EpochClock:
    return replace(clock, horizon=clock.iterations(horizon))


def _end(clock: EpochClock) -> int:
    assert clock.horizon is not None
    return clock.horizon
