"""plan(): findings, suggestions and the story of a run that dies early."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrsched import Net, Schedule, as_schedule, plan, suggest
from lrsched.planner import Plan
from lrsched.planner.rules import find
from lrsched.report.plans import github_lines, plan_json
from lrsched.schedule import FunctionSchedule
from lrsched.trainers.darknet import Exp, Random, Step, parse_cfg

HEAD = "[net]\nbatch=64\nsubdivisions=16\n"
STORY = "[net]\nlearning_rate=0.01\npolicy=poly\npower=4\nmax_batches=392480\n"


def story(**changes: Any) -> Net:
    return replace(parse_cfg(STORY), **changes)


def codes(planned: Any) -> list[tuple[str, str]]:
    """What was found that is more than worth knowing."""
    return [(f.code, f.severity) for f in planned.findings if f.severity != "note"]


def told(planned: Plan) -> list[str]:
    """Everything that was found, and where."""
    return [f"{f.code} {f.severity} {f.first}-{f.last}" for f in planned.findings]


@pytest.mark.parametrize(
    ("changes", "options", "found", "part", "zero_from"),
    # 0.01 (1 - t/392480)^4 < 5e-7 from t = 392480 (1 - 0.00005^(1/4)) = 359476.3 on
    [({}, {}, ["rate-reaches-zero warning 359477-392480"], "33004 iterations (8.4% of the training time)", 359477),
     ({}, {"target": 592480}, ["ends-before-target error 392480-592480"], "200000 iterations before the target 592480",
      359477),
     ({"max_batches": 700000}, {"target": 592480}, [], "", None),
     ({"max_batches": 1000000, "learning_rate": 0.02}, {"start": 700000}, ["rate-reaches-zero warning 929290-1000000"],
      "23.6% of the training time", 929290),
     # a single iteration at zero is how a decay ends
     ({"learning_rate": 0.001, "power": 1.0, "max_batches": 4000}, {}, [], "", 3999),
     ({"learning_rate": 0.1, "power": 2.0, "max_batches": 4000}, {}, [], "0.2% of the training time", 3992),
     # 0.001 (t/1000)^4 < 5e-7 until t = 149.5
     ({"learning_rate": 0.001, "power": 4.0, "burn_in": 1000, "policy": "constant"}, {"target": 149},
      ["burn-in-covers-run warning 0-149"], "", 0),
     ({"learning_rate": 0.001, "power": 4.0, "burn_in": 1000, "policy": "constant"}, {"target": 150},
      ["burn-in-covers-run warning 0-150"], "", None),
     ({}, {"start": 392481}, ["already-finished error 392480-392481"], "training stops at once", None),
     ({}, {"start": 392480}, ["already-finished error 392480-392480"], "training stops at once", 392480),
     ({}, {"target": 100, "start": 200}, ["target-passed error 100-200"], "so it has been passed", None),
     ({}, {"target": 200, "start": 200}, [], "", None)],
)  # fmt: skip
def test_the_story(
    changes: dict[str, Any], options: dict[str, Any], found: list[str], part: str, zero_from: int | None
) -> None:
    planned = plan(story(**changes), **options)

    serious = [each for each in told(planned) if " note " not in each]
    assert (serious, planned.ok, planned.zero_from) == (found, not found, zero_from)
    assert part in " ".join(f.message for f in planned.findings)


def test_a_longer_run_for_a_later_target() -> None:
    [suggestion] = plan(story(), 592480).suggestions
    # 0.01 (1 - 592480/T)^4 = 0.0001 for T = 592480 / (1 - 0.01^(1/4)) = 866487.8
    assert (suggestion.changes, suggestion.exact) == ({"max_batches": 870000}, {"max_batches": 866488})
    assert suggestion.target == 592480


def test_a_run_without_max_batches() -> None:
    net = parse_cfg("[net]\nlearning_rate=.1\n")
    planned = plan(net)
    assert (planned.zero_from, planned.rate_at_target) == (None, None)
    assert "Rate at" not in str(planned)
    assert [dict(fix.changes) for fix in plan(net, 10).suggestions] == [{"max_batches": 10}]
    # a burn-in that falls is found in a run without a length, too; there is nothing over which it could decay
    falling = plan(parse_cfg("[net]\nlearning_rate=.1\nburn_in=100\npower=-1\n"))
    assert falling.findings[0].code == "rate-not-finite"
    assert [dict(fix.changes) for fix in falling.suggestions] == [{"power": 1.0, "max_batches": 6000}]


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


def ramp(t: Any) -> Any:
    """A warm-up of 500 iterations, and a straight line to 0 at 2000."""
    return np.minimum(t / 500, 1) * (1 - t / 2000)


RAMP = FunctionSchedule(function=ramp, peak_at=500)
DECAYS = "decays-early warning"
ZERO = "rate-reaches-zero"


@pytest.mark.parametrize(
    ("schedule", "start", "target", "found"),
    [
        (lambda t: 3e-5 * (1 + np.cos(np.pi * t / 9000)) / 2, 0, 9000, []),
        # zero is a billionth of the peak
        (lambda t: np.where(t < 500, 1e-7, 1e-17), 0, 999, [f"{ZERO} error 500-999"]),
        (lambda t: 0.1 * ((t < 100) | (t >= 400)), 0, 999,
         ["rate-zero-stretch warning 100-399", "never-decays note 0-999"]),
        (lambda t: 0.1 * (t != 50), 0, 99, ["rate-zero-stretch warning 50-50", "never-decays note 0-99"]),
        (lambda t: 0.1 * (t != 50), 0, 100, ["never-decays note 0-100"]),
        # half of a run, a hundredth and a thousandth; a single one is how a decay ends
        (lambda t: 0.1 * (t < 50), 0, 99, [f"{ZERO} error 50-99"]),
        (lambda t: 0.1 * (t < 51), 0, 99, [f"{ZERO} warning 51-99"]),
        (lambda t: 0.1 * (t < 198), 0, 199, [f"{ZERO} warning 198-199"]),
        (lambda t: 0.1 * (t < 199), 0, 200, [f"{ZERO} note 199-200"]),
        (lambda t: 0.1 * (t < 1997), 0, 1998, [f"{ZERO} note 1997-1998"]),
        (lambda t: 0.1 * (t < 1998), 0, 1999, []),
        (lambda t: 0.1 * (t < 99), 0, 99, []),
        # a few iterations have no shape
        (lambda t: 0.1 * (t < 3), 0, 8, []),
        (lambda t: 0.1 * (t < 3), 0, 9, [f"{ZERO} error 3-9"]),
        # a finding is about some iterations or the whole run
        (lambda t: 0.1, 10, 99, ["never-decays note 10-99"]),
        (lambda t: np.where(t == 0, np.nan, 1 - t / 99), 0, 99, ["rate-not-finite error 0-0"]),
        (lambda t: np.where(t % 40 == 7, np.nan, 0.1), 0, 100, ["rate-not-finite error 7-7"]),
        (lambda t: 0.1, 5, 0, ["target-passed error 0-5"]),
        # what is never there does not stay at its peak
        (lambda t: 0.0 * t, 0, 100, [f"{ZERO} error 0-100"]),
        # early is before half of the run
        (lambda t: np.where(t < 49, 0.1, 0.001), 0, 99, [f"{DECAYS} 49-99"]),
        (lambda t: np.where(t < 50, 0.1, 0.001), 0, 99, []),
        # the peak of a resumed run is that of the whole
        (lambda t: np.where(t < 50, 0.1, 0.01), 100, 199, []),
        (Step(learning_rate=0.1, step=100, scale=-0.5), 0, 399, ["rate-negative error 100-199"]),
        # every other rate is negative, and its piece is the whole run
        (Exp(learning_rate=0.1, gamma=-0.999), 0, 400, ["rate-negative error 1-1"]),
        (RAMP, 0, 1000, ["warmup-long warning 0-499"]),
        (RAMP, 0, 1667, []),  # 500 is less than three tenths
        (RAMP, 0, 1666, ["warmup-long warning 0-499"]),
        (RAMP, 0, 501, ["warmup-long warning 0-499"]),
        (RAMP, 0, 500, ["warmup-covers-run error 0-499"]),
        (RAMP, 499, 1000, ["warmup-long warning 499-499"]),
        (RAMP, 500, 1000, []),
    ],
)  # fmt: skip
def test_a_schedule_without_a_trainer_is_planned_in_its_own_words(
    schedule: Any, start: int, target: int, found: list[str]
) -> None:
    planned = plan(schedule, target, start=start)

    assert told(planned) == found
    assert planned.suggestions == ()


@pytest.mark.parametrize(
    ("schedule", "target", "message"),
    [
        (lambda t: np.where(t < 500, 1e-7, 1e-17), 999,
         "From iteration 500 to the end at 999 the rate is 0: 500 iterations (50.0% of the training time) have almost "
         "no effect."),
        (lambda t: 0.1 * (t != 50), 99, "1 iteration (1.0% of the training time) has almost no effect."),
        (lambda t: np.where(t < 49, 0.1, 0.001), 99, "the rate is at most about 1% of its peak 0.1: 51% of the run."),
        (lambda t: 0.1, 99, "The rate never decays: at iteration 99 it is still at its peak 0.1."),
        (RAMP, 500, "covers the whole run up to 500: until iteration 499 the rate only rises."),
    ],
)  # fmt: skip
def test_messages(schedule: Any, target: int, message: str) -> None:
    assert plan(schedule, target).findings[0].message.endswith(message)


@pytest.mark.parametrize(
    ("rates", "usual", "strict"),
    # half of the thresholds: a thousandth, a hundredth, half of the run; half of it at a hundredth of the peak
    [(lambda t: 0.1 * (t < 2997), None, "note"), (lambda t: 0.1 * (t < 2979), "note", "warning"),
     (lambda t: 0.1 * (t < 2000), "warning", "error"), (lambda t: 0.1 * ((t < 60) | (t > 80)), None, "warning"),
     (lambda t: np.where(t < 2000, 0.1, 0.001), None, "warning")],
)  # fmt: skip
def test_an_offer_is_judged_by_half_the_thresholds(rates: Any, usual: str | None, strict: str) -> None:
    run = plan(rates, 2999).run
    for judged, severity in ((run, usual), (run.strictly(), strict)):
        assert [f.severity for f in find(judged) if f.code != "never-decays"] == ([severity] if severity else [])


def test_a_long_function_is_not_walked() -> None:
    assert plan(lambda t: 0.1 / (t + 1), 5_000_000).zero_from is None


@pytest.mark.parametrize(
    ("numbers", "options", "code"),
    # the curve, or what is written instead, leaves float or int
    [({"policy": "poly", "power": -(2.0**31), "max_batches": 5000}, {"start": 4995, "target": 2 * 10**9},
      "rate-not-finite"),
     ({"policy": "exp", "gamma": 10.0, "max_batches": 2**31 - 1}, {"target": 8000}, "rate-not-finite"),
     ({"policy": "poly", "learning_rate": np.inf, "max_batches": 5000}, {}, "rate-not-finite"),
     ({"policy": "step", "step": 1000, "scale": -(2.0**31)}, {"target": 6000}, "max-batches-missing"),
     ({"policy": "step", "step": 1000, "scale": -0.9999}, {"target": 2 * 10**9}, "rate-negative"),
     ({"policy": "step", "step": 9, "scale": 0.5, "max_batches": 2**31 - 1}, {"ngpus": 4}, "rate-reaches-zero"),
     ({"batch": 2**31 - 1, "subdivisions": 8, "max_batches": 5000}, {}, "batch-not-divisible")],
)  # fmt: skip
def test_absurd_numbers_are_planned_at_once(numbers: dict[str, Any], options: dict[str, Any], code: str) -> None:
    net = Net(**{"batch": 64, "subdivisions": 16, **numbers})
    assert code in [f.code for f in plan(net, **options).findings]
    suggest(net, 8000, end_rate=1e-5)


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


def test_beside_a_misread_config_there_is_nothing_else_to_say() -> None:
    misread = plan(parse_cfg(HEAD + "max_batches=5e5\npolicy=poly\n"), start=9)
    assert codes(misread) == [("value-not-a-number", "error")]
    rounded = plan(parse_cfg(HEAD + "max_batches=1000.5\npolicy=poly\n"), start=2000)
    assert codes(rounded)[0] == ("already-finished", "error")
    assert ("value-not-a-number", "warning") in codes(rounded)


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
    assert str(plan(lambda t: 1 - t / 50, 50)).startswith("OK: no problems found.\n")
    assert str(plan(lambda t: 0.1, 50)).startswith("OK (see notes).\n")
    html = planned._repr_html_()
    assert html.startswith("<svg")
    assert "rate-reaches-zero" in html
