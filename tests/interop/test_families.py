"""Families of real schedules: the search finds, without being told where, what stands in their corners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optax
import pytest
from hypothesis import strategies as st
from torch.optim.lr_scheduler import OneCycleLR

from lrsched.testing import Result, check_family
from tests.interop.stepping import optimizer

RATES = st.floats(0.001, 1)


def failed(make: Callable[..., Any], **options: Any) -> dict[str, Result]:
    results = check_family(make, raises=False, **options)
    return {result.check: result for result in results if result.status == "failed"}


def one_cycle(max_lr: float, total_steps: int, pct_start: float) -> OneCycleLR:
    return OneCycleLR(optimizer(), max_lr, total_steps=total_steps, pct_start=pct_start)


@pytest.mark.parametrize("seed", [0, 1])
def test_one_cycle_divides_by_zero_where_its_first_phase_has_no_steps(seed: int) -> None:
    found = failed(
        one_cycle,
        max_lr=RATES,
        total_steps=st.integers(2, 100),
        pct_start=st.floats(0, 1),
        expect=lambda p: {"horizon": p["total_steps"] - 1},
        seed=seed,
    )["made"]

    assert "ZeroDivisionError" in found.got
    assert found.parameters is not None
    assert found.parameters["total_steps"] * found.parameters["pct_start"] == pytest.approx(1)


def test_linear_onecycle_of_a_few_steps_begins_wrong() -> None:
    found = failed(
        optax.linear_onecycle_schedule,
        transition_steps=st.integers(1, 1000),
        peak_value=RATES,
        expect=lambda p: {"horizon": p["transition_steps"], "initial": p["peak_value"] / 25},
    )["initial-rate"]

    assert (found.parameters or {})["transition_steps"] <= 3
