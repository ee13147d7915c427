"""The rules about darknet's keys: tables of cfgs with what is found, and what is written instead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lrsched import plan
from lrsched.planner import Finding, Plan
from lrsched.trainers.darknet import parse_cfg


def found(planned: Plan, code: str) -> list[Finding]:
    return [finding for finding in planned.findings if finding.code == code]


HEAD = "[net]\nbatch=64\nsubdivisions=16\n"  # learning_rate is 0.001
DECAY = "policy=steps\nsteps=800\nscales=.1\n"


@pytest.mark.parametrize(
    ("lines", "options", "code", "severity", "part"),
    [
        ("max_batches=500\npolicy=poly\npower=.5\n", {"ngpus": 4}, "rate-not-finite", "error", "On 4 GPUs the last"),
        ("policy=poly\n", {"target": 50}, "max-batches-missing", "warning", "max_batches is 0"),
        ("max_batches=500\npolicy=poly\npower=1\n", {}, "rate-not-finite", None, ""),
        ("max_batches=1000\nburn_in=400\n", {}, "burn-in-long", "warning", "400 of 1000 iterations, 40% of the run"),
        ("max_batches=1000\nburn_in=1000\n", {}, "burn-in-covers-run", "error", "covers the whole run up to 1000"),
        ("max_batches=1000\nburn_in=300\n", {"target": 200}, "burn-in-covers-run", "warning", "up to 200"),
        ("max_batches=1000\nburn_in=300\n", {}, "burn-in-long", None, ""),
        ("max_batches=900\npolicy=steps\nsteps=800,700\nscales=.1,.1\n", {}, "steps-unsorted", "warning", "700 comes"),
        ("max_batches=900\npolicy=steps\nsteps=100,700\nscales=10,.1\n", {}, "rate-raised", "warning", "to 0.01"),
        ("max_batches=9000\npolicy=steps\nsteps=100,700\nscales=10,.1\n", {}, "rate-raised", "note", "manual warm-up"),
        ("max_batches=900\npolicy=steps\nsteps=600\nscales=.1,.1\n", {}, "steps-scales-mismatch", "warning", "but 2"),
        ("max_batches=5e5\n", {}, "value-not-a-number", "error", "in line 4 is read as 5, not as 500000"),
        ("max_batches=500,200\n", {}, "value-not-a-number", "error", "is read as 500, not as 500200."),
        ("max_batches=many\n", {}, "value-not-a-number", "error", "is read as 0: not a valid number."),
        ("max_batches=1e999\n", {}, "value-not-a-number", "error", "is read as 1: not a valid number."),
        ("max_batches=1000.5\n", {}, "value-not-a-number", "warning", "is read as 1000, not as 1000.5."),
        ("max_batches=1000 # long\n", {}, "value-not-a-number", None, ""),
        ("max_batches=1000\npolicy=polly\n", {}, "unknown-policy", "error", "does not know policy=polly in line 5"),
        ("max_batches=1000\npolicy=poly # x\n", {}, "unknown-policy", "error", "trains at a constant rate"),
        ("max_batches=900\nmax_batches=800\n", {}, "key-twice", "warning", "max_batches=900 in line 4 counts"),
        ("max_batches=900\nmax_batches=900\n", {}, "key-twice", None, ""),
        ("max_batchs=900\n", {"target": 9}, "unknown-key", "warning", "did you mean max_batches?"),
        ("max_batches=900\nfruit=1\n", {}, "unknown-key", "note", "does not read the key fruit in line 5."),
        ("max_batches=900\nbatch=5\n", {}, "batch-not-divisible", None, ""),
        ("max_batches=500500\n", {"classes": 3, "images": 2500}, "too-many-iterations", "warning", "83.4 times"),
        ("max_batches=500500\n", {"classes": 80}, "too-many-iterations", "note", "= 160000."),
        ("max_batches=9000\n", {"classes": 3, "images": 2500}, "too-many-iterations", None, ""),
        ("max_batches=500500\n", {"classes": 3, "target": 300000}, "too-many-iterations", "note", ""),
        ("max_batches=9000\n", {"classes": 5}, "too-few-iterations", "warning", "= 10000."),
        ("max_batches=6000\n", {"classes": 3, "images": 5999}, "too-few-iterations", None, ""),
        ("max_batches=6000\n", {"images": 6001}, "too-few-iterations", "warning", "= 6001."),
        ("max_batches=900\npolicy=sgdr\nsgdr_cycle=400\nsgdr_mult=1\n", {}, "sgdr-ends-mid-cycle", "warning", "100"),
        ("max_batches=800\npolicy=sgdr\nsgdr_cycle=400\nsgdr_mult=1\n", {}, "sgdr-ends-mid-cycle", None, ""),
        ("max_batches=900\npolicy=sgdr\nsgdr_cycle=100\nburn_in=100\n", {}, "burn-in-hides-first-cycle", "warning", ""),
        ("max_batches=900\nburn_in=50\n", {"ngpus": 4}, "gpu-factor", "note", "becomes 0.004 on 4 GPUs"),
        ("max_batches=900\n", {"start": 900}, "already-finished", "error", "training stops at once"),
        ("max_batches=900\npolicy=exp\ngamma=1.001\n", {}, "rate-raised", "warning", "rises during the whole run"),
        ("max_batches=900\npolicy=step\nstep=901\nscale=.1\n", {}, "step-never-reached", "warning", "Step 901 is"),
        ("learning_rate=.05\nmax_batches=900\n" + DECAY, {}, "learning-rate-unusual", "note", ""),
        ("learning_rate=1\nmax_batches=900\n" + DECAY, {}, "learning-rate-unusual", "warning", ""),
        ("learning_rate=.001\nmax_batches=900\n" + DECAY, {}, "learning-rate-unusual", None, ""),
        ("learning_rate=.4\nmax_batches=900\npolicy=poly\n", {}, "learning-rate-unusual", None, ""),
        ("learning_rate=40\nmax_batches=900\npolicy=poly\n", {}, "learning-rate-unusual", "warning", ""),
        ("learning_rate=.00005\nmax_batches=900\n", {}, "learning-rate-unusual", "note", ""),
        ("max_batches=900\npolicy=steps\nsteps=50\nscales=.1\nburn_in=90\n", {}, "step-never-reached", "warning", ""),
        ("max_batches=9000\npolicy=steps\nsteps=8000\nscales=.1\n", {}, "decays-too-little", "note", "factor of 10;"),
        ("max_batches=9000\npolicy=steps\nsteps=8000\nscales=.01\n", {}, "decays-too-little", None, ""),
        ("max_batches=9000\nburn_in=1000\n", {}, "burn-in-prints-zero", "note", "from iteration 150 it shows"),
        ("max_batches=9000\npolicy=poly\npower=0\n", {}, "never-decays", "warning", "still at its peak 0.001."),
        ("learning_rate=1e-7\nmax_batches=900\n", {}, "learning-rate-zero", "error", "is printed as 0.000000"),
        ("learning_rate=1e-7\nmax_batches=900\n", {}, "rate-reaches-zero", None, ""),
        # a sigmoid that wraps is at zero before its step; a negative step turns the scale round
        ("learning_rate=.1\nmax_batches=100000\npolicy=sigmoid\nstep=33333\ngamma=.0001\n", {"dialect": "pjreddie"},
         "rate-zero-stretch", "warning", "From iteration 0 to 33332"),
        ("max_batches=6000\npolicy=step\nstep=-1000\nscale=10\n", {}, "rate-raised", None, ""),
        ("max_batches=6000\npolicy=step\nstep=-1000\nscale=.1\n", {}, "rate-raised", "warning", "during the whole run"),
        ("learning_rate=1e-7\nmax_batches=900\nburn_in=100\npolicy=steps\nsteps=500\nscales=10000\n", {},
         "burn-in-prints-zero", None, ""),
    ],
)  # fmt: skip
def test_table(lines: str, options: dict[str, Any], code: str, severity: str | None, part: str) -> None:
    net = parse_cfg(HEAD + lines, options.get("dialect", "alexeyab"))
    findings = found(plan(net, **{name: value for name, value in options.items() if name != "dialect"}), code)

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
    kinds = [{"subdivisions": 4}, {"batch": 64, "subdivisions": 16}] if batch < subdivisions else []
    assert [fix.changes for fix in planned.suggestions if fix.fixes == ("subdivisions-exceed-batch",)] == kinds
    for finding in planned.findings:
        if finding.code in codes:
            assert "1 image" in finding.message or f"effective batch is {effective}" in finding.message


@pytest.mark.parametrize(
    ("lines", "ngpus", "messages"),
    [
        ("max_batches=900\npolicy=poly\n", 1, []),
        ("max_batches=900\npolicy=poly\n", 2, ["hank-ai/darknet would train this cfg differently: policy poly, at "
                                              "iteration 0 with rate 0.001 instead of 0.002."]),
        ("max_batches=900\npolicy=sgdr\n", 1, ["pjreddie/darknet would train this cfg differently: policy constant, at "
                                              "iteration 6 with rate 0.001 instead of 0.000999892."]),
        ("max_batches=900\nmax_crop=5\n", 1, ["In hank-ai/darknet, line 5: "]),
    ],
)  # fmt: skip
def test_other_forks(lines: str, ngpus: int, messages: list[str]) -> None:
    findings = found(plan(parse_cfg(HEAD + lines), ngpus=ngpus), "dialects-differ")

    assert len(findings) == len(messages)
    for finding, message in zip(findings, messages, strict=True):
        assert finding.message.startswith(message)
        assert finding.severity == "note"


STEPS = "policy=steps\nsteps=480,540\nscales=.1,.1\nmax_batches=600\n"


@pytest.mark.parametrize(
    ("lines", "options", "codes", "changes"),
    [
        ("policy=steps\nsteps=320,360\nscales=.1,.1\nsteps=480,540\nmax_batches=600", {}, "key-twice",
         {"steps": (480, 540)}),
        ("policy=poly\npower=1\nstes=480,540\nmax_batches=600", {}, "unknown-key", {"stes": None, "steps": (480, 540)}),
        (STEPS + "learning_rate=1e-5", {}, "rate-reaches-zero", {"scales": (0.32, 0.32)}),
        ("policy=cosine\nlearning_rate=1e-5\nmax_batches=600", {}, "unknown-policy",
         {"policy": "steps", "steps": (480, 540), "scales": (0.32, 0.32)}),
        ("max_batchs=9000\nburn_in=100\nburn_in=200", {}, "key-twice unknown-key",
         {"max_batchs": None, "max_batches": 9000, "burn_in": 200}),
        ("max_batches=500500\npolicy=steps\nsteps=2000,5000\nscales=.1,.1", {}, "decays-early",
         {"steps": (400400, 450450)}),
        ("max_batches=500500\npolicy=steps\nsteps=2000,5000\nscales=.1,.0999", {}, "decays-early",
         {"steps": (400400, 450450)}),
        ("burn_in=1000\nmax_batches=1000\npolicy=steps\nsteps=100,900\nscales=.1,.1", {}, "burn-in-covers-run",
         {"burn_in": 100}),
        ("burn_in=100\nmax_batches=4000\npolicy=steps\nsteps=400000,450000\nscales=.1,.1",
         {"target": 100_000, "start": 3990}, "ends-before-target", {"max_batches": 100_000, "steps": (80_000, 90_000)}),
        (STEPS + "burn_in=50\npower=-1", {}, "rate-not-finite", {"power": 1.0}),
        ("policy=SGDR\nsgdr_cycle=0\nmax_batches=600", {}, "unknown-policy",
         {"policy": "sgdr", "sgdr_cycle": 600, "sgdr_mult": 1, "learning_rate_min": 0.00001}),
        ("policy=steps\nsteps=8001\nscales=1e-3\nmax_batches=10000", {"start": 20_000}, "already-finished",
         {"max_batches": 30_000, "steps": (28_000,)}),
        (STEPS, {"target": 1}, "", None),
        ("policy=step\nstep=300\nscale=-.1\nmax_batches=600", {}, "rate-negative", {"scale": 0.1}),
        ("policy=steps\nsteps=300,500\nscales=-.1,.1\nmax_batches=600", {}, "rate-negative", {"scales": (0.1, 0.1)}),
        ("policy=steps\nsteps=4,5\nscales=.1,.1\nmax_batches=5", {}, "too-few-iterations",
         {"max_batches": 6000, "steps": (4800, 5400)}),
        # filters that fit already stay
        ("max_batches=6000\npolicy=steps\nsteps=4800\nscales=.1\n[convolutional]\nfilters=24\n[yolo]\nmask=0,1,2\nclasses=80",
         {"classes": 3}, "classes-differ", {"classes": 3}),
    ],
)  # fmt: skip
def test_first_fixes(lines: str, options: dict[str, Any], codes: str, changes: dict[str, Any] | None) -> None:
    planned = plan(parse_cfg(HEAD + lines + "\n"), **options)

    assert " ".join(sorted({finding.code for finding in planned.findings if finding.serious})) == codes
    assert [suggestion.changes for suggestion in planned.suggestions[:1]] == ([] if changes is None else [changes])
    assert changes is None or plan(planned.run.config.with_values(changes), **options).ok


def test_a_net_changed_by_hand_is_judged_by_its_numbers() -> None:
    net = replace(parse_cfg(HEAD + "max_batches=5e5\nmax_batches=7\n"), max_batches=9000)

    assert not found(plan(net), "value-not-a-number")
    assert not found(plan(net), "key-twice")
    assert net.text is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("steps=400k,450k\nscales=.1,.1", {"steps": (400_000, 450_000)}),
        ("steps=4e5,4.5e5\nscales=.1,.1", {"steps": (400_000, 450_000)}),
        ("steps=400.000,450.000\nscales=.1,.1", {"steps": (400_000, 450_000)}),
        ("steps=400_000,450_000\nscales=.1,.1", {"steps": (400_000, 450_000)}),
        ("steps=80%,90%\nscales=.1,.1", {"steps": (400_000, 450_000)}),
        ("steps=$STEPS\nscales=.1,.1", {"steps": (400_000, 450_000)}),
        ("steps=400000,450000\nscales=10%,.1", {"scales": (0.1, 0.1)}),
        ("steps=400000,450000\nscales=a,.1", {"scales": (0.1, 0.1)}),
        ("steps=400000,450000\nscales=.1,.1\nburn_in=1k", {"burn_in": 1000}),
        ("steps=400000,450000\nscales=.1,.1\nlearning_rate=0,002", {"learning_rate": 0.002}),
    ],
)
@pytest.mark.parametrize("dialect", ["alexeyab", "hank-ai"])
def test_every_number_is_read_as_it_was_meant(written: str, meant: dict[str, Any], dialect: str) -> None:
    text = HEAD + f"max_batches=500000\npolicy=steps\n{written}\n"
    if dialect == "hank-ai" and ("burn_in" in written or "rate" in written or "$" in written or "a," in written):
        return  # refused
    planned = plan(parse_cfg(text, dialect))

    assert [finding.severity for finding in found(planned, "value-not-a-number")] == ["error"]
    assert meant.items() <= planned.suggestions[0].changes.items()
    assert plan(planned.run.config.with_values(planned.suggestions[0].changes)).ok


YOLO = """[convolutional]
filters=255 # three masks
activation=linear

[yolo]
mask = 0,1,2
classes=80

[convolutional]
filters=255

[yolo]
mask = 3,4,5
"""


def test_the_cfg_of_another_data_set_becomes_the_file_to_train_with() -> None:
    text = HEAD + "burn_in=1000\nmax_batches=500500\npolicy=steps\nsteps=400000,450000\nscales=.1,.1\n" + YOLO
    planned = plan(parse_cfg(text), classes=3, images=2500)

    assert {finding.code for finding in planned.findings if finding.serious} == {
        "classes-differ",
        "too-many-iterations",
    }
    first = planned.suggestions[0]
    assert first.changes == {"classes": 3, "filters": 24, "max_batches": 6000, "steps": (4800, 5400)}
    written = planned.run.config.with_values(first.changes)
    assert written.text == text.replace("500500", "6000").replace("400000,450000", "4800,5400").replace(
        "255", "24"
    ).replace("classes=80", "classes=3").replace("mask = 3,4,5\n", "mask = 3,4,5\nclasses=3\n")
    assert plan(written, classes=3, images=2500).ok


@pytest.mark.parametrize(
    ("classes", "filters", "given", "codes"),
    [
        (80, 255, None, {}),
        (3, 24, 3, {}),
        (3, 255, None, {"filters-differ": "error"}),
        (80, 255, 3, {"classes-differ": "warning"}),
        (2, 21, 3, {"classes-differ": "error"}),
    ],
)
def test_layers(classes: int, filters: int, given: int | None, codes: dict[str, str]) -> None:
    layers = f"[convolutional]\nfilters={filters}\n[yolo]\nmask=0,1,2\nclasses={classes}\n"
    planned = plan(parse_cfg(HEAD + "max_batches=6000\n" + layers), classes=given)

    assert {f.code: f.severity for f in planned.findings if f.code.endswith("s-differ") and f.serious} == codes


def test_an_offer_that_is_below_a_threshold_by_no_margin_is_not_made() -> None:
    text = HEAD + "policy=poly\npower=2.5\nmax_batches=8000k\n"  # power=1 instead leaves 0.05% of the run at zero
    [fix] = plan(parse_cfg(text), start=1000).suggestions

    assert (fix.changes, fix.target) == ({"max_batches": 9_600_000}, 8_000_000)


def test_a_value_that_would_be_read_as_another_is_refused() -> None:
    with pytest.raises(ValueError, match="max_batches=4000000000 is read as"):
        parse_cfg(HEAD + "max_batches=900\n").with_values({"max_batches": 4_000_000_000})


def test_advice_for_several_gpus_fits_the_run_and_does_not_repeat() -> None:
    text = HEAD + "learning_rate=0.01\nburn_in=200\nmax_batches=6000\npolicy=steps\nsteps=4800,5400\nscales=.1,.1\n"
    [advice] = found(plan(parse_cfg(text), ngpus=4), "gpu-factor")
    assert advice.message.endswith("If the loss becomes NaN, write learning_rate=0.0025 and burn_in=600.")
    followed = parse_cfg(text).with_values({"learning_rate": 0.00065, "burn_in": 600})
    [advice] = found(plan(followed, ngpus=4), "gpu-factor")
    assert "write" not in advice.message
    assert plan(followed, ngpus=4).ok


def test_advice_that_a_run_cannot_hold_is_left_out() -> None:
    planned = plan(parse_cfg("[net]\nbatch=4\nsubdivisions=-29\nlearning_rate=.001\nmax_batches=5000\n"), start=4990)

    assert planned.ok
