"""What may explain the rates of a log: cfgs whose numbers fit what was printed, family by family.

A printed rate bounds the true one from both sides, so every record bounds the numbers of a cfg. Each family is made a
straight line (poly by a root, exp and step by a logarithm); what lies within all bounds is offered, usual and round
numbers first. Whoever asks computes the exact rates and compares. Rates of sigmoid, sgdr and random are not explained.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lrsched.bounds import LONGEST, SLACK, is_loose, short_decimal, significant, whole_numbers
from lrsched.log import MOST_GPUS, Floats, Integers, Log
from lrsched.schedule import LAST_ITERATION
from lrsched.text import plain
from lrsched.trainers.darknet.cfg import CfgError
from lrsched.trainers.darknet.clock import SYNC_INTERVAL, Clock
from lrsched.trainers.darknet.dialects import DIALECTS, Dialect
from lrsched.trainers.darknet.net import Net
from lrsched.trainers.darknet.policies import Random

__all__ = [
    "Explanation",
    "contradictions",
    "explanations",
    "likely_gpus",
    "net_values",
    "other_readings",
    "printed_rates",
]

USUAL: Mapping[str, tuple[float, ...]] = {
    "learning_rate": (0.001, 0.00261, 0.01, 0.1, 0.0001, 0.002, 0.005, 0.0013, 0.0005, 0.025, 0.05, 0.02, 0.2),
    "burn_in": (1000, 500, 100, 2000, 4000, 3000, 1500, 200, 400, 300, 5000),
    "scale": (0.1, 0.5, 0.2),
    "scales": (0.1, 0.5, 0.2),
}
"""What people write, the most usual first."""

POWERS = (4.0, 1.0, 2.0, 3.0, 0.9, 0.5)
"""Powers that are tried, the usual ones first."""

FEW = 3
"""So many records show a level of the rate; fewer are a point on a curve."""

HIGHEST = 10
MOST_STEPS = 12
LEAST_SCALE = 0.0009
MOST_POINTS = 4096
MOST_OFFERS = 12

SINGLE = 2.0**-23
"""The rounding of a float32 number next to 1, both ways."""

KEYS_OF_POLICY = {
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


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Rates in the order of their iterations: the first and the last record of each stretch of one rate.

    A rate is printed at ``t`` as so many ``units`` of its last decimal, so it lies between ``low`` and ``high``; the
    stretch has ``count`` records. The records within a stretch bound no rising or falling curve further.
    """

    t: Floats
    low: Floats
    high: Floats
    units: Floats
    count: Integers

    @classmethod
    def of(cls, log: Log, ngpus: int, dialect: Dialect) -> Seen:
        t = Clock(dialect=dialect, ngpus=ngpus).rate_at(log.iteration)
        known = np.flatnonzero(np.isfinite(log.rate) & (t >= 0))
        order = known[np.argsort(t[known], kind="stable")]
        unit = 10.0 ** -log.rate_decimals[order].astype(float)
        units = np.rint(log.rate[order] / unit)
        change = np.flatnonzero(np.diff(units, prepend=np.nan, append=np.nan) != 0)
        ends = np.unique(np.concatenate((change[:-1], change[1:] - 1)))
        if ends.size > MOST_POINTS:
            ends = ends[np.linspace(0, ends.size - 1, MOST_POINTS).astype(int)]
        return cls(
            t=t[order][ends].astype(float),
            low=(units - 0.5)[ends] * unit[ends] * (1 - SINGLE),
            high=(units + 0.5)[ends] * unit[ends] * (1 + SINGLE),
            units=units[ends],
            count=np.repeat(np.diff(change), np.diff(change))[ends],
        )

    def __len__(self) -> int:
        return self.t.size

    def part(self, which: Any) -> Seen:
        return Seen(**{name: column[which] for name, column in vars(self).items()})


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
class Explanation:
    """A config that may explain the rates of a log.

    ``family`` is the kind of curve (a policy), ``cost`` grows with the digits of the numbers that are not usual, and
    ``open`` has the keys that the log leaves open, with the reason.
    """

    config: Net
    family: str
    ngpus: int
    cost: int
    open: Mapping[str, str]


def explanations(log: Log) -> Iterator[Explanation]:
    """Cfgs that may explain a log, for every number of GPUs that it may have run on."""
    for ngpus, dialect in _runs(log):
        seen = Seen.of(log, ngpus, dialect)
        factor = ngpus if dialect.gpus_multiply_rate else 1
        header = float(log.header.learning_rate) / factor if log.header.learning_rate else None
        if len(seen):
            scaled = replace(seen, low=seen.low / factor, high=seen.high / factor)
            each = log.effective_batch or 1
            for net, notes in _cfgs(scaled, header, Net(dialect=dialect, batch=each // ngpus or 1)):
                keys = ("batch", "ngpus", *(("learning_rate",) if dialect.gpus_multiply_rate else ()))
                gpus = {} if _shows_gpus(log, net) else dict.fromkeys(keys, "the log does not show how many GPUs ran")
                yield Explanation(config=net, family=net.policy, ngpus=ngpus, cost=_cost(net), open=_both(notes, gpus))


def _cfgs(seen: Seen, header: float | None, net: Net) -> Fits:
    """With and without a burn-in, each policy."""
    first, last = int(seen.t[0]), int(seen.t[-1])
    if not seen.units.any():
        nothing = dict.fromkeys(("learning_rate", "burn_in", "policy", "power"), "every rate is printed as 0")
        length = 1000 if last < 117 else 10 * last
        yield replace(net, learning_rate=header or 0.001, burn_in=length), nothing
        return
    falls = np.flatnonzero(np.diff(seen.units) < 0)
    top = int(seen.units[: falls[0] + 1 if falls.size else None].argmax())
    early: dict[str, str] = {}
    if first > 1:
        early["burn_in"] = f"a burn-in that ended by iteration {first} is not seen"
        early["steps"] = early["scales"] = f"what happened before iteration {first} is not seen"
        if not header:
            early["learning_rate"] = early["steps"]
    if not top:
        yield from ((fit, _both(early, notes)) for fit, notes in _policies(seen, header, net))
        return
    if not falls.size:
        yield from _burn_in_only(seen, header, net)
    for cut in (top, top + 1) if top + 1 < len(seen) else (top,):
        ramp, rest = seen.part(slice(0, cut)), seen.part(slice(cut, None))
        fits = [_policies(rest, header, net)]
        if not header and rest.high[0] < ramp.low[-1]:  # a drop that the burn-in hides
            fits += [_levels(rest, rate, net) for rate in USUAL["learning_rate"] if rate > ramp.low[-1]]
        for fit, notes in itertools.chain(*fits):
            for power in (fit.power,) if fit.policy == "poly" else POWERS:
                for length, of_length in _burn_ins(ramp, fit.learning_rate, power):
                    yield replace(fit, burn_in=length, power=power), {**notes, **of_length}
    yield from ((fit, _both(early, notes)) for fit, notes in _policies(seen, header, net))


def _both(early: Open, notes: Open) -> dict[str, str]:
    return {key: "; ".join(open_[key] for open_ in (early, notes) if key in open_) for key in {**early, **notes}}


def _burn_in_only(seen: Seen, header: float | None, net: Net) -> Fits:
    """The whole log lies in the burn-in: only ``learning_rate / burn_in**power`` is seen."""
    open_ = {"policy": f"the log ends in the burn-in, at iteration {int(seen.t[-1])}"}
    if not header:
        open_ |= dict.fromkeys(("learning_rate", "burn_in"), "in the burn-in only learning_rate / burn_in**power shows")
    for power, rate in itertools.product(POWERS, (header,) if header else USUAL["learning_rate"]):
        for length, notes in _burn_ins(seen, rate, power):
            yield replace(net, learning_rate=rate, burn_in=length, power=power), {**notes, **open_}


def _burn_ins(ramp: Seen, rate: float, power: float) -> Iterator[tuple[int, Open]]:
    """Lengths of a burn-in that explain its records: ``t / burn_in = (rate / learning_rate) ** (1 / power)``."""
    with np.errstate(all="ignore"):
        above = ramp.t / (np.maximum(ramp.low, 0) / rate) ** (1 / power)
        below = ramp.t / (ramp.high / rate) ** (1 / power)
    least = max(float(below.max()) * (1 - SLACK), float(ramp.t.max()) + 1)
    most = float(np.nanmin(above, initial=math.inf)) * (1 + SLACK)
    usual = (int(length) for length in USUAL["burn_in"] if least <= length <= most)
    few = {"power": "few rates of the burn-in are seen"} if len(ramp) < 2 * FEW or power != POWERS[0] else {}
    lengths = dict.fromkeys(itertools.chain(usual, whole_numbers(least, most)))
    for length in itertools.islice(lengths, MOST_OFFERS):
        yield length, _open_whole("burn_in", least, most) | few


def _policies(seen: Seen, header: float | None, net: Net) -> Fits:
    """Every policy that may explain the records after the burn-in."""
    few = {"policy": "too little of the curve is seen"} if len(seen) < 2 * FEW else {}
    for family in (_levels, _even_steps, _polynomials, _exponentials):
        for fit, notes in itertools.islice(family(seen, header, net), 8 * MOST_OFFERS):
            if fit.learning_rate > 0:
                yield fit, {**notes, **few} if fit.policy in ("poly", "exp") else notes


def _plateaus(seen: Seen) -> list[Level]:
    """The stretches of one rate; none when they are too many."""
    edges = np.flatnonzero(np.diff(seen.units) != 0) + 1
    if len(edges) > MOST_STEPS:
        return []
    starts, ends = [0, *edges.tolist()], [*(edges - 1).tolist(), len(seen) - 1]
    columns = (seen.t[starts], seen.t[ends], seen.low[starts], seen.high[starts], seen.count[starts])
    return [Level(int(a), int(b), *rest) for a, b, *rest in zip(*(column.tolist() for column in columns), strict=True)]


def _levels(seen: Seen, header: float | None, net: Net) -> Fits:
    """Policies constant and steps: levels of the rate."""
    levels = _plateaus(seen)
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
    if len(scales) > MOST_STEPS or any(significant(scale) > 2 or not scale > LEAST_SCALE for scale in scales):
        return False
    lengths = np.diff([0, *(level.first for level in levels[1:])])
    if len(lengths) > 2 and len(set(scales)) == 1 and np.ptp(lengths) < 0.05 * lengths.mean():
        return False  # policy step
    shown = all(level.records >= FEW for level in levels[:-1]) and (levels[-1].records >= FEW or scales[-1] in usual)
    apart = all(abs(a.high - b.high) > 1.5 * (a.high - a.low) for a, b in itertools.pairwise(levels))
    return shown and (apart or (max(scales) <= 1 and (len(scales) <= 2 or set(scales) <= set(usual))))


def _even_steps(seen: Seen, header: float | None, net: Net) -> Fits:
    """Policy step: ``learning_rate * scale ** (t // step)``."""
    drops = [(before.last + 1, after.first) for before, after in itertools.pairwise(_plateaus(seen))]
    if not drops:
        return
    (low, high), *later = drops
    lengths = itertools.chain(*(whole_numbers(low / times, high / times) for times in (1, 2, 3)))
    if later:
        lengths = itertools.chain(whole_numbers(later[0][0] - high, later[0][1] - low))
    for length in itertools.islice(lengths, 4 * MOST_OFFERS):
        if any(high // length * length < low for low, high in drops) or seen.t[-1] < length:
            continue
        for rate, slope, notes in _curves(seen.t // length, seen, header, np.log, np.exp):
            scale = short_decimal(math.exp(slope[0]) * (1 - SINGLE), math.exp(slope[1]) * (1 + SINGLE))
            if significant(scale) <= 3:
                notes["step"] = f"drops between {low} and {high} are seen"
                if not later:
                    notes["policy"] = "one drop is seen; steps explains it as well"
                yield replace(net, learning_rate=rate, policy="step", step=length, scale=scale), notes


def _exponentials(seen: Seen, header: float | None, net: Net) -> Fits:
    """Policy exp: ``log(rate) = log(learning_rate) + t * log(gamma)``."""
    for rate, slope, notes in _curves(seen.t, seen, header, np.log, np.exp):
        low, high = math.exp(slope[0]) * (1 - SINGLE), math.exp(slope[1]) * (1 + SINGLE)
        gamma = short_decimal(low, high) if high < math.inf else 1.0
        if gamma != 1:
            if is_loose(gamma, low, high) or "learning_rate" in notes:
                notes["gamma"] = f"from {low:.8g} to {high:.8g} all fit"
            yield replace(net, learning_rate=rate, policy="exp", gamma=gamma), notes


def _polynomials(seen: Seen, header: float | None, net: Net) -> Fits:
    """Policy poly: ``rate ** (1 / power) = learning_rate ** (1 / power) * (1 - t / max_batches)``."""
    for power in POWERS:

        def root(rate: Any, power: float = power) -> Any:
            return rate ** (1 / power)

        def value(offset: Any, power: float = power) -> Any:
            return np.maximum(offset, 0) ** power

        for rate, slope, notes in _curves(seen.t, seen, header, root, value):
            if slope[0] < 0:
                least, most = -root(rate) / slope[0], (-root(rate) / slope[1] if slope[1] < 0 else LONGEST)
                notes["power"] = "another power with other max_batches may fit as well"
                notes.update(_open_whole("max_batches", least, most, anyway="learning_rate" in notes))
                for end in itertools.islice(whole_numbers(least, most), MOST_OFFERS):
                    yield replace(net, learning_rate=rate, policy="poly", power=power, max_batches=end), notes


def _curves(
    x: Floats, seen: Seen, header: float | None, root: Callable[[Any], Any], value: Callable[[Any], Any]
) -> Iterator[tuple[float, tuple[float, float], dict[str, str]]]:
    """Where ``root(rate)`` may be a straight line over ``x``: learning rates, and the slopes that each leaves.

    The line begins with ``root(learning_rate)``; ``value`` makes a rate of it.
    """
    with np.errstate(all="ignore"):
        low = np.where(seen.units > 0, root(np.maximum(seen.low, 0) * (1 - SLACK)), -np.inf)
        high = root(seen.high * (1 + SLACK))

        def slopes(rate: float) -> tuple[float, float] | None:
            with np.errstate(all="ignore"):
                least = np.nanmax((low - root(rate)) / x, initial=-math.inf)
                most = np.nanmin((high - root(rate)) / x, initial=math.inf)
            return (float(least), float(most)) if least <= most and math.inf not in (least, -most) else None

        last = len(x) - 1 - int((seen.units > 0)[::-1].argmax())
        first, end = root(seen.low[[0, last]]) / 2 + high[[0, last]] / 2
        begun = float(value(first - (end - first) / max(x[last] - x[0], 1) * x[0]))
        apart = begun * (seen.high[0] / seen.low[0] - 1)
        rates = [header] if header else [*USUAL["learning_rate"], short_decimal(begun - apart, begun + apart)]
    for rate in dict.fromkeys(rates):
        if 0 < rate < HIGHEST and (fit := slopes(rate)):
            notes: dict[str, str] = {}
            unit = 10.0 ** (math.floor(math.log10(rate)) - significant(rate))
            if not header and (slopes(rate - unit) or slopes(rate + unit)):
                notes["learning_rate"] = "others with other slopes fit as well"
            if not header and (slopes(rate / 2) or slopes(rate * 2)):
                notes["policy"] = "too little of the curve is seen"
            yield rate, fit, notes


def _open_whole(key: str, low: float, high: float, *, anyway: bool = False) -> dict[str, str]:
    """A whole number that is open when another one lies between the bounds, or anyway."""
    first, last = math.ceil(min(max(low, 1), 2 * LONGEST)), math.floor(min(high, LONGEST))
    return {key: f"from {first} to {last} all fit"} if first < last or anyway else {}


def _cost(net: Net) -> int:
    """How much there is to say of a cfg, beside what each has: the digits of its numbers, one for a usual one."""
    odd = net.learning_rate not in USUAL["learning_rate"]
    cost = 3 * sum(scale > 1 for scale in net.scales) + 2 * (net.power != 4) + 2 * odd
    for key in ("learning_rate", *(["burn_in"] if net.burn_in else []), *KEYS_OF_POLICY.get(net.policy, ())):
        value = getattr(net, key)
        numbers = value if isinstance(value, tuple) else () if key == "power" else (value,)
        cost += sum(1 if number in USUAL.get(key, ()) else 1 + significant(number) for number in numbers)
    return cost


def _runs(log: Log) -> Iterator[tuple[int, Dialect]]:
    """Numbers of GPUs with the fork that counts iterations so, the likeliest first."""
    exact = bool(len(log)) and bool((log.rate_decimals == 8).all())
    counts = exact or bool(np.isfinite(log.hours_left).any())
    forks = [fork for fork in DIALECTS if fork.arithmetic.single == exact]
    forks.sort(key=lambda fork: fork.iteration_counts_gpus != counts)
    known, total, jumps = log.header.batch, log.effective_batch, _jumps(log.iteration)
    runs = []
    if known and total and total % known == 0 and 1 < total // known <= MOST_GPUS:
        runs += [(total // known, fork) for fork in forks]
    if jumps is not None:
        runs += [(jumps[0], fork) for fork in forks if fork.iteration_counts_gpus != jumps[1]]
    return iter(dict.fromkeys([*runs, (1, forks[0])]))


def _shows_gpus(log: Log, net: Net) -> bool:
    """Whether a log shows on how many GPUs the run was: it says so, or its iterations go on one by one."""
    if log.header.batch or log.events_of("syncing"):
        return True
    alone = net.burn_in if net.dialect.burn_in_on_one_gpu else 0
    return bool((np.diff(log.iteration)[log.iteration[1:] > alone + 1] == 1).any())


def _jumps(iteration: Integers) -> tuple[int, bool] | None:
    """The number of GPUs by the way in which the iterations go on, and whether they jump at every fourth."""
    steps = np.diff(iteration)
    sizes = set(np.unique(steps).tolist())
    if len(sizes) == 1 and 2 <= (size := sizes.pop()) <= MOST_GPUS and iteration[0] % size == 0:
        return size, False
    if len(sizes) == 2 and min(sizes) == 1 and (max(sizes) + 3) % 4 == 0:
        ngpus = (max(sizes) + 3) // 4
        if ngpus <= MOST_GPUS and (iteration[1:][steps > 1] % 4 == 0).all():
            return ngpus, True
    return None


def printed_rates(net: Net, iterations: Integers, ngpus: int = 1) -> tuple[Floats, Floats]:
    """The lowest and the highest rate that each line can show; NaN where an iteration is not possible.

    Both are the rate itself, but policy random draws it, and a fork that is built with -Ofast may be two units in the
    last place of a float32 off.

    Raises:
        ValueError: for numbers with which no trainer runs.
    """
    at = net.clock(ngpus).rate_at(iterations)
    possible = (at >= 0) & (at <= LAST_ITERATION)
    schedule = net.schedule(ngpus)
    rates = np.full(len(at), np.nan, np.float32)
    rates[possible] = schedule(at[possible])
    low = high = rates
    policy = getattr(schedule, "policy", schedule)
    if isinstance(policy, Random):
        drawn, ends = at >= schedule.warmup, sorted(policy.band())
        low, high = np.where(drawn, ends[0], low), np.where(drawn, ends[1], high)
    if net.dialect.arithmetic.single:
        for _ in range(2):
            low, high = np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))
    return low.astype(np.float64), high.astype(np.float64)


def likely_gpus(net: Net, log: Log) -> Iterator[int]:
    """Numbers of GPUs that a log of this cfg shows: by its images, by the learning rate that it prints first, 1."""
    known = ~np.isnan(log.images) & (log.iteration > 0)
    if known.any() and net.effective_batch > 0:
        each = float((log.images[known] / log.iteration[known]).max()) / net.effective_batch
        if each == int(each) and 1 <= each <= MOST_GPUS:
            yield int(each)
    for header in log.headers:
        factor = float(header.learning_rate) / net.learning_rate if header.learning_rate and net.learning_rate else 0.0
        if net.dialect.gpus_multiply_rate and 1 <= factor <= MOST_GPUS + 0.5 and abs(factor - round(factor)) < 1e-4:
            yield round(factor)
    yield 1


def other_readings(net: Net, ngpus: int) -> Iterator[tuple[Net, int, str]]:
    """The same cfg on another number of GPUs, then read by another fork: each with a sentence that says so."""
    for count in range(1, MOST_GPUS + 1):
        if count != ngpus:
            gpus = f"{count} GPU{'s' if count > 1 else ''}"
            yield net, count, f"The run was on {gpus}, not on {ngpus}."
    for dialect in DIALECTS:
        if dialect.name != net.dialect.name:
            try:
                other = net.read_by(dialect)
            except CfgError:
                continue
            yield other, ngpus, f"The log matches {dialect.title}, not {net.dialect.title}."


def contradictions(net: Net, log: Log, ngpus: int) -> Iterator[str]:
    """What a log says against a cfg beside its rates: other images per iteration, iterations past the end."""
    shown, planned = log.effective_batch, net.effective_batch * ngpus
    if shown is not None and shown != planned:
        on = f" on {ngpus} GPUs" if ngpus > 1 else ""
        yield f"The log shows {shown} images per iteration, the cfg means {planned}{on} (batch={net.batch})."
    last = int(log.iteration.max())
    if 0 < net.max_batches < last - SYNC_INTERVAL * ngpus:
        yield f"The log reaches iteration {last}, the cfg ends at max_batches={net.max_batches}."
    if log.horizon is not None and net.max_batches > 0 and log.horizon != net.max_batches:
        yield f"The trainer printed {log.horizon} as the last iteration, the cfg says max_batches={net.max_batches}."


def net_values(net: Net) -> dict[str, str]:
    """The keys and values of a cfg that decide its rate, as every fork reads them: without exponents."""
    names = ["learning_rate", *(["burn_in"] if net.burn_in else []), "policy", *KEYS_OF_POLICY.get(net.policy, ())]
    if net.burn_in and net.power != 4 and "power" not in names:
        names.append("power")
    batch = {"batch": str(net.batch)} if net.batch > 1 else {}
    return batch | {name: plain(getattr(net, name)) for name in names}
