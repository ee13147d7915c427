"""What the planner says of a run of this family: each finding where it is true, and fixes that make it go away."""

from __future__ import annotations

from typing import Any

import pytest

from lrsched.planner.fixing import suggestions
from lrsched.planner.rules import find
from lrsched.rules import Run
from lrsched.trainers.yolov5 import ERAS, Hyp, parse_config
from lrsched.trainers.yolov5.rules import RULES, Planning

V62, V61 = ERAS["yolov5-v6.2"], ERAS["yolov5-v6.1"]

CASES: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("warmup-covers-run", {"era": V62, "epochs": 3, "iterations_per_epoch": 10}, {"epochs": 100}),
    ("warmup-covers-run", {"era": V61, "epochs": 30, "iterations_per_epoch": 30}, {"epochs": 334}),
    ("warmup-minimum", {"era": V62, "epochs": 300, "iterations_per_epoch": 20, "warmup_epochs": 0.0}, {}),
    ("warmup-bias-high", {"era": V62, "lr0": 0.001}, {"warmup_bias_lr": 0.001}),
    ("cosine-of-old-epochs", {"era": V62, "checkpoint": 149, "decay": "cos_lr"}, {"epochs": 249}),
    ("linear-negative-past-end", {"era": V62, "target": 12_000}, {"epochs": 121}),
    ("warmup-stops-short", {"iterations_per_epoch": 8, "warmup_epochs": 0.5}, {"warmup_epochs": 0.0}),
    ("warmup-stops-short", {"iterations_per_epoch": 20, "warmup_epochs": 1.0}, {"warmup_epochs": 7.0}),
    ("auto-ignores-lr0", {"optimizer": "auto", "lr0": 0.002, "classes": 3}, {"optimizer": "AdamW"}),
    ("auto-ignores-lr0", {"optimizer": "auto", "iterations_per_epoch": 1000}, {"optimizer": "SGD"}),
    ("epochs-frozen", {"era": V62, "resumed": True}, {}),
    ("lrf-is-a-fraction", {"era": V62, "lrf": 0.0001}, {"lrf": 0.01}),
    ("number-read-as-text", {"era": V62, "texts": ("lr0",)}, {"lr0": 0.01}),
)


def run_of(target: int | None = None, **numbers: Any) -> Run:
    hyp = Hyp(**{"epochs": 100, "iterations_per_epoch": 100, **numbers})
    return Run(schedule=hyp.schedules()["weights"], config=hyp, planning_of=Planning, target=target)


@pytest.mark.parametrize(("code", "numbers", "changes"), CASES, ids=[code for code, _, _ in CASES])
def test_a_finding_is_made_and_its_fix_makes_it_go_away(
    code: str, numbers: dict[str, Any], changes: dict[str, Any]
) -> None:
    run = run_of(**numbers)
    findings = find(run)

    assert code in [finding.code for finding in findings]
    if changes:
        offered = [dict(one.changes) for one in suggestions(run, findings)]
        assert any(changes.items() <= one.items() for one in offered)
        assert code not in [finding.code for finding in find(run.changed(changes))]


def test_a_rate_that_is_wanted_is_offered_by_the_keys_that_can_reach_it() -> None:
    def offers(rate: float, **numbers: Any) -> list[dict[str, Any]]:
        return [dict(offer.changes) for offer in Planning(run_of(**numbers).config).reaching(rate, 9_999)]

    # the last of 100 epochs has the factor 0.01 + 0.99 lrf, and offers lie just above what is wanted
    assert offers(0.02) == [{"lr0": pytest.approx(0.02 / 0.0199, rel=2e-3)}]
    assert offers(0.0005, optimizer="auto", classes=6) == [{"lrf": pytest.approx(0.49 / 0.99, rel=2e-3)}]


def test_every_rule_has_a_case() -> None:
    assert {rule.code for rule in RULES} <= {code for code, _, _ in CASES}


@pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)
def test_a_usual_run_has_nothing_serious(era: Any) -> None:
    assert not [found for found in find(run_of(era=era, iterations_per_epoch=400, epochs=300)) if found.serious]


def test_a_number_without_a_point_is_found_in_the_file() -> None:
    hyp = parse_config({"args.yaml": "lr0: 1e-3\nepochs: 9\n"}, iterations_per_epoch=50)

    assert (hyp.lr0, hyp.texts) == (0.001, ("lr0",))
    changed = hyp.with_values({"lr0": 0.001})
    assert changed.files[0][1] == "lr0: 0.001\nepochs: 9\n"
    assert changed.texts == ()
