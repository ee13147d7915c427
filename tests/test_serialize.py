"""Schedules as JSON and back."""

import json
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.schedule import Schedule
from lrsched.schedules import cosine, named, warmup
from lrsched.schedules.wellknown import Horizon, Peak
from lrsched.serialize import from_dict, to_dict
from lrsched.sources import as_schedule
from lrsched.trainers.darknet import Constant, Poly
from tests.comparing import refusing
from tests.factories import Run, harmonic, runs


def through_json(value: Schedule) -> Schedule:
    return from_dict(json.loads(json.dumps(to_dict(value), allow_nan=False)))


@given(run=runs())
def test_any_policy_comes_back(run: Run) -> None:
    again = through_json(run.schedule)
    assert repr(again) == repr(run.schedule)
    assert type(again) is type(run.schedule)


def test_the_form_is_stable() -> None:
    run = warmup(10, peak=0.1).then(harmonic, count_from="zero")
    assert to_dict(run) == {
        "kind": "Sequential",
        "schedules": [
            {"kind": "warmup", "iterations": 10, "peak": 0.1, "initial": 0.0, "form": "linear"},
            {"kind": "as_schedule", "source": "tests.factories:harmonic", "horizon": None},
        ],
        "at": [10],
        "count_from": "zero",
    }
    assert through_json(run) == run


def test_numbers_that_are_not_finite_are_text() -> None:
    stored = to_dict(Constant(learning_rate=-math.inf))
    assert stored["learning_rate"] == "-inf"
    assert from_dict(stored) == Constant(learning_rate=-math.inf)
    assert math.isnan(through_json(Constant(learning_rate=math.nan)).learning_rate)  # type: ignore[attr-defined]
    assert to_dict(Poly(learning_rate=np.float32(0.5)))["learning_rate"] == 0.5  # type: ignore[arg-type]


@pytest.mark.parametrize("local", [False, True])
def test_a_function_without_a_name_is_refused(local: bool) -> None:
    def inner(t: Any) -> Any:
        return 0.1 / (t + 1)

    with pytest.raises(ValueError, match=r"Product\.schedules\[0\]: .* not as a lambda or a local one"):
        to_dict(as_schedule(inner if local else lambda t: 0.1) * 2)


@dataclass(frozen=True, kw_only=True, repr=False)
class Mine(Schedule):
    """A schedule of a user's own."""

    level: float
    inner: Schedule | None = None

    def formula(self, t: Any) -> Any:
        return np.full(t.shape, self.level)


@named
def parabola(*, peak: Peak, horizon: Horizon) -> Any:
    """A named schedule of a user's own."""
    return lambda t: peak * (1 - t / horizon) ** 2


def test_schedules_of_ones_own_are_stored_by_their_import_path() -> None:
    run = Mine(level=np.float64(0.5), inner=cosine(peak=0.1, horizon=9)) * parabola(peak=0.1, horizon="9")
    stored = to_dict(run)
    assert [part["kind"] for part in stored["schedules"]] == [f"{Mine.__module__}:Mine", f"{Mine.__module__}:parabola"]
    assert through_json(run) == run
    with pytest.raises(ValueError, match=r"^Mine\.level: <object object at .*> cannot be stored; numbers, texts, "):
        to_dict(Mine(level=object()))  # type: ignore[arg-type]


GOOD = {"kind": "linear", "peak": 0.1, "final": 0.0, "horizon": 10}


REFUSED: list[tuple[Any, str]] = [
    ([], "a dictionary with the key 'kind'"),
    ({}, "'kind' must name a schedule, got None"),
    ({"kind": "linnear"}, "did you mean 'linear'"),
    (GOOD | {"horizn": 1}, "unexpected keyword argument 'horizn'"),
    ({"kind": "linear", "peak": 0.1}, "missing a required argument: 'horizon'"),
    (GOOD | {"horizon": 10.5}, "horizon must be a whole number"),
    (
        {"kind": "Product", "factor": 2.0, "schedules": [GOOD, GOOD | {"peak": None}]},
        r"^schedules\[1\]: linear: peak",
    ),
    ({"kind": "Product", "schedules": [GOOD, 3]}, "must be a tuple of schedules"),
    ({"kind": "Arithmetic"}, "a schedule is a dictionary"),
    ({"kind": "Poly", "max_batches": 1.5}, "max_batches must be a whole number"),
    ({"kind": "subprocess:Popen", "args": "true"}, "neither a class of schedules nor a named schedule"),
    ({"kind": ":"}, "a name to import must look like \"module:function\", got ':'"),
    ({"kind": "os:system"}, "neither a class of schedules nor a named schedule"),
    ({"kind": "as_schedule", "source": "math:nothing"}, "cannot be imported"),
    ({"kind": "as_schedule", "source": "no such.cfg"}, "no such.cfg"),
    ({"kind": "as_schedule", "source": "math:pi"}, "math:pi is a float"),
]
test_anything_else_is_refused_in_words = refusing(
    *((partial(from_dict, data), ValueError, words) for data, words in REFUSED)
)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["linear", "zero", "inf", "a:b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "schedule", "schedules", "at", "by", "peak", "horizon"]), inner)
    ),
    max_leaves=12,
)


@given(data=JSON, kind=st.sampled_from(["linear", "Sequential", "Product", "shifted", "Sgdr", "table", "as_schedule"]))
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
