"""What the planner says at the edges: runs that go on, rates that are no numbers, forks that refuse."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lrsched import Net, plan
from lrsched.report.plans import plan_json
from lrsched.text import json_text
from lrsched.trainers.darknet import Steps, parse_cfg
from lrsched.trainers.darknet import usual_net as design
from tests.planner.test_more import STORY
from tests.planner.test_rules import found


def test_a_run_that_goes_on_is_judged_by_the_peak_of_its_whole_curve() -> None:
    net = Net(learning_rate=0.001, policy="steps", steps=(4800, 5400), scales=(0.1, 0.1), max_batches=6000, burn_in=100)

    assert [codes for codes in plan(net, start=5900).findings if codes.severity != "note"] == []
    assert not found(plan(net, start=5000), "decays-too-little")


def test_steps_by_the_thousand_cost_no_more_than_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    milestones = Steps.milestones

    def counted(self: Steps, first: int, last: int) -> Iterator[int]:
        nonlocal asked
        asked += 1
        return milestones(self, first, last)

    monkeypatch.setattr(Steps, "milestones", counted)
    steps = tuple(range(10, 40_010, 10))
    plan(Net(learning_rate=0.1, policy="steps", steps=steps, scales=(0.999,) * len(steps), max_batches=40_010))
    assert 0 < asked < 100


@pytest.mark.parametrize(("policy", "changes"), [("poly", {"power": 2.5}), ("exp", {"gamma": 1.1})])
def test_nothing_to_paste_that_is_no_number(policy: str, changes: Any) -> None:
    planned = plan(Net(learning_rate=0.01, policy=policy, max_batches=1000, **changes), 200_000, start=100_000)

    offered = [*(way.changes for way in planned.extensions), *(cure.changes for cure in planned.suggestions)]
    values = [v for changes in offered for v in changes.values()]
    assert all(math.isfinite(v) for v in values if isinstance(v, (int, float)))
    json_text(plan_json(planned))


def test_hank_ai_is_not_offered_what_it_refuses() -> None:
    text = "[net]\nbatch=64\nlearning_rate=0.01\npolicy=exp\ngamma=0.999\nmax_batches=1000\n"
    ways = plan(parse_cfg(text, "hank-ai"), 2000, start=500).extensions

    assert [way.name for way in ways] == ["stretch", "continuous", "re-warm"]


def test_a_misspelt_policy_is_offered_with_the_rate_it_will_have() -> None:
    text = "[net]\nbatch=64\nlearning_rate=0.001\npolicy=setps\nsteps=80,90\nscales=.1,.1\nmax_batches=100\n"
    (suggestion,) = (s for s in plan(parse_cfg(text)).suggestions if s.cures == "unknown-policy")

    assert suggestion.rate_at_target == pytest.approx(0.00001)


@pytest.mark.parametrize("ngpus", [1, 2, 4])
@pytest.mark.parametrize("policy", ["constant", "steps", "step", "exp", "sigmoid", "poly", "sgdr"])
def test_what_is_designed_is_not_scolded(policy: str, ngpus: int) -> None:
    planned = plan(design(classes=3, images=5000, ngpus=ngpus, policy=policy), ngpus=ngpus)

    assert [f.code for f in planned.findings if f.severity != "note"] == []


@pytest.mark.parametrize(("scale", "raised"), [(10.0, False), (0.1, True)])
def test_a_negative_step_turns_the_scale_round(scale: float, raised: bool) -> None:
    planned = plan(Net(learning_rate=0.001, policy="step", step=-1000, scale=scale, max_batches=6000))

    assert bool(found(planned, "rate-raised")) is raised


def test_going_on_inside_the_burn_in_is_continuous() -> None:
    net = replace(STORY, burn_in=1000)
    (way,) = (way for way in plan(net, 600_000, start=500).extensions if way.name == "continuous")

    assert way.jump == 1.0
