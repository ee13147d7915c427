"""The searches against a walk over every iteration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.schedule import Schedule, printed_zero
from lrsched.search import curve_of, first_where, zero_from
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import BurnIn, Constant, Exp, Poly, Sgdr, Sigmoid, Step, Steps
from tests.factories import Run, runs

LAST = 6000
RATES = st.sampled_from([0.0, 1e-9, 4.99e-7, 5.01e-7, 2e-6, 1e-3, 0.01, 0.4, -1e-3])


def with_rate(run: Run, rate: float) -> Schedule:
    return replace(run, values={**run.values, "learning_rate": rate}).schedule


SCHEDULES: st.SearchStrategy[Schedule] = st.builds(with_rate, runs(longest=LAST), RATES)


@given(schedule=SCHEDULES, first=st.integers(0, LAST), length=st.integers(0, LAST))
def test_zero_from_is_what_a_walk_finds(schedule: Schedule, first: int, length: int) -> None:
    last = first + length
    printed = [f"{rate:f}" in ("0.000000", "-0.000000") for rate in schedule.rates(first, last + 1).tolist()]
    alive = [first + i for i, zero in enumerate(printed) if not zero]

    expected = None if alive and alive[-1] == last else (alive[-1] + 1 if alive else first)
    assert expected == zero_from(schedule, first, last)


@given(schedule=SCHEDULES, first=st.integers(0, LAST), length=st.integers(0, LAST), bound=st.sampled_from([1e-6, 5e-4]))
def test_stretches_are_what_a_walk_finds(schedule: Schedule, first: int, length: int, bound: float) -> None:
    small = np.abs(schedule.rates(first, first + length + 1)) < bound
    edges = np.flatnonzero(np.diff(np.concatenate([[0], small, [0]])))
    expected = [(first + int(a), first + int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]

    found = curve_of(schedule, first, first + length).stretches(lambda rates: np.abs(rates) < bound)
    repeats = any(piece.repeats > 1 for piece in schedule.pieces(first, first + length) or ())
    assert found == expected or (repeats and found[:1] == expected[:1] and found[-1:] == expected[-1:])
    begin = first_where(schedule, first, first + length, lambda rates: np.abs(rates) < bound)
    assert begin == (expected[0][0] if expected else None)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: Poly(max_batches=n),
        lambda n: Exp(gamma=1 - 20 / n),
        lambda n: Sigmoid(gamma=40 / n, step=n // 2),
        lambda n: Step(step=max(n // 50, 1), scale=0.5),
        lambda n: Steps(steps=(n // 2, n - n // 10), scales=(0.1, 1e-6)),
        lambda n: Sgdr(sgdr_cycle=max(n // 7, 1), sgdr_mult=1, learning_rate_min=0.0),
        lambda n: Sgdr(sgdr_cycle=1, sgdr_mult=1, learning_rate_min=0.0, learning_rate=1e-9),
        lambda n: BurnIn(policy=Constant(learning_rate=1e-9), burn_in=n // 2),
    ],
)
def test_the_work_does_not_grow_with_the_run(make: object) -> None:
    asked = 0

    def small(rates: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(rates)
        return np.asarray(printed_zero(rates))

    curve_of(make(2_000_000_000), 0, 2_000_000_000).stretches(small)  # type: ignore[operator]
    assert asked <= 8 * 6 * 80


def test_changes_beside_the_samples_of_a_piece() -> None:
    for length in range(2, 8):  # 8e-7 (1 - t / length) < 5e-7 from t = 3/8 length on
        falling = Poly(learning_rate=8e-7, power=1.0, max_batches=length)
        assert zero_from(falling, 0, length) == 3 * length // 8 + 1
    long = Poly(learning_rate=1.0, power=1.0, max_batches=10_000)  # 1 - t / 10000
    assert first_where(long, 0, 10_000, lambda rates: rates < 0.99845) == 16


@pytest.mark.parametrize(("rate", "expected"), [(1e-9, [(0, 999)]), (1.0, [])])
def test_cycles_that_are_answered_the_same_all_through(rate: float, expected: list[tuple[int, int]]) -> None:
    cycles = Sgdr(learning_rate=rate, sgdr_cycle=100, sgdr_mult=1, learning_rate_min=rate / 10)
    assert curve_of(cycles, 0, 999).stretches(lambda rates: rates < 5e-7) == expected


@pytest.mark.parametrize(("start", "last"), [(0, 1000), (101, 1000), (101, 400), (101, 300)])
def test_cycles_are_looked_at_from_their_first_to_their_last_iteration(start: int, last: int) -> None:
    cycles = Sgdr(learning_rate=1.0, sgdr_cycle=100, sgdr_mult=1, learning_rate_min=0.0)
    # (1 + cos(pi t / 100)) / 2 > 1/4 until t = 100 arccos(-1/2) / pi = 66.7; the cycles are 1..100, 101..200, ...
    high = curve_of(cycles, start, last).stretches(lambda rates: rates > 0.25)
    low = curve_of(cycles, start, last).stretches(lambda rates: rates <= 0.25)
    assert (high[0], high[-1]) == ((start, start // 100 * 100 + 66), (last - 99, last - 34))
    assert (low[0], low[-1]) == ((start // 100 * 100 + 67, start // 100 * 100 + 100), (last - 33, last))
    assert all(a <= b for a, b in high + low)
    # 1e-6 (1 + cos(pi t / 100)) / 2 < 5e-7 from t = 51 on
    assert zero_from(replace(cycles, learning_rate=1e-6), start, last) == last - 49


def test_a_sign_that_alternates_is_seen_at_both_ends() -> None:
    alternating = Exp(learning_rate=0.1, gamma=-0.999)  # negative in every odd iteration
    assert first_where(alternating, 0, 159, lambda rates: rates < 0) == 1
    assert curve_of(alternating, 0, 159).tail(lambda rates: rates < 0) == 159


def test_a_rate_at_the_bound_is_not_below_it() -> None:
    assert zero_from(Constant(learning_rate=0.5), 0, 9, below=0.5) is None


def test_a_callable_of_unknown_shape_is_walked_from_its_end() -> None:
    blinking = as_schedule(lambda t: 0.1 * (t % 40_000 == 7))

    assert zero_from(blinking, 0, 100_000) == 80_008
    assert first_where(blinking, 8, 100_000, lambda rates: rates > 0) == 40_007
    assert zero_from(blinking, 80_008, 100_000) == 80_008
