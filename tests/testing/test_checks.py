"""Every check finds its fault, at the first iteration where it shows, and finds none in sound schedules."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrsched.schedule import Schedule
from lrsched.testing import CHECKS, check_schedule, schedules
from tests.testing.broken import BROKEN, HORIZON, SOUND, Case, failed, falling


def check(function: Any, horizon: int = HORIZON, **expected: Any) -> dict[str, int | None]:
    return failed(check_schedule(function, horizon=horizon, raises=False, **expected))


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.check)
def test_a_fault_is_found_by_its_check_and_by_no_other(case: Case) -> None:
    found = check(case.function, **case.expected)

    assert list(found) == [case.check]
    if case.iteration is not None:
        assert found[case.check] == case.iteration


def test_every_check_has_a_broken_schedule() -> None:
    assert {case.check for case in BROKEN} == {each.name for each in CHECKS}


@pytest.mark.parametrize("case", SOUND)
def test_sound_schedules_pass(case: Case) -> None:
    assert check(case.function, **case.expected) == {}


@given(schedules(max_horizon=2000))
@settings(max_examples=30)
def test_our_own_schedules_pass(schedule: Schedule) -> None:
    # a rate of 0 is no fault of a schedule whose parameters ask for it
    assert failed(check_schedule(schedule, raises=False)).keys() <= {"not-stuck-at-zero"}


@given(data=st.data(), horizon=st.sampled_from([1, 2, 77, 5000, 10**5]), power=st.sampled_from([-1, -2.0, -0.5]))
@settings(max_examples=40, deadline=None)
def test_a_pole_is_found_wherever_it_lies(data: st.DataObject, horizon: int, power: float) -> None:
    at = data.draw(st.integers(0, horizon) | st.sampled_from([0, horizon]))

    def pole(t: Any) -> Any:
        return 0.1 * abs(t - at * 1.0) ** power

    def not_taken_by_arrays(t: Any) -> Any:
        return np.where(np.equal(t, at), 0.1, pole(t))

    def for_ints_only(t: int) -> float:
        return 0.1 / math.sin(t - at) ** 2

    assert check(pole, horizon)["finite"] == at
    assert check(not_taken_by_arrays, horizon)["arrays-agree"] == at
    if horizon < 10**5:
        assert check(for_ints_only, horizon)["one-real-number"] == at


@pytest.mark.parametrize(
    ("fault", "expected", "within"),
    [
        (1_234_567_891, {"decay": 0}, 2000),
        (1_234_567_890, {"milestones": [5, 1_234_567_891]}, 0),
    ],
)
def test_in_very_long_runs_a_fault_is_found_between_two_of_the_iterations_that_are_looked_at_and_all_beside_milestones(
    fault: int, expected: Any, within: int
) -> None:
    def rises(t: Any) -> Any:
        return np.where(np.less(t, fault), 0.1, 0.2)

    [found] = check(rises, 2_000_000_000, **expected, only=["decay", "jumps"]).values()

    assert 0 <= (found or 0) - fault <= within


def test_a_peak_that_may_lie_between_the_iterations_that_are_looked_at_is_not_missed() -> None:
    def sharp(t: Any) -> Any:
        return np.where(np.equal(t, 1_234_567_891), 1.0, 0.1)

    [result] = check_schedule(sharp, horizon=2_000_000_000, peak=1.0, only=["peak"])

    assert (result.status, result.why.partition(";")[0]) == (
        "skipped", "the peak may lie between the iterations that were looked at"
    )  # fmt: skip


def test_a_function_that_takes_no_arrays_is_called_once_per_iteration_and_a_few_times_more() -> None:
    asked: list[Any] = []
    results = check_schedule(lambda t: asked.append(t) or (0.1 if t < 50 else 0.01), horizon=HORIZON, after="stays")  # type: ignore[func-returns-value]

    assert set(range(HORIZON + 1)) <= {each for each in asked if isinstance(each, int)}
    assert len(asked) < 500
    assert any("takes no arrays" in result.why for result in results if result.check == "arrays-agree")


class NotPacked:
    def __call__(self, t: Any) -> Any:
        return falling(t)

    def __getstate__(self) -> Any:
        raise RecursionError("maximum recursion depth exceeded")


def runs_out_of_memory(t: Any) -> Any:
    return falling(t) if np.size(t) < 50 else np.empty(2**62)


@pytest.mark.parametrize(("function", "found"), [(runs_out_of_memory, "arrays-agree"), (NotPacked(), "pickles")])
def test_whatever_a_schedule_raises_is_a_failed_check(function: Any, found: str) -> None:
    assert check(function, picklable=True) == {found: None}


def test_checks_that_take_long_are_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timeit.repeat", lambda *_, **__: [0.05])
    said: list[str] = []
    check_schedule(lambda t: 0.1 if t < 50 else 0.01, horizon=99, progress=said.append)
    # 100 iterations, and 2 * 6 calls for each of 16 probes
    assert said == ["the checks will take about 15 s (292 calls of 0.05 s); budget=SECONDS looks at fewer"]


def test_slow_functions_are_announced_and_kept_within_a_budget() -> None:
    said: list[str] = []
    asked: list[int] = []

    def slow(t: int) -> float:
        time.sleep(0.01)
        asked.append(t)
        return 0.1 * (1 - int(t) / 200_000)

    results = check_schedule(slow, horizon=100_000, final=0.05, budget=0.4, progress=said.append)

    assert failed(results) == {}
    assert len(asked) < 100
    assert len(said) == 1
    assert "of 100001 iterations" in said[0]
    assert {0, 100_000} <= {each for each in asked if isinstance(each, int)}
