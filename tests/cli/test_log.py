"""The command log: what it prints, draws and writes, and how it ends."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrsched.cli.log import add_arguments, run
from lrsched.logs import LogError
from lrsched.trainers.darknet import parse_cfg

CFG = "[net]\nbatch=64\nlearning_rate=0.001\nburn_in=50\npolicy=steps\nsteps=300,400\nscales=.1,.1\nmax_batches=500\n"
PNG = b"\x89PNG\r\n\x1a\n"


def text(first: int = 1, last: int = 500, *, nan: int | None = None, images: int = 64, layers: bool = False) -> str:
    schedule = parse_cfg(CFG).schedule()
    lines = []
    for t in range(first, last + 1):
        loss = "-nan" if nan is not None and t >= nan else f"{2 + 100 * 0.9**t:f}"
        if layers:
            lines.append("Region 82 Avg IOU: 0.5, Class: 0.5, Obj: 0.5, No Obj: 0.1, .5R: 0.5, .75R: 0.2,  count: 3")
        lines.append(f"{t}: {loss}, {loss} avg, {float(schedule(t)):f} rate, 3.500000 seconds, {images * t} images")
        if t % 100 == 0:
            lines.append(f"Saving weights to backup/net_{t}.weights")
    return "\n".join(lines) + "\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.cfg").write_text(CFG)
    (tmp_path / "other.cfg").write_text(CFG.replace("300,400", "300,350"))
    (tmp_path / "train.log").write_text(text())
    return tmp_path


def code_of(*argv: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(argv))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def execute(*argv: str) -> tuple[int, str, str]:
        code = code_of(*argv)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return execute


class TestSummary:
    def test_it_tells_and_draws(self, command: Any, here: Path) -> None:
        code, out, err = command("train.log")
        lines = out.splitlines()
        assert (code, err) == (0, "")
        assert lines[0] == "train.log: 500 records, iterations 1 to 500, 64 images per iteration"
        assert "    printed     loss, avg loss, rate, seconds, images" in lines
        assert "    rate        largest 0.001 at 50, 1e-05 at last" in lines
        assert "    events      weights saved 5x" in lines
        assert "      steps=300,400" in lines
        assert lines[1] == "    The log ends at iteration 500; it does not show whether the run goes on."
        assert lines[-1] == "train-log.png"
        assert (here / "train-log.png").read_bytes().startswith(PNG)

    def test_without_a_picture(self, command: Any, here: Path) -> None:
        code, out, _ = command("train.log", "--no-plot")
        assert code == 0
        assert "png" not in out
        assert not list(here.glob("*.png"))

    def test_nan_exits_with_1(self, command: Any) -> None:
        Path("bad.log").write_text(text(nan=200))
        code, out, _ = command("bad.log", "--no-plot")
        assert code == 1
        assert "The loss is nan from iteration 200" in out

    def test_what_was_skipped_is_said(self, command: Any) -> None:
        Path("torn.log").write_text(text() + "501: 2.0, 2.0 avg, 0.0000")
        _, out, _ = command("torn.log", "--no-plot")
        assert "    skipped     1 unreadable record" in out.splitlines()

    def test_the_last_map_with_its_classes(self, command: Any) -> None:
        """Printed as the trainer does, once with few classes and once with many."""
        for count in (2, 80):
            classes = "".join(
                f"class_id = {n}, name = c{n}, ap = {99 - n}.00%   \t (TP = 1, FP = 3) \n" for n in range(count)
            )
            scores = " for conf_thresh = 0.25, precision = 0.72, recall = 0.64, F1-score = 0.68 \n"
            Path("map.log").write_text(text() + classes + scores + " mean_average_precision (mAP@0.50) = 0.499208 \n")
            _, out, _ = command("map.log", "--no-plot")
            assert "precision 72%, recall 64%, F1 68% at 500" in out
            assert ("c1 98.00%, c0 99.00% at 500" in out) == (count == 2)
            assert ("72 more classes up to 99.00%" in " ".join(out.split())) == (count == 80)

    def test_the_picture_goes_where_it_is_told_and_is_replaced(self, command: Any, here: Path) -> None:
        (here / "here.svg").write_text("old")
        assert command("train.log", "-o", "here.svg", "--from", "100", "--horizon", "200")[0] == 0
        assert "<svg" in (here / "here.svg").read_text()


class TestAudit:
    def test_a_plan_that_was_kept(self, command: Any) -> None:
        code, out, _ = command("train.log", "--cfg", "my.cfg", "--no-plot")
        assert code == 0
        assert "compared with my.cfg:\n    All 500 records show the planned rate." in out
        assert "inferred" not in out

    def test_a_plan_that_was_not_kept_exits_with_1(self, command: Any) -> None:
        code, out, _ = command("train.log", "--cfg", "other.cfg")
        assert code == 1
        assert "450 of 500 records show the planned rate" in out
        assert "iteration 350" in out

    def test_the_numbers_can_be_found_beside_a_plan(self, command: Any) -> None:
        _, out, _ = command("train.log", "--cfg", "other.cfg", "--infer", "--no-plot")
        assert "compared with other.cfg:" in out
        assert "      steps=300,400" in out.splitlines()

    def test_gpus(self, command: Any) -> None:
        assert command("train.log", "--cfg", "my.cfg", "--gpus", "1", "--no-plot")[0] == 0
        assert command("train.log", "--cfg", "my.cfg", "--gpus", "2", "--no-plot")[0] == 1


class TestJson:
    def test_one_document_with_stable_keys(self, command: Any) -> None:
        code, out, _ = command("train.log", "--cfg", "other.cfg", "--json")
        document = json.loads(out)
        assert code == 1
        assert list(document) == ["picture", "stitched", "runs"]
        assert (document["picture"], document["stitched"]) == ("train-log.png", False)
        [run] = document["runs"]
        assert list(run) == [
            "label", "source", "records", "first", "last", "effective_batch", "columns", "loss",
            "seconds_per_iteration", "first_nan", "map", "saved", "seams", "skipped", "audit", "inferred", "diagnosis",
        ]  # fmt: skip
        assert (run["records"], run["first"], run["last"], run["effective_batch"]) == (500, 1, 500, 64)
        audit = run["audit"]
        assert (audit["matched"], audit["total"], audit["ok"], audit["first_mismatch"]) == (450, 500, False, 350)
        assert run["inferred"] is None
        assert [saved["iteration"] for saved in run["saved"]] == [100, 200, 300, 400, 500]

    def test_nan_is_null(self, command: Any) -> None:
        Path("bad.log").write_text(text(nan=1))
        _, out, _ = command("bad.log", "--json", "--no-plot")
        [run] = json.loads(out)["runs"]
        assert run["loss"] == {"first": None, "last": None, "lowest": None, "lowest_at": None}
        assert run["first_nan"] == 1
        assert "NaN" not in out


class TestSeveralLogs:
    def test_pieces_of_a_run_are_stitched(self, command: Any) -> None:
        Path("a.log").write_text(text(1, 330))
        Path("b.log").write_text(text(301))
        code, out, _ = command("a.log", "b.log", "--cfg", "my.cfg")
        lines = out.splitlines()
        assert code == 0
        assert lines[0].startswith("2 logs, taken for pieces of one run")
        assert lines[lines.index("") + 1].startswith("a.log + b.log: 500 records, iterations 1 to 500")
        seam = "resumed at 301 after 330; 30 records of the earlier piece left out"
        assert f"    seam        {seam}" in lines
        assert lines[-1] == "a-b-log.png"

    def test_options_decide(self, command: Any) -> None:
        Path("a.log").write_text(text(301))
        Path("b.log").write_text(text(1, 300))
        assert "a.log: 200 records" in command("a.log", "b.log", "--no-plot")[1]
        assert "2 logs, joined in the order given." in command("b.log", "a.log", "--no-plot", "--join")[1]
        assert "b.log: 300 records" in command("b.log", "a.log", "--no-plot", "--separate")[1]

    @pytest.mark.parametrize(
        "other",
        [text(1, 400), text(301, images=32), text(351, 480)],
        ids=["begins anew", "another batch", "begins between saved weights"],
    )
    def test_several_runs_stay_apart(self, command: Any, other: str) -> None:
        Path("a.log").write_text(text(1, 400))
        Path("b.log").write_text(other)
        _, out, _ = command("a.log", "b.log", "--json")
        document = json.loads(out)
        assert document["stitched"] is False
        assert [run["label"] for run in document["runs"]] == ["a.log", "b.log"]
        assert document["picture"] == "a-b-log.png"

    def test_a_log_that_goes_back_is_stitched_with_itself(self, command: Any) -> None:
        Path("a.log").write_text(text(1, 330) + text(301))
        _, out, _ = command("a.log", "--no-plot")
        assert out.startswith("a.log: 500 records, iterations 1 to 500")
        assert "    seam        resumed at 301 after 330" in out


class TestFiles:
    def test_exports(self, command: Any, here: Path) -> None:
        (here / "layers.log").write_text(text(layers=True))
        files = ("--csv", "t.csv")
        code, _, err = command("layers.log", "--no-plot", *files)
        assert code == 0
        assert err.splitlines() == [f"lrsched: wrote {name}" for name in files[1::2]]
        rows = list(csv.DictReader((here / "t.csv").read_text().splitlines()))
        assert [int(row["iteration"]) for row in rows] == list(range(1, 501))
        assert rows[399]["rate"] == "0.000010"

    @pytest.mark.parametrize("option", ["--csv"])
    def test_nothing_is_replaced_unless_forced(self, command: Any, here: Path, option: str) -> None:
        (here / "there").write_text("mine")
        with pytest.raises(FileExistsError, match="already exists"):
            code_of("train.log", "--no-plot", option, "there")
        assert (here / "there").read_text() == "mine"
        assert command("train.log", "--no-plot", option, "there", "--force")[0] == 0
        assert (here / "there").read_bytes() != b"mine"
        assert not [path for path in here.iterdir() if path.name.startswith(".")]


class TestSources:
    def test_standard_input(self, command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text().encode())))
        assert "500 records, iterations 1 to 500" in command("-", "--no-plot")[1]

    def test_a_notebook(self, command: Any) -> None:
        outputs = [{"outputs": [{"text": piece}]} for piece in ("hello", text(1, 200), text(1, 100))]
        Path("run.ipynb").write_text(json.dumps({"cells": outputs}))
        out = command("run.ipynb", "--no-plot")[1]
        assert "run.ipynb cell 2: 200 records" in out
        assert "run.ipynb cell 3: 100 records" in out


class TestWrongUse:
    @pytest.mark.parametrize(
        ("argv", "match"),
        [
            (["train.log", "--from", "20", "--horizon", "10"], "--from 20 is after --horizon 10"),
            (["train.log", "--from", "1000"], "no record lies between"),
            (["train.log", "train.log", "--csv", "x"], "writes one run"),
            (["train.log", "--gpus", "4"], "give --cfg too"),
            (["train.log", "train.log", "--join", "--separate"], "exclude each other"),
            (["train.log", "-o", "picture.bmp"], "must end in .png"),
        ],
    )
    def test_it_is_said(self, argv: list[str], match: str) -> None:
        with pytest.raises(ValueError, match=match):
            code_of(*argv)
        assert not Path("x").exists()

    def test_a_file_that_is_no_log(self) -> None:
        with pytest.raises(LogError, match=r"^my.cfg: there is no record of a training [^\n]*$"):
            code_of("my.cfg")

    def test_a_log_that_is_not_there(self) -> None:
        with pytest.raises(FileNotFoundError):
            code_of("nowhere.log")
