"""Warm-ups and smooth decays: of all times that the rows allow, the few that explain a sample are solved."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lrsched.fitting.forms import Form, Guess
from lrsched.fitting.layouts import MOST_TIMES, SHARES, Times, layouts, warmups
from lrsched.fitting.observed import Observed
from lrsched.fitting.shape import Shape, rises_as
from lrsched.fitting.simplicity import digits, roundness, short_decimal, simplest
from lrsched.fitting.solving import sampled, slopes, solved
from lrsched.schedule import Floats, Schedule
from lrsched.schedules import wellknown

__all__ = ["RISING", "rising", "smooth"]

SAMPLE = 40
"""So many rows are looked at before all of them are."""

MOST_SOLVED = 300
"""So many times are solved with care for rates that are rounded."""

NOTHING = 1e-4
"""A rate that is a smaller share of the peak may be 0."""

FAR_OFF = 60.0
"""A curve that misses a rounded rate by so many roundings is not looked for in the neighbourhood."""

PLAIN = 5
"""After an explanation that costs no more, unusual ways to rise are not looked for."""

MOST_ROWS = 1000
"""So many rows choose between numbers that are nearly equal; all rows prove the choice."""

UNKNOWNS = ((0,), (0, 1), (0, 2), (0, 1, 2))
"""Which of peak, final and initial rate are not 0, the fewest first."""


def smooth(rows: Observed) -> Iterator[Guess]:
    """Warm-ups and smooth decays."""
    shape = Shape(rows=rows)
    if shape.top == len(rows) - 1:
        yield from rising(rows)
        return
    sample = rows.rows(sampled(len(rows), SAMPLE, 0, shape.top, shape.flat, shape.flat + len(shape.falling)))
    explained = False
    for form, times in layouts(shape):
        if explained and form.rise not in ("linear", "from one"):
            return  # other rises are only looked for where the usual ones explain nothing
        own = [one for one in times if rows.horizon is None or abs(one[2] - rows.horizon) <= 1]
        others = [one for one in times if abs(one[2] - (rows.horizon or 0)) > 1] if len(own) < len(times) else []
        for some in (own, others):
            for guess in _guesses(shape, sample, form, some):
                explained = explained or (guess.cost <= PLAIN and bool(rows.matches(guess.curve(rows.step)).all()))
                yield guess


def _guesses(shape: Shape, sample: Observed, form: Form, times: list[Times]) -> Iterator[Guess]:
    """The form with the times that explain the sample, and its rates."""
    rows = shape.rows
    times = list(dict.fromkeys(one for one in times if min(one) >= 0))
    most = MOST_TIMES if rows.exact else MOST_TIMES // 2
    if len(times) > most:  # the roundest ones, and some of all
        times = list(dict.fromkeys([*_roundest(times)[: most // 3], *(times[at] for at in sampled(len(times), most))]))
    if not times:
        return
    few_rows, near_by = sample.rows(sampled(len(sample), 10)), list[Times]()
    for some in (few_rows, sample, sample):  # what does not fit with all three rates free is out
        limit = 1.0 + 1e-6 if rows.exact else FAR_OFF
        errors = solved(form.columns(some.step, times), some, 1)[1]
        kept = np.argsort(np.maximum(errors, 1.05), kind="stable")[: (errors <= limit).sum()]
        if not len(kept):
            return
        kept_times = [times[at] for at in kept]
        if rows.exact or some is few_rows:
            times = kept_times
            continue
        near_by = near_by or [one for one, at in zip(kept_times, kept, strict=True) if errors[at] <= 1.05]
        times = _likeliest([one for one, at in zip(kept_times, kept, strict=True) if errors[at] <= 2.5])
        if errors[kept[0]] > 1.0:
            times = list(dict.fromkeys([*times, *_refined(form, kept_times, sample)]))
    if not times:
        return
    if not rows.exact:
        sample = rows.rows(sampled(len(rows), MOST_SOLVED, shape.top, shape.flat))
    columns = form.columns(sample.step, times)
    for unknown in UNKNOWNS:
        if not columns[:, :, list(unknown)].any((0, 1)).all():
            continue
        rates, errors = solved(columns[:, :, list(unknown)], sample, 10)
        fits = [at for at in np.argsort(errors, kind="stable") if errors[at] <= 1.15 and _sensible(rates[at], unknown)]
        near_by += [times[at] for at in fits]
        fits = [at for at in fits if errors[at] <= 1.03] or fits
        if fits:
            found = np.zeros((len(times), 3))
            found[:, list(unknown)] = np.maximum(rates, 0)
            guess = _simplest_of(shape, form, [(times[at], found[at], errors[at]) for at in fits], near_by)
            yield guess
            if rows.exact:
                return


def _likeliest(times: list[Times]) -> list[Times]:
    """The first times, the roundest ones, and some of the others."""
    third = MOST_SOLVED // 3
    return list(
        dict.fromkeys([*times[:third], *_roundest(times)[:third], *(times[at] for at in sampled(len(times), third))])
    )


def _roundest(times: list[Times]) -> list[Times]:
    return sorted(times, key=lambda one: -roundness(one[0]) - roundness(one[2]))


def _refined(form: Form, times: list[Times], sample: Observed) -> list[Times]:
    """The times near these, nearest first, that explain more, with the decay at the same place after the warm-up."""
    step = max(round((max(one[2] for one in times) - min(one[2] for one in times)) / 30), 9)
    best = times[:8]
    while True:
        tried = dict.fromkeys(best)
        for w, o, h in best:
            for more, later, longer in itertools.product((0, step, -step), repeat=3):
                begin = o + more if o - w in (0, 1) else o + later if o else 0
                if w + more >= 0 and begin < h + longer and (longer == 0 or h != sample.horizon):
                    tried[w + more, begin, h + longer] = None
        rates, errors = solved(form.columns(sample.step, list(tried)), sample, 2)
        errors[rates[:, 1] < -NOTHING * rates[:, 0]] += FAR_OFF  # no final rate lies below 0
        order = [list(tried)[at] for at in np.argsort(errors, kind="stable")]
        if step == 1:
            return order[: MOST_SOLVED // 2]
        best, step = order[:8], max(step // 3, 1)


def _sensible(rates: Floats, unknown: tuple[int, ...]) -> bool:
    """Whether no rate lies below 0, and the warm-up begins below the peak."""
    return bool((rates >= -1e-15).all()) and not (2 in unknown and rates[-1] > 0.999 * rates[0])


def _simplest_of(shape: Shape, form: Form, fits: list[tuple[Times, Floats, float]], others: list[Times]) -> Guess:
    """Of times that fit equally those with the simplest numbers; how far they, and ``others``, vary is open."""
    rows = shape.rows

    blur = 2 * float(rows.slack.max() / rows.rate.max())

    def rough(fit: tuple[Times, Floats, float]) -> float:
        peak = float(fit[1][0])
        return abs(peak / float(f"{peak:.1e}") - 1) if peak else 1.0

    def zeros(fit: tuple[Times, Floats, float]) -> int:
        return -roundness(fit[0][0]) - roundness(fit[0][2])

    short = rows.rows(sampled(len(rows), MOST_ROWS, int(np.argmax(rows.rate))))
    chosen = [*fits[:4], *sorted(fits, key=rough)[:6], *sorted(fits, key=zeros)[:8]]
    chosen += sorted(fits, key=lambda fit: (rough(fit) > blur, zeros(fit)))[:8]
    left = {}
    if shape.top == 1 and fits[0][1][2]:
        left["initial"] = "one row of the warm-up is seen, which leaves open how it rises"
    for name, which in (("warmup", 0), ("horizon", 2)):
        values = [times[which] for times in (*(fit[0] for fit in fits), *others)]
        if which == 0 == min(values) < max(values):
            values.append(max(*values, int(rows.step[0])))  # before the first row anything may have been
        if min(values) < max(values) and (which == 0 or form.decay not in ("constant", "inverse-sqrt", "exponential")):
            left[name] = f"from {min(values)} to {max(values)} steps fit as well"
    if form.decay in ("linear", "cosine", "root") and fits[0][0][1] > fits[0][0][0] + 1:
        lengths = warmups(shape, form, [(w, w, w) for w in shape.lengths])[1] or [fits[0][0][0]]
        if min(lengths) < max(lengths):
            left["warmup"] = f"from {min(lengths)} to {max(lengths)} steps fit as well"
    if form.cycles > 1 and rows.horizon is None and not shape.over:
        left["cycles"] = f"at least {form.cycles}: the log ends before the next one would begin"
    goes_on = form.decay in ("linear", "root") and not shape.ends and rows.horizon is None
    guesses = []
    for times, rates, _ in {fit[0]: fit for fit in chosen}.values():
        whole = form.at(times)
        columns = whole.columns(short.step)
        plain, loose = _plain_rates(short, columns, rates)
        peak, final, initial = map(float, plain)
        if goes_on:
            zero = "where the rate would be 0; the log ends before, and the final rate may be another one"
            loose = {"horizon": "the log ends with the decay, which may go on" if final else zero}
        guess = whole.guess(peak, final, initial, left | loose)
        odd = abs(times[2] - (rows.horizon or times[2]))
        matched = int(short.matches(guess.curve(short.step)).sum())
        guesses.append((-matched, guess.cost, odd, -roundness(times[0]), guess))
    return min(guesses, key=lambda one: one[:4])[-1]


def _plain_rates(rows: Observed, columns: Floats, rates: Floats) -> tuple[Floats, dict[str, str]]:
    """The rates with the fewest digits that explain most rows, and what is open of the final rate."""
    found = []
    for places in (0, 1, 2, 3, 15):
        plain = rates * (float(f"{rates[0]:.{places}e}") / rates[0])
        plain[0] = float(f"{rates[0]:.{places}e}")
        if abs(plain[0] / rates[0] - 1) > 2e-3:
            continue
        if places == 15:
            plain[0] = _plainest(rows, columns @ (plain / plain[0]), np.zeros(len(rows)), 0.0, plain[0])[0]
        low = high = plain[1]
        for which, usual in ((2, SHARES), (1, ()), (2, SHARES)):
            if rates[which]:
                rest = np.delete(columns, which, 1) @ np.delete(plain, which)
                plain[which], *band = _plainest(rows, columns[:, which], rest, plain[0], plain[which], usual)
                low, high = band if which == 1 else (low, high)
        share = columns[:, 1].max()
        if not rates[1] and 0 < share < 0.99 and not rows.exact:  # the decay is not over
            low, high = 0.0, _plainest(rows, columns[:, 1], columns @ plain, plain[0], 0.0)[2]
            high = high if high > 1e-4 * plain[0] else 0.0
        open_ = {"final": f"from {low:.3g} to {high:.3g} fit as well"} if low < 0.99 * high else {}
        found.append((int(rows.matches(columns @ plain).sum()), plain, open_))
        if found[-1][0] == len(rows):
            break
    return max(found, key=lambda one: one[0])[1:]


def _plainest(
    rows: Observed, column: Floats, rest: Floats, peak: float, rate: float, usual: Sequence[float] = ()
) -> tuple[float, float, float]:
    """The plainest rate, or share of the peak, with which all rows are explained, and the lowest and highest."""
    shown = column > 1e-12
    low = float(((rows.rate - rows.slack - rest)[shown] / column[shown]).max(initial=0.0))
    high = float(((rows.rate + rows.slack - rest)[shown] / column[shown]).min(initial=np.inf))
    if low > high:
        return rate, rate, rate
    plain = [share * peak for share in usual if low <= share * peak <= high]
    if not plain:
        plain = [short_decimal(low, high)]
        if peak and low > 0:
            plain += [short_decimal(low / peak, high / peak) * peak, peak / short_decimal(peak / high, peak / low)]
        plain = [one for one in plain if low <= one <= high] or [rate]
        plain.sort(key=lambda r: (min(digits(r), digits(r / peak)) if peak else digits(r), len(repr(r))))
    return plain[0], low, high


RISING = {"peak": "the log ends within the warm-up, which shows only its slope"}


def rising(rows: Observed) -> Iterator[Guess]:
    """Rates that only rise: the peak is not reached, and only how they rise is known."""
    k = rows.step.astype(np.float64)
    if len(k) < 3 or k[-1] == k[0]:
        return
    from_nothing = (("linear", k, 0), ("linear", k + 1, 1), ("quadratic", k * k, 0), ("logarithmic", np.log1p(k), 0))
    for form, way, ahead in from_nothing:
        bounds = slopes(way, rows.low, rows.high)
        if bounds is not None and bounds[0] > 0:
            slope = short_decimal(*bounds)
            yield _risen(rows, form, slope, slope * ahead)
            return
    for form in ("linear", "quadratic", "logarithmic"):
        (initial, slope), error = rises_as(form, rows)
        if error <= 1.02 and slope > 0 and initial > -1e-9 * rows.rate[-1]:
            yield _risen(rows, form, float(slope), max(float(initial), 0.0))
            return


def _risen(rows: Observed, form: str, slope: float, initial: float) -> Guess:
    length = max(rows.horizon or 0, int(rows.step[-1]), 1)
    way = {"linear": length, "quadratic": length**2, "logarithmic": math.log(max(length, 2))}[form]
    kind: Any = form

    def curve(tilt: float, begin: float) -> Schedule:
        return wellknown.warmup(length, peak=begin + tilt * way, initial=begin, form=kind)

    slope = simplest(slope, lambda tilt: int(rows.matches(curve(tilt, initial)(rows.step)).sum()))
    if initial:
        initial = simplest(initial, lambda begin: int(rows.matches(curve(slope, begin)(rows.step)).sum()), 0.2)
    parameters: dict[str, Any] = {"slope": slope} | ({"initial": initial} if initial else {})
    parameters |= {} if form == "linear" else {"rise": form}
    return Guess(curve=curve(slope, initial), family="warmup", parameters=parameters, open=RISING)
