"""Clocks that no trainer uses on purpose, where the usual ones explain nothing simple: the likeliest first.

Late or early by a step, faster, slower, in stairs; or falling behind: an overflow skips a step of the schedule, which
is never made up for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, product

import numpy as np

from lrsched.fitting.clocks import Clock
from lrsched.fitting.forms import Form, Guess
from lrsched.fitting.layouts import DECAYS, MOST_CYCLES, RISES, SHARES, Times, thinned
from lrsched.fitting.lines import rising
from lrsched.fitting.observed import Observed
from lrsched.fitting.shape import Shape
from lrsched.fitting.simplicity import digits, roundness
from lrsched.fitting.solving import solved
from lrsched.schedule import Floats

__all__ = ["MOST_FACTOR", "by_a_step", "by_factor", "by_stairs", "followed", "lagging"]

MOST_FACTOR = 64  # no clock is so many times faster or slower than the steps of the log
MOST_SKIPPED = 40  # a schedule that falls further behind is another one
MOST_STARTS = 80  # so many places of a bend are tried with each lag
MOST_GUESSES = 300  # so many curves are made of the end of a log


def by_a_step(clocks: Sequence[Clock]) -> Iterator[Clock]:
    """Clocks that are one step later or earlier."""
    lates = dict.fromkeys([1, 0, -1, *(clock.late + by for clock in clocks for by in (1, -1))])
    yield from (replace(clocks[0], late=late) for late in lates if all(clock.late != late for clock in clocks))


def by_factor(observed: Observed, usual: Clock) -> Iterator[Clock]:
    """Clocks so many times as fast, or slow, that the rates lead to the trainer's own horizon."""
    rows = replace(observed, step=usual.count(observed.step))
    shape, horizon = Shape(rows=rows), observed.horizon or 0
    if not horizon or len(shape.falling) < 4:
        return
    powers = (shape.zero(power, False) for power in (1.0, 2.0, 0.5, 3.0))
    ends = [band.best for band in (shape.half_wave[1], *powers)]
    fast = [round(horizon / end) for end in ends if end > 0]
    slow = [round(end / horizon) for end in ends] + [round(float(rows.step[-1]) / horizon)]
    yield from (replace(usual, times=n) for n in dict.fromkeys(fast) if 1 < n <= MOST_FACTOR)
    yield from (replace(usual, each=n) for n in dict.fromkeys(slow) if 1 < n <= MOST_FACTOR)


def by_stairs(observed: Observed, usual: Clock) -> Iterator[Clock]:
    """Clocks that advance whenever the rate does, where it changes after every so many steps."""
    k, changes = observed.step, observed.changes
    if not 2 <= len(changes) <= len(k) // 2:
        return
    low, high = k[changes], k[changes + 1]  # each change lies above low, up to high
    gaps = np.arange(1, len(changes))
    shortest, longest = float(((low[1:] - high[0]) / gaps).max()), float(((high[1:] - low[0]) / gaps).min())
    first = max(math.ceil(shortest), 2)
    for late in (0, 1):
        found = [
            each
            for each in range(first, min(math.floor(longest), first + 5000) + 1)
            if ((high - late) // each == (low - late) // each + 1).all()
        ]
        if found:
            yield from (replace(usual, late=late, each=each) for each in (max(found, key=roundness), *found[:2]))


def followed(observed: Observed, guess: Guess, usual: Clock) -> Clock | None:
    """The clock with steps skipped where the rows need it; None when no lag explains a row."""
    count = usual.count(observed.step)
    rates: Floats = guess.curve(np.arange(int(count.max()) + 1))
    skipped: list[int] = []
    row = 0
    while True:
        lag = len(skipped)
        off = np.abs(rates[np.maximum(count[row:] - lag, 0)] - observed.rate[row:]) > observed.slack[row:]
        if not off.any():
            return replace(usual, skipped=tuple(skipped))
        row += int(np.argmax(off))
        at = int(observed.step[row])
        if lag == MOST_SKIPPED or count[row] < lag:
            return None
        if row and skipped.count(at) >= at - int(observed.step[row - 1]):
            return None  # more than the steps between two rows
        skipped.append(at)


def lagging(observed: Observed, usual: Clock) -> Iterator[Guess]:
    """Curves that explain the end of the log when they run some steps late; the simplest first.

    At the end of the log the lag does not change any more: with a known horizon the rates there tell the lag.
    """
    if observed.horizon is None or len(observed) < 6:
        return
    rows = replace(observed, step=usual.count(observed.step))
    shape = Shape(rows=rows)
    if shape.top == len(rows) - 1:
        tail = rows.rows(slice(-3, None))
        for late in range(min(MOST_SKIPPED, int(tail.step[0]))):
            yield from rising(replace(tail, step=tail.step - late))
        return
    for size in (len(rows) // 2, len(rows) // 4, 6):
        tail = rows.rows(slice(-max(size, 6), None))
        found = (guess for form, times in _decays(shape, tail) for guess in _begun(shape, tail, form, times))
        yield from sorted(islice(found, MOST_GUESSES), key=lambda guess: guess.cost)[:20]


def _decays(shape: Shape, tail: Observed) -> Iterator[tuple[Form, list[Times]]]:
    """Forms that may explain the end of the log, and the times they may have if they run on time."""
    rows, horizon = shape.rows, tail.horizon or 0
    if not tail.differs(-1).any():
        yield Form(decay="constant"), [(w, w, horizon) for w in _late(shape, shape.top)]
        return
    starts = [w for w in _late(shape, shape.top) if w < horizon]
    for decay, power in DECAYS if not shape.jumps else ():
        form = Form(decay=decay, power=power)
        yield form, [(w, o, horizon) for w in starts for o in dict.fromkeys((w, 0))]
        if shape.flat > shape.top + 1 and power == 1:
            begins = [o for o in _late(shape, shape.flat) if o < horizon]
            yield form, [(w, o, horizon) for w in starts[:3] for o in begins if o > w + 1]
    if shape.jumps and rows.step[-1] < horizon + MOST_SKIPPED:
        for cycles in range(shape.jumps + 1, MOST_CYCLES + 1):
            yield Form(decay="cosine", cycles=cycles), [(w, w, horizon) for w in starts]


def _late(shape: Shape, row: int) -> list[int]:
    """Where a schedule that runs late may have had the bend that the log shows after a row."""
    k = shape.rows.step
    low, high = int(k[row - 1]) - MOST_SKIPPED if row else 0, int(k[min(row + 1, len(k) - 1)])
    return thinned(range(max(low, 0), max(high if row else int(k[0]), 0) + 1), MOST_STARTS)


def _begun(shape: Shape, tail: Observed, form: Form, times: list[Times]) -> Iterator[Guess]:
    """The curves of a form, some steps late, that explain the end of the log, where their numbers are plain."""
    sample = tail.sample(10)
    late = [(w + by, o + by, h + by) for by in range(MOST_SKIPPED + 1) for w, o, h in times]
    for unknown in ([0], [0, 1]):
        columns = form.columns(sample.step, late)[:, :, unknown] if late else np.zeros((0, 1, 1))
        if not len(columns) or not columns.any((0, 1)).all():
            continue
        rates, errors = solved(columns, sample, 1)
        fits = np.flatnonzero(errors <= (1.0 if tail.exact else 2.0)).tolist()
        for at in sorted(fits, key=lambda at: digits(float(f"{rates[at, 0]:.2e}")))[:20]:
            peak, final = float(f"{rates[at, 0]:.2e}"), float(rates[at, 1]) if len(unknown) > 1 else 0.0
            close = 1e-7 if tail.exact else float((sample.slack / np.maximum(sample.rate, 1e-300)).min()) * 2
            if not 0 <= final < peak or abs(rates[at, 0] / peak - 1) > close:
                continue
            plain = [
                r
                for r in (float(f"{final:.1e}"), float(f"{final / peak:.1e}") * peak)
                if abs(r - final) <= close * peak
            ]
            if final and not plain:
                continue
            one = form.at(times[at % len(times)])
            yield from _risen(shape, one, peak, plain[0] if final else 0.0)


def _risen(shape: Shape, form: Form, peak: float, final: float) -> Iterator[Guess]:
    """The curve with the warm-ups that the rows allow; a lag makes rates of the warm-up lower."""
    if not form.warmup:
        yield form.guess(peak, final, 0.0)
        return
    head = shape.rows.rows(slice(0, shape.top))
    for name, share in product(dict.fromkeys([*shape.rises, *RISES]), (0.0, *SHARES)):
        if name == "from one" if share else name in ("constant", "exponential"):
            continue
        one = replace(form, rise=name, ratio=share)
        rates = one.columns(np.arange(int(form.warmup) + 1)) @ np.array([peak, final, share * peak])
        reached = np.searchsorted(rates, head.low)
        known = reached <= np.minimum(head.step, form.warmup)
        if known.all() and (np.abs(rates[np.minimum(reached, form.warmup)] - head.rate) <= head.slack).all():
            yield one.guess(peak, final, share * peak)
