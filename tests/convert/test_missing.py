"""Without a framework its functions say what to install; everything else works, and loads none."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lrsched import as_schedule, convert
from lrsched.frameworks.loading import needed
from lrsched.schedules import cosine

RUN = cosine(peak=0.1, horizon=9)

WITHOUT = """\
import sys
from types import SimpleNamespace
for package in ("torch", "transformers", "jax", "keras"):
    sys.modules[package] = None
from lrsched.convert import *
from lrsched.schedules import cosine
run, optimizer = cosine(peak=0.1, horizon=9), SimpleNamespace(param_groups=[{"lr": 0.1, "params": []}])
for line in sys.stdin:
    try:
        eval(line)
    except ModuleNotFoundError as why:
        print(why)
"""

CALLS = {
    "from_torch(lambda o: o, lr=0.1, horizon=9)": "torch",
    "to_torch(run, optimizer)": "torch",
    "to_transformers(run, object(), SimpleNamespace(output_dir='runs'))": "transformers",
    "from_optax(lambda count: 0.1, horizon=9)": "jax",
    "to_optax(run)": "jax",
    "to_keras(run)": "keras",
    "to_keras(lambda t: 0.1, horizon=9)": "keras",
    "keras_objects()": "keras",
}


def test_a_missing_framework_is_one_sentence() -> None:
    """In a process of its own, because other tests may have loaded what is installed."""
    run = [sys.executable, "-c", WITHOUT]
    answers = subprocess.run(run, input="\n".join(CALLS), capture_output=True, text=True, check=True).stdout
    text = "{0} is not installed, and this function works with it: pip install {0}"
    assert answers.splitlines() == [text.format(package) for package in CALLS.values()]


def test_a_framework_that_lacks_something_itself_says_so() -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named 'torch9'"), needed("torch"):
        importlib.import_module("torch9")


def test_the_functions_load_no_framework_before_they_are_called() -> None:
    code = "import sys; from lrsched.convert import *; from lrsched import as_schedule; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(run.stdout.split()) & {"torch", "jax", "keras", "timm", "transformers", "optax"}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: convert.from_torch(3), "give a scheduler, or a function optimizer -> scheduler, got 3"),
        (lambda: convert.from_torch(lambda o: o, horizon=9), "give lr=... or optimizer=..."),
        (lambda: convert.from_optax(3, horizon=9), "give a function of the count, got 3"),  # type: ignore[arg-type]
        (lambda: convert.from_keras(3), "give a LearningRateSchedule, got 3"),
        (lambda: convert.to_transformers(RUN), "give the model and the TrainingArguments, or optimizer=..."),
        (lambda: convert.to_torch(RUN, 3), "expected an optimizer of torch, got 3"),
        (lambda: as_schedule(3), "a schedule must be a path, a config, a Schedule, a scheduler or a callable; got int"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_schedule_is_refused(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(TypeError) as error:
        call()
    assert said in str(error.value)


def test_a_schedule_like_a_scheduler_of_fvcore_is_refused() -> None:
    """Its classes stand in this module; called with iterations it would say nonsense."""
    kind = type("Cosine", (), {"__module__": "fvcore.common.param_scheduler", "__call__": lambda self, where: where})
    with pytest.raises(TypeError, match=r"give the function lambda t: scheduler\(t / N\)"):
        as_schedule(kind(), horizon=9)


def test_a_long_run_is_listed_once_and_refused_where_it_does_not_fit() -> None:
    with pytest.raises(ValueError, match="needs an array of 2000000001 rates; up to 33554431 are possible"):
        convert.to_optax(RUN, horizon=2_000_000_000)
    assert np.isfinite(RUN(2_000_000_000))
