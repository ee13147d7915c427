"""Logs compared with the cfg they were printed from, and with others."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lrsched.logs import Header, Log, LogError, audit, part
from lrsched.trainers.darknet import DIALECTS, CfgError, Net, Random
from tests.factories import log_lines, log_of, net_of, run_log, runs, turns, with_column

STEPS = "batch=64 learning_rate=0.001 burn_in=100 policy=steps steps=400,450 scales=.1,.1 max_batches=500"
POLY = "batch=64 learning_rate=0.01 policy=poly power=4 max_batches=600"
EXP, FLAT = "batch=64 learning_rate=0.1 policy=exp gamma=.99", "batch=64 learning_rate=0.001 policy=constant"


@given(st.floats(2.0**-20, 1, width=32) | st.integers(1, 2**20).map(lambda n: n / 2**20))
def test_a_rate_is_printed_as_itself_and_as_no_other(rate: float) -> None:
    for units in (0, 2):
        text = f"{Decimal(rate) + units * Decimal('1e-6'):.6f}"
        log = Log.of({"iteration": [1], "rate": [float(text)], "rate_decimals": [6]}, trainer="darknet")
        assert audit(log, replace(net_of("policy=constant"), learning_rate=rate)).ok == (units == 0)


@st.composite
def nets(draw: st.DrawFn) -> Net:
    dialects = {dialect.name: dialect for dialect in DIALECTS}
    run = draw(
        runs(sane=True, longest=1000).filter(lambda run: run.policy in dialects[run.dialect].policies - {"random"})
    )
    numbers = {"power": run.power, **run.values, "max_batches": draw(st.integers(700, 1000))}
    return Net(batch=64, policy=run.policy, burn_in=run.burn_in, dialect=dialects[run.dialect], **numbers)


@given(nets(), st.integers(1, 6), st.integers(0, 500))
def test_a_cfg_explains_its_own_log(net: Net, ngpus: int, start: int) -> None:
    found = audit(run_log(net, start + 60, start=start, ngpus=ngpus), net, ngpus)
    assert found.ok
    assert found.matched == found.total > 0
    assert (found.cause, len(found.mismatches)) == ("", 0)


@given(nets(), st.integers(0, 400), st.integers(0, 24), st.sampled_from([-1, 1]))
def test_the_last_printed_digit_counts(net: Net, start: int, place: int, way: int) -> None:
    good = run_log(net, start + 25, start=start)
    assume(np.isfinite(good.rate[place]))
    digit = 10.0 ** -int(good.rate_decimals[0])
    rate = good.rate.copy()
    # -Ofast may print a neighbour, never one two digits away
    rate[place] += 2 * way * digit * max(1.0, abs(rate[place]) * 1e-6 / digit)
    found = audit(with_column(good, "rate", rate), net)
    assert found.mismatches.record.tolist() == [place]
    assert found.mismatches.iteration.tolist() == [start + 1 + place]
    assert found.mismatches.logged[0] == rate[place]
    assert not found.ok


def test_random_rates_lie_in_their_band() -> None:
    net = net_of("batch=64 learning_rate=0.01 policy=random power=2 burn_in=20")
    drawn = [Random(learning_rate=0.01, power=2.0, u=u) for u in (0.0, 0.3, 1.0)]
    lines = log_lines(net, turns("alexeyab", 1, 0, 50))
    for line in range(20, 50):
        lines[line] = re.sub(r"0\.\d{6} rate", f"{float(drawn[line % 3](line)):f} rate", lines[line])
    assert audit(log_of(lines), net).ok
    lines[30] = re.sub(r"0\.\d{6} rate", "0.010001 rate", lines[30])
    assert audit(log_of(lines), net).mismatches.iteration.tolist() == [31]


@pytest.mark.parametrize("dialect", ["pjreddie", "alexeyab"])
@pytest.mark.parametrize("real", [1, 3, 4, 16])
def test_another_number_of_gpus(dialect: str, real: int) -> None:
    net = net_of(STEPS, dialect)
    log = run_log(net, 500, ngpus=real)
    assert audit(log, net, 5).cause == f"The run was on {real} GPU{'s' if real > 1 else ''}, not on 5."
    assert (audit(log, net).ngpus, audit(log, net).ok) == (real, True)


def test_another_fork_is_a_cause_where_it_would_train_the_cfg() -> None:
    text = "batch=64 learning_rate=0.001 policy=steps steps=-1,200 scales=.5,.1"
    found = audit(run_log(net_of(text, "pjreddie"), 300), net_of(text, "alexeyab"))
    assert found.cause == "The log matches pjreddie/darknet, not AlexeyAB/darknet."
    log = run_log(net_of("batch=64 learning_rate=0.01 policy=constant"), 300)
    refused, hangs = "policy=constant gamma=0.5", "policy=sgdr sgdr_cycle=0"
    for rest in (refused, hangs):
        net = net_of(f"batch=64 learning_rate=0.02 {rest}", "pjreddie")
        assert "learning_rate=0.01 (given: 0.02)" in audit(log, net).cause


def test_gpus_are_known_by_the_header_where_there_are_no_images() -> None:
    net = net_of(STEPS)
    lines = log_lines(net, turns("alexeyab", 4, 0, 480), 4)
    bare = log_of(["Learning Rate: 0.004, Momentum: 0.9, Decay: 0.0005", *lines])
    bare = with_column(bare, "images", np.full(len(bare), np.nan))
    assert (audit(bare, net).ngpus, audit(bare, net).ok) == (4, True)
    other = replace(bare, headers=(Header(learning_rate="0.0033"),))  # no multiple of that of the cfg
    assert audit(other, net).ngpus == 1


OTHERS = {
    "learning rate, not 10 GPUs": (FLAT, FLAT.replace("0.001", "0.01"), "learning_rate=0.01 (given: 0.001)"),
    "learning rate": (STEPS, STEPS.replace("0.001", "0.0005"), "learning_rate=0.0005 (given: 0.001)"),
    "burn-in": (STEPS, STEPS.replace("burn_in=100", "burn_in=200"), "burn_in=200 (given: 100)"),
    "steps": (STEPS, STEPS.replace("400,450", "300,450"), "steps=300,450 (given: 400,450)"),
    "gamma": (EXP, EXP + "5", "gamma=0.995 (given: 0.99)"),
}


@pytest.mark.parametrize(("planned", "real", "difference"), OTHERS.values(), ids=OTHERS)
def test_another_cfg_is_shown_beside_the_given_one(planned: str, real: str, difference: str) -> None:
    cause = audit(run_log(net_of(real), 500), net_of(planned)).cause
    assert cause.startswith("The log is of another cfg: ")
    assert difference in cause


def test_a_cfg_edited_on_the_way() -> None:
    edited = net_of(STEPS.replace("0.001", "0.0005"))
    lines = [*log_lines(net_of(STEPS), turns("alexeyab", 1, 0, 60)), *log_lines(edited, turns("alexeyab", 1, 60, 500))]
    found = audit(log_of(lines), net_of(STEPS))
    assert found.matched == 60
    assert found.cause.startswith("From iteration 61 on: the log is of another cfg")


@pytest.mark.parametrize("text", [STEPS, POLY, EXP], ids=["steps", "poly", "exp"])
@pytest.mark.parametrize(("by", "stride"), [(37, 1), (-50, 1), (37, 10)])
def test_a_shifted_counter_is_one_number(text: str, by: int, stride: int) -> None:
    pairs = [(t, t + by) for t in range(max(1, 1 - by), 450, stride)]
    how = f"planned {abs(by)} iterations {'later' if by > 0 else 'earlier'}"
    assert how in audit(log_of(log_lines(net_of(text), pairs)), net_of(text)).cause


def test_a_log_that_shows_no_change_shows_no_shift() -> None:
    level = log_of(log_lines(net_of(STEPS), [(t, t + 1000) for t in range(10, 90)]))
    assert "shifted" not in audit(level, net_of(STEPS)).cause


def test_what_the_log_says_beside_the_rates() -> None:
    log = run_log(net_of(STEPS), 500)
    other_batch = audit(log, net_of(STEPS.replace("batch=64", "batch=1")))
    assert other_batch.matched == 500
    assert not other_batch.ok
    assert "64 images per iteration, the cfg means 1 (batch=1)" in str(other_batch)
    shorter = audit(log, net_of(STEPS.replace("max_batches=500", "max_batches=300")))
    assert "reaches iteration 500, the cfg ends at max_batches=300" in str(shorter)
    titled = audit(replace(log, horizon=600), net_of(STEPS))
    assert titled.contradictions == ("The trainer printed 600 as the last iteration, the cfg says max_batches=500.",)


def test_what_nothing_explains() -> None:
    good = run_log(net_of(STEPS), 300)
    noise = np.random.default_rng(3).uniform(0, 0.001, 300).round(6)
    found = audit(with_column(good, "rate", np.append(good.rate[:50], noise[50:])), net_of(STEPS))
    assert (found.cause, found.ok) == ("", False)
    assert f"the first that does not is iteration {found.mismatches.iteration[0]}." in str(found)


def test_what_cannot_be_compared() -> None:
    log = run_log(net_of(STEPS), 10)
    with pytest.raises(LogError, match="no record"):
        audit(part(log, 0, 0), net_of(STEPS))
    with pytest.raises(ValueError, match="ngpus"):
        audit(log, net_of(STEPS), 0)
    with pytest.raises(CfgError, match="step=0"):
        audit(log, replace(Net(policy="step", batch=64), step=0))


def test_a_cause_is_given_only_where_it_explains_the_rates() -> None:
    """The other batch alone would not: the rate is ten times that of the cfg."""
    log = log_of(log_lines(net_of("batch=32 learning_rate=0.01"), zip(*[range(2001, 2201)] * 2, strict=True), batch=32))
    found = audit(log, net_of("batch=64 learning_rate=0.001 burn_in=1000 policy=poly max_batches=9000"))

    assert found.matched == 0
    assert "batch=32" not in found.cause or "learning_rate=" in found.cause
