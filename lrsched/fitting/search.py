"""fit(): the simplest schedule and clock that explain observed rates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from lrsched.fitting.clocks import Clock
from lrsched.fitting.forms import DECAYS, Form, sampled
from lrsched.fitting.observed import Observed
from lrsched.schedule import Floats, Iterations, Schedule
from lrsched.schedules import wellknown

__all__ = ["Fit", "fit"]

SAMPLE = 40
"""So many rows are looked at before all of them are."""

MOST_WARMUPS = 1500
"""So many lengths of a warm-up are tried between two logged rows."""

FAR = 1e10
"""No horizon is looked for beyond."""

MOST_DROPS = 12
"""More drops than these are no list of milestones."""

POWERS = (2.0, 0.9, 0.5, 1.5, 3.0, 4.0)
"""Exponents of polynomial decays that are tried."""

UNKNOWNS = ((0,), (0, 1), (0, 2), (0, 1, 2))
"""Which of peak, final and initial rate are not 0, the fewest first."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A schedule that explains the rates of a log.

    Attributes:
        schedule: logged step -> rate, clock included.
        curve: the schedule by its own count of steps.
        family: the name of the curve.
        parameters: what defines it, in steps and rates.
        clock: which count of the schedule belongs to a logged step.
        matched: how many rates it explains.
        total: how many there are.
        open: what the log leaves undetermined, each with the reason.
    """

    schedule: Schedule
    curve: Schedule
    family: str
    parameters: Mapping[str, Any]
    clock: Clock
    matched: int
    total: int
    open: Mapping[str, str] = field(default_factory=dict)
    cost: int = 0

    @property
    def complete(self) -> bool:
        """Whether every rate is explained."""
        return self.matched == self.total

    def __str__(self) -> str:
        return repr(self.schedule)


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A curve by its own count of steps, with the words for it."""

    curve: Schedule
    family: str
    parameters: Mapping[str, Any]
    open: Mapping[str, str] = field(default_factory=dict)
    cost: int = 0


CHEAP = 7
"""An explanation that costs no more is taken at once."""

SIMPLE = 10
"""A stretch of rows is only explained by what costs no more."""

DEAR = 14
"""An explanation that costs more is none: with so many free numbers anything fits."""


def fit(observed: Observed, clocks: Sequence[Clock] = (Clock(),)) -> Fit | None:
    """The simplest schedule that explains the rates; else the one that explains most of them; None without rates.

    ``clocks`` are those that the trainer uses, the likeliest first.
    """
    if not len(observed):
        return None
    best: Fit | None = None
    for found in _tried(observed, clocks):
        if found.cost > DEAR:
            continue
        best = found if best is None or _order(found) < _order(best) else best
        if best.complete and best.cost <= CHEAP:
            break
    return best


def _order(found: Fit) -> tuple[int, int]:
    return -found.matched, found.cost


def _tried(observed: Observed, clocks: Sequence[Clock]) -> Iterator[Fit]:
    """Explanations, the likeliest clocks first."""
    usual = clocks[0]
    for number, clock in enumerate(clocks):
        for guess in guesses(replace_step(observed, clock.count(observed.step))):
            yield _judged(observed, guess, clock, number)
    yield from _lags(observed, usual)
    for clock in _unusual(observed, clocks):
        for guess in guesses(replace_step(observed, clock.count(observed.step))):
            yield _judged(observed, guess, clock, 3)


def replace_step(observed: Observed, step: Iterations) -> Observed:
    return replace(observed, step=step)


def _judged(observed: Observed, guess: Guess, clock: Clock, extra: int = 0) -> Fit:
    rates = guess.curve(clock.count(observed.step))
    return Fit(
        schedule=clock.applied(guess.curve),
        curve=guess.curve,
        family=guess.family,
        parameters=guess.parameters,
        clock=clock,
        matched=int(observed.matches(rates).sum()),
        total=len(observed),
        open=guess.open,
        cost=guess.cost + extra,
    )


def _unusual(observed: Observed, clocks: Sequence[Clock]) -> Iterator[Clock]:
    """Other clocks that may explain the rates, the simplest first."""
    usual = clocks[0]
    for late in (1, 0, -1):
        if all(clock.late != late for clock in clocks):
            yield replace(usual, late=late)
    for each, late in _stairs(observed):
        yield replace(usual, late=late, each=each)


def _stairs(observed: Observed) -> Iterator[tuple[int, int]]:
    """How many steps each rate stays, and where the first one begins, where the rates change like clockwork."""
    k, y = observed.step, observed.rate
    changes = np.flatnonzero(np.abs(np.diff(y)) > observed.slack[1:] + observed.slack[:-1])
    if not 2 <= len(changes) < len(y) // 2:
        return
    low, high = k[changes], k[changes + 1]  # each change lies above low, up to high
    gaps = np.arange(1, len(changes))
    shortest, longest = float(((low[1:] - high[0]) / gaps).max()), float(((high[1:] - low[0]) / gaps).min())
    for late in (0, 1):
        found = [
            each
            for each in range(max(math.ceil(shortest), 2), min(math.floor(longest), math.ceil(shortest) + 5000) + 1)
            if ((high - late) // each == (low - late) // each + 1).all()
        ]
        if found:
            yield max(found, key=_roundness), late
            yield from ((each, late) for each in found[:2])


# --- what the rates look like -----------------------------------------------------------------------------------------


def guesses(rows: Observed) -> Iterator[Guess]:
    """Curves that explain a sample of the rows, the simplest first. ``step`` is the schedule's own count."""
    rows = rows.rows(np.concatenate([[True], np.diff(rows.step) != 0]))
    k, y = rows.step, rows.rate
    if (np.abs(y - y[0]) <= rows.slack + rows.slack[0]).all():
        rate = plain(y, rows.slack, lambda rate: wellknown.constant(rate)(k))
        yield Guess(curve=wellknown.constant(rate), family="constant", parameters={"peak": rate})
        return
    yield from _drops(rows)
    yield from _falls(rows)
    yield from _lines(rows)


def _risen(rows: Observed) -> int:
    """The row at which the rate stops rising."""
    y, slack = rows.rate, rows.slack
    return int(np.argmax(y + slack >= (y - slack).max()))


def _warmups(rows: Observed) -> list[int]:
    """The lengths of a warm-up that the rows allow: it ends between the last row that rose and the next."""
    k, top = rows.step, _risen(rows)
    low = int(k[top - 1]) if top else 0
    after = min(top + 1, len(k) - 1)
    high = max(int(k[top]) + 1 if rows.rate[after] == rows.rate[top] else int(k[after]), low)
    if not rows.exact and top:  # the rate may be printed as the peak before it is the peak
        high += math.ceil(2 * rows.slack[top] * k[top] / rows.rate[top])
    if high - low < MOST_WARMUPS:
        return list(range(low, high + 1))
    about = round(_crossing(rows, top) or 0)
    half = MOST_WARMUPS // 2
    return list(range(max(about - half, low), min(about + half, high) + 1)) or [low]


def _crossing(rows: Observed, top: int) -> float | None:
    """Where the line of the rising rows meets the line of the first two rows after them."""
    k, y = rows.step, rows.rate
    if top < 2 or top + 2 >= len(k):
        return None
    up, down = (
        (y[top - 1] - y[top - 2]) / (k[top - 1] - k[top - 2]),
        (y[top + 2] - y[top + 1]) / (k[top + 2] - k[top + 1]),
    )
    if up == down:
        return None
    return float(((y[top + 1] - down * k[top + 1]) - (y[top - 1] - up * k[top - 1])) / (up - down))


def _falls(rows: Observed) -> Iterator[Guess]:
    """Warm-ups and smooth decays."""
    k = rows.step
    top = _risen(rows)
    if top == len(k) - 1:
        yield from _rises(rows)
        return
    sample = rows.rows(sampled(len(k), SAMPLE, 0, top, _flat_until(rows, top)))
    lengths = _warmups(rows)
    for form, times in _forms(rows, top, lengths):
        yield from _solved(rows, sample, form, times)
    yield from _others(rows, top, lengths)


def _flat_until(rows: Observed, top: int) -> int:
    """The last row that still has the peak."""
    same = np.abs(rows.rate - rows.rate[top]) <= rows.slack + rows.slack[top]
    return int(np.flatnonzero(same)[-1])


Group: TypeAlias = tuple[Form, list[tuple[int, int, int]]]
"""A form, and the times to try with it: warm-up, origin and horizon each."""


def _forms(rows: Observed, top: int, lengths: list[int]) -> Iterator[Group]:
    """Forms to try, the usual ones first; which times they have the rates decide."""
    flat = _flat_until(rows, top)
    waves = [] if len(rows) - flat < 6 else _half_waves(rows.rows(slice(flat + 1, None)))
    if flat > top:
        yield from _stretches(rows, flat, lengths, waves)
        if rows.exact:
            return
    rises = ("linear", "quadratic", "cosine", "logarithmic", "constant") if lengths[-1] and top else ("linear",)
    ends = {decay: _ends(rows, top, decay, waves) for decay in ("linear", "cosine", "polynomial")}
    for rise in rises:
        for decay in ("linear", "cosine"):
            form = Form(decay=decay, rise=rise)
            usual = [(w, w, horizon) for horizon in ends[decay] for w in lengths if w < horizon]
            yield form, usual
            if rise == "linear" and lengths[-1]:
                begun = [(w, 0, horizon) for w, _, horizon in usual if w]
                yield replace(form, early=True), [times for times in usual if times[0]]
                yield replace(form, aims=True), begun
                yield form, begun
    times = [(w, w, horizon) for horizon in ends["polynomial"] for w in lengths if w < horizon]
    for power in POWERS:
        yield Form(decay="polynomial", power=power), times
    for origin, end in waves if rows.horizon is None else ():
        if -1 < origin < end < FAR:
            for early in (False, True) if lengths[-1] else (False,):
                yield (
                    Form(decay="cosine", early=early),
                    [
                        (w, max(o, 0), h)
                        for w in lengths
                        for o in near(round(origin))
                        for h in near(round(end))
                        if (not early or w) and h > o
                    ],
                )
    times = [(w, w, horizon) for horizon in ends["cosine"][:1] for w in lengths if w < horizon]
    for cycles in range(2, 11):
        yield Form(decay="cosine", cycles=cycles), times


def _stretches(rows: Observed, flat: int, lengths: list[int], waves: list[tuple[float, float]]) -> Iterator[Group]:
    """Forms that stay at the peak, for ever or until a decay begins."""
    k = rows.step
    for rise in ("linear", "cosine", "logarithmic", "quadratic", "constant"):
        yield Form(decay="constant", rise=rise), [(w, w, w) for w in lengths]
    if flat + 1 == len(k):
        return
    warmups = lengths if waves and rows.horizon is None else _short(lengths)
    gap = range(int(k[flat]), int(k[flat + 1]))[: MOST_WARMUPS // len(warmups)]
    for decay in ("linear", "cosine", "root"):
        if rows.horizon is not None:
            times = [(o, rows.horizon) for o in gap]
        elif decay == "cosine":
            times = [(o, h) for origin, end in waves for o in near(round(origin)) for h in near(round(end)) if o >= 0]
        else:
            times = [(o, h) for h in _ends(rows, flat, decay, waves) for o in gap]
        for early in (False, True) if lengths[-1] else (False,):
            yield (
                Form(decay=decay, early=early),
                [
                    (w, o, h)
                    for w in (warmups if not early else [w for w in warmups if w])
                    for o, h in times
                    if w < o < h
                ],
            )


def near(at: int) -> tuple[int, ...]:
    """A number and its neighbours."""
    return (at, at - 1, at + 1)


def _short(lengths: list[int]) -> list[int]:
    return lengths if len(lengths) <= 30 else lengths[:: len(lengths) // 30]


def _ends(rows: Observed, top: int, decay: str, waves: list[tuple[float, float]]) -> list[int]:
    """The horizons to try for a decay: the trainer's own, else where the rates themselves lead to."""
    if rows.horizon is not None:
        return list(near(rows.horizon))
    about = [end for _, end in waves] if decay == "cosine" else []
    after = rows.rows(slice(min(top + 1, len(rows) - 1), None))
    positive = after.rate > 0
    for power in {"linear": (1.0,), "polynomial": POWERS}.get(decay, ()):
        x, z = after.step[positive], after.rate[positive] ** (1 / power)
        if len(x) > 1 and z[0] > z[-1]:
            about.append(float(x[-1] + z[-1] * (x[-1] - x[0]) / (z[0] - z[-1])))
    if decay == "linear":
        about.append(float(rows.step[-1]))
    return list(dict.fromkeys(n for at in about if 0 < at < FAR for n in near(round(at)) if n > 0))


def _half_waves(rows: Observed) -> list[tuple[float, float]]:
    """Where the half wave begins and ends that goes best through the rows."""
    sample = rows.rows(sampled(len(rows), 60))
    k, y = sample.step.astype(np.float64), sample.rate
    scale = np.maximum(sample.slack, 1e-12 * y.max())
    first, span = k[0], max(k[-1] - k[0], 1.0)

    def solved(halves: Floats) -> tuple[Floats, Floats]:
        """How far off the best wave of each length is, and its mean, cosine and sine."""
        turn = np.pi * (k - first) / halves[:, None]
        columns = np.stack([np.ones_like(turn), np.cos(turn), np.sin(turn)], -1) / scale[:, None]
        q, r = np.linalg.qr(columns)
        target = (y / scale)[None, :, None]
        with np.errstate(all="ignore"):
            found = np.linalg.solve(r + 1e-300 * np.eye(3), np.swapaxes(q, 1, 2) @ target)
            off = np.square(columns @ found - target).mean((1, 2))
        return np.where(np.isfinite(off), off, np.inf), found[:, :, 0]

    low, high = span * 0.5, span * 60
    for _ in range(24):  # ever closer around the best
        halves = np.geomspace(low, high, 60)
        at = int(solved(halves)[0].argmin())
        low, high = halves[max(at - 1, 0)], halves[min(at + 1, len(halves) - 1)]
        if high - low < 1e-9 * high:
            break
    half = float((low + high) / 2)
    _, cosine, sine = solved(np.array([half]))[1][0]
    origin = first + math.atan2(sine, cosine) * half / math.pi
    return [(origin, origin + half)]


def _solved(rows: Observed, sample: Observed, form: Form, times: list[tuple[int, int, int]]) -> Iterator[Guess]:
    """The form with the times that explain the sample, and its rates."""
    if not times:
        return
    columns = form.columns(sample.step, times)
    weight = 1 / np.maximum(sample.slack, 1e-13 * sample.rate.max())
    target = (sample.rate * weight)[None, :, None]
    for unknown in UNKNOWNS:
        if 2 in unknown and not any(warmup for warmup, *_ in times):
            continue
        matrix = columns[:, :, list(unknown)] * weight[None, :, None]
        q, r = np.linalg.qr(matrix)
        good = np.abs(np.diagonal(r, axis1=1, axis2=2)).min(-1) > 1e-9 * np.abs(r).max((1, 2))
        rates = np.full((len(times), len(unknown), 1), np.nan)
        if good.any():
            rates[good] = np.linalg.solve(r[good], np.swapaxes(q[good], 1, 2) @ target)
        error = np.abs(matrix @ rates - target)[:, :, 0].max(-1)
        order = np.argsort(np.where(np.isnan(error), np.inf, error), kind="stable")
        # least squares come only near the rates of which all rows are roundings
        fits = [times[at] for at in order if error[at] <= (1.0 + 1e-6 if sample.exact else 2.0)]
        if not fits:
            continue
        chosen = _plainest(fits)
        found = np.zeros(3)
        found[list(unknown)] = rates[times.index(chosen), :, 0]
        if (found < -1e-15 * abs(found).max()).any():
            continue
        warmup, origin, horizon = chosen
        whole = replace(form, warmup=warmup, origin=origin, horizon=horizon)
        yield _guess(rows, whole, np.maximum(found, 0), sorted({warmup for warmup, *_ in fits}))
        return


def _plainest(fits: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    """Of times that fit equally those with the roundest warm-up."""
    return min(fits, key=lambda times: (-_roundness(times[0]), times[0])) if len(fits) > 1 else fits[0]


def _roundness(number: int) -> int:
    """How many zeros a number ends with; 0 itself is the roundest."""
    if not number:
        return 20
    digits = str(number)
    return len(digits) - len(digits.rstrip("0"))


def _guess(rows: Observed, form: Form, rates: Floats, lengths: list[int]) -> Guess:
    peak, final, initial = (float(rate) for rate in rates)
    columns = form.columns(rows.step)
    rest = columns[:, 1] * final + columns[:, 2] * initial
    if final:
        final = plain_near(
            final, rows, lambda value: columns[:, 0] * peak + columns[:, 1] * value + columns[:, 2] * initial
        )
        share = plain_near(
            final / peak, rows, lambda s: columns[:, 0] * peak + columns[:, 1] * peak * s + columns[:, 2] * initial
        )
        final = min((final, share * peak), key=lambda value: len(repr(value)))
    if initial:
        initial = plain_near(
            initial, rows, lambda value: columns[:, 0] * peak + columns[:, 1] * final + columns[:, 2] * value
        )
    rest = columns[:, 1] * final + columns[:, 2] * initial
    peak = plain_near(peak, rows, lambda value: columns[:, 0] * value + rest)
    left = {"warmup": f"from {lengths[0]} to {lengths[-1]} steps fit as well"} if len(lengths) > 1 else {}
    odd = 0 if rows.horizon in (None, form.horizon) or form.decay == "constant" else 3
    return replace(_guess_of(form, peak, final, initial), open=left, cost=_cost(form, peak, final, initial) + odd)


def _guess_of(form: Form, peak: float, final: float, initial: float) -> Guess:
    parameters: dict[str, Any] = {"peak": peak, "warmup": form.warmup}
    if form.decay != "constant":
        parameters |= {"horizon": form.horizon, "final": final}
    if form.warmup and initial:
        parameters["initial"] = initial
    if form.family == "warmup-stable-decay":
        parameters["decay"] = form.horizon - form.origin
    if form.decay == "polynomial":
        parameters["power"] = form.power
    if form.cycles > 1:
        parameters["cycles"] = form.cycles
    return Guess(
        curve=form.schedule(peak, final, initial),
        family=form.family,
        parameters=parameters,
        cost=_cost(form, peak, final, initial),
    )


def _cost(form: Form, peak: float, final: float, initial: float) -> int:
    """How much has to be said to name a curve: digits of its rates, and what is unusual about it."""
    cost = _digits(peak) + (form.decay not in ("constant",)) + (form.warmup > 0)
    if final:
        cost += 1 + min(_digits(final), _digits(final / peak))
    if initial:
        cost += 1 + min(_digits(initial), _digits(initial / peak), _digits(peak / initial)) + 4 * (initial > peak)
    unusual = (form.rise != "linear", form.early, form.origin < form.warmup, form.origin > form.warmup, form.cycles > 1)
    return cost + 2 * sum(unusual) + 2 * (form.decay == "polynomial")


def _digits(number: float) -> int:
    """How many significant digits a number has, to twelve."""
    return len(f"{number:.11e}".split("e")[0].rstrip("0").replace(".", "")) if number else 0


def plain_near(value: float, rows: Observed, rates: Callable[[float], Floats]) -> float:
    """The number with the fewest digits near a value that explains as many rows."""
    most = int(rows.matches(rates(value)).sum())
    for digits in range(1, 13):
        rounded = float(f"{value:.{digits - 1}e}")
        if abs(rounded - value) <= 1e-3 * abs(value) and int(rows.matches(rates(rounded)).sum()) >= max(most, 1):
            return rounded
    return value


def plain(values: Floats, slack: Floats, rates: Callable[[float], Floats]) -> float:
    """The number with the fewest digits that lies within the slack of all values."""
    value = float(values[len(values) // 2])
    for digits in range(1, 13):
        rounded = float(f"{value:.{digits - 1}e}")
        if (np.abs(rates(rounded) - values) <= slack).all():
            return rounded
    return value


RISING = {"peak": "the log ends within the warm-up, which shows only its slope"}


def _rises(rows: Observed) -> Iterator[Guess]:
    """Rates that only rise: the peak is not reached, and only the slope is known."""
    k, y, slack = rows.step.astype(np.float64), rows.rate, rows.slack
    if len(k) < 3 or k[-1] == k[0]:
        return
    for ahead in (0, 1):  # from nothing, counted from 0 or from 1
        low, high = ((y - slack) / (k + ahead + 1e-300)).max(), ((y + slack) / (k + ahead + 1e-300)).min()
        if 0 < low <= high:
            slope = _plainest_between(float(low), float(high))
            yield from _rise(rows, slope, slope * ahead)
            return
    slope = float(f"{(y[-1] - y[0]) / (k[-1] - k[0]):.9e}")
    initial = float(f"{y[0] - slope * k[0]:.6e}")
    if initial > 0 and rows.matches(slope * k + initial).all():
        yield from _rise(rows, slope, initial)


def _rise(rows: Observed, slope: float, initial: float) -> Iterator[Guess]:
    length = max(rows.horizon or 0, int(rows.step[-1]))
    start = {"initial": initial} if initial else {}
    curve = wellknown.warmup(length, peak=initial + slope * length, **start)
    yield Guess(curve=curve, family="warmup", parameters={"slope": slope} | start, open=RISING, cost=1)


def _plainest_between(low: float, high: float) -> float:
    """The number with the fewest digits from ``low`` to ``high``."""
    middle = (low + high) / 2
    for digits in range(1, 16):
        rounded = float(f"{middle:.{digits - 1}e}")
        if low <= rounded <= high:
            return rounded
    return middle


# --- straight pieces --------------------------------------------------------------------------------------------------


def _lines(rows: Observed) -> Iterator[Guess]:
    """Up to four straight lines that meet at whole steps, for rates that are printed with all their digits."""
    k, y = rows.step.astype(np.float64), rows.rate
    if len(k) < 6 or (rows.slack > 1e-6 * y.max()).any():
        return
    slopes = np.diff(y) / np.diff(k)
    same = np.abs(np.diff(slopes)) <= 1e-6 * np.abs(slopes).max()
    starts = np.flatnonzero(same & ~np.concatenate([[False], same[:-1]]))
    if not 2 <= len(starts) <= 4:
        return
    ends = [int(start + np.argmin(np.append(same[start:], False))) + 1 for start in starts]
    lines = []
    for start, end in zip(starts, ends, strict=True):
        slope = float((y[end] - y[start]) / (k[end] - k[start]))
        lines.append((slope, float(y[start] - slope * k[start])))
    if any(line[0] == other[0] for line, other in itertools.pairwise(lines)):
        return
    corners = [0.0, *((b - d) / (c - a) for (a, b), (c, d) in itertools.pairwise(lines)), k[-1]]
    at = [round(corner) for corner in corners]
    if any(abs(one - two) > 0.01 for one, two in zip(corners, at, strict=True)) or at != sorted(set(at)):
        return
    rates = [lines[0][1], *(slope * end + base for (slope, base), end in zip(lines, at[1:], strict=True))]
    if min(rates) < 0:
        return
    peak = float(f"{max(rates):.9e}")
    plain_rates = [float(f"{rate:.9e}") for rate in rates]
    yield Guess(
        curve=wellknown.table(at, plain_rates),
        family="piecewise-linear",
        parameters={"peak": peak, "warmup": at[int(np.argmax(rates))], "steps": at, "rates": plain_rates},
        open={"horizon": "the log ends on the last of the straight lines"},
        cost=4 + len(at),
    )


# --- drops ------------------------------------------------------------------------------------------------------------


def _drops(rows: Observed) -> Iterator[Guess]:
    """A warm-up, then a rate that stays but for a few drops."""
    k, y, slack = rows.step, rows.rate, rows.slack
    top = _risen(rows)
    later, rest, loose = k[top:], y[top:], slack[top:]
    changes = np.flatnonzero(np.abs(np.diff(rest)) > loose[1:] + loose[:-1]) + 1
    if not 1 <= len(changes) <= MOST_DROPS or 3 * len(changes) > len(rest):
        return
    levels = rest[np.concatenate([[0], changes])]
    if (levels <= 0).any() or (np.diff(levels) >= 0).any():
        return
    factors = levels[1:] / levels[:-1]
    rough = loose[changes] / levels[1:] + loose[changes - 1] / levels[:-1]
    factor = float(np.median(factors))
    for digits in range(1, 6):
        rounded = float(f"{factor:.{digits - 1}e}")
        if (np.abs(factors / rounded - 1) <= rough + 1e-9).all():
            factor = rounded
            break
    else:
        return
    gaps = [(int(later[at - 1]) + 1, int(later[at])) for at in changes]
    milestones = [_roundest(low, high) for low, high in gaps]
    wide = {f"milestones[{i}]": f"anywhere from {low} to {high}" for i, (low, high) in enumerate(gaps) if high > low}
    peak = plain(rest[: changes[0]], loose[: changes[0]], lambda rate: np.full(changes[0], rate))
    main = wellknown.multi_step(peak=peak, milestones=milestones, factor=factor)
    if not top:
        yield Guess(
            curve=main,
            family="multi-step",
            parameters={"peak": peak, "milestones": milestones, "factor": factor},
            open=wide,
        )
        return
    before = rows.rows(slice(0, top + int(changes[0])))
    if len(before) == top + 1:
        yield from _cut_short(rows, before, levels)
        return
    for found in _falls(before):
        if found.family == "constant":
            length = int(found.parameters["warmup"])
            curve = found.curve.then(main, at=max(length, 1), count_from="zero")
            yield Guess(
                curve=curve,
                family="multi-step",
                parameters={**found.parameters, "milestones": milestones, "factor": factor},
                open={**found.open, **wide},
            )


def _cut_short(rows: Observed, before: Observed, levels: Floats) -> Iterator[Guess]:
    """A warm-up that ends where the first drop comes: the peak is used for no step."""
    if len(before) < 3 or len(levels) != 2:
        return
    k, y = before.step, before.rate
    slope = (y[-1] - y[0]) / (k[-1] - k[0])
    low, high = int(k[-1]) + 1, int(rows.step[len(before)])
    ends = range(low, min(high, low + MOST_WARMUPS) + 1)
    length = min(ends, key=lambda end: (_digits(float(f"{y[-1] + slope * (end - k[-1]):.8e}")), end))
    peak = float(f"{y[-1] + slope * (length - k[-1]):.8e}")
    initial = float(f"{peak - slope * length:.6e}")
    later = rows.rows(slice(len(before), None))
    after = plain(later.rate, later.slack, lambda rate: np.full(len(later), rate))
    rise = wellknown.warmup(length, peak=peak, **({"initial": initial} if initial > 0 else {}))
    parameters = {"peak": peak, "warmup": length, "milestones": [length], "factor": float(f"{after / peak:.9e}")}
    curve = rise.then(wellknown.constant(after), at=length)
    yield Guess(curve=curve, family="multi-step", parameters=parameters, cost=4)


def _roundest(low: int, high: int) -> int:
    """The number from ``low`` to ``high`` that ends with the most zeros."""
    size = 1
    while -(-low // (size * 10)) * size * 10 <= high:
        size *= 10
    return -(-low // size) * size


# --- curves of their own ----------------------------------------------------------------------------------------------


def _others(rows: Observed, top: int, lengths: list[int]) -> Iterator[Guess]:
    """Inverse square roots and exponential decays."""
    after = rows.rows(slice(top + 1, None))
    if len(after) < 3 or (after.rate <= 0).any():
        return
    x, z = after.step.astype(np.float64), after.rate
    slope = (z[-1] ** -2 - z[0] ** -2) / (x[-1] - x[0])  # y = c / sqrt(k): y**-2 = k / c**2
    if slope > 0 and abs(z[0] ** -2 / slope - x[0]) < 1e-3 * x[0]:
        for w in lengths:
            if w:
                shape = np.sqrt(w / x)
                peak = plain_near(float(np.median(z / shape)), after, partial(np.multiply, shape))
                yield Guess(
                    curve=wellknown.inverse_sqrt(peak=peak, warmup=int(w)),
                    family="inverse-sqrt",
                    parameters={"peak": peak, "warmup": int(w)},
                    cost=3 + _digits(peak),
                )
    factor = math.exp((math.log(z[-1]) - math.log(z[0])) / (x[-1] - x[0]))
    if top == 0 and factor < 1:
        peak = float(z[0] / factor ** x[0])
        factor = plain_near(factor, after, lambda f: z[0] * f ** (x - x[0]))
        peak = plain_near(peak, after, lambda p: p * factor**x)
        if after.matches(peak * factor**x).all():
            yield Guess(
                curve=wellknown.step(peak=peak, every=1, factor=factor),
                family="exponential",
                parameters={"peak": peak, "factor": factor},
            )


# --- skipped steps ----------------------------------------------------------------------------------------------------


def _lags(observed: Observed, usual: Clock) -> Iterator[Fit]:
    """Schedules that fall behind the logged steps.

    At the end of the log the lag does not change any more: there the peak follows from each warm-up and each lag, and
    the one that is a round number is followed from row to row through the whole log.
    """
    if observed.horizon is None or len(observed) < 4:
        return
    tail = observed.rows(slice(-3, None))
    if _risen(observed) == len(observed) - 1:
        (k, last), (y, top) = tail.step[-2:], tail.rate[-2:]
        slope = float(f"{(top - y) / (last - k):.9e}")
        line = wellknown.warmup(observed.horizon, peak=slope * observed.horizon)
        followed = _followed(
            observed, Guess(curve=line, family="warmup", parameters={"slope": slope}, open=RISING), usual
        )
        yield from [followed] if followed is not None else []
        return
    lengths = np.arange(0, int(min(max(observed.step[_risen(observed)] + 1, 1), 20_000)))
    found = []
    for late in range(MOST_SKIPPED):
        k = replace(usual, late=usual.late + late).count(tail.step)
        for decay in ("linear", "cosine"):
            left = DECAYS[decay](
                np.clip((k[None, :] - lengths[:, None]) / np.maximum(observed.horizon - lengths[:, None], 1), 0, 1), 1.0
            )
            with np.errstate(all="ignore"):
                peaks = tail.rate / left
                same = (np.ptp(peaks, axis=1) <= 1e-8 * peaks[:, 0]) & np.isfinite(peaks).all(1)
            for at in np.flatnonzero(same):
                rounded = float(f"{peaks[at, 0]:.2e}")
                if abs(peaks[at, 0] / rounded - 1) < 1e-8:
                    length = int(lengths[at])
                    form = Form(decay=decay, horizon=observed.horizon, warmup=length, origin=length)
                    found.append((_digits(rounded) + (length > 0), late, _guess_of(form, rounded, 0.0, 0.0)))
    for *_, guess in sorted(found, key=lambda one: one[:2])[:20]:
        followed = _followed(observed, guess, usual)
        if followed is not None:
            yield followed


MOST_SKIPPED = 40


def _followed(observed: Observed, guess: Guess, usual: Clock) -> Fit | None:
    """The curve with a lag that grows where the rows need it; None when no lag explains a row."""
    rates = guess.curve(np.arange(int(usual.count(observed.step).max()) + 1))
    lag, skipped = 0, []
    for step, k, rate, slack in zip(
        observed.step, usual.count(observed.step), observed.rate, observed.slack, strict=True
    ):
        while abs(rates[max(k - lag, 0)] - rate) > slack:
            lag += 1
            skipped.append(int(step))
            if lag > MOST_SKIPPED:
                return None
    return _judged(observed, guess, replace(usual, skipped=tuple(skipped)), min(1 + len(set(skipped)), 4))


# --- a plan and its clock ---------------------------------------------------------------------------------------------


def clock_of(curve: Schedule, observed: Observed, clocks: Sequence[Clock]) -> Fit | None:
    """The clock by which a planned curve explains every rate, the simplest one; None when none does."""
    usual = clocks[0]
    lates = [replace(usual, late=usual.late + by) for by in (1, -1)]
    factors = range(2, 65)
    others = [replace(usual, times=n) for n in factors] + [replace(usual, each=n) for n in factors]
    planned = Guess(curve=curve, family="", parameters={})
    for clock in dict.fromkeys([*clocks, *lates]):
        found = _judged(observed, planned, clock)
        if found.complete:
            return found
    followed = _followed(observed, planned, usual)
    if followed is not None:
        return followed
    for clock in others:
        found = _judged(observed, planned, clock)
        if found.complete:
            return found
    return None


def pieces(observed: Observed, clocks: Sequence[Clock] = (Clock(),), most: int = 6) -> list[tuple[int, Fit]]:
    """Fits of stretches of rows, each with the row it begins at, where no one schedule explains them all."""
    whole = fit(observed, clocks)
    if (whole is not None and whole.complete) or most == 1 or len(observed) < 8:
        return [] if whole is None else [(0, whole)]
    low, high = 0, len(observed)  # the longest beginning that one schedule explains
    best = None
    while high - low > 1:
        middle = (low + high) // 2
        found = fit(observed.rows(slice(0, middle)), clocks)
        if found is not None and found.complete and found.cost <= SIMPLE:
            low, best = middle, found
        else:
            high = middle
    if best is None or low < 4:
        return [] if whole is None else [(0, whole)]
    rest = pieces(observed.rows(slice(low, None)), clocks, most - 1)
    return [(0, best), *((low + row, found) for row, found in rest)]
