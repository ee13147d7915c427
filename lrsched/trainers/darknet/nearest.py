"""The cfg nearest to any curve: each policy with the keys that its rates suggest, and the best possible steps.

Near means that at no iteration the rate is off by a large factor: what is made as small as possible is the largest
``abs(log(rate of the cfg / rate of the curve))``. Rates below a thousandth of the peak count as that thousandth, since
hardly anything is trained with them and nobody wants ten steps there. Iteration 0 does not count: darknet's first
update uses iteration 1. The restarts of ``sgdr`` may come an iteration early or late.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.fitting.simplicity import digits, short_decimal, whole_numbers
from lrsched.numbers import whole
from lrsched.schedule import Schedule
from lrsched.text import number
from lrsched.trainers.darknet.arithmetic import LARGEST_SINGLE, single
from lrsched.trainers.darknet.dialects import Dialect, as_dialect
from lrsched.trainers.darknet.net import Net
from lrsched.trainers.darknet.numbers import shortest

__all__ = ["EXACT", "LONGEST", "Fit", "nearest"]

LONGEST: int = 2**24
"""The longest run that is fitted."""

MOST_STEPS: int = 10_000
"""The largest number of steps."""

EXACT: float = 1e-4
"""A cfg with this relative error or less is the curve: float32 cannot come nearer where ``poly`` ends."""

RANGE, ALL = 1000, 1e9  # the smallest rate that counts is the peak over this; where a cfg may be exact
SMALLEST = 1e-29  # a thousand-millionth of it is a float32
ROUNDING = 1e-6  # of a few float32 operations
ROOM = 0.01  # numbers are rounded as far as the error grows by this share of itself at most
SAMPLES, FINALISTS = 2000, 3  # policies are compared on a sample, the best of them on every iteration
JUMP = 0.1  # from one iteration to the next, of the logarithm
POWERS = np.arange(5, 81) / 10  # of a burn-in
LENGTHS = (0.6, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.4)  # of a burn-in, over that of the rise

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int64]
Keys: TypeAlias = dict[str, Any]


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
            return f"The cfg has the rates of the curve at all {self.horizon} iterations, to {ROUNDING:g} of each."
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


def nearest(schedule: Schedule, horizon: int, steps: int = 12, dialect: str | Dialect = "alexeyab") -> Fit:
    """The cfg whose rates are nearest to those of a schedule, with at most so many ``steps``.

    Raises:
        TypeError, ValueError: for rates that are negative or not finite, and numbers out of range.
    """
    whole("steps", steps, high=MOST_STEPS)
    if schedule.unit != "iteration":
        first = "make it lrsched.schedules.per_epoch(schedule, iterations=N) first"
        raise ValueError(f"darknet counts iterations, the schedule {schedule.unit}s; {first}, with those of an epoch")
    rates = _rates(schedule, whole("horizon", horizon, low=1, high=LONGEST))
    start = Net(batch=64, subdivisions=16, max_batches=horizon, dialect=as_dialect(dialect))
    if not rates.any():
        return Curve(rates, 1.0).fit(replace(start, learning_rate=0.0))
    peak = float(rates.max())
    exact = _fits(Curve(rates, peak / ALL), schedule.warmup, start, steps, EXACT)
    fits = exact or _fits(Curve(rates, peak / RANGE), schedule.warmup, start, steps, RANGE)
    least = min(fit.error for fit in fits)
    good = (fit for fit in fits if fit.error <= max(least * (1 + ROOM), ROUNDING))
    return min(good, key=lambda fit: (_cost(fit.net), fit.error))


def _fits(curve: Curve, warmup: int, start: Net, steps: int, most: float) -> list[Fit]:
    """The best cfgs with at most an error."""
    ramps = list(_ramps(curve, warmup, () if most < RANGE else LENGTHS))
    scored = [curve.scaled(start, keys) for ramp in ramps for keys in _policies(curve, ramp, start.dialect)]
    scored = sorted((one for one in scored if one[0] <= math.log1p(most)), key=lambda one: one[0])
    nets = [net for _, net in scored[:FINALISTS]]
    cut = _steps(curve, ramps, steps + 1, 2 * math.log1p(most))
    nets += [] if cut is None else [replace(start, **cut)]
    return [fit for fit in map(curve.fit, nets) if fit.error <= most]


def _cost(net: Net) -> int:
    """How many digits there are to say of a cfg, and a little for ``step``, which few people use."""
    lines = [line.partition("=") for line in str(net).splitlines()[1:]]
    values = [value for key, _, value in lines if key not in ("batch", "subdivisions", "max_batches", "policy")]
    return sum(digits(float(each)) for each in ",".join(values).split(",")) + 2 * (net.policy == "step")


@dataclass(frozen=True, eq=False)
class Curve:
    """The rates of the iterations 1 to the horizon, and their logarithms, of which none is below that of ``floor``."""

    rates: Floats
    floor: float

    @cached_property
    def logs(self) -> Floats:
        return _logs(self.rates, self.floor)

    @cached_property
    def jumps(self) -> Places:
        """The places before and after each jump upwards that stands alone: a restart."""
        rise = np.diff(self.logs, prepend=self.logs[:1], append=self.logs[-1:])
        jump = np.abs(rise) > JUMP
        found = np.flatnonzero(jump[1:-1] & (rise[1:-1] > 0) & ~jump[:-2] & ~jump[2:])
        return np.unique([found, found + 1])

    @cached_property
    def sample(self) -> Places:
        """Places all over the run, denser at its beginning, without the jumps."""
        last = self.rates.size - 1
        places = np.concatenate([np.linspace(0, last, SAMPLES), np.geomspace(1, last + 1, SAMPLES) - 1])
        return np.setdiff1d(places.astype(np.int64), self.jumps)

    def fit(self, net: Net) -> Fit:
        """A cfg with its error at every iteration."""
        rates = net.schedule().rates(1, self.rates.size + 1).astype(np.float64)
        apart = self.apart(rates, self.logs)
        if net.policy == "sgdr":
            for beside in (self.jumps - 1, self.jumps + 1):
                near = self.apart(rates[self.jumps], self.logs[np.clip(beside, 0, self.logs.size - 1)])
                apart[self.jumps] = np.minimum(apart[self.jumps], near)
        at = int(apart.argmax())
        error, wanted, got = math.expm1(apart[at]), float(self.rates[at]), float(rates[at])
        return Fit(net=net, horizon=self.rates.size, error=error, at=at + 1, wanted=wanted, got=got)

    def apart(self, rates: Floats, logs: Floats) -> Floats:
        """How far rates are from those of the curve, whose logarithms are given; infinite where they are none."""
        with np.errstate(all="ignore"):
            gap: Floats = np.abs(_logs(rates, self.floor) - logs)
        gap[np.isnan(gap)] = math.inf
        return gap

    def scaled(self, start: Net, keys: Keys) -> tuple[float, Net]:
        """A cfg with the best learning rate, unless the keys have one, and its error on the sample."""
        net, logs = replace(start, **{"learning_rate": 1.0, **keys}), self.logs[self.sample]
        with np.errstate(all="ignore"):
            if "learning_rate" not in keys:
                ratio = logs - np.log(net.schedule()(self.sample + 1).astype(np.float64))
                counts = ratio[(logs > math.log(self.floor)) & np.isfinite(ratio)]
                if not counts.size:
                    return math.inf, net
                middle, span = (counts.max() + counts.min()) / 2, np.ptp(counts)
                room = max(5 * ROOM * span, EXACT / 10 if span > ROUNDING else 0.9 * ROUNDING)
                if not abs(middle) < math.log(LARGEST_SINGLE):
                    return math.inf, net
                net = replace(net, learning_rate=_decimal(middle - room, middle + room))
            rates = net.schedule()(self.sample + 1).astype(np.float64)
        return float(self.apart(rates, logs).max()), net


def _rates(schedule: Schedule, horizon: int) -> Floats:
    rates: Floats = schedule.rates(1, horizon + 1).astype(np.float64)
    wrong = ~(np.isfinite(rates) & (rates >= 0) & (rates <= LARGEST_SINGLE))
    if wrong.any():
        at = int(wrong.argmax())
        why = "negative" if rates[at] < 0 else "no number that darknet can hold"
        raise ValueError(f"the rate at iteration {at + 1} is {rates[at]:g}, which is {why}; fit a curve without it")
    if 0 < rates.max() < SMALLEST:
        raise ValueError(f"no rate is above {rates.max():g}, which darknet cannot hold; fit a curve with larger ones")
    return rates


def _logs(rates: Floats, floor: float) -> Floats:
    logs: Floats = np.log(np.maximum(rates, floor))
    return logs


def _decimal(low: float, high: float) -> float:
    """The shortest decimal between the exponentials of two numbers, as darknet can hold it."""
    return shortest(short_decimal(math.exp(low), math.exp(high)))


# --- the burn-in ------------------------------------------------------------------------------------------------------


class Ramp(NamedTuple):
    """A burn-in: ``learning_rate * (t / burn_in) ** power`` before iteration ``burn_in``, 0 for none."""

    burn_in: int = 0
    power: float = 4.0

    def shape(self, count: int) -> Floats:
        """The logarithms of its first rates, of a learning rate of 1."""
        logs: Floats = self.power * np.log(np.arange(1, count + 1) / max(self.burn_in, 1))
        return logs


def _ramps(curve: Curve, warmup: int, others: Sequence[float]) -> Iterator[Ramp]:
    """No burn-in, and those like the rise at the beginning of the curve, each with the power that suits it best."""
    yield Ramp()
    logs = curve.logs
    falls = np.flatnonzero(np.diff(logs) < 0)
    end = int(falls[0]) if falls.size else logs.size - 1
    top = int(np.searchsorted(logs[: end + 1], logs[end])) + 1
    if logs[end] - logs[0] < ROOM:
        return
    for length in dict.fromkeys([warmup, top, top + 1, *(round(top * share) for share in others)]):
        if 1 < length <= logs.size:
            t = np.unique(np.geomspace(1, length - 1, 500).astype(np.int64))
            t = t[curve.rates[t - 1] > curve.floor]
            if t.size:
                apart = logs[t - 1] - POWERS[:, None] * np.log(t / length)
                yield Ramp(length, float(POWERS[np.ptp(apart, axis=1).argmin()]))


# --- the policies that are a formula ----------------------------------------------------------------------------------


def _policies(curve: Curve, ramp: Ramp, dialect: Dialect) -> Iterator[Keys]:
    """The keys that the rates after a burn-in suggest for each policy; whether they fit is seen later."""
    rates, horizon, first = curve.rates, curve.rates.size, max(ramp.burn_in, 1)
    above = np.flatnonzero(rates[first - 1 : horizon - 1] > curve.floor) + first  # iterations
    if above.size < 3:
        return
    a, c = int(above[0]), int(above[-1])
    keys = {"burn_in": ramp.burn_in, "power": ramp.power}
    fall = math.log(rates[c - 1] / rates[a - 1])
    if (gamma := shortest(math.exp(fall / (c - a)))) != 1:
        yield {**keys, "policy": "exp", "gamma": gamma}
    power = fall / math.log((1 - c / horizon) / (1 - a / horizon))
    if power > 0:
        yield from ({**keys, "policy": "poly", "power": each} for each in _near(power))
    edges = np.flatnonzero(np.diff(rates[first - 1 :])) + first + 1
    if edges.size and (length := int(edges[1] - edges[0] if edges.size > 1 else edges[0])) > 1:
        scale = rates[edges[0] - 1] / rates[edges[0] - 2] if rates[edges[0] - 2] else 0.0
        scale = short_decimal(scale * (1 - ROUNDING), scale * (1 + ROUNDING))
        yield {**keys, "policy": "step", "step": length, "scale": scale}
    if not dialect.arithmetic.unsigned:
        for low, high in ((a, c), (a + (c - a) // 4, a + (c - a) * 3 // 4)):
            yield from ({**keys, **found} for found in _sigmoid(rates, low, (high - low) // 2))
    if "sgdr" in dialect.policies:
        yield from ({**keys, **found} for found in _sgdr(rates, first))


def _sigmoid(rates: Floats, a: int, apart: int) -> Iterator[Keys]:
    """``1 / rate`` is ``(1 + exp(gamma (t - step))) / learning_rate``: three rates, equally far apart, tell all."""
    one, two, three = (1 / float(rates[a - 1 + i * apart] or math.nan) for i in range(3))
    growth = (three - two) / (two - one) if two != one else 0.0
    if growth > 0 and growth != 1:
        least = one - (two - one) / (growth - 1)
        if 0 < least < one:
            gamma = math.log(growth) / apart
            step = round(a - math.log(one / least - 1) / gamma)
            if 0 <= step <= LONGEST:
                yield from ({"policy": "sigmoid", "gamma": each, "step": step} for each in _near(gamma))


def _sgdr(rates: Floats, first: int) -> Iterator[Keys]:
    """A cycle ends where the rate rises; its first and its last rate tell the two ends."""
    rises, last = np.flatnonzero(np.diff(rates[first - 1 :]) > 0) + first, rates.size
    end = int(rises[0]) if rises.size else last
    for cycle in (end, end + 1) if rises.size else (end,):
        mult = max(round((int(rises[1]) - cycle) / cycle), 1) if rises.size > 1 else 1
        t = np.array([first, end])
        share = (1 + np.cos(np.pi * t / cycle)) / 2
        if share[0] > share[1] and cycle > 1:
            (high, low), span = rates[t - 1], share[0] - share[1]
            top, least = high + (high - low) * (1 - share[0]) / span, max(low - (high - low) * share[1] / span, 0.0)
            for high, low in zip(_near(min(top, LARGEST_SINGLE)), _near(least), strict=True):
                ends = {"learning_rate": high, "learning_rate_min": low}
                yield {"policy": "sgdr", "sgdr_cycle": cycle, "sgdr_mult": mult, **ends}


def _near(value: float) -> Iterator[float]:
    """Decimals next to a value that was computed, a short one and a shorter one."""
    for part in (ROUNDING / 10, 1e-4):
        yield shortest(short_decimal(*sorted((value * (1 - part), value * (1 + part)))))


# --- the best steps ---------------------------------------------------------------------------------------------------


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
    """A curve to be cut into stretches of one rate each, of which the burn-in prepares the first.

    A stretch whose logarithms span ``width`` has a rate from which none is further off than half of that. The longest
    stretches, one after another, are the fewest for a width: so the least width for a number of them can be found by
    halving, and no other cut is better.
    """

    curve: Curve
    ramp: Ramp
    ranges: Ranges

    @cached_property
    def rising(self) -> tuple[Floats, Floats, float]:
        """Under the burn-in: the logarithms, ascending; the highest learning rate wanted from each on; the lowest."""
        logs = self.curve.logs[: self.start]
        over = logs - self.ramp.shape(logs.size)
        order = np.argsort(logs, kind="stable")  # at once where they ascend
        highest = np.maximum.accumulate(over[order][::-1])[::-1]
        return logs[order], np.append(highest, -math.inf), float(over.min(initial=math.inf))

    @property
    def start(self) -> int:
        """The place of the first iteration after the burn-in."""
        return max(self.ramp.burn_in - 1, 0)

    def begun(self, width: float) -> tuple[float, float]:
        """Between which numbers, half a width below and above, the burn-in wants the logarithm of the learning rate."""
        logs, highest, least = self.rising
        # a rate that may count as the floor may be as low as it likes
        counts = np.searchsorted(logs, math.log(self.curve.floor) + width / 2, side="right")
        return least, float(highest[counts])

    def cuts(self, width: float, most: int) -> list[int] | None:
        """The places where the longest stretches begin; None where they are more than ``most``."""
        low, high = self.begun(width)
        if high - low > width:
            return None
        found, place = [self.start], self.ranges.reach(self.start, width, low, high)
        while place < self.ranges.size:
            if len(found) == most:
                return None
            found.append(place)
            place = self.ranges.reach(place, width)
        return found

    def width(self, most: int, bound: float) -> float:
        """The least width for so many stretches; infinite where it is above ``bound``."""
        if self.cuts(bound, most) is None:
            return math.inf
        low, high = 0.0, bound
        if self.cuts(ROUNDING, most) is not None:
            return ROUNDING
        while high - low > 1e-4 * ROUNDING + 1e-7 * low:
            middle = (low + high) / 2
            low, high = (middle, high) if self.cuts(middle, most) is None else (low, middle)
        return high


def _steps(curve: Curve, ramps: list[Ramp], most: int, bound: float) -> Keys | None:
    """The burn-in and the steps with the least width; None where it is not within a bound."""
    best, ranges = None, Ranges(curve.logs)
    for ramp in ramps:
        cutting = Cutting(curve, ramp, ranges)
        if (width := cutting.width(most, bound)) < math.inf:
            best, bound = (cutting, width), width * (1 - ROOM / 10)
        if bound < ROUNDING:
            break
    return None if best is None else _rounded(*best, most)


def _rounded(cutting: Cutting, width: float, most: int) -> Keys:
    """The steps and scales in round numbers, as far as the error hardly grows."""
    curve, roomy = cutting.curve, width * (1 + ROOM / 2)
    latest = cutting.cuts(roomy, most)
    assert latest is not None
    backwards, earliest = Ranges(curve.logs[::-1]), [curve.logs.size]
    for _ in latest[1:]:
        earliest.insert(0, curve.logs.size - backwards.reach(curve.logs.size - earliest[0], roomy))
    low, high = cutting.begun(roomy)
    places = [cutting.start]
    for early in earliest[:-1]:
        late = cutting.ranges.reach(places[-1], roomy, low, high)
        places.append(next(whole_numbers(max(early, places[-1] + 1) + 1, late + 1), late + 1) - 1)
        low, high = math.inf, -math.inf
    rate, level, scales, half = 0.0, 1.0, list[float](), width * (1 + ROOM) / 2
    (low, high), ends = cutting.begun(2 * half), [*places[1:], curve.logs.size]
    for begin, end in zip(places, ends, strict=True):
        part = curve.logs[begin:end]
        low, high = min(low, part.min(initial=math.inf)), max(high, part.max(initial=-math.inf))
        scale = _decimal(high - half - math.log(level), low + half - math.log(level))
        if end == curve.logs.size and scales and not curve.rates[begin:].any():
            scale = 0.0
        rate = rate or scale
        scales.append(scale)
        level = float(single(level) * single(scale)) or level
        low, high = math.inf, -math.inf
    ramp = cutting.ramp
    keys: Keys = {"learning_rate": rate, "burn_in": ramp.burn_in, "power": ramp.power}
    if len(scales) > 1:
        keys |= {"policy": "steps", "steps": tuple(place + 1 for place in places[1:]), "scales": tuple(scales[1:])}
    return keys
