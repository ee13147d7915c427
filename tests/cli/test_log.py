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
    """Run ``lrsched log`` in a folder with logs, their cfg and another one."""
    cells = [{"outputs": [{"text": piece}]} for piece in ("hello", text(1, 200), text(1, 100))]
    contents = {
        "my.cfg": CFG,
        "other.cfg": CFG.replace("300,400", "300,350"),
        "train.log": text(),
        "torn.log": text() + "501: 2.0, 2.0 avg, 0.0000",
        "a.log": text(1, 330),
        "b.log": text(301),
        "early.log": text(1, 300),
        "back.log": text(1, 330) + text(301),
        "run.ipynb": json.dumps({"cells": cells}),
        "there": "mine",
    }
    for name, content in contents.items():
        (folder / name).write_text(content)

    def run(*argv: str) -> Done:
        return command("log", *argv)

    return run


SEAM = "\n    seam        resumed at 301 after 330; 30 records of the earlier piece left out\n"


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ("train.log --cfg my.cfg", 0, "compared with my.cfg:\n    All 500 records show the planned rate."),
        ("train.log --cfg my.cfg --gpus 1", 0, "All 500 records show the planned rate."),
        ("train.log --cfg my.cfg --gpus 2", 1, " of 500 records show the planned rate on 2 GPUs"),
        ("train.log --cfg other.cfg", 1, "450 of 500 records show the planned rate; the first that does not is iter"),
        ("train.log --cfg other.cfg --infer", 1, "\n      steps=300,400\n"),
        ("torn.log", 0, "\n    skipped     1 unreadable record\n"),
        ("back.log", 0, "back.log: 500 records, iterations 1 to 500"),
        ("back.log", 0, SEAM),
        ("a.log b.log --cfg my.cfg", 0, "2 logs, taken for pieces of one run"),
        ("a.log b.log --cfg my.cfg", 0, "\n\na.log + b.log: 500 records, iterations 1 to 500"),
        ("a.log b.log --cfg my.cfg", 0, SEAM),
        ("b.log early.log", 0, "b.log: 200 records"),
        ("early.log b.log --join", 0, "2 logs, joined in the order given."),
        ("early.log b.log --separate", 0, "early.log: 300 records"),
        ("run.ipynb", 0, "run.ipynb cell 2: 200 records"),
        ("run.ipynb", 0, "run.ipynb cell 3: 100 records"),
        ("train.log --csv there", 2, "lrsched: there: already exists"),
        ("train.log --from 20 --horizon 10", 2, "lrsched: --from 20 is after --horizon 10"),
        ("train.log train.log --csv x", 2, "writes one run"),
        ("train.log --gpus 4", 2, "give --config too"),
        ("train.log --best none", 2, "none"),
        ("train.log train.log --join --separate", 2, "not allowed with"),
        ("my.cfg", 2, "lrsched: my.cfg: there is no record of a training "),
        ("nowhere.log", 2, "lrsched: nowhere.log: No such file or directory\n"),
    ],
)
def test_what_is_said_of_logs(log: Command, folder: Path, argv: str, code: int, said: str) -> None:
    done = log(*argv.split(), "--no-plot")
    assert (done.code, said in (done.err if code == 2 else done.out)) == (code, True)
    assert code != 2 or not done.out
    assert ("inferred" in done.out) == (code != 2 and ("--infer" in argv or "--cfg" not in argv))
    assert not [*folder.glob("*.png"), *folder.glob("x")]
    assert Path("there").read_text() == "mine"


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

    def test_standard_input(self, log: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text().encode())))
        assert "500 records, iterations 1 to 500" in log("-", "--no-plot")[1]


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

    def test_several_runs_stay_apart(self, log: Command) -> None:
        Path("b.log").write_text(text(301, images=32))
        document = json.loads(log("a.log", "b.log", "--json").out)
        assert document["stitched"] is False
        assert [run["label"] for run in document["runs"]] == ["a.log", "b.log"]
        assert document["picture"] == "a-b-log.png"


class TestFiles:
    def test_the_picture_goes_where_it_is_told_and_is_replaced(self, log: Command) -> None:
        assert log("train.log", "-o", "there.svg", "--from", "100").code == 0
        longer = Path("there.svg").read_text()
        assert log("train.log", "-o", "there.svg", "--from", "100", "--horizon", "200").code == 0
        assert "<svg" in Path("there.svg").read_text() != longer

    @pytest.mark.parametrize(
        ("argv", "message"), [("-o picture.bmp", "must end in .png"), ("--from 1000", "no record")]
    )
    def test_a_picture_that_cannot_be_drawn(self, log: Command, argv: str, message: str) -> None:
        done = log("train.log", *argv.split())
        assert (done.code, done.out, message in done.err) == (2, "", True)

    def test_logs_of_one_name_have_their_folders(self, log: Command) -> None:
        for name in ("one", "two"):
            Path(name).mkdir()
            Path(name, "train.log").write_text(text())
        assert log("one/train.log", "two/train.log", "--separate", "-o", "both.svg").code == 0
        picture = Path("both.svg").read_text()
        assert "one/train.log: iterations 1 to 500" in picture
        assert "two/train.log: iterations 1 to 500" in picture

    def test_a_table_replaces_a_file_when_forced(self, log: Command, folder: Path) -> None:
        assert log("train.log", "--no-plot", "--csv", "there", "--force").err == "lrsched: wrote there\n"
        rows = list(csv.DictReader(Path("there").read_text().splitlines()))
        assert [int(row["iteration"]) for row in rows] == list(range(1, 501))
        assert rows[399]["rate"] == "0.000010"
        assert not [path for path in folder.iterdir() if path.name.startswith(".")]
