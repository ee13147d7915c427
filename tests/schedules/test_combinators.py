"""Schedules made of schedules, beside plain functions that say the same."""

import json
import math
import pickle
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrsched.schedule import BLOCK, LAST_ITERATION, FunctionSchedule, Schedule
from lrsched.schedules import combinators as algebra
from lrsched.schedules import named as shapes
from lrsched.schedules.combinators import (
    Imported,
    Stretched,
    Then,
    clamped,
    held,
    repeated,
    scaled,
    shifted,
    stretched,
    table,
    then,
    times,
)
from lrsched.schedules.named import cosine, cyclic, linear
from lrsched.schedules.stretch import allotted
from lrsched.schedules.units import EpochClock
from lrsched.serialize import from_dict, to_dict
from lrsched.trainers import darknet
from lrsched.trainers.darknet import BurnIn, Constant, Exp, Poly, Sgdr, Steps
from tests.schedules.composites import LONG, Drawn, drawn_trees, harmonic, staircase

EVERY_NAME = {name: getattr(module, name) for module in (darknet, algebra, shapes) for name in module.__all__}

LINE = linear(start=1, end=0, horizon=4)

slow_to_draw = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)


@slow_to_draw
@given(tree=drawn_trees(), data=st.data())
def test_rates_are_those_of_the_plain_function(tree: Drawn, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, 150))
    wanted = [tree.rate(t) for t in range(first, LONG)]
    filled = tree.schedule.rates(first, LONG)
    assert filled.dtype == tree.schedule.dtype
    assert filled.tolist() == wanted
    assert tree.schedule(np.arange(first, LONG)[::-1]).tolist() == wanted[::-1]
    one = data.draw(st.integers(first, LONG - 1))
    assert float(tree.schedule(one)) == wanted[one - first]


@slow_to_draw
@given(tree=drawn_trees())
def test_a_composite_is_a_value(tree: Drawn) -> None:
    schedule = tree.schedule
    assert eval(repr(schedule), dict(EVERY_NAME)) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    stored = json.loads(json.dumps(to_dict(schedule), allow_nan=False))
    assert from_dict(stored) == schedule
    assert hash(from_dict(stored)) == hash(schedule)
    assert from_dict(stored).rates(0, LONG).tolist() == schedule.rates(0, LONG).tolist()


@slow_to_draw
@given(tree=drawn_trees(), data=st.data())
def test_milestones_tell_the_truth(tree: Drawn, data: st.DataObject) -> None:
    bends = list(tree.schedule.milestones(0, LONG))
    assert all(before < after for before, after in pairwise([0, *bends])), "not ascending, or 0 among them"
    assert not bends or bends[-1] <= LONG
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, LONG)] * 2)))
    assert list(tree.schedule.milestones(first, last)) == [bend for bend in bends if first <= bend <= last]
    rates = [tree.rate(t) for t in range(LONG)]
    jumps = {t for t, (a, b) in enumerate(pairwise(rates), 1) if abs(b - a) > tree.slope * (1 + 1e-9) + 1e-15}
    assert jumps <= set(bends)


def check_pieces(schedule: Schedule, first: int, last: int) -> None:
    pieces = schedule.pieces(first, last)
    if pieces is None:
        return
    assert pieces[0].first == first
    assert pieces[-1].end == last
    assert all(before.end + 1 == after.first for before, after in pairwise(pieces))
    for piece in pieces:
        rates = schedule.rates(piece.first, piece.end + 1)
        once = rates[: piece.last - piece.first + 1]
        assert (rates == np.tile(once, piece.repeats)).all(), piece
        steps = np.diff(np.abs(once))
        assert (steps >= 0).all() or (steps <= 0).all(), piece


@slow_to_draw
@given(tree=drawn_trees(), data=st.data())
def test_pieces_tell_the_truth(tree: Drawn, data: st.DataObject) -> None:
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, LONG)] * 2)))
    check_pieces(tree.schedule, first, last)


@pytest.mark.parametrize(
    ("schedule", "count"),
    [
        (then(linear(start=0, end=1, horizon=9), cosine(peak=1, horizon=90), at=[9], count_from="boundary"), 3),
        (times(linear(start=0, end=1, horizon=9), cosine(peak=1, horizon=90)), 3),
        (times(linear(start=0, end=1, horizon=9), Constant(learning_rate=0.1)), 2),
        (times(Sgdr(learning_rate=1, max_batches=9, sgdr_cycle=10, sgdr_mult=1), shapes.constant(2)), 2),
        (repeated(linear(start=1, end=0, horizon=9), 10), 2),
        (held(repeated(linear(start=1, end=0, horizon=9), 10), 10**9), 2),
        (shifted(cosine(peak=1, horizon=90), 20), 3),
        (stretched(Sgdr(learning_rate=1, max_batches=9, sgdr_cycle=10, sgdr_mult=1), 2_000, was=1_000), 3),
        (clamped(cosine(peak=1, horizon=90), low=0.1), 2),
        (table({0: 0.0, 5: 0.2, 9: 0.2, 20: 0.1, 30: 0.4}), 5),
    ],
)
def test_pieces_are_known_and_few(schedule: Schedule, count: int) -> None:
    pieces = schedule.pieces(0, 2_000)
    assert pieces is not None
    assert len(pieces) == count
    check_pieces(schedule, 0, 2_000)


@pytest.mark.parametrize(
    "schedule",
    [
        clamped(Exp(learning_rate=1.0, gamma=-0.9), low=0.01),
        clamped(scaled(LINE, -1), low=-0.5),
        times(linear(start=0, end=1, horizon=50), cosine(peak=1, horizon=60)),
        times(cyclic(low=0, high=1, up=3, cycles=9), linear(start=1, end=0, horizon=40)),
        times(repeated(linear(start=1, end=0, horizon=9), 10), linear(start=0, end=1, horizon=95)),
        stretched(Sgdr(learning_rate=1, max_batches=9, sgdr_cycle=10, sgdr_mult=1), 203, was=100),
        stretched(Sgdr(learning_rate=1, max_batches=9, sgdr_cycle=10, sgdr_mult=1), 51, was=100),
        repeated(shapes.warmup_stable_decay(peak=1, horizon=20, warmup=5), 17, 9),
    ],
    ids=repr,
)
def test_pieces_that_need_care_tell_the_truth(schedule: Schedule) -> None:
    assert schedule.pieces(0, 99) is not None
    for first in range(0, 100, 7):
        for last in range(first, 100, 9):
            check_pieces(schedule, first, last)


def test_a_product_is_walked_only_where_its_factors_disagree() -> None:
    product = times(linear(start=0, end=1, horizon=1_000), cosine(peak=1, horizon=2 * 10**9))
    pieces = product.pieces(0, LAST_ITERATION)
    assert pieces is not None
    assert len(pieces) < 10
    assert times(linear(start=0, end=1, horizon=10**9), cosine(peak=1, horizon=10**9)).pieces(0, 10**9) is None


def test_a_shift_begins_at_a_milestone_of_its_own() -> None:
    assert list(shifted(LINE, 20).milestones(0, 99)) == [20, 24]
    assert list(shifted(LINE, -3).milestones(0, 99)) == [1]
    assert list(shifted(LINE, -4).milestones(0, 99)) == []


@given(
    lengths=st.lists(st.integers(1, 100), min_size=1, max_size=9), factor=st.integers(1, 9), extra=st.integers(0, 99)
)
def test_pieces_that_are_stretched_fill_the_run(lengths: list[int], factor: int, extra: int) -> None:
    horizon = sum(lengths) * factor + extra
    new = allotted(lengths, ["rescaled"] * len(lengths), horizon)
    assert sum(new) == horizon
    assert all(abs(got - Fraction(old * horizon, sum(lengths))) <= 1 for old, got in zip(lengths, new, strict=True))


def test_milestones_are_lazy() -> None:
    saw = times(repeated(linear(start=1, end=0, horizon=1), 2), shapes.constant(1))
    found = saw.milestones(10**9, LAST_ITERATION)
    assert [next(found) for _ in range(3)] == [10**9, 10**9 + 1, 10**9 + 2]


def test_the_boundary_belongs_to_the_next_piece() -> None:
    first, second = linear(start=1, end=0.5, horizon=10), linear(start=0.2, end=0.1, horizon=10)
    own = then(first, second, at=[10], count_from="boundary")
    assert own([9, 10, 11, 20]).tolist() == [0.55, 0.2, float(second(1)), 0.1]
    absolute = then(first, second, at=[10], count_from="zero")
    assert absolute([9, 10, 11]).tolist() == [0.55, 0.1, 0.1]
    assert (own.horizon, absolute.horizon) == (20, 10)


def test_policies_keep_their_exact_rates() -> None:
    poly = Poly(learning_rate=0.1, max_batches=100)
    run = then(linear(start=0, end=0.1, horizon=7), poly, at=[7], count_from="zero")
    assert run.dtype == np.float64
    assert run.rates(7, 101).tolist() == poly.rates(7, 101).astype(np.float64).tolist()
    assert run(7) != np.float64(0.1) * (1 - 7 / 100) ** 4


def test_a_darknet_burn_in_is_a_sequence_counted_from_zero() -> None:
    poly = Poly(learning_rate=0.1, max_batches=100)
    burn_in = BurnIn(then=poly, burn_in=10, power=4.0)
    same = then(burn_in, poly, at=[10], count_from="zero")
    assert same.rates(0, 101).tolist() == burn_in.rates(0, 101).tolist()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: then(LINE, LINE, at=[5, 9], count_from="zero"), ValueError, "meet at 1 boundaries, got 2"),
        (lambda: then(LINE, LINE, LINE, at=[5], count_from="zero"), ValueError, "meet at 2 boundaries, got 1"),
        (lambda: then(LINE, LINE, LINE, at=[5, 5], count_from="zero"), ValueError, "ascending, got 5 after 5"),
        (lambda: then(LINE, LINE, LINE, at=[9, 5], count_from="zero"), ValueError, "ascending, got 5 after 9"),
        (lambda: then(LINE, LINE, at=[0], count_from="zero"), ValueError, "above 0"),
        (lambda: then(LINE, LINE, at=[-3], count_from="zero"), ValueError, "from 0 to"),
        (lambda: then(LINE, at=[], count_from="zero"), ValueError, "two schedules or more"),
        (lambda: then(LINE, LINE, at=[2.0], count_from="zero"), TypeError, "whole number"),  # type: ignore[list-item]
        (lambda: then(LINE, LINE, at=[True], count_from="zero"), TypeError, "whole number"),
        (lambda: then(LINE, LINE, at=[2], count_from="start"), ValueError, "'boundary' or 'zero'"),  # type: ignore[arg-type]
        (lambda: then(LINE, LINE, at=[2]), TypeError, "count_from"),  # type: ignore[call-arg]
        (lambda: then(LINE, 0.5, at=[2], count_from="zero"), TypeError, "must be callable"),  # type: ignore[arg-type]
        (lambda: times(LINE), ValueError, "two schedules or more"),
        (lambda: scaled(LINE, math.nan), ValueError, "finite"),
        (lambda: scaled(LINE, True), TypeError, "number"),
        (lambda: scaled(LINE, "2"), TypeError, "number"),  # type: ignore[arg-type]
        (lambda: shifted(LINE, 1.5), TypeError, "whole number"),  # type: ignore[arg-type]
        (lambda: shifted(LINE, 2**40), ValueError, "2147483647"),
        (lambda: repeated(LINE, 0), ValueError, "period must be in"),
        (lambda: repeated(LINE, 5, times=0), ValueError, "times must be in"),
        (lambda: held(shapes.constant(1)), ValueError, "knows no horizon"),
        (lambda: held(LINE, "3ep"), ValueError, "iterations_per_epoch"),
        (lambda: clamped(LINE), ValueError, "give low, high or both"),
        (lambda: clamped(LINE, low=2, high=1), ValueError, "low must not be above high"),
        (lambda: table({}), ValueError, "at least one"),
        (lambda: table([(5, 0.1), (5, 0.2)]), ValueError, "ascending, got 5 after 5"),
        (lambda: table([(5, 0.1), (2, 0.2)]), ValueError, "ascending, got 2 after 5"),
        (lambda: table({0: -0.1}), ValueError, "values must be in"),
        (lambda: table({0: math.inf}), ValueError, "finite"),
        (lambda: stretched(shapes.constant(1), 100), ValueError, "knows no horizon"),
        (lambda: stretched(LINE, 0), ValueError, "horizon"),
        (lambda: stretched(LINE, 9, how=("fixed", "rescaled")), ValueError, "1 pieces, but how has 2"),
        (lambda: stretched(LINE, 9, how=("longer",)), ValueError, "'rescaled' or 'fixed'"),
        (lambda: stretched(LINE, 9, how="fixed"), ValueError, "fixed pieces take 4"),
        (lambda: stretched(shifted(LINE, 2), 9, how=("rescaled",)), ValueError, "no pieces of its own"),
        (lambda: stretched(cosine(peak=1, horizon=99, warmup=1), 9), ValueError, "keep it fixed"),
        (lambda: Imported(path="math:nothing"), ValueError, "cannot be imported"),
        (lambda: Imported(path="math:pi"), ValueError, "cannot be called"),
        (lambda: Imported(path="math"), ValueError, "must look like"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_times_may_be_text() -> None:
    clock = EpochClock(iterations_per_epoch=10, horizon=200)
    run = then(
        linear(start=0, end=1, horizon=30), cosine(peak=1, horizon=70), at=["3ep"], count_from="zero", clock=clock
    )
    assert run.at == (30,)
    assert held(LINE, "10%", clock=clock).at == 20
    assert repeated(LINE, "1ep", clock=clock).period == 10
    assert table({"0it": 1.0, "2ep": 0.5}, clock=clock).iterations == (0, 20)
    moved = shifted(LINE, "1ep", clock=clock)
    assert moved == shifted(LINE, 10)


def test_what_is_equal_is_settled_equal() -> None:
    assert scaled(LINE, 2) == scaled(LINE, np.float64(2.0))
    assert repr(held(LINE, np.int64(3))) == repr(held(LINE, 3))  # type: ignore[arg-type]
    assert scaled(harmonic, 2) == scaled(Imported(path="tests.factories:harmonic"), 2)
    assert isinstance(scaled(lambda t: 0.1, 2).schedule, FunctionSchedule)


def test_values_between_those_of_a_table_are_exact() -> None:
    run = table({10: 0.1, 20: 0.3, 40: 0.0})
    assert run([0, 10, 20, 40, 41, LAST_ITERATION]).tolist() == [0.1, 0.1, 0.3, 0.0, 0.0, 0.0]
    assert run([15, 25, 30]) == pytest.approx([0.2, 0.225, 0.15], rel=1e-15)


@pytest.mark.parametrize("by", [-5, 0, 7])
def test_far_away_iterations_stay_within_bounds(by: int) -> None:
    for made in (
        shifted(harmonic, by),
        repeated(harmonic, 3),
        stretched(FunctionSchedule(function=harmonic), 10, was=1_000),
        then(harmonic, harmonic, at=[LAST_ITERATION], count_from="boundary"),
    ):
        rates = made.rates(LAST_ITERATION - BLOCK - 3, LAST_ITERATION + 1)
        assert rates.tolist() == made(np.arange(LAST_ITERATION - BLOCK - 3, LAST_ITERATION + 1)[::-1])[::-1].tolist()
        assert list(made.milestones(LAST_ITERATION, LAST_ITERATION)) in ([], [LAST_ITERATION])
        last = made.pieces(LAST_ITERATION - 9, LAST_ITERATION)
        assert last is None or last[-1].end == LAST_ITERATION
        assert made.horizon is None or made.horizon <= LAST_ITERATION


@slow_to_draw
@given(tree=drawn_trees(depth=2), factor=st.integers(2, 5), was=st.integers(1, 200))
def test_stretching_by_a_whole_number_keeps_every_rate(tree: Drawn, factor: int, was: int) -> None:
    horizon = tree.schedule.horizon
    was = horizon if horizon else was
    longer = stretched(tree.schedule, was * factor, was=was)
    wanted = [tree.rate(t) for t in range(was + 1)]
    assert longer(np.arange(was + 1) * factor).tolist() == pytest.approx(wanted, rel=1e-12, abs=1e-15)
    assert longer.horizon in (was * factor, None)


def test_a_sequence_is_stretched_piece_by_piece() -> None:
    run = then(linear(start=0, end=1, horizon=500), cosine(peak=1, horizon=9_500), at=[500], count_from="boundary")
    longer = stretched(run, 20_000, how=("fixed", "rescaled"))
    assert longer == then(
        linear(start=0, end=1, horizon=500), cosine(peak=1, horizon=19_500), at=[500], count_from="boundary"
    )
    assert longer([250, 500, 20_000]).tolist() == [0.5, 1.0, 0.0]
    shorter = stretched(run, 1_000)
    assert isinstance(shorter, Then)
    assert shorter.at == (50,)
    assert shorter([50, 1_000]).tolist() == [1.0, 0.0]


def test_a_policy_counted_from_zero_is_stretched_from_its_own_place() -> None:
    poly = Poly(learning_rate=0.1, max_batches=1_000)
    run = then(linear(start=0, end=0.1, horizon=100), poly, at=[100], count_from="zero")
    longer = stretched(run, 1_900, how=("fixed", "rescaled"))
    assert longer([100, 500, 1_900]).tolist() == poly([100, 300, 1_000]).tolist()
    assert longer(50) == 0.05


@pytest.mark.parametrize(
    ("schedule", "horizon", "wanted"),
    [
        (cosine(peak=1, horizon=100, warmup=10), 250, cosine(peak=1, horizon=250, warmup=25)),
        (
            shapes.cosine_with_restarts(peak=1, cycle=10, cycles=3),
            59,
            shapes.cosine_with_restarts(peak=1, cycle=20, cycles=3),
        ),
        (cyclic(low=0, high=1, up=2, down=4, cycles=2), 36, cyclic(low=0, high=1, up=6, down=12, cycles=2)),
        (shapes.constant(1), 36, shapes.constant(1)),
        (table({10: 1.0, 20: 0.5}), 40, table({20: 1.0, 40: 0.5})),
        (scaled(LINE, 2), 8, scaled(linear(start=1, end=0, horizon=8), 2)),
        (times(LINE, LINE), 8, times(*[linear(start=1, end=0, horizon=8)] * 2)),
        (held(LINE, 4), 8, held(linear(start=1, end=0, horizon=8), 8)),
        (
            stretched(shapes.inverse_sqrt(peak=1, warmup=10, horizon=90), 180),
            180,
            shapes.inverse_sqrt(peak=1, warmup=20, horizon=180),
        ),
    ],
)
def test_what_has_a_closed_form_keeps_it(schedule: Schedule, horizon: int, wanted: Schedule) -> None:
    assert stretched(schedule, horizon, was=schedule.horizon or 12) == wanted


def test_what_has_none_is_sampled() -> None:
    steps = Steps(learning_rate=1.0, max_batches=100, steps=(50,), scales=(0.1,))
    longer = stretched(steps, 250)
    assert isinstance(longer, Stretched)
    assert list(longer.milestones(0, 250)) == [125]
    assert longer([124, 125]).tolist() == steps([49, 50]).tolist()
    assert stretched(longer, 500) == stretched(steps, 500)


def test_the_named_parts_of_the_long_walk_agree() -> None:
    run = repeated(scaled(staircase, 0.5), 5_000)
    assert run.rates(0, 3 * BLOCK).tolist() == [0.5 * staircase(t % 5_000) for t in range(3 * BLOCK)]
