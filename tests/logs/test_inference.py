"""Windows cut at random from logs of known cfgs: what is inferred is the truth, or is said to be open."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from lrsched.logs import Audit, Inference, Log, Mismatches, audit, infer
from lrsched.schedules import constant
from lrsched.trainers.darknet import ALEXEYAB, DIALECTS, Net
from tests.factories import log_lines, log_of, net_of, turns

HEADER = "Learning Rate: {:g}, Momentum: 0.9, Decay: 0.0005"

USUAL = {
    "constant": "learning_rate=0.001 policy=constant",
    "burn-in": "learning_rate=0.00261 burn_in=1000 policy=constant",
    "odd burn-in": "learning_rate=0.001 burn_in=743 policy=constant",
    "burn-in of power 1": "learning_rate=0.01 burn_in=400 policy=constant power=1",
    "steps": "learning_rate=0.001 burn_in=1000 policy=steps steps=1600,1800 scales=0.1,0.1",
    "odd steps": "learning_rate=0.01 burn_in=100 policy=steps steps=777,1234,1901 scales=0.5,0.2,0.1",
    "steps down to a rate printed as zero": "learning_rate=0.0001 policy=steps steps=500,900,1500 scales=0.1,0.1,0.1",
    "rising steps": "learning_rate=0.001 policy=steps steps=100,1500 scales=10,0.1",
    "poly": "learning_rate=0.1 policy=poly power=4 max_batches=2000",
    "poly of power 1": "learning_rate=0.01 policy=poly power=1 max_batches=5000",
    "poly after a burn-in": "learning_rate=0.1 burn_in=200 policy=poly power=4 max_batches=3000",
    "step": "learning_rate=0.1 policy=step step=300 scale=0.5",
    "exp": "learning_rate=0.1 policy=exp gamma=0.999",
}


@pytest.mark.parametrize("header", [True, False], ids=["header", "no header"])
@pytest.mark.parametrize("text", USUAL.values(), ids=USUAL.keys())
def test_the_numbers_of_a_run_are_found(text: str, header: bool) -> None:
    net = net_of(text + " batch=64")
    lines = [HEADER.format(net.learning_rate)] * header + log_lines(net, turns("alexeyab", 1, 0, 2000))
    found = infer(log_of(lines))
    assert (found.matched, found.total, found.complete) == (2000, 2000, True)
    expected = dict(word.split("=") for word in text.split())
    assert {key: found.values.get(key) for key in expected} == expected
    assert found.values["batch"] == "64"


@pytest.mark.parametrize(("dialect", "header"), [("pjreddie", True), ("pjreddie", False), ("alexeyab", True)])
def test_the_gpus_are_told_by_the_header_or_by_how_iterations_go_on(dialect: str, header: bool) -> None:
    net = net_of("learning_rate=0.001 policy=steps steps=800 scales=0.1 batch=64", dialect)
    lines = log_lines(net, turns(dialect, 4, 0, 1500), 4)
    start = ["mini_batch = 16, batch = 64, time_steps = 1, train = 1 ", HEADER.format(net.learning_rate)]
    if header:
        start[1] = HEADER.format(net.learning_rate * net.gpu_factor(4))
        lines = start + lines[::3]  # of which nobody could tell
    found = infer(log_of(lines))
    assert (found.complete, found.ngpus, found.values["batch"]) == (True, 4, "64")
    assert not {"ngpus", "batch", "learning_rate"} & found.open.keys()
    assert found.values["learning_rate"] == "0.001"


def test_a_drop_in_the_last_record_is_one_of_policy_steps() -> None:
    net = net_of("learning_rate=0.001 burn_in=100 policy=steps steps=400 scales=0.1 batch=64")
    found = infer(log_of(log_lines(net, turns("alexeyab", 1, 0, 400))))
    assert (found.values["policy"], found.values["steps"]) == ("steps", "400")
    assert found.open["policy"] == "one drop is seen; step explains it as well"


@pytest.mark.parametrize("stride", [69, 2])
def test_jumps_that_no_gpus_make_are_those_of_a_grep(stride: int) -> None:
    net = net_of("batch=64 learning_rate=0.001 policy=constant", "pjreddie")
    pairs = [(t + k, t + k) for t in range(1, 4000, stride + 3) for k in (0, 1, 2, 3)]
    assert infer(log_of(log_lines(net, pairs))).ngpus == 1


def test_an_explanation_of_most_rates_says_how_many() -> None:
    found = Inference(schedule=constant(0.1), matched=9, total=10, what="rate")
    assert str(found) == "This explains 9 of 10 rates:\n  constant(0.1)"
    assert str(Inference(total=1)) == "Cannot tell: nothing simple explains the only rate."


def test_a_comparison_says_how_many_rates_of_each_group_match() -> None:
    one = {"record": np.array([2]), "iteration": np.array([3]), "logged": np.array([0.1]), "planned": np.array([0.2])}
    wrong = Mismatches(**one, group=np.array(["lr/pg1"]))
    found = Audit(matched=5, total=6, mismatches=wrong, groups={"lr/pg0": 3, "lr/pg1": 2}, unit="epoch")
    assert str(found).splitlines() == [
        "5 of 6 rates are the planned ones; the first that is not is epoch 3.",
        "lr/pg0 3, lr/pg1 2 match.",
        "  epoch 3 lr/pg1: logged 0.1, planned 0.2",
    ]


def test_every_second_record_may_be_two_gpus() -> None:
    lines = log_lines(net_of("batch=64 learning_rate=0.001 policy=constant"), turns("alexeyab", 1, 0, 200))
    assert {"batch", "ngpus"} <= set(infer(log_of(lines[1::2])).open)


@pytest.mark.parametrize("policy", ["sigmoid step=1500 gamma=0.002", "sgdr sgdr_cycle=2500"])
@pytest.mark.parametrize("stride", [1, 3, 10])
def test_what_comes_after_a_burn_in_is_not_called_poly(policy: str, stride: int) -> None:
    lines = log_lines(net_of(f"learning_rate=0.00261 burn_in=1000 policy={policy}"), turns("alexeyab", 1, 0, 3000))
    found = infer(log_of(lines[::stride]))
    assert (found.family, found.last, "policy" in found.open) == ("constant", 999 - 998 % stride, True)


@st.composite
def nets(draw: st.DrawFn) -> Net:
    """A cfg as people write it, of any policy that can be inferred."""
    dialect = draw(st.sampled_from(DIALECTS))
    policy = draw(st.sampled_from(["steps", "steps", "poly", "constant", "exp", "step", "sigmoid", "sgdr"]))
    policy = policy if policy in dialect.policies else "steps"
    horizon = draw(st.sampled_from([2000, 4000, 6000]))
    count = draw(st.integers(1, 3))
    places = sorted(draw(st.lists(st.integers(10, 19), min_size=count, max_size=count, unique=True)))
    burn_in = draw(st.sampled_from([1000, 1000, 500, 100, 0, 1200]))
    first = draw(st.sampled_from([horizon * places[0] // 20] * 3 + [burn_in, burn_in // 2 or 1]))
    return Net(
        batch=64,
        learning_rate=draw(st.sampled_from([0.001, 0.00261, 0.01, 0.1, 0.005, 0.0001, 0.002])),
        burn_in=burn_in,
        power=draw(st.sampled_from([4.0, 4.0, 4.0, 1.0, 2.0])),
        policy=policy,
        max_batches=horizon,
        steps=(first, *(horizon * place // 20 for place in places[1:])) if policy == "steps" else (),
        scales=tuple(draw(st.lists(st.sampled_from([0.1, 0.1, 0.5, 0.2]), min_size=count, max_size=count)))
        if policy == "steps"
        else (),
        step=draw(st.sampled_from([500, 1000, 2500, 3000])),
        scale=draw(st.sampled_from([0.1, 0.5])),
        gamma=draw(st.sampled_from([0.999, 0.9995, 0.9999] if policy == "exp" else [0.01, 0.002])),
        sgdr_cycle=draw(st.sampled_from([1000, 2500, 4000])),
        sgdr_mult=draw(st.sampled_from([1, 2])),
        dialect=dialect,
    )


def printed(net: Net, ngpus: int, first: int, last: int, stride: int, *, header: bool) -> Log:
    """The log of a run, of which only every so-manieth record from ``first`` to ``last`` was kept."""
    pairs = [pair for pair in turns(net.dialect.name, ngpus, 0, last, net.burn_in) if pair[0] >= first][::stride]
    factor = ngpus if net.dialect.gpus_multiply_rate else 1
    return log_of([HEADER.format(net.learning_rate * factor)] * header + log_lines(net, pairs, ngpus))


def wrong(found: Inference, net: Net, ngpus: int, last: int) -> list[str]:
    """The numbers that are neither the true ones nor said to be open."""
    if found.config is None or ("ngpus" in found.open and found.ngpus != ngpus):
        return []
    guess: Net = found.config
    expected: dict[str, Any] = {"learning_rate": net.learning_rate, "burn_in": net.burn_in, "ngpus": ngpus}
    hidden = net.policy == "steps" and net.steps[0] <= max(net.burn_in, 1)
    if hidden:  # of the rate and its first scale only the product may show
        del expected["learning_rate"]
    if guess.burn_in and net.burn_in and "burn_in" not in found.open:
        expected["power"] = net.power
    of_policy: dict[str, dict[str, Any]] = {
        "steps": {} if hidden else {"steps": tuple(step for step in net.steps if step <= last)},
        "step": {"step": net.step, "scale": net.scale} if net.step <= last else {},
        "exp": {"gamma": net.gamma},
        "poly": {"max_batches": net.max_batches, "power": net.power},
        "sigmoid": {"gamma": net.gamma, "step": net.step},
        "sgdr": {"sgdr_cycle": net.sgdr_cycle, "sgdr_mult": net.sgdr_mult},
    }
    reached = of_policy.get(net.policy, {})
    if "policy" not in found.open:
        expected |= {"policy": net.policy, **reached}
    values = {key: getattr(guess, key) if key != "ngpus" else found.ngpus for key in expected}
    return [
        f"{key}: {values[key]} is not {value}"
        for key, value in expected.items()
        if key not in found.open and values[key] != value
    ]


@settings(max_examples=30)
@given(nets(), st.data())
def test_what_is_inferred_is_true_or_open(net: Net, data: st.DataObject) -> None:
    ngpus = data.draw(st.sampled_from([1, 1, 1, 1, 2, 4]))
    first = data.draw(st.sampled_from([1, 1, 200]) | st.integers(1, net.max_batches - 200))
    last = min(net.max_batches, first + data.draw(st.sampled_from([100, 700, 6000])))
    stride = data.draw(st.sampled_from([1, 1, 3, 10]))
    log = printed(net, ngpus, first, last, stride, header=data.draw(st.booleans()))
    found = infer(log)
    note(f"{net}, {ngpus} GPUs, {first}..{last} by {stride}\n{found}")
    guess = found.config
    assert wrong(found, net, ngpus, last) == []
    if found.complete and net.policy != "steps":
        assert len(guess.steps) <= 2
        assert all(scale < 1 for scale in guess.scales)


@settings(max_examples=15)
@given(
    st.lists(st.sampled_from([0.001, 0.0, -0.001, 1e-6, 3e300, math.inf, math.nan]), min_size=1, max_size=8),
    st.sampled_from([1, 200]),
)
def test_rates_that_no_trainer_has_are_not_explained(rates: list[float], first: int) -> None:
    columns = {"iteration": range(first, first + len(rates)), "rate": rates, "rate_decimals": [6] * len(rates)}
    log = Log.of(columns, trainer="darknet")
    if not np.isfinite(rates).any():
        return
    found = infer(log)
    assert not found.complete or 0 <= min(rates) <= max(rates) <= 0.001
    assert audit(log, net_of(USUAL["steps"])).matched <= len(rates)


def test_numbers_that_no_trainer_takes_explain_nothing() -> None:
    """A burn-in would have to end past what an int holds; the other fork would divide by zero."""
    columns = {"iteration": range(2**31 - 100, 2**31 - 60), "rate": [0.0] * 40, "rate_decimals": [6] * 40}
    assert infer(Log.of(columns, trainer="darknet")).schedule is None
    net = Net(batch=8, subdivisions=16, learning_rate=0.001, max_batches=500, policy="constant", dialect=ALEXEYAB)
    log = log_of(log_lines(replace(net, learning_rate=0.002), turns("alexeyab", 1, 0, 40), batch=16))
    assert audit(log, net).cause.startswith("The log is of another cfg: ")


def test_what_explains_a_beginning_may_explain_all() -> None:
    net = net_of("batch=64 learning_rate=0.1 burn_in=1000 policy=poly max_batches=2000", "pjreddie")
    found = infer(printed(net, 4, 1, 2000, 3, header=False))
    assert (found.complete, found.config.max_batches, "ngpus" in found.open) == (True, 2000, True)
