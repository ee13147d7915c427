"""The code that is exported, executed: what torch, transformers, optax and keras train with over a whole run."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrsched.convert import export_source
from lrsched.schedule import Schedule
from tests.convert.exported import HORIZON, SCHEDULES
from tests.interop.stepping import optimizer, stepped

T = np.arange(HORIZON + 1)


def executed(schedule: Schedule, to: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(export_source(schedule, to, horizon=HORIZON), names)
    return names


def trained(names: dict[str, Any]) -> list[float]:
    """The rates of a run with the scheduler that the code makes."""
    made = optimizer(names["LEARNING_RATE"])
    scheduler = names["make_scheduler"](made)
    return stepped(made, lambda t: scheduler.step(), HORIZON + 1)


def assert_near(rates: Any, schedule: Schedule, slack: float) -> None:
    wanted = schedule(T).astype(np.float64)
    slack = max(slack, 1e-6 if schedule.dtype == np.float32 else 0.0)
    assert np.max(np.abs(np.asarray(rates, np.float64) - wanted)) <= slack * np.abs(wanted).max()


@pytest.mark.parametrize("to", ["torch", "transformers"])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_a_scheduler_has_the_rates_of_the_run(schedule: Schedule, to: str) -> None:
    assert_near(trained(executed(schedule, to)), schedule, 1e-9)  # torch multiplies from step to step


@pytest.mark.parametrize("to", ["optax", "keras"])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_a_schedule_has_the_rates_of_the_run(schedule: Schedule, to: str) -> None:
    names = executed(schedule, to)
    rate = names["LearningRate"]() if "LearningRate" in names else names["learning_rate"]
    assert_near(jax.jit(jax.vmap(lambda t: jnp.asarray(rate(t), jnp.float32)))(T.astype(np.int32)), schedule, 2e-6)


@pytest.mark.parametrize(("to", "least"), [("torch", 20), ("transformers", 20), ("optax", 30), ("keras", 20)])
def test_classes_of_the_framework_are_used_where_they_are_exact(to: str, least: int) -> None:
    texts = [export_source(each, to, horizon=HORIZON) for each in SCHEDULES]
    assert sum("def learning_rate" not in text for text in texts) >= least
