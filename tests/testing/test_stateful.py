"""Schedulers with state: the faults of state are found by the checks of state, those of the rates by the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from lrsched.testing import STATEFUL_CHECKS, Result, check_stateful

HORIZON = 40


@dataclass
class Cosine:
    """A sound one."""

    horizon: int = HORIZON
    t: int = 0
    memory: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pass

    def step(self) -> None:
        self.t += 1

    def rate(self) -> float:
        return 0.05 * (1 + math.cos(math.pi * min(self.t, self.horizon) / self.horizon))

    def save(self) -> dict[str, int]:
        self.memory["t"] = self.t
        return self.memory

    def load(self, saved: dict[str, int]) -> None:
        self.t = saved["t"]


class MovesWhenReadAgain(Cosine):
    unread: bool = True

    def step(self) -> None:
        super().step()
        self.unread = True

    def rate(self) -> float:
        self.t += not self.unread
        self.unread = False
        return super().rate()


class CountsForTheOther(Cosine):
    latest: ClassVar[list[Cosine]] = []
    moved: bool = False

    def step(self) -> None:
        self.t += 1 + (self.moved and self.latest[-1] is not self)
        self.moved = True
        self.latest[:] = [self]


class LoadsOneEarly(Cosine):
    def load(self, saved: dict[str, int]) -> None:
        self.t = max(saved["t"] - 1, 0)


class OneLongerForEveryOther(Cosine):
    def __post_init__(self) -> None:
        self.horizon += self.horizon > HORIZON


class BreaksAtTen(Cosine):
    def step(self) -> None:
        super().step()
        if self.t == 10:
            raise ZeroDivisionError("division by zero")


class CannotBeMade(Cosine):
    def __post_init__(self) -> None:
        raise ZeroDivisionError("division by zero")


class Climbs(Cosine):
    def rate(self) -> float:
        return 0.05 * (1 + math.cos(math.pi * self.t / self.horizon))


def results_of(kind: Callable[..., Cosine], **promises: Any) -> list[Result]:
    return check_stateful(
        kind,
        Cosine.step if kind is Cosine else lambda each: each.step(),
        lambda each: each.rate(),
        save=lambda each: each.save(),
        load=lambda each, saved: each.load(saved),
        horizon=HORIZON,
        raises=False,
        **promises,
    )


def failed(results: list[Result]) -> dict[str, int | None]:
    return {result.check: result.iteration for result in results if result.status == "failed"}


@pytest.mark.parametrize(
    ("kind", "check", "iteration"),
    [
        (MovesWhenReadAgain, "reading-changes-nothing", 0),
        (CountsForTheOther, "second-run-is-the-same", 2),
        (LoadsOneEarly, "resumes", 1),
        (BreaksAtTen, "answers", 10),
        (CannotBeMade, "answers", 0),
    ],
)
def test_a_fault_is_found_by_its_check_and_by_no_other(kind: type[Cosine], check: str, iteration: int) -> None:
    promises = {} if kind in (BreaksAtTen, CannotBeMade) else {"end": 0.0, "decay": 0}
    assert failed(results_of(kind, **promises)) == {check: iteration}


def test_every_check_of_state_has_a_broken_scheduler() -> None:
    found = {"reading-changes-nothing", "second-run-is-the-same", "resumes", "stretches"}
    assert {check.name for check in STATEFUL_CHECKS} == found


def test_a_horizon_that_moves_the_curve_is_found() -> None:
    assert failed(results_of(Cosine, make_for=Cosine)) == {}
    assert failed(results_of(Cosine, make_for=OneLongerForEveryOther)) == {"stretches": 1}


def test_a_sound_scheduler_passes_everything() -> None:
    results = results_of(
        Cosine, start=0.1, peak=0.1, end=0.0, decay=0, after="stays", make_for=Cosine, joins=[5], max_jump=0.004
    )

    assert failed(results) == {}
    passed = {result.check for result in results if result.status == "passed"}
    assert {"resumes", "stretches", "after-the-end", "reaches-end", "begins-at-start"} <= passed


def test_what_comes_after_the_horizon_is_recorded_too() -> None:
    assert failed(results_of(Climbs, end=0.0, after="stays")) == {"after-the-end": HORIZON + 1}


def test_the_steps_of_a_run_are_counted_right() -> None:
    stepped: list[int] = []

    def step(each: Cosine) -> None:
        each.step()
        stepped.append(each.t)

    results = check_stateful(Cosine, step, lambda each: each.rate(), horizon=HORIZON, raises=False)

    assert stepped[: 2 * HORIZON + 1] == list(range(1, 2 * HORIZON + 2))
    assert {result.check: result.message for result in results}["resumes"] == "not declared: save and load"


def test_promises_of_functions_are_refused() -> None:
    with pytest.raises(TypeError, match="picklable is a promise of functions"):
        results_of(Cosine, picklable=True)
