"""How checks are run and what they say: results, errors, expected failures, and one pytest test for each."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import lrsched
from lrsched.schedule import Piece
from lrsched.schedules import named as shapes
from lrsched.testing import CHECKS, ScheduleCheckError, check_schedule, parametrize_with_checks, subject
from lrsched.trainers.darknet import Poly, Steps
from tests.testing.broken import falling

ROOT = Path(lrsched.__file__).parent.parent


def negative(t: int) -> float:
    return 0.1 if t < 7 else -0.1


def test_all_failures_are_raised_together_with_name_promise_and_counterexample() -> None:
    with pytest.raises(ScheduleCheckError) as caught:
        check_schedule(negative, horizon=10, milestones=[8], end=0.1)

    assert isinstance(caught.value, AssertionError)
    failed = [result.check for result in caught.value.results if result.status == "failed"]
    assert failed == ["not-negative", "reaches-end", "jumps-at-milestones-only"]
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("negative fails 3 of ")
    assert lines[1:4] == [
        "  not-negative",
        "    promise: No rate lies below 0: it would walk up the slope of the loss.",
        "    instead: the rate at iteration 7 is -0.1",
    ]


def test_an_expected_failure_is_reported_with_its_reason_and_not_raised() -> None:
    results = check_schedule(negative, horizon=10, expected_failures={"not-negative": "an ascent is wanted"})

    [result] = [result for result in results if result.status == "xfail"]
    assert (result.check, result.expected, result.iteration) == ("not-negative", "an ascent is wanted", 7)
    assert str(result) == "not-negative xfail: the rate at iteration 7 is -0.1 (expected: an ascent is wanted)"


def test_an_expected_failure_that_does_not_happen_passes() -> None:
    results = check_schedule(falling, horizon=10, expected_failures={"finite": "who knows"})

    assert {result.check: result.status for result in results}["finite"] == "passed"


def test_results_become_json() -> None:
    [result] = check_schedule(negative, horizon=10, only=["not-negative"], raises=False)

    assert json.loads(json.dumps(result.to_dict())) == {
        "check": "not-negative",
        "reason": "No rate lies below 0: it would walk up the slope of the loss.",
        "status": "failed",
        "message": "the rate at iteration 7 is -0.1",
        "iteration": 7,
        "expected": None,
    }


def test_the_error_travels_between_processes() -> None:
    with pytest.raises(ScheduleCheckError) as caught:
        check_schedule(negative, horizon=10, only=["not-negative"])

    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.results) == (str(caught.value), caught.value.results)


def test_every_check_has_a_name_and_a_reason_of_one_line() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert [check.name for check in CHECKS if not check.reason.endswith(".") and not check.reason.endswith(")")] == []


def test_the_results_come_in_the_order_of_the_checks() -> None:
    assert [result.check for result in check_schedule(falling, horizon=10)] == [check.name for check in CHECKS]
    only = [result.check for result in check_schedule(falling, horizon=10, only=["real", "answers"])]
    assert only == ["answers", "real"]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({}, ValueError, "horizon is missing"),
        ({"horizon": 0}, ValueError, r"horizon must be in \[1, "),
        ({"horizon": 1.5}, TypeError, "horizon must be a whole number, got 1.5"),
        ({"horizon": True}, TypeError, "horizon must be a whole number, got True"),
        ({"horizon": 9, "warmup": 10}, ValueError, r"warmup must be in \[0, 9\], got 10"),
        ({"horizon": 9, "peak": "0.1"}, TypeError, "peak must be a number, got '0.1'"),
        ({"horizon": 9, "end": float("nan")}, ValueError, "end must be a finite number, got nan"),
        ({"horizon": 9, "max_jump": -1}, ValueError, "max_jump must not be negative"),
        ({"horizon": 9, "pieces": [(0, 5), (5, 9)]}, ValueError, "pieces must be ascending and not overlap"),
        ({"horizon": 9, "pieces": [(5, 4)]}, ValueError, "pieces must not end before it begins"),
        ({"horizon": 9, "pieces": [5]}, TypeError, r"pieces must be given as \(first, last\), got 5"),
        ({"horizon": 9, "after": "rises"}, ValueError, 'after must be "stays" or "falls", got \'rises\''),
        ({"horizon": 9, "make": 3}, TypeError, "make must be callable with a horizon, got int"),
        ({"horizon": 9, "warm_up": 3}, TypeError, "warm_up"),
        (
            {"horizon": 9, "expected_failures": {"finit": ""}},
            ValueError,
            "expected_failures: no check is called 'finit'; write 'finite'",
        ),
        ({"horizon": 9, "only": ["xyz"]}, ValueError, "only: no check is called 'xyz'; write one of answers, "),
    ],
)
def test_a_promise_that_makes_no_sense_is_refused(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_schedule(falling, **given)


def test_only_what_can_be_called_is_checked() -> None:
    with pytest.raises(TypeError, match="must be callable with an iteration, got int"):
        check_schedule(3, horizon=9)
    with pytest.raises(TypeError, match="give an instance of Poly, not the class"):
        check_schedule(Poly, horizon=9)


def test_a_schedule_states_its_horizon_milestones_and_pieces_itself() -> None:
    steps = Steps(learning_rate=0.1, max_batches=100, steps=(50, 80), scales=(0.1, 0.1))
    declared = subject(steps).declared

    assert (declared.horizon, declared.milestones) == (100, (50, 80))
    assert declared.pieces == (Piece(0, 49), Piece(50, 79), Piece(80, 100))
    assert subject(steps, milestones=[3]).declared.milestones == (3,)


def test_a_subject_has_its_promises_already() -> None:
    asked = subject(falling, horizon=10, name="mine")

    assert subject(asked) is asked
    assert asked.name == "mine"
    with pytest.raises(TypeError, match="has its promises already"):
        check_schedule(asked, horizon=9)


@parametrize_with_checks([shapes.cosine(peak=0.1, horizon=100, warmup=10), Poly(learning_rate=0.1, max_batches=50)])
def test_our_own_as_pytest_tests(schedule: Any, check: Any) -> None:
    check(schedule)


def test_pytest_shows_failures_expected_failures_and_readable_ids(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        textwrap.dedent(
            """
            from lrsched.testing import parametrize_with_checks, subject

            def falling(t):
                return 0.1 * (1 - t / 200)

            def negative(t):
                return 0.1 if t < 7 else -0.1

            @parametrize_with_checks(
                [falling, subject(negative, horizon=20, end=-0.1)],
                horizon=10,
                peak=0.1,
                expected_failures={"reaches-peak": "never", "not-negative": "an ascent is wanted"},
            )
            def test_mine(schedule, check):
                check(schedule)

            @parametrize_with_checks([negative], horizon=10)
            def test_bad(schedule, check):
                check(schedule)
            """
        ),
        "utf-8",
    )
    options = ["-q", "-rA", "--strict-markers", "-p", "no:cacheprovider", "-o", "xfail_strict=true", "-c", "none.ini"]
    (tmp_path / "none.ini").write_text("[pytest]\n", "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_mine.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )

    assert "PASSED test_mine.py::test_mine[falling-finite]" in run.stdout
    assert "PASSED test_mine.py::test_mine[negative-reaches-end]" in run.stdout
    assert "test_mine[negative-reaches-peak]" not in run.stdout
    # an expected failure that passes is no failure, even where xfail is strict
    assert "XPASS test_mine.py::test_mine[falling-reaches-peak]" in run.stdout
    assert "XFAIL test_mine.py::test_mine[negative-not-negative]" in run.stdout
    assert "FAILED test_mine.py::test_bad[negative-not-negative]" in run.stdout
    assert "instead: the rate at iteration 7 is -0.1" in run.stdout
    assert "1 failed" in run.stdout


def test_checking_loads_neither_pytest_nor_hypothesis() -> None:
    code = textwrap.dedent(
        """
        import sys
        from lrsched.testing import check_schedule
        check_schedule(lambda t: 0.1, horizon=10)
        print(*sorted({"pytest", "hypothesis", "matplotlib"} & set(sys.modules)))
        """
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == ""
