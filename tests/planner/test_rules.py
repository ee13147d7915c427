"""Every rule against a walk over every iteration of generated runs, and tables for what stands in the cfg."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched import CfgError, plan
from lrsched.planner import Plan
from lrsched.trainers.darknet import BurnIn, Net, Steps, parse_cfg
from tests.planner.cfgs import LONGEST, nets


def read(text: str, dialect: str) -> Net | None:
    try:
        return parse_cfg(text, dialect)
    except CfgError:
        return None


def found(planned: Plan, code: str) -> list[Any]:
    return [finding for finding in planned.findings if finding.code == code]


@given(
    text=nets(),
    dialect=st.sampled_from(["pjreddie", "alexeyab", "hank-ai"]),
    start=st.integers(0, LONGEST),
    target=st.none() | st.integers(1, LONGEST),
    ngpus=st.sampled_from([1, 1, 2, 4]),
)
def test_findings_about_the_run_are_what_a_walk_finds(
    text: str, dialect: str, start: int, target: int | None, ngpus: int
) -> None:
    net = read(text, dialect)
    if net is None:
        return
    if target is not None and target < start:
        with pytest.raises(ValueError, match="lies before the start"):
            plan(net, target, start=start, ngpus=ngpus)
        return
    planned = plan(net, target, start=start, ngpus=ngpus)
    last = net.max_batches or None

    assert bool(found(planned, "max-batches-missing")) == (last is None)
    assert bool(found(planned, "already-finished")) == (last is not None and start >= last and start > 0)
    assert bool(found(planned, "ends-before-target")) == (None not in (last, target) and target > last)  # type: ignore[operator]
    ends = [t for t in (last, target) if t is not None]
    if not ends or start > min(ends):
        assert planned.zero_from is None
        return

    end = min(ends)
    rates = net.schedule(ngpus).rates(start, end + 1)
    at = np.arange(start, end + 1)
    zero = np.array([f"{rate:f}".lstrip("-") == "0.000000" for rate in rates])
    alive = at[~zero]
    expected_zero = None if not zero[-1] else (int(alive[-1]) + 1 if alive.size else start)
    assert planned.zero_from == expected_zero
    assert [f.first for f in found(planned, "rate-reaches-zero")] == ([] if expected_zero is None else [expected_zero])

    negative = at[rates < 0]
    assert [f.first for f in found(planned, "rate-negative")] == ([int(negative[0])] if negative.size else [])
    if ngpus == 1:
        strange = at[~np.isfinite(rates)]
        assert [f.first for f in found(planned, "rate-not-finite")] == ([int(strange[0])] if strange.size else [])

    early = zero[0] and not zero.all() and net.burn_in > 0
    if found(planned, "burn-in-prints-zero"):
        assert early
        assert found(planned, "burn-in-prints-zero")[0].last + 1 == alive[0]
    elif early and start + 1 < min(net.burn_in, end) and alive[0] < net.burn_in and alive[0] > max(start, 1) + 1:
        raise AssertionError("the burn-in prints zero and nobody says so")

    if np.isfinite(rates).all() and rates.max() > 0 and not zero.all():
        under = at[rates < 0.01 * float(rates.max())]
        stretch = 0 if not under.size or under[-1] != end else int((np.diff(under[::-1]) == -1).cumprod().sum()) + 1
        assert bool(found(planned, "decays-early")) == (stretch > 0.5 * len(rates)), (stretch, len(rates))
        whole = net.schedule(ngpus).rates(0, end + 1)
        if not (net.burn_in >= end) and np.isfinite(whole).all():
            assert bool(found(planned, "never-decays")) == bool(rates[-1] >= np.abs(whole).max())


@given(text=nets(), target=st.none() | st.integers(1, LONGEST))
def test_a_step_that_is_never_reached_changes_no_rate(text: str, target: int | None) -> None:
    net = read(text, "alexeyab")
    if net is None or net.policy != "steps" or not net.max_batches:
        return
    planned = plan(net, target)
    end = min(net.max_batches, target or net.max_batches)
    whole = net.schedule().rates(0, end)

    useless = []
    for i, (step, scale) in enumerate(zip(net.steps, net.scales, strict=True)):
        # with a factor of its own a step that is passed shows in the rates
        marked = Steps(steps=net.steps, scales=tuple(0.5 if j == i else 1.0 for j in range(len(net.scales))))
        schedule = BurnIn(policy=marked, burn_in=net.burn_in) if net.burn_in > 0 else marked
        plain = Steps(steps=(), scales=())
        without = BurnIn(policy=plain, burn_in=net.burn_in) if net.burn_in > 0 else plain
        if np.array_equal(schedule.rates(0, end), without.rates(0, end)):
            useless.append((step, scale))
    messages = " ".join(finding.message for finding in found(planned, "step-never-reached"))
    assert bool(useless) == ("not before the end" in messages) or net.burn_in >= end
    assert whole.size == end


@given(text=nets(), dialect=st.sampled_from(["alexeyab", "pjreddie"]), target=st.none() | st.integers(1, LONGEST))
def test_every_suggestion_cures_its_finding_when_written_and_read_back(
    text: str, dialect: str, target: int | None
) -> None:
    net = read(text, dialect)
    if net is None:
        return
    for suggestion in plan(net, target).suggestions:
        again = suggestion.plan

        assert again.run.net is not None
        assert again.run.net.text is not None
        for key, value in suggestion.changes.items():
            assert getattr(again.run.net, key) == value
        assert not found(again, suggestion.cures), (suggestion, again.findings)
        if suggestion.run.goal is not None:
            assert np.array_equal(again.run.rate(suggestion.run.goal), suggestion.rate_at_target, equal_nan=True)


HEAD = "[net]\nbatch=64\nsubdivisions=16\nlearning_rate=0.001\n"


@pytest.mark.parametrize(
    ("lines", "options", "code", "severity", "part"),
    [
        ("max_batches=500\npolicy=poly\npower=.5\n", {"ngpus": 4}, "rate-not-finite", "error", "on 4 GPUs the last"),
        ("policy=poly\n", {"target": 50}, "rate-not-finite", "error", "At iteration 0 the rate is nan"),
        ("max_batches=500\npolicy=poly\npower=1\n", {}, "rate-not-finite", None, ""),
        ("max_batches=1000\nburn_in=400\n", {}, "burn-in-long", "warning", "400 of 1000 iterations, 40% of the run"),
        ("max_batches=1000\nburn_in=1000\n", {}, "burn-in-covers-run", "error", "covers the whole run up to 1000"),
        ("max_batches=1000\nburn_in=300\n", {"target": 200}, "burn-in-covers-run", "warning", "up to 200"),
        ("max_batches=1000\nburn_in=300\n", {}, "burn-in-long", None, ""),
        ("max_batches=900\npolicy=steps\nsteps=800,700\nscales=.1,.1\n", {}, "steps-unsorted", "warning", "700 stands"),
        ("max_batches=900\npolicy=steps\nsteps=100,700\nscales=10,.1\n", {}, "rate-raised", "warning", "by 10, to 0.01"),
        ("max_batches=9000\npolicy=steps\nsteps=100,700\nscales=10,.1\n", {}, "rate-raised", "note", "a warm-up by hand"),
        ("max_batches=900\npolicy=steps\nsteps=600\nscales=.1,.1\n", {}, "steps-scales-mismatch", "warning", "1 to 2"),
        ("max_batches=5e5\n", {}, "value-not-a-number", "error", "max_batches=5e5 in line 5 is read as 5, not as 500000"),
        ("max_batches=500,200\n", {}, "value-not-a-number", "error", "is read as 500, not as 500200."),
        ("max_batches=many\n", {}, "value-not-a-number", "error", "is read as 0: it is not one plain number."),
        ("max_batches=1000.5\n", {}, "value-not-a-number", "warning", "is read as 1000, not as 1000.5."),
        ("max_batches=1000 # long\n", {}, "value-not-a-number", None, ""),
        ("max_batches=1000\npolicy=polly\n", {}, "unknown-policy", "error", "does not know policy=polly in line 6"),
        ("max_batches=1000\npolicy=poly # x\n", {}, "unknown-policy", "error", "trains at a constant rate"),
        ("max_batches=900\nmax_batches=800\n", {}, "key-twice", "warning", "max_batches=900 in line 5 counts"),
        ("max_batches=900\nmax_batches=900\n", {}, "key-twice", "note", "the others say the same"),
        ("max_batchs=900\n", {"target": 9}, "unknown-key", "warning", "did you mean max_batches?"),
        ("max_batches=900\nfruit=1\n", {}, "unknown-key", "note", "does not read the key fruit in line 6."),
        ("max_batches=900\nbatch=5\n", {}, "batch-not-divisible", None, ""),
        ("max_batches=9000\n", {"classes": 5}, "too-few-iterations", "warning", "= 10000."),
        ("max_batches=6000\n", {"classes": 3, "images": 5999}, "too-few-iterations", None, ""),
        ("max_batches=6000\n", {"images": 6001}, "too-few-iterations", "warning", "= 6001."),
        ("max_batches=900\npolicy=sgdr\nsgdr_cycle=400\nsgdr_mult=1\n", {}, "sgdr-ends-mid-cycle", "warning", "100 iterat"),
        ("max_batches=800\npolicy=sgdr\nsgdr_cycle=400\nsgdr_mult=1\n", {}, "sgdr-ends-mid-cycle", None, ""),
        ("max_batches=900\npolicy=sgdr\nsgdr_cycle=100\nburn_in=100\n", {}, "burn-in-hides-first-cycle", "warning", "100"),
        ("max_batches=900\nburn_in=50\n", {"ngpus": 4}, "gpu-factor", "note", "becomes 0.004 on 4 GPUs"),
        ("max_batches=900\n", {"start": 900}, "already-finished", "error", "training stops at once"),
        ("max_batches=900\npolicy=exp\ngamma=1.001\n", {}, "rate-raised", "warning", "grows all through the run"),
        ("max_batches=900\npolicy=step\nstep=901\nscale=.1\n", {}, "step-never-reached", "warning", "rate never drops"),
        ("max_batches=900\npolicy=steps\nsteps=50\nscales=.1\nburn_in=90\n", {}, "step-never-reached", "warning", "inside"),
    ],
)  # fmt: skip
def test_table(lines: str, options: dict[str, Any], code: str, severity: str | None, part: str) -> None:
    findings = found(plan(parse_cfg(HEAD + lines), **options), code)

    assert [finding.severity for finding in findings] == ([] if severity is None else [severity])
    assert part in " ".join(finding.message for finding in findings)


@pytest.mark.parametrize(
    ("batch", "subdivisions", "codes", "effective"),
    [
        (64, 12, {"batch-not-divisible": "warning"}, 60),
        (4, 8, {"subdivisions-exceed-batch": "warning"}, 8),
        (1, 1, {"batch-one": "warning"}, 1),
        (64, 16, {}, 64),
    ],
)
def test_batches(batch: int, subdivisions: int, codes: dict[str, str], effective: int) -> None:
    net = parse_cfg(f"[net]\nbatch={batch}\nsubdivisions={subdivisions}\nlearning_rate=.001\nmax_batches=9000\n")
    planned = plan(net)

    assert {f.code: f.severity for f in planned.findings if "batch" in f.code} == codes
    assert net.effective_batch == effective
    for finding in planned.findings:
        if finding.code in codes:
            assert "1 image" in finding.message or f"effective batch is {effective}" in finding.message


@pytest.mark.parametrize(
    ("lines", "ngpus", "messages"),
    [
        ("max_batches=900\npolicy=poly\n", 1, []),
        ("max_batches=900\npolicy=poly\n", 2, ["hank-ai/darknet would train this cfg differently: policy poly, from "
                                              "iteration 0 on with rate 0.001 instead of 0.002."]),
        ("max_batches=900\npolicy=sgdr\n", 1, ["pjreddie/darknet would train this cfg differently: policy constant, from "
                                              "iteration 6 on with rate 0.001 instead of 0.000999892."]),
        ("max_batches=900\nmax_crop=5\n", 1, ["hank-ai/darknet refuses this cfg: only pjreddie/darknet and AlexeyAB/darknet know the key max_crop"]),
    ],
)  # fmt: skip
def test_other_forks(lines: str, ngpus: int, messages: list[str]) -> None:
    findings = found(plan(parse_cfg(HEAD + lines), ngpus=ngpus), "dialects-differ")

    assert len(findings) == len(messages)
    for finding, message in zip(findings, messages, strict=True):
        assert finding.message.startswith(message)
        assert finding.severity == "note"


@pytest.mark.parametrize(
    ("policy", "rate", "severity"),
    [
        ("steps\nsteps=800\nscales=.1", "0.001", None),
        ("steps\nsteps=800\nscales=.1", "0.05", "note"),
        ("steps\nsteps=800\nscales=.1", "1", "warning"),
        ("poly", "0.4", None),
        ("poly", "40", "warning"),
        ("constant", "0.00005", "note"),
    ],
)
def test_learning_rates(policy: str, rate: str, severity: str | None) -> None:
    planned = plan(parse_cfg(f"[net]\nbatch=64\nlearning_rate={rate}\nmax_batches=1000\npolicy={policy}\n"))

    assert [f.severity for f in found(planned, "learning-rate-unusual")] == ([] if severity is None else [severity])


def test_a_net_changed_by_hand_is_judged_by_its_numbers() -> None:
    net = replace(parse_cfg(HEAD + "max_batches=5e5\nmax_batches=7\n"), max_batches=9000)

    assert not found(plan(net), "value-not-a-number")
    assert not found(plan(net), "key-twice")
    assert net.text is None
