"""Schedulers with state: the faults of state are found by the checks of state, those of the rates by the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from lrsched.testing import Result, check_scheduler
from tests.testing.broken import failed

HORIZON = 40


class Optimizer:
    """What a scheduler of torch has below it: parameter groups, each with its rate."""

    def __init__(self, *rates: float) -> None:
        self.param_groups = [{"lr": rate, "initial_lr": rate} for rate in rates]

    def state_dict(self) -> Any:
        return self.param_groups

    def load_state_dict(self, saved: Any) -> None:
        self.param_groups = deepcopy(saved)


class Cosine:
    """A sound scheduler, shaped as those of torch."""

    def __init__(self, *rates: float, horizon: int = HORIZON) -> None:
        self.optimizer = Optimizer(*(rates or (0.1,)))
        self.horizon, self.t = horizon, 0

    def factor(self, group: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * min(self.t, self.horizon) / self.horizon))

    def step(self) -> None:
        self.t += 1
        for number, group in enumerate(self.optimizer.param_groups):
            group["lr"] = group["initial_lr"] * self.factor(number)

    def state_dict(self) -> Any:
        return {"t": self.t}

    def load_state_dict(self, saved: Any) -> None:
        self.t = saved["t"]


class Endless(dict[str, Any]):
    def __deepcopy__(self, memory: Any) -> Any:
        return deepcopy(self)


def raises(error: Exception, at: int = 0) -> Callable[..., Any]:
    def method(self: Any, *_: Any) -> Any:
        if at:
            Cosine.step(self)
        if not at or self.t == at:
            raise error

    return method


def check(make: Callable[[], Any], **expected: Any) -> list[Result]:
    return check_scheduler(make, horizon=HORIZON, raises=False, **expected)


@pytest.mark.parametrize(
    ("method", "instead", "found"),
    [
        ("load_state_dict", lambda self, saved: setattr(self, "t", max(saved["t"] - 1, 0)), {"resumes": 2}),
        ("state_dict", raises(RuntimeError("the disk is full")), {"resumes": 0}),
        ("state_dict", lambda self: Endless(t=self.t), {"resumes": 0}),
        ("load_state_dict", raises(KeyError("last_epoch")), {"resumes": 0}),
        ("step", raises(ZeroDivisionError(), at=10), {"one-real-number": 10}),
        ("__init__", raises(ZeroDivisionError()), {"one-real-number": 0}),
    ],
)
def test_a_fault_is_found_by_its_check_and_by_no_other(method: str, instead: Any, found: dict[str, int]) -> None:
    assert failed(check(type("Broken", (Cosine,), {method: instead}))) == found


def test_a_sound_scheduler_passes_everything() -> None:
    results = check(Cosine, initial=0.1, peak=0.1, final=0.0, decay=0, after="stays", max_jump=0.004)

    assert failed(results) == {}
    passed = {result.check for result in results if result.status == "passed"}
    assert {"resumes", "after-horizon", "final-rate", "initial-rate"} <= passed


def with_factor(factor: Callable[[Any, int], float], *rates: float) -> Callable[[], Any]:
    kind = type("Cosine", (Cosine,), {"factor": factor})
    return lambda: kind(*rates)


def test_all_parameter_groups_are_checked_each_with_its_own_rates() -> None:
    two = check(lambda: Cosine(0.1, 0.01), initial=[0.1, 0.01], peak=[0.1, 0.01], decay=0)
    second = check(
        with_factor(lambda self, group: 1.0 if (group, self.t) == (1, 7) else 0.9**self.t, 0.1, 0.01), decay=0
    )

    assert failed(two) == {}
    assert failed(second) == {"decay": 7}
    assert next(result.got for result in second if result.status == "failed").startswith("group 1: ")
    with pytest.raises(ValueError, match="peak has 3 rates, but there are 2 parameter groups"):
        check(lambda: Cosine(0.1, 0.01), peak=[1, 2, 3])


@pytest.mark.parametrize("rises", [HORIZON + 1, 2 * HORIZON])
def test_what_comes_after_the_horizon_is_recorded_too(rises: int) -> None:
    late = with_factor(lambda self, group: max(1 - self.t / HORIZON, 0) + (self.t >= rises))

    assert failed(check(late, final=0.0, after="stays")) == {"after-horizon": rises}


def test_other_schedulers_say_how_they_are_moved_read_saved_and_loaded() -> None:
    results = check(
        lambda: {"t": 0},
        step=lambda state: state.update(t=state["t"] + 1),
        read=lambda state: 0.1 / (1 + state["t"]),
        save=lambda state: state["t"],
        load=lambda state, saved: state.update(t=saved),
        decay=0,
    )

    assert {result.status for result in results} == {"passed", "skipped"}
    with pytest.raises(TypeError, match="picklable is for functions"):
        check(Cosine, picklable=True)
