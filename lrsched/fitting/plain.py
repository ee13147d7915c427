"""Of times and rates that explain the rows alike the plainest, and how far the others lie: that is what is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from lrsched.fitting.forms import ENDLESS, Form, Guess
from lrsched.fitting.layouts import SHARES, Times
from lrsched.fitting.observed import Observed
from lrsched.fitting.shape import Shape
from lrsched.fitting.simplicity import digits, roundness, short_decimal
from lrsched.fitting.solving import sampled
from lrsched.schedule import Floats

__all__ = ["plainest_of"]

MOST_ROWS = 1000
"""So many rows choose between numbers that are nearly equal; all rows prove the choice."""

Fitted: TypeAlias = tuple[Times, Floats]
"""Times of a form, and the peak, the final and the initial rate that belong to them."""


def plainest_of(shape: Shape, form: Form, fits: Sequence[Fitted], others: Sequence[Times]) -> Guess:
    """Of times that fit equally those with the simplest numbers; how far they, and ``others``, vary is open."""
    rows = shape.rows
    blur = 2 * float(rows.slack.max() / rows.rate.max())

    def rough(fit: Fitted) -> float:
        peak = float(fit[1][0])
        return abs(peak / float(f"{peak:.1e}") - 1) if peak else 1.0

    def zeros(fit: Fitted) -> int:
        return -roundness(fit[0][0]) - roundness(fit[0][2])

    short = rows.rows(sampled(len(rows), MOST_ROWS, int(np.argmax(rows.rate))))
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
            zero = "where the rate would be 0; the log ends before, and the final rate may be another one"
            loose = {"horizon": "the log ends with the decay, which may go on" if final else zero}
        guess = whole.guess(peak, final, initial, left | loose)
        odd = abs(times[2] - (rows.horizon or times[2]))
        matched = int(short.matches(guess.curve(short.step)).sum())
        guesses.append((-matched, guess.cost, odd, -roundness(times[0]), guess))
    return min(guesses, key=lambda one: one[:4])[-1]


def _open(shape: Shape, form: Form, fits: Sequence[Fitted], others: Sequence[Times]) -> dict[str, str]:
    """Which times of a form are open, as other times explain the rows as well."""
    rows, left = shape.rows, dict[str, str]()
    if shape.top == 1 and fits[0][1][2]:
        left["initial"] = "one row of the warm-up is seen, which leaves open how it rises"
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
    low = float(((rows.rate - rows.slack - rest)[shown] / column[shown]).max(initial=0.0))
    high = float(((rows.rate + rows.slack - rest)[shown] / column[shown]).min(initial=np.inf))
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
