"""``lr_config`` of mmcv: a regular rate by epoch or by iteration, times a warm-up by iteration."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import accumulate, pairwise
from typing import Any, Literal

import numpy as np

from lrsched.schedule import Floats, FunctionSchedule, Iterations, Schedule
from lrsched.schedules import wellknown
from lrsched.schedules.combinators import clamped, held, per_epoch, repeated
from lrsched.schedules.forms import curve
from lrsched.schedules.naming import named
from lrsched.schedules.wellknown import Factor, Length
from lrsched.trainers.openmmlab.literal import Settings, number, whole_numbers
from lrsched.trainers.yaml import ConfigError

__all__ = ["least_of", "one_cycle", "planned", "warmup_factor"]


def planned(policy: Settings, lr: float, *, epochs: int | None, iterations: int, epoch_length: int | None) -> Schedule:
    """The rate at every iteration of a run.

    >>> policy = {"policy": "step", "step": [2], "warmup": "linear", "warmup_iters": 4, "warmup_ratio": 0.5}
    >>> planned(policy, 0.1, epochs=3, iterations=30, epoch_length=10)([0, 2, 4, 19, 20]).round(4).tolist()
    [0.05, 0.075, 0.1, 0.1, 0.01]

    Source: mmcv 1.7.2, mmcv/runner/hooks/lr_updater.py.
    """
    name = str(policy.get("policy")).lower()
    by_epoch = policy.get("by_epoch", name not in ("cyclic", "onecycle"))
    in_epochs = by_epoch or policy.get("warmup_by_epoch")
    if (in_epochs and epoch_length is None) or (by_epoch and epochs is None):
        unknown = "lr_config counts in epochs, which are not known"
        raise ConfigError(f"{unknown}; give iterations_per_epoch, or the log of the run.")
    rate = _regular(name, policy, lr, epochs if by_epoch and epochs else iterations)
    rate = per_epoch(rate, iterations=epoch_length) if by_epoch and epoch_length else rate
    if policy.get("warmup") is not None:
        unit = epoch_length if epoch_length and policy.get("warmup_by_epoch") else 1
        length, ratio = number(policy, "warmup_iters", whole=True) * unit, number(policy, "warmup_ratio", 0.1)
        straight, form = policy["warmup"] == "linear", policy["warmup"]
        rise = wellknown.warmup(length, initial=ratio) if straight else warmup_factor(length, ratio=ratio, form=form)
        rate = rise * rate
    return held(rate, at=iterations - 1)


@named
def warmup_factor(iterations: Length, *, ratio: Factor, form: Literal["exp", "constant"]) -> Schedule:
    """A factor that is ``ratio``, or rises from it in equal factors, and 1 from an iteration on.

    >>> warmup_factor(2, ratio=0.01, form="exp")([0, 1, 2, 3]).round(6).tolist()
    [0.01, 0.1, 1.0, 1.0]
    """
    rise = curve(ratio, 1.0 if form == "exp" else ratio, iterations, "exponential")
    factor = rise if form == "exp" else replace(rise, function=lambda t: np.where(t < iterations, ratio, 1.0))
    return replace(factor, peak_at=iterations)


def _regular(name: str, policy: Settings, lr: float, length: int) -> Schedule:
    """The rate without the warm-up, by its own count of ``length`` epochs or iterations."""
    get, least = partial(number, policy), least_of(policy, lr, "min_lr")
    shape: dict[str, Any] = {"peak": lr, "horizon": length, "final": least}
    match name:
        case "fixed":
            return wellknown.constant(lr)
        case "step":
            return _step(policy, lr, length, least)
        case "exp":
            return wellknown.step(peak=lr, every=1, factor=get("gamma"))
        case "poly":
            return wellknown.polynomial(**shape, power=get("power", 1.0))
        case "inv":
            gamma, power = get("gamma"), get("power", 1.0)
            return FunctionSchedule(function=partial(_inverse, lr=lr, gamma=gamma, power=power), horizon=length - 1)
        case "cosineannealing":
            return wellknown.cosine(**shape)
        case "linearannealing":
            return wellknown.linear(**shape)
        case "flatcosineannealing":
            start = round(length * get("start_percent", 0.75))
            decay = wellknown.cosine(**shape | {"horizon": max(length - start, 1)})
            return wellknown.constant(lr).then(decay, at=start) if start else decay
        case "cosinerestart":
            return _restarts(policy, lr, least)
        case "cyclic" if policy.get("anneal_strategy", "cos") == "cos" and get("gamma", 1) == 1:
            high, low = policy.get("target_ratio", [10, 1e-4])
            period = length // get("cyclic_times", 1, whole=True)
            top = int(get("step_ratio_up", 0.4) * period)
            rise = wellknown.one_cycle(peak=lr * high, horizon=period, warmup=top, initial=lr, final=lr * low)
            return repeated(rise, period=period)
        case "onecycle":
            total, peak = get("total_steps", length, whole=True), get("max_lr")
            function = partial(one_cycle, policy=policy, peak=peak, length=total)
            return FunctionSchedule(function=function, horizon=total - 1, peak_at=int(get("pct_start", 0.3) * total))
    raise ConfigError(f"the rates of the policy {policy.get('policy')!r} are not known here; infer them from a log.")


def _step(policy: Settings, lr: float, length: int, least: float) -> Schedule:
    drops: dict[str, Any] = {"peak": lr, "factor": number(policy, "gamma", 0.1), "horizon": max(length - 1, 1)}
    steps = whole_numbers(policy, "step")
    listed = isinstance(policy.get("step"), list)
    rate = wellknown.multi_step(milestones=steps, **drops) if listed else wellknown.step(every=steps[0], **drops)
    return clamped(rate, low=least) if least else rate


def _restarts(policy: Settings, lr: float, least: float) -> Schedule:
    periods, weights = whole_numbers(policy, "periods"), policy.get("restart_weights", [1])
    cycles = [
        wellknown.cosine(peak=(lr - least) * weight + least, horizon=period, final=least)
        for weight, period in zip(weights, periods, strict=True)
    ]
    rate: Schedule = cycles[0]
    for cycle, start in zip(cycles[1:], accumulate(periods), strict=False):
        rate = rate.then(cycle, at=start)
    return rate


def least_of(settings: Settings, base: float, key: str) -> float:
    """The lowest rate, given as it is or as a share of the base."""
    share = settings.get(f"{key}_ratio") is not None
    return float(base * number(settings, f"{key}_ratio") if share else number(settings, key, 0.0))


def _inverse(t: Iterations, lr: float, gamma: float, power: float) -> Floats:
    rates: Floats = lr * (1 + gamma * t) ** -power
    return rates


def one_cycle(k: Iterations, policy: Settings, peak: float, length: int) -> Floats:
    """One cycle whose corners lie one step before whole shares of the length, as in torch.

    >>> one_cycle(np.array([0, 29, 99]), {}, 0.25, 100).round(8).tolist()
    [0.01, 0.25, 1e-06]
    """
    share, first = number(policy, "pct_start", 0.3), peak / number(policy, "div_factor", 25.0)
    down = [(2 * share * length - 2, first)] if policy.get("three_phase") else []
    last = (length - 1.0, first / number(policy, "final_div_factor", 1e4))
    straight = policy.get("anneal_strategy") == "linear"
    rates = np.full(k.shape, last[1])
    for (start, left), (end, right) in reversed([*pairwise([(0.0, first), (share * length - 1, peak), *down, last])]):
        done = (k - start) / (end - start)
        along = (right - left) * done + left if straight else right + (left - right) / 2 * (1 + np.cos(np.pi * done))
        rates = np.where(k <= end, along, rates)
    return rates
