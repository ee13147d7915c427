from __future__ import annotations

import re
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lrsched.logs import LogError
from lrsched.logs.audit import Audit, audit
from lrsched.logs.printed import printed_units, rate_at
from lrsched.trainers.darknet import DIALECTS, PJREDDIE, CfgError, Net, Random
from tests.logs.runs import cfg, lines_of, log_of, loop, run

STEPS = "batch=64 learning_rate=0.001 burn_in=100 policy=steps steps=400,450 scales=.1,.1 max_batches=500"
POLY = "batch=64 learning_rate=0.01 policy=poly power=4 max_batches=600"


@given(st.floats(0, 2.0**100, width=32) | st.floats(0, 1, width=32) | st.integers(0, 2**20).map(lambda n: n / 2**20))
def test_units_are_those_of_printf(rate: float) -> None:
    for decimals in (6, 8):
        exact = Decimal(f"{np.float32(rate):.{decimals}f}".replace(".", ""))
        assert printed_units(np.array([rate], np.float32), decimals)[0] == float(exact)
    tie = Fraction(float(np.float32(rate))) * 10**6
    assert (
        printed_units(np.array([rate], np.float32), 6)[0]
        == float((Decimal(tie.numerator) / Decimal(tie.denominator)).to_integral_value(ROUND_HALF_EVEN))
        or tie > 2**53
    )


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("ngpus", range(1, 9))
def test_iterations_are_those_of_the_plain_loop(dialect: Any, ngpus: int) -> None:
    for start, burn_in in ((0, 0), (0, 37), (24, 100), (403, 0)):
        printed, at = zip(*loop(dialect.name, ngpus, start, start + 300, burn_in), strict=True)
        assert rate_at(np.array(printed), ngpus, dialect, burn_in).tolist() == list(at)


def test_the_known_turns_of_several_gpus() -> None:
    assert [printed for printed, _ in loop("pjreddie", 4, 0, 32)] == [1, 2, 3, 16, 17, 18, 19, 32]
    assert dict(loop("alexeyab", 2, 400, 408))[404] == 408


@st.composite
def nets(draw: st.DrawFn) -> Net:
    dialect = draw(st.sampled_from(DIALECTS))
    policies = sorted(dialect.policies - {"random"})
    count = draw(st.integers(1, 4))
    steps = tuple(sorted(draw(st.lists(st.integers(1, 400), min_size=count, max_size=count))))
    return Net(
        batch=64,
        learning_rate=draw(st.sampled_from([0.001, 0.00261, 0.01, 0.1, 0.0005]) | st.floats(2.0**-16, 1, width=32)),
        burn_in=draw(st.sampled_from([0, 0, 1, 100, 250]) | st.integers(0, 600)),
        power=draw(st.sampled_from([4.0, 1.0, 2.0, 0.5, 2.5])),
        policy=draw(st.sampled_from(policies)),
        max_batches=draw(st.integers(100, 1000)),
        steps=steps,
        scales=tuple(draw(st.lists(st.sampled_from([0.1, 0.5, 10.0, 0.33]), min_size=count, max_size=count))),
        step=draw(st.integers(1, 300)),
        scale=draw(st.sampled_from([0.1, 0.5, 0.9])),
        gamma=draw(st.sampled_from([0.99, 0.999, 0.01, 0.1])),
        sgdr_cycle=draw(st.integers(10, 300)),
        sgdr_mult=draw(st.integers(1, 3)),
        dialect=dialect,
    )


@given(nets(), st.integers(1, 6), st.integers(0, 500))
def test_a_cfg_explains_its_own_log(net: Net, ngpus: int, start: int) -> None:
    found = audit(run(net, start + 150, start=start, ngpus=ngpus), net, ngpus)
    assert found.matched == found.total > 0
    assert found.ok
    assert found.explained
    assert not found.causes
    assert not len(found.mismatches)
    assert str(found).startswith(f"All {found.total} records show the planned rate")


@settings(max_examples=20)
@given(nets(), st.integers(0, 400), st.integers(0, 99), st.sampled_from([-1, 1]))
def test_the_last_printed_digit_counts(net: Net, start: int, place: int, way: int) -> None:
    good = run(net, start + 100, start=start)
    assume(np.isfinite(good.rate[place]))
    digit = 10.0 ** -int(good.rate_decimals[0])
    rate = good.rate.copy()
    # -Ofast may print a neighbour, never one two digits away
    rate[place] += 2 * way * digit * max(1.0, abs(rate[place]) * 1e-6 / digit)
    found = audit(replace(good, rate=rate), net)
    assert found.mismatches.record.tolist() == [place]
    assert found.matched == 99
    assert found.mismatches.iteration.tolist() == [start + 1 + place]
    assert found.mismatches.logged[0] == rate[place]
    assert found.mismatches.planned[0] == net.schedule()(start + 1 + place)


def test_one_digit_off_is_a_mismatch() -> None:
    net = cfg(STEPS)
    good = run(net, 300)
    rate = good.rate.copy()
    rate[250] = 0.001001
    assert audit(replace(good, rate=rate), net).mismatches.iteration.tolist() == [251]


def test_random_rates_lie_in_their_band() -> None:
    net = cfg("batch=64 learning_rate=0.01 policy=random power=2 burn_in=20")
    drawn = [Random(learning_rate=0.01, power=2.0, u=u) for u in (0.0, 0.3, 1.0)]
    lines = lines_of(net, loop("alexeyab", 1, 0, 50))
    for line in range(20, 50):
        lines[line] = re.sub(r"0\.\d{6} rate", f"{float(drawn[line % 3](line)):f} rate", lines[line])
    assert audit(log_of(lines), net).ok
    lines[30] = re.sub(r"0\.\d{6} rate", "0.010001 rate", lines[30])
    assert audit(log_of(lines), net).mismatches.iteration.tolist() == [31]


PLANTED: dict[str, tuple[str, str, str, dict[str, object]]] = {
    "learning rate": (STEPS, STEPS.replace("0.001", "0.0013"), "learning-rate", {"learning_rate": 0.0013}),
    "burn-in": (STEPS, STEPS.replace("burn_in=100", "burn_in=250"), "burn-in", {"burn_in": 250}),
    "odd burn-in": (STEPS, STEPS.replace("burn_in=100", "burn_in=173"), "burn-in", {"burn_in": 173}),
    "shorter burn-in": (STEPS, STEPS.replace("burn_in=100", "burn_in=60"), "burn-in", {"burn_in": 60}),
    "no burn-in": (STEPS, STEPS.replace("burn_in=100", "burn_in=0"), "burn-in", {"burn_in": 0}),
    "power of the burn-in": (STEPS, STEPS + " power=2", "power", {"power": 2.0}),
    "one other step": (STEPS, STEPS.replace("400,450", "300,450"), "steps", {"steps": (300, 450)}),
    "other steps": (STEPS, STEPS.replace("400,450", "211,307"), "steps", {"steps": (211, 307)}),
    "other scales": (STEPS, STEPS.replace(".1,.1", ".5,.2"), "steps", {"scales": (0.5, 0.2)}),
    "a step more": (
        STEPS,
        STEPS.replace("400,450", "200,400,450").replace(".1,.1", ".5,.1,.1"),
        "steps",
        {"steps": (200, 400, 450), "scales": (0.5, 0.1, 0.1)},
    ),
    "steps never reached": (STEPS, STEPS.replace("400,450", "4000,4500"), "steps", {"policy": "constant"}),
    "max_batches": (POLY, POLY.replace("=600", "=1000"), "max-batches", {"max_batches": 1000}),
    "odd max_batches": (POLY, POLY.replace("=600", "=777"), "max-batches", {"max_batches": 777}),
    "power of poly": (POLY, POLY.replace("power=4", "power=2"), "power", {"power": 2.0}),
    "both of poly": (
        POLY,
        POLY.replace("power=4", "power=2").replace("=600", "=800"),
        "max-batches",
        {"power": 2.0, "max_batches": 800},
    ),
    "gamma": (
        "batch=64 learning_rate=0.1 policy=exp gamma=.99",
        "batch=64 learning_rate=0.1 policy=exp gamma=.995",
        "policy",
        {"gamma": 0.995},
    ),
    "another policy": (
        STEPS,
        "batch=64 learning_rate=0.001 burn_in=100 policy=exp gamma=.99",
        "policy",
        {"policy": "exp", "gamma": 0.99},
    ),
}


@pytest.mark.parametrize(("planned", "real", "code", "changes"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_cause_comes_first(planned: str, real: str, code: str, changes: dict[str, object]) -> None:
    found = audit(run(cfg(real), 500), cfg(planned))
    assert not found.ok
    assert found.explained
    assert (found.causes[0].code, dict(found.causes[0].changes)) == (code, changes)
    for key in changes:
        assert f"{key}=" in str(found.causes[0])


@pytest.mark.parametrize("dialect", ["pjreddie", "alexeyab"])
@pytest.mark.parametrize("real", [1, 2, 3, 4, 7, 16])
def test_another_number_of_gpus(dialect: str, real: int) -> None:
    net = cfg(STEPS, dialect)
    log = run(net, 500, ngpus=real)
    asked = 5
    found = audit(log, net, asked)
    assert (found.causes[0].code, dict(found.causes[0].changes), found.ngpus) == ("gpus", {"ngpus": real}, asked)
    assert audit(log, net).ok
    assert audit(log, net).ngpus == real


def test_gpus_are_told_by_the_header_where_there_are_no_images() -> None:
    net = cfg(STEPS)
    lines = lines_of(net, loop("alexeyab", 4, 0, 480), 4)
    bare = log_of(["Learning Rate: 0.004, Momentum: 0.9, Decay: 0.0005", *lines])
    bare = replace(bare, images=np.full(len(bare), np.nan))
    assert (audit(bare, net).ngpus, audit(bare, net).ok) == (4, True)


def test_images_of_another_batch_do_not_make_gpus() -> None:
    net = cfg(STEPS.replace("batch=64", "batch=16"))
    found = audit(log_of(lines_of(net, loop("alexeyab", 1, 0, 300), batch=64)), net)
    assert (found.ngpus, found.ok) == (1, True)


def test_another_dialect() -> None:
    net = cfg("batch=64 learning_rate=0.001 policy=steps steps=-1,200 scales=.5,.1", "alexeyab")
    found = audit(run(cfg("batch=64 learning_rate=0.001 policy=steps steps=-1,200 scales=.5,.1", "pjreddie"), 300), net)
    assert ("dialect", {"dialect": "pjreddie"}) in [(cause.code, dict(cause.changes)) for cause in found.causes]
    stepping = audit(run(replace(cfg(STEPS), dialect=PJREDDIE), 480, ngpus=4), cfg(STEPS), 4)
    assert (stepping.causes[0].code, dict(stepping.causes[0].changes)) == ("dialect", {"dialect": "pjreddie"})


@pytest.mark.parametrize("shift", [-60, -7, 1, 40, 333])
def test_shifted_iterations(shift: int) -> None:
    net = cfg(STEPS)
    log = log_of(lines_of(net, [(printed, printed + shift) for printed in range(70, 480)]))
    found = audit(log, net)
    assert (found.causes[0].code, dict(found.causes[0].changes)) == ("shifted", {"shift": shift})
    assert f"{abs(shift)} iterations {'ahead of' if shift > 0 else 'behind'}" in str(found)


EDITS = {
    "learning rate": (STEPS, STEPS.replace("0.001", "0.0005"), 250, {"learning_rate": 0.0005}),
    "in the burn-in": (STEPS, STEPS.replace("0.001", "0.0005"), 80, {"learning_rate": 0.0005}),
    "max_batches": (POLY, POLY.replace("=600", "=900"), 300, {"max_batches": 900}),
}


@pytest.mark.parametrize(("before", "after", "at", "changes"), EDITS.values(), ids=EDITS.keys())
@pytest.mark.parametrize("planned", ["before", "after"])
def test_a_cfg_edited_on_the_way(before: str, after: str, at: int, changes: dict[str, object], planned: str) -> None:
    first = lines_of(cfg(before), loop("alexeyab", 1, 0, at - 1))
    second = lines_of(cfg(after), loop("alexeyab", 1, at - 1, 500))
    started = "Learning Rate: 0.001, Momentum: 0.9, Decay: 0.0005"
    log = log_of([*first, started, *second])
    found = audit(log, cfg(before if planned == "before" else after))
    cause = found.causes[0]
    undone = {key: getattr(cfg(before), key) for key in changes}
    assert cause.code == "edited"
    assert cause.iteration == at
    assert cause.record == at - 1
    assert dict(cause.changes) == (changes if planned == "before" else undone)
    assert cause.until is (planned == "after")


def test_an_edit_is_told_where_the_trainer_was_started_even_if_it_shows_later() -> None:
    edited = STEPS.replace("400,450", "350,450")
    lines = [
        *lines_of(cfg(STEPS), loop("alexeyab", 1, 0, 300)),
        "Learning Rate: 0.001, Momentum: 0.9, Decay: 0.0005",
        *lines_of(cfg(edited), loop("alexeyab", 1, 300, 500)),
    ]
    edits = [cause for cause in audit(log_of(lines), cfg(STEPS)).causes if cause.code == "edited"]
    assert [cause.iteration for cause in edits][:1] == [301]
    assert "the rates differ from iteration 350 on" in edits[0].message


def test_resumed_with_clear() -> None:
    net = cfg(STEPS)
    lines = lines_of(net, [*loop("alexeyab", 1, 0, 420), *loop("alexeyab", 1, 0, 120)])
    found = audit(log_of(lines), net)
    assert found.ok
    assert [(cause.code, cause.record, cause.iteration) for cause in found.causes] == [("cleared", 420, 1)]
    counted_on = log_of(lines_of(net, [(i, i if i <= 420 else i - 420) for i in range(1, 500)]))
    cause = audit(counted_on, net).causes[0]
    assert (cause.code, cause.iteration, dict(cause.changes)) == ("cleared", 421, {"shift": -420})


def test_several_changes_at_once_are_another_cfg() -> None:
    real = "batch=64 learning_rate=0.002 burn_in=50 policy=steps steps=200,300 scales=.5,.5"
    found = audit(run(cfg(real), 500), cfg(STEPS))
    assert found.explained
    assert found.causes[0].code == "another-cfg"
    changes = found.causes[0].changes
    assert changes["learning_rate"] == 0.002
    assert (changes["burn_in"], changes["steps"], changes["scales"]) == (50, (200, 300), (0.5, 0.5))


def test_what_nothing_explains_is_said() -> None:
    net = cfg(STEPS)
    good = run(net, 300)
    noise = np.random.default_rng(3).uniform(0, 0.001, 300).round(6)
    found = audit(replace(good, rate=noise), net)
    assert not found.explained
    assert not found.causes
    assert "No single cause explains" in str(found)


def test_it_reads_well() -> None:
    found = audit(run(cfg(STEPS.replace("0.001", "0.002")), 500), cfg(STEPS))
    assert str(found).splitlines()[:2] == [
        f"{found.matched} of 500 records show the planned rate; the first that does not is iteration "
        f"{found.mismatches.iteration[0]}.",
        "- The run had learning_rate=0.002 (the cfg says learning_rate=0.001).",
    ]
    assert isinstance(found, Audit)


def test_what_cannot_be_compared() -> None:
    log = run(cfg(STEPS), 10)
    empty = replace(log, **{name: getattr(log, name)[:0] for name in ("iteration", "rate", "rate_decimals")})
    with pytest.raises(LogError, match="no record"):
        audit(empty, cfg(STEPS))
    with pytest.raises(ValueError, match="ngpus must be at least 1"):
        audit(log, cfg(STEPS), 0)
    with pytest.raises(CfgError, match="step=0"):
        audit(log, Net(policy="step", step=0, batch=64))
