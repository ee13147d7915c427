"""Schedules as JSON and back."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrsched import schedule
from lrsched.schedule import FunctionSchedule, Piece, Schedule
from lrsched.schedules import combinators as algebra
from lrsched.schedules import named as shapes
from lrsched.schedules.combinators import scaled, then
from lrsched.schedules.named import cosine, linear
from lrsched.serialize import from_dict, to_dict
from lrsched.sources import as_schedule
from lrsched.trainers import darknet
from lrsched.trainers.darknet import DIALECTS, Constant, Poly
from tests.schedules.composites import drawn_shapes, harmonic
from tests.strategies import Run, runs

EVERY_NAME = {name: getattr(module, name) for module in (darknet, algebra, shapes) for name in module.__all__}


def through_json(value: Schedule) -> Schedule:
    return from_dict(json.loads(json.dumps(to_dict(value), allow_nan=False)))


@given(run=runs())
def test_any_policy_comes_back(run: Run) -> None:
    again = through_json(run.schedule)
    assert repr(again) == repr(run.schedule)
    assert type(again) is type(run.schedule)


@settings(deadline=None)
@given(shape=drawn_shapes(), arithmetic=st.sampled_from([dialect.arithmetic for dialect in DIALECTS]))
def test_shapes_and_their_composites_come_back(shape: Schedule, arithmetic: Any) -> None:
    whole = then(shape, Constant(learning_rate=0.1, arithmetic=arithmetic), at=[5], count_from="zero")
    assert through_json(shape) == shape
    assert through_json(whole) == whole
    assert eval(repr(whole), dict(EVERY_NAME)) == whole


def test_the_form_is_stable() -> None:
    run = then(linear(start=0, end=0.1, horizon=10), harmonic, at=[10], count_from="zero")
    assert to_dict(run) == {
        "kind": "Then",
        "schedules": [
            {"kind": "Linear", "start": 0.0, "end": 0.1, "horizon": 10},
            {"kind": "Imported", "path": "tests.factories:harmonic", "end": None},
        ],
        "at": [10],
        "count_from": "zero",
    }


def test_numbers_that_are_not_finite_are_text() -> None:
    stored = to_dict(Constant(learning_rate=-math.inf))
    assert stored["learning_rate"] == "-inf"
    assert from_dict(stored) == Constant(learning_rate=-math.inf)
    assert math.isnan(through_json(Constant(learning_rate=math.nan)).learning_rate)  # type: ignore[attr-defined]
    assert to_dict(Poly(learning_rate=np.float32(0.5)))["learning_rate"] == 0.5  # type: ignore[arg-type]


def test_a_function_is_stored_by_its_name() -> None:
    named = as_schedule(harmonic, horizon=9)
    assert isinstance(named, FunctionSchedule)
    assert to_dict(named) == {"kind": "FunctionSchedule", "function": "tests.factories:harmonic", "end": 9}
    assert through_json(named) == named


@pytest.mark.parametrize("local", [False, True])
def test_a_function_without_a_name_is_refused(local: bool) -> None:
    def inner(t: Any) -> Any:
        return 0.1 / (t + 1)

    with pytest.raises(ValueError, match=r"Scaled\.schedule\.function: .* not a lambda or a local one"):
        to_dict(scaled(inner if local else lambda t: 0.1, 2))


@dataclass(frozen=True, kw_only=True, repr=False)
class Mine(Schedule):
    """A schedule of a user's own."""

    level: float
    inner: Schedule | None = None

    @property
    def horizon(self) -> int | None:
        return None

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter(())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return (Piece(first, last),)

    def _fill(self, first: int, out: Any) -> None:
        out.fill(self.level)

    def _gather(self, iterations: Any, out: Any) -> None:
        out.fill(self.level)


def test_a_schedule_of_ones_own_is_stored_by_its_name() -> None:
    run = scaled(Mine(level=0.5, inner=cosine(peak=0.1, horizon=9)), 2)
    stored = to_dict(run)
    assert stored["schedule"]["kind"] == f"{Mine.__module__}:Mine"
    assert through_json(run) == run


GOOD = {"kind": "Linear", "start": 0.1, "end": 0.0, "horizon": 10}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "a dictionary with the key 'kind'"),
        ({}, "'kind' must name a schedule, got None"),
        ({"kind": "Linnear"}, "did you mean 'Linear'"),
        ({"kind": "Zzz"}, "known are"),
        (GOOD | {"horizn": 1}, "no field 'horizn'; did you mean 'horizon'"),
        ({"kind": "Linear", "start": 0.1}, "needs the field 'horizon'"),
        (GOOD | {"horizon": 10.5}, "horizon: a whole number is needed, got 10.5"),
        (GOOD | {"horizon": True}, "horizon: a whole number is needed, got True"),
        (GOOD | {"horizon": 0}, "horizon must be in"),
        (GOOD | {"start": "0.1"}, "start: a number is needed"),
        (GOOD | {"start": "nan"}, "start must be a finite number"),
        ({"kind": "Scaled", "by": 2.0, "schedule": GOOD | {"start": None}}, "schedule.start: a number is needed"),
        ({"kind": "Scaled", "by": 2.0, "schedule": {"kind": "Arithmetic"}}, "schedule: a Schedule is needed"),
        ({"kind": "Times", "schedules": [GOOD, 3]}, r"schedules\[1\]: a dictionary"),
        ({"kind": "Times", "schedules": GOOD}, "schedules: a list is needed"),
        ({"kind": "Times", "schedules": [GOOD]}, "two schedules or more"),
        ({"kind": "Arithmetic"}, "a schedule is needed, got a Arithmetic"),
        ({"kind": "Net"}, "no schedule 'Net'"),
        ({"kind": "BurnIn", "burn_in": 3, "then": GOOD}, "then: a Policy is needed, got a Linear"),
        ({"kind": "Poly", "max_batches": 1.5}, "max_batches: a whole number is needed"),
        ({"kind": "os:system"}, "os:system is not a class of schedules"),
        ({"kind": "no.such.module:Thing"}, "cannot be imported"),
        ({"kind": "Imported", "path": "math:nothing"}, "cannot be imported"),
        ({"kind": "FunctionSchedule", "function": "math:nothing"}, "cannot be imported"),
        ({"kind": "FunctionSchedule", "function": 3}, "function: a function is needed, got 3"),
        ({"kind": "FunctionSchedule", "function": "math:pi"}, "function: a function is needed, got 3.14"),
    ],
)
def test_anything_else_is_refused_in_words(data: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_dict(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["Linear", "Then", "zero", "inf", "a:b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "schedule", "schedules", "at", "by", "start", "horizon"]), inner)
    ),
    max_leaves=12,
)


@given(data=JSON, kind=st.sampled_from(["Linear", "Then", "Scaled", "Sgdr", "Table", "BurnIn", "FunctionSchedule"]))
def test_any_data_gives_a_schedule_or_a_sentence(data: Any, kind: str) -> None:
    if isinstance(data, dict):
        data = data | {"kind": kind}
    try:
        made = from_dict(data)
    except ValueError:
        return
    assert isinstance(made, Schedule)


def test_only_schedules_are_stored() -> None:
    with pytest.raises(TypeError, match="as_schedule"):
        to_dict(harmonic)  # type: ignore[arg-type]


def test_another_process_reads_what_this_one_wrote() -> None:
    run = then(
        linear(start=0, end=0.1, horizon=10), Poly(learning_rate=0.1, max_batches=50), at=[10], count_from="zero"
    )
    program = (
        "import json, sys; from lrsched.serialize import from_dict; "
        "print(json.dumps(from_dict(json.load(sys.stdin)).rates(0, 60).tolist()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(to_dict(run)), capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == run.rates(0, 60).tolist()


def test_every_stored_name_means_one_class() -> None:
    names = [name for module in (algebra, darknet, shapes, schedule) for name in module.__all__]
    assert len(names) == len(set(names))
