"""What Hypothesis draws is what was asked for, and is found without an import where the hook has run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrsched.schedule import Schedule, params
from lrsched.testing import cfgs, from_policy, schedules
from lrsched.testing.registration import register
from lrsched.trainers.darknet import DIALECTS, POLICIES, BurnIn, Dialect, Policy, Poly, Sgdr, Steps, parse_cfg

FEW = settings(max_examples=25)


@pytest.mark.parametrize("policy", [*POLICIES, BurnIn], ids=lambda policy: policy.__name__)
def test_a_policy_is_drawn_with_parameters_as_people_use_them(policy: type[Schedule]) -> None:
    @given(from_policy(policy))
    @FEW
    def typical(drawn: Any) -> None:
        assert type(drawn) is policy
        for name, param in params(policy).items():
            values = getattr(drawn, name)
            for value in values if isinstance(values, tuple) else (values,):
                assert param.typical[0] <= value <= param.typical[1]

    typical()


@given(
    from_policy(Poly, power=4.0, max_batches=st.integers(10, 20)),
    from_policy(Steps, steps=(100, 200, 300)),
    from_policy(Steps, scales=st.just((0.5,))),
    from_policy(Steps),
    from_policy(BurnIn, policy=from_policy(Sgdr, sgdr_mult=1)),
)
@FEW
def test_parts_of_a_policy_can_be_given(poly: Poly, by_steps: Steps, by_scales: Steps, free: Steps, warm: Any) -> None:
    assert (poly.power, 10 <= poly.max_batches <= 20) == (4.0, True)
    assert (by_steps.steps, len(by_steps.scales)) == ((100, 200, 300), 3)
    assert (by_scales.scales, len(by_scales.steps)) == ((0.5,), 1)
    assert list(free.steps) == sorted(set(free.steps))
    assert (type(warm.policy), warm.policy.sgdr_mult) == (Sgdr, 1)


def test_from_policy_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(TypeError, match="got <class 'int'>"):
        from_policy(int)
    with pytest.raises(TypeError, match="Poly has no field 'powr'; did you mean 'power'"):
        from_policy(Poly, powr=4.0)


def test_schedules_are_of_every_kind_and_as_short_as_asked() -> None:
    kinds: set[str] = set()

    @given(schedules(max_horizon=1000))
    @settings(max_examples=100)
    def collect(schedule: Schedule) -> None:
        kinds.add(type(schedule).__name__)
        assert schedule.horizon is not None
        assert schedule.horizon <= 1000

    collect()
    assert {"BurnIn", "Named"} < kinds
    assert len(kinds & {policy.__name__ for policy in POLICIES}) > 4
    with pytest.raises(ValueError, match="max_horizon must be at least 2, got 1"):
        schedules(max_horizon=1)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_cfg_is_read_by_the_dialect_it_is_drawn_for(dialect: Dialect) -> None:
    policies: set[str] = set()

    @given(cfgs(dialect=dialect), cfgs())
    @settings(max_examples=40)
    def read(text: str, of_any_dialect: str) -> None:
        assert of_any_dialect.startswith("[net]\n")
        net = parse_cfg(text, dialect)
        policies.add(net.policy)
        assert f"policy={net.policy}" in text.replace(" ", "")
        assert net.schedule()(1) >= 0

    read()
    assert policies <= set(dialect.policies)
    assert len(policies) > 4


def test_annotations_draw_schedules_once_hypothesis_has_started() -> None:
    register()

    @given(...)
    @settings(max_examples=10)
    def drawn(schedule: Schedule, policy: Policy, poly: Poly, warm: BurnIn) -> None:
        assert isinstance(schedule, Schedule)
        assert isinstance(policy, Policy)
        assert (type(poly), type(warm)) == (Poly, BurnIn)

    drawn()
