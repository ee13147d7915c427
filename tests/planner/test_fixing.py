"""What is written instead: fixes of findings, options for extending a run, values that give a rate."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrsched import Net, parse_cfg, plan, suggest
from lrsched.planner import Extension, Plan
from lrsched.planner.printed import plan_text, suggestions_text
from tests.planner.situations import LONGEST, Situation, texts

STORY = parse_cfg("[net]\nbatch=64\nlearning_rate=0.01\npolicy=poly\npower=4\nmax_batches=392480\n")


def options(net: Net, start: int, target: int, ngpus: int = 1) -> dict[str, Extension]:
    return {option.name: option for option in plan(net, target, start=start, ngpus=ngpus).extensions}


def test_the_story() -> None:
    story = options(STORY, 300019, 592480)

    assert list(story) == ["stretch", "continuous", "hold", "restart"]
    assert {f"{option.before:f}" for option in story.values()} == {"0.000031"}
    assert story["stretch"].after == pytest.approx(0.01 * (1 - 300019 / 870000) ** 4, rel=1e-5)
    assert f"{story['continuous'].after:f}" == f"{story['hold'].after:f}" == "0.000031"
    assert (story["restart"].run.start, story["restart"].run.target) == (0, 592480 - 300019)
    # 0.01 (1 - 292461/T)^4 = 0.0001 for T = 292461 / (1 - 0.01^(1/4)) = 427721.6
    assert story["restart"].changes == {"max_batches": 430000, "burn_in": 1000}
    assert story["restart"].jump == 0.0
    text = " ".join(str(plan(STORY, 592480, start=300019)).split())
    ratio = ((1 - 300019 / 870000) / (1 - 300019 / 392480)) ** 4
    assert f"after the switch (x {ratio:.3g})" in text
    assert "the whole curve over the 292461 iterations left" in text
    assert text.count("(no jump)") == 2


def test_a_jump_from_a_rate_of_zero_has_no_factor() -> None:
    dead = options(STORY, 392480, 500000)
    assert (dead["stretch"].jump, dead["restart"].jump) == (np.inf, 1.0)
    assert "(jump undefined)" in str(plan(STORY, 500000, start=392480))


def test_a_jump_of_less_than_a_tenth_is_said_in_percent() -> None:
    for start, form in ((1000, "{0:+.2%}"), (50_000, "x {1:.3g}")):
        planned = plan(STORY, 400000, start=start)
        [longer] = [option.changes["max_batches"] for option in planned.extensions if option.name == "stretch"]
        ratio = ((1 - start / longer) / (1 - start / 392480)) ** 4
        assert f"({form.format(ratio - 1, ratio)})" in str(planned)


def test_an_extension_at_zero_for_half_of_its_iterations_is_left_out() -> None:
    net = parse_cfg("[net]\nbatch=64\nlearning_rate=0.01\nmax_batches=3000\npolicy=exp\ngamma=.999\n")
    # 0.01 * 0.999^t < 5e-7 from t = 9899 on; of 2000 to 17797 that is one half
    assert plan(net, 17797, start=2000).left_out == ("continuous",)
    assert plan(net, 17796, start=2000).left_out == ()


@pytest.mark.parametrize(
    "policy",
    ["poly", "poly\npower=2.5", "steps\nsteps=1500,2500\nscales=.1,.1", "step\nstep=700\nscale=.5", "constant",
     "exp\ngamma=.999", "sigmoid\ngamma=.001\nstep=1500", "sgdr\nsgdr_cycle=700\nsgdr_mult=1", "sgdr"],
)  # fmt: skip
@pytest.mark.parametrize("ngpus", [1, 4])
def test_continuous_and_hold_do_not_jump(policy: str, ngpus: int) -> None:
    net = parse_cfg(f"[net]\nbatch=64\nlearning_rate=0.01\nmax_batches=3000\nburn_in=100\npolicy={policy}\n")
    found = options(net, 2000, 5000, ngpus)

    for name in ("continuous", "hold"):
        assert found[name].jump == pytest.approx(1, rel=1e-5)
        assert found[name].run.rate(2000) == found[name].after
        assert found[name].run.config.max_batches >= 5000


def test_nothing_is_offered_where_there_is_nothing_to_do_or_to_gain() -> None:
    assert options(STORY, 300019, 392480) == {}
    assert options(STORY, 0, 592480) == options(STORY, 592480, 592480) == {}
    assert options(STORY, 1, 592480)
    assert plan(lambda t: 0.1, 100, start=50).extensions == ()
    dead = plan(STORY, 500000, start=392480)
    assert [option.name for option in dead.extensions] == ["stretch", "restart"]
    assert dead.left_out == ("hold",)  # the rate that would be kept is 0
    assert "(hold) were left out: the rate would be printed as 0.000000" in " ".join(str(dead).split())
    assert "left out" not in str(plan(STORY, 592480, start=300019))
    assert options(replace(STORY, learning_rate=1e-9), 300019, 592480) == {}


@settings(max_examples=30)
@given(text=texts(), target=st.integers(1, LONGEST), decay=st.sampled_from([2.0, 100.0, 5000.0]))
def test_suggest_gives_the_rate_that_was_asked_for(text: str, target: int, decay: float) -> None:
    net = Situation(text, "alexeyab", {}).net
    if net is None or not net.max_batches:
        return
    run = plan(net, target).run
    for suggestion in suggest(net, target, decay=decay):
        wanted = run.peak[0] / decay
        assert suggestion.rate_at_target is not None
        assert wanted * (1 - 2e-6) <= suggestion.rate_at_target <= 2 * wanted
        assert "learning_rate" not in suggestion.changes
        written = parse_cfg(net.with_values(suggestion.changes).text or "")
        assert float(written.schedule()(target)) == suggestion.rate_at_target


def test_a_rate_that_is_there_already_needs_no_change() -> None:
    there = 0.01 * (1 - 100_000 / 392480) ** 4
    [already] = suggest(STORY, 100_000, end_rate=there)
    assert already.changes == {}
    assert already.rate_at_target == pytest.approx(there, rel=1e-6)
    assert [fix.changes for fix in suggest(STORY, 100_000, end_rate=there / 1.009)] == [{}]
    for wanted in (there * 1.001, there / 1.02):
        assert all(fix.changes for fix in suggest(STORY, 100_000, end_rate=wanted))


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [(lambda t: 0.1, {"target": 100}, "suggest changes a trainer's config, and .* is none"),
     (parse_cfg("[net]\nbatch=64\nlearning_rate=0.01\n"), {}, "has no last iteration; pass target=N"),
     *[(STORY, {"end_rate": rate}, "must be above 0") for rate in (0.0, float("nan"))],
     *[(STORY, {"decay": decay}, "decay must be above 0 and finite") for decay in (-0.5, 0.0, float("inf"))],
     (STORY, {"target": -1}, "target must be"),
     (STORY, {"keep": "learning_rat"}, r"'learning_rat'; did you mean 'learning_rate'\?$")],
)  # fmt: skip
def test_what_cannot_be_suggested(source: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        suggest(source, **arguments)


@pytest.mark.parametrize(
    ("lines", "arguments", "changes"),
    [
        # 0.01 (1 - 10000/T) = 0.0001 for T = 10101.01
        ("learning_rate=0.01\npolicy=poly\npower=1\nmax_batches=10000", {}, [{"max_batches": 10102}]),
        ("max_batches=500500\npolicy=steps\nsteps=400000,450000\nscales=.1,.1", {"target": 6000},
         [{"max_batches": 6000, "steps": (4800, 5400)}, {"steps": (4800, 5400)}]),
        ("learning_rate=60\npolicy=sgdr\nmax_batches=10000", {},
         [{"sgdr_cycle": 10_000, "sgdr_mult": 1, "learning_rate_min": 0.6}, {"learning_rate_min": 0.6}]),
        ("learning_rate=60\npolicy=sgdr\nmax_batches=10000", {"target": 20_000}, []),  # it does not make the run longer
        # a rate may be wanted at its peak, but not above
        ("learning_rate=0.01\nmax_batches=10000", {"decay": 1.0}, [{}]),
        ("learning_rate=0.01\nmax_batches=10000", {"decay": 0.5}, []),
    ],
)  # fmt: skip
def test_what_is_suggested(lines: str, arguments: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    assert [fix.changes for fix in suggest(parse_cfg(f"[net]\nbatch=64\n{lines}\n"), **arguments)] == changes


def test_suggest_lists_no_value_that_is_there_already() -> None:
    net = parse_cfg(
        "[net]\nbatch=64\nlearning_rate=.001\nmax_batches=6000\npolicy=steps\nsteps=4800,5400\nscales=.5,.5\n"
    )
    [fix] = suggest(net)
    assert fix.changes == {"scales": (0.1, 0.1)}
    assert str(fix) == "the rate at 6000 is 1e-05 or just above; rate at 6000: 0.000010\n    scales=0.1,0.1"
    assert len(repr(fix)) < 150


def test_suggestions_are_printed_with_their_numbers() -> None:
    text = suggestions_text(suggest(STORY, 592480))
    assert re.findall("  Option (.):", text) == ["1"]
    assert suggestions_text(()).startswith("No value of the keys")


TWICE = "[net]\nbatch=64\nsubdivisions=16\nmax_batches=900\nmax_batches=800\npolicy=poly\npower=1\n"


def codes(planned: Plan) -> list[tuple[str, str]]:
    return [(f.code, f.severity) for f in planned.findings if f.serious]


def test_each_fix_is_printed_once_beneath_what_it_fixes() -> None:
    misspelt = plan(parse_cfg("[net]\nbatch=64\nsubdivisions=16\nmax_batchs=9000\nburn_in=100\nburn_in=200\n"))
    assert [fix.fixes for fix in misspelt.suggestions] == [
        ("key-twice", "unknown-key"),
        ("key-twice",),
        ("unknown-key",),
    ]
    lines = str(misspelt).splitlines()
    fixes = [line for line in lines if line.startswith("  Fix")]
    assert fixes == ["  Fix: all changes that this run needs; rate at 9000: 0.001000"]
    assert lines.index("warning: unknown-key") < lines.index("      burn_in=200")

    passed = plan(parse_cfg(TWICE), 100, start=200)  # no change of the cfg makes up for the target
    assert codes(passed) == [("target-passed", "error"), ("key-twice", "warning")]
    text = str(passed)
    assert text.count("Fix: the last of the values, once") == 1
    assert text.index("warning: key-twice") < text.index("Fix:")
    assert plan_text(passed, colour=True).startswith("\x1b[1;31m1 error and 1 warning.")

    either = plan(parse_cfg("[net]\nbatch=8\nsubdivisions=16\nmax_batches=6000\npolicy=poly\npower=1\n"))
    fixes = [line.split(":")[0] for line in str(either).splitlines() if line.startswith("  Fix")]
    assert fixes == ["  Fix 1", "  Fix 2"]


def test_a_fix_that_leaves_the_target_out_of_reach_has_no_rate_there() -> None:
    longer, once = plan(parse_cfg(TWICE), 2000).suggestions
    assert longer.fixes == ("ends-before-target",)
    assert longer.rate_at_target == pytest.approx(0.001 * (1 - 2000 / 2100))
    assert (once.fixes, once.rate_at_target) == (("key-twice",), None)


def test_what_is_found_in_the_file_without_the_target_need_not_be_fixed() -> None:
    text = "[net]\nbatch=64\nlearning_rate=0.01\npolicy=poly\npower=4\nmax_batches=392480\nburn_in=100\nburn_in=200\n"
    assert [fix.changes for fix in plan(parse_cfg(text), 300_000).suggestions] == [{"burn_in": 200}]
    both = plan(parse_cfg(text.replace("power", "powr")), 300_000).suggestions[0]
    assert (both.changes, both.target) == ({"burn_in": 200, "powr": None, "power": 4.0}, None)


def test_all_changes_together_make_sense_until_the_target_of_one_of_them() -> None:
    text = "[net]\nbatch=64\nsubdivisions=16\nburn_in=100\nburn_in=200\npolicy=poly\npower=2.5\nmax_batches=8000000\n"
    fixes = plan(parse_cfg(text), start=1000).suggestions
    assert [(fix.fixes, fix.target) for fix in fixes] == [
        (("key-twice", "rate-reaches-zero"), 8_000_000),
        (("key-twice",), None),
        (("rate-reaches-zero",), 8_000_000),
    ]


@pytest.mark.parametrize(
    ("lines", "options", "fixes"),
    [
        # a decay until the target would leave the file without it at a rate of 0; 0.01 ** (1 / 2000) as float32
        ("max_batches=2000\npolicy=exp\ngamma=.9\nburn_in=2000", {"target": 1000},
         [({"burn_in": 100, "gamma": 0.99770004}, ("burn-in-covers-run",))]),
        # to train until the last of the steps would do as well, but only with other scales
        ("max_batches=2000\npolicy=steps\nsteps=400000,450000\nscales=-.1,.1", {},
         [({"steps": (1600, 1800), "scales": (0.1, 0.1)}, ("step-never-reached",))]),
        # no finding is fixed twice
        ("max_batches=20000\npolicy=step\nstep=1000\nscale=10\nburn_in=100\nburn_in=200", {"target": 8000},
         [({"burn_in": 200, "step": 6667, "scale": 0.1}, ("key-twice", "rate-raised", "rate-reaches-zero")),
          ({"burn_in": 200}, ("key-twice",)), ({"step": 6667, "scale": 0.1}, ("rate-raised",))]),
        # with the burn-in that was meant, the file without the target ends at a rate of 0
        ("max_batches=6000\npolicy=steps\nsteps=4800,5400\nscales=1e-3,1e-3\nburn_in=6000\nburn_in=200",
         {"target": 50, "start": 5000}, [({"burn_in": 200, "scales": (0.1, 0.1)}, ("key-twice",))]),
    ],
)  # fmt: skip
def test_a_change_that_brings_something_new_is_completed(
    lines: str, options: dict[str, Any], fixes: list[tuple[dict[str, Any], tuple[str, ...]]]
) -> None:
    planned = plan(parse_cfg(f"[net]\nbatch=64\nsubdivisions=16\n{lines}\n"), **options)
    assert [(fix.changes, fix.fixes) for fix in planned.suggestions] == fixes
