"""Which cfgs may be near a curve: burn-ins like its rise, and each policy with the keys that its rates suggest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.fitting.simplicity import short_decimal
from lrsched.trainers.darknet.arithmetic import LARGEST_EXACT, LARGEST_SINGLE
from lrsched.trainers.darknet.dialects import Dialect
from lrsched.trainers.darknet.numbers import shortest

__all__ = ["ROOM", "ROUNDING", "Curve", "Floats", "Keys", "Ramp", "decimal", "logs_of", "policies", "ramps"]

ROUNDING = 1e-6  # of a few float32 operations
ROOM = 0.01  # numbers are rounded as far as the error grows by this share of itself at most
SAMPLES = 2000  # iterations at which policies are compared
JUMP = 0.1  # from one iteration to the next, of the logarithm
POWERS = np.arange(5, 81) / 10  # of a burn-in

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int64]
Keys: TypeAlias = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Curve:
    """The rates of the iterations 1 to the horizon; none counts as less than ``floor``."""

    rates: Floats
    floor: float

    @cached_property
    def logs(self) -> Floats:
        """The logarithms of the rates."""
        return logs_of(self.rates, self.floor)

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


class Ramp(NamedTuple):
    """A burn-in: ``learning_rate * (t / burn_in) ** power`` before iteration ``burn_in``, 0 for none."""

    burn_in: int = 0
    power: float = 4.0


def logs_of(rates: Floats, floor: float) -> Floats:
    """The logarithms of rates; none counts as less than ``floor``."""
    logs: Floats = np.log(np.maximum(rates, floor))
    return logs


def decimal(low: float, high: float) -> float:
    """The shortest decimal between the exponentials of two numbers, as darknet can hold it."""
    return shortest(short_decimal(math.exp(low), math.exp(high)))


def ramps(curve: Curve, warmup: int, shares: Sequence[float]) -> Iterator[Ramp]:
    """No burn-in, and those like the rise at the beginning of the curve, each with the power that suits it best.

    They are as long as the warm-up, as the rise, and as some ``shares`` of the rise.
    """
    yield Ramp()
    logs = curve.logs
    falls = np.flatnonzero(np.diff(logs) < 0)
    end = int(falls[0]) if falls.size else logs.size - 1
    top = int(np.searchsorted(logs[: end + 1], logs[end])) + 1
    if logs[end] - logs[0] < ROOM:
        return
    for length in dict.fromkeys([warmup, top, top + 1, *(round(top * share) for share in shares)]):
        if 1 < length <= logs.size:
            t = np.unique(np.geomspace(1, length - 1, 500).astype(np.int64))
            t = t[curve.rates[t - 1] > curve.floor]
            if t.size:
                apart = logs[t - 1] - POWERS[:, None] * np.log(t / length)
                yield Ramp(length, float(POWERS[np.ptp(apart, axis=1).argmin()]))


def policies(curve: Curve, ramp: Ramp, dialect: Dialect) -> Iterator[Keys]:
    """The keys that the rates after a burn-in suggest, with it, for each policy; whether they fit is measured later."""
    rates, horizon, first = curve.rates, curve.rates.size, max(ramp.burn_in, 1)
    above = np.flatnonzero(rates[first - 1 : horizon - 1] > curve.floor) + first  # iterations
    if above.size < 3:
        return
    a, c = int(above[0]), int(above[-1])
    keys = ramp._asdict()
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
    """``1 / rate`` is ``(1 + exp(gamma (t - step))) / learning_rate``: three rates at equal distances determine it."""
    one, two, three = (1 / float(rates[a - 1 + i * apart] or math.nan) for i in range(3))
    growth = (three - two) / (two - one) if two != one else 0.0
    if growth > 0 and growth != 1:
        least = one - (two - one) / (growth - 1)
        if 0 < least < one:
            gamma = math.log(growth) / apart
            step = round(a - math.log(one / least - 1) / gamma)
            if 0 <= step <= LARGEST_EXACT:
                yield from ({"policy": "sigmoid", "gamma": each, "step": step} for each in _near(gamma))


def _sgdr(rates: Floats, first: int) -> Iterator[Keys]:
    """A cycle ends where the rate rises; its first and its last rate give the two ends."""
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
