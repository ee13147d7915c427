"""The named schedules, beside their formulas in decimal arithmetic with 50 digits."""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrsched.schedule import LAST_ITERATION, Schedule
from lrsched.schedules import named as shapes
from lrsched.schedules.named import (
    constant,
    cosine,
    cosine_with_restarts,
    cyclic,
    exponential,
    inverse_sqrt,
    linear,
    one_cycle,
    polynomial,
    warmup_stable_decay,
)
from lrsched.schedules.units import EpochClock
from tests.schedules.composites import drawn_shapes

PI = Decimal("3.14159265358979323846264338327950288419716939937510582")

Exact = Callable[[int], Decimal]


def exactly(number: float) -> Decimal:
    return Decimal(number)


def cos(angle: Decimal) -> Decimal:
    """The cosine, by its series."""
    term = total = Decimal(1)
    for n in range(1, 60):
        term *= -angle * angle / ((2 * n - 1) * (2 * n))
        total += term
    return total


def line(a: float, b: float, i: int, n: int) -> Decimal:
    return exactly(a) + (exactly(b) - exactly(a)) * i / n


def wave(a: float, b: float, i: int, n: int) -> Decimal:
    return exactly(b) + (exactly(a) - exactly(b)) / 2 * (1 + cos(PI * i / n))


RATES = st.floats(2.0**-20, 0.5)


@st.composite
def with_formulas(draw: st.DrawFn) -> tuple[Schedule, Exact, int]:
    """A schedule, its formula while it runs, and its last iteration."""
    low, high = sorted((draw(RATES), draw(RATES)))
    end = draw(st.integers(3, 300) | st.integers(3, 10**9))
    warmup = draw(st.integers(1, end - 2))
    decay = draw(st.integers(1, end - warmup))
    power = draw(st.sampled_from([0.5, 1.0, 2.0, 4.0, 1.7]))
    mult = draw(st.integers(1, 3))
    cycle, cycles = draw(st.integers(2, 200)), draw(st.integers(1, 4))

    def restarts(t: int) -> Decimal:
        size = cycle
        while t >= size:
            t, size = t - size, size * mult
        return wave(high, low, t, size - 1)

    def triangles(t: int) -> Decimal:
        t %= cycle + decay
        return line(low, high, t, cycle) if t < cycle else line(high, low, t - cycle, decay)

    def warm(t: int, then: Exact) -> Decimal:
        return line(low / 2, high, t, warmup) if t < warmup else then(t)

    def stable(t: int) -> Decimal:
        i = t - (end - decay)
        return (
            exactly(high)
            if i < 0
            else exactly(low) + (exactly(high) - exactly(low)) * (1 - (Decimal(i) / decay).sqrt())
        )

    last = sum(cycle * mult**k for k in range(cycles)) - 1
    choices: list[tuple[Schedule, Exact, int]] = [
        (linear(start=high, end=low, horizon=end), lambda t: line(high, low, t, end), end),
        (linear(start=low, end=high, horizon=end), lambda t: line(low, high, t, end), end),
        (
            exponential(start=high, end=low, horizon=end),
            lambda t: exactly(high) * (exactly(low) / exactly(high)) ** (Decimal(t) / end),
            end,
        ),
        (
            polynomial(start=high, end=low, power=power, horizon=end),
            lambda t: exactly(low) + (exactly(high) - exactly(low)) * (1 - Decimal(t) / end) ** exactly(power),
            end,
        ),
        (cosine(peak=high, end=low, horizon=end), lambda t: wave(high, low, t, end), end),
        (
            cosine(peak=high, end=low, horizon=end, warmup=warmup, start=low / 2),
            lambda t: warm(t, lambda t: wave(high, low, t - warmup, end - warmup)),
            end,
        ),
        (
            one_cycle(peak=high, start=low / 2, end=low / 4, horizon=end, warmup=warmup),
            lambda t: wave(low / 2, high, t, warmup) if t < warmup else wave(high, low / 4, t - warmup, end - warmup),
            end,
        ),
        (
            warmup_stable_decay(
                peak=high, end=low, horizon=end, warmup=warmup, decay=decay, form="root", start=low / 2
            ),
            lambda t: warm(t, stable),
            end,
        ),
        (
            inverse_sqrt(peak=high, warmup=warmup, horizon=end, start=low / 2),
            lambda t: warm(t, lambda t: exactly(high) * (Decimal(warmup) / t).sqrt()),
            end,
        ),
        (cosine_with_restarts(peak=high, end=low, cycle=cycle, cycles=cycles, mult=mult), restarts, last),
        (cyclic(low=low, high=high, up=cycle, down=decay, cycles=1), triangles, cycle + decay - 1),
    ]
    return draw(st.sampled_from(choices))


@settings(deadline=None)
@given(drawn=with_formulas(), data=st.data())
def test_a_rate_is_that_of_the_formula(drawn: tuple[Schedule, Exact, int], data: st.DataObject) -> None:
    schedule, formula, end = drawn
    near = st.sampled_from([0, 1, 2, end // 2, end - 2, end - 1, end]).map(lambda t: max(t, 0))
    asked = data.draw(st.lists(near | st.integers(0, end), min_size=1, max_size=8))
    with localcontext() as context:
        context.prec = 50
        wanted = [formula(t) for t in asked]
        for t, rate, exact in zip(asked, schedule(asked).tolist(), wanted, strict=True):
            assert abs(exactly(rate) - exact) <= exact * 16 * exactly(2.0**-52), (t, rate, float(exact))


# Where a schedule has to be exactly what it promises: iteration -> rate.
CORNERS: list[tuple[Schedule, dict[int, float]]] = [
    (constant(0.1), {0: 0.1, 10**9: 0.1}),
    (linear(start=0.1, end=0.3, horizon=10), {0: 0.1, 5: 0.2, 10: 0.3, 11: 0.3}),
    (linear(start=0.3, end=0.1, horizon=10), {0: 0.3, 5: 0.2, 10: 0.1, 11: 0.1}),
    (exponential(start=1.0, end=0.0001, horizon=4), {0: 1.0, 2: 0.01, 4: 0.0001, 5: 0.0001}),
    (polynomial(start=0.1, end=0.0, power=4, horizon=10), {0: 0.1, 10: 0.0, 11: 0.0, 20: 0.0, 10**9: 0.0}),
    (polynomial(start=0.1, power=0.5, horizon=10), {0: 0.1, 10: 0.0, 11: 0.0}),
    (cosine(peak=0.1, horizon=10), {0: 0.1, 5: 0.05, 10: 0.0, 11: 0.0, 20: 0.0}),
    (cosine(peak=0.7, end=0.3, horizon=10, warmup=4, start=0.1), {0: 0.1, 4: 0.7, 7: 0.5, 10: 0.3, 11: 0.3, 16: 0.3}),
    (one_cycle(peak=0.7, horizon=10, warmup=3), {0: 0.7 / 25, 3: 0.7, 10: 0.7 / 25 / 1e4, 99: 0.7 / 25 / 1e4}),
    (one_cycle(peak=0.7, horizon=11, start=0.1, end=0.0), {0: 0.1, 3: 0.7, 7: 0.35, 11: 0.0, 12: 0.0}),
    (one_cycle(peak=0.7, horizon=10, warmup="10%", start=0.1, end=0.0), {0: 0.1, 1: 0.7, 10: 0.0}),
    (
        warmup_stable_decay(peak=0.7, end=0.1, horizon=100, warmup=10, decay=20, form="root"),
        {0: 0.0, 10: 0.7, 50: 0.7, 80: 0.7, 85: 0.4, 100: 0.1, 101: 0.1},
    ),
    (
        warmup_stable_decay(peak=0.7, horizon=30, warmup=10, decay=20, form="cosine"),
        {0: 0.0, 10: 0.7, 20: 0.35, 30: 0.0},
    ),
    (
        inverse_sqrt(peak=0.7, warmup=100, horizon=6_400),
        {0: 0.0, 50: 0.35, 100: 0.7, 400: 0.35, 6_400: 0.0875, 6_401: 0.0875},
    ),
    (
        cosine_with_restarts(peak=0.7, end=0.1, cycle=4, cycles=3),
        {0: 0.7, 3: 0.1, 4: 0.7, 7: 0.1, 8: 0.7, 11: 0.1, 12: 0.1, 99: 0.1},
    ),
    (
        cosine_with_restarts(peak=0.7, end=0.1, cycle=2, cycles=3, mult=3),
        {0: 0.7, 1: 0.1, 2: 0.7, 7: 0.1, 8: 0.7, 25: 0.1, 26: 0.1},
    ),
    (cyclic(low=0.1, high=0.7, up=3, cycles=2), {0: 0.1, 3: 0.7, 6: 0.1, 9: 0.7, 12: 0.1, 13: 0.1, 15: 0.1}),
    (cyclic(low=0.0, high=0.8, up=2, down=1, cycles=3, shrink=0.5), {0: 0.0, 2: 0.8, 3: 0.0, 5: 0.4, 8: 0.2, 9: 0.0}),
]


@pytest.mark.parametrize(
    ("schedule", "corners"), CORNERS, ids=lambda each: repr(each) if isinstance(each, Schedule) else ""
)
def test_corners_are_reached(schedule: Schedule, corners: dict[int, float]) -> None:
    found = dict(zip(corners, schedule(list(corners)).tolist(), strict=True))
    assert found == pytest.approx(corners, rel=1e-15, abs=0)
    ends = [
        min(corners),
        max(corners),
        *(t for t in corners if corners[t] in (max(corners.values()), min(corners.values()))),
    ]
    assert [found[t] for t in ends] == [corners[t] for t in ends]


@pytest.mark.parametrize("horizon", [1, 2, 3])
@pytest.mark.parametrize(
    "make",
    [
        lambda n: linear(start=0.7, end=0.1, horizon=n),
        lambda n: exponential(start=0.7, end=0.1, horizon=n),
        lambda n: polynomial(start=0.7, end=0.1, power=0.5, horizon=n),
        lambda n: cosine(peak=0.7, end=0.1, horizon=n),
        lambda n: one_cycle(peak=0.7, end=0.1, start=0.1, horizon=n),
        lambda n: warmup_stable_decay(peak=0.7, end=0.1, horizon=n),
        lambda n: cosine_with_restarts(peak=0.7, end=0.1, cycle=n + 1, cycles=1),
        lambda n: cyclic(low=0.1, high=0.7, up=1, down=n, cycles=1),
        lambda n: inverse_sqrt(peak=0.7, start=0.1, warmup=n, horizon=n + 1),
    ],
)
def test_the_shortest_runs_have_their_peak_and_their_end(make: Callable[[int], Schedule], horizon: int) -> None:
    schedule = make(horizon)
    end = schedule.horizon
    assert end is not None
    rates = schedule.rates(0, end + 5).tolist()
    assert max(rates) == 0.7
    assert min(rates) >= 0.1
    assert len(set(rates[end:])) == 1
    assert rates[end] < 0.7


@settings(deadline=None)
@given(schedule=drawn_shapes(longest=2_000), data=st.data())
def test_rates_stay_between_the_smallest_and_the_largest_parameter(schedule: Schedule, data: st.DataObject) -> None:
    end = (schedule.horizon or 10) + 3
    rates = schedule.rates(0, end + 1)
    assert np.isfinite(rates).all()
    given_rates = [v for v in vars_of(schedule).values() if isinstance(v, float)]
    assert rates.min() >= 0
    assert rates.max() <= max(given_rates)
    t = data.draw(st.integers(0, end))
    assert float(schedule(t)) == rates[t]
    assert schedule(np.arange(end + 1)[::-1])[::-1].tolist() == rates.tolist()


def vars_of(schedule: Schedule) -> dict[str, Any]:
    return {
        name: getattr(schedule, name) for name in type(schedule).__dataclass_fields__ if name not in ("power", "shrink")
    }


LEVELS = st.floats(1e-9, 1.0) | st.floats(1e-300, 1e300)


@settings(deadline=None)
@given(high=LEVELS, low=LEVELS, horizon=st.integers(1, 40))
def test_ends_are_exact_and_nothing_lies_past_them(high: float, low: float, horizon: int) -> None:
    low, high = sorted((low, high))
    for schedule in (
        linear(start=high, end=low, horizon=horizon),
        exponential(start=high, end=low, horizon=horizon),
        polynomial(start=high, end=low, power=1.5, horizon=horizon),
        cosine(peak=high, end=low, horizon=horizon),
        warmup_stable_decay(peak=high, end=low, horizon=horizon, decay=horizon, form="root"),
    ):
        rates = schedule.rates(0, horizon + 3)
        assert rates[0] == rates.max() == high
        assert rates[horizon:].tolist() == [low] * 3
        assert (np.diff(rates) <= 0).all()
    rising = exponential(start=low, end=high, horizon=horizon).rates(0, horizon + 3)
    assert (rising[0], rising[horizon], rising.max()) == (low, high, high)


def test_rounding_does_not_lead_past_the_ends() -> None:
    # low + (high - low) rounds up past high here, and left + left * (right / left - 1) stays below right
    long = cosine(peak=0.848095263983622, end=0.3, horizon=LAST_ITERATION)
    assert long.rates(0, 2_000).max() == 0.848095263983622
    assert exponential(start=0.5943000301996968, end=0.7147924211139204, horizon=3)(3) == 0.7147924211139204


LONGEST = LAST_ITERATION


def erring(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same function, up to four units in the last place wrong, but never the same way for two neighbours."""

    def worse(x: Any) -> Any:
        noise = (np.asarray(x).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(60)).astype(np.float64)
        return function(x) * (1 + (noise - 7.5) * 2.0**-53)

    return worse


@pytest.mark.parametrize(
    "schedule",
    [
        linear(start=0.1, end=0.3, horizon=LONGEST),
        linear(start=0.3, end=0.1, horizon=LONGEST),
        exponential(start=0.3, end=0.1, horizon=LONGEST),
        exponential(start=0.1, end=math.nextafter(0.1, 1) + 1e-13, horizon=LONGEST),
        exponential(start=1e-300, end=1e300, horizon=LONGEST),
        polynomial(start=0.3, end=0.1, power=0.01, horizon=LONGEST),
        polynomial(start=0.3, end=0.0, power=100, horizon=LONGEST),
        cosine(peak=0.3, end=0.1, horizon=LONGEST),
        cosine(peak=0.3, end=0.0, horizon=10**8 + 1),
        one_cycle(peak=0.3, horizon=LONGEST, warmup=LONGEST - 1),
        warmup_stable_decay(peak=0.3, horizon=LONGEST, decay=LONGEST, form="root"),
        inverse_sqrt(peak=0.3, warmup=1, horizon=LONGEST),
    ],
    ids=repr,
)
def test_pieces_have_one_direction_to_the_last_bit(schedule: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    # the functions of another machine may err by a few units in the last place, now up, now down
    for name in ("sin", "exp", "expm1"):
        monkeypatch.setattr(np, name, erring(getattr(np, name)))
    pieces = schedule.pieces(0, LONGEST)
    assert pieces is not None
    for piece in pieces:
        length = piece.last - piece.first
        for share in (0, 1, 2, 3, 4):
            begin = min(
                max(piece.first, piece.first + length * share // 4 - 5_000), max(piece.last - 10_000, piece.first)
            )
            changes = np.diff(schedule.rates(begin, min(begin + 10_001, piece.last + 1)))
            assert (changes >= 0).all() or (changes <= 0).all(), (piece, begin)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: linear(start=1, horizon=0), ValueError, "horizon must be in"),
        (lambda: linear(start=1, horizon=True), TypeError, "whole number"),
        (lambda: linear(start=1, horizon=10.0), TypeError, "whole number"),  # type: ignore[arg-type]
        (lambda: shapes.Linear(start=1, horizon=10.0), TypeError, "Linear: horizon must be a whole number"),  # type: ignore[arg-type]
        (lambda: linear(start=-1, horizon=10), ValueError, "start must be in"),
        (lambda: linear(start=math.nan, horizon=10), ValueError, "start must be a finite number"),
        (lambda: linear(start=math.inf, horizon=10), ValueError, "start must be a finite number"),
        (lambda: linear(start="1", horizon=10), TypeError, "start must be a number"),  # type: ignore[arg-type]
        (lambda: linear(start=True, horizon=10), TypeError, "start must be a number"),
        (lambda: linear(start=1, horizon=2**31), ValueError, "2147483647"),
        (lambda: linear(start=1, horizon="10%"), ValueError, "share of the run"),
        (lambda: linear(start=1, horizon="3ep"), ValueError, "iterations_per_epoch"),
        (lambda: exponential(start=1, end=0, horizon=10), ValueError, "end must be in .* and not 0"),
        (lambda: polynomial(start=0.1, end=0.2, horizon=10), ValueError, "end must not be above start"),
        (lambda: polynomial(start=0.1, power=0, horizon=10), ValueError, "power must be in"),
        (lambda: cosine(peak=0.1, end=0.2, horizon=10), ValueError, "end must not be above peak"),
        (lambda: cosine(peak=0.1, start=0.2, horizon=10), ValueError, "start must not be above peak"),
        (lambda: cosine(peak=0.1, horizon=10, warmup=10), ValueError, "horizon must be above 10"),
        (lambda: one_cycle(peak=0.1, horizon=10, warmup="100%"), ValueError, "horizon must be above 10"),
        (lambda: warmup_stable_decay(peak=1, horizon=10, warmup=5, decay=6), ValueError, "horizon must be above 10"),
        (lambda: warmup_stable_decay(peak=1, horizon=10, decay=0), ValueError, "decay must be in"),
        (lambda: warmup_stable_decay(peak=1, horizon=10, form="sin"), ValueError, "'linear' or 'cosine' or 'root'"),  # type: ignore[arg-type]
        (lambda: inverse_sqrt(peak=1, warmup=0, horizon=10), ValueError, "warmup must be in"),
        (lambda: cosine_with_restarts(peak=1, cycle=1, cycles=3), ValueError, "at least 2"),
        (lambda: cosine_with_restarts(peak=1, cycle=2, cycles=40, mult=2), ValueError, "past 2"),
        (lambda: cosine_with_restarts(peak=1, cycle=2**20, cycles=2**12), ValueError, "past 2"),
        (lambda: cyclic(low=1, high=0, up=2, cycles=1), ValueError, "low must not be above high"),
        (lambda: cyclic(low=0, high=1, up=2, cycles=5_000, shrink=0.5), ValueError, "4096 shrinking cycles"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Callable[[], Schedule], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_times_may_be_text() -> None:
    clock = EpochClock(iterations_per_epoch=500)
    assert cosine(peak=1, horizon="90ep", warmup="1%", clock=clock) == cosine(peak=1, horizon=45_000, warmup=450)
    assert one_cycle(peak=1, horizon="3ep", clock=clock).warmup == 450
    assert cyclic(low=0, high=1, up="2ep", cycles=2, clock=clock).horizon == 4_000
    assert warmup_stable_decay(peak=1, horizon="4it", decay="1%").decay == 1


def test_milestones_are_the_corners() -> None:
    assert list(cosine(peak=1, horizon=100, warmup=10).milestones(0, 1_000)) == [10, 100]
    assert list(warmup_stable_decay(peak=1, horizon=100, warmup=10, decay=20).milestones(0, 1_000)) == [10, 80, 100]
    assert list(cosine_with_restarts(peak=1, cycle=10, cycles=2).milestones(0, 1_000)) == [9, 10, 19]
    assert list(cyclic(low=0, high=1, up=2, down=4, cycles=2).milestones(0, 1_000)) == [2, 6, 8, 12]
    assert list(constant(1).milestones(0, 1_000)) == []


def test_a_million_equal_cycles_are_few_pieces() -> None:
    run = cosine_with_restarts(peak=1, cycle=1_000, cycles=10**6)
    pieces = run.pieces(0, run.horizon or 0)
    assert pieces is not None
    assert [(p.first, p.last, p.repeats) for p in pieces[:1]] == [(0, 999, 999_999)]
    assert all(before.end + 1 == after.first for before, after in pairwise(pieces))


def test_every_function_has_its_class() -> None:
    functions = [name for name in shapes.__all__ if name.islower()]
    assert len(functions) == 10
    for name in functions:
        assert getattr(shapes, name).__doc__
    for name in set(shapes.__all__) - set(functions) - {"Shape"}:
        assert getattr(shapes, name).FORMULA
