"""Sampled curves against every iteration of the run, and the cost of long runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrsched.plotting.sampling import BUDGET, sample
from lrsched.schedule import Floats, Iterations, Piece, Schedule
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import PJREDDIE, BurnIn, Constant, Exp, Poly, Random, Sgdr, Sigmoid, Step, Steps

CYCLES = BurnIn(then=Sgdr(learning_rate=0.01, max_batches=2_000_000, sgdr_cycle=666, sgdr_mult=1), burn_in=10)

SMOOTH: dict[str, tuple[Schedule, int, int]] = {
    "constant": (Constant(learning_rate=0.01), 0, 500_000),
    "step": (Step(learning_rate=0.1, step=40_000, scale=0.5), 0, 500_000),
    "step that grows": (Step(learning_rate=0.1, step=40_000, scale=1.5), 0, 500_000),
    "step that flips the sign": (Step(learning_rate=0.1, step=40_000, scale=-0.5), 0, 500_000),
    "many steps": (Step(learning_rate=0.1, step=100, scale=0.999), 0, 500_000),
    "steps": (BurnIn(then=Steps(steps=(400_000, 450_000), scales=(0.1, 0.1)), burn_in=1000), 0, 500_200),
    "unsorted steps": (Steps(steps=(300_000, 100_000, 400_000), scales=(0.1, 10.0, 0.1)), 0, 500_000),
    "exp": (Exp(learning_rate=0.1, gamma=0.9999), 0, 500_000),
    "poly": (BurnIn(then=Poly(learning_rate=0.01, max_batches=392_480), burn_in=1000), 0, 592_480),
    "short burn-in": (BurnIn(then=Poly(learning_rate=0.01, max_batches=392_480), burn_in=10), 0, 392_480),
    "part of a run": (BurnIn(then=Poly(learning_rate=0.01, max_batches=392_480), burn_in=1000), 500, 9_000),
    "random": (BurnIn(then=Random(learning_rate=0.01), burn_in=300), 0, 100_000),
    "sigmoid": (Sigmoid(learning_rate=0.01, gamma=0.0001, step=200_000), 0, 500_000),
    "sharp sigmoid": (Sigmoid(learning_rate=0.01, gamma=1.0, step=200_000), 0, 500_000),
    "wrapping sigmoid": (
        Sigmoid(learning_rate=0.01, gamma=-0.001, step=200_000, arithmetic=PJREDDIE.arithmetic),
        0,
        500_000,
    ),
    "one half cosine": (Sgdr(learning_rate=0.01, max_batches=500_000), 0, 500_000),
    "growing cycles": (Sgdr(learning_rate=0.01, sgdr_cycle=300, sgdr_mult=2), 0, 500_000),
    "100 cycles": (Sgdr(learning_rate=0.01, sgdr_cycle=5_000, sgdr_mult=1), 0, 500_000),
    "short run": (BurnIn(then=Poly(learning_rate=0.01, max_batches=10), burn_in=3), 0, 10),
    "one iteration": (Poly(learning_rate=0.01, max_batches=10), 4, 4),
    "function": (as_schedule(lambda t: 0.1 / (1 + t / 5000)), 0, 500_000),
    "function with jumps": (
        as_schedule(lambda t: np.where(t < 123_457, 1.0, np.where(t < 400_001, 0.3, 0.1))),
        0,
        500_000,
    ),
    "function of single iterations": (as_schedule(lambda t: 0.1 if t < 77_777 else 0.01), 0, 500_000),
}


def each_rate(schedule: Schedule, first: int, last: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return schedule.rates(first, last + 1).astype(np.float64)


def joined(schedule: Schedule, first: int, last: int, **options: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What a reader of the picture takes for the rate of each iteration: lines between the samples."""
    iterations, rates = sample(schedule, first, last, **options)
    return np.interp(np.arange(first, last + 1), iterations, rates.astype(np.float64))


@pytest.mark.parametrize(("schedule", "first", "last"), SMOOTH.values(), ids=SMOOTH)
def test_lines_between_the_samples_follow_every_iteration(schedule: Schedule, first: int, last: int) -> None:
    expected = each_rate(schedule, first, last)
    height = np.ptp(expected) or 1.0
    assert np.abs(joined(schedule, first, last) - expected).max() <= 0.002 * height


@pytest.mark.parametrize(("schedule", "first", "last"), SMOOTH.values(), ids=SMOOTH)
def test_samples_are_ascending_exact_and_few(schedule: Schedule, first: int, last: int) -> None:
    iterations, rates = sample(schedule, first, last)
    assert iterations.dtype == np.int64
    assert (iterations[0], iterations[-1]) == (first, last)
    assert (np.diff(iterations) > 0).all()
    assert iterations.size <= BUDGET + 300
    assert rates.tobytes() == schedule(iterations).tobytes()


@pytest.mark.parametrize(
    ("schedule", "first", "last", "bends"),
    [
        (Steps(steps=(400_000, 450_000), scales=(0.1, 0.1)), 0, 500_200, (400_000, 450_000)),
        (BurnIn(then=Constant(), burn_in=1000), 0, 500_200, (1000,)),
        (Poly(power=0.5, max_batches=5000), 0, 900_000, (5000,)),
        (Step(step=30_000, scale=0.9), 0, 90_000, (30_000, 60_000)),
        (Sgdr(sgdr_cycle=20_000, sgdr_mult=2), 0, 70_000, (20_001, 60_001)),
        (Sigmoid(step=20_000), 0, 70_000, (20_000,)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_milestone_and_its_neighbours_are_sampled(
    schedule: Schedule, first: int, last: int, bends: tuple[int, ...]
) -> None:
    iterations, _ = sample(schedule, first, last)
    beside = {near for bend in bends for near in (bend - 1, bend, bend + 1)}
    assert beside <= set(iterations.tolist())


class TestMoreCyclesThanPixels:
    @pytest.mark.parametrize("columns", [300, 640, 875, 1312])
    def test_the_extremes_of_every_column_are_sampled(self, columns: int) -> None:
        last = 2_000_000
        expected = each_rate(CYCLES, 0, last)
        drawn = joined(CYCLES, 0, last)
        edges = np.linspace(0, last + 1, columns + 1).astype(int)[:-1]
        step = 0.002 * 0.01
        assert np.abs(np.maximum.reduceat(drawn, edges) - np.maximum.reduceat(expected, edges)).max() < step
        assert np.abs(np.minimum.reduceat(drawn, edges) - np.minimum.reduceat(expected, edges)).max() < step

    def test_the_highest_and_the_lowest_rate_are_exact(self) -> None:
        _, rates = sample(CYCLES, 0, 2_000_000)
        expected = CYCLES.rates(10, 2_000_001)
        assert rates.max() == expected.max()
        assert rates[1:].min() <= expected.min()
        assert np.float32(1e-5) in rates

    def test_the_burn_in_is_drawn_iteration_by_iteration(self) -> None:
        iterations, rates = sample(CYCLES, 0, 2_000_000)
        assert iterations[:12].tolist() == list(range(12))
        closed_form = [0.01 * (t / 10) ** 4 for t in range(10)]
        assert rates[:10].tolist() == pytest.approx(closed_form, rel=1e-6)
        assert rates[10] == pytest.approx(1e-5 + 0.5 * (0.01 - 1e-5) * (1 + math.cos(10 * math.pi / 666)), rel=1e-6)

    def test_a_long_burn_in_is_smooth(self) -> None:
        schedule = BurnIn(then=Sgdr(learning_rate=0.01, sgdr_cycle=100, sgdr_mult=1), burn_in=300_000)
        drawn = joined(schedule, 0, 600_000)[:300_000]
        assert np.abs(drawn - 0.01 * (np.arange(300_000) / 300_000) ** 4).max() < 2e-5

    def test_many_listed_steps(self) -> None:
        steps = tuple(range(100, 1_000_100, 100))
        schedule = Steps(learning_rate=0.01, steps=steps, scales=(0.999,) * len(steps))
        expected = each_rate(schedule, 0, 1_200_000)
        assert np.abs(joined(schedule, 0, 1_200_000) - expected).max() < 0.002 * 0.01


class TestUnknownFunctions:
    def test_a_jump_in_a_very_long_run_is_found_to_the_iteration(self) -> None:
        iterations, rates = sample(as_schedule(lambda t: np.where(t < 1_234_567, 1.0, 0.1)), 0, 2_000_000_000)
        at = int(np.flatnonzero(np.diff(rates))[0])
        assert iterations[at : at + 2].tolist() == [1_234_566, 1_234_567]

    @pytest.mark.parametrize(("period", "last"), [(100, 3_000_000), (666, 3_000_000), (512, 512 * BUDGET)])
    def test_swings_are_seen_over_their_full_height(self, period: int, last: int) -> None:
        drawn = joined(as_schedule(lambda t: np.cos(2 * np.pi * t / period)), 0, last)
        edges = np.linspace(0, last + 1, 301).astype(int)[:-1]
        assert np.maximum.reduceat(drawn, edges).min() > 0.95
        assert np.minimum.reduceat(drawn, edges).max() < -0.95

    @pytest.mark.parametrize(
        "schedule",
        [Exp(learning_rate=0.1, gamma=-0.999999), Step(learning_rate=0.1, step=3, scale=-0.999999)],
        ids=["exp", "step"],
    )
    @pytest.mark.parametrize("columns", [300, 875])
    def test_a_rate_that_flips_its_sign_all_the_time(self, schedule: Schedule, columns: int) -> None:
        drawn = joined(schedule, 0, 1_000_000)
        edges = np.linspace(0, 1_000_001, columns + 1).astype(int)[:-1]
        length = schedule.step if isinstance(schedule, Step) else 1
        size = 0.1 * float(np.float32(0.999999)) ** (edges // length)
        assert np.maximum.reduceat(drawn, edges) == pytest.approx(size, abs=0.001)
        assert np.minimum.reduceat(drawn, edges) == pytest.approx(-size, abs=0.001)

    def test_known_milestones_are_kept_where_the_direction_is_unknown(self) -> None:
        schedule = Sgdr(learning_rate=0.01, learning_rate_min=-0.01, sgdr_cycle=400, sgdr_mult=2)
        assert schedule.pieces(0, 2_000_000) is None
        iterations, _ = sample(schedule, 0, 2_000_000)
        starts = [400 * (2**n - 1) for n in range(1, 12)]
        assert {start + 1 for start in starts} <= set(iterations.tolist())


class TestNoFiniteRate:
    def test_the_first_nan_is_found_to_the_iteration(self) -> None:
        iterations, rates = sample(Poly(power=0.5, max_batches=300_000), 0, 900_000)
        first = int(np.isnan(rates).argmax())
        assert iterations[first - 1 : first + 1].tolist() == [300_000, 300_001]

    def test_the_first_infinity_of_a_function_is_found_to_the_iteration(self) -> None:
        function = as_schedule(lambda t: np.where(t < 654_321, 0.1, np.inf))
        iterations, rates = sample(function, 0, 2_000_000)
        first = int(np.isinf(rates).argmax())
        assert iterations[first - 1 : first + 1].tolist() == [654_320, 654_321]

    @pytest.mark.parametrize("log_scale", [False, True])
    @pytest.mark.parametrize(
        "function",
        [
            lambda t: t * np.nan,
            lambda t: t * 0.0 + np.inf,
            lambda t: np.where(t % 2 == 0, np.nan, 0.1),
            lambda t: np.where(t % 2 == 0, 1.7e308, -1.7e308),
            lambda t: t * 0.0,
            lambda t: t * 0.0 - 1.0,
        ],
    )
    def test_nothing_breaks(self, function: Callable[[Any], Any], log_scale: bool) -> None:
        iterations, rates = sample(as_schedule(function), 0, 1_000_000, log_scale=log_scale)
        assert (iterations[0], iterations[-1]) == (0, 1_000_000)
        expected = function(iterations)
        assert np.array_equal(rates, expected, equal_nan=True)

    def test_poly_without_max_batches(self) -> None:
        _, rates = sample(Poly(learning_rate=0.001), 0, 1_000_000)
        assert not np.isfinite(rates).any()


def test_hundreds_of_cycles_keep_their_shape() -> None:
    schedule = Sgdr(learning_rate=0.01, sgdr_cycle=5_000, sgdr_mult=1)
    expected = each_rate(schedule, 0, 2_000_000)
    assert np.abs(joined(schedule, 0, 2_000_000) - expected).max() < 0.02 * 0.01


@pytest.mark.parametrize(
    "schedule",
    [
        Poly(learning_rate=0.01, max_batches=400_000),
        Sgdr(learning_rate=0.01, learning_rate_min=1e-7, sgdr_cycle=400_000),
        BurnIn(then=Exp(learning_rate=0.01, gamma=0.9999), burn_in=200_000),
    ],
    ids=["poly", "sgdr", "burn-in"],
)
def test_a_logarithmic_axis_follows_the_decades(schedule: Schedule) -> None:
    iterations, rates = sample(schedule, 1, 400_000, log_scale=True)
    expected = each_rate(schedule, 1, 400_000)
    seen = expected > 1e-7
    line = np.interp(np.arange(1, 400_001), iterations, np.log10(np.maximum(rates, 1e-12)))
    assert np.abs(line - np.log10(np.maximum(expected, 1e-12)))[seen].max() < 0.01


@dataclass(frozen=True, kw_only=True, repr=False)
class Counted(Schedule):
    """Another schedule, with a count of the rates and milestones asked for."""

    inner: Schedule
    counts: dict[str, int] = field(default_factory=lambda: {"rates": 0, "milestones": 0, "calls": 0})

    @property
    def horizon(self) -> int | None:
        return self.inner.horizon

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.inner.dtype

    def milestones(self, first: int, last: int) -> Iterator[int]:
        for milestone in self.inner.milestones(first, last):
            self.counts["milestones"] += 1
            yield milestone

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        return self.inner.pieces(first, last)

    def _fill(self, first: int, out: Floats) -> None:
        self.counts["calls"] += 1
        self.counts["rates"] += out.size
        self.inner.rates(first, first + out.size, out=out)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        self.counts["calls"] += 1
        self.counts["rates"] += iterations.size
        out[:] = self.inner(iterations)


@pytest.mark.parametrize(
    "schedule",
    [
        Step(step=1, scale=0.999_999_99),
        Sgdr(sgdr_cycle=10, sgdr_mult=1),
        Sgdr(sgdr_cycle=10, sgdr_mult=3),
        BurnIn(then=Poly(max_batches=2_000_000_000), burn_in=1_000_000_000),
        Exp(gamma=-0.999_999_99),
        as_schedule(np.sin),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_the_cost_is_bounded_for_the_longest_run(schedule: Schedule) -> None:
    counted = Counted(inner=schedule)
    iterations, _ = sample(counted, 0, 2**31 - 1)
    assert iterations.size <= 1.25 * BUDGET
    assert counted.counts["rates"] <= 12 * BUDGET
    assert counted.counts["milestones"] <= BUDGET
    assert counted.counts["calls"] <= 60


@settings(max_examples=60)
@given(
    schedule=st.one_of(
        st.builds(
            Step,
            step=st.integers(1, 10**6),
            scale=st.sampled_from([0.5, 0.999, -0.9, 1.1, 0.0]),
            learning_rate=st.just(0.1),
        ),
        st.builds(Sgdr, sgdr_cycle=st.integers(1, 10**6), sgdr_mult=st.integers(1, 3), learning_rate=st.just(0.1)),
        st.builds(Poly, max_batches=st.integers(-5, 10**6), power=st.sampled_from([0.0, 0.5, 1.0, 4.0, -1.0])),
        st.builds(
            BurnIn, then=st.builds(Exp, gamma=st.sampled_from([0.99, 1.0, 1.1, -0.9])), burn_in=st.integers(1, 10**6)
        ),
    ),
    first=st.integers(0, 10**6),
    length=st.integers(0, 10**7),
    budget=st.sampled_from([64, 300, BUDGET]),
    log_scale=st.booleans(),
)
def test_any_range_of_any_schedule(schedule: Schedule, first: int, length: int, budget: int, log_scale: bool) -> None:
    iterations, rates = sample(schedule, first, first + length, budget=budget, log_scale=log_scale)
    assert (iterations[0], iterations[-1]) == (first, first + length)
    assert (np.diff(iterations) > 0).all()
    assert iterations.size <= 1.25 * budget + 400
    assert rates.tobytes() == schedule(iterations).tobytes()


@pytest.mark.parametrize(("first", "last", "budget"), [(-1, 10, 100), (11, 10, 100), (0, 10, 63)])
def test_what_cannot_be_sampled_is_refused(first: int, last: int, budget: int) -> None:
    with pytest.raises(ValueError, match=r"(first|budget) must be .*, got "):
        sample(Constant(), first, last, budget=budget)
