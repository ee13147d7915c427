"""Descriptions and comparisons, beside walks over every iteration."""

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched import description
from lrsched.description import compare, describe
from lrsched.schedule import BLOCK, LAST_ITERATION, Schedule
from lrsched.schedules import constant, cosine, held, one_cycle
from lrsched.trainers.darknet import Constant, Exp, Poly, Steps
from tests.comparing import refusing
from tests.factories import Run, Tree, runs, slow_to_draw, trees


@slow_to_draw
@given(tree=trees(), horizon=st.integers(0, 300))
def test_a_description_is_what_a_walk_finds(tree: Tree, horizon: int) -> None:
    found = describe(tree.schedule, horizon)
    rates = [tree.rate(t) for t in range(horizon + 1)]
    sizes = [abs(rate) for rate in rates]
    assert (found.at_zero, found.at_horizon) == (rates[0], rates[-1])
    assert (found.peak_at, found.peak) == (sizes.index(max(sizes)), rates[sizes.index(max(sizes))])
    assert (found.minimum_at, found.minimum) == (sizes.index(min(sizes)), rates[sizes.index(min(sizes))])
    assert found.after == tree.rate(horizon + 1)
    assert found.area == pytest.approx(float(sum(map(Fraction, rates))), rel=1e-13, abs=1e-13 * sum(sizes))
    assert str(found).splitlines()[0] == str(tree.schedule)


@given(run=runs(longest=200), other=runs(longest=200), horizon=st.integers(1, 300))
def test_a_sample_finds_what_a_walk_finds(run: Run, other: Run, horizon: int) -> None:
    walked, compared = describe(run.schedule, horizon), compare(run.schedule, other.schedule, last=horizon)
    for samples in (2, 5_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(description, "WALKED", 0)
            patch.setattr(description, "SAMPLES", samples)
            sampled = describe(run.schedule, horizon)
            both = compare(run.schedule, other.schedule, last=horizon)
        # the area needs every iteration, the rest only the ends of the pieces
        assert repr(replace(sampled, area=0, sampled=False)) == repr(replace(walked, area=0))
    assert sampled.area == pytest.approx(walked.area, rel=1e-12, abs=1e-12 * walked.peak, nan_ok=True)
    assert repr(replace(both, area_a=0, area_b=0, sampled=False)) == repr(replace(compared, area_a=0, area_b=0))


@pytest.mark.parametrize(
    ("policy", "area"),
    [
        (Constant(learning_rate=0.5), 0.5 * 2e9),
        (Poly(learning_rate=0.5, power=4.0, max_batches=2 * 10**9), 0.5 * 2e9 / 5),
        (Steps(learning_rate=0.5, steps=(10**9,), scales=(0.5,)), 0.75e9),
        (Exp(learning_rate=0.5, gamma=1 - 2.0**-20), 0.5 * 2.0**20),
        (Exp(learning_rate=0.5, gamma=0.5), 1.0),
    ],
    ids=lambda each: type(each).__name__,
)
def test_the_area_of_two_billion_iterations_is_that_of_the_integral(policy: Schedule, area: float) -> None:
    found = describe(policy, 2 * 10**9)
    assert found.area == pytest.approx(area, rel=1e-5)
    for at in {found.peak_at, found.minimum_at} - {0}:
        assert policy(at - 1) != policy(at), "not the first iteration with this rate"
    assert "by a sample" in str(found)


def test_a_run_up_to_the_last_iteration_that_can_be_counted() -> None:
    policy = Constant(learning_rate=0.5)
    assert "after it        no iteration is left" in str(describe(policy, LAST_ITERATION))
    assert "looked at       a sample of the iterations" in str(compare(policy, policy, last=LAST_ITERATION))


def one_late(t: Any) -> Any:
    return 0.1 * (t >= 400_001)


def on_time(t: Any) -> Any:
    return 0.1 * (t >= 400_000)


def test_the_first_of_equal_rates_is_named_over_many_blocks() -> None:
    found = describe(on_time, 500_000)
    assert (found.peak_at, found.minimum_at) == (400_000, 0)
    assert found.area == pytest.approx(0.1 * 100_001, rel=1e-13)
    assert describe(constant(0.5), 3 * BLOCK).area == 0.5 * (3 * BLOCK + 1)


def test_what_is_not_a_number_is_the_largest() -> None:
    found = describe(lambda t: np.where(t == 5, math.nan, 1 / (t + 1.0)), 10)
    assert math.isnan(found.peak)
    assert (found.peak_at, found.minimum, found.minimum_at) == (5, 1 / 11, 10)
    found = describe(Poly(learning_rate=1.0, max_batches=10, power=0.5), 20)
    assert (found.peak_at, math.isnan(found.area)) == (11, True)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (cosine(peak=0.1, horizon=100), "after it        stays"),
        (Poly(learning_rate=0.1, max_batches=100, power=2.0), "after it        rises: 9.99998e-06 at 101"),
        (Poly(learning_rate=0.1, max_batches=100, power=3.0), "after it        falls: -9.99997e-08 at 101"),
        (Poly(learning_rate=0.1, max_batches=100, power=0.5), "after it        is not a number"),
        (one_cycle(peak=0.1, horizon=100), "peak            0.1 at 30"),
    ],
)
def test_a_description_reads_well(schedule: Schedule, words: str) -> None:
    assert words in str(describe(schedule))


def test_a_path_is_as_good_as_a_schedule(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    path.write_text("[net]\npolicy=poly\nlearning_rate=0.1\nmax_batches=100\npower=2\n")
    poly = Poly(learning_rate=0.1, max_batches=100, power=2.0)
    assert describe(path) == describe(poly)
    doubled, kept = describe(path, ngpus=2), describe(path, ngpus=2, dialect="hank-ai")
    assert (doubled.peak, kept.peak) == pytest.approx((0.2, 0.1))
    assert compare(str(path), poly).same


test_what_cannot_be_looked_at_is_refused = refusing(
    (lambda: describe(constant(1)), ValueError, "has no last iteration; give horizon=N"),
    (lambda: describe(constant(1), 1.5), TypeError, "horizon must be a whole number"),  # type: ignore[arg-type]
    (lambda: describe(3), TypeError, "a schedule must be a path"),  # type: ignore[arg-type]
    (lambda: compare(constant(1), constant(1)), ValueError, "has a last iteration; give last=N"),
    (lambda: compare(constant(1), constant(1), first=5, last=4), ValueError, "last must not be before first"),
    (lambda: compare(constant(1), constant(1), last=4, tolerance=-1), ValueError, "tolerance"),
)


@slow_to_draw
@given(a=trees(depth=2), b=trees(depth=2), data=st.data())
def test_a_comparison_is_what_a_walk_finds(a: Tree, b: Tree, data: st.DataObject) -> None:
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, 300)] * 2)))
    absolute, relative = data.draw(st.sampled_from([0.0, 1e-9, 0.1])), data.draw(st.sampled_from([0.0, 0.5]))
    found = compare(a.schedule, b.schedule, first=first, last=last, tolerance=absolute, relative=relative)
    gaps = {t: abs(a.rate(t) - b.rate(t)) for t in range(first, last + 1)}
    beyond = [t for t, gap in gaps.items() if gap > absolute + relative * abs(a.rate(t))]
    assert (found.same, found.differing) == (not beyond, len(beyond))
    assert found.first_difference == (beyond[0] if beyond else None)
    assert found.largest == max(gaps.values())
    assert found.largest_at == (max(gaps, key=gaps.__getitem__) if found.largest else None)
    for area, one in ((found.area_a, a), (found.area_b, b)):
        rates = [Fraction(one.rate(t)) for t in gaps]
        assert area == pytest.approx(float(sum(rates)), rel=1e-13, abs=1e-13 * float(sum(map(abs, rates))))


def test_one_iteration_in_half_a_million_is_found() -> None:
    found = compare(one_late, on_time, last=500_000)
    assert (found.same, found.differing, found.first_difference) == (False, 1, 400_000)
    assert (found.largest, found.largest_at) == (0.1, 400_000)
    assert "first at 400000" in str(found)
    assert str(compare(on_time, on_time, last=500_000)).startswith("same over iterations 0 to 500000")


def test_a_horizon_is_taken_from_the_later() -> None:
    assert compare(cosine(peak=1, horizon=10), cosine(peak=1, horizon=20)).last == 20
    assert compare(cosine(peak=1, horizon=10), constant(1)).last == 10
    assert describe(held(constant(1), at=LAST_ITERATION - 2**31 + 100)).horizon == 99


def test_a_rounded_rate_equals_the_one_it_comes_from_within_a_tolerance() -> None:
    policy, plain = Constant(learning_rate=0.1), constant(0.1)
    assert not compare(policy, plain, last=3).same
    assert compare(policy, plain, last=3, relative=1e-7).same
    assert compare(policy, policy * 1, last=3).same


def test_what_is_not_a_number_differs_from_every_number_only() -> None:
    def gone(t: Any) -> Any:
        return np.full(np.shape(t), math.nan)

    def endless(t: Any) -> Any:
        return np.full(np.shape(t), math.inf)

    assert compare(gone, gone, last=3).same
    assert compare(endless, endless, last=3).same
    found = compare(gone, endless, last=3, tolerance=1e300)
    assert (found.same, found.first_difference, found.largest) == (False, 0, math.inf)
    assert compare(gone, constant(0), last=3).largest == math.inf
