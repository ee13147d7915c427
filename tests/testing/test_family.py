"""Families of schedules: planted faults are found in the corners where they are, with the smallest parameters."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import strategies as st

from lrsched.numbers import Param
from lrsched.schedules import cosine, linear
from lrsched.testing import Result, ScheduleCheckError, check_family

PEAKS = st.floats(1e-6, 1)


def sound(peak: float, horizon: int, warmup: int) -> Callable[[Any], Any]:
    if warmup >= horizon:
        raise ValueError("the run must be longer than its warm-up")

    def rates(t: Any) -> Any:
        up = t / np.maximum(warmup, 1)  # computed also where the warm-up has no iterations
        down = (1 + np.cos(np.pi * (t - warmup) / (horizon - warmup))) / 2
        return np.where(np.less(t, warmup), up, down) * peak

    return rates


def expected(p: Any) -> dict[str, Any]:
    return {"peak": p["peak"], "warmup": p["warmup"], "final": 0.0, "decay": p["warmup"]}


def check(make: Callable[..., Any], **options: Any) -> dict[str, Result]:
    results = check_family(make, raises=False, **{"max_examples": 50, **options})
    return {result.check: result for result in results if result.status == "failed"}


def test_a_sound_family_passes() -> None:
    drawn = {"peak": PEAKS, "horizon": st.integers(1, 500), "warmup": st.integers(0, 1000)}
    assert check(sound, expect=expected, **drawn) == {}
    assert check(cosine, **drawn, expect={"peak": lambda p: p["peak"], "final": 0.0}) == {}


DRAWN = {
    "horizon": st.integers(1, 500),
    "warmup": st.integers(0, 100),
    "share": st.floats(0, 1),
    "steps": st.integers(2, 100),
    "power": st.integers(2, 4),
}


@pytest.mark.parametrize(
    ("make", "found", "smallest"),
    [
        (lambda warmup, horizon: lambda t: min(t / warmup, 1.0), "one-real-number", {"warmup": 0, "horizon": 1}),
        (lambda warmup, horizon: [1 / (horizon - warmup)].__getitem__, "made", {"warmup": 1, "horizon": 1}),
        (lambda horizon: lambda t: 1 - t / (horizon - 1), "not-negative", {"horizon": 2}),
        (lambda horizon: lambda t: math.nan if t == horizon >= 30 else 1.0, "finite", {"horizon": 30}),
        (lambda power, horizon: lambda t: (0.5 - t / horizon) ** power, "not-negative", {"power": 3, "horizon": 1}),
    ],
)
def test_a_planted_fault_is_found_with_its_smallest_parameters(
    make: Callable[..., Any], found: str, smallest: dict[str, Any]
) -> None:
    drawn = {name: DRAWN[name] for name in inspect.signature(make).parameters}

    assert check(make, **drawn)[found].parameters == smallest


def test_a_fault_of_two_parameters_together_is_found() -> None:
    def make(share: float, steps: int) -> Any:  # as torch.optim.lr_scheduler.OneCycleLR does; nobody says where
        return lambda t, up=1 / (share * steps - 1): abs(up)

    failed = check(make, share=DRAWN["share"], steps=DRAWN["steps"], horizon=DRAWN["horizon"])["made"]

    assert failed.parameters is not None
    assert failed.parameters["share"] * failed.parameters["steps"] == 1
    assert failed.got == "it raises ZeroDivisionError: float division by zero"


def test_a_function_of_any_parameters_gets_all_that_are_given_and_may_refuse_them() -> None:
    def make(**given: Any) -> Any:
        return linear(**given, warmup=5)

    assert check(make, peak=PEAKS, horizon=DRAWN["horizon"], expect={"final": 0.0}) == {}


def test_each_failed_check_is_shown_with_parameters_of_its_own() -> None:
    def make(horizon: int, peak: float) -> Callable[[int], float]:
        return lambda t: -1.0 if peak > 0.5 and t == 3 else 0.0 if horizon == 7 else peak

    with pytest.raises(ScheduleCheckError) as caught:
        check_family(make, horizon=st.integers(1, 100), peak=PEAKS)

    by_check = {result.check: result.parameters for result in caught.value.results if result.status == "failed"}
    assert by_check["not-negative"] == {"horizon": 3, "peak": 1.0}
    assert (by_check["not-stuck-at-zero"] or {})["horizon"] == 7
    assert "not-negative, smallest parameters: horizon=3, peak=1.0" in str(caught.value)


def test_type_hints_say_what_is_drawn_where_the_caller_does_not() -> None:
    seen: list[tuple[Any, ...]] = []
    share = Annotated[float, Param("a share", 0.0, 1.0, (0.25, 0.5))]

    def make(horizon: int, peak: float, share: share, twice: bool, kept: int = 3) -> Callable[[Any], Any]:
        seen.append((horizon, peak, share, twice, kept))
        return lambda t: 0.1

    make.__annotations__ |= {"horizon": int, "peak": float, "share": share, "twice": bool}
    check(make, horizon=st.integers(1, 50))
    assert {type(each) for each in seen[0]} == {int, float, bool}
    assert all(0.25 <= each[2] <= 0.5 and each[4] == 3 for each in seen)
    with pytest.raises(TypeError, match="peak has no type hint; say what to draw"):
        check_family(lambda peak: None)
    with pytest.raises(TypeError, match="has no parameter 'peek'"):
        check_family(make, peek=PEAKS)
    with pytest.raises(ValueError, match="no schedule could be made, the last time because: horizon is missing"):
        check_family(lambda peak: lambda t: peak, peak=PEAKS)
