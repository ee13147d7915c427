"""The benchmarks run, measure every policy and compare like with like; how long things take is not asserted."""

import array
import json
import math
import shutil

import numpy as np
import pytest

from lrsched.trainers.darknet import POLICIES
from tests.benchmarks import plan, rates, startup, timing
from tests.benchmarks.rivals import numpy_expression, python_loop

ITERATIONS = 30_000
HAS_COMPILER = shutil.which("cc") is not None
KEYS = {policy.KEY for policy in POLICIES}


def identity(case: rates.Case) -> str:
    return f"{case.net.policy} {case.parameters}"


def test_rates_measures_every_policy_and_finds_the_bits_of_the_c_loop(capsys: pytest.CaptureFixture[str]) -> None:
    rates.main(["--iterations", str(ITERATIONS), "--rounds", "1", "--json"])

    document = json.loads(capsys.readouterr().out)
    rows = document["rows"]
    assert document["iterations"] == ITERATIONS
    assert {row["policy"] for row in rows} == KEYS
    assert [row["differing_bits"] for row in rows] == [0 if HAS_COMPILER else None] * len(rows)
    assert [row["c_ratio"] is not None for row in rows] == [HAS_COMPILER] * len(rows)
    assert all(row["ns_per_iteration"] > 0 and row["python_ratio"] > 0 and row["numpy_ratio"] > 0 for row in rows)


def test_rates_without_a_compiler_says_so_and_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    assert rates.main(["--iterations", "2000", "--rounds", "1"]) == 0

    captured = capsys.readouterr()
    assert "no C compiler" in captured.err
    lines = captured.out.splitlines()
    for case in rates.cases(2000):
        [line] = [line for line in lines if line.startswith(case.net.policy) and case.parameters in line]
        assert line.endswith("-")


def test_the_exit_status_tells_of_a_missed_bar_and_of_differing_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    good = rates.Row(
        policy="poly",
        parameters="",
        ns_per_iteration=1.0,
        c_ratio=3.0,
        python_ratio=30.0,
        numpy_ratio=2.0,
        differing_bits=0,
        bar=2,
        reached=True,
    )
    endings = {}
    for name, row in {
        "good": good,
        "slow": rates.Row(**vars(good) | {"reached": False}),
        "wrong": rates.Row(**vars(good) | {"differing_bits": 3}),
    }.items():
        monkeypatch.setattr(rates, "measure", lambda *_, row=row: row)
        endings[name] = rates.main(["--iterations", "2000"])

    assert endings == {"good": 0, "slow": 1, "wrong": 1}


@pytest.mark.parametrize("case", rates.cases(ITERATIONS), ids=identity)
def test_the_rivals_compute_the_same_curve(case: rates.Case) -> None:
    ours = case.net.schedule().rates(0, ITERATIONS).astype(np.float64)
    loop, expression = array.array("f", bytes(4 * ITERATIONS)), np.empty(ITERATIONS)

    python_loop(case.net, range(ITERATIONS), loop)
    numpy_expression(case.net, expression)

    # a float32 gamma is off by up to 3e-8, which the iterations multiply; poly near its end is only absolutely close
    np.testing.assert_allclose(loop, ours, rtol=3e-8 * ITERATIONS, atol=1e-10)
    np.testing.assert_allclose(expression, ours, rtol=3e-8 * ITERATIONS, atol=1e-10)


def test_startup_measures_show_and_plot(capsys: pytest.CaptureFixture[str]) -> None:
    startup.main(["--rounds", "1", "--json"])

    show, plot = json.loads(capsys.readouterr().out)["rows"]
    assert show["command"].startswith("lrsched show")
    assert plot["command"].startswith("lrsched plot")
    assert (show["imports_matplotlib"], plot["imports_matplotlib"]) == (False, True)
    assert show["ratio"] > 0
    assert plot["ratio"] > 0


def test_plan_measures_every_policy_on_a_short_and_a_long_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan.main(["--rounds", "1", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert (document["short"], document["long"]) == (5_000, 2_000_000_000)
    assert {row["policy"] for row in document["rows"]} == KEYS
    assert all(row["short_milliseconds"] > 0 and row["long_milliseconds"] > 0 for row in document["rows"])


def test_interleaved_takes_turns_and_does_not_count_the_first_round() -> None:
    calls: list[str] = []

    seconds = timing.interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)

    assert calls == ["a", "b"] * 4
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}


def test_median_ratio_compares_within_rounds() -> None:
    assert math.isclose(timing.median_ratio([2.0, 30.0, 8.0], [1.0, 10.0, 2.0]), 3.0)


@pytest.mark.parametrize(
    ("number", "text"), [(None, "-"), (0.2049, "0.20x"), (2.639, "2.64x"), (60.72, "60.7x"), (2014.3, "2014x")]
)
def test_shown_keeps_a_few_digits(number: float | None, text: str) -> None:
    assert timing.shown(number, "x" if number is not None else "") == text


def test_table_aligns_columns() -> None:
    assert timing.table(["name", "ms"], [["a", "1.5"], ["longer", "12"]]) == (
        "name     ms\n------  ---\na       1.5\nlonger   12"
    )
