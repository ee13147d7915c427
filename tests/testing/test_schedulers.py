"""Schedulers with state: the faults of state are found by the checks of state, those of the rates by the others."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from lrsched.testing import Result, check_scheduler

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


class LoadsOneEarly(Cosine):
    def load_state_dict(self, saved: Any) -> None:
        self.t = max(saved["t"] - 1, 0)


class BreaksAtTen(Cosine):
    def step(self) -> None:
        super().step()
        if self.t == 10:
            raise ZeroDivisionError("division by zero")


class CannotBeMade(Cosine):
    def __init__(self) -> None:
        raise ZeroDivisionError("division by zero")


class Climbs(Cosine):
    def factor(self, group: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * self.t / self.horizon))


class SecondGroupClimbs(Cosine):
    def factor(self, group: int) -> float:
        return super().factor(group) if group == 0 or self.t != 7 else 1.0


class CannotBeSaved(Cosine):
    def state_dict(self) -> Any:
        raise RuntimeError("the disk is full")


class Endless(dict[str, Any]):
    def __deepcopy__(self, memory: Any) -> Any:
        return deepcopy(self)


class CannotBeCopied(Cosine):
    def state_dict(self) -> Any:
        return Endless(t=self.t)


class CannotBeLoaded(Cosine):
    def load_state_dict(self, saved: Any) -> None:
        raise KeyError("last_epoch")


def check(make: Callable[[], Any], **expected: Any) -> list[Result]:
    return check_scheduler(make, horizon=HORIZON, raises=False, **expected)


def failed(results: list[Result]) -> dict[str, int | None]:
    return {result.check: result.iteration for result in results if result.status == "failed"}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (LoadsOneEarly, {"resumes": 2}),
        (CannotBeSaved, {"resumes": 0}),
        (CannotBeCopied, {"resumes": 0}),
        (CannotBeLoaded, {"resumes": 0}),
        (BreaksAtTen, {"one-real-number": 10}),
        (CannotBeMade, {"one-real-number": 0}),
    ],
)
def test_a_fault_is_found_by_its_check_and_by_no_other(kind: type[Cosine], found: dict[str, int]) -> None:
    assert failed(check(kind)) == found


def test_a_sound_scheduler_passes_everything() -> None:
    results = check(Cosine, initial=0.1, peak=0.1, final=0.0, decay=0, after="stays", max_jump=0.004)

    assert failed(results) == {}
    passed = {result.check for result in results if result.status == "passed"}
    assert {"resumes", "after-horizon", "final-rate", "initial-rate"} <= passed


def test_all_parameter_groups_are_checked_each_with_its_own_rates() -> None:
    two = check(lambda: Cosine(0.1, 0.01), initial=[0.1, 0.01], peak=[0.1, 0.01], decay=0)
    second = check(lambda: SecondGroupClimbs(0.1, 0.01), decay=0)

    assert failed(two) == {}
    assert failed(second) == {"decay": 7}
    assert next(result.got for result in second if result.status == "failed").startswith("group 1: ")
    with pytest.raises(ValueError, match="peak has 3 rates, but there are 2 parameter groups"):
        check(lambda: Cosine(0.1, 0.01), peak=[1, 2, 3])


class RisesMuchLater(Cosine):
    def factor(self, group: int) -> float:
        return super().factor(group) + (self.t >= 2 * self.horizon)


def test_what_comes_after_the_horizon_is_recorded_too() -> None:
    assert failed(check(Climbs, final=0.0, after="stays")) == {"after-horizon": HORIZON + 1}
    assert failed(check(RisesMuchLater, final=0.0, after="stays")) == {"after-horizon": 2 * HORIZON}


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


def test_slow_schedulers_are_announced_and_further_runs_are_skipped_beyond_the_budget() -> None:
    class Slow(Cosine):
        def step(self) -> None:
            time.sleep(0.01)
            super().step()

    said: list[str] = []
    results = check(Slow, budget=0.5, progress=said.append)

    skipped = [result for result in results if "budget" in result.why]
    assert [result.check for result in skipped] == ["resumes"]
