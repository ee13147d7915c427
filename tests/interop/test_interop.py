"""The schedules of torch, optax and keras: traps are found, and the table of names says which of ours are the same."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from docs.pages import ROOT, blocks
from lrsched import schedules
from lrsched.schedule import Schedule
from tests.interop.cases import CASES, Case, evaluated, of_torch
from tests.interop.table import PAGE_TABLE

COMPOSE = ROOT / "docs" / "compose.md"


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
    table = COMPOSE.read_text("utf-8").partition("| theirs | ours |")[2].partition("\n\n")[0]
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
    if library == "torch":
        scheduler, rates = of_torch(theirs, rate=0.1), []
        for _ in range(last + 1):
            rates.append(scheduler.optimizer.param_groups[0]["lr"])
            scheduler.optimizer.step()
            scheduler.step()
    else:
        rates = [float(evaluated(library, theirs)(t)) for t in range(last + 1)]
    np.testing.assert_allclose(schedule.rates(0, last + 1), rates, rtol=2e-5, atol=2e-8)


def test_the_page_shows_how_to_train_with_a_schedule() -> None:
    shown = {block.text.split("\n")[0]: block.text for block in blocks(COMPOSE) if block.language == "py"}
    run = schedules.cosine(peak=0.1, horizon=100, warmup=10)
    model = torch.nn.Linear(1, 1)
    space: dict[str, Any] = {"run": run, "model": model}
    exec(shown["import torch"], space)
    for _ in range(7):
        space["optimizer"].step()
        space["scheduler"].step()
    assert space["optimizer"].param_groups[0]["lr"] == pytest.approx(float(run(7)))
    saved = io.BytesIO()
    torch.save(space["scheduler"].state_dict(), saved)
    saved.seek(0)
    space["scheduler"].load_state_dict(torch.load(saved, weights_only=True))

    exec(shown["import jax"], space)
    assert float(space["jax"].jit(space["schedule"])(7)) == pytest.approx(float(run(7)))
