"""Every check finds the one fault it is there for, says where, and is silent about sound schedules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from lrsched.schedule import Schedule
from lrsched.schedules import named as shapes
from lrsched.sources import as_schedule
from lrsched.testing import CHECKS, Result, check_schedule, schedules
from lrsched.trainers.darknet import BurnIn, Constant, Exp, Poly, Random, Sgdr, Sigmoid, Step, Steps
from tests.testing.broken import BROKEN, HORIZON, SOUND, Case, falling

SLOW = {"same-in-every-process"}


def failed(results: list[Result]) -> dict[str, int | None]:
    return {result.check: result.iteration for result in results if result.status == "failed"}


def identity(case: Case) -> str:
    name = getattr(case.function, "__name__", type(case.function).__name__)
    return f"{case.check}-{name}-{'-'.join(case.promises)}"


@pytest.mark.parametrize("case", BROKEN, ids=identity)
def test_a_fault_is_found_by_its_check_and_by_no_other(case: Case) -> None:
    results = check_schedule(case.function, horizon=HORIZON, raises=False, **case.promises)

    assert failed(results).keys() == {case.check}
    if case.iteration is not None:
        assert failed(results) == {case.check: case.iteration}


def test_there_is_a_broken_schedule_for_every_check() -> None:
    assert {case.check for case in BROKEN} == {check.name for check in CHECKS}


@pytest.mark.parametrize("case", SOUND, ids=identity)
def test_a_sound_function_passes_all_that_is_promised(case: Case) -> None:
    results = check_schedule(case.function, horizon=HORIZON, **case.promises)

    needed = {check.name: check.needs for check in CHECKS}
    passed = {result.check for result in results if result.status == "passed"}
    assert {name for name, needs in needed.items() if set(needs) & set(case.promises)} <= passed
    assert {"answers", "finite", "real", "pure", "not-negative", "no-overflow"} <= passed


OWN: list[Schedule] = [
    Poly(learning_rate=0.01, max_batches=500_200, power=4.0),
    BurnIn(then=Poly(learning_rate=0.1, max_batches=10_000, power=2.5), burn_in=300),
    BurnIn(
        then=Steps(learning_rate=0.001, max_batches=500_200, steps=(400_000, 450_000), scales=(0.1, 0.1)), burn_in=9
    ),
    Step(learning_rate=0.1, max_batches=10_000, step=7, scale=0.999),
    Exp(learning_rate=0.1, max_batches=10_000, gamma=0.9995),
    Sigmoid(learning_rate=0.1, max_batches=10_000, gamma=0.002, step=5000),
    Sgdr(learning_rate=0.1, max_batches=10_000, sgdr_cycle=1000, sgdr_mult=1),
    Sgdr(learning_rate=0.1, max_batches=10_000, sgdr_cycle=100, sgdr_mult=2),
    Constant(learning_rate=0.1, max_batches=3),
    Random(learning_rate=0.1, max_batches=1),
    Poly(learning_rate=0.1, max_batches=2_000_000_000, power=1.0),
    shapes.cosine(peak=0.1, horizon=10_000, warmup=500, end=0.001),
    shapes.warmup_stable_decay(peak=0.1, horizon=1000, warmup=10, decay=100, form="root"),
    shapes.cosine_with_restarts(peak=0.1, cycle=10, cycles=3, mult=2, end=0.01),
    shapes.cyclic(low=0.001, high=0.006, up=20, cycles=4),
]


@pytest.mark.parametrize("schedule", OWN, ids=repr)
def test_our_own_schedules_pass_and_every_check_they_can_be_asked_is_judged(schedule: Schedule) -> None:
    results = check_schedule(schedule)

    skipped = {result.check: result.message for result in results if result.status == "skipped"}
    assert {message.partition(":")[0] for message in skipped.values()} == {"not declared"}
    assert not {"pieces-have-one-direction", "jumps-at-milestones-only", "pickles"} & skipped.keys()


@pytest.mark.parametrize("peak_at", [99, 101])
def test_a_warmup_that_ends_one_early_or_one_late_is_found(peak_at: int) -> None:
    late = shapes.cosine(peak=0.1, horizon=1000, warmup=peak_at)
    right = shapes.cosine(peak=0.1, horizon=1000, warmup=100)

    assert failed(check_schedule(right, warmup=100, peak=0.1, raises=False)) == {}
    assert failed(check_schedule(late, warmup=100, peak=0.1, raises=False, only=["reaches-peak"])) == {
        "reaches-peak": peak_at
    }


@given(schedules(max_horizon=3_000))
@settings(max_examples=40)
def test_any_schedule_we_offer_passes(schedule: Schedule) -> None:
    # a drawn policy may be 0 for most of its run, and one process a schedule is enough elsewhere
    silent = {"not-stuck-at-zero"} | SLOW
    assert failed(check_schedule(schedule, raises=False, only=[c.name for c in CHECKS if c.name not in silent])) == {}


@given(schedules(max_horizon=400))
@settings(max_examples=25)
def test_a_schedule_passed_as_a_plain_function_raises_no_false_alarm(schedule: Schedule) -> None:
    horizon = schedule.horizon or 1
    results = check_schedule(lambda t: float(schedule(t)), horizon=horizon, raises=False)
    assert failed(results).keys() <= {"not-stuck-at-zero"}


def test_what_is_not_promised_is_not_judged() -> None:
    results = check_schedule(falling, horizon=HORIZON)

    told = {result.check: result.message for result in results if result.status == "skipped"}
    assert told == {check.name: f"not declared: {' or '.join(check.needs)}" for check in CHECKS if check.needs}


def test_a_function_that_takes_no_arrays_is_called_once_per_iteration() -> None:
    asked: list[int] = []

    def counted(t: int) -> float:
        asked.append(t)
        return 0.1 if t < 50 else 0.01

    results = {result.check: result for result in check_schedule(counted, horizon=HORIZON)}

    assert set(range(HORIZON + 1)) <= {each for each in asked if isinstance(each, int)}
    assert results["scalar-is-array"].status == "skipped"
    assert "takes no arrays" in results["scalar-is-array"].message


def test_the_smallest_array_that_shows_a_fault_is_told() -> None:
    def counted_from_the_first(t: Any) -> Any:
        since = np.asarray(t) - np.min(np.asarray(t))
        return 0.1 * (1 - since / 200) if np.ndim(np.asarray(t)) else 0.1 * (1 - np.asarray(t) / 200)

    [result] = check_schedule(counted_from_the_first, horizon=1000, only=["scalar-is-array"], raises=False)

    assert result.status == "failed"
    assert "in the array [" in result.message
    assert "of 1 it is 0.1" in result.message


def test_neighbours_are_found_between_the_windows_of_a_very_long_run() -> None:
    fault = 1_234_567_891

    def late_rise(t: Any) -> Any:
        return np.where(np.less(t, fault), 0.1, 0.2) * np.ones(np.shape(np.asarray(t)))

    horizon = 2_000_000_000
    falls = check_schedule(late_rise, horizon=horizon, decay=0, only=["decay-falls"], raises=False)
    jumps = check_schedule(late_rise, horizon=horizon, max_jump=0.0, only=["jumps-at-milestones-only"], raises=False)

    pieces = [(0, 1_200_000_000), (1_200_000_001, horizon)]

    def turns_late(t: Any) -> Any:
        return np.abs(np.subtract(t, fault)) / horizon

    turned = check_schedule(
        turns_late, horizon=horizon, pieces=pieces, only=["pieces-have-one-direction"], raises=False
    )

    assert failed(falls) == {"decay-falls": fault}
    assert failed(turned) == {"pieces-have-one-direction": fault + 1}
    assert failed(jumps) == {"jumps-at-milestones-only": fault}


def test_a_function_inside_as_schedule_is_judged_as_the_function_it_is() -> None:
    results = check_schedule(as_schedule(lambda t: 0.1 if t <= 50 else 0.01, horizon=HORIZON))

    told = {result.check: result.message for result in results}
    assert told["jumps-at-milestones-only"] == "not declared: max_jump or milestones"
    assert "takes no arrays" in told["scalar-is-array"]


def test_a_function_that_cannot_be_pickled_is_not_blamed_for_it() -> None:
    results = {result.check: result for result in check_schedule(lambda t: 0.1 - t * 1e-6, horizon=HORIZON)}

    for check in ("pickles", "same-in-every-process"):
        assert results[check].status == "skipped"
        assert "it cannot be pickled" in results[check].message


def test_strict_decays_have_no_two_neighbours_alike() -> None:
    def coarse(t: int) -> float:
        return float(np.float16(0.1 * (1 - t / 10_000)))

    assert failed(check_schedule(coarse, horizon=1000, decay=0, raises=False)) == {}
    assert failed(check_schedule(coarse, horizon=1000, decay=0, strict=True, raises=False)) == {"decay-falls": 1}
