"""Warm-ups and smooth decays: of all times that the rows allow, the few that explain a sample are solved.

Of those that explain the rows alike the plainest is taken; how far the others lie is what is open.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from lrsched.fitting.forms import ENDLESS, Form, Guess
from lrsched.fitting.layouts import MOST_TIMES, SHARES, Times, layouts, thinned
from lrsched.fitting.lines import rising
from lrsched.fitting.observed import Observed
from lrsched.fitting.shape import Shape
from lrsched.fitting.simplicity import digits, roundness, short_decimal
from lrsched.fitting.solving import solved
from lrsched.schedule import Floats

__all__ = ["smooth"]

SAMPLE = 40  # so many rows are looked at before all of them are
MOST_SOLVED = 300  # so many times are solved with care for rates that are rounded
NOTHING = 1e-4  # a rate that is a smaller share of the peak may be 0
FAR_OFF = 60.0  # a curve that misses a rounded rate by so many roundings is not looked for in the neighbourhood
PLAIN = 5  # after an explanation that costs no more, unusual ways to rise are not looked for
MOST_ROWS = 1000  # so many rows choose between numbers that are nearly equal; all rows prove the choice
UNKNOWNS = ((0,), (0, 1), (0, 2), (0, 1, 2))  # which of peak, final and initial rate are not 0, the fewest first

Fitted: TypeAlias = tuple[Times, Floats]
"""Times of a form, and the peak, the final and the initial rate that belong to them."""


def smooth(rows: Observed) -> Iterator[Guess]:
    """Warm-ups and smooth decays."""
    shape = Shape(rows=rows)
    if shape.top == len(rows) - 1:
        yield from rising(rows)
        return
    sample = rows.sample(SAMPLE, 0, shape.top, shape.flat, shape.flat + len(shape.falling))
    explained = False
    for form, times in layouts(shape):
        if explained and form.rise not in ("linear", "from one"):
            return  # other rises are only looked for where the usual ones explain nothing
        near = {one: rows.horizon is None or abs(one[2] - rows.horizon) <= 1 for one in times}
        for first in (True, False):  # the trainer's own horizon first
            some = [one for one in times if near[one] is first]
            for guess in _guesses(shape, sample, form, some):
                explained = explained or (guess.cost <= PLAIN and bool(rows.matches(guess.curve(rows.step)).all()))
                yield guess


def _guesses(shape: Shape, sample: Observed, form: Form, times: list[Times]) -> Iterator[Guess]:
    """The form with the times that explain the sample, and its rates."""
    rows = shape.rows
    possible = list(dict.fromkeys(one for one in times if min(one) >= 0))
    times = thinned(possible, MOST_TIMES if rows.exact else MOST_TIMES // 2, zeros=_zeros)
    near_by: list[Times] = []
    times, _ = _kept(form, times, sample.sample(10))
    times, errors = _kept(form, times, sample)
    if not times:
        return
    if not rows.exact:
        near_by = [one for one, error in zip(times, errors, strict=True) if error <= 1.05]
        likely = [one for one, error in zip(times, errors, strict=True) if error <= 2.5]
        likely = thinned(likely, MOST_SOLVED, first=MOST_SOLVED // 3, zeros=_zeros)
        times = likely if errors[0] <= 1 else list(dict.fromkeys([*likely, *_refined(form, times, sample)]))
        sample = rows.sample(MOST_SOLVED, shape.top, shape.flat)
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
            yield _plainest_of(shape, form, [(times[at], found[at]) for at in fits], near_by)
            if rows.exact:
                return


def _kept(form: Form, times: list[Times], rows: Observed) -> tuple[list[Times], Floats]:
    """The times with which the form may explain the rows, all three rates being free, and how far off they are."""
    errors = solved(form.columns(rows.step, times), rows, 1)[1] if times else np.empty(0)
    limit = 1.0 + 1e-6 if rows.exact else FAR_OFF
    kept = np.argsort(np.maximum(errors, 1.05), kind="stable")[: (errors <= limit).sum()]
    return [times[at] for at in kept], errors[kept]


def _zeros(times: Times) -> int:
    return roundness(times[0]) + roundness(times[2])


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


def _plainest_of(shape: Shape, form: Form, fits: Sequence[Fitted], others: Sequence[Times]) -> Guess:
    """Of times that fit equally those with the simplest numbers; how far they, and ``others``, vary is open."""
    rows = shape.rows
    blur = 2 * float(rows.slack.max() / rows.rate.max())

    def rough(fit: Fitted) -> float:
        peak = float(fit[1][0])
        return abs(peak / float(f"{peak:.1e}") - 1) if peak else 1.0

    def zeros(fit: Fitted) -> int:
        return -_zeros(fit[0])

    short = rows.sample(MOST_ROWS, int(np.argmax(rows.rate)))
    orders = (rough, zeros, lambda fit: (rough(fit) > blur, zeros(fit)))
    chosen = dict([*fits[:4], *(fit for order in orders for fit in sorted(fits, key=order)[:8])])
    left = _open(shape, form, fits, others)
    goes_on = form.decay in ("linear", "root") and not shape.ends and rows.horizon is None
    guesses = []
    for times, rates in chosen.items():
        whole = form.at(times)
        columns = whole.columns(short.step)
        plain, loose = _plain_rates(short, columns, rates)
        peak, final, initial = map(float, plain)
        if goes_on:
            zero = "where the rate would reach 0; the log ends before that, so the final rate may be another one"
            loose = {"horizon": "the log ends during the decay, which may go on" if final else zero}
        guess = whole.guess(peak, final, initial, left | loose)
        odd = abs(times[2] - (rows.horizon or times[2]))
        matched = int(short.matches(guess.curve(short.step)).sum())
        guesses.append((-matched, guess.cost, odd, -roundness(times[0]), guess))
    return min(guesses, key=lambda one: one[:4])[-1]


def _open(shape: Shape, form: Form, fits: Sequence[Fitted], others: Sequence[Times]) -> dict[str, str]:
    """Which times of a form are open, as other times explain the rows as well."""
    rows, left = shape.rows, dict[str, str]()
    if shape.top == 1 and fits[0][1][2]:
        left["initial"] = "only one row of the warm-up was logged, so how it rises is open"
    for name, which in (("warmup", 0), ("horizon", 2)):
        values = [times[which] for times in (*(fit[0] for fit in fits), *others)]
        if which == 0 == min(values) < max(values):
            values.append(max(*values, int(rows.step[0])))  # before the first row anything may have been
        if min(values) < max(values) and (which == 0 or form.decay not in ENDLESS):
            left[name] = f"from {min(values)} to {max(values)} steps fit as well"
    if form.cycles > 1 and rows.horizon is None and not shape.over:
        left["cycles"] = f"at least {form.cycles}: the log ends before the next one would begin"
    return left


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
    low = float(((rows.low - rest)[shown] / column[shown]).max(initial=0.0))
    high = float(((rows.high - rest)[shown] / column[shown]).min(initial=np.inf))
    if low > high:
        return rate, rate, rate
    shares = (float(f"{share * peak:.15g}") for share in usual)
    plain = [one for one in shares if low <= one <= high]
    if not plain:
        plain = [short_decimal(low, high)]
        if peak and low > 0:
            plain += [short_decimal(low / peak, high / peak) * peak, peak / short_decimal(peak / high, peak / low)]
        plain = [one for one in plain if low <= one <= high] or [rate]
        plain.sort(key=lambda r: (min(digits(r), digits(r / peak)) if peak else digits(r), len(repr(r))))
    return plain[0], low, high
