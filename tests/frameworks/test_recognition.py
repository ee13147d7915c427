"""Listed rates become the named schedule that has them all, or a table of them."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lrsched import as_schedule, plan, schedules
from lrsched.convert import from_table
from lrsched.schedule import Schedule

NAMED: dict[str, list[float]] = {
    "cosine(peak=0.1, horizon=50, warmup=10)": [
        0.1 * t / 10 if t < 10 else 0.1 * (1 + math.cos(math.pi * (t - 10) / 40)) / 2 for t in range(51)
    ],
    "linear(peak=0.1, horizon=40, final=0.01)": [0.1 - 0.09 * t / 40 for t in range(41)],
    "step(peak=0.1, every=7, horizon=60)": [0.1 * 0.1 ** (t // 7) for t in range(61)],
    "step(peak=0.1, every=1, factor=0.95, horizon=40)": [0.1 * 0.95**t for t in range(41)],
    "constant(0.3)": [0.3] * 9,
}


@pytest.mark.parametrize("expected", NAMED)
def test_rates_of_a_formula_become_the_named_schedule(expected: str) -> None:
    assert repr(from_table(NAMED[expected])) == expected


def test_what_only_has_an_optimizer_is_not_a_scheduler() -> None:
    with pytest.raises(TypeError, match="a schedule must be a path, a config"):
        as_schedule(SimpleNamespace(optimizer=None))


@pytest.mark.parametrize("text", list(NAMED)[:4])
def test_one_rate_that_is_off_by_a_little_makes_a_table_with_exactly_these_rates(text: str) -> None:
    rates = list(NAMED[text])
    rates[5] *= 1 + 1e-10

    found = from_table(rates)

    assert isinstance(found, schedules.Named)
    assert found.name == "table"
    assert found(range(len(rates))).tolist() == rates


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "got nothing"),
        ([[1, 2, 3]], "got an array of shape (1, 3)"),
        (["a"], "got ['a']"),
        ([0.1, math.nan], "entry 1 is nan"),
        ([0.1, 0.2, -1], "entry 2 is -1"),
        ([(0, 0.1), (0.5, 0.2)], "an iteration must be a whole number, but entry 1 is 0.5"),
        ([(3, 0.1), (1, 0.2)], "iterations must be ascending"),
    ],
)
def test_what_is_no_table_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match="table") as error:
        from_table(given)
    assert said in str(error.value)


def test_a_list_of_rates_is_a_schedule_wherever_one_is_taken() -> None:
    assert repr(as_schedule([0.1, 0.1, 0.05, 0.05, 0.025])) == "step(peak=0.1, every=2, factor=0.5, horizon=4)"
    assert plan(np.linspace(1, 0, 41)).run.last == 40
    with pytest.raises(ValueError, match="give a list of rates"):
        as_schedule(["a.cfg"])


def test_columns_of_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("step, lr, loss\n0, 0.1, 3\n10, 0.2, \n", "utf-8")

    found = from_table(path, rate="lr", iteration="step")

    assert found([0, 5, 10]).round(9).tolist() == [0.1, 0.15, 0.2]
    with pytest.raises(ValueError, match=r"rates\.csv: there is no column 'rate'; it has step, lr and loss"):
        from_table(path)
    with pytest.raises(ValueError, match=r"rates\.csv: there is no column 'stop'; did you mean 'step'"):
        from_table(path, rate="lr", iteration="stop")
    with pytest.raises(ValueError, match=r"rates\.csv:3: loss is not a number: ''"):
        from_table(path, rate="loss")
    path.write_bytes(b"rate\n\xff\n")
    with pytest.raises(ValueError, match=r"rates\.csv: this is not a CSV: 'utf-8' codec can't decode byte 0xff"):
        from_table(path)


def test_a_long_table_is_written_in_short_but_its_repr_makes_it_again() -> None:
    rates = np.random.default_rng(0).random(1000)

    found: Schedule = from_table(rates)

    assert len(str(found)) < 200
    assert len(found.caption) < 200
    assert eval(repr(found), dict(schedules.NAMED)) == found
