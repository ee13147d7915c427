from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.logs import LogError
from lrsched.logs.inference import Inference, fragment, infer
from lrsched.trainers.darknet import DIALECTS, Net, parse_cfg
from tests.logs.runs import cfg, lines_of, log_of, loop, run

HEADER = "Learning Rate: {:g}, Momentum: 0.9, Decay: 0.0005"

USUAL = {
    "constant": "learning_rate=0.001 policy=constant",
    "burn-in": "learning_rate=0.00261 burn_in=1000 policy=constant",
    "odd burn-in": "learning_rate=0.001 burn_in=743 policy=constant",
    "burn-in of power 1": "learning_rate=0.01 burn_in=400 policy=constant power=1",
    "steps": "learning_rate=0.001 burn_in=1000 policy=steps steps=1600,1800 scales=0.1,0.1",
    "odd steps": "learning_rate=0.01 burn_in=100 policy=steps steps=777,1234,1901 scales=0.5,0.2,0.1",
    "rising steps": "learning_rate=0.001 policy=steps steps=100,1500 scales=10,0.1",
    "poly": "learning_rate=0.1 policy=poly power=4 max_batches=2000",
    "poly of power 1": "learning_rate=0.01 policy=poly power=1 max_batches=5000",
    "poly after a burn-in": "learning_rate=0.1 burn_in=200 policy=poly power=4 max_batches=3000",
    "step": "learning_rate=0.1 policy=step step=300 scale=0.5",
    "exp": "learning_rate=0.1 policy=exp gamma=0.999",
    "sigmoid": "learning_rate=0.1 policy=sigmoid gamma=0.01 step=1000",
    "sgdr": "learning_rate=0.1 policy=sgdr learning_rate_min=0.00001 sgdr_cycle=500 sgdr_mult=2",
}


def numbers(found: Inference) -> dict[str, str]:
    return dict(line.split("=") for line in found.text.splitlines()[1:])


def with_header(net: Net, end: int, start: int = 0, ngpus: int = 1) -> list[str]:
    factor = ngpus if net.dialect.gpus_multiply_rate else 1
    lines = lines_of(net, loop(net.dialect.name, ngpus, start, end, net.burn_in), ngpus)
    return [HEADER.format(net.learning_rate * factor), *lines]


@pytest.mark.parametrize("header", [True, False], ids=["header", "no header"])
@pytest.mark.parametrize("text", USUAL.values(), ids=USUAL.keys())
def test_the_numbers_of_a_run_are_found(text: str, header: bool) -> None:
    net = cfg(text + " batch=64")
    lines = with_header(net, 2000)
    found = infer(log_of(lines if header else lines[1:]))
    assert (found.matched, found.total, found.complete) == (2000, 2000, True)
    told = numbers(found)
    expected = dict(word.split("=") for word in text.split())
    assert {key: told.get(key) for key in expected} == expected
    assert told["batch"] == "64"


@pytest.mark.parametrize("dialect", ["pjreddie", "alexeyab"])
@pytest.mark.parametrize("ngpus", [2, 3, 4, 8])
def test_gpus_are_found_by_the_way_iterations_go_on(dialect: str, ngpus: int) -> None:
    net = cfg(USUAL["steps"] + " batch=64", dialect)
    found = infer(log_of(with_header(net, 2400, ngpus=ngpus)))
    assert (found.ngpus, found.complete) == (ngpus, True)
    told = numbers(found)
    assert {key: told[key] for key in ("learning_rate", "burn_in", "policy", "scales", "batch")} == {
        "learning_rate": "0.001",
        "burn_in": "1000",
        "policy": "steps",
        "scales": "0.1,0.1",
        "batch": "64",
    }
    # the turns between which a drop lies are not adjacent
    for step, near in zip((1600, 1800), told["steps"].split(","), strict=True):
        assert abs(int(near) - step) <= 4 * ngpus


def test_what_is_not_seen_is_said() -> None:
    net = cfg(USUAL["steps"] + " batch=64")
    middle = infer(log_of(lines_of(net, loop("alexeyab", 1, 1100, 1500))))
    said = "\n".join(middle.undetermined)
    assert "steps after iteration 1500 are not seen" in said
    assert "a burn-in that ended at iteration 1101 or before is not seen" in said
    assert "max_batches is unknown" in said
    late = infer(log_of([HEADER.format(0.001), *lines_of(net, loop("alexeyab", 1, 1700, 1750))]))
    assert late.complete
    assert numbers(late)["scales"] == "0.1"
    assert "reached at or before it" in str(late)
    zeros = infer(log_of(with_header(net, 20)))
    assert zeros.complete
    assert "a burn-in of 1000 is assumed" in str(zeros)
    early = infer(log_of(with_header(net, 300)))
    assert numbers(early)["burn_in"] == "1000"
    assert "the log ends within the burn-in" in str(early)


def test_a_gap_leaves_a_step_open() -> None:
    net = cfg(USUAL["steps"] + " batch=64")
    pairs = [pair for pair in loop("alexeyab", 1, 0, 2000) if not 1550 <= pair[0] < 1650]
    found = infer(log_of(lines_of(net, pairs)))
    assert found.complete
    assert "may be any iteration from 1550 to 1650" in str(found)


@st.composite
def nets(draw: st.DrawFn) -> Net:
    dialect = draw(st.sampled_from(DIALECTS))
    usual = Net(
        batch=64,
        learning_rate=draw(st.sampled_from([0.001, 0.00261, 0.01, 0.1, 0.005])),
        burn_in=draw(st.sampled_from([0, 100, 200, 333])),
        dialect=dialect,
    )
    policy = draw(st.sampled_from(["constant", "steps", "poly"]))
    if policy == "steps":
        steps = tuple(sorted(draw(st.sets(st.integers(350, 590), min_size=1, max_size=3))))
        scales = tuple(draw(st.lists(st.sampled_from([0.1, 0.5, 0.2]), min_size=len(steps), max_size=len(steps))))
        return replace(usual, policy=policy, steps=steps, scales=scales)
    if policy == "poly":
        return replace(usual, policy=policy, max_batches=draw(st.integers(600, 3000)))
    return replace(usual, policy=policy)


@given(nets(), st.booleans())
def test_what_is_inferred_explains_every_record(net: Net, header: bool) -> None:
    lines = with_header(net, 600)
    log = log_of(lines if header else lines[1:])
    found = infer(log)
    assert (found.matched, found.total) == (600, 600)
    rates = parse_cfg(found.text, found.net.dialect).schedule()(log.iteration)
    decimals = int(log.rate_decimals[0])
    if decimals == 6:
        assert [f"{float(rate):.6f}" for rate in rates] == [f"{rate:.6f}" for rate in log.rate]
    else:
        assert np.abs(rates.astype(np.float64) - log.rate).max() < 1.1e-8


@given(nets())
def test_a_fragment_is_read_as_it_was(net: Net) -> None:
    again = parse_cfg(fragment(net, 64), net.dialect)
    assert replace(again, origin=None) == net
    assert again.schedule() == net.schedule()


def test_what_no_cfg_explains_is_counted() -> None:
    good = run(cfg(USUAL["burn-in"] + " batch=64"), 300)
    noise = np.random.default_rng(5).uniform(0, 0.001, 300).round(6)
    found = infer(replace(good, rate=noise))
    assert not found.complete
    assert found.matched < 300
    assert f"it explains {found.matched} of 300 records" in str(found)


def test_a_log_without_rates() -> None:
    log = run(cfg(USUAL["constant"]), 5)
    with pytest.raises(LogError, match="no record shows a rate"):
        infer(replace(log, rate=np.full(5, np.nan)))
