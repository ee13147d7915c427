"""A plan and its clock, and logs of several runs: where a schedule goes on elsewhere, and what each stretch shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from lrsched.fitting.clocks import Clock
from lrsched.fitting.explanations import FORMS, Fit, Forms, fit, judged
from lrsched.fitting.forms import Guess
from lrsched.fitting.observed import Observed, sampled
from lrsched.fitting.unusual import MOST_FACTOR, followed
from lrsched.schedule import Schedule

__all__ = ["beginning", "clock_of", "pieces", "shifts"]

MOST_STEPS = 2_000_000  # a schedule that is early or late is looked for up to here
MOST_SHIFTS = 1000  # so many ways to be early or late are compared with all rates
FEW_SKIPPED = 3  # where more steps were skipped, it may be another clock
FURTHER = 6  # a beginning that was made longer so often is made longer by half


def clock_of(curve: Schedule, observed: Observed, clocks: Sequence[Clock]) -> Fit | None:
    """The clock by which a planned curve explains every rate, the simplest one; None when none does."""
    usual = clocks[0]
    planned = Guess(curve=curve, family="", parameters={})

    def first(tried: Sequence[Clock]) -> Fit | None:
        found = (judged(observed, planned, clock) for clock in dict.fromkeys(tried))
        return next((one for one in found if one.complete), None)

    factors = range(2, MOST_FACTOR + 1)
    simple = first([*clocks, *(replace(usual, late=usual.late + by) for by in (1, -1))])
    lagged = None if simple else followed(observed, planned, usual)
    others = [replace(usual, times=n) for n in factors] + [replace(usual, each=n) for n in factors]
    if lagged is not None:
        others.insert(0 if len(lagged.skipped) <= FEW_SKIPPED else len(others), lagged)
    shifted = (judged(observed, planned, clock) for clock in shifts(curve, observed, usual))
    return simple or first(others) or next(shifted, None)


def shifts(curve: Schedule, observed: Observed, usual: Clock) -> Iterator[Clock]:
    """Clocks that are early or late and explain every rate, the least so first.

    Of pairs of rows the one is looked for on the curve that stands at the fewest steps.
    """
    k = observed.step
    rates = curve(usual.count(np.arange(min(max(2 * int(k.max()), curve.horizon or 0) + 1000, MOST_STEPS))))
    low, high, on = observed.low, observed.high, np.flatnonzero(np.diff(k) > 0)
    changes = on[observed.rate[on + 1] != observed.rate[on]]
    places = []
    for row in {*on[sampled(len(on), 9)].tolist(), *changes[:1].tolist()} if changes.size else ():
        apart = int(k[row + 1] - k[row])
        one, two = rates[: max(len(rates) - apart, 0)], rates[apart:]
        here = (low[row] <= one) & (one <= high[row]) & (low[row + 1] <= two) & (two <= high[row + 1])
        places.append(np.flatnonzero(here) - k[row])
    ahead = min((found for found in places if len(found)), key=len, default=k[:0])
    for by in ahead[np.argsort(np.abs(ahead), kind="stable")][:MOST_SHIFTS].tolist():
        clock = replace(usual, late=usual.late - by)
        if observed.matches(curve(clock.count(observed.step))).all():
            yield clock


def beginning(observed: Observed, clocks: Sequence[Clock] = (Clock(),), forms: Forms = FORMS) -> tuple[int, Fit | None]:
    """How many rows from the first on one simple schedule explains, and that schedule."""
    forms = replace(forms, strict=True)  # by another clock the whole log goes, or none of it

    def simple(length: int) -> Fit | None:
        found = fit(observed.rows(slice(0, length)), clocks, forms)
        fits = found is not None and found.complete and found.cost <= min(forms.simple, length // 2)
        return found if fits else None

    low, high = forms.shortest - 1, len(observed)
    best, further = None, 0
    while high - low > 1:
        # what explains no further row is rarely followed by what explains many more
        middle = low + 1 if 0 < further <= FURTHER else (low + high) // 2
        found = simple(middle)
        if found is not None:
            low = int(np.argmin(np.append(observed.matches(found.schedule(observed.step)), False)))
            best, further = replace(found, matched=low, total=low), further + 1
        elif middle > low + 1 and best is None:
            high = middle
        elif observed.exact or further > FURTHER + 2:
            break
        else:  # rounded rates may hide an explanation of a few rows more: it is looked for a few times
            high = middle if middle > low + 1 else high
            further = max(further, FURTHER) + 1
    return low, best and (simple(low) or best)  # what is open, by all of these rows


def pieces(
    observed: Observed, clocks: Sequence[Clock] = (Clock(),), most: int = 6, forms: Forms = FORMS
) -> list[tuple[int, Fit]]:
    """Fits of stretches of rows, each with the row it begins at, where no one schedule explains them all."""
    whole = fit(observed, clocks, forms)
    if (whole is not None and whole.complete) or most == 1 or len(observed) < 2 * forms.shortest:
        return [] if whole is None else [(0, whole)]
    length, best = beginning(observed, clocks, forms)
    if best is None:
        return [] if whole is None else [(0, whole)]
    after = observed.rows(slice(length, None))
    again = (judged(after, best, clock) for clock in shifts(best.curve, after, clocks[0]))
    resumed = next(again, None) if best.family != "constant" and len(after) >= forms.shortest else None
    rest = [(0, resumed)] if resumed is not None else pieces(after, clocks, most - 1, forms)
    return [(0, best), *((length + row, found) for row, found in rest)]
