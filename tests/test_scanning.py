"""scan() and the command: what is wrong first, and no file stops it."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest

from lrsched import scanning
from lrsched.cli import main
from lrsched.scanning import scan
from lrsched.sources import read_config
from lrsched.trainers.darknet import parse_cfg
from tests import factories

# jax, where its tests ran before in this process, warns of each process that begins as a copy of this one
pytestmark = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")

GOOD = "[net]\nbatch=64\nlearning_rate=0.001\nmax_batches=6000\npolicy=steps\nsteps=4800,5400\nscales=.1,.1\n"
BROKEN = GOOD.replace("steps=4800,5400\n", "")
LATE = GOOD.replace("4800,5400", "4800,54000")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with a config of each kind, a log, and what is neither."""
    for name, text in (("good", GOOD), ("broken", BROKEN), ("late", LATE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "my.cfg").write_text(text)
    net = parse_cfg(GOOD)
    lines = factories.log_lines(net, [(t, t) for t in range(1, 200)])
    (tmp_path / "good" / "train.log").write_text("\n".join(lines) + "\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "my.cfg").write_text(BROKEN)
    (tmp_path / "notes.txt").write_text("the rate avg was fine\n")
    (tmp_path / "weights.bin").write_bytes(os.urandom(4096))
    (tmp_path / "empty.cfg").write_bytes(b"")
    return tmp_path


def test_what_is_wrong_comes_first_and_what_is_neither_is_left_out(runs: Path) -> None:
    rows = scan(runs)
    assert [(os.path.relpath(row.path, runs), row.kind, row.problem) for row in rows] == [
        ("broken/my.cfg", "unreadable", True),
        ("late/my.cfg", "config", True),
        ("good/my.cfg", "config", False),
        ("good/train.log", "log", False),
    ]
    assert "steps is missing" in rows[0].verdict
    assert rows[1].verdict == "warning: step-never-reached"
    assert (rows[3].done, rows[3].rate, rows[3].trainer) == (199, 0.001, "darknet")


def test_processes_find_the_same(runs: Path) -> None:
    seen: list[tuple[int, int]] = []
    with ProcessPoolExecutor(2) as pool:
        rows = scan(runs, executor=pool, progress=lambda done, total: seen.append((done, total)))
    assert rows == scan(runs)
    assert seen[-1][0] == seen[-1][1]


def test_a_file_that_kills_its_process_is_a_row(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forked = partial(ProcessPoolExecutor, mp_context=get_context("fork"))
    dying = lambda path: os._exit(1) if "broken" in path else read_config(path)  # noqa: E731
    monkeypatch.setattr(scanning, "read_config", dying)
    monkeypatch.setattr(scanning, "ProcessPoolExecutor", forked)
    with forked(2) as pool:
        rows = scan(runs, executor=pool)
    assert [os.path.relpath(row.path, runs) for row in rows if row.problem] == ["broken/my.cfg", "late/my.cfg"]
    assert "killed the process" in rows[0].verdict
    assert len(rows) == 4


RECORD = "{}: {}, 1.0 avg, {:f} rate, 1.0 seconds, {} images\n"
LINEAR = [{"step": s, "loss": 2 - s / 1000, "learning_rate": 1e-3 * (1 - s / 1000)} for s in range(10, 1001, 10)]


def run_of(records: list[dict[str, float]]) -> dict[str, str]:
    """A run of Hugging Face, whose rate falls on a line to 0 at 1000, by its files."""
    return {
        "training_args.json": json.dumps({"learning_rate": 1e-3, "lr_scheduler_type": "linear", "max_steps": 1000}),
        "trainer_state.json": json.dumps({"global_step": 1000, "max_steps": 1000, "log_history": records}),
    }


@pytest.mark.parametrize(
    ("files", "problem", "verdict"),
    [
        ({"train.log": RECORD.format(1, "nan", 0.001, 64)}, True, "the loss is NaN from iteration 1 on"),
        (
            {"train.log": RECORD.format(1, 1.0, 0.001, 64) + "CUDA Error: out of memory\n"},
            True,
            "The run crashed after iteration 1: CUDA Error: out of memory",
        ),
        (
            {"train.log": "".join(RECORD.format(t, 1.0, t % 7 / 1000, 64 * t) for t in range(1, 99))},
            False,
            "nothing simple explains the rates",
        ),
        (run_of(LINEAR), False, "all 100 rates are as planned"),
        (
            {"results.csv": "epoch,train/box_loss,metrics/mAP50(B)\n1,2.0,0.1\n2,1.0,0.2\n"},
            False,
            "no rates are logged",
        ),
        (run_of([record | {"learning_rate": 0.001} for record in LINEAR]), True, "0 of 100 rates are as planned"),
        ({"args.yaml": "epochs: 100\nlr0: 0.01\noptimizer: auto\n"}, False, "cannot tell: "),
    ],
)
def test_the_verdict_on_a_run(tmp_path: Path, files: dict[str, str], problem: bool, verdict: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    [row] = [row for row in scan(tmp_path) if row.path.endswith([*files][-1])]
    assert (row.problem, row.verdict.startswith(verdict)) == (problem, True), row.verdict


def test_many_files_are_looked_at_by_several_processes(tmp_path: Path) -> None:
    for number in range(scanning.FEW + 1):
        (tmp_path / f"{number}.cfg").write_text(GOOD)
    assert {row.verdict for row in scan(tmp_path)} == {"no problems found"}


def test_the_command(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(runs)]) == 1
    assert capsys.readouterr().out.startswith("2 problems in 4 configs and runs.\nbroken/my.cfg: ")
    assert main(["scan", str(runs / "good"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["problems"], len(found["files"])) == (0, 2)
    assert main(["scan", str(runs / "none")]) == 2


def test_a_terminal_shows_how_far_it_is(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["scan", str(runs / "good"), "--jobs", "1"]) == 0
    assert capsys.readouterr().err.endswith(f"1/2 files\r[{'#' * 30}] 2/2 files\n")
