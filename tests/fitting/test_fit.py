"""fit() finds the schedule, its numbers and its clock, or says what is open; judged by the trainers' formulas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrsched import schedules
from lrsched.fitting import (
    Clock,
    Fit,
    Forms,
    Guess,
    Observed,
    clock_of,
    clock_sentence,
    fit,
    pieces,
    printed_slack,
    shifts,
)
from lrsched.schedules import cosine, linear, multi_step
from tests.fitting.oracle import PRINTS, Truth, drawn, logged


def seen(step: Any, rate: Any, **more: Any) -> Observed:
    """Rates with all their digits."""
    return Observed(step=np.array(step), rate=np.array(rate), slack=printed_slack(rate), **more)


def resumed(before: Observed, after: Observed, horizon: int | None = None) -> Observed:
    """One log after the other."""
    step, rate, slack = (
        np.concatenate([getattr(one, key) for one in (before, after)]) for key in ("step", "rate", "slack")
    )
    return Observed(step=step, rate=rate, slack=slack, horizon=horizon)


def complete(rows: Observed, *clocks: Clock) -> Fit:
    """A fit that explains every row."""
    found = fit(rows, clocks or (Clock(),))
    assert found is not None
    assert found.complete, found
    return found


@pytest.mark.parametrize("seed", range(16))
def test_what_a_trainer_logs_is_explained_or_said_to_be_open(seed: int) -> None:
    random = Random(seed)
    truth, printed = drawn(random), random.choice(list(PRINTS))
    known = truth.horizon if random.random() < 0.5 else None
    every = max(truth.horizon // 400, 1)
    steps = range(every, truth.horizon + 1, every)
    found = complete(logged(truth, steps, printed, known))
    # between the logged steps and up to the horizon, where nothing is open
    dense = range(every, truth.horizon + 1)
    close = 2 * printed_slack(truth.rates(dense), **PRINTS[printed][1]) + 1e-7 * truth.peak
    if not found.open and (known or truth.horizon == steps[-1]):
        assert (np.abs(found.schedule(np.array(dense)) - truth.rates(dense)) <= close).all(), (truth, found.parameters)


@settings(max_examples=10)
@given(st.sampled_from([3e-4, 0.02]), st.integers(2, 300), st.integers(1000, 8000), st.sampled_from([1, 5, 10]))
@pytest.mark.parametrize("family", ["linear", "cosine", "constant"])
def test_the_numbers_are_those_of_the_plan(family: str, peak: float, warmup: int, horizon: int, every: int) -> None:
    rows = logged(Truth(family, peak, warmup, horizon), range(every, horizon + 1, every), horizon=horizon)
    found = complete(rows)
    assert found.parameters["peak"] == pytest.approx(peak)
    if not found.open:
        assert found.family == family
        assert found.parameters.get("warmup", warmup) == warmup
        assert found.parameters.get("horizon", horizon) == horizon


ALL, FINE = "all digits", "%.2e"
# fmt: off
DRAWN: list[tuple[Truth, range, str, dict[str, Any]]] = [
    (Truth("multi-step", 0.1, 50, rise="constant", initial=0.01, drops=(300, 600)), range(5, 1000, 5), ALL,
     {"warmup": 50, "rise": "constant", "initial": 0.01, "milestones": [300, 600]}),
    (Truth("multi-step", 0.1, 50, rise="exponential", initial=0.001, drops=(300, 600)), range(5, 1000, 5), ALL,
     {"warmup": 50, "rise": "exponential", "initial": 0.001, "milestones": [300, 600]}),
    (Truth("warmup-stable-decay", 1e-3, 40, 1000, rise="constant", initial=1e-4, decay="root", origin=800),
     range(5, 1001, 5), ALL, {"warmup": 40, "decay": 200, "horizon": 1000}),
    (Truth("warmup-stable-decay", 1e-3, 40, 1000, decay="linear", origin=800), range(10, 811, 10), FINE,
     {"warmup": 40}),
    (Truth("cosine", 1e-3, 7321, 200_000), range(2000, 200_001, 2000), ALL, {"warmup": 7321, "horizon": 200_000}),
    (Truth("linear", 1e-3, 15, 1000, initial=1e-4), range(8, 1001, 8), ALL, {"horizon": 1000}),
    (Truth("constant", 1.234567e-4), range(9), ALL, {"family": "constant", "peak": 1.234567e-4}),
    (Truth("step", 0.1, horizon=90, drops=(30, 60, 90)), range(100), ALL,
     {"family": "step", "every": 30, "factor": 0.1}),
    (Truth("multi-step", 1e-3, horizon=900, drops=(300, 500, 700)), range(1, 901), "6 decimals",
     {"family": "multi-step", "milestones": [300, 500, 700], "factor": 0.1}),  # the last is not printed
]
# fmt: on


@pytest.mark.parametrize(("truth", "steps", "printed", "expected"), DRAWN, ids=lambda one: getattr(one, "family", ""))
def test_a_curve_is_found_with_its_numbers(truth: Truth, steps: range, printed: str, expected: dict[str, Any]) -> None:
    found = complete(logged(truth, steps, printed))
    numbers = {"family": found.family, **found.parameters}
    assert {key: numbers.get(key) for key in expected} == expected, found
    if printed == "all digits":
        dense = range(steps[0], steps[-1])
        close = 1e-9 * truth.peak
        assert found.open or found.schedule(dense).tolist() == pytest.approx(truth.rates(dense).tolist(), abs=close)


@pytest.mark.parametrize("printed", ["%.3e", "%.2e", "6 decimals"])
def test_what_coarse_rates_leave_open_holds_the_truth(printed: str) -> None:
    truth = Truth("cosine", 3e-4, 130, 7000)
    found = complete(logged(truth, range(20, 6001, 20), printed))
    for name, value in (("warmup", 130), ("horizon", 7000)):
        low, high = map(int, re.findall("[0-9]+", found.open.get(name, f"{found.parameters[name]} " * 2))[:2])
        assert low <= value <= high


@pytest.mark.parametrize("peak", [1e-3, 1.2345678e-3])
def test_a_log_that_ends_in_the_warmup_leaves_the_peak_open(peak: float) -> None:
    found = complete(logged(Truth("linear", peak, 500, 9000), range(10, 400, 10)))
    assert found.parameters["slope"] == pytest.approx(peak / 500)
    assert "ends within the warm-up" in found.open["peak"]


def test_a_warmup_may_end_where_the_first_drop_comes() -> None:
    steps = np.arange(1, 61)
    rates = np.where(steps < 20, 0.1 * steps / 20, 0.01)
    found = complete(seen(steps, rates))
    np.testing.assert_allclose(found.schedule(steps), rates, atol=1e-9)


def test_milestones_lie_between_two_rows_and_where_an_epoch_begins() -> None:
    rows = logged(Truth("multi-step", 0.1, horizon=3000, drops=(1110, 1850)), range(0, 3000, 50))
    found = complete(rows)
    assert found.open["milestones[0]"] == "from 1101 to 1150 fit as well"
    assert complete(replace(rows, epoch=rows.step // 185)).parameters["milestones"] == [1110, 1850]


def test_a_schedule_per_epoch_prints_as_code_that_makes_it_again() -> None:
    found = complete(logged(Truth("cosine", 0.1, horizon=20, clock=Clock(each=388)), range(50, 7700, 50)))
    assert (found.clock.each, found.parameters["horizon"]) == (388, 20)
    assert str(found) == "clocked(cosine(peak=0.1, horizon=20), each=388)"


@pytest.mark.parametrize("seed", range(8))
def test_a_fit_prints_as_code_that_makes_it_again(seed: int) -> None:
    truth = drawn(Random(seed))
    found = complete(logged(truth, range(1, truth.horizon, max(truth.horizon // 300, 1)), horizon=truth.horizon))
    again = eval(str(found), dict(vars(schedules)))
    steps = np.arange(0, truth.horizon + 9, 7)
    assert again(steps).tolist() == found.schedule(steps).tolist()


@settings(max_examples=6)
@given(
    st.sampled_from([1e-5, 3e-4]), st.integers(2, 100), st.integers(800, 2000), st.sets(st.integers(1, 60), max_size=4)
)
@pytest.mark.parametrize("family", ["linear", "cosine"])
def test_skipped_steps_are_counted(family: str, peak: float, warmup: int, horizon: int, skipped: set[int]) -> None:
    truth = Truth(family, peak, warmup, horizon, clock=Clock(skipped=tuple(sorted(skipped))))
    found = complete(logged(truth, range(1, horizon + 1), horizon=horizon))
    assert found.parameters["peak"] == pytest.approx(peak)
    assert (found.parameters["warmup"], found.parameters["horizon"]) == (warmup, horizon)
    assert len(found.clock.skipped) + found.clock.late == len(skipped)


PLAN = linear(peak=0.001, horizon=10_000, warmup=500)
CLOCKS = {
    "4 times as fast: the scheduler is stepped once per process": Clock(times=4),
    "advances once in 8 logged steps": Clock(each=8),
    "one step late: each line shows the rate of the previous step": Clock(late=1),
    "with 3 skipped steps, the first at step 40": Clock(skipped=(40, 50, 700)),
    "237 steps ahead of the log": Clock(late=-237),
}


@pytest.mark.parametrize("words", CLOCKS)
def test_the_clock_of_a_plan_is_found_and_named(words: str) -> None:
    clock = CLOCKS[words]
    rows = logged(Truth("linear", 0.001, 500, 10_000, clock=clock), range(10, 10_000, 10))
    found = clock_of(PLAN, rows, [Clock()])
    assert found is not None
    steps = np.arange(10, 10_000, 10)
    assert found.schedule(steps).tolist() == pytest.approx(PLAN(clock.count(steps)).tolist(), rel=1e-9)
    assert words in clock_sentence(found.clock, Clock(), found.total).replace("\n", " ")


@pytest.mark.parametrize("clock", [Clock(times=8), Clock(each=4)])
def test_a_clock_is_inferred_from_the_horizon_of_the_trainer(clock: Clock) -> None:
    rows = logged(Truth("cosine", 2e-5, 30, 1000, clock=clock), range(10, 1001, 10), horizon=1000)
    found = complete(rows)
    assert (found.clock.times, found.clock.each) == (clock.times, clock.each)


def test_a_fast_cosine_that_has_not_ended_may_be_one_with_restarts() -> None:
    rows = logged(Truth("cosine", 2e-5, 30, 1000, clock=Clock(times=2)), range(10, 401, 10), horizon=1000)
    found = complete(rows)
    assert found.clock.times == 2
    assert "a cosine with 2 cycles has the same rates" in found.open["clock"]


def test_no_clock_is_given_for_another_curve() -> None:
    rows = logged(Truth("linear", 0.001, 500, 10_000), range(10, 10_000, 10))
    assert clock_of(cosine(peak=0.001, horizon=10_000, warmup=500), rows, [Clock()]) is None
    assert clock_sentence(complete(rows).clock, Clock(), len(rows)) == ""


def test_a_trainer_brings_its_own_curves() -> None:
    """Halves and thirds, of 8 and of 9: only the first rates leave both open, and no other clock is tried."""
    curves = {"halves": multi_step(peak=1, milestones=[8], factor=0.5), "thirds": multi_step(peak=1, milestones=[9])}

    def own(rows: Observed) -> Iterator[Guess]:
        for digits, (name, curve) in enumerate(curves.items()):
            yield Guess(curve=curve, family=name, parameters={"warmup": digits})

    def thirds(first: int, count: int, by: int = 0) -> Observed:
        steps = np.arange(first, count)
        return seen(steps, curves["thirds"](steps + by))

    forms = Forms(guesses=own, cheap=-9, strict=True)
    both, one = fit(thirds(0, 8), forms=forms), fit(thirds(0, 20), forms=forms)
    assert both is not None
    assert (both.family, both.others, both.complete) == ("halves", ("thirds",), True)
    assert one is not None
    assert (one.family, one.others, one.matched) == ("thirds", (), 20)
    moved = thirds(4, 20, by=3)
    assert fit(moved, forms=forms).complete is False  # type: ignore[union-attr]
    assert next(shifts(curves["thirds"], moved, Clock())) == Clock(late=-3)


def test_a_horizon_that_changed_at_a_resume_is_found() -> None:
    before = logged(Truth("cosine", 2e-5, 30, 600), range(10, 501, 10))
    after = logged(Truth("cosine", 2e-5, 30, 1000), range(510, 1001, 10))
    found = pieces(resumed(before, after, horizon=1000))
    assert [(row, one.parameters["horizon"]) for row, one in found] == [(0, 600), (50, 1000)]


def test_noise_is_not_explained() -> None:
    rate = np.random.default_rng(1).uniform(1e-4, 1e-3, 200)
    found = fit(seen(range(200), rate))
    assert found is None or not found.complete


@pytest.mark.parametrize("count", range(5))
def test_few_rows_are_no_problem(count: int) -> None:
    rows = logged(Truth("cosine", 0.1, 10, 100), range(8, 8 + count))
    assert len(pieces(rows)) <= 1


def lines(ends: list[int], rates: list[float], last: int) -> Fit | None:
    """What explains straight lines from rate to rate, logged every 50 steps."""
    step = np.arange(49, last + 1, 50)
    return fit(seen(step, np.interp(step, ends, rates)))


@pytest.mark.parametrize("last", [5399, 6749])
def test_one_cycle_of_three_phases(last: int) -> None:
    """As torch steps OneCycleLR(max_lr=0.03, total_steps=6790, pct_start=0.1, anneal_strategy="linear")."""
    found = lines([0, 678, 1356, 6789], [0.0012, 0.03, 0.0012, 1.2e-7], last)
    assert found is not None
    assert found.complete
    assert found.family == "one-cycle"
    expected = {"peak": 0.03, "warmup": 678, "horizon": 6789, "initial": 0.0012, "final": 1.2e-7}
    assert found.parameters == pytest.approx(expected)
    assert found.open == {}


@pytest.mark.parametrize(
    ("rates", "corners"),
    [
        ([0.0012, 0.03, 0.0012, 3e-4], [0, 678, 1356, 5399]),  # not down to a 10 000th of the first
        ([0.003, 0.03, 0.0012, 1.2e-7], [0, 678, 1356, 5399]),  # not down as far as it came up
        ([-0.001, 0.03, 0.0012, 1.2e-7], None),  # not from a rate
    ],
)
def test_other_lines_are_lines(rates: list[float], corners: list[int] | None) -> None:
    found = lines([0, 678, 1356, 6789], rates, 5399)
    if corners is None:
        assert found is None or not found.complete
    else:
        assert found is not None
        assert (found.complete, found.family, found.parameters["steps"]) == (True, "piecewise-linear", corners)


@pytest.mark.parametrize(("by", "printed"), [(500, "%.3e"), (237, "all digits"), (-500, "all digits")])
def test_a_schedule_that_goes_on_elsewhere_after_a_resume_is_found(by: int, printed: str) -> None:
    before = logged(Truth("cosine", 2e-4, 50, 2000), range(10, 501, 10), printed)
    after = logged(Truth("cosine", 2e-4, 50, 2000, clock=Clock(late=by)), range(510, 1001, 10), printed)
    (_, first), (row, then) = pieces(resumed(before, after))
    assert (row, then.clock.late - first.clock.late, then.curve) == (50, by, first.curve)


def test_drops_to_a_lowest_rate() -> None:
    steps = np.arange(1, 901)
    rates = np.select([steps < 300, steps < 500], [1e-3, 1e-4], 2e-5)
    assert complete(seen(steps, rates)).parameters == {
        "peak": 1e-3, "factor": 0.1, "final": 2e-5, "milestones": [300, 500],
    }  # fmt: skip


@pytest.mark.parametrize(("warmup", "timescale"), [(0, 1000), (100, 100), (100, 10_000)])
def test_inverse_sqrt_with_a_timescale(warmup: int, timescale: int) -> None:
    """As transformers has it: sqrt(timescale / (step + timescale - warmup))."""
    step = np.arange(0, 4000, 20)
    rate = 3e-4 * np.sqrt(timescale / np.maximum(step + timescale - warmup, 1))
    rate = np.where(step < warmup, 3e-4 * step / max(warmup, 1), rate)
    found = complete(seen(step, rate))
    assert found.family == "inverse-sqrt"
    assert found.parameters.get("timescale", found.parameters["warmup"]) == timescale
    assert np.allclose(found.schedule(step), rate, rtol=1e-9)


def test_one_cycle_with_its_peak_between_two_steps() -> None:
    """As torch steps OneCycleLR(max_lr=0.01, total_steps=1003): up to 0.3 * 1003 - 1, then down to 1002."""
    top, last, step = 0.3 * 1003 - 1, 1002, np.arange(0, 1003, 3)
    rise = 4e-4 + (0.01 - 4e-4) * (1 - np.cos(np.pi * step / top)) / 2
    fall = 4e-8 + (0.01 - 4e-8) * (1 + np.cos(np.pi * (step - top) / (last - top))) / 2
    rate = np.where(step <= top, rise, fall)
    found = complete(seen(step, rate))
    assert found.family == "one-cycle"
    assert (found.parameters["warmup"], found.parameters["horizon"]) == (pytest.approx(top), last)


def test_the_rows_at_which_the_print_changes_tell_all() -> None:
    rows = logged(Truth("cosine", 3e-4, 100, 5000), range(1, 5001), "6 decimals")
    many = rows.changing()
    assert len(many) < len(rows) / 5
    assert complete(many).parameters == complete(rows).parameters
