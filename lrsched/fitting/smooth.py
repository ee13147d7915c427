"""Warm-ups and smooth decays: of all times that the rows allow, the few that explain a sample are solved."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from lrsched.fitting.forms import Form, Guess
from lrsched.fitting.layouts import MOST_TIMES, Times, layouts, thinned
from lrsched.fitting.observed import Observed
from lrsched.fitting.plain import plainest_of
from lrsched.fitting.rising import rising
from lrsched.fitting.shape import Shape
from lrsched.fitting.simplicity import roundness
from lrsched.fitting.solving import sampled, solved
from lrsched.schedule import Floats

__all__ = ["smooth"]

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
        near = [rows.horizon is None or abs(one[2] - rows.horizon) <= 1 for one in times]
        for is_near in (True, False):  # the trainer's own horizon first
            some = [one for one, close in zip(times, near, strict=True) if close == is_near]
            for guess in _guesses(shape, sample, form, some):
                explained = explained or (guess.cost <= PLAIN and bool(rows.matches(guess.curve(rows.step)).all()))
                yield guess


def _guesses(shape: Shape, sample: Observed, form: Form, times: list[Times]) -> Iterator[Guess]:
    """The form with the times that explain the sample, and its rates."""
    rows = shape.rows
    possible = list(dict.fromkeys(one for one in times if min(one) >= 0))
    times = thinned(possible, MOST_TIMES if rows.exact else MOST_TIMES // 2, zeros=_zeros)
    near_by: list[Times] = []
    times, _ = _kept(form, times, sample.rows(sampled(len(sample), 10)))
    times, errors = _kept(form, times, sample)
    if not times:
        return
    if not rows.exact:
        near_by = [one for one, error in zip(times, errors, strict=True) if error <= 1.05]
        likely = [one for one, error in zip(times, errors, strict=True) if error <= 2.5]
        likely = thinned(likely, MOST_SOLVED, first=MOST_SOLVED // 3, zeros=_zeros)
        times = likely if errors[0] <= 1 else list(dict.fromkeys([*likely, *_refined(form, times, sample)]))
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
            yield plainest_of(shape, form, [(times[at], found[at]) for at in fits], near_by)
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
