"""suggest(), design() and the ways to go on with a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched import Net, plan, suggest
from lrsched.planner import Extension
from lrsched.trainers.darknet import DIALECTS, parse_cfg
from lrsched.trainers.darknet import usual_net as design
from tests.planner.cfgs import LONGEST, nets
from tests.planner.test_rules import found, read

STORY = parse_cfg("[net]\nbatch=64\nlearning_rate=0.01\npolicy=poly\npower=4\nmax_batches=392480\n")


def ways(net: Net, start: int, target: int, ngpus: int = 1) -> dict[str, Extension]:
    return {way.name: way for way in plan(net, target, start=start, ngpus=ngpus).extensions}


class TestGoingOn:
    def test_the_story(self) -> None:
        story = ways(STORY, 300019, 592480)

        assert list(story) == ["stretch", "continuous", "hold", "re-warm"]
        assert {f"{way.before:f}" for way in story.values()} == {"0.000031"}
        # (1 - 300019/T)^4 0.01 with the T that leaves learning_rate/100 at 592480
        assert story["stretch"].changes == {"max_batches": 866488}
        assert story["stretch"].after == pytest.approx(0.01 * (1 - 300019 / 866488) ** 4, rel=1e-5)
        assert story["stretch"].jump == pytest.approx(59.3, abs=0.05)
        assert f"{story['continuous'].after:f}" == f"{story['hold'].after:f}" == "0.000031"

    @pytest.mark.parametrize(
        "policy",
        ["poly", "poly\npower=2.5", "steps\nsteps=1500,2500\nscales=.1,.1", "step\nstep=700\nscale=.5", "constant",
         "exp\ngamma=.999", "sigmoid\ngamma=.01\nstep=1500", "sgdr\nsgdr_cycle=700\nsgdr_mult=1", "sgdr"],
    )  # fmt: skip
    @pytest.mark.parametrize("ngpus", [1, 4])
    def test_continuous_and_hold_do_not_jump(self, policy: str, ngpus: int) -> None:
        net = parse_cfg(f"[net]\nbatch=64\nlearning_rate=0.01\nmax_batches=3000\nburn_in=100\npolicy={policy}\n")
        found = ways(net, 2000, 5000, ngpus)

        for name in ("continuous", "hold"):
            assert found[name].jump == pytest.approx(1, rel=1e-6)
            rewritten = found[name].run
            assert rewritten.rate(2000) == found[name].after
            assert rewritten.max_batches is not None
            assert rewritten.max_batches >= 5000

    def test_nothing_is_offered_where_nothing_is_to_do(self) -> None:
        assert ways(STORY, 300019, 392480) == {}
        assert ways(STORY, 0, 592480) == {}
        assert plan(lambda t: 0.1, 100, start=50).extensions == ()

    def test_behind_the_end(self) -> None:
        stretched = ways(STORY, 392480, 500000)

        assert stretched["stretch"].before == 0.0
        assert stretched["stretch"].jump == float("inf")
        assert "continuous" not in stretched


@given(text=nets(), target=st.integers(1, LONGEST), decay=st.sampled_from([2.0, 100.0, 5000.0]))
def test_suggest_gives_the_rate_that_was_asked_for(text: str, target: int, decay: float) -> None:
    net = read(text, "alexeyab")
    if net is None or not net.max_batches:
        return
    for suggestion in suggest(net, target, decay=decay):
        wanted = net.learning_rate / decay
        assert wanted * (1 - 2e-6) <= suggestion.rate_at_target <= 2 * wanted
        assert "learning_rate" not in suggestion.changes
        rewritten = suggestion.plan.run
        assert rewritten.rate(target) == suggestion.rate_at_target
        assert not found(suggestion.plan, "ends-before-target")


@pytest.mark.parametrize(
    ("net", "target", "expected"),
    [
        # between two drops only: 65 drops by 0.9 in 23903 iterations give 0.000106, 64 give 0.000118
        (
            Net(learning_rate=0.1, policy="step", step=134449, scale=0.9, max_batches=227504),
            23903,
            [{"step": 363}, {"step": 370}],
        ),
        # in the middle of a cycle no minimum brings the rate down
        (Net(learning_rate=0.1, policy="sgdr", sgdr_cycle=84, sgdr_mult=1, max_batches=701), 701, []),
        # 0.001 / 100 is what two drops by 0.1 give
        (Net(learning_rate=0.1, policy="steps", steps=(80, 90), scales=(0.1, 0.01), max_batches=100), None, [{}]),
    ],
)
def test_a_wish_is_met_from_both_sides_or_not_at_all(
    net: Net, target: int | None, expected: list[dict[str, object]]
) -> None:
    assert [dict(s.changes) for s in suggest(net, target, decay=1000)] == expected


def test_no_suggestion_turns_the_overshoot_of_several_gpus_into_nan() -> None:
    net = Net(learning_rate=0.1, max_batches=3722, policy="poly", power=0.5)

    for suggestion in suggest(net, ngpus=2):
        assert not found(suggestion.plan, "rate-not-finite")


def test_suggest_keeps_what_it_is_told_to_keep() -> None:
    net = replace(STORY, max_batches=900000)

    both = {key for s in suggest(net, 592480) for key in s.changes}
    assert both == {"max_batches", "power"}
    assert {key for s in suggest(net, 592480, keep="power") for key in s.changes} == {"max_batches"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"end_rate": 0.0}, "must be above 0"),
        ({"end_rate": float("nan")}, "must be above 0"),
        ({"decay": -5.0}, "must be above 0"),
        ({"target": -1}, "target must be an iteration"),
    ],
)
def test_wishes_that_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        suggest(STORY, **arguments)


@pytest.mark.parametrize("policy", ["constant", "step", "steps", "exp", "poly", "random", "sigmoid", "sgdr"])
@pytest.mark.parametrize("ngpus", [1, 3])
@pytest.mark.parametrize("dialect", [dialect.name for dialect in DIALECTS])
def test_designs_are_plans_without_errors(policy: str, ngpus: int, dialect: str) -> None:
    if dialect == "pjreddie" and policy == "sgdr":
        with pytest.raises(ValueError, match="policy must be one of"):
            design(classes=20, policy=policy, dialect=dialect)
        return
    net = design(classes=20, images=9000, ngpus=ngpus, policy=policy, dialect=dialect)
    planned = plan(net, ngpus=ngpus, classes=20, images=9000)

    assert net.max_batches == 40_000
    assert [f for f in planned.findings if f.severity == "error"] == []
    assert [f.code for f in planned.findings if f.severity == "warning" and policy != "poly"] == []
    assert planned.run.rate(net.burn_in + 1) <= 0.00101


def test_design_counts_epochs() -> None:
    assert design(images=6400, epochs=10).max_batches == 1000
    assert design(images=6401, epochs=10).max_batches == 1001
    with pytest.raises(ValueError, match="epochs need the number of training images"):
        design(epochs=10)
    with pytest.raises(ValueError, match="classes must be above 0"):
        design(classes=0)
