"""What docs/contributing.md adds, in about ten lines each, works everywhere once it stands in its tuple."""

from __future__ import annotations

import doctest
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import find, settings
from hypothesis import strategies as st

import lrsched
from docs import generate
from docs.pages import ROOT, blocks
from lrsched import cli
from lrsched.cli import options
from lrsched.logs import read_log
from lrsched.planner.rules import RULES
from lrsched.schedule import Schedule
from lrsched.schedules import NAMED
from lrsched.serialize import from_dict, to_dict
from lrsched.testing import CHECKS, ScheduleCheckError, cfgs, check_schedule, from_policy, schedules
from lrsched.trainers import TRAINERS
from lrsched.trainers.darknet import DIALECTS, POLICIES, Policy, parse_cfg
from lrsched.trainers.darknet.configs import CONFIGS
from lrsched.trainers.darknet.solving import SHAPES

PAGE = ROOT / "docs" / "contributing.md"
CFG = "[net]\nbatch=64\nsubdivisions=16\nlearning_rate=0.1\nmax_batches=6000\npolicy=cosine\n"
Extend = Callable[[Any, Any], None]


@pytest.fixture(scope="module")
def added() -> SimpleNamespace:
    """The names that the examples of the page define."""
    names: dict[str, Any] = {"__name__": "contributed"}
    for block in blocks(PAGE):
        if block.language == "python":
            for example in doctest.DocTestParser().get_examples(block.text):
                # not the name of the file, in whose prose Python would look for the source of a function
                exec(compile(example.source, f"<{PAGE.name}>", "exec"), names)
    sys.modules["contributed"] = module = SimpleNamespace(**names)  # type: ignore[assignment]
    return module


@pytest.fixture
def extend(monkeypatch: pytest.MonkeyPatch) -> Extend:
    """Put something into a tuple or a table, as an edit of the file does: wherever it was imported."""

    def edit(table: Any, longer: Any) -> None:
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in ("lrsched", "docs"):
                for key, value in list(vars(module).items()):
                    if value is table:
                        monkeypatch.setattr(module, key, longer)

    return edit


def drawn(strategy: st.SearchStrategy[Any], wanted: Callable[[Any], bool]) -> Any:
    return find(strategy, wanted, settings=settings(max_examples=2000, database=None))


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    cli.main(list(argv))
    return capsys.readouterr().out


def test_a_check(added: SimpleNamespace, extend: Extend, capsys: pytest.CaptureFixture[str]) -> None:
    extend(CHECKS, (*CHECKS, added.check_trains_at_once))

    with pytest.raises(ScheduleCheckError, match="trains-at-once\n    expected: A warm-up is not 0 at iteration 1"):
        check_schedule(lambda t: max(0.0, t / 10 - 0.1), horizon=10, warmup=10)
    assert "trains-at-once" in printed(capsys, "check", "math:sqrt", "--horizon", "9", "--warmup", "9")


def test_a_named_schedule(added: SimpleNamespace, extend: Extend) -> None:
    extend(NAMED, {**NAMED, "parabola": added.parabola})
    schedule = added.parabola(peak=0.1, horizon=100)

    assert drawn(schedules(), lambda each: repr(each).startswith("parabola(")).horizon > 0
    assert from_dict(to_dict(schedule)) == schedule
    assert lrsched.plan(schedule).schedule == schedule
    assert lrsched.plot(schedule).lines
    check_schedule(schedule, peak=0.1, final=0.0, decay=0, strict=True)


def test_a_policy_and_a_dialect_that_knows_it(
    added: SimpleNamespace,
    extend: Extend,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    extend(POLICIES, (*POLICIES, added.Cosine))
    extend(DIALECTS, (*DIALECTS, added.mine))
    monkeypatch.setitem(options.OPTIONS["--dialect"], "choices", ["mine"])  # made of the dialects when it was loaded
    extend(SHAPES, {**SHAPES, "cosine": added.shape})
    extend(CONFIGS, CONFIGS._replace(schedules=(*CONFIGS.schedules, added.Cosine)))
    path = tmp_path / "new.cfg"
    path.write_text(CFG, "utf-8")
    net = parse_cfg(CFG, "mine")

    assert net.schedule()([0, 3000, 6000]).tolist() == pytest.approx([0.1, 0.05, 0.0])
    assert net.schedule(2)(0) == pytest.approx(0.2)
    assert from_dict(to_dict(net.schedule())) == net.schedule()
    plan = lrsched.plan(path, dialect="mine")
    assert {finding.severity for finding in plan.findings} <= {"warning", "note"}
    assert lrsched.plot(net).lines
    assert "0.050000" in printed(capsys, "show", str(path), "--dialect", "mine", "--at", "3000")
    assert "cosine: Half a cosine" in printed(capsys, "policies", "cosine")
    assert "me/darknet" in "\n".join(generate.dialects())
    assert isinstance(drawn(from_policy(Policy), lambda policy: policy.KEY == "cosine"), added.Cosine)
    assert "policy=cosine" in drawn(cfgs(dialect="mine"), lambda text: "cosine" in text).replace(" ", "")
    assert isinstance(drawn(schedules(), lambda each: isinstance(each, added.Cosine)), Schedule)
    check_schedule(net.schedule(), peak=0.1, final=0.0, decay=0)


def test_a_rule_with_its_fix(added: SimpleNamespace, extend: Extend, capsys: pytest.CaptureFixture[str]) -> None:
    extend(RULES, (*RULES, added.rate_too_high))
    text = CFG.replace("cosine", "poly\npower=1").replace("=0.1", "=1.5")

    plan = lrsched.plan(parse_cfg(text))

    assert "rate-too-high" in {finding.code for finding in plan.findings}
    [suggestion] = [each for each in plan.suggestions if "rate-too-high" in each.fixes]
    assert suggestion.changes == {"learning_rate": 0.001}
    assert "rate-too-high" in "\n".join(generate.findings())


def test_the_log_of_a_trainer(
    added: SimpleNamespace, extend: Extend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extend(TRAINERS, (TRAINERS[0], added.csv, *TRAINERS[1:]))
    path = tmp_path / "train.csv"
    rows = "".join(f"{t},{2 / t:.6f},{0.1 * (1 - t / 100):.6f}\n" for t in range(1, 101))
    path.write_text(f"iteration,loss,rate\n{rows}", "utf-8")

    log = read_log(path)

    assert (len(log), log.trainer) == (100, "csv")
    assert log.rate[49] == pytest.approx(0.05)
    assert lrsched.plot(log)
    assert "100" in printed(capsys, "log", str(path), "-o", str(tmp_path / "log.png"))
