"""plan(): findings, suggestions and the story of a run that dies early."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched import Net, plan
from lrsched.trainers.darknet import BurnIn, Constant, Poly, Random, Step, parse_cfg

STORY = "[net]\nlearning_rate=0.01\npolicy=poly\npower=4\nmax_batches=392480\n"


def story(**changes: Any) -> Net:
    return replace(parse_cfg(STORY), **changes)


def codes(planned: Any) -> list[tuple[str, str]]:
    """What was found that is more than worth knowing."""
    return [(f.code, f.severity) for f in planned.findings if f.severity != "note"]


def exact_poly(learning_rate: str, power: int, t: int, max_batches: int) -> Fraction:
    return Fraction(learning_rate) * (1 - Fraction(t, max_batches)) ** power


class TestStory:
    """learning_rate 0.01, poly, power 4, looked at in iteration 300019."""

    @pytest.mark.parametrize(
        ("changes", "iteration", "printed"),
        [
            ({}, 300019, "0.000031"),
            ({"max_batches": 592480}, 300019, "0.000594"),
            ({"max_batches": 700000}, 300019, "0.001066"),
            ({"max_batches": 1000000, "learning_rate": 0.02}, 700000, "0.000162"),
        ],
    )
    def test_rates(self, changes: dict[str, Any], iteration: int, printed: str) -> None:
        net = story(**changes)

        assert printed == f"{net.schedule()(iteration):f}"
        assert printed == f"{float(exact_poly(str(net.learning_rate), 4, iteration, net.max_batches)):f}"

    def test_as_written(self) -> None:
        planned = plan(story())

        assert codes(planned) == [("rate-reaches-zero", "warning")]
        assert not planned.ok
        # 0.01 (1 - t/392480)^4 < 5e-7 from t = 392480 (1 - 0.00005^(1/4)) = 359476.3 on
        assert planned.zero_from == planned.findings[0].first == 359477
        assert planned.findings[0].last == 392480
        assert planned.findings[0].message == (
            "From iteration 359477 on the rate is printed as 0.000000 until the end at 392480: "
            "33004 iterations, 8.4% of the run and of its hours, hardly change a weight."
        )

    def test_a_later_target(self) -> None:
        planned = plan(story(), 592480)

        assert codes(planned) == [("ends-before-target", "error"), ("rate-reaches-zero", "warning")]
        assert (planned.findings[0].first, planned.findings[0].last) == (392480, 592480)
        assert [dict(s.changes) for s in planned.suggestions] == [
            {"max_batches": n} for n in (646876, 650000, 866488, 870000)
        ]

    def test_a_target_before_the_rate_dies(self) -> None:
        planned = plan(story(max_batches=700000), 592480)

        assert planned.ok
        assert codes(planned) == []
        assert planned.suggestions == ()
        assert planned.zero_from is None

    def test_going_on_from_700000(self) -> None:
        planned = plan(story(max_batches=1000000, learning_rate=0.02), start=700000)

        assert planned.zero_from == 929290
        assert "23.6% of the run" in planned.findings[0].message


@given(
    rate=st.sampled_from([0.001, 0.01, 0.00261, 0.1]),
    power=st.sampled_from([0.5, 1.0, 2.0, 4.0, 4.5]),
    max_batches=st.integers(10, 50_000),
    beyond=st.integers(0, 50_000),
    burn_in=st.sampled_from([0, 5]),
    ngpus=st.sampled_from([1, 4]),
)
def test_suggested_max_batches_are_the_smallest_that_do(
    rate: float, power: float, max_batches: int, beyond: int, burn_in: int, ngpus: int
) -> None:
    target = max_batches + beyond
    net = Net(learning_rate=rate, policy="poly", power=power, max_batches=max_batches, burn_in=burn_in)
    peak = np.float32(rate) * np.float32(ngpus)

    def at_target(suggested: int) -> np.float32:
        left = np.float32(1) - np.float32(target) / np.float32(suggested)
        return np.float32(float(peak) * float(left) ** power)

    planned = plan(net, target, ngpus=ngpus)

    hundredth = float(str(peak)) / 100
    offered = sorted(s.changes["max_batches"] for s in planned.suggestions if list(s.changes) == ["max_batches"])
    for suggestion in planned.suggestions:
        if list(suggestion.changes) == ["max_batches"]:
            expected = float(at_target(suggestion.changes["max_batches"]))
            assert suggestion.rate_at_target == pytest.approx(expected, rel=1e-6)

    def overshot(end: int) -> bool:
        """Whether the last turn of several GPUs may lie past ``end``, where a fractional power is NaN."""
        return ngpus > 1 and power % 1 != 0 and end < target + 4 * ngpus

    assert f"{at_target(offered[0]):f}" != "0.000000"
    assert f"{at_target(offered[0] - 1):f}" == "0.000000" or overshot(offered[0] - 1)
    usual = next(n for n in offered if at_target(n) >= hundredth)
    assert usual == target or at_target(usual - 1) < hundredth or overshot(usual - 1)


def test_a_suggestion_cures_what_it_is_for() -> None:
    net = story()
    for suggestion in plan(net).suggestions:
        cured = plan(replace(net, **suggestion.changes), 392480)
        assert cured.ok
        assert cured.rate_at_target == suggestion.rate_at_target


def test_other_policies_are_lengthened_to_the_target() -> None:
    net = parse_cfg("[net]\nmax_batches=500\npolicy=steps\nsteps=400\nscales=.1\n")
    planned = plan(net, 800)

    assert codes(planned) == [("ends-before-target", "error")]
    assert [dict(s.changes) for s in planned.suggestions] == [
        {"max_batches": 800, "steps": (640,)},
    ]


@pytest.mark.parametrize(
    ("schedule", "target", "severity", "zero_from"),
    [
        (Constant(learning_rate=1e-7, max_batches=100), None, "error", 0),
        (Poly(learning_rate=0.001, power=1.0, max_batches=4000), None, "note", 3999),
        (Step(learning_rate=0.001, step=100, scale=0.01, max_batches=1000), None, "error", 200),
        (Step(learning_rate=0.001, step=100, scale=0.01, max_batches=202), None, "warning", 200),
        (Constant(learning_rate=0.1, max_batches=100), None, None, None),
        (BurnIn(policy=Constant(learning_rate=0.001), burn_in=1000), 149, "error", 0),
        (BurnIn(policy=Constant(learning_rate=0.001), burn_in=1000), 150, None, None),
    ],
)
def test_severity_is_honest(schedule: Any, target: int | None, severity: str | None, zero_from: int | None) -> None:
    planned = plan(schedule, target)

    assert [f.severity for f in planned.findings if f.code == "rate-reaches-zero"] == ([severity] if severity else [])
    assert planned.zero_from == zero_from


def test_a_run_without_max_batches() -> None:
    planned = plan(parse_cfg("[net]\nlearning_rate=.1\n"))

    assert codes(planned) == [("max-batches-missing", "warning")]
    assert planned.zero_from is None
    assert planned.rate_at_target is None
    with_target = plan(parse_cfg("[net]\nlearning_rate=.1\n"), 10)
    assert codes(with_target) == [("max-batches-missing", "warning")]
    assert [dict(s.changes) for s in with_target.suggestions] == [{"max_batches": 10}]


def test_sources(tmp_path: Path) -> None:
    path = tmp_path / "story.cfg"
    path.write_text(STORY)

    from_path = plan(path, 592480, ngpus=2)
    assert from_path.findings == plan(str(path), 592480, ngpus=2).findings
    assert from_path.findings == plan(story(), 592480, ngpus=2).findings
    schedule = plan(story().schedule(2), 592480)
    assert codes(from_path) == codes(schedule)
    assert [dict(s.changes) for s in from_path.suggestions] == [dict(s.changes) for s in schedule.suggestions]
    assert plan(path, dialect="hank-ai", ngpus=2).rate_at_target == plan(path).rate_at_target == 0.0


def test_a_callable_needs_a_target() -> None:
    def halving(t: int) -> float:
        return 0.1 * 0.5 ** (t // 100)

    assert plan(halving, 5000).zero_from == 1800
    with pytest.raises(ValueError, match="name a target"):
        plan(halving)


@pytest.mark.parametrize("wrong", [-1, 1.0, True, "5", 2**31, np.float32(3)])
def test_target_and_start_are_iterations(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="target must be"):
        plan(story(), wrong)
    with pytest.raises((TypeError, ValueError), match="start must be"):
        plan(story(), start=wrong)


def test_gpus_belong_to_a_cfg() -> None:
    with pytest.raises(ValueError, match="ngpus=2 needs a cfg"):
        plan(Random(), 10, ngpus=2)
    with pytest.raises(ValueError, match="ngpus must be at least 1"):
        plan(story(), ngpus=0)


def test_start_at_or_past_the_end() -> None:
    assert plan(story(), start=392481).zero_from is None
    assert plan(story(), start=392480).zero_from == 392480
