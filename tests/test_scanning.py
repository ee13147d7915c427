"""scan() and the command: what is wrong first, and no file stops it."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from lrsched import scanning
from lrsched.cli import main
from lrsched.scanning import scan
from lrsched.trainers.darknet import parse_cfg
from tests import factories

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
    looked = scanning.looked
    monkeypatch.setattr(scanning, "looked", lambda path: os._exit(1) if "broken" in path else looked(path))
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        rows = scan(runs, executor=pool)
    assert [os.path.relpath(row.path, runs) for row in rows if row.problem] == ["broken/my.cfg", "late/my.cfg"]
    assert "killed the process" in rows[0].verdict
    assert len(rows) == 4


def test_the_command(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(runs)]) == 1
    assert capsys.readouterr().out.startswith("2 problems in 4 configs and runs.\nbroken/my.cfg: ")
    assert main(["scan", str(runs / "good"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["problems"], len(found["files"])) == (0, 2)
    assert main(["scan", str(runs / "none")]) == 2
