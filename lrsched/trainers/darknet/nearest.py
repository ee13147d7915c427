"""The cfg nearest to any curve: each policy with the keys that its rates suggest, and the best possible steps.

Nearest means that the largest ``abs(log(rate of the cfg / rate of the curve))`` of all iterations is as small as
possible. Rates below a thousandth of the peak count as that thousandth: they have almost no effect, and ten steps there
would help nobody. Iteration 0 does not count, because darknet's first update uses iteration 1. The restarts of ``sgdr``
may come an iteration early or late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lrsched.fitting.simplicity import digits
from lrsched.numbers import whole
from lrsched.schedule import Schedule
from lrsched.text import number
from lrsched.trainers.darknet.arithmetic import LARGEST_EXACT, LARGEST_SINGLE
from lrsched.trainers.darknet.cutting import best_steps
from lrsched.trainers.darknet.dialects import Dialect, as_dialect
from lrsched.trainers.darknet.guessing import ROOM, ROUNDING, Curve, Floats, Keys, decimal, logs_of, policies, ramps
from lrsched.trainers.darknet.net import Net

__all__ = ["EXACT", "LONGEST", "MOST_STEPS", "Fit", "nearest"]

LONGEST: int = LARGEST_EXACT
"""The longest run that is fitted."""

MOST_STEPS: int = 10_000
"""The largest number of steps."""

EXACT: float = 1e-4
"""A cfg with this relative error or less is the curve: float32 cannot come nearer where ``poly`` ends."""

RANGE, ALL = 1000, 1e9  # the smallest rate that counts is the peak over this; where a cfg may be exact
SMALLEST, LARGEST = 1e-29, 1e30  # a curve with a peak beyond these may need numbers that are no float32
FINALISTS = 3  # policies are compared on a sample, the best of them on every iteration
SHARES = (0.6, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.4)  # lengths of a burn-in that are tried, in lengths of the rise


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The cfg nearest to a curve; it prints as the lines of its ``[net]``.

    Attributes:
        net: the cfg.
        horizon: the last iteration of the run.
        error: the largest relative error of its rate, of the larger one to the smaller one: 0.1 where the cfg's rate is
            nowhere more than 1.1 times as high or as low as the curve's.
        at: the first iteration with that error.
        wanted: the rate of the curve there.
        got: the rate of the cfg there.
    """

    net: Net
    horizon: int
    error: float
    at: int
    wanted: float
    got: float

    @property
    def exact(self) -> bool:
        """Whether the cfg is the curve, to the rounding of float32."""
        return self.error <= EXACT

    @property
    def sentence(self) -> str:
        """The error in words."""
        if self.error <= ROUNDING:
            return f"The cfg matches the curve at all {self.horizon} iterations, to within {ROUNDING:g} of each rate."
        there = f"at iteration {self.at}: {number(self.got, 4)} in place of {number(self.wanted, 4)}"
        most = f"{number(100 * self.error)} %" if self.error < 1 else f"a factor of {number(1 + self.error)}"
        return f"The rate of the cfg is off by at most {most}, {there}."

    def into(self, net: Net) -> Net:
        """Another cfg with the keys of this one that decide the rate."""
        keys = [line.partition("=")[0] for line in str(self.net).splitlines()[1:]]
        keys += ["power"] * (self.net.burn_in > 0)
        return net.with_values({key: getattr(self.net, key) for key in keys if key not in ("batch", "subdivisions")})

    def __str__(self) -> str:
        return str(self.net)


@np.errstate(all="ignore")
def nearest(schedule: Schedule, horizon: int, steps: int = 12, dialect: str | Dialect = "alexeyab") -> Fit:
    """The cfg whose rates are nearest to those of a schedule, with at most ``steps`` steps.

    Raises:
        TypeError, ValueError: for rates that are negative or not finite, and numbers out of range.
    """
    whole("steps", steps, high=MOST_STEPS)
    if schedule.unit != "iteration":
        first = "convert it with lrsched.schedules.per_epoch(schedule, iterations=N), N being those of an epoch"
        raise ValueError(f"darknet counts iterations, the schedule {schedule.unit}s; {first}")
    rates = _rates(schedule, whole("horizon", horizon, low=1, high=LONGEST))
    start = Net(batch=64, subdivisions=16, max_batches=horizon, dialect=as_dialect(dialect))
    if not rates.any():
        return _measured(Curve(rates, 1.0), replace(start, learning_rate=0.0))
    peak = float(rates.max())
    exact = _fits(Curve(rates, peak / ALL), schedule.warmup, start, steps, EXACT)
    fits = exact or _fits(Curve(rates, peak / RANGE), schedule.warmup, start, steps, RANGE)
    least = min(fit.error for fit in fits)
    good = (fit for fit in fits if fit.error <= max(least * (1 + ROOM), ROUNDING))
    return min(good, key=lambda fit: (_cost(fit.net), fit.error))


def _fits(curve: Curve, warmup: int, start: Net, steps: int, most: float) -> list[Fit]:
    """The best cfgs with at most an error."""
    rises = list(ramps(curve, warmup, () if most < RANGE else SHARES))
    scored = [_scaled(curve, start, keys) for ramp in rises for keys in policies(curve, ramp, start.dialect)]
    scored = sorted((one for one in scored if one[0] <= math.log1p(most)), key=lambda one: one[0])
    nets = [net for _, net in scored[:FINALISTS]]
    cut = best_steps(curve, rises, steps + 1, 2 * math.log1p(most))
    nets += [] if cut is None else [replace(start, **cut)]
    return [fit for fit in (_measured(curve, net) for net in nets) if fit.error <= most]


def _cost(net: Net) -> int:
    """The digits that a cfg has to say, and a little more for ``step``, which few people use."""
    lines = [line.partition("=") for line in str(net).splitlines()[1:]]
    values = [value for key, _, value in lines if key not in ("batch", "subdivisions", "max_batches", "policy")]
    return sum(digits(float(each)) for each in ",".join(values).split(",")) + 2 * (net.policy == "step")


def _measured(curve: Curve, net: Net) -> Fit:
    """A cfg with its error at every iteration."""
    rates = net.schedule().rates(1, curve.rates.size + 1).astype(np.float64)
    apart = _apart(rates, curve.logs, curve.floor)
    if net.policy == "sgdr":
        at_jumps = rates[curve.jumps]
        for beside in (curve.jumps - 1, curve.jumps + 1):
            near = _apart(at_jumps, curve.logs[np.clip(beside, 0, rates.size - 1)], curve.floor)
            apart[curve.jumps] = np.minimum(apart[curve.jumps], near)
    at = int(apart.argmax())
    error, wanted, got = math.expm1(apart[at]), float(curve.rates[at]), float(rates[at])
    return Fit(net=net, horizon=rates.size, error=error, at=at + 1, wanted=wanted, got=got)


def _apart(rates: Floats, logs: Floats, floor: float) -> Floats:
    """How far the logarithms of rates are from others; infinite where there is none."""
    gap: Floats = np.abs(logs_of(rates, floor) - logs)
    gap[np.isnan(gap)] = math.inf
    return gap


def _scaled(curve: Curve, start: Net, keys: Keys) -> tuple[float, Net]:
    """The error of a cfg on the sample, and the cfg with the best learning rate, unless the keys have one."""
    net, logs, t = replace(start, **{"learning_rate": 1.0, **keys}), curve.logs[curve.sample], curve.sample + 1
    if "learning_rate" not in keys:
        ratio = logs - np.log(net.schedule()(t).astype(np.float64))
        counts = ratio[(logs > math.log(curve.floor)) & np.isfinite(ratio)]
        low, high = counts.min(initial=math.inf), counts.max(initial=-math.inf)
        middle, span = (low + high) / 2, high - low
        if not abs(middle) < math.log(LARGEST_SINGLE):  # nor where nothing counts
            return math.inf, net
        room = max(5 * ROOM * span, EXACT / 10 if span > ROUNDING else 0.9 * ROUNDING)
        net = replace(net, learning_rate=decimal(middle - room, middle + room))
    return float(_apart(net.schedule()(t).astype(np.float64), logs, curve.floor).max()), net


def _rates(schedule: Schedule, horizon: int) -> Floats:
    rates: Floats = schedule.rates(1, horizon + 1).astype(np.float64)
    wrong = ~(np.isfinite(rates) & (rates >= 0) & (rates <= LARGEST))
    if wrong.any():
        at = int(wrong.argmax())
        why = "negative" if rates[at] < 0 else "not a rate that a cfg can have"
        raise ValueError(f"the rate at iteration {at + 1} is {rates[at]:g}, which is {why}; fit a curve without it")
    if 0 < rates.max() < SMALLEST:
        raise ValueError(f"no rate is above {rates.max():g}, which darknet cannot hold; fit a curve with larger ones")
    return rates
