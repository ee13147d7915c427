"""Traps in the schedules of torch, optax and keras are found by the check that is meant for them; sound ones pass."""

from __future__ import annotations

import re

import pytest

from docs.pages import ROOT
from tests.interop.cases import CASES, Case
from tests.interop.table import PAGE_TABLE, failures


def identity(case: Case) -> str:
    return f"{case.library}-{case.schedule}"


@pytest.mark.parametrize("case", CASES, ids=identity)
def test_the_matching_check_finds_a_trap_and_no_check_finds_fault_with_sound_ones(case: Case) -> None:
    failed = failures(case)

    assert tuple(result.check for result in failed) == case.faults
    if case.iteration is not None:
        assert failed[0].iteration == case.iteration


def test_every_library_has_traps_and_sound_schedules() -> None:
    kinds = {(case.library, bool(case.faults)) for case in CASES}
    assert kinds == {(library, trap) for library in ("torch", "optax", "keras") for trap in (True, False)}


def test_the_table_of_the_documentation_has_these_schedules_and_verdicts() -> None:
    told = []
    for line in (ROOT / PAGE_TABLE).read_text("utf-8").splitlines()[2:]:
        library, schedule, expected, verdict = (cell.strip() for cell in line.strip("|").split(" | "))
        told.append((library.split()[0], schedule.strip("`"), expected, tuple(re.findall(r"`([a-z-]+)`:", verdict))))

    assert told == [(case.library, case.schedule, case.expected, case.faults) for case in CASES]
