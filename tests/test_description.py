"""Descriptions and comparisons, beside walks over every iteration."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrsched.description import compare, describe
from lrsched.schedule import BLOCK, LAST_ITERATION, FunctionSchedule, Schedule
from lrsched.schedules.combinators import held, repeated, scaled, times
from lrsched.schedules.named import constant, cosine, linear, one_cycle
from lrsched.trainers.darknet import Constant, Exp, Poly, Sgdr, Step
from tests.schedules.composites import Drawn, drawn_trees

slow_to_draw = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)


@slow_to_draw
@given(tree=drawn_trees(), horizon=st.integers(0, 300))
def test_a_description_is_what_a_walk_finds(tree: Drawn, horizon: int) -> None:
    told = describe(tree.schedule, horizon)
    rates = [tree.rate(t) for t in range(horizon + 1)]
    sizes = [abs(rate) for rate in rates]
    assert (told.at_zero, told.at_horizon) == (rates[0], rates[-1])
    assert (told.peak_at, told.peak) == (sizes.index(max(sizes)), rates[sizes.index(max(sizes))])
    assert (told.minimum_at, told.minimum) == (sizes.index(min(sizes)), rates[sizes.index(min(sizes))])
    assert told.after == tree.rate(horizon + 1)
    assert told.later == (tree.rate(2 * horizon) if horizon > 1 else None)
    assert told.milestones == len(list(tree.schedule.milestones(0, horizon)))
    exact = sum(map(Fraction, rates))
    assert told.area == pytest.approx(float(exact), rel=1e-13, abs=1e-13 * sum(sizes))
    assert told.mean == told.area / (horizon + 1)
    assert str(told).splitlines()[0] == repr(tree.schedule)


def nowhere(t: Any) -> Any:
    return np.where(t == 5, math.nan, 1 / (t + 1.0))


def test_what_is_not_a_number_is_the_largest() -> None:
    for schedule in (FunctionSchedule(function=nowhere), times(nowhere, constant(1))):
        told = describe(schedule, 10)
        assert math.isnan(told.peak)
        assert told.peak_at == 5
        assert (told.minimum, told.minimum_at) == (1 / 11, 10)
    told = describe(Poly(learning_rate=1.0, max_batches=10, power=0.5), 20)
    assert told.peak_at == 11
    assert math.isnan(told.area)


def test_the_first_of_equal_rates_is_named() -> None:
    told = describe(held(linear(start=0, end=1, horizon=100), 400))
    assert (told.peak_at, told.minimum_at, told.horizon) == (100, 0, 400)
    assert describe(repeated(linear(start=1, end=0, horizon=9), 10, 5)).minimum_at == 9


def test_the_first_of_equal_rates_is_named_when_every_iteration_is_looked_at() -> None:
    told = describe(FunctionSchedule(function=Level(0.5)), 3 * BLOCK)
    assert (told.peak_at, told.minimum_at, told.area) == (0, 0, 0.5 * (3 * BLOCK + 1))


def test_repeats_of_a_constant_rate_count() -> None:
    assert describe(repeated(constant(0.5), 10), 99).area == 50.0


def test_a_sign_is_kept() -> None:
    told = describe(Exp(learning_rate=1.0, gamma=-0.5), 3)
    assert (told.peak, told.peak_at, told.minimum, told.minimum_at) == (1.0, 0, -0.125, 3)
    assert told.area == 0.625


def test_two_thousand_million_iterations_are_described_from_their_pieces() -> None:
    long = 2_000_000_000
    told = describe(Sgdr(learning_rate=1.0, learning_rate_min=0.0, max_batches=long, sgdr_cycle=1_000, sgdr_mult=1))
    assert (told.peak_at, told.minimum_at, told.milestones) == (0, 1_000, None)
    # the cosine of a whole cycle adds up to nothing, apart from its end
    assert told.area == pytest.approx(1 + long / 1_000 * 499.5, rel=1e-6)
    assert "more than 100000" in str(told)
    assert describe(constant(0.5), LAST_ITERATION).area == 0.5 * 2**31
    assert describe(constant(0.5), LAST_ITERATION).after is None


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (cosine(peak=0.1, horizon=100), "after it        stays"),
        (Poly(learning_rate=0.1, max_batches=100, power=2.0), "after it        rises: 9.99998e-06 at 101, 0.1 at 200"),
        (Poly(learning_rate=0.1, max_batches=100, power=3.0), "after it        falls: -9.99997e-08 at 101"),
        (Poly(learning_rate=0.1, max_batches=100, power=0.5), "after it        is not a number"),
        (Step(learning_rate=0.1, max_batches=100, step=150, scale=0.1), "after it        goes on: 0.1"),
        (held(constant(1), LAST_ITERATION), "no iteration is left"),
        (one_cycle(peak=0.1, horizon=100), "peak            0.1 at 30"),
    ],
)
def test_a_description_reads_well(schedule: Schedule, words: str) -> None:
    assert words in str(describe(schedule))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: describe(constant(1)), ValueError, "say up to which iteration with horizon"),
        (lambda: describe(constant(1), 1.5), TypeError, "horizon must be a whole number"),  # type: ignore[arg-type]
        (lambda: describe(constant(1), True), TypeError, "horizon must be a whole number"),
        (lambda: describe(constant(1), 2**31), ValueError, "horizon must be from 0"),
        (lambda: describe(3), TypeError, "must be callable"),  # type: ignore[arg-type]
        (lambda: compare(constant(1), constant(1)), ValueError, "say up to which iteration with last"),
        (lambda: compare(constant(1), constant(1), first=5, last=4), ValueError, "last must not be before first"),
        (lambda: compare(constant(1), constant(1), last=4, absolute=-1), ValueError, "absolute"),
        (lambda: compare(constant(1), constant(1), last=4, absolute=math.nan), ValueError, "absolute"),
        (lambda: compare(constant(1), constant(1), last=4, ulps=-1), ValueError, "ulps"),
        (lambda: compare(constant(1), constant(1), last=4.0), TypeError, "last"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_looked_at_is_refused(make: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


@slow_to_draw
@given(a=drawn_trees(depth=2), b=drawn_trees(depth=2), data=st.data())
def test_a_comparison_is_what_a_walk_finds(a: Drawn, b: Drawn, data: st.DataObject) -> None:
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, 300)] * 2)))
    absolute = data.draw(st.sampled_from([0.0, 1e-9, 0.1]))
    told = compare(a.schedule, b.schedule, first=first, last=last, absolute=absolute)
    gaps = [abs(a.rate(t) - b.rate(t)) for t in range(first, last + 1)]
    beyond = [first + i for i, gap in enumerate(gaps) if gap > absolute]
    assert told.same == (not beyond)
    assert told.differing == len(beyond)
    assert told.first_difference == (beyond[0] if beyond else None)
    assert told.largest == max(gaps)
    assert told.largest_at == (first + gaps.index(max(gaps)) if max(gaps) else None)
    for area, one in ((told.area_a, a), (told.area_b, b)):
        rates = [Fraction(one.rate(t)) for t in range(first, last + 1)]
        assert area == pytest.approx(float(sum(rates)), rel=1e-13, abs=1e-13 * float(sum(map(abs, rates))))


def one_late(t: Any) -> Any:
    return 0.1 * (t >= 400_001)


def on_time(t: Any) -> Any:
    return 0.1 * (t >= 400_000)


def test_one_iteration_in_half_a_million_is_found() -> None:
    told = compare(one_late, on_time, last=500_000)
    assert (told.same, told.differing, told.first_difference) == (False, 1, 400_000)
    assert (told.largest, told.largest_at) == (0.1, 400_000)
    assert "first at 400000" in str(told)
    assert compare(on_time, on_time, last=500_000).largest_at is None
    assert str(compare(on_time, on_time, last=500_000)).startswith("same over iterations 0 to 500000")


def test_a_horizon_is_taken_from_the_later() -> None:
    assert compare(cosine(peak=1, horizon=10), cosine(peak=1, horizon=20)).last == 20
    assert compare(cosine(peak=1, horizon=10), constant(1)).last == 10


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("at", [0.1, 1.0, -1.0, 0.0, 5e-324])
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_units_in_the_last_place_are_counted(kind: Any, at: float, steps: int) -> None:
    there = kind(at)
    for _ in range(steps):
        there = np.nextafter(there, kind(-np.inf))
    if kind is np.float32:
        one: Schedule = Constant(learning_rate=at)
        other: Schedule = Constant(learning_rate=float(there))
    else:
        one, other = FunctionSchedule(function=Level(at)), FunctionSchedule(function=Level(float(there)))
    assert compare(one, other, last=BLOCK, ulps=steps).same
    assert compare(one, other, last=BLOCK, ulps=max(steps - 1, 0)).same == (steps == 0)


class Level:
    """The same rate for ever, as a function."""

    def __init__(self, level: float) -> None:
        self.level = level

    def __call__(self, t: Any) -> Any:
        return np.full(np.shape(t), self.level)


def test_both_tolerances_must_be_passed() -> None:
    a, b = constant(1.0), constant(1.0 + 2.0**-50)
    assert not compare(a, b, last=3).same
    assert compare(a, b, last=3, ulps=4).same
    assert compare(a, b, last=3, absolute=2.0**-50).same
    assert not compare(a, b, last=3, absolute=2.0**-51, ulps=3).same


def test_a_rounded_rate_equals_the_one_it_comes_from() -> None:
    policy, plain = Constant(learning_rate=0.1), constant(0.1)
    assert not compare(policy, plain, last=3).same
    assert compare(policy, plain, last=3, ulps=0).same
    assert compare(policy, scaled(policy, 1), last=3).same


def test_what_is_not_a_number_differs_from_every_number_only() -> None:
    gone, there = FunctionSchedule(function=Level(math.nan)), FunctionSchedule(function=Level(math.inf))
    assert compare(gone, gone, last=3).same
    assert compare(there, there, last=3).same
    told = compare(gone, there, last=3, ulps=2**62, absolute=1e300)
    assert (told.same, told.first_difference, told.largest) == (False, 0, math.inf)
    assert compare(gone, constant(0), last=3).largest == math.inf
