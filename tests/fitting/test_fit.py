"""fit() finds the schedule, its numbers and its clock, or says what is open; judged by the trainers' formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.fitting import Clock, Observed, clock_of, fit, pieces, printed_slack
from lrsched.schedules import cosine, linear
from tests.fitting.oracle import RULES, Rule

PEAKS = (1e-3, 5e-5, 2e-4, 3e-4, 0.1, 0.02)


def observed(
    rule: Rule,
    peak: float,
    warmup: int,
    horizon: int,
    every: int,
    last: int,
    *,
    clock: Clock = Clock(),  # noqa: B008 (a frozen value)
    digits: int | None = None,
    known: bool = True,
) -> Observed:
    """What a trainer logs every so many steps up to the last."""
    step = np.arange(every, last + 1, every)
    rate = np.array([peak * rule(int(k), warmup, horizon) for k in clock.count(step)])
    if digits is not None:
        rate = np.array([float(f"{one:.{digits - 1}e}") for one in rate])
    slack = printed_slack(rate, digits=digits) + 1e-18
    return Observed(step=step, rate=rate, slack=slack, horizon=horizon if known else None)


@pytest.mark.parametrize("name", RULES)
@given(st.sampled_from(PEAKS), st.integers(2, 300), st.integers(1000, 50_000), st.sampled_from([1, 5, 10]), st.data())
def test_every_rate_is_explained_by_the_curve_it_comes_from(
    name: str, peak: float, warmup: int, horizon: int, every: int, data: st.DataObject
) -> None:
    last = horizon if name != "linear" else data.draw(st.integers(horizon // 2, horizon))
    rows = observed(RULES[name], peak, warmup, horizon, every, last)
    found = fit(rows)
    assert found is not None
    assert (found.matched, found.total) == (len(rows), len(rows)), found
    steps = range(every, last + 1, max(last // 200, 1))  # between the logged ones as well
    if not found.open:
        expected = [peak * RULES[name](k, warmup, horizon) for k in steps]
        assert found.schedule(list(steps)).tolist() == pytest.approx(expected, rel=1e-6, abs=1e-12)
        assert found.parameters["peak"] == pytest.approx(peak)


@given(st.sampled_from(PEAKS), st.integers(2, 100), st.integers(1000, 9000), st.sets(st.integers(1, 60), max_size=4))
def test_skipped_steps_are_counted(peak: float, warmup: int, horizon: int, skipped: set[int]) -> None:
    clock = Clock(skipped=tuple(sorted(skipped)))
    found = fit(observed(RULES["linear"], peak, warmup, horizon, 1, horizon, clock=clock))
    assert found is not None
    assert found.complete
    assert found.parameters["peak"] == pytest.approx(peak)
    assert (found.parameters["warmup"], found.parameters["horizon"]) == (warmup, horizon)
    assert len(found.clock.skipped) + found.clock.late == len(skipped)


@pytest.mark.parametrize("clock", [Clock(times=4), Clock(each=8), Clock(late=1), Clock(skipped=(40, 41, 700))])
def test_the_clock_of_a_plan_is_found(clock: Clock) -> None:
    plan = linear(peak=0.001, horizon=10_000, warmup=500)
    found = clock_of(plan, observed(RULES["linear"], 0.001, 500, 10_000, 10, 10_000, clock=clock), [Clock()])
    assert found is not None
    assert found.clock.count(np.arange(0, 10_000, 10)).tolist() == clock.count(np.arange(0, 10_000, 10)).tolist()


def test_no_clock_is_given_for_another_curve() -> None:
    rows = observed(RULES["linear"], 0.001, 500, 10_000, 10, 10_000)
    assert clock_of(cosine(peak=0.001, horizon=10_000, warmup=500), rows, [Clock()]) is None


def test_a_horizon_that_changed_is_cut_there() -> None:
    before = observed(RULES["cosine"], 0.001, 100, 5000, 10, 3000, known=False)
    after = observed(RULES["cosine"], 0.001, 100, 9000, 10, 9000, known=False).rows(slice(300, None))
    rows = Observed(
        step=np.concatenate([before.step, after.step]),
        rate=np.concatenate([before.rate, after.rate]),
        slack=np.concatenate([before.slack, after.slack]),
    )
    found = pieces(rows)
    assert [row for row, _ in found] == [0, 300]
    assert [one.parameters["horizon"] for _, one in found] == [5000, 9000]


def test_noise_is_not_explained() -> None:
    rate = np.random.default_rng(1).uniform(1e-4, 1e-3, 200)
    found = fit(Observed(step=np.arange(200), rate=rate, slack=printed_slack(rate)))
    assert found is None or not found.complete
