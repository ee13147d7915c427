"""plan(): findings, suggestions and the story of a run that dies early."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrsched import Net, Schedule, as_schedule, plan
from lrsched.planner.printed import plan_text
from lrsched.planner.rules import find
from lrsched.report.plans import github_lines, plan_json
from lrsched.trainers.darknet import BurnIn, Constant, Exp, Poly, Random, Step, parse_cfg

STORY = "[net]\nlearning_rate=0.01\npolicy=poly\npower=4\nmax_batches=392480\n"


def story(**changes: Any) -> Net:
    return replace(parse_cfg(STORY), **changes)


def codes(planned: Any) -> list[tuple[str, str]]:
    """What was found that is more than worth knowing."""
    return [(f.code, f.severity) for f in planned.findings if f.severity != "note"]


class TestStory:
    """learning_rate 0.01, poly, power 4, looked at in iteration 300019."""

    def test_as_written(self) -> None:
        planned = plan(story())

        assert codes(planned) == [("rate-reaches-zero", "warning")]
        assert not planned.ok
        # 0.01 (1 - t/392480)^4 < 5e-7 from t = 392480 (1 - 0.00005^(1/4)) = 359476.3 on
        assert planned.zero_from == planned.findings[0].first == 359477
        assert planned.findings[0].last == 392480
        assert "33004 iterations (8.4% of the training time)" in planned.findings[0].message

    def test_a_later_target(self) -> None:
        planned = plan(story(), 592480)

        assert codes(planned) == [("ends-before-target", "error")]
        assert (planned.findings[0].first, planned.findings[0].last) == (392480, 592480)
        assert "200000 iterations before the target 592480" in planned.findings[0].message
        [suggestion] = planned.suggestions
        # 0.01 (1 - 592480/T)^4 = 0.0001 for T = 592480 / (1 - 0.01^(1/4)) = 866487.8
        assert (suggestion.changes, suggestion.exact) == ({"max_batches": 870000}, {"max_batches": 866488})
        assert suggestion.target == 592480

    def test_a_target_before_the_rate_dies(self) -> None:
        planned = plan(story(max_batches=700000), 592480)

        assert planned.ok
        assert codes(planned) == []
        assert planned.suggestions == ()
        assert planned.zero_from is None

    def test_going_on_from_700000(self) -> None:
        planned = plan(story(max_batches=1000000, learning_rate=0.02), start=700000)

        assert planned.zero_from == 929290
        assert "23.6% of the training time" in planned.findings[0].message


@pytest.mark.parametrize(
    ("schedule", "target", "severity", "zero_from"),
    [
        (Constant(learning_rate=1e-7, max_batches=100), None, None, 0),  # learning-rate-zero says it
        (Poly(learning_rate=0.001, power=1.0, max_batches=4000), None, None, 3999),
        (Poly(learning_rate=0.001, power=2.0, max_batches=4000), None, "warning", 3911),
        (Poly(learning_rate=0.1, power=2.0, max_batches=4000), None, "note", 3992),
        (Step(learning_rate=0.001, step=100, scale=0.01, max_batches=1000), None, "error", 200),
        (Step(learning_rate=0.001, step=100, scale=0.01, max_batches=202), None, "warning", 200),
        (Constant(learning_rate=0.1, max_batches=100), None, None, None),
        (BurnIn(policy=Constant(learning_rate=0.001, max_batches=9999), burn_in=1000), 149, None, 0),
        (BurnIn(policy=Constant(learning_rate=0.001, max_batches=9999), burn_in=1000), 150, None, None),
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
    schedule = plan(story().schedule(2), 592480)
    assert codes(from_path) == codes(plan(story(), 592480, ngpus=2)) == codes(schedule)
    assert [dict(s.changes) for s in from_path.suggestions] == [dict(s.changes) for s in schedule.suggestions]
    assert plan(path, dialect="hank-ai", ngpus=2).rate_at_target == plan(path).rate_at_target == 0.0


def test_a_callable_needs_a_target() -> None:
    def halving(t: int) -> float:
        return 0.1 * 0.5 ** (t // 100)

    assert plan(halving, 5000).zero_from == 3000  # 2**-30 is the first below a billionth
    assert plan(halving, horizon=5000).zero_from == 3000
    with pytest.raises(ValueError, match="pass target=N"):
        plan(halving)


@pytest.mark.parametrize("option", [{"dialect": "pjreddie"}, {"horizon": 9}, {"dialct": "hank-ai"}])
def test_options_of_a_path_are_refused_for_what_was_read(option: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"{next(iter(option))}=.* leave it out here"):
        plan(story(), **option)
    with pytest.raises(TypeError, match="dialect='mine' is an option of a config"):
        plan(Random(), 10, dialect="mine")


@pytest.mark.parametrize("wrong", [-1, 1.0, True, "5", 2**31, np.float32(3)])
def test_target_and_start_are_iterations(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="target must be"):
        plan(story(), wrong)
    with pytest.raises((TypeError, ValueError), match="start must be"):
        plan(story(), start=wrong)


def test_gpus_belong_to_a_cfg() -> None:
    with pytest.raises(ValueError, match="ngpus=2 needs a config"):
        plan(Random(), 10, ngpus=2)
    for ngpus in (0, 4097, 2**31 - 1):
        with pytest.raises(ValueError, match="ngpus must be a whole number from 1 to 4096, got"):
            plan(story(), ngpus=ngpus)


def test_start_at_or_past_the_end() -> None:
    assert plan(story(), start=392481).zero_from is None
    assert plan(story(), start=392480).zero_from == 392480
    assert codes(plan(story(), 100, start=200)) == [("target-passed", "error")]
    assert codes(plan(story(), 200, start=200)) == []


class TestOtherSchedules:
    """A schedule without a trainer is planned in its own words."""

    def test_a_cosine_to_zero_is_fine(self) -> None:
        planned = plan(lambda t: 3e-5 * (1 + np.cos(np.pi * t / 9000)) / 2, 9000)

        assert planned.findings == ()
        assert planned.suggestions == ()

    def test_zero_is_a_billionth_of_the_peak(self) -> None:
        planned = plan(lambda t: np.where(t < 500, 1e-7, 1e-17), 999)

        assert [(f.code, f.first, f.last) for f in planned.findings] == [("rate-reaches-zero", 500, 999)]
        assert "the rate is 0: 500 iterations" in planned.findings[0].message

    def test_a_stretch_at_zero_in_the_middle(self) -> None:
        planned = plan(lambda t: 0.1 * ((t < 100) | (t >= 400)), 999)

        assert [(f.code, f.first, f.last) for f in planned.findings if f.serious] == [("rate-zero-stretch", 100, 399)]

    @pytest.mark.parametrize(
        ("length", "zeros", "severity"),
        # half of a run, a hundredth and a thousandth; a single one is how a decay ends
        [(100, 50, "error"), (100, 49, "warning"), (200, 2, "warning"), (201, 2, "note"), (1999, 2, "note"),
         (2000, 2, None), (100, 1, None)],
    )  # fmt: skip
    def test_how_much_of_a_run_is_wasted(self, length: int, zeros: int, severity: str | None) -> None:
        found = plan(lambda t: 0.1 * (t < length - zeros), length - 1).findings

        wanted = [] if severity is None else [(severity, length - zeros, length - 1)]
        assert [(f.severity, f.first, f.last) for f in found if f.code == "rate-reaches-zero"] == wanted

    @pytest.mark.parametrize(
        ("rates", "usual", "strict"),
        # half of the thresholds: a thousandth, a hundredth, half of the run; half of it at a hundredth of the peak
        [(lambda t: 0.1 * (t < 2997), None, "note"), (lambda t: 0.1 * (t < 2979), "note", "warning"),
         (lambda t: 0.1 * (t < 2000), "warning", "error"), (lambda t: 0.1 * ((t < 60) | (t > 80)), None, "warning"),
         (lambda t: np.where(t < 2000, 0.1, 0.001), None, "warning")],
    )  # fmt: skip
    def test_an_offer_is_judged_by_half_the_thresholds(self, rates: Any, usual: str | None, strict: str) -> None:
        run = plan(rates, 2999).run
        for judged, severity in ((run, usual), (run.strictly(), strict)):
            assert [f.severity for f in find(judged) if f.code != "never-decays"] == ([severity] if severity else [])

    def test_a_few_iterations_have_no_shape(self) -> None:
        assert plan(lambda t: 0.1 * (t < 3), 8).findings == ()
        assert codes(plan(lambda t: 0.1 * (t < 3), 9)) == [("rate-reaches-zero", "error")]

    def test_a_single_iteration_at_zero_is_a_stretch_of_a_short_run(self) -> None:
        stretch, never = plan(lambda t: 0.1 * (t != 50), 99).findings

        assert (stretch.code, stretch.first, stretch.last) == ("rate-zero-stretch", 50, 50)
        assert stretch.message.endswith("1 iteration (1.0% of the training time) has almost no effect.")
        assert (never.code, never.message) == (
            "never-decays",
            "The rate never decays: at iteration 99 it is still at its peak 0.1.",
        )
        assert [f.code for f in plan(lambda t: 0.1 * (t != 50), 100).findings] == ["never-decays"]

    def test_a_finding_is_about_some_iterations_or_the_whole_run(self) -> None:
        def found(rates: Any, target: int, start: int = 0) -> list[tuple[str, int, int]]:
            return [(f.code, f.first, f.last) for f in plan(rates, target, start=start).findings]

        assert found(lambda t: 0.1, 99, 10) == [("never-decays", 10, 99)]
        assert found(lambda t: np.where(t == 0, np.nan, 1 - t / 99), 99) == [("rate-not-finite", 0, 0)]
        assert found(lambda t: 0.1, 0, 5) == [("target-passed", 0, 5)]

    def test_a_rate_that_is_never_there_does_not_stay_at_its_peak(self) -> None:
        assert [(f.code, f.severity) for f in plan(lambda t: 0.0 * t, 100).findings] == [("rate-reaches-zero", "error")]

    @pytest.mark.parametrize(("low", "found"), [(51, ["decays-early"]), (50, [])])
    def test_early_is_before_half_of_the_run(self, low: int, found: list[str]) -> None:
        findings = plan(lambda t: np.where(t < 100 - low, 0.1, 0.001), 99).findings
        assert [f.code for f in findings] == found
        assert all(
            f.message.endswith("49 on the rate is at most about 1% of its peak 0.1: 51% of the run.") for f in findings
        )

    def test_the_peak_of_a_resumed_run_is_that_of_the_whole(self) -> None:
        assert plan(lambda t: np.where(t < 50, 0.1, 0.01), 199, start=100).findings == ()

    def test_only_a_config_that_could_decay_is_warned_of(self) -> None:
        net = parse_cfg("[net]\nbatch=64\nlearning_rate=.001\nmax_batches=9000\npolicy=poly\npower=0\n")
        kinds = [f.severity for run in (plan(net), plan(lambda t: 0.1, 99)) for f in run.findings if "decays" in f.code]
        assert kinds == ["warning", "note"]

    def test_a_negative_stretch_in_the_middle(self) -> None:
        step = Step(learning_rate=0.1, step=100, scale=-0.5)

        assert [(f.code, f.first, f.last) for f in plan(step, 399).findings] == [("rate-negative", 100, 199)]
        exp = Exp(learning_rate=0.1, gamma=-0.999)  # every other rate is negative, and its piece is the whole run
        assert [(f.code, f.first, f.last) for f in plan(exp, 400).findings] == [("rate-negative", 1, 1)]

    def test_its_warmup_has_its_name(self) -> None:
        @dataclass(frozen=True)
        class Ramp(Schedule):
            @property
            def warmup(self) -> int:
                return 500

            def formula(self, t: Any) -> Any:
                return np.minimum(t / 500, 1) * (1 - t / 2000)

        assert [(f.code, f.first, f.last) for f in plan(Ramp(), 1000).findings] == [("warmup-long", 0, 499)]
        assert codes(plan(Ramp(), 1667)) == []  # 500 is less than three tenths
        assert codes(plan(Ramp(), 1666)) == [("warmup-long", "warning")]
        assert codes(plan(Ramp(), 501)) == [("warmup-long", "warning")]
        assert codes(plan(Ramp(), 500)) == [("warmup-covers-run", "error")]
        assert plan(Ramp(), 500).findings[0].message.endswith("until iteration 499 the rate only rises.")
        assert codes(plan(Ramp(), 1000, start=499)) == [("warmup-long", "warning")]
        assert codes(plan(Ramp(), 1000, start=500)) == []

    def test_a_long_or_odd_function_is_walked(self) -> None:
        assert plan(lambda t: 0.1 / (t + 1), 5_000_000).zero_from is None  # more iterations than are walked
        assert codes(plan(lambda t: np.where(t % 40 == 7, np.nan, 0.1), 100)) == [("rate-not-finite", "error")]


def test_any_value_with_schedules_is_planned_as_a_config() -> None:
    class Mine:
        source = "mine.conf"
        at_30 = 0.1

        def caption(self, ngpus: int = 1) -> str:
            return "mine"

        def schedules(self, ngpus: int = 1) -> dict[str, Schedule]:
            return {"rate": as_schedule(lambda t: np.where(t == 30, self.at_30, 0.1) * (t < 60), horizon=99)}

    config: Any = Mine()
    planned = plan(config)
    assert codes(planned) == [("rate-reaches-zero", "warning")]
    assert planned.suggestions == ()
    assert plan_json(planned)["config"] == "mine.conf"
    [line] = github_lines(planned)
    assert line.startswith("::warning file=mine.conf,title=rate-reaches-zero::From iteration 60 to the end at 99")
    config.at_30 = -0.1
    assert codes(plan(config)) == [("rate-negative", "error"), ("rate-reaches-zero", "warning")]
    assert plan(config).suggestions == ()


TWICE = "[net]\nbatch=64\nsubdivisions=16\nmax_batches=900\nmax_batches=800\npolicy=poly\npower=1\n"


def test_beside_a_misread_config_there_is_nothing_else_to_say() -> None:
    misread = plan(parse_cfg(TWICE.replace("=900", "=5e5").replace("max_batches=800\n", "")), start=9)
    assert codes(misread) == [("value-not-a-number", "error")]
    rounded = plan(parse_cfg(TWICE.replace("=900", "=1000.5")), start=2000)
    assert codes(rounded)[0] == ("already-finished", "error")
    assert ("value-not-a-number", "warning") in codes(rounded)


def test_each_fix_is_printed_once_beneath_what_it_fixes() -> None:
    misspelt = plan(parse_cfg("[net]\nbatch=64\nsubdivisions=16\nmax_batchs=9000\nburn_in=100\nburn_in=200\n"))
    assert [fix.fixes for fix in misspelt.suggestions] == [
        ("key-twice", "unknown-key"),
        ("key-twice",),
        ("unknown-key",),
    ]
    assert [fix.text.startswith("all changes") for fix in misspelt.suggestions] == [True, False, False]
    lines = str(misspelt).splitlines()
    assert [line for line in lines if line.startswith("  Fix")] == [
        "  Fix: all changes that this run needs; rate at 9000: 0.001000"
    ]
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


def points(html: str) -> list[tuple[float, ...]]:
    """The points of the curve in the picture of a plan."""
    return [tuple(map(float, point.split(","))) for point in re.search('points="(.*?)"', html)[1].split()]  # type: ignore[index]


@pytest.mark.parametrize("start", [0, 60])
def test_the_picture_in_a_notebook_has_the_curve_of_the_rates(start: int) -> None:
    drawn = points(plan(lambda t: 1 - t / 50, 100, start=start)._repr_html_())
    # from (0, 2) at the highest rate, or at zero, to (400, 98) at the lowest one, the rate falls to -1
    high, count = max(1 - start / 50, 0), 100 - start
    wanted = [(400 * i / count, 2 + 96 * (high - 1 + (start + i) / 50) / (high + 1)) for i in range(count + 1)]
    np.testing.assert_allclose(drawn, wanted, atol=0.051)
    assert "<svg" not in plan(lambda t: 0.1, 5, start=5)._repr_html_()


@pytest.mark.parametrize(
    ("rates", "heights"),
    # the rate of 0 is always in the picture, and what is not finite is drawn there
    [([1, 0.5], [2, 50]), ([-0.5, -1], [50, 98]), ([np.inf, 1, np.nan, 0.5, -np.inf], [98, 2, 98, 50, 98]),
     ([0, 0], [2, 2])],
)  # fmt: skip
def test_the_picture_in_a_notebook_has_a_rate_of_zero(rates: list[float], heights: list[float]) -> None:
    drawn = points(plan(lambda t: np.take(rates, t), len(rates) - 1)._repr_html_())
    assert [y for _, y in drawn] == heights


def test_printing_and_notebooks() -> None:
    planned = plan(story())

    assert str(planned).startswith("1 warning.\n")
    assert str(planned).endswith("\n\nRate at iteration 392480: 0.000000")
    assert "Rate at" not in str(plan(parse_cfg("[net]\nlearning_rate=.1\n")))
    assert str(plan(lambda t: 1 - t / 50, 50)).startswith("OK: no problems found.\n")
    assert str(plan(lambda t: 0.1, 50)).startswith("OK (see notes).\n")
    assert "power=1" in str(planned)
    html = planned._repr_html_()
    assert html.startswith("<svg")
    assert "rate-reaches-zero" in html
