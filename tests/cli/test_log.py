"""The command log: what it prints, draws and writes, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest

from lrsched.trainers.darknet import parse_cfg
from tests.cli.conftest import Command, Done, documented_keys
from tests.factories import log_lines

CFG = "[net]\nbatch=64\nlearning_rate=0.001\nburn_in=50\npolicy=steps\nsteps=300,400\nscales=.1,.1\nmax_batches=500\n"
PNG = b"\x89PNG\r\n\x1a\n"


def text(first: int = 1, last: int = 500, *, nan: int | None = None, images: int = 64) -> str:
    """What a run prints: its records, and from when on weights were saved."""
    turns = ((t, t) for t in range(first, last + 1))
    loss = lambda t: math.nan if nan is not None and t >= nan else 2 + 100 * 0.9**t  # noqa: E731
    lines = log_lines(parse_cfg(CFG), turns, loss=loss, batch=images)
    for t in range(last // 100 * 100, first - 1, -100):
        lines.insert(t - first + 1, f"Saving weights to backup/net_{t}.weights")
    return "\n".join(lines) + "\n"


@pytest.fixture
def log(command: Command, folder: Path) -> Command:
    """Run ``lrsched log`` in a folder with a log, its cfg and another one."""
    (folder / "my.cfg").write_text(CFG)
    (folder / "other.cfg").write_text(CFG.replace("300,400", "300,350"))
    (folder / "train.log").write_text(text())

    def run(*argv: str) -> Done:
        return command("log", *argv)

    return run


class TestSummary:
    def test_it_tells_and_draws(self, log: Command, folder: Path) -> None:
        code, out, err = log("train.log")
        lines = out.splitlines()
        assert (code, err) == (0, "")
        assert lines[0] == "train.log: 500 records, iterations 1 to 500, 64 images per iteration"
        assert "    printed     loss, avg loss, rate, seconds, images, hours left" in lines
        assert "    rate        largest 0.001 at 50, 1e-05 at last" in lines
        assert "      steps=300,400" in lines
        assert lines[1] == "    The log ends at iteration 500; it does not show whether the run goes on."
        assert lines[-1] == "train-log.png"
        assert (folder / "train-log.png").read_bytes().startswith(PNG)

    def test_what_was_skipped_is_said(self, log: Command, folder: Path) -> None:
        Path("torn.log").write_text(text() + "501: 2.0, 2.0 avg, 0.0000")
        assert "    skipped     1 unreadable record" in log("torn.log", "--no-plot").out.splitlines()
        assert not list(folder.glob("*.png"))

    def test_the_last_map_with_its_classes(self, log: Command) -> None:
        """Printed as the trainer does, once with few classes and once with many."""
        for count in (2, 80):
            form = "class_id = {}, name = c{}, ap = {}.00%   \t (TP = 1, FP = 3) \n"
            classes = "".join(form.format(n, n, 99 - n) for n in range(count))
            scores = " for conf_thresh = 0.25, precision = 0.72, recall = 0.64, F1-score = 0.68 \n"
            Path("map.log").write_text(text() + classes + scores + " mean_average_precision (mAP@0.50) = 0.499208 \n")
            _, out, _ = log("map.log", "--no-plot")
            assert "precision 72%, recall 64%, F1 68% at 500" in out
            assert ("c1 98.00%, c0 99.00% at 500" in out) == (count == 2)
            assert ("72 more classes up to 99.00%" in " ".join(out.split())) == (count == 80)

    def test_the_picture_goes_where_it_is_told_and_is_replaced(self, log: Command, folder: Path) -> None:
        (folder / "here.svg").write_text("old")
        assert log("train.log", "-o", "here.svg", "--from", "100", "--horizon", "200")[0] == 0
        assert "<svg" in (folder / "here.svg").read_text()


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ("my.cfg", 0, "compared with my.cfg:\n    All 500 records show the planned rate."),
        ("my.cfg --gpus 1", 0, "All 500 records show the planned rate."),
        ("my.cfg --gpus 2", 1, " of 500 records show the planned rate on 2 GPUs"),
        ("other.cfg", 1, "450 of 500 records show the planned rate; the first that does not is iteration 350."),
        ("other.cfg --infer", 1, "\n      steps=300,400\n"),
    ],
)
def test_a_log_beside_its_cfg(log: Command, argv: str, code: int, said: str) -> None:
    done = log("train.log", "--no-plot", "--cfg", *argv.split())
    assert (done.code, said in done.out) == (code, True)
    assert ("inferred" in done.out) == ("--infer" in argv)


class TestJson:
    def test_one_document_with_the_keys_of_the_page(self, log: Command) -> None:
        code, out, _ = log("train.log", "--cfg", "other.cfg", "--json")
        document = json.loads(out)
        assert code == 1
        assert (document["picture"], document["stitched"]) == ("train-log.png", False)
        [run] = document["runs"]
        assert set(run) == documented_keys("log", "runs")
        assert (run["records"], run["first"], run["last"], run["effective_batch"]) == (500, 1, 500, 64)
        audit = run["audit"]
        assert (audit["matched"], audit["total"], audit["ok"], audit["first_mismatch"]) == (450, 500, False, 350)
        assert run["inferred"] is None
        assert [saved["iteration"] for saved in run["saved"]] == [100, 200, 300, 400, 500]

    def test_nan_is_a_problem_and_null(self, log: Command) -> None:
        Path("bad.log").write_text(text(nan=1))
        code, out, _ = log("bad.log", "--json", "--no-plot")
        [run] = json.loads(out)["runs"]
        assert code == 1
        assert run["loss"] == {"first": None, "last": None, "lowest": None, "lowest_at": None}
        assert run["first_nan"] == 1
        assert "NaN" not in out


class TestSeveralLogs:
    def test_pieces_of_a_run_are_stitched(self, log: Command) -> None:
        Path("a.log").write_text(text(1, 330))
        Path("b.log").write_text(text(301))
        code, out, _ = log("a.log", "b.log", "--cfg", "my.cfg")
        lines = out.splitlines()
        assert code == 0
        assert lines[0].startswith("2 logs, taken for pieces of one run")
        assert lines[lines.index("") + 1].startswith("a.log + b.log: 500 records, iterations 1 to 500")
        seam = "resumed at 301 after 330; 30 records of the earlier piece left out"
        assert f"    seam        {seam}" in lines
        assert lines[-1] == "a-b-log.png"

    def test_options_decide(self, log: Command) -> None:
        Path("a.log").write_text(text(301))
        Path("b.log").write_text(text(1, 300))
        assert "a.log: 200 records" in log("a.log", "b.log", "--no-plot")[1]
        assert "2 logs, joined in the order given." in log("b.log", "a.log", "--no-plot", "--join")[1]
        assert "b.log: 300 records" in log("b.log", "a.log", "--no-plot", "--separate")[1]

    def test_several_runs_stay_apart(self, log: Command) -> None:
        Path("a.log").write_text(text(1, 400))
        Path("b.log").write_text(text(301, images=32))
        document = json.loads(log("a.log", "b.log", "--json").out)
        assert document["stitched"] is False
        assert [run["label"] for run in document["runs"]] == ["a.log", "b.log"]
        assert document["picture"] == "a-b-log.png"

    def test_logs_of_one_name_have_their_folders(self, log: Command) -> None:
        for name in ("one", "two"):
            Path(name).mkdir()
            Path(name, "train.log").write_text(text())
        assert log("one/train.log", "two/train.log", "--separate", "-o", "both.svg").code == 0
        picture = Path("both.svg").read_text()
        assert "one/train.log: iterations 1 to 500" in picture
        assert "two/train.log: iterations 1 to 500" in picture

    def test_a_log_that_goes_back_is_stitched_with_itself(self, log: Command) -> None:
        Path("a.log").write_text(text(1, 330) + text(301))
        _, out, _ = log("a.log", "--no-plot")
        assert out.startswith("a.log: 500 records, iterations 1 to 500")
        assert "    seam        resumed at 301 after 330" in out


class TestFiles:
    def test_a_table(self, log: Command, folder: Path) -> None:
        assert log("train.log", "--no-plot", "--csv", "t.csv").err == "lrsched: wrote t.csv\n"
        rows = list(csv.DictReader((folder / "t.csv").read_text().splitlines()))
        assert [int(row["iteration"]) for row in rows] == list(range(1, 501))
        assert rows[399]["rate"] == "0.000010"

    def test_nothing_is_replaced_unless_forced(self, log: Command, folder: Path) -> None:
        (folder / "there").write_text("mine")
        assert "there: already exists" in log("train.log", "--no-plot", "--csv", "there").err
        assert (folder / "there").read_text() == "mine"
        assert log("train.log", "--no-plot", "--csv", "there", "--force").code == 0
        assert (folder / "there").read_bytes() != b"mine"
        assert not [path for path in folder.iterdir() if path.name.startswith(".")]


class TestSources:
    def test_standard_input(self, log: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text().encode())))
        assert "500 records, iterations 1 to 500" in log("-", "--no-plot")[1]

    def test_a_notebook(self, log: Command) -> None:
        outputs = [{"outputs": [{"text": piece}]} for piece in ("hello", text(1, 200), text(1, 100))]
        Path("run.ipynb").write_text(json.dumps({"cells": outputs}))
        out = log("run.ipynb", "--no-plot")[1]
        assert "run.ipynb cell 2: 200 records" in out
        assert "run.ipynb cell 3: 100 records" in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("train.log --from 20 --horizon 10", "lrsched: --from 20 is after --horizon 10"),
        ("train.log --from 1000", "no record lies between"),
        ("train.log train.log --csv x", "writes one run"),
        ("train.log --gpus 4", "give --config too"),
        ("train.log --best none --no-plot", "none"),
        ("train.log train.log --join --separate", "not allowed with"),
        ("train.log -o picture.bmp", "must end in .png"),
        ("my.cfg", "lrsched: my.cfg: there is no record of a training "),
        ("nowhere.log", "lrsched: nowhere.log: No such file or directory\n"),
    ],
)
def test_wrong_use_is_said(log: Command, argv: str, message: str) -> None:
    done = log(*argv.split())
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert not Path("x").exists()
