"""The schedules of transformers' ``get_scheduler`` and of DeepSpeed, by the number of steps that they have taken.

``schedule_of`` has the formula of each type in terms of named schedules; what those lack is a named schedule here.
All of them are exact after the last step of the run too: a schedule that is stepped too often gets there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeAlias

import numpy as np

from lrsched.numbers import Param
from lrsched.schedule import FunctionSchedule, Schedule, rates_of
from lrsched.schedules import wellknown
from lrsched.schedules.combinators import Inner, shifted
from lrsched.schedules.naming import named
from lrsched.schedules.wellknown import Horizon, Peak, Rate, Warmup
from lrsched.text import did_you_mean, joined

__all__ = ["TYPES", "restarts", "run", "schedule_of", "waves"]

Cycles: TypeAlias = Annotated[float, Param("waves, or segments, up to the horizon", 0, 10_000, (0.5, 5.0))]


@named
def run(schedule: Inner, *, horizon: Horizon) -> Schedule:
    """A schedule in a run of ``horizon`` steps, which changes no rate, not even after the horizon.

    >>> run(wellknown.inverse_sqrt(peak=1, warmup=4), horizon=16)([4, 16, 64]).tolist()
    [1.0, 0.5, 0.25]
    """
    return FunctionSchedule(
        function=lambda t: rates_of(schedule, t), horizon=horizon, peak_at=schedule.warmup, bends=schedule.milestones
    )


@named
def waves(
    *, peak: Peak, horizon: Horizon, final: Rate = 0.0, warmup: Warmup = 0, initial: Rate = 0.0, cycles: Cycles = 0.5
) -> Schedule:
    r"""Cosine: :math:`\eta_T + \frac{\eta - \eta_T}{2}(1 + \cos 2\pi c x)`, :math:`x = (t - W)/(T - W)`, without end.

    After the horizon the rate rises again.

    >>> waves(peak=1.0, horizon=8)([0, 4, 8, 12, 16]).round(9).tolist()
    [1.0, 0.5, 0.0, 0.5, 1.0]
    """
    length = horizon - warmup

    def function(t: Any) -> Any:
        return final + (peak - final) * 0.5 * (1 + np.cos(math.pi * cycles * 2 * (t / length)))

    return _risen(warmup, peak, initial, FunctionSchedule(function=function, horizon=length))


@named
def restarts(*, peak: Peak, horizon: Horizon, warmup: Warmup = 0, cycles: Cycles = 1.0) -> Schedule:
    r"""Half waves: :math:`\frac{\eta}{2}(1 + \cos \pi(cx \bmod 1))`, :math:`x = (t - W)/(T - W)`; 0 from T on.

    >>> restarts(peak=1.0, horizon=8, cycles=2)([0, 2, 3, 4, 6, 8]).round(3).tolist()
    [1.0, 0.5, 0.146, 1.0, 0.5, 0.0]
    """
    length = horizon - warmup

    def function(t: Any) -> Any:
        x = t / length
        return np.where(x >= 1, 0.0, peak * 0.5 * (1 + np.cos(math.pi * (cycles * x % 1.0))))

    return _risen(warmup, peak, 0.0, FunctionSchedule(function=function, horizon=length))


def _risen(warmup: int, peak: float, initial: float, rest: Schedule) -> Schedule:
    return wellknown.warmup(warmup, peak=peak, initial=initial).then(rest) if warmup else rest


# --- of what each type is made: of the rate, the steps of the warm-up and of the run, and arguments of its own --------


def _linear(lr: float, w: int, end: int) -> Schedule:
    return wellknown.linear(peak=lr, horizon=end, warmup=w) if w < end else _cut_off(lr, w, 0.0)


def _polynomial(lr: float, w: int, end: int, *, lr_end: float = 1e-7, power: float = 1.0) -> Schedule:
    if lr <= lr_end:
        raise ValueError(f"lr_end must be smaller than the learning rate {lr:g}, got {lr_end:g}")
    if w >= end:
        return _cut_off(lr, w, lr_end)
    return wellknown.polynomial(peak=lr, horizon=end, final=lr_end, power=power, warmup=w)


def _cut_off(lr: float, w: int, after: float) -> Schedule:
    """A warm-up as long as the run or longer, which leaves no decay."""
    return wellknown.warmup(w, peak=lr).then(wellknown.constant(after), at=w)


def _inverse_sqrt(lr: float, w: int, end: int, *, timescale: int | None = None) -> Schedule:
    scale = timescale or w or 10_000
    if scale == w:
        return wellknown.inverse_sqrt(peak=lr, warmup=w)
    return _risen(w, lr, 0.0, shifted(wellknown.inverse_sqrt(peak=lr, warmup=scale), by=-scale))


def _restarts(lr: float, w: int, end: int, *, num_cycles: float = 1.0) -> Schedule:
    return restarts(peak=lr, horizon=max(end, w + 1), warmup=w, cycles=num_cycles)


def _cosine(lr: float, w: int, end: int, *, num_cycles: float = 0.5) -> Schedule:
    return waves(peak=lr, horizon=max(end, w + 1), warmup=w, cycles=num_cycles)


def _cosine_with_min_lr(lr: float, w: int, end: int, *, num_cycles: float = 0.5, **least: Any) -> Schedule:
    return waves(peak=lr, horizon=max(end, w + 1), warmup=w, cycles=num_cycles, final=_least(lr, **least))


def _least(lr: float, *, min_lr: float | None = None, min_lr_rate: float | None = None) -> float:
    if min_lr is not None and min_lr_rate is not None:
        raise ValueError("give one of min_lr and min_lr_rate, not both")
    if min_lr is None and min_lr_rate is None:
        raise ValueError("min_lr or min_lr_rate is missing; give one of them in lr_scheduler_kwargs")
    return lr * float(min_lr_rate or 0) if min_lr is None else float(min_lr)


def _early_cosine(
    lr: float, w: int, end: int, *, num_cycles: float = 0.5, warmup_lr_rate: float | None = None, **least: Any
) -> Schedule:
    """A warm-up that counts from 1 and a decay that is a step ahead: the peak comes at w - 1."""
    first = lr * (1 / max(w, 1) if warmup_lr_rate is None else float(warmup_lr_rate))
    rates: dict[str, Any] = {"peak": lr, "final": _least(lr, **least), "cycles": num_cycles}
    length = max(end - w, 1)
    if w > 1:
        return waves(**rates, horizon=length + w - 1, warmup=w - 1, initial=first)
    decay = waves(**rates, horizon=length)
    return wellknown.constant(first).then(decay, at=1, count_from="zero") if w else shifted(decay, by=-1)


RISES: dict[str, Callable[..., Schedule]] = {"linear": wellknown.linear, "cosine": wellknown.cosine}
RISES |= {"1-sqrt": partial(wellknown.polynomial, power=0.5)}
FALLS: dict[str, Callable[..., Schedule]] = {"linear": wellknown.linear, "cosine": waves}
FALLS |= {"1-sqrt": partial(wellknown.warmup_stable_decay, decay="100%", form="root")}


def _stable(
    lr: float,
    w: int,
    end: int,
    *,
    num_decay_steps: int,
    num_stable_steps: int | None = None,
    warmup_type: str = "linear",
    decay_type: str = "cosine",
    min_lr_ratio: float = 0.0,
    num_cycles: float = 0.5,
) -> Schedule:
    for given in warmup_type, decay_type:
        if given not in RISES:
            raise ValueError(f"warmup_type and decay_type are {joined(map(repr, RISES), 'or')}, got {given!r}")
    least, stable = lr * min_lr_ratio, num_stable_steps
    stable = end - w - num_decay_steps if stable is None else stable
    own = {"cycles": num_cycles} if decay_type == "cosine" else {}
    decay = FALLS[decay_type](peak=lr, final=least, horizon=num_decay_steps, **own)
    rest: Schedule = decay.then(wellknown.constant(least), at=num_decay_steps)
    rest = wellknown.constant(lr).then(rest, at=stable) if stable > 0 else shifted(rest, by=stable)
    return RISES[warmup_type](peak=least, final=lr, horizon=w).then(rest, at=w) if w else rest


def _deepspeed(lr: float, w: int, end: int, *, warmup_min_lr: float = 0.0, warmup_type: str = "log") -> Schedule:
    return wellknown.warmup(
        max(w, 2), peak=lr, initial=warmup_min_lr, form="linear" if warmup_type == "linear" else "logarithmic"
    )


def _deepspeed_decay(lr: float, w: int, end: int, *, warmup_min_lr: float = 0.0, **rise: Any) -> Schedule:
    w = max(w, 2)
    least = wellknown.constant(warmup_min_lr)
    decay = wellknown.linear(peak=lr, final=warmup_min_lr, horizon=end - w) if w < end else least
    return _deepspeed(lr, w, end, warmup_min_lr=warmup_min_lr, **rise).then(decay, at=w)


TYPES: Mapping[str, Callable[..., Schedule]] = {
    "linear": _linear,
    "cosine": _cosine,
    "cosine_with_restarts": _restarts,
    "polynomial": _polynomial,
    "constant": lambda lr, w, end: wellknown.constant(lr),
    "constant_with_warmup": lambda lr, w, end: wellknown.warmup(w, peak=lr) if w else wellknown.constant(lr),
    "inverse_sqrt": _inverse_sqrt,
    "cosine_with_min_lr": _cosine_with_min_lr,
    "cosine_warmup_with_min_lr": _early_cosine,
    "warmup_stable_decay": _stable,
    "WarmupLR": _deepspeed,
    "WarmupDecayLR": _deepspeed_decay,
}
"""The types of schedules by the names that ``lr_scheduler_type``, or DeepSpeed's ``scheduler``, has for them."""

FOLLOW_A_METRIC = ("reduce_lr_on_plateau", "greedy")


def schedule_of(kind: str, lr: float, warmup: int, horizon: int, **kwargs: Any) -> Schedule:
    """The schedule that ``get_scheduler`` makes, by the number of steps that it has taken.

    Args:
        kind: its type, a key of ``TYPES``.
        lr: the rate after the warm-up.
        warmup: the steps of the warm-up.
        horizon: the steps of the run, ``num_training_steps``.
        kwargs: the type's own arguments, those of ``lr_scheduler_kwargs``.

    >>> schedule_of("cosine", 5e-6, 34, 336)
    waves(peak=5e-06, horizon=336, warmup=34)
    >>> schedule_of("cosine_with_min_lr", 1.0, 0, 4, min_lr_rate=0.1)([0, 2, 4]).round(9).tolist()
    [1.0, 0.55, 0.1]

    Raises:
        ValueError: for an unknown type or argument.
    """
    if kind in FOLLOW_A_METRIC:
        raise ValueError(f"{kind} follows the evaluations of the run, so no plan has its rates; read them from its log")
    if kind not in TYPES:
        raise ValueError(f"there is no schedule {kind!r}{did_you_mean(kind, TYPES)}")
    try:
        made = TYPES[kind](lr, warmup, horizon, **kwargs)
    except TypeError as why:
        raise ValueError(f"{kind}: {str(why).partition('() ')[2] or why}") from None
    return made if made.horizon == horizon else run(made, horizon=horizon)
