"""What darknet draws, as forms for ``lrsched.fitting``: its policies after a burn-in, the usual numbers first.

A printed rate bounds the true one from both sides, so every record bounds the numbers of a cfg. Each policy is made a
straight line (poly by a root, exp and step by a logarithm), and what lies within all bounds is a guess; the exact rates
decide. Rates of sigmoid, sgdr and random are not explained.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lrsched.fitting import Forms, Guess, Observed, slopes
from lrsched.fitting.simplicity import LONGEST, SLACK, digits, is_loose, short_decimal, whole_numbers
from lrsched.log import Integers
from lrsched.trainers.darknet.log.gpus import SINGLE
from lrsched.trainers.darknet.net import Net

__all__ = ["both", "forms_of", "keys_of"]

USUAL: Mapping[str, tuple[float, ...]] = {
    "learning_rate": (0.001, 0.00261, 0.01, 0.1, 0.0001, 0.002, 0.005, 0.0013, 0.0005, 0.025, 0.05, 0.02, 0.2),
    "burn_in": (1000, 500, 100, 2000, 4000, 3000, 1500, 200, 400, 300, 5000),
    "scale": (0.1, 0.5, 0.2),
    "scales": (0.1, 0.5, 0.2),
}
"""What people write, the most usual first."""

POWERS = (4.0, 1.0, 2.0, 3.0, 0.9, 0.5)  # powers that are tried, the usual ones first
FEW = 3  # records that show a level of the rate; fewer are a point on a curve
HIGHEST, LEAST_SCALE = 10, 0.0009  # the highest rate, the smallest scale of a step
MOST_STEPS, MOST_POINTS, MOST_OFFERS, MOST_TRIES = 12, 4096, 12, 4000
SHORTEST, PLAIN = 100, 8  # the beginning of a log is explained by itself if so long, by a curve that costs no more

KEYS_OF_POLICY: dict[str, tuple[str, ...]] = {
    "poly": ("power", "max_batches"),
    "random": ("power",),
    "steps": ("steps", "scales"),
    "step": ("step", "scale"),
    "exp": ("gamma",),
    "sigmoid": ("gamma", "step"),
    "sgdr": ("learning_rate_min", "sgdr_cycle", "sgdr_mult"),
}

Open: TypeAlias = Mapping[str, str]
Fits: TypeAlias = Iterator[tuple[Net, Open]]


class Level(NamedTuple):
    """A stretch of one rate: its first and last iteration, the bounds of the rate, its records."""

    first: int
    last: int
    low: float
    high: float
    records: int

    def holds(self, rate: float) -> bool:
        return self.low * (1 - SLACK) <= rate <= self.high * (1 + SLACK)


@dataclass(frozen=True, kw_only=True)
class CfgGuess(Guess):
    """A cfg that may explain rates; ``cost`` grows with the digits of the numbers that are not usual."""

    net: Net

    @property
    def cost(self) -> int:
        net = self.net
        odd = net.learning_rate not in USUAL["learning_rate"]
        cost = 3 * sum(scale > 1 for scale in net.scales) + 2 * (net.power != 4) + 2 * odd
        for key in set(keys_of(net)) - {"batch", "policy", "power"}:
            value = getattr(net, key)
            numbers = value if isinstance(value, tuple) else (value,)
            cost += sum(1 if number in USUAL.get(key, ()) else 1 + digits(number) for number in numbers)
        return cost


def forms_of(net: Net, ngpus: int, header: str) -> Forms:
    """The curves of a fork on so many GPUs; ``header`` is the learning rate that it printed at its start, if any."""
    factor = net.gpu_factor(ngpus)
    rate = float(header) / factor if header else None

    def guesses(rows: Observed) -> Iterator[Guess]:
        rows = rows.rows(np.isfinite(rows.rate))
        rows = replace(rows, rate=rows.rate / factor, slack=rows.slack / factor)
        rows = rows.rows(np.argsort(rows.step, kind="stable"))
        for tried, notes in itertools.islice(_cfgs(rows, rate, net) if len(rows) else (), MOST_TRIES):
            try:
                curve = tried.schedule(ngpus)
            except (ValueError, OverflowError):  # numbers with which no trainer runs
                continue
            numbers = {key: getattr(tried, key) for key in keys_of(tried)}
            yield CfgGuess(net=tried, curve=curve, family=tried.policy, parameters=numbers, open=notes)

    return Forms(guesses=guesses, cheap=0, simple=PLAIN, dear=LONGEST, shortest=SHORTEST, strict=True)


def keys_of(net: Net) -> list[str]:
    """The keys of a cfg that decide its rate."""
    names = ["learning_rate", *(["burn_in"] if net.burn_in else []), "policy", *KEYS_OF_POLICY.get(net.policy, ())]
    if net.burn_in and net.power != 4 and "power" not in names:
        names.append("power")
    return [*(["batch"] if net.batch > 1 else []), *names]


def _cfgs(rows: Observed, header: float | None, net: Net) -> Fits:
    """With and without a burn-in, each policy."""
    first, last = int(rows.step[0]), int(rows.step[-1])
    if not rows.rate.any():
        nothing = dict.fromkeys(("learning_rate", "burn_in", "policy", "power"), "every rate is printed as 0")
        length = 1000 if last < 117 else 10 * last
        yield replace(net, learning_rate=header or 0.001, burn_in=length), nothing
        return
    falls = np.flatnonzero(np.diff(rows.rate) < 0)
    top = int(rows.rate[: falls[0] + 1 if falls.size else None].argmax())
    early: dict[str, str] = {}
    if first > 1:
        early["burn_in"] = f"a burn-in that ended by iteration {first} is not seen"
        early["steps"] = early["scales"] = f"what happened before iteration {first} is not seen"
        if not header:
            early["learning_rate"] = early["steps"]
    if top and not falls.size:
        yield from _burn_in_only(rows, header, net)
    if top:
        yield from _after_burn_in(rows, top, header, net)
    yield from ((fit, both(early, notes)) for fit, notes in _policies(rows, header, net))


def _after_burn_in(rows: Observed, top: int, header: float | None, net: Net) -> Fits:
    """Each policy after a burn-in that ends about the row with the highest rate."""
    flat = top + int(np.append(rows.rate[top:] != rows.rate[top], True).argmax()) - 1
    # what is printed as the highest rate may be of the burn-in still
    for cut, begin in ((top, top), (top + 1, max(top + 1, flat)))[: 2 if top + 1 < len(rows) else 1]:
        ramp, rest = rows.rows(slice(0, cut)), rows.rows(slice(begin, None))
        fits = [_policies(rest, header, net)]
        if not header and rest.high[0] < ramp.low[-1]:  # a drop that the burn-in hides
            fits += [_levels(rest, rate, net) for rate in USUAL["learning_rate"] if rate > ramp.low[-1]]
        for fit, notes in itertools.chain(*fits):
            for power in (fit.power,) if fit.policy == "poly" else POWERS:
                for length, of_length in _burn_ins(ramp, fit.learning_rate, power):
                    yield replace(fit, burn_in=length, power=power), {**notes, **of_length}


def both(early: Open, notes: Open) -> dict[str, str]:
    """What is open for either reason, with all reasons."""
    return {key: "; ".join(open_[key] for open_ in (early, notes) if key in open_) for key in {**early, **notes}}


def _burn_in_only(rows: Observed, header: float | None, net: Net) -> Fits:
    """The whole log lies in the burn-in: only ``learning_rate / burn_in**power`` is seen."""
    open_ = {"policy": f"the log ends in the burn-in, at iteration {int(rows.step[-1])}"}
    if not header:
        open_ |= dict.fromkeys(("learning_rate", "burn_in"), "in the burn-in only learning_rate / burn_in**power shows")
    for power, rate in itertools.product(POWERS, (header,) if header else USUAL["learning_rate"]):
        for length, notes in _burn_ins(rows, rate, power):
            yield replace(net, learning_rate=rate, burn_in=length, power=power), {**notes, **open_}


def _burn_ins(ramp: Observed, rate: float, power: float) -> Iterator[tuple[int, Open]]:
    """Lengths of a burn-in that explain its records: ``t / burn_in = (rate / learning_rate) ** (1 / power)``."""
    bounds = slopes(ramp.step, (np.maximum(ramp.low, 0) / rate) ** (1 / power), (ramp.high / rate) ** (1 / power))
    if bounds is None or not bounds[1] > 0:
        return
    least = max((1 - SLACK) / bounds[1], float(ramp.step.max()) + 1)
    most = (1 + SLACK) / bounds[0] if bounds[0] else math.inf
    usual = (int(length) for length in USUAL["burn_in"] if least <= length <= most)
    few = {"power": "few rates of the burn-in are seen"} if len(ramp.changing()) < 2 * FEW or power != POWERS[0] else {}
    lengths = dict.fromkeys(itertools.chain(usual, whole_numbers(least, most)))
    for length in itertools.islice(lengths, MOST_OFFERS):
        yield length, _open_whole("burn_in", least, most) | few


def _policies(rows: Observed, header: float | None, net: Net) -> Fits:
    """Every policy that may explain the records after the burn-in."""
    ends = rows.changing()
    ends = ends.sample(MOST_POINTS)
    few = {"policy": "too little of the curve is seen"} if len(ends) < 2 * FEW else {}
    for family in (_levels, _even_steps, _polynomials, _exponentials):
        some = family(rows if family is _levels else ends, header, net)
        for fit, notes in itertools.islice(some, 8 * MOST_OFFERS):
            if fit.learning_rate > 0:
                yield fit, {**notes, **few} if fit.policy in ("poly", "exp") else notes


def _plateaus(rows: Observed) -> list[Level]:
    """The stretches of one rate; none when they are too many."""
    edges = np.flatnonzero(np.diff(rows.rate)) + 1
    if len(edges) > MOST_STEPS:
        return []
    starts, ends = np.append(0, edges), np.append(edges, len(rows)) - 1
    columns = (rows.step[starts], rows.step[ends], rows.low[starts], rows.high[starts], ends - starts + 1)
    return [Level(*one) for one in zip(*(column.tolist() for column in columns), strict=True)]


def _levels(rows: Observed, header: float | None, net: Net) -> Fits:
    """Policies constant and steps: levels of the rate."""
    levels = _plateaus(rows)
    if not levels:
        return
    first, last = levels[0].first, levels[-1].last
    rate = header or short_decimal(levels[0].low, levels[0].high)
    if len(levels) == 1 and levels[0].holds(rate):
        keys = ("policy", "steps", "scales")
        yield replace(net, learning_rate=rate), dict.fromkeys(keys, f"the rate does not change from {first} to {last}")
        return
    notes, wide = {"max_batches": f"the rates up to iteration {last} do not show it"}, []
    level, before, steps, scales = np.float32(rate), 0, list[int](), list[float]()
    for one in levels:
        if not one.holds(float(level)):
            if not level > 0:
                return
            low, high = max(one.low, 0) / float(level), one.high / float(level)
            scale = 0.1 if one.low < 0 and high > 0.1 else short_decimal(low, high)
            if one is levels[0]:
                notes["policy"] = f"how the rate fell before iteration {first} is not seen"
                if scale > 0.9:
                    return
            step = next(whole_numbers(before + 1, one.first), one.first)
            if before + 1 < one.first:
                wide.append(f"{step} may be any iteration from {before + 1} to {one.first}")
            if one.low < 0 or is_loose(scale, low, high):
                notes["scales"] = f"from iteration {one.first} on the printed rate does not show how far it fell"
            steps.append(step)
            scales.append(scale)
            level = np.float32(level * np.float32(scale))
        before = one.last
    notes |= {"steps": "; ".join(wide)} if wide else {}
    if len(steps) == 1:
        notes.setdefault("policy", "one drop is seen; step explains it as well")
    if steps and _believable(levels, scales):
        yield replace(net, learning_rate=rate, policy="steps", steps=tuple(steps), scales=tuple(scales)), notes


def _believable(levels: list[Level], scales: list[float]) -> bool:
    """Whether levels are levels: a curve printed with few decimals looks like many steps of odd factors."""
    usual = USUAL["scales"]
    if len(scales) > MOST_STEPS or any(digits(scale) > 2 or not scale > LEAST_SCALE for scale in scales):
        return False
    lengths = np.diff([0, *(level.first for level in levels[1:])])
    if len(lengths) > 2 and len(set(scales)) == 1 and np.ptp(lengths) < 0.05 * lengths.mean():
        return False  # policy step
    shown = all(level.records >= FEW for level in levels[:-1]) and (levels[-1].records >= FEW or scales[-1] in usual)
    apart = all(abs(a.high - b.high) > 1.5 * (a.high - a.low) for a, b in itertools.pairwise(levels))
    return shown and (apart or (max(scales) <= 1 and (len(scales) <= 2 or set(scales) <= set(usual))))


def _even_steps(rows: Observed, header: float | None, net: Net) -> Fits:
    """Policy step: ``learning_rate * scale ** (t // step)``."""
    drops = [(before.last + 1, after.first) for before, after in itertools.pairwise(_plateaus(rows))]
    if not drops:
        return
    (low, high), *later = drops
    lengths = itertools.chain(*(whole_numbers(low / times, high / times) for times in (1, 2, 3)))
    if later:
        lengths = itertools.chain(whole_numbers(later[0][0] - high, later[0][1] - low))
    for length in itertools.islice(lengths, 4 * MOST_OFFERS):
        if any(high // length * length < low for low, high in drops) or rows.step[-1] < length:
            continue
        for rate, slope, notes in _curves(rows.step // length, rows, header):
            scale = short_decimal(math.exp(slope[0]) * (1 - SINGLE), math.exp(slope[1]) * (1 + SINGLE))
            if digits(scale) <= 3:
                notes["step"] = f"drops between {low} and {high} are seen"
                if not later:
                    notes["policy"] = "one drop is seen; steps explains it as well"
                yield replace(net, learning_rate=rate, policy="step", step=length, scale=scale), notes


def _exponentials(rows: Observed, header: float | None, net: Net) -> Fits:
    """Policy exp: ``log(rate) = log(learning_rate) + t * log(gamma)``."""
    for rate, slope, notes in _curves(rows.step, rows, header):
        low, high = math.exp(slope[0]) * (1 - SINGLE), math.exp(slope[1]) * (1 + SINGLE)
        gamma = short_decimal(low, high) if high < math.inf else 1.0
        if gamma != 1:
            if is_loose(gamma, low, high) or "learning_rate" in notes:
                notes["gamma"] = f"from {low:.8g} to {high:.8g} all fit"
            yield replace(net, learning_rate=rate, policy="exp", gamma=gamma), notes


def _polynomials(rows: Observed, header: float | None, net: Net) -> Fits:
    """Policy poly: ``rate ** (1 / power) = learning_rate ** (1 / power) * (1 - t / max_batches)``."""
    for power in POWERS:
        for rate, slope, notes in _curves(rows.step, rows, header, power):
            if slope[0] < 0:
                begin = rate ** (1 / power)
                least, most = -begin / slope[0], (-begin / slope[1] if slope[1] < 0 else LONGEST)
                notes["power"] = "another power with other max_batches may fit as well"
                notes.update(_open_whole("max_batches", least, most, anyway="learning_rate" in notes))
                for end in itertools.islice(whole_numbers(least, most), MOST_OFFERS):
                    yield replace(net, learning_rate=rate, policy="poly", power=power, max_batches=end), notes


def _curves(
    x: Integers, rows: Observed, header: float | None, power: float | None = None
) -> Iterator[tuple[float, tuple[float, float], dict[str, str]]]:
    """Where a root of the rate, or its logarithm, may be a straight line over ``x`` that begins with the learning rate.

    Gives learning rates, and the slopes that each leaves.
    """

    def root(rate: Any) -> Any:
        return np.log(rate) if power is None else rate ** (1 / power)

    def value(root: Any) -> Any:
        return np.exp(root) if power is None else np.maximum(root, 0) ** power

    shown = rows.rate > 0
    low = np.where(shown, root(np.maximum(rows.low, 0) * (1 - SLACK)), -np.inf)
    high = root(rows.high * (1 + SLACK))
    last = len(x) - 1 - int(shown[::-1].argmax())
    first, end = root(rows.low[[0, last]]) / 2 + high[[0, last]] / 2
    begun = float(value(first - (end - first) / max(x[last] - x[0], 1) * x[0]))
    apart = begun * (rows.high[0] / rows.low[0] - 1)
    rates = [header] if header else [*USUAL["learning_rate"], short_decimal(begun - apart, begun + apart)]

    def fitting(rate: float) -> tuple[float, float] | None:
        return slopes(x, low, high, root(rate))

    for rate in dict.fromkeys(rates):
        if 0 < rate < HIGHEST and (fit := fitting(rate)):
            notes: dict[str, str] = {}
            unit = 10.0 ** (math.floor(math.log10(rate)) - digits(rate))
            if not header and (fitting(rate - unit) or fitting(rate + unit)):
                notes["learning_rate"] = "others with other slopes fit as well"
            if not header and (fitting(rate / 2) or fitting(rate * 2)):
                notes["policy"] = "too little of the curve is seen"
            yield rate, fit, notes


def _open_whole(key: str, low: float, high: float, *, anyway: bool = False) -> dict[str, str]:
    """A whole number that is open when another one lies between the bounds, or anyway."""
    first, last = math.ceil(min(max(low, 1), 2 * LONGEST)), math.floor(min(high, LONGEST))
    return {key: f"from {first} to {last} all fit"} if first < last or anyway else {}
