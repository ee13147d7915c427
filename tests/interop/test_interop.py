"""The schedules of other libraries: traps are found, and the table of names says which of ours are the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import chdir
from typing import Any

import numpy as np
import optax
import pytest
import torch
from hypothesis import strategies as st

from docs.pages import ROOT, blocks
from lrsched import schedules
from lrsched.schedule import Schedule
from lrsched.testing import Result, check_family
from tests.interop.cases import CASES, Case
from tests.interop.schedules import Theirs
from tests.interop.stepping import optimizer, stepped
from tests.interop.table import PAGE_TABLE

FRAMEWORKS = ROOT / "docs" / "frameworks.md"
NAMES = ROOT / "docs" / "names.md"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.library}-{case.code}-{case.fault}")
def test_the_matching_check_finds_a_trap_and_no_check_finds_fault_with_sound_ones(case: Case) -> None:
    check, _, iteration = case.fault.partition("@")
    failed = case.failed()

    assert [result.check for result in failed] == ([check] if check else [])
    if iteration:
        assert failed[0].iteration == int(iteration)


def test_the_table_of_the_documentation_has_these_schedules_and_verdicts() -> None:
    listed = []
    for line in (ROOT / PAGE_TABLE).read_text("utf-8").splitlines()[2:]:
        library, code, expected, verdict = (cell.strip() for cell in line.strip("|").split(" | "))
        listed.append((library.split()[0], code.strip("`"), expected, ",".join(re.findall(r"`([a-z-]+)`:", verdict))))

    assert listed == [(case.library, case.code, case.expected, case.fault.partition("@")[0]) for case in CASES]


def names() -> Iterator[tuple[str, str, str]]:
    """The rows of the table of names: library, how it is written there, how it is written here."""
    table = NAMES.read_text("utf-8").partition("| theirs | ours |")[2].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        theirs, ours = (re.search("`(.*?)`", cell) for cell in re.split(r"(?<!\\)\|", line)[1:3])
        assert theirs, line
        assert ours, line
        library, code = theirs[1].split(" ", 1)
        yield library, code, ours[1]


@pytest.mark.parametrize(("library", "theirs", "ours"), list(names()))
def test_a_schedule_of_the_table_of_names_gives_the_same_rates(library: str, theirs: str, ours: str) -> None:
    schedule: Schedule = eval(ours, dict(schedules.NAMED))
    last = schedule.horizon or 100
    rates = Theirs(library, theirs, last - (library == "fvcore"), "").stepped()
    single = library in ("optax", "keras")
    np.testing.assert_allclose(
        schedule(range(rates.size)), rates, rtol=2e-5 if single else 1e-12, atol=2e-8 if single else 1e-16
    )


def test_the_page_shows_how_to_train_with_a_schedule_and_to_look_at_a_scheduler() -> None:
    train, look = (block.text for block in blocks(FRAMEWORKS) if block.language == "py")
    space: dict[str, Any] = {"model": torch.nn.Linear(1, 1)}
    exec(train, space)
    stepped(space["optimizer"], lambda t: space["scheduler"].step(), 7)
    group = space["optimizer"].param_groups[0]
    assert group["lr"] == pytest.approx(0.1 * 7 / 500, rel=1e-12)
    assert group["momentum"] == pytest.approx(0.95 - 0.1 * 7 / 10_000, rel=1e-12)

    with chdir(ROOT / "docs" / "examples"):
        exec(look, space | {"scheduler": torch.optim.lr_scheduler.StepLR(space["optimizer"], 3000)})


# --- families of schedules: the search finds, without being told where, what stands in their corners ---------------

RATES = st.floats(0.001, 1)


def failed(make: Callable[..., Any], **options: Any) -> dict[str, Result]:
    results = check_family(make, raises=False, **options)
    return {result.check: result for result in results if result.status == "failed"}


def one_cycle(max_lr: float, total_steps: int, pct_start: float) -> Any:
    return torch.optim.lr_scheduler.OneCycleLR(optimizer(), max_lr, total_steps=total_steps, pct_start=pct_start)


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
