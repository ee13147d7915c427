"""A folder of a run, as people give it: what the command says and draws, for every kind of results file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lrsched
from lrsched.logs import read_log
from tests.cli.conftest import Command
from tests.trainers.yolov5.conftest import OPT
from tests.trainers.yolov5.files import results_csv, results_txt
from tests.trainers.yolov5.oracle import KINDS, Loop


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
