"""How checks are run and what they say: results, errors, expected failures, and one pytest test for each."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lrsched.testing import CHECKS, ScheduleCheckError, check_schedule, parametrize_with_checks
from lrsched.testing.subject import subject
from lrsched.trainers.darknet import Poly, Steps, read_cfg
from tests.testing.broken import falling

ROOT = Path(__file__).parents[2]


def negative(t: int) -> float:
    return 0.1 if t < 7 else -0.1


def test_all_failures_are_raised_together_with_what_was_expected_and_got() -> None:
    with pytest.raises(ScheduleCheckError) as caught:
        check_schedule(negative, horizon=10, milestones=[8], final=0.1)

    assert isinstance(caught.value, AssertionError)
    failed = [result.check for result in caught.value.results if result.status == "failed"]
    assert failed == ["not-negative", "final-rate", "jumps"]
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["negative fails 3 of 9 checks", "  not-negative"]
    assert lines[2].startswith("    expected: No rate is below 0")
    assert lines[3] == "    got: the rate at iteration 7 is -0.1"
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.results) == (str(caught.value), caught.value.results)


def test_an_expected_failure_is_reported_with_its_reason_and_not_raised() -> None:
    results = check_schedule(negative, horizon=10, expected_failures={"not-negative": "an ascent is wanted"})

    [result] = [result for result in results if result.status == "xfail"]
    assert (result.check, result.iteration) == ("not-negative", 7)
    assert json.loads(json.dumps(result.to_dict()))["status"] == "xfail"
    assert "an ascent is wanted" in str(result)
    assert all(
        result.status != "xfail" for result in check_schedule(falling, horizon=9, expected_failures={"peak": ""})
    )


def test_every_check_has_a_name_and_one_line_on_what_it_expects() -> None:
    names = [result.check for result in check_schedule(falling, horizon=10)]

    assert sorted(set(names)) == sorted(check.name for check in CHECKS)
    assert [check.name for check in CHECKS if not re.fullmatch(r"[A-Z][^\n]+[.)]", check.expected)] == []


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({}, ValueError, "horizon is missing"),
        ({"horizon": 0}, ValueError, "horizon must be a whole number from 1 to "),
        ({"horizon": 1.5}, TypeError, "horizon must be a whole number.*, got 1.5"),
        ({"horizon": True}, TypeError, "horizon must be a whole number.*, got True"),
        ({"horizon": 9, "warmup": 10}, ValueError, "warmup must be a whole number from 0 to 9, got 10"),
        ({"horizon": 9, "decay": (5, 4)}, ValueError, "decay must be a whole number from 5 to 9, got 4"),
        ({"horizon": 9, "peak": "0.1"}, TypeError, "peak must be a number, got '0.1'"),
        ({"horizon": 9, "final": float("nan")}, ValueError, "final must be a number.*, got nan"),
        ({"horizon": 9, "max_jump": -1}, ValueError, "max_jump must be a number of at least 0, got -1"),
        ({"horizon": 9, "after": "rises"}, ValueError, "after must be"),
        ({"horizon": 9, "warm_up": 3}, TypeError, "'warm_up' is not an expectation; did you mean 'warmup'?"),
        ({"horizon": 9, "xyz": 3}, TypeError, "'xyz' is not an expectation; write one of horizon, warmup, "),
        ({"horizon": 9, "expected_failures": {"finit": ""}}, ValueError, "no check is called 'finit'; did you mean"),
        ({"horizon": 9, "only": ["xyz"]}, ValueError, "no check is called 'xyz'; write one of one-real-number, "),
    ],
)
def test_an_expectation_that_makes_no_sense_is_refused(
    given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check_schedule(falling, **given)


def test_one_door_a_path_a_cfg_or_a_schedule(tmp_path: Path) -> None:
    path = tmp_path / "short.cfg"
    path.write_text("[net]\npolicy=poly\nlearning_rate=0.1\nmax_batches=2000\nburn_in=100\n", "utf-8")

    from_path, from_net, from_schedule = (
        check_schedule(each, raises=False) for each in (path, read_cfg(path), read_cfg(path).schedule())
    )

    assert from_path == from_net == from_schedule
    with pytest.raises(TypeError, match="got int"):
        check_schedule(3, horizon=9)
    with pytest.raises(TypeError, match="give an instance of Poly, not the class"):
        check_schedule(Poly, horizon=9)


def test_a_schedule_says_its_horizon_and_milestones_itself() -> None:
    steps = Steps(learning_rate=0.1, max_batches=100, steps=(50, 80), scales=(0.1, 0.1))

    assert (subject(steps, {}).horizon, subject(steps, {}).expected.milestones) == (100, (50, 80))
    assert subject(steps, {"milestones": [3], "horizon": 7}).expected.milestones == (3,)


@parametrize_with_checks([Poly(learning_rate=0.1, max_batches=50), (falling, {"horizon": 9, "peak": 0.1})])
def test_our_own_as_pytest_tests(schedule: Any, check: Any) -> None:
    check(schedule)


def test_pytest_shows_failures_expected_failures_and_readable_ids(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from lrsched.testing import parametrize_with_checks
        from tests.testing.broken import falling
        from tests.testing.test_functions import negative

        @parametrize_with_checks(
            [falling, (negative, dict(horizon=20, final=-0.1))],
            horizon=10,
            expected_failures={"finite": "never", "not-negative": "an ascent is wanted"},
        )
        def test_mine(schedule, check):
            check(schedule)

        @parametrize_with_checks([negative], horizon=10)
        def test_bad(schedule, check):
            check(schedule)
        """
    )
    # an expected failure that passes is no failure, even where xfail is strict
    run = pytester.runpytest_inprocess("-rA", "-p", "no:cacheprovider", "-o", "xfail_strict=true")

    said = re.findall(r"^([A-Z]+) \S+::(\S+\])", str(run.stdout), re.MULTILINE)
    assert {
        ("PASSED", "test_mine[falling-one-real-number]"),
        ("PASSED", "test_mine[negative-final-rate]"),
        ("XPASS", "test_mine[falling-finite]"),
        ("XFAIL", "test_mine[negative-not-negative]"),
        ("FAILED", "test_bad[negative-not-negative]"),
    } < set(said)
    assert "got: the rate at iteration 7 is -0.1" in str(run.stdout)
    assert "falling-final-rate" not in str(run.stdout)


def test_checking_loads_neither_pytest_nor_hypothesis() -> None:
    code = """if True:
        import sys
        from lrsched.testing import check_schedule
        check_schedule(lambda t: 0.1, horizon=10)
        print(*sorted({"pytest", "hypothesis", "matplotlib"} & set(sys.modules)))
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.split() == []
