"""The points of a curve: no spike, no drop is lost."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.plotting.curves import broken, curve, medians, thinned
from lrsched.schedule import LAST_ITERATION
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import Poly, Sgdr, Steps

NUMBERS = st.floats(-100, 100) | st.just(np.nan)


@given(st.lists(NUMBERS, min_size=1, max_size=300), st.integers(1, 20))
def test_no_extreme_is_lost(values: list[float], width: int) -> None:
    y = np.array(values)
    x, kept = thinned(np.arange(y.size), y, width)
    assert kept.size <= 5 * width + len(values) / width
    assert (np.diff(x) > 0).all()
    assert x[[0, -1]].tolist() == [0, y.size - 1]
    np.testing.assert_array_equal(kept, y[x])
    known = [value for value in values if not np.isnan(value)]
    if known:
        assert (np.nanmin(kept), np.nanmax(kept)) == (min(known), max(known))


@given(st.lists(st.tuples(st.integers(0, 5), NUMBERS), min_size=1, max_size=60))
def test_medians_of_groups(pairs: list[tuple[int, float]]) -> None:
    groups, values = (np.array(column) for column in zip(*pairs, strict=True))
    for group, median in enumerate(medians(groups, values)):
        known = sorted(value for value in values[groups == group] if not np.isnan(value))
        np.testing.assert_equal(median, known[(len(known) - 1) // 2] if known else np.nan)


def test_a_curve_breaks_in_a_gap() -> None:
    x, y = broken(np.array([1, 2, 8, 9]), np.ones(4), [(2, 8)])
    assert x.tolist() == [1, 2, 8, 8, 9]
    assert np.isnan(y).tolist() == [False, False, True, False, False]


@pytest.mark.parametrize(("first", "last"), [(0, 500_200), (390_000, 460_000), (0, LAST_ITERATION)])
def test_a_drop_stands_where_it_is(first: int, last: int) -> None:
    schedule = Steps(learning_rate=0.1, steps=(400_000, 450_000), scales=(0.1, 0.1))
    x, y = curve(schedule, first, last)
    assert x.size < 20_000
    assert (x[0], x[-1]) == (first, last)
    assert [int(t) for t in x[1:][np.diff(y) != 0]] == [400_000, 450_000]
    np.testing.assert_array_equal(y, schedule(x).astype(np.float64))


def test_a_single_spike_of_a_long_run_is_seen() -> None:
    schedule = as_schedule(lambda t: np.where(t == 1_234_567, 9.0, 1.0))
    x, y = curve(schedule, 0, 2_000_000, 900)
    assert x[y == 9.0].tolist() == [1_234_567]


def test_a_period_does_not_hide_in_a_run_that_is_too_long_to_evaluate() -> None:
    schedule = Sgdr(learning_rate=0.1, sgdr_cycle=2**11, sgdr_mult=1, max_batches=2**31 - 1)
    _, y = curve(schedule, 0, 2**31 - 1, 900)
    assert y.max() > 0.0999
    assert y.min() < 0.0001


def test_what_no_axis_can_show_is_nan() -> None:
    _, y = curve(Poly(learning_rate=0.1, power=0.5, max_batches=100), 0, 120)
    assert np.isnan(y[101:]).all()
    assert not np.isnan(y[:101]).any()


@pytest.mark.parametrize(("first", "last", "width"), [(5, 4, 9), (-1, 5, 9), (0, 5, 0)])
def test_an_empty_range_is_refused(first: int, last: int, width: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        curve(Poly(max_batches=9), first, last, width)


def test_points_need_no_matplotlib() -> None:
    code = "import sys; from lrsched.plotting import curve; curve; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
