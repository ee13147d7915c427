"""What may explain the rates of a log: cfgs whose numbers fit what was printed, family by family.

A printed rate bounds the true one from both sides, so every record bounds the numbers of a cfg. Each family is made a
straight line (poly by a root, exp and step by a logarithm); what lies within all bounds is offered, usual and round
numbers first. Whoever asks computes the exact rates and compares. Rates of sigmoid, sgdr and random are not explained.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrsched.log import MOST_GPUS, Explanation, Floats, Integers, Log
from lrsched.schedule import LAST_ITERATION
from lrsched.text import plain
from lrsched.trainers.darknet.cfg import CfgError
from lrsched.trainers.darknet.clock import SYNC_INTERVAL, Clock
from lrsched.trainers.darknet.dialects import DIALECTS, Dialect
from lrsched.trainers.darknet.net import Net
from lrsched.trainers.darknet.policies import Random

__all__ = ["contradictions", "explanations", "likely_gpus", "net_values", "other_readings", "printed_rates"]

USUAL_RATES = (0.001, 0.00261, 0.01, 0.1, 0.0001, 0.002, 0.005, 0.0013, 0.0005, 0.025, 0.05, 0.02, 0.2)
USUAL_LENGTHS = (1000, 500, 100, 2000, 4000, 3000, 1500, 200, 400, 300, 5000)
"""What people write for learning_rate and burn_in, the most usual first."""

USUAL_SCALES = (0.1, 0.5, 0.2)

POWERS = (4.0, 1.0, 2.0, 3.0, 0.9, 0.5)
"""Powers that are tried, the usual ones first."""

FEW = 3
"""So many records show a level of the rate; fewer are a point on a curve."""

MOST_STEPS = 12
LEAST_SCALE = 0.0009
MOST_POINTS = 4096
MOST_OFFERS = 12
LONGEST = 10_000_000
SLACK = 1e-6
"""Relative room around every bound: rates are float32 numbers."""

SINGLE = 2.0**-23
"""The rounding of a float32 number next to 1, both ways."""

ROUND = tuple(factor * 10**zeros for zeros in range(6, -1, -1) for factor in (5, 2, 1))

Open = Mapping[str, str]


_KEYS_OF_POLICY = {
    "poly": ("power", "max_batches"),
    "random": ("power",),
    "steps": ("steps", "scales"),
    "step": ("step", "scale"),
    "exp": ("gamma",),
    "sigmoid": ("gamma", "step"),
    "sgdr": ("learning_rate_min", "sgdr_cycle", "sgdr_mult"),
}


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
        known = np.isfinite(log.rate) & (t >= 0)
        order = np.argsort(t[known], kind="stable")
        t, rate, decimals = t[known][order], log.rate[known][order], log.rate_decimals[known][order]
        unit = 10.0 ** -decimals.astype(float)
        units = np.rint(rate / unit)
        change = np.flatnonzero(np.diff(units, prepend=np.nan, append=np.nan) != 0)
        ends = np.unique(np.concatenate((change[:-1], change[1:] - 1)))
        lengths = np.repeat(np.diff(change), np.diff(change))[ends]
        if ends.size > MOST_POINTS:
            keep = np.linspace(0, ends.size - 1, MOST_POINTS).astype(int)
            ends, lengths = ends[keep], lengths[keep]
        return cls(
            t=t[ends].astype(float),
            low=(units - 0.5)[ends] * unit[ends] * (1 - SINGLE),
            high=(units + 0.5)[ends] * unit[ends] * (1 + SINGLE),
            units=units[ends],
            count=lengths,
        )

    def __len__(self) -> int:
        return self.t.size

    def part(self, which: Any) -> Seen:
        return Seen(**{name: getattr(self, name)[which] for name in ("t", "low", "high", "units", "count")})


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


def _cfgs(seen: Seen, header: float | None, net: Net) -> Iterator[tuple[Net, Open]]:
    """With and without a burn-in, each policy."""
    top = int(seen.units.argmax())
    rising = bool((np.diff(seen.units[: top + 1]) >= 0).all()) and seen.units[0] < seen.units[top]
    cuts = (top, top + 1) if rising else (0,)
    first = int(seen.t[0])
    early: dict[str, str] = {}
    if first > 1:
        early["burn_in"] = f"a burn-in that ended by iteration {first} is not seen"
        early["steps"] = early["scales"] = f"what happened before iteration {first} is not seen"
        if not header:
            early["learning_rate"] = early["steps"]
    if not seen.units.any():
        nothing = dict.fromkeys(("learning_rate", "burn_in", "policy", "power"), "every rate is printed as 0")
        length = 1000 if seen.t[-1] < 117 else 10 * int(seen.t[-1])
        yield replace(net, learning_rate=header or USUAL_RATES[0], burn_in=length), nothing
        return
    if rising and seen.units[-1] == seen.units[top]:
        yield from _burn_in_only(seen, header, net)
    for power, cut in itertools.product(POWERS if rising else (4.0,), cuts):
        ramp, rest = seen.part(slice(0, cut)), seen.part(slice(cut, None))
        for fit, open_ in _policies(rest, header, replace(net, power=power)) if len(rest) else ():
            if not len(ramp):
                yield fit, _both(early, open_)
                continue
            for length, open_length in _burn_ins(ramp, fit.learning_rate, power):
                yield replace(fit, burn_in=length), {**open_, **open_length}
    if rising:
        for fit, open_ in _policies(seen, header, net):
            yield fit, _both(early, open_)


def _both(early: Open, notes: Open) -> dict[str, str]:
    return {key: "; ".join(open_[key] for open_ in (early, notes) if key in open_) for key in {**early, **notes}}


def _burn_in_only(seen: Seen, header: float | None, net: Net) -> Iterator[tuple[Net, Open]]:
    """The whole log lies in the burn-in: only ``learning_rate / burn_in**power`` is seen."""
    open_ = {"policy": f"the log ends in the burn-in, at iteration {int(seen.t[-1])}"}
    if not header:
        open_ |= dict.fromkeys(("learning_rate", "burn_in"), "in the burn-in only learning_rate / burn_in**power shows")
    for power in POWERS:
        rates = (header,) if header else USUAL_RATES
        found = [(rate, *one) for rate in rates for one in _burn_ins(seen, rate, power)]
        few = {"power": "few rates of the burn-in are seen"} if power != POWERS[0] else {}
        for rate, length, notes in sorted(
            found, key=lambda one: _cost(replace(net, learning_rate=one[0], burn_in=one[1]))
        ):
            yield replace(net, learning_rate=rate, burn_in=length, power=power), {**notes, **few, **open_}


def _burn_ins(ramp: Seen, rate: float, power: float) -> Iterator[tuple[int, Open]]:
    """Lengths of a burn-in that explain its records: ``t / burn_in = (rate / learning_rate) ** (1 / power)``."""
    with np.errstate(all="ignore"):
        least, most = _within(ramp.t / (ramp.high / rate) ** (1 / power), ramp.t / (ramp.low / rate) ** (1 / power))
    least = max(least, float(ramp.t.max()) + 1)
    usual = [length for length in USUAL_LENGTHS if least <= length <= most]
    notes = _open_whole("burn_in", least, most)
    if len(ramp) < 2 * FEW:
        notes["power"] = "few rates of the burn-in are seen"
    for length in dict.fromkeys(itertools.islice([*usual, *_rounder_first(least, most)], MOST_OFFERS)):
        yield length, notes


def _policies(seen: Seen, header: float | None, net: Net) -> Iterator[tuple[Net, Open]]:
    """Every policy that may explain the records after the burn-in."""
    for family in (_levels, _even_steps, _polynomials, _exponentials):
        for fit, notes in itertools.islice(family(seen, header, net), 4 * MOST_OFFERS):
            if fit.learning_rate > 0:
                yield fit, notes


def _levels(seen: Seen, header: float | None, net: Net) -> Iterator[tuple[Net, Open]]:
    """Policies constant and steps: levels of the rate."""
    levels = _plateaus(seen)
    if levels is None:
        return
    first, last = int(seen.t[0]), int(seen.t[-1])
    rate, notes = header or short_decimal(levels[0][2], levels[0][3]), dict[str, str]()
    if len(levels) == 1 and _is_in(rate, levels[0]):
        notes |= dict.fromkeys(("policy", "steps", "scales"), f"the rate does not change from {first} to {last}")
        yield replace(net, learning_rate=rate), notes
        return
    level, steps, scales, wide = np.float32(rate), [], [], []
    for i, (begin, _, low, high, _) in enumerate(levels):
        if _is_in(float(level), levels[i]):
            continue
        if not level > 0:
            return
        hidden = low < 0
        scale = 0.1 if hidden and level * 0.1 < high else short_decimal(max(low, 0) / float(level), high / float(level))
        before = int(levels[i - 1][1]) if i else 0
        step = next(_rounder_first(before + 1, begin), int(begin))
        if before + 1 < begin:
            wide.append(f"{step} may be any iteration from {before + 1} to {int(begin)}")
        if hidden or _is_loose(scale, low / float(level), high / float(level)):
            notes["scales"] = f"from iteration {int(begin)} on the printed rate does not show how far it fell"
        steps.append(step)
        scales.append(scale)
        level = np.float32(level * np.float32(scale))
    notes |= {"max_batches": f"the rates up to iteration {last} do not show it"}
    notes |= {"steps": "; ".join(wide)} if wide else {}
    if steps and _believable(levels, scales):
        yield replace(net, learning_rate=rate, policy="steps", steps=tuple(steps), scales=tuple(scales)), notes


def _believable(levels: list[tuple[float, ...]], scales: list[float]) -> bool:
    """Whether levels are levels: a curve printed with few decimals looks like many steps of odd factors."""
    if len(scales) > MOST_STEPS or any(len(_significant(scale)) > 2 or not scale > LEAST_SCALE for scale in scales):
        return False
    shown = all(count >= FEW for *_, count in levels[:-1]) and (levels[-1][-1] >= FEW or scales[-1] in USUAL_SCALES)
    apart = all(abs(one[3] - other[3]) > 1.5 * (one[3] - one[2]) for one, other in itertools.pairwise(levels))
    return shown and (apart or (max(scales) <= 1 and (len(scales) <= 2 or set(scales) <= set(USUAL_SCALES))))


def _is_in(rate: float, level: tuple[float, ...]) -> bool:
    return level[2] * (1 - SLACK) <= rate <= level[3] * (1 + SLACK)


def _plateaus(seen: Seen) -> list[tuple[float, ...]] | None:
    """First and last iteration, bounds of the rate and records of every stretch of one rate; None for too many."""
    edges = np.flatnonzero(np.diff(seen.units) != 0) + 1
    if len(edges) > MOST_STEPS:
        return None
    starts, ends = [0, *edges.tolist()], [*(edges - 1).tolist(), len(seen) - 1]
    return [
        (float(seen.t[i]), float(seen.t[j]), float(seen.low[i]), float(seen.high[i]), float(seen.count[i]))
        for i, j in zip(starts, ends, strict=True)
    ]


def _even_steps(seen: Seen, header: float | None, net: Net) -> Iterator[tuple[Net, Open]]:
    """Policy step: ``learning_rate * scale ** (t // step)``."""
    levels = _plateaus(seen)
    if levels is None or len(levels) < 2:
        return
    drops = [(before[1] + 1, after[0]) for before, after in itertools.pairwise(levels)]
    if len(drops) > 1:
        lengths = _rounder_first(drops[1][0] - drops[0][1], drops[1][1] - drops[0][0])
    else:
        lengths = (found for times in (1, 2, 3) for found in _rounder_first(drops[0][0] / times, drops[0][1] / times))
    for length in itertools.islice(lengths, 4 * MOST_OFFERS):
        count = seen.t // length
        if any(math.floor(high / length) * length < low for low, high in drops) or not count[-1]:
            continue
        with np.errstate(all="ignore"):
            fits = _line(count, np.log(np.maximum(seen.low, 0)), np.log(seen.high))
        for rate, slope, rate_open in _rates_and_slopes(fits, np.exp, math.log, header):
            scale = short_decimal(math.exp(slope[0]) * (1 - SINGLE), math.exp(slope[1]) * (1 + SINGLE))
            if len(_significant(scale)) > 3:
                continue
            one = {"policy": "one drop is seen; steps explains it as well"} if len(drops) == 1 else {}
            notes = {**rate_open, **one, "step": f"drops between {int(drops[0][0])} and {int(drops[0][1])} are seen"}
            yield replace(net, learning_rate=rate, policy="step", step=length, scale=scale), notes


def _exponentials(seen: Seen, header: float | None, net: Net) -> Iterator[tuple[Net, Open]]:
    """Policy exp: ``log(rate) = log(learning_rate) + t * log(gamma)``."""
    with np.errstate(all="ignore"):
        fits = _line(seen.t, np.log(np.maximum(seen.low, 0)), np.log(seen.high))
    for rate, slope, notes in _rates_and_slopes(fits, np.exp, math.log, header):
        low, high = math.exp(slope[0]) * (1 - SINGLE), math.exp(slope[1]) * (1 + SINGLE)
        gamma = short_decimal(low, high) if high < math.inf else 1.0
        if gamma == 1:
            continue
        if _is_loose(gamma, low, high) or "learning_rate" in notes:
            notes["gamma"] = f"from {low:.8g} to {high:.8g} all fit"
        yield replace(net, learning_rate=rate, policy="exp", gamma=gamma), notes


def _polynomials(seen: Seen, header: float | None, net: Net) -> Iterator[tuple[Net, Open]]:
    """Policy poly: ``rate ** (1 / power) = learning_rate ** (1 / power) * (1 - t / max_batches)``."""
    for power in (net.power,) if net.burn_in else dict.fromkeys((net.power, *POWERS)):
        with np.errstate(all="ignore"):
            low = np.where(seen.units > 0, np.maximum(seen.low, 0) ** (1 / power), -np.inf)
            fits = _line(seen.t, low, seen.high ** (1 / power))

        def value(offset: float, power: float = power) -> float:
            return math.pow(max(offset, 0.0), power)

        def root(rate: float, power: float = power) -> float:
            return math.pow(rate, 1 / power)

        for rate, slope, open_ in _rates_and_slopes(fits, value, root, header):
            if slope[0] >= 0:
                continue
            least, most = -root(rate) / slope[0], (-root(rate) / slope[1] if slope[1] < 0 else LONGEST)
            notes = {**open_, "power": "another power with other max_batches may fit as well"}
            notes |= _open_whole("max_batches", least, most, anyway="learning_rate" in open_)
            for end in itertools.islice(_rounder_first(least, most), MOST_OFFERS):
                yield replace(net, learning_rate=rate, policy="poly", power=power, max_batches=end), notes


@dataclass(frozen=True)
class Line:
    """All straight lines ``offset + slope * t`` between bounds; ``slopes`` are the smallest and the largest slope."""

    t: Floats
    low: Floats
    high: Floats
    slopes: tuple[float, float]

    def offsets(self, slope: float) -> tuple[float, float]:
        """Between which offsets a line of this slope lies within the bounds."""
        return float((self.low - slope * self.t).max()), float((self.high - slope * self.t).min())

    def slopes_through(self, offset: float) -> tuple[float, float]:
        """Between which slopes a line with this offset at t = 0 lies within the bounds."""
        later = self.t > 0
        t = self.t[later]
        return float(((self.low[later] - offset) / t).max()), float(((self.high[later] - offset) / t).min())


def _line(t: Floats, low: Floats, high: Floats) -> Line | None:
    """The straight lines between some bounds, None where there are none."""
    low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    low, high = low - SLACK * np.nan_to_num(np.abs(low), posinf=0), high + SLACK * np.nan_to_num(np.abs(high), posinf=0)
    near = np.isfinite(low) & np.isfinite(high)
    if near.sum() < 2 or np.ptp(t[near]) == 0:
        return None
    first, last = (int(place) for place in (near.argmax(), len(near) - 1 - near[::-1].argmax()))
    apart, enough = t[last] - t[first], -1e-12 * (1 + float(np.abs(low[near]).max()))

    def edge(slope: float, way: int) -> float | None:
        # the room between the bounds is a concave function of the slope: Newton's steps never jump over its zero
        for _ in range(100):
            above, below = high - slope * t, low - slope * t
            i, j = int(above.argmin()), int(below.argmax())
            room, turn = float(above[i] - below[j]), float(t[j] - t[i])
            if room >= enough:
                return slope
            if way * turn <= 0:
                return None
            slope -= room / turn
        return None

    least = edge(float((low[last] - high[first]) / apart), 1)
    most = None if least is None else edge(float((high[last] - low[first]) / apart), -1)
    return None if least is None or most is None else Line(t, low, high, (min(least, most), max(least, most)))


def _rates_and_slopes(
    line: Line | None, value: Any, inverse: Any, header: float | None
) -> Iterator[tuple[float, tuple[float, float], dict[str, str]]]:
    """Learning rates among the offsets of a line, and the slopes each leaves; ``value`` makes a rate of an offset."""
    if line is None:
        return
    with np.errstate(over="ignore"):
        ends = [float(value(offset)) for slope in line.slopes for offset in line.offsets(slope)]
    least, most = min(ends) * (1 - SLACK), max(ends) * (1 + SLACK)
    if header is not None:
        rates, notes = [header], {}
    else:
        rates = [rate for rate in USUAL_RATES if least <= rate <= most] + [short_decimal(least, most)]
        loose = _is_loose(rates[0], least, most)
        notes = {"learning_rate": f"from {least:.6g} to {most:.6g} all fit"} if loose else {}
        if most > 2 * least:
            notes["policy"] = "too little of the curve is seen"
    for rate in list(dict.fromkeys(rates))[:4]:
        slopes = line.slopes_through(inverse(rate))
        if slopes[0] <= slopes[1]:
            yield rate, slopes, dict(notes)


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


def _is_loose(chosen: float, low: float, high: float) -> bool:
    """Whether between the bounds lie other decimals with one digit more than the one that was chosen."""
    if not chosen or not high < math.inf:
        return True
    unit = 10.0 ** (math.floor(math.log10(abs(chosen))) - len(_significant(chosen)))
    return math.floor(high / unit + SLACK) > math.ceil(low / unit - SLACK)


def _significant(number: float) -> str:
    return f"{number:.12e}".partition("e")[0].replace(".", "").lstrip("-").rstrip("0") or "0"


def _rounder_first(low: float, high: float, most: int = 8) -> Iterator[int]:
    """Whole numbers in ``low..high``, the roundest first; some of each roundness.

    >>> list(itertools.islice(_rounder_first(997.2, 1003.1), 3))
    [1000, 998, 1002]
    """
    if not low <= high:
        return
    first, last = math.ceil(min(max(low, 1), 2 * LONGEST)), math.floor(min(high, LONGEST))
    seen = set()
    for base in ROUND:
        for number in itertools.islice(range(first + -first % base, last + 1, base), most):
            if number not in seen:
                seen.add(number)
                yield number


def _within(low: Floats, high: Floats) -> tuple[float, float]:
    """What lies within all bounds, with a little room; NaN bounds nothing."""
    low, high = low[~np.isnan(low)], high[~np.isnan(high)]
    least, most = (float(low.max()) if low.size else 0.0), (float(high.min()) if high.size else math.inf)
    if not least < math.inf:
        return 1.0, 0.0
    return max(least - abs(least) * SLACK, 0.0), min(most + abs(most) * SLACK, 2.0 * LONGEST)


def _open_whole(key: str, low: float, high: float, *, anyway: bool = False) -> dict[str, str]:
    """A whole number that is open when another one lies between the bounds, or anyway."""
    first, last = math.ceil(min(max(low, 1), 2 * LONGEST)), math.floor(min(high, LONGEST))
    return {key: f"from {first} to {last} all fit"} if first < last or anyway else {}


def _digits(number: float, usual: tuple[float, ...] = ()) -> int:
    return 1 if number in usual else 1 + len(_significant(number))


def _cost(net: Net) -> int:
    """How much there is to say of a cfg, beside what each has."""
    of_policy: dict[str, Sequence[float]] = {
        "steps": [*net.steps, *net.scales],
        "step": [net.step, net.scale],
        "exp": [net.gamma],
        "poly": [net.max_batches],
    }
    numbers = of_policy.get(net.policy, [])
    rate = 1 if net.learning_rate in USUAL_RATES else 3 + len(_significant(net.learning_rate))
    cost = rate + sum(_digits(number, USUAL_SCALES) for number in numbers)
    cost += _digits(net.burn_in, USUAL_LENGTHS) if net.burn_in else 0
    return cost + 3 * sum(scale > 1 for scale in net.scales) + (2 if net.power != 4 else 0)


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
    names = ["learning_rate", *(["burn_in"] if net.burn_in else []), "policy", *_KEYS_OF_POLICY.get(net.policy, ())]
    if net.burn_in and net.power != 4 and "power" not in names:
        names.append("power")
    batch = {"batch": str(net.batch)} if net.batch > 1 else {}
    return batch | {name: plain(getattr(net, name)) for name in names}
