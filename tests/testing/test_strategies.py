"""What Hypothesis draws is what was asked for, and is found without an import where the hook has run."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

import lrsched
from lrsched.schedule import LAST_ITERATION, Schedule, params
from lrsched.testing import cfgs, from_policy, iterations, schedules
from lrsched.trainers.darknet import DIALECTS, POLICIES, BurnIn, Constant, Dialect, Policy, Poly, Sgdr, Steps, parse_cfg

ROOT = Path(lrsched.__file__).parent.parent


@given(st.data(), st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=30)
def test_iterations_keep_to_their_limits(data: st.DataObject, low: int, more: int) -> None:
    drawn = data.draw(iterations(min_value=low, max_value=low + more, near=[low + more // 2]))
    assert low <= drawn <= low + more


@pytest.mark.parametrize("wanted", [0, 2**24 + 1, LAST_ITERATION, 123_456_788, 123_456_789])
def test_iterations_are_drawn_where_things_happen(wanted: int) -> None:
    strategy = iterations(near=[123_456_789])
    assert find(strategy, lambda t: t == wanted, settings=settings(max_examples=4000, database=None)) == wanted


@pytest.mark.parametrize(("low", "high"), [(-1, 3), (4, 3), (0, 2**31)])
def test_iterations_refuse_limits_that_hold_none(low: int, high: int) -> None:
    with pytest.raises(ValueError, match=f"got min_value={low} and max_value={high}"):
        iterations(min_value=low, max_value=high)


@pytest.mark.parametrize("policy", [*POLICIES, BurnIn], ids=lambda policy: policy.__name__)
def test_a_policy_is_drawn_with_parameters_as_people_use_them(policy: type[Schedule]) -> None:
    @given(from_policy(policy))
    @settings(max_examples=25)
    def typical(drawn: Any) -> None:
        assert type(drawn) is policy
        for name, param in params(policy).items():
            values = getattr(drawn, name)
            for value in values if isinstance(values, tuple) else (values,):
                assert param.typical[0] <= value <= param.typical[1]

    typical()


@given(from_policy(Poly, power=4.0, max_batches=st.integers(10, 20)))
@settings(max_examples=25)
def test_parts_of_a_policy_can_be_given(poly: Poly) -> None:
    assert poly.power == 4.0
    assert 10 <= poly.max_batches <= 20


@given(from_policy(Steps, steps=(100, 200, 300)), from_policy(Steps, scales=st.just((0.5,))), from_policy(Steps))
@settings(max_examples=25)
def test_steps_and_scales_fit_together(given_steps: Steps, given_scales: Steps, free: Steps) -> None:
    assert given_steps.steps == (100, 200, 300)
    assert len(given_steps.scales) == 3
    assert given_scales.scales == (0.5,)
    assert len(given_scales.steps) == 1
    assert list(free.steps) == sorted(set(free.steps))


@given(from_policy(BurnIn, then=from_policy(Sgdr, sgdr_mult=1)))
@settings(max_examples=10)
def test_a_burn_in_is_drawn_around_what_is_given(drawn: BurnIn) -> None:
    assert isinstance(drawn.then, Sgdr)
    assert drawn.then.sgdr_mult == 1


def test_from_policy_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(TypeError, match=r"takes a policy of lrsched\.trainers\.darknet or BurnIn, got <class 'int'>"):
        from_policy(int)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Poly has no field powr; write power"):
        from_policy(Poly, powr=4.0)


def test_schedules_are_of_every_kind() -> None:
    kinds: set[str] = set()

    @given(schedules(max_horizon=1000))
    @settings(max_examples=400, database=None, derandomize=True)
    def collect(schedule: Schedule) -> None:
        kinds.add(type(schedule).__name__)
        assert schedule.horizon is not None
        assert schedule.horizon <= 1000

    collect()
    named = {"Linear", "Exponential", "Polynomial", "Cosine", "OneCycle", "WarmupStableDecay", "InverseSqrt"}
    assert {policy.__name__ for policy in POLICIES} | {"BurnIn"} | named <= kinds


@given(st.data())
@settings(max_examples=10)
def test_short_runs_can_be_drawn(data: st.DataObject) -> None:
    assert (data.draw(schedules(max_horizon=2)).horizon or 0) <= 2
    with pytest.raises(ValueError, match="max_horizon must be at least 2, got 1"):
        schedules(max_horizon=1)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_cfg_is_read_by_the_dialect_it_is_drawn_for(dialect: Dialect) -> None:
    policies: set[str] = set()

    @given(cfgs(dialect=dialect))
    @settings(max_examples=150, database=None, derandomize=True)
    def read(text: str) -> None:
        net = parse_cfg(text, dialect)
        policies.add(net.policy)
        assert f"policy={net.policy}" in text.replace(" ", "")
        assert net.schedule()(1) >= 0

    read()
    assert policies == set(dialect.policies)


@given(cfgs())
@settings(max_examples=20)
def test_a_cfg_of_any_dialect_is_a_text_with_a_net(text: str) -> None:
    assert text.startswith("[net]\n")


def test_the_hook_of_hypothesis_makes_schedules_known() -> None:
    code = textwrap.dedent(
        """
        import sys
        import hypothesis
        from hypothesis import given, settings, strategies as st
        from lrsched.testing.registration import register
        register()
        assert "lrsched.testing.strategies" not in sys.modules
        from lrsched.trainers.darknet import BurnIn, Poly, Policy
        from lrsched.schedule import Schedule

        seen = set()

        @given(st.from_type(Schedule), st.from_type(Policy), st.from_type(Poly), st.from_type(BurnIn))
        @settings(max_examples=10, database=None)
        def drawn(schedule, policy, poly, burn_in):
            assert isinstance(schedule, Schedule) and isinstance(policy, Policy)
            assert type(poly) is Poly and type(burn_in) is BurnIn
            seen.add(type(schedule))

        drawn()
        assert seen
        print("drawn")
        """
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (run.stdout.strip(), run.returncode) == ("drawn", 0), run.stderr


@given(from_policy(Constant))
@settings(max_examples=5)
def test_policies_are_policies(drawn: Policy) -> None:
    assert isinstance(drawn, Policy)
