"""A folder of a run, as people give it: what the command says and draws, for every kind of results file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lrsched
from lrsched import cli
from lrsched.logs import read_log
from tests.trainers.yolov5.files import results_csv, results_txt
from tests.trainers.yolov5.oracle import KINDS, Loop

HYP = "lr0: 0.01\nlrf: 0.01\nmomentum: 0.937\nwarmup_epochs: 3.0\nwarmup_momentum: 0.8\nwarmup_bias_lr: 0.1\n"
OPT = "epochs: {}\nbatch_size: 16\ncos_lr: false\nseed: 0\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of 30 epochs, 60 iterations each, that is as planned."""
    kind = next(kind for kind in KINDS if kind["era"] == "yolov5-v6.2" and not kind.get("decay"))
    run = tmp_path / "exp"
    run.mkdir()
    (run / "results.csv").write_text(results_csv(Loop(**{**kind, "epochs": 30, "nb": 60})), "utf-8")
    (run / "hyp.yaml").write_text(HYP, "utf-8")
    (run / "opt.yaml").write_text(OPT.format(30), "utf-8")
    monkeypatch.chdir(tmp_path)
    return run


def said(capsys: pytest.CaptureFixture[str], code: int, *argv: str) -> str:
    assert cli.main(["log", *argv]) == code
    return capsys.readouterr().out


def test_a_run_that_is_as_planned(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, 0, "exp")

    for text in ("epochs 0 to 29", "30 of 30 epochs", "Best epoch: 29", "in best.pt", "All 90 rates are the planned"):
        assert text in out
    assert (folder.parent / out.split()[-1]).stat().st_size > 10_000
    document = json.loads(said(capsys, 0, "exp", "--no-plot", "--json", "--infer", "--best", "val_loss"))
    [run] = document["runs"]
    assert (run["audit"]["matched"], run["audit"]["groups"]) == (90, {"x/lr0": 30, "x/lr1": 30, "x/lr2": 30})
    assert (run["outcome"]["column"], run["inferred"]["values"]["lr0"]) == ("val_loss", "0.01")
    said(capsys, 0, "exp", "--no-plot", "--csv", "table.csv")
    assert (folder.parent / "table.csv").read_text("utf-8").startswith("epoch,loss,")


def test_a_run_that_is_not_as_planned(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "opt.yaml").write_text(OPT.format(60), "utf-8")
    out = said(capsys, 1, "exp", "--no-plot")
    assert "30 of 60 epochs" in out
    assert "The log is of another run: epochs 30 (given: 60)." in out
    (folder / "opt.yaml").write_text("epochs: many\n", "utf-8")
    assert cli.main(["log", "exp", "--no-plot"]) == 0
    done = capsys.readouterr()
    assert "opt.yaml, line 1: epochs must be a whole number" in done.err
    assert "inferred from the rates:" in done.out
    (folder / "results.csv").write_text("epoch,metrics/a\n0,0.1\n1,0.2\n", "utf-8")
    assert "2 records" in said(capsys, 0, "exp", "exp", "--separate")  # nothing tells a best epoch
    assert cli.main(["log", "exp", "--no-plot", "--best", "metrics/b"]) == 2
    assert "did you mean 'metrics/a'" in capsys.readouterr().err


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
