"""What Hypothesis draws of the algebra: schedules, each with a plain function that says the same in one line."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from hypothesis import strategies as st

from lrsched.schedule import Schedule
from lrsched.schedules import named as shapes
from lrsched.schedules.combinators import clamped, held, repeated, scaled, shifted, stretched, table, then, times
from tests.strategies import runs

__all__ = ["LONG", "Drawn", "drawn_shapes", "drawn_tables", "drawn_trees", "harmonic", "staircase"]

LONG = 400
"""Iterations that the tests look at."""

Rate = Callable[[int], float]


@dataclass(frozen=True)
class Drawn:
    """A schedule, the same as a plain function, and how much neighbours differ where no milestone lies between."""

    schedule: Schedule
    rate: Rate
    slope: float
    top: float


def harmonic(t: Any) -> Any:
    return 0.1 / (t + 1)


def staircase(t: Any) -> Any:
    return 0.5 ** (t // 7)


LEVELS = st.sampled_from([0.0, 0.1, 1.0, 0.3]) | st.floats(2.0**-20, 1.0)
POSITIVE = LEVELS.filter(bool)


@st.composite
def drawn_shapes(draw: st.DrawFn, longest: int = 60) -> Schedule:
    """Any named schedule."""
    horizon = draw(st.integers(1, longest))
    low, peak = sorted(draw(st.tuples(LEVELS, LEVELS)))
    warmup = draw(st.integers(0, horizon - 1))
    start = draw(st.sampled_from([low, 0.0]))
    cycles = draw(st.integers(1, 4))
    decay = draw(st.integers(1, horizon - warmup))
    forms: list[Literal["linear", "cosine", "root"]] = ["linear", "cosine", "root"]
    form = draw(st.sampled_from(forms))
    kinds: list[Callable[[], Schedule]] = [
        lambda: shapes.constant(peak),
        lambda: shapes.linear(start=peak, end=low, horizon=horizon),
        lambda: shapes.linear(start=low, end=peak, horizon=horizon),
        lambda: shapes.exponential(start=peak or 1.0, end=low or 0.01, horizon=horizon),
        lambda: shapes.polynomial(start=peak, end=low, power=draw(st.floats(0.25, 8)), horizon=horizon),
        lambda: shapes.cosine(peak=peak, end=low, horizon=horizon, warmup=warmup, start=start),
        lambda: shapes.one_cycle(peak=peak, start=start, end=low, horizon=horizon, warmup=warmup),
        lambda: shapes.warmup_stable_decay(peak=peak, end=low, horizon=horizon, warmup=warmup, decay=decay, form=form),
        lambda: shapes.inverse_sqrt(peak=peak, warmup=warmup + 1, horizon=horizon + 1, start=start),
        lambda: shapes.cosine_with_restarts(
            peak=peak, end=low, cycle=horizon + 1, cycles=cycles, mult=draw(st.integers(1, 3))
        ),
        lambda: shapes.cyclic(
            low=low, high=peak, up=decay, down=horizon, cycles=cycles, shrink=draw(st.sampled_from([1.0, 0.5, 0.0]))
        ),
    ]
    return draw(st.sampled_from(kinds))()


@st.composite
def drawn_tables(draw: st.DrawFn, longest: int = 60) -> Schedule:
    """Any table."""
    at = draw(st.lists(st.integers(0, longest), min_size=1, max_size=5, unique=True).map(sorted))
    return table([(iteration, draw(LEVELS)) for iteration in at])


def leaf(source: Any) -> Drawn:
    """A schedule that is no composite: its own rates, its largest change measured."""
    schedule = then(source, source, at=[LONG], count_from="zero").schedules[0]
    rates = schedule.rates(0, 2 * LONG).tolist()
    bends = set(schedule.milestones(0, 2 * LONG))
    changes = [abs(b - a) for t, (a, b) in enumerate(pairwise(rates), 1) if t not in bends]

    def rate(t: int) -> float:
        return rates[t] if t < len(rates) else float(schedule(t))

    return Drawn(schedule, rate, max(changes, default=0.0), max(map(abs, rates)))


# Policies as people use them: rates that are numbers, from 0 to 1.
POLICIES = runs(sane=True, longest=60).filter(lambda run: run.policy != "poly").map(lambda run: run.schedule)
LEAVES = st.one_of(drawn_shapes(), drawn_tables(), POLICIES, st.sampled_from([harmonic, staircase])).map(leaf)


@st.composite
def drawn_trees(draw: st.DrawFn, depth: int = 3) -> Drawn:
    """A composite of composites, up to ``depth`` deep."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(LEAVES)
    below = drawn_trees(depth - 1)
    return draw(st.sampled_from(MAKERS))(draw, below)


def _then(draw: st.DrawFn, below: st.SearchStrategy[Drawn]) -> Drawn:
    parts = draw(st.lists(below, min_size=2, max_size=3))
    at = draw(st.lists(st.integers(1, 90), min_size=len(parts) - 1, max_size=len(parts) - 1, unique=True).map(sorted))
    words: list[Literal["boundary", "zero"]] = ["boundary", "zero"]
    count_from = draw(st.sampled_from(words))

    def rate(t: int) -> float:
        index = sum(t >= boundary for boundary in at)
        begin = at[index - 1] if index and count_from == "boundary" else 0
        return parts[index].rate(t - begin)

    made = then(*(part.schedule for part in parts), at=at, count_from=count_from)
    return Drawn(made, rate, max(part.slope for part in parts), max(part.top for part in parts))


def _times(draw: st.DrawFn, below: st.SearchStrategy[Drawn]) -> Drawn:
    a, b = draw(below), draw(below)
    slope = a.slope * b.top + b.slope * a.top + a.slope * b.slope
    return Drawn(times(a.schedule, b.schedule), lambda t: a.rate(t) * b.rate(t), slope, a.top * b.top)


def _scaled(draw: st.DrawFn, below: st.SearchStrategy[Drawn]) -> Drawn:
    a, by = draw(below), draw(st.sampled_from([0.1, 3.0, -1.0, 0.0]))
    return Drawn(scaled(a.schedule, by), lambda t: a.rate(t) * by, a.slope * abs(by), a.top * abs(by))


def _shifted(draw: st.DrawFn, below: st.SearchStrategy[Drawn]) -> Drawn:
    a, by = draw(below), draw(st.integers(-40, 40))
    return Drawn(shifted(a.schedule, by), lambda t: a.rate(max(t - by, 0)), a.slope, a.top)


def _repeated(draw: st.DrawFn, below: st.SearchStrategy[Drawn]) -> Drawn:
    a, period, often = draw(below), draw(st.integers(1, 50)), draw(st.none() | st.integers(1, 5))

    def rate(t: int) -> float:
        return a.rate(t % period if often is None else t - period * min(t // period, often - 1))

    return Drawn(repeated(a.schedule, period, often), rate, a.slope, a.top)


def _held(draw: st.DrawFn, below: st.SearchStrategy[Drawn]) -> Drawn:
    a, at = draw(below), draw(st.integers(0, 100))
    return Drawn(held(a.schedule, at), lambda t: a.rate(min(t, at)), a.slope, a.top)


def _clamped(draw: st.DrawFn, below: st.SearchStrategy[Drawn]) -> Drawn:
    a = draw(below)
    low, high = draw(st.sampled_from([(0.01, None), (None, 0.2), (0.05, 0.15), (-0.1, 0.1)]))

    def rate(t: int) -> float:
        return min(max(a.rate(t), -math.inf if low is None else low), math.inf if high is None else high)

    return Drawn(clamped(a.schedule, low=low, high=high), rate, a.slope, max(a.top, 0.05))


def _sampled(draw: st.DrawFn, below: st.SearchStrategy[Drawn]) -> Drawn:
    # a shift is never rebuilt, so this is always sampled
    a, was, end = draw(below), draw(st.integers(1, 50)), draw(st.integers(25, 120))
    inner = shifted(a.schedule, 1)
    return Drawn(
        stretched(inner, end, was=was), lambda t: a.rate(max(t * was // end - 1, 0)), a.slope * (1 + was // end), a.top
    )


MAKERS = [_then, _times, _scaled, _shifted, _repeated, _held, _clamped, _sampled]
