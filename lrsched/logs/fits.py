"""Numbers of a cfg found from printed rates, the other numbers being known.

A printed rate bounds the true one from both sides, so every record bounds the number that is looked for; what lies
within all bounds is tried, short and round numbers first. What is found here is only offered: who asks evaluates it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from lrsched.log import Integers
from lrsched.logs.printed import Observed
from lrsched.trainers.darknet import Net
from lrsched.trainers.darknet.log.digits import Floats

__all__ = [
    "FITS",
    "Fit",
    "burn_ins",
    "constants",
    "learning_rates",
    "line",
    "powers",
    "ramps",
    "rounder_first",
    "short_decimal",
    "steps_and_scales",
]

SLACK = 1e-6
"""Relative room around every bound: rates are float32 numbers."""

SINGLE = 2.0**-23
"""The rounding of a float32 number next to 1, both ways."""

LONGEST = 10_000_000
"""Counts of iterations are looked for up to here."""

MOST_PLATEAUS = 40
"""A rate that takes more values than this many does not fall in steps."""

POWERS = (4.0, 1.0, 2.0, 3.0, 0.9, 0.5, *(tenth / 10 for tenth in range(1, 101)))
"""Powers that are tried, the usual ones first."""

ROUND = tuple(factor * 10**zeros for zeros in range(6, -1, -1) for factor in (5, 2, 1))


@dataclass(frozen=True)
class Fit:
    """A cfg that may explain what was observed.

    Attributes:
        net: its numbers.
        cost: how many numbers had to be chosen for it.
        notes: what the rates leave open, a sentence each.
    """

    net: Net
    cost: int
    notes: tuple[str, ...] = ()


def short_decimal(low: float, high: float) -> float:
    """The decimal with the fewest digits in ``low..high``.

    >>> short_decimal(0.0026095, 0.0026105), short_decimal(0.0995, 0.1005)
    (0.00261, 0.1)
    """
    middle = (low + high) / 2
    for digits in range(12):
        short = float(f"{middle:.{digits}e}")
        if low <= short <= high:
            return short
    return middle


def rounder_first(low: float, high: float, most: int = 8) -> Iterator[int]:
    """Whole numbers in ``low..high``, the roundest first; some of each roundness.

    >>> list(itertools.islice(rounder_first(997.2, 1003.1), 3))
    [1000, 998, 1002]
    """
    if not low <= high:
        return
    first, last = math.ceil(max(low, 1)), math.floor(min(high, LONGEST))
    told = set()
    for base in ROUND:
        for number in itertools.islice(range(first + -first % base, last + 1, base), most):
            if number not in told:
                told.add(number)
                yield number
    middle = (first + last) // 2
    for number in range(max(first, middle - 2 * most), min(last, middle + 2 * most) + 1):
        if number not in told:
            yield number


def _rate(net: Net, ngpus: int) -> float:
    return float(net.learning_rate * (ngpus if net.dialect.gpus_multiply_rate else 1))


def _after_burn_in(observed: Observed, net: Net, ngpus: int) -> tuple[Observed, Integers]:
    at = observed.at(net, ngpus)
    after = at >= net.burn_in
    return observed.part(after), at[after]


def _within(low: Floats, high: Floats, slack: float = SLACK) -> tuple[float, float]:
    """What lies within all bounds, with a little room; NaN bounds nothing."""
    low, high = low[~np.isnan(low)], high[~np.isnan(high)]
    least, most = (float(low.max()) if low.size else 0.0), (float(high.min()) if high.size else math.inf)
    return least - abs(least) * slack, most + abs(most) * slack


def line(x: Floats | Integers, y: Floats) -> tuple[float, float]:
    """Slope and offset of the straight line nearest to some points; a slope of 0 where they do not tell."""
    centred = x - x.mean()
    spread = float((centred * centred).sum())
    slope = float((centred * y).sum()) / spread if spread else 0.0
    return slope, float(y.mean() - slope * x.mean())


def learning_rates(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    """The learning rate."""
    still = observed.planned(replace(net, learning_rate=0.0), ngpus).astype(np.float64)
    shape = observed.planned(replace(net, learning_rate=1.0), ngpus).astype(np.float64) - still
    with np.errstate(all="ignore"):
        shape = np.where(shape > 0, shape, np.nan)
        low, high = _within((observed.low - still) / shape, (observed.high - still) / shape)
    if low <= high < math.inf:
        yield Fit(replace(net, learning_rate=short_decimal(low, high)), 1)


def burn_ins(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    """The length of the burn-in."""
    without = replace(net, burn_in=0)
    ramp = observed.part(~observed.matches(without, ngpus))
    if not len(ramp):
        yield Fit(without, 1)
        return
    yield from ramps(ramp, net, ngpus)


def ramps(ramp: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    """The length of the burn-in from records that all belong to it."""
    at = ramp.at(net, ngpus).astype(np.float64)
    with np.errstate(all="ignore"):
        shorter, longer = (at / (rate / _rate(net, ngpus)) ** (1 / net.power) for rate in (ramp.high, ramp.low))
    low, high = _within(shorter, longer)
    for length in rounder_first(max(low, float(at.max()) + 1), high):
        yield Fit(replace(net, burn_in=length), 1)


def powers(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    """The power of the burn-in and of poly."""
    at = observed.at(net, ngpus).astype(np.float64)
    with np.errstate(all="ignore"):
        base = at / net.burn_in if net.burn_in else np.full(len(at), np.nan)
        rest = 1 - at / net.max_batches if net.policy == "poly" and net.max_batches else np.full(len(at), np.nan)
        base = np.where(at < net.burn_in, base, rest)
        base = np.where((base > 0) & (base < 1), base, np.nan)
        low, high = (np.log(rate / _rate(net, ngpus)) / np.log(base) for rate in (observed.high, observed.low))
    least, most = _within(low, high)
    if least <= most < math.inf:
        yield Fit(replace(net, power=short_decimal(least, most)), 1)


def constants(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    """Nothing but the learning rate."""
    yield Fit(replace(net, policy="constant", steps=(), scales=()), 0)


def steps_and_scales(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    """The drops of policy steps."""
    plateaus = _plateaus(observed, net, ngpus)
    if plateaus is None:
        return
    steps: list[int] = []
    scales: list[float] = []
    notes: list[str] = []
    level = np.float32(_rate(net, ngpus))
    before = net.burn_in
    for number, (first, last, low, high, decimals) in enumerate(plateaus):
        if not low <= level <= high:
            if level <= 0:
                return
            if high <= 0.5 / 10**decimals * (1 + SLACK):
                scale = 0.1 if level * 0.1 < high else short_decimal(0, high / float(level))
                notes.append(f"from iteration {first} the rate is printed as 0, so how far it falls is open")
            else:
                scale = short_decimal(low / float(level), high / float(level))
            step = first
            if first - before > 1 and number:
                step = next(rounder_first(before + 1, first))
                notes.append(f"the step at {step} may be any iteration from {before + 1} to {first}")
            elif first > 1 and not number:
                notes.append(f"the rate of iteration {first} was reached at or before it, by one drop or several")
            steps.append(step)
            scales.append(scale)
            level = np.float32(level * np.float32(scale))
        before = last
    if steps:
        yield Fit(replace(net, policy="steps", steps=tuple(steps), scales=tuple(scales)), 2 * len(steps), tuple(notes))


def _plateaus(observed: Observed, net: Net, ngpus: int) -> list[tuple[int, int, float, float, int]] | None:
    """First and last iteration, bounds of the rate and decimals of every stretch of one rate after the burn-in."""
    after, at = _after_burn_in(observed, net, ngpus)
    order = np.argsort(at, kind="stable")
    after, at = after.part(order), at[order]
    edges = np.flatnonzero(np.diff(after.units) != 0) + 1
    if len(edges) >= MOST_PLATEAUS or not len(at) or np.isnan(after.units).any():
        return None
    starts = [0, *edges.tolist()]
    ends = [*(edges - 1).tolist(), len(at) - 1]
    low, high = after.low, after.high
    return [
        (int(at[i]), int(at[j]), float(low[i]), float(high[i]), int(after.decimals[i]))
        for i, j in zip(starts, ends, strict=True)
    ]


def _even_steps(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    plateaus = _plateaus(observed, net, ngpus)
    if plateaus is None or len(plateaus) < 2:
        return
    drops = [plateau[0] for plateau in plateaus[1:]]
    after, at = _after_burn_in(observed, net, ngpus)
    apart = {math.gcd(*drops), *np.diff(drops).tolist(), drops[0]}
    for length in sorted(apart, reverse=True):
        with np.errstate(all="ignore"):
            count = at // length
            count = np.where(count > 0, count, np.nan)
            low, high = (np.maximum(rate / _rate(net, ngpus), 0) ** (1 / count) for rate in (after.low, after.high))
        least, most = _within(low, high)
        if length > 0 and least <= most < math.inf:
            yield Fit(replace(net, policy="step", step=int(length), scale=short_decimal(least, most)), 3)


def _exponentials(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    after, at = _after_burn_in(observed, net, ngpus)
    with np.errstate(all="ignore"):
        count = np.where(at > 0, at, np.nan)
        low, high = (np.maximum(rate / _rate(net, ngpus), 0) ** (1 / count) for rate in (after.low, after.high))
    if len(at):
        # bounds of a gamma that is raised to a high power are closer than float32 numbers
        for slack in (6e-8, 1e-8, 1e-12):
            least, most = _within(low, high, slack)
            if 0 < least <= most < math.inf:
                yield Fit(replace(net, policy="exp", gamma=short_decimal(least, most)), 1)


def _polynomials(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    after, at = _after_burn_in(observed, net, ngpus)
    tried = (net.power,) if net.burn_in else POWERS
    for power in dict.fromkeys(tried):
        with np.errstate(all="ignore"):
            left = (np.maximum(np.stack([after.low, after.high]), 0) / _rate(net, ngpus)) ** (1 / power)
            left += [[-SINGLE], [SINGLE]]
            ends = at / (1 - np.where(left < 1, left, np.nan))
        ends[0, after.units <= 0] = np.nan
        least, most = _within(ends[0], ends[1])
        for end in itertools.islice(rounder_first(least, most), 60):
            yield Fit(replace(net, policy="poly", power=power, max_batches=end), 1 if power == net.power else 2)


def _sigmoids(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    after, at = _after_burn_in(observed, net, ngpus)
    top = _rate(net, ngpus)
    if top <= 0:
        return
    share = after.units / 10.0**after.decimals / top
    steep = (share > 0.02) & (share < 0.98)
    if steep.sum() < 2 or at[steep].min() == at[steep].max():
        return
    slope, _ = line(at[steep], np.log(1 / share[steep] - 1))
    for digits in range(4):
        gamma = float(f"{slope:.{digits}e}")
        if gamma and abs(gamma / slope - 1) < 0.05:
            with np.errstate(all="ignore"):
                low, high = (at - np.log(top / rate - 1) / gamma for rate in (after.low, after.high))
            least, most = _within(np.minimum(low, high), np.maximum(low, high))
            for middle in itertools.islice(rounder_first(least - 1, most + 1), 40):
                yield Fit(replace(net, policy="sigmoid", gamma=gamma, step=middle), 2)


def _cosines(observed: Observed, net: Net, ngpus: int) -> Iterator[Fit]:
    if "sgdr" not in net.dialect.policies:
        return
    after, at = _after_burn_in(observed, net, ngpus)
    if len(at) < 2:
        return
    top = _rate(net, ngpus)
    jumps = at[1:][(np.diff(after.units) > 0) & (after.units[1:] * 2 > after.units.max())]
    seen = after.part(at < jumps[0]) if len(jumps) else after
    if not len(seen):
        return
    lowest = float((seen.units / 10.0**seen.decimals).min())
    for least in dict.fromkeys([1e-5, lowest, 0.0]):
        base = replace(net, policy="sgdr", learning_rate_min=least)
        with np.errstate(all="ignore"):
            angles = [
                np.arccos(np.clip(2 * (rate - least) / (top - least) - 1, -1, 1)) for rate in (seen.high, seen.low)
            ]
            # the printed extremes bound nothing: the cosine is flat there
            flat = (angles[0] <= 0) | (angles[1] >= np.pi)
            shorter, longer = (np.where(flat, np.nan, np.pi * at[: len(seen)] / angle) for angle in reversed(angles))
        low, high = _within(shorter, longer)
        if len(jumps):
            low, high = max(low, float(jumps[0]) - 4), min(high, float(jumps[0]))
        for length in itertools.islice(rounder_first(low, high), 30):
            for times in (1, 2, 3) if len(jumps) else (2,):
                open_end = () if len(jumps) else ("sgdr_mult is not seen: the first cycle had not ended",)
                yield Fit(replace(base, sgdr_cycle=length, sgdr_mult=times), 2 + (least != 1e-5), open_end)


FITS: dict[str, Callable[[Observed, Net, int], Iterator[Fit]]] = {
    "constant": constants,
    "steps": steps_and_scales,
    "step": _even_steps,
    "exp": _exponentials,
    "poly": _polynomials,
    "sigmoid": _sigmoids,
    "sgdr": _cosines,
}
"""How the numbers of each policy are found once learning_rate and burn_in are known."""
