"""Schedules made of schedules, beside plain functions that say the same."""

import json
import pickle
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrsched import as_schedule, schedules
from lrsched.schedule import BLOCK, LAST_ITERATION
from lrsched.schedules import clamped, clocked, held, linear, per_epoch, repeated, shifted
from lrsched.serialize import from_dict, to_dict
from lrsched.trainers import darknet
from tests.comparing import refusing
from tests.factories import LONG, Tree, harmonic, slow_to_draw, trees

EVERY_NAME = vars(darknet) | vars(schedules) | {"as_schedule": as_schedule}
LINE = linear(peak=1, horizon=4)


@slow_to_draw
@given(tree=trees(), data=st.data())
def test_rates_are_those_of_the_plain_function(tree: Tree, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, 150))
    wanted = [tree.rate(t) for t in range(first, LONG)]
    rates = tree.schedule.rates(first, LONG)
    assert rates.dtype == tree.schedule.dtype
    assert rates.tolist() == wanted
    assert tree.schedule(np.arange(first, LONG)[::-1]).tolist() == wanted[::-1]
    one = data.draw(st.integers(first, LONG - 1))
    assert float(tree.schedule(one)) == wanted[one - first]


@slow_to_draw
@given(tree=trees())
def test_a_composite_is_a_value(tree: Tree) -> None:
    schedule = tree.schedule
    assert eval(repr(schedule), EVERY_NAME) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    again = from_dict(json.loads(json.dumps(to_dict(schedule), allow_nan=False)))
    assert (again, hash(again)) == (schedule, hash(schedule))
    assert again.rates(0, LONG).tolist() == schedule.rates(0, LONG).tolist()


@slow_to_draw
@given(tree=trees(), data=st.data())
def test_milestones_tell_the_truth(tree: Tree, data: st.DataObject) -> None:
    bends = list(tree.schedule.milestones(0, LONG))
    assert all(before < after for before, after in pairwise([0, *bends])), "not ascending, or 0 among them"
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, LONG)] * 2)))
    assert list(tree.schedule.milestones(first, last)) == [bend for bend in bends if first <= bend <= last]
    rates = [tree.rate(t) for t in range(LONG)]
    jumps = {t for t, (a, b) in enumerate(pairwise(rates), 1) if abs(b - a) > tree.slope * (1 + 1e-9) + 1e-15}
    assert jumps <= set(bends)


def test_milestones_of_a_shift_a_hold_and_a_pace() -> None:
    assert list(shifted(LINE, by=20).milestones(0, 99)) == [20, 24]
    assert list(shifted(LINE, by=-3).milestones(0, 99)) == [1]
    assert list(held(LINE, at=2).milestones(0, 99)) == [2]
    assert list(clocked(LINE, late=5).milestones(0, 99)) == [5, 9]
    assert list(clocked(LINE, skipped=[4]).milestones(0, 99)) == [4, 5]
    assert list(per_epoch(LINE, iterations=7).milestones(0, 99)) == [28]
    for at in (3, 4, 5):
        assert list(held(LINE, at=at).milestones(0, 99)) == sorted({min(4, at), at})
    # two steps in each iteration: steps 1 and 2 are taken in the first
    for bend, at in ((1, 1), (2, 1), (3, 2), (4, 2)):
        fast = clocked(linear(peak=1, horizon=bend), times=2)
        asked = ((0, 9), (1, 9), (at, at), (0, at), (at + 1, 9), (0, at - 1))
        assert [list(fast.milestones(*both)) for both in asked] == [[at]] * 4 + [[]] * 2
    assert clocked(LINE, late=-9).horizon == 0
    assert repeated(harmonic, period=10, times=3).horizon == 29
    for endless in (repeated(linear(peak=1, horizon=1), period=2), shifted(schedules.step(peak=1, every=1), by=-3)):
        bends = (endless * 1).milestones(10**9, LAST_ITERATION)
        assert [next(bends) for _ in range(3)] == [10**9, 10**9 + 1, 10**9 + 2]


def test_the_horizon_and_the_warmup_of_what_is_later_or_slower() -> None:
    warm = linear(peak=1, horizon=4, warmup=2)
    for by, warmup, horizon in ((3, 5, 7), (-1, 1, 3), (-4, 0, 0), (-9, 0, 0)):
        made = shifted(warm, by=by)
        assert (made.warmup, made.horizon) == (warmup, horizon)
        assert list(made.milestones(0, 99)) == sorted({t for t in (by, warmup, horizon) if t > 0})
    assert shifted(warm, by=LAST_ITERATION).horizon == LAST_ITERATION
    slow = per_epoch(warm, iterations=7)
    assert (slow.warmup, slow.horizon, list(slow.milestones(0, 99))) == (14, 34, [14, 28])
    assert [list(slow.milestones(*asked)) for asked in ((14, 27), (15, 28))] == [[14], [28]]
    again = repeated(warm, period=6, times=3)
    assert (again.warmup, again.horizon, list(again.milestones(0, 99))) == (2, 16, [2, 4, 6, 8, 10, 12, 14, 16])
    assert (repeated(warm, period=6).horizon, held(warm, at=3).warmup, held(warm).horizon) == (None, 2, 4)
    assert list(repeated(LINE, period=3, times=2).milestones(0, 99)) == [3, 7]  # the last time it goes on
    fast = clocked(warm, late=1, times=2)
    assert (fast.warmup, fast.horizon) == (2, 3)


def test_two_equal_limits_leave_one_rate() -> None:
    assert clamped(LINE, low=0.5, high=0.5)([0, 2, 4]).tolist() == [0.5, 0.5, 0.5]


test_what_does_not_fit_is_refused = refusing(
    (lambda: shifted(LINE, by=1.5), TypeError, "shifted: by must be a whole number"),
    (lambda: repeated(LINE, period=0), ValueError, "period must be a whole number from 1"),
    (lambda: per_epoch(LINE, iterations=0), ValueError, "iterations must be a whole number from 1"),
    (lambda: held(LINE, at=-1), ValueError, "at must be a whole number from 0"),
    (lambda: held(schedules.constant(1)), ValueError, "has no last iteration"),
    (lambda: held(0.5, at=2), TypeError, "held: schedule must be a Schedule or a function"),
    (lambda: clamped(LINE), ValueError, "give low, high or both"),
    (lambda: clamped(LINE, low=2, high=1), ValueError, "low not above high, got 2.0 and 1.0"),
)


def test_far_away_iterations_stay_within_bounds() -> None:
    late, first = as_schedule(harmonic).then(harmonic, at=LAST_ITERATION), LAST_ITERATION - BLOCK - 3
    for made in (*(shifted(harmonic, by=by) for by in (-5, 0, 7)), repeated(harmonic, period=3), late):
        rates = made.rates(first, LAST_ITERATION + 1)
        assert rates.tolist() == made(np.arange(first, LAST_ITERATION + 1)[::-1])[::-1].tolist()
        assert list(made.milestones(LAST_ITERATION, LAST_ITERATION)) in ([], [LAST_ITERATION])
