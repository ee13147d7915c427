"""Logs of a trainer that only reads them: rates explained and compared by their schedule, configs found beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrsched.fitting import Clock
from lrsched.log import Log, TrainerLogs, cut_runs
from lrsched.logs import LogError, audit, config_beside, infer, read_log, read_logs
from lrsched.report.logs import log_report
from lrsched.schedule import Schedule
from lrsched.schedules import cosine
from lrsched.trainers import TRAINERS, Trainer
from lrsched.trainers.darknet import read_cfg


@dataclass(frozen=True)
class Config:
    source: str = "run.ini"
    horizon: int = 100

    def caption(self, ngpus: int = 1) -> str:
        return f"cosine over {self.horizon}"

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        return {"rate": cosine(peak=0.1, horizon=self.horizon)}


def parse(data: bytes, source: str) -> list[Log]:
    rows = np.array([line.split() for line in data.decode().splitlines()[1:]], np.float64).reshape(-1, 2)
    return cut_runs(Log.of({"iteration": rows[:, 0], "rate": rows[:, 1]}, source=source, trainer="mine"))


MINE = TrainerLogs(
    begins=lambda begin, name: begin.startswith(b"step rate"),
    parse=parse,
    names=("*.steps",),
    clocks=lambda log: (Clock(late=1), Clock()),
    config_names=("*.ini",),
    read_config=lambda path: Config(source=str(path), horizon=int(path.read_text("utf-8"))),
)


@pytest.fixture(autouse=True)
def mine(monkeypatch: pytest.MonkeyPatch) -> None:
    trainers = (*TRAINERS, Trainer("mine", logs=lambda: MINE))
    for module in ("lrsched.trainers", "lrsched.logs.reading"):
        monkeypatch.setattr(f"{module}.TRAINERS", trainers)


def rate(count: Any, horizon: int = 100) -> Any:
    return 0.05 * (1 + np.cos(np.pi * np.clip(count, 0, horizon) / horizon))


def log_of(rates: Any, steps: Any = None) -> Log:
    steps = np.arange(1, len(rates) + 1) if steps is None else steps
    return Log.of({"iteration": steps, "rate": rates}, source="a log", trainer="mine")


STEPS = np.arange(1, 101)


def test_a_schedule_explains_a_log_by_the_clock_of_its_trainer() -> None:
    found = infer(log_of(rate(STEPS - 1)))
    assert (found.family, found.matched, found.total, found.clock) == ("cosine", 100, 100, "")
    assert found.parameters["peak"] == 0.1
    assert found.parameters["horizon"] == 100
    assert found.schedule is not None
    assert found.schedule(STEPS).tolist() == pytest.approx(rate(STEPS - 1).tolist(), abs=1e-12)
    assert repr(found.schedule) in str(found)


def test_a_log_of_two_schedules_is_told_piece_by_piece() -> None:
    found = infer(log_of(np.concatenate([rate(STEPS[:60] - 1), np.full(40, 0.003)])))
    assert (found.matched, found.last, [at for at, _ in found.rest]) == (60, 60, [61])
    assert not found.complete


@pytest.mark.parametrize(
    ("rates", "matched", "says"),
    [
        (rate(STEPS - 1), 100, "All 100 records"),
        (rate(STEPS), 100, "All 100 records"),  # the other clock of this trainer
        (rate(STEPS - 2), 1, "one step late"),
        (rate(4 * (STEPS - 1)), 1, "4 times as fast"),
        (rate(STEPS - 1, 200), 1, "another schedule: .*200"),
        (
            np.where(STEPS <= 30, rate(STEPS - 1, 50), rate(STEPS - 1)),
            71,
            "From 31 on .* as planned; .*horizon of 50, not 100",
        ),
        (np.where(STEPS <= 60, rate(STEPS - 1), rate(STEPS - 61)), 60, "Up to 60 .*those of 60 iterations before"),
        (
            np.where(STEPS <= 30, rate(STEPS - 1), rate(STEPS + 29)),
            30,
            "31 on .*those of 30 iterations later: .* twice",
        ),
        (3 * rate(STEPS - 1), 0, "All rates are 3 times the planned ones: scaled .*; the largest is 0.3, not 0.1"),
        (rate((STEPS - 1) // 2), 1, "once in 2 logged steps"),
        (np.where(STEPS <= 60, rate(STEPS - 1), 0.003), 60, "Up to 60 .* as planned; from 61 on .*constant"),
        (np.random.default_rng(1).random(100), 0, "Cannot tell why"),
    ],
    ids=[
        "as planned",
        "next",
        "late",
        "once per process",
        "another horizon",
        "resumed",
        "restarted",
        "twice",
        "scaled",
        "accumulated",
        "broken off",
        "noise",
    ],
)
def test_why_a_log_is_not_as_planned(rates: Any, matched: int, says: str) -> None:
    found = audit(log_of(rates), Config())
    assert found.total == 100
    assert found.matched == pytest.approx(matched, abs=1)
    assert found.ok == (matched == 100)
    assert len(found.mismatches) == found.total - found.matched
    assert re.search(says, str(found))


def test_the_config_beside_a_log_and_several_runs_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "run.ini").write_text("100", "utf-8")
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.steps").write_text("step rate\n" + "".join(f"{t} {float(rate(t - 1))}\n" for t in STEPS), "utf-8")
    log = read_log(folder)
    config = config_beside(log)
    assert config is not None
    assert config.source == str(tmp_path / "run.ini")
    assert log_report(log, config).to_json()["audit"]["matched"] == 100
    assert "cosine(peak=0.1, horizon=100)" in str(log_report(log))
    (folder / "a.ini").write_text("many", "utf-8")  # no config: the one above is
    assert config_beside(log).horizon == 100
    (tmp_path / "run.ini").unlink()
    with pytest.raises(ValueError, match="many"):
        config_beside(log)
    (folder / "a.steps").write_text("step rate\n1 0.1\n2 0.1\n1 0.5\n", "utf-8")
    assert [len(each) for each in read_logs(folder)] == [2, 1]


def test_of_several_checkpoints_the_last_one_is_read(tmp_path: Path) -> None:
    for number in (90, 100):
        (tmp_path / f"checkpoint-{number}.steps").write_text(f"step rate\n{number} 0.1\n", "utf-8")
    assert read_log(tmp_path).iteration.tolist() == [100]


def test_records_of_evaluations_have_no_rate() -> None:
    rates = np.where(STEPS % 10 == 0, np.nan, rate(STEPS - 1))
    log = Log.of({"iteration": STEPS, "rate": rates, "loss": rates}, source="a log", trainer="mine")
    assert log.first_nan is None
    assert (infer(log).matched, audit(log, Config()).matched) == (90, 90)


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="this folder has no training log"):
        read_log(tmp_path)
    (tmp_path / "last.pt").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(LogError, match="never unpickled"):
        read_log(tmp_path / "last.pt")
    with pytest.raises(LogError, match="no record of a training"):
        read_logs(BytesIO(b'{"a":' * 50_000))
    with pytest.raises(LogError, match="cannot be compared"):
        audit(log_of([0.1]), read_cfg("docs/examples/yolov3.cfg"))
