"""Schedules that fall behind the logged steps: an overflow skips a step of the schedule, which is never made up for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lrsched.fitting.clocks import Clock
from lrsched.fitting.forms import Form, Guess
from lrsched.fitting.observed import Observed
from lrsched.fitting.shape import Shape
from lrsched.fitting.simplicity import few
from lrsched.fitting.smooth import rising
from lrsched.fitting.solving import Band, sampled, solved
from lrsched.schedule import Floats

__all__ = ["MOST_SKIPPED", "followed", "lagging"]

MOST_SKIPPED = 40
"""A schedule that falls further behind is another one."""


def followed(observed: Observed, guess: Guess, usual: Clock) -> Clock | None:
    """The clock with steps skipped where the rows need it; None when no lag explains a row."""
    count = usual.count(observed.step)
    rates: Floats = guess.curve(np.arange(int(count.max()) + 1))
    skipped: list[int] = []
    row = 0
    while row < len(observed):
        lag = len(skipped)
        off = np.abs(rates[np.maximum(count[row:] - lag, 0)] - observed.rate[row:]) > observed.slack[row:]
        if not off.any():
            break
        row += int(np.argmax(off))
        if lag == MOST_SKIPPED or count[row] < lag:
            return None
        skipped.append(int(observed.step[row]))
    return replace(usual, skipped=tuple(skipped))


def lagging(observed: Observed, usual: Clock) -> Iterator[Guess]:
    """Curves that explain the end of the log when they run some steps late; the simplest first.

    At the end of the log the lag does not change any more: a known horizon and the rates there give the lag.
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
    for size in (max(len(rows) // 4, 6), 6):
        tail = rows.rows(slice(-size, None))
        found = [guess for form, late, at in _decays(shape, tail) for guess in _begun(shape, tail, form, late, at)]
        yield from sorted(found, key=lambda guess: guess.cost)[:20]


def _decays(shape: Shape, tail: Observed) -> Iterator[tuple[Form, int, int | None]]:
    """Decays through the end of the log, how late they are, and where they begin if the rates show it."""
    horizon = tail.horizon or 0
    end = Shape(rows=tail)
    if end.flat == len(tail) - 1:
        yield Form(decay="constant"), 0, None
    if len(end.falling) < 4 or end.jumps:
        return
    top = float(shape.rows.rate[shape.flat])
    for decay, power in (
        ("linear", 1.0),
        ("cosine", 1.0),
        ("polynomial", 2.0),
        ("polynomial", 0.9),
        ("polynomial", 0.5),
    ):
        begun, band = end.half_wave if decay == "cosine" else (Band(0, 0, 0), end.zero(power))
        if band.error > end.tolerance:
            continue
        form = Form(decay=decay, power=power, horizon=horizon)
        for late in (at - horizon for at in few(band, 40)):
            if not 0 <= late <= MOST_SKIPPED:
                continue
            if decay == "cosine":
                yield form, late, round(begun.best) - late
                continue
            yield form, late, None
            if decay == "linear" and shape.flat > shape.top:
                first, last = end.falling.rate[[0, -1]]
                steps = float(end.falling.step[-1] - end.falling.step[0])
                yield form, late, horizon - round(top * steps / float(first - last))


def _begun(shape: Shape, tail: Observed, form: Form, late: int, origin: int | None) -> Iterator[Guess]:
    """The curve that ends so with the warm-ups that the rows allow, where its numbers are plain."""
    rows = shape.rows
    lengths = few(Band(0, 0, int(rows.step[shape.top]) + 1), 3000)
    begins = [w if origin is None else origin for w in lengths]
    times = [(w, o, form.horizon or w) for w, o in zip(lengths, begins, strict=True) if 0 <= w <= o]
    sample = tail.rows(sampled(len(tail), 8))
    sample = replace(sample, step=np.maximum(sample.step - late, 0))
    if not times:
        return
    for unknown in ([0], [0, 1]):
        columns = form.columns(sample.step, times)[:, :, unknown]
        if not columns.any((0, 1)).all():
            continue
        rates, errors = solved(columns, sample, 1)
        for at in np.flatnonzero(errors <= (1.0 if rows.exact else 2.0)):
            peak, final = float(f"{rates[at, 0]:.2e}"), float(rates[at, 1]) if len(unknown) > 1 else 0.0
            close = 1e-8 if rows.exact else float((sample.slack / np.maximum(sample.rate, 1e-300)).min()) * 2
            if not 0 <= final < peak or abs(rates[at, 0] / peak - 1) > close or not _rose(shape, times[at][0], peak):
                continue
            share = float(f"{final / peak:.3g}")
            yield form.at(times[at]).guess(peak, share * peak, 0.0)


def _rose(shape: Shape, warmup: int, peak: float) -> bool:
    """Whether the rates before the peak are those of whole steps of a warm-up."""
    y, slack = shape.rows.rate[: shape.top], shape.rows.slack[: shape.top]
    if not warmup:
        return not (y > slack).any()
    steps = y * warmup / peak
    return bool((np.abs(steps - np.round(steps)) <= slack * warmup / peak * 1.01 + 1e-6).all())
