"""What a plan promises, on realistic cfgs, with a walk over every iteration as the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from lrsched import parse_cfg, plan
from lrsched.planner import Plan
from tests.planner.situations import Situation, situations

SEVERAL = {"value-not-a-number", "key-twice", "unknown-key", "dialects-differ", "step-never-reached"}
"""Codes that a plan may have more than once: for each key, each fork, each reason."""

CONTRADICTIONS = [
    {"burn-in-covers-run", "burn-in-long"},
    {"burn-in-covers-run", "step-never-reached"},
    {"burn-in-covers-run", "never-decays"},
    {"step-never-reached", "never-decays"},
    {"never-decays", "decays-early"},
    {"never-decays", "rate-reaches-zero"},
    {"decays-early", "rate-reaches-zero"},
    {"too-few-iterations", "too-many-iterations"},
    {"already-finished", "ends-before-target"},
    {"already-finished", "rate-reaches-zero"},
]


def serious(plan: Plan) -> set[str]:
    return {finding.code for finding in plan.findings if finding.serious}


def of_the_file(situation: Situation) -> Plan:
    """The plan of the file alone, without what the user said about the run."""
    return situation.plan(target=None, classes=None, images=None)


@settings(max_examples=20)
@given(situations())
def test_a_cfg_that_reads_is_planned_and_every_finding_is_true(situation: Situation) -> None:
    if (net := situation.net) is None:
        return
    plan = situation.plan()
    found = [finding.code for finding in plan.findings]
    assert [code for code in {*found} - SEVERAL if found.count(code) > 1] == []
    assert [pair for pair in CONTRADICTIONS if pair <= set(found)] == []
    if plan.run.last is None:
        return

    start, last, ngpus = plan.run.start, plan.run.last, plan.run.ngpus
    rates = np.abs(net.schedule(ngpus).rates(0, last + 1).astype(np.float64))
    printed = np.array([f"{rate:f}" != "0.000000" for rate in rates])
    for finding in plan.findings:
        named = slice(finding.first, finding.last + 1)
        assert 0 <= finding.first <= finding.last
        if finding.code in ("rate-reaches-zero", "rate-zero-stretch", "burn-in-prints-zero", "learning-rate-zero"):
            assert not printed[named].any()
        if finding.code == "rate-reaches-zero":
            assert finding.first in (start, plan.zero_from)
            assert finding.last == last
        if finding.code == "decays-early":
            assert rates[named].max() < 0.011 * rates[start:].max()
            assert finding.last - finding.first + 1 > (last - start + 1) / 2
        if finding.code == "burn-in-covers-run":
            assert (np.diff(rates[named]) >= 0).all()
        if finding.code == "never-decays":
            assert rates[last] >= rates.max() * (1 - 1e-6)
        if finding.code == "ends-before-target":
            assert finding.first == net.max_batches
    dead = last + 1 - start if not printed[start:].any() else int(np.argmax(printed[start:][::-1]))
    assert plan.zero_from == (None if dead == 0 else last - dead + 1)


@settings(max_examples=20)
@given(situations())
def test_a_suggestion_fixes_its_finding_and_brings_nothing_new(situation: Situation) -> None:
    if situation.net is None:
        return
    plan = situation.plan()
    alone = serious(of_the_file(situation)) | serious(plan)
    for suggestion in plan.suggestions:
        written = situation.after(suggestion)
        after = written.plan()
        assert {finding.code for finding in after.findings}.isdisjoint(suggestion.fixes)
        said = suggestion.text.split("; ")
        assert len(set(said)) == len(said)
        assert serious(after) <= serious(plan)
        assert suggestion.rate_at_target is None or after.rate_at_target == suggestion.rate_at_target
        if suggestion.target is None:
            assert serious(of_the_file(written)) <= alone


@settings(max_examples=20)
@given(situations())
def test_following_the_first_offer_leads_to_a_plan_that_is_ok(situation: Situation) -> None:
    for _ in range(3):
        if situation.net is None:
            return
        plan = situation.plan()
        if plan.ok:
            return
        assert plan.suggestions, plan.findings
        situation = situation.after(plan.suggestions[0])
    raise AssertionError(plan.findings)


GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "rates.json").read_text(encoding="utf-8"))
SHIPPED = [case for case in GOLDEN if case["kind"] == "shipped" and case["outcome"] == "trains"]


@pytest.mark.parametrize("case", SHIPPED, ids=lambda case: f"{case['name']}-{case['dialect']}-{case['ngpus']}")
def test_a_cfg_that_ships_with_darknet_has_no_error(case: dict[str, Any]) -> None:
    planned = plan(parse_cfg(case["cfg"], case["dialect"]), ngpus=case["ngpus"])

    assert [finding for finding in planned.findings if finding.severity == "error"] == []


def test_the_numbers_of_the_field_give_no_warning() -> None:
    detector = next(case for case in SHIPPED if case["name"] == "yolov4.cfg" and case["dialect"] == "alexeyab")

    assert plan(parse_cfg(detector["cfg"])).ok
