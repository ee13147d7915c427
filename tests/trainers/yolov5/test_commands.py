"""The commands and functions on runs of this family, as people use them; rates from the oracle."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import lrsched
from lrsched.logs import read_log
from lrsched.rules import Planning
from lrsched.schedules import cosine
from lrsched.serialize import from_dict, to_dict
from lrsched.sources import as_config, as_schedules
from lrsched.testing import check_schedule
from lrsched.trainers import planning_of
from lrsched.trainers.yolov5 import ERAS, Hyp
from tests.cli.conftest import Command
from tests.trainers.yolov5.files import results_csv, results_txt
from tests.trainers.yolov5.oracle import KINDS, LOOPS, LambdaLR, Loop

HYP = "lr0: {lr0}\nlrf: 0.1  # of lr0\nmomentum: 0.937\nwarmup_epochs: 3.0\nwarmup_momentum: 0.8\nwarmup_bias_lr: 0.1\n"
OPT = "epochs: 40\nbatch_size: 16\ncos_lr: false\nseed: 0\nresume: false\n"


@pytest.fixture
def run(folder: Path) -> Loop:
    """40 epochs of 37 iterations, as planned, in a folder ``exp`` with hyp.yaml, opt.yaml and results.csv."""
    loop = next(each for each in LOOPS if (each.era, each.decay) == ("yolov5-v6.2", ""))
    loop = replace(loop, lr0=0.001, lrf=0.1, epochs=40, nb=37)
    written({"exp/hyp.yaml": HYP.format(lr0=0.001), "exp/opt.yaml": OPT, "exp/results.csv": results_csv(loop)})
    return loop


def written(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)


GROUPS = {"weights": "group 1", "bias": "group 0", "momentum": "momentum", "accumulate": "accumulate"}


def test_show_prints_what_every_iteration_trains_with(run: Loop, command: Command) -> None:
    shown = command("show", "exp", "--every", "1", "--csv")
    rows = list(csv.DictReader(io.StringIO(shown.out)))
    trained = run.run(LambdaLR)

    assert (shown.code, len(rows), list(rows[0])) == (0, 40 * 37, ["iteration", *GROUPS])
    for name, column in GROUPS.items():
        assert [float(row[name]) for row in rows] == pytest.approx([row[column] for row in trained], rel=1e-8)
    document = json.loads(command("show", "exp", "--at", "10", "--json").out)
    assert (document["era"], document["iterations_per_epoch"]) == ("yolov5-v6.2", 37)
    assert document["rates"][0]["schedules"]["bias"] == pytest.approx(trained[10]["group 0"], rel=1e-12)
    assert "warm-up ends" in command("show", "exp").out
    assert "0.000000" not in command("show", "exp").out


def test_every_function_takes_a_run_folder(run: Loop, tmp_path: Path) -> None:
    weights = [row["group 1"] for row in run.run(LambdaLR)]

    assert lrsched.as_schedule("exp")(range(40 * 37)).tolist() == pytest.approx(weights, rel=1e-12)
    assert list(as_schedules("exp/hyp.yaml", images=592)) == list(GROUPS)
    assert lrsched.describe("exp").peak == pytest.approx(max(weights))
    assert lrsched.compare("exp", "exp/hyp.yaml").same
    assert lrsched.plan("exp/opt.yaml", images=592).run.horizon == 40 * 37 - 1
    assert {result.status for result in check_schedule("exp", peak=max(weights))} <= {"passed", "skipped"}
    # epoch 39 has the factor of epoch 38: 0.05 + 0.95 lrf = 0.5, or just above
    assert [dict(one.changes) for one in lrsched.suggest("exp", end_rate=0.0005)] == [{"lrf": 0.4739}]
    assert lrsched.suggest("exp", end_rate=0.0005, keep="lrf")[0].rate_at_target == pytest.approx(0.0005, rel=1e-3)
    with pytest.raises(TypeError, match="without the option dialect"):
        lrsched.plan("exp", dialect="alexeyab")


@pytest.mark.parametrize("era", ERAS)
def test_schedules_are_stored_by_names(era: str) -> None:
    hyp = Hyp(era=ERAS[era], epochs=30, iterations_per_epoch=40, lr0=0.02)
    for schedule in hyp.schedules().values():
        stored = json.loads(json.dumps(to_dict(schedule)))
        assert stored["hyp"]["era"] == {"kind": "era_named", "name": era}
        assert from_dict(stored) == schedule


def test_the_picture_has_groups_together_and_the_rest_below(run: Loop) -> None:
    top = lrsched.plot("exp")
    panels = top.figure.axes

    assert [panel.get_ylabel() for panel in panels] == ["learning rate", "momentum", "accumulate"]
    assert [len(panel.lines) >= 2 for panel in panels] == [True, True, True]
    ends = {child.get_xlabel() for panel in panels for child in [panel, *panel.child_axes]}
    assert {"iteration", "epochs"} <= ends
    # the biases begin a hundred times as high as the rate people look at: the axis is that of the rate
    assert top.get_ylim()[1] < 0.002
    said = [text.get_text() for text in top.figure.legends[0].get_texts()]
    assert "exp: weights" in said
    assert any("exp: bias · above the picture: 0.1 at iteration 0" in text for text in said)
    assert lrsched.plot("exp", last=300).get_ylim()[1] > 0.1
    own = Figure().add_subplot()
    assert lrsched.plot("exp", ax=own) is own  # the rates alone


def test_a_mapping_of_functions_is_drawn_whole() -> None:
    run = {"rate": cosine(peak=0.1, horizon=100), "momentum": lambda t: 0.9 + t / 2000, "beta2": lambda t: 0.99}
    panels = lrsched.plot(run).figure.axes
    assert [panel.get_ylabel() for panel in panels] == ["learning rate", "momentum"]
    momentum = max((np.asarray(line.get_ydata(), float) for line in panels[1].lines), key=len)
    assert (len(momentum), momentum[-1]) == (101, pytest.approx(0.95))


def test_files_that_belong_together_are_written_into_a_folder(run: Loop, command: Command) -> None:
    done = command("plan", "exp", "--write", "better")

    assert (done.code, done.err) == (1, "lrsched: wrote better with warmup_bias_lr: 0.001\n")
    assert Path("better/hyp.yaml").read_text() == HYP.format(lr0=0.001).replace("bias_lr: 0.1", "bias_lr: 0.001")
    assert Path("better/opt.yaml").read_text() == OPT
    assert command("plan", "better", "--images", "592").code == 0
    again = command("plan", "exp", "--write", "better")
    assert (again.code, "already exists; use --force" in again.err) == (2, True)
    assert "name a folder" in command("plan", "exp", "--write", "new.yaml").err
    annotated = command("plan", "exp", "--format", "github").out
    assert annotated.startswith("::warning file=exp/hyp.yaml,line=6,title=warmup-bias-high::")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["plan", "exp", "--set", "cos_lr=true", "--set", "checkpoint=49"], "--epochs 89\n"),
        (["plan", "bias", "--images", "592", "--set", "checkpoint=49"], " no --cos-lr\n"),
        (["plan", "exp", "--start", "1000", "--target", "3000"], "restart: start a new run from last.pt:"),
        (["plan", "exp", "--start", "1000"], "note: epochs-frozen"),
        (["plan", "exp", "--start", "2000"], "ends at iteration 1479: training stops"),
        (["compare", "exp", "exp/hyp.yaml"], "exp and exp/hyp.yaml, momentum: same over iterations 0 to 1479"),
        (["plan", "args.yaml", "--images", "592", "--classes", "3"], "optimizer=AdamW\n"),
        (["plan", "-", "--images", "592", "--classes", "3"], "<stdin>: Ultralytics"),
    ],
)
def test_what_is_said(
    run: Loop, command: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str
) -> None:
    text = "lr0: 0.005\nepochs: 40\nbatch: 16\nnbs: 64\noptimizer: auto\n"
    opt = OPT.replace("cos_lr: false", "cos_lr: true")
    written({"args.yaml": text, "bias/hyp.yaml": HYP.format(lr0=0.01), "bias/opt.yaml": opt})
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert expected in command(*arguments).out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["plan", "exp/hyp.yaml", "--set", "lr_0=1"], "--set lr_0=1: lr_0 decides no rate of this trainer"),
        (["plan", "exp", "--set", "lr0=abc"], "--set: lr0 must be a number of at least 0, got 'abc'"),
        (["plan", "exp", "--set", "cos_lr=7"], "write cos_lr=true or cos_lr=false"),
        (["plan", "exp", "--set", "era=v7"], "write yolov5-v1,"),
        (["plan", "exp", "--set", "decay=cos_lr"], "--set decay=cos_lr: decay decides no rate of this trainer"),
        (["plan", "exp", "--dialect", "alexeyab"], "without the option dialect"),
        (["plan", "exp", "--weights", "last.pt"], "give --start N"),
        (["show", "alone"], "on the command line --set images=N"),
        (["show", "other"], "on the command line --set images=N"),
        (["plot", "results"], "see lrsched log"),
        (["plan", "."], "name the folder of one run"),
        (["plan", "torn.yaml"], "torn.yaml, line 2: 'epo' is not 'key: value'"),
        (["plan", "exp", "--set", "images=0"], "images must be a whole number from 1"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(
    run: Loop, command: Command, arguments: list[str], sentence: str
) -> None:
    other = {"other/hyp.yaml": HYP.format(lr0=0.02), "other/opt.yaml": OPT, "other/results.csv": results_csv(run)}
    written(other | {"alone/args.yaml": "epochs: 3", "results/results.txt": results_txt(3)})
    written({"torn.yaml": "lr0: 0.1\nepo"})
    done = command(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert sentence in done.err


def test_a_config_needs_no_more_than_schedules() -> None:
    class Mine:
        source = "mine"

        def caption(self, ngpus: int = 1) -> str:
            return "my run"

        def schedules(self, ngpus: int = 1) -> dict[str, lrsched.Schedule]:
            return {"rate": cosine(peak=0.1, horizon=1000)}

    mine: Any = Mine()
    assert "mine: my run" in str(lrsched.plan(mine))
    assert not lrsched.plan(mine, target=3000).suggestions
    assert lrsched.plot(mine).get_title(loc="left") == "my run"
    assert type(planning_of(mine)) is Planning


def test_a_fine_tune_begins_where_its_checkpoint_ends(run: Loop, command: Command) -> None:
    longer = ["--set", "cos_lr=true", "--set", "checkpoint=59"]  # 40 epochs more than 59
    shown = [line.split() for line in command("show", "exp", *longer).out.splitlines() if line[:10].strip().isdigit()]

    assert [int(shown[0][0]), int(shown[-1][0])] == [60 * 37, 99 * 37 - 1]
    hyp: Any = as_config("exp", decay="cos_lr", checkpoint=59)
    assert lrsched.plan(hyp).run.start == 60 * 37
    assert "epochs-frozen" not in [finding.code for finding in lrsched.plan(hyp).findings]
    assert lrsched.plot(hyp).get_xlim()[0] > 59 * 37


def test_the_classes_of_an_automatic_rate_are_those_of_the_results(folder: Path) -> None:
    loop = next(each for each in LOOPS if each.era == "ultralytics-8.3" and each.adam and not each.decay)
    loop = replace(loop, lr0=0.001429, warmup_bias_lr=0.0, epochs=40, nb=37, checkpoint=None)
    args = f"epochs: 40\nbatch: 16\nnbs: 64\ncopy_paste_mode: flip\noptimizer: auto\nlrf: {loop.lrf}\n"
    (folder / "args.yaml").write_text(args + f"warmup_epochs: {loop.warmup_epochs}\n")
    (folder / "results.csv").write_text(results_csv(loop))

    options: tuple[dict[str, Any], ...] = ({}, {"images": 592})
    for given in options:  # 0.001429 is 0.002 * 5 / (4 + classes)
        hyp: Any = as_config(folder, **given)
        assert (hyp.classes, hyp.iterations_per_epoch) == (3, 37)


def test_a_run_that_is_as_planned(run: Loop, command: Command) -> None:
    out = command("log", "exp").out

    for text in ("epochs 0 to 39", "40 of 40 epochs", "Best epoch: 39", "in best.pt", "All 120 rates are the planned"):
        assert text in out
    assert Path(out.split()[-1]).stat().st_size > 10_000
    document = json.loads(command("log", "exp", "--no-plot", "--json", "--infer", "--best", "val_loss").out)
    [found] = document["runs"]
    assert (found["audit"]["matched"], found["audit"]["groups"]) == (120, {"x/lr0": 40, "x/lr1": 40, "x/lr2": 40})
    assert (found["outcome"]["column"], found["inferred"]["values"]["lr0"]) == ("val_loss", "0.001")
    assert command("log", "exp", "--no-plot", "--csv", "table.csv").code == 0
    assert Path("table.csv").read_text("utf-8").startswith("epoch,loss,")


def test_a_run_that_is_not_as_planned(run: Loop, command: Command) -> None:
    opt, results = Path("exp/opt.yaml"), Path("exp/results.csv")
    opt.write_text(OPT.replace("40", "60"), "utf-8")
    done = command("log", "exp", "--no-plot")
    assert (done.code, "40 of 60 epochs" in done.out) == (1, True)
    assert "The log is of another run: epochs 40 (given: 60)." in done.out
    opt.write_text("epochs: many\n", "utf-8")
    done = command("log", "exp", "--no-plot")
    assert (done.code, "inferred from the rates:" in done.out) == (0, True)
    assert "opt.yaml, line 1: epochs must be a whole number" in done.err
    results.write_text("epoch,metrics/a\n0,0.1\n1,0.2\n", "utf-8")
    assert "2 records" in command("log", "exp", "exp", "--separate").out  # nothing tells a best epoch
    done = command("log", "exp", "--no-plot", "--best", "metrics/b")
    assert (done.code, "did you mean 'metrics/a'" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("era", "panels"),
    [
        ("yolov5-v6.2", ["metrics", "box loss", "obj loss", "cls loss", "learning rate"]),
        ("ultralytics", ["metrics", "box loss", "cls loss", "dfl loss", "learning rate"]),
        ("", ["metrics", "box loss", "obj loss", "cls loss"]),
    ],
)
def test_the_picture_has_a_panel_for_what_the_log_holds(tmp_path: Path, era: str, panels: list[str]) -> None:
    path = tmp_path / ("results.csv" if era else "results.txt")
    kinds = [Loop(**{**kind, "epochs": 12, "nb": 60}) for kind in KINDS if kind["era"] == era]
    path.write_text(results_csv(kinds[0]) if era else results_txt(12), "utf-8")
    log = read_log(path)
    ax = lrsched.plot(log)
    assert [one.get_label() for one in ax.figure.axes] == panels
    assert ax.figure.axes[-1].get_xlabel() == "epoch"
    best = log.column("fitness").argmax()
    assert f"best {log.iteration[best]}" in [text.get_text() for text in ax.texts]
    two = lrsched.plot(log, log)
    assert {"metrics", "training loss"} <= {one.get_label() for one in two.figure.axes}
