"""The schedules of other libraries: traps are found, and the table of names says which of ours are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import chdir
from typing import Any

import numpy as np
import pytest
import torch

from docs.pages import ROOT, blocks
from lrsched import schedules
from lrsched.schedule import Schedule
from tests.interop.cases import CASES, Case
from tests.interop.schedules import Theirs
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
    for _ in range(7):
        space["optimizer"].step()
        space["scheduler"].step()
    group = space["optimizer"].param_groups[0]
    assert group["lr"] == pytest.approx(0.1 * 7 / 500, rel=1e-12)
    assert group["momentum"] == pytest.approx(0.95 - 0.1 * 7 / 10_000, rel=1e-12)

    with chdir(ROOT / "docs" / "examples"):
        exec(look, space | {"scheduler": torch.optim.lr_scheduler.StepLR(space["optimizer"], 3000)})
