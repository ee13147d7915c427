"""Logs of a trainer that only reads them: rates explained and compared by their schedule, configs found beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from lrsched import as_schedule
from lrsched.fitting import Clock, pieces
from lrsched.log import Log, TrainerLogs, cut_runs
from lrsched.logs import LogError, audit, config_beside, infer, read_log, read_logs
from lrsched.logs.causes import causes
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
TAKEN = STEPS - 1  # steps of the schedule, by the usual clock of this trainer


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


WHY: dict[str, tuple[Any, int, str]] = {
    "as planned": (rate(TAKEN), 100, "All 100 records"),
    "next": (rate(STEPS), 100, "All 100 records"),  # the other clock of this trainer
    "late": (rate(STEPS - 2), 1, "one step late"),
    "once per process": (rate(4 * TAKEN), 1, "4 times as fast"),
    "another horizon": (rate(TAKEN, 200), 1, "another schedule: .*200"),
    "resumed": (
        np.where(STEPS <= 30, rate(TAKEN, 50), rate(TAKEN)),
        71,
        "From 31 on .* as planned; .*horizon of 50, not 100",
    ),
    "restarted": (np.where(STEPS <= 60, rate(TAKEN), rate(STEPS - 61)), 60, "Up to 60 .*those of 60 iterations before"),
    "twice": (
        np.where(STEPS <= 30, rate(TAKEN), rate(STEPS + 29)),
        30,
        "31 on .*those of 30 iterations later: .* twice",
    ),
    "skipped twice": (rate(TAKEN - 5 * (STEPS > 30) - (STEPS > 60)), 30, "Cannot tell why"),
    "scaled": (3 * rate(TAKEN), 0, "All rates are 3 times the planned ones: scaled .*; the largest is 0.3, not 0.1"),
    "scaled down": (rate(TAKEN) / 4, 0, "All rates are 0.25 times the planned ones: scaled"),
    "scaled by no whole number": (1.5 * rate(TAKEN), 0, "All rates are 1.5 times the planned ones; the largest"),
    "a part of three records": (np.where(STEPS <= 3, rate(TAKEN), rate(STEPS + 29)), 3, "Cannot tell why"),
    "accumulated": (rate(TAKEN // 2), 1, "once in 2 logged steps"),
    "broken off": (np.where(STEPS <= 60, rate(TAKEN), 0.003), 60, "Up to 60 .* as planned; from 61 on .*constant"),
    "noise": (np.random.default_rng(1).random(100), 0, "Cannot tell why"),
}


@pytest.mark.parametrize(("rates", "matched", "says"), WHY.values(), ids=WHY)
def test_why_a_log_is_not_as_planned(rates: Any, matched: int, says: str) -> None:
    found = audit(log_of(rates), Config())
    assert found.total == 100
    assert found.matched == pytest.approx(matched, abs=1)
    assert found.ok == (matched == 100)
    assert len(found.mismatches) == found.total - found.matched
    assert re.search(says, str(found))


@dataclass(frozen=True)
class Planned:
    """A config of any rates, which a trainer may multiply by the number of GPUs."""

    rates: Callable[[Any], Any]
    scaled: bool = False
    source: str = "run.ini"

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        return {"rate": as_schedule(self.rates) * (ngpus if self.scaled else 1)}


@pytest.mark.parametrize("ngpus", [1, 2, 3, 4, 6, 8, 16, 32, 64])
def test_the_number_of_gpus_is_the_one_that_explains_every_rate(ngpus: int) -> None:
    found = audit(log_of(ngpus * rate(STEPS - 1)), Planned(rate, scaled=True))
    assert (found.ngpus, found.matched) == (ngpus, 100)


def drop(count: Any) -> Any:
    return np.where(count < 50, 0.1, 0.01)


def test_a_single_drop_shows_a_step_late_and_no_other_clock() -> None:
    def cause(steps: Any) -> str:
        return audit(log_of(drop(steps)), Planned(drop)).cause

    assert "one step late" in cause(np.maximum(STEPS - 2, 0))
    assert "with 2 skipped steps, the first at step 51" in cause(np.maximum(STEPS - 3, 0))
    assert "another schedule: clocked(multi_step(peak=0.1, milestones=(48,))" in cause(STEPS + 1)
    resumed = np.where(STEPS <= 30, STEPS - 1, STEPS - 21)
    assert "when the run was resumed" not in cause(resumed)
    assert "another schedule" in cause(4 * (STEPS - 1))  # where a rate drops but once, some factor always fits


@pytest.mark.parametrize("times", [4, 5, 7])
def test_a_short_log_leaves_the_factor_of_its_clock_open(times: int) -> None:
    def levels(count: Any) -> Any:
        return np.select([count < 10, count < 20], [0.1, 0.05], 0.01)

    few = np.arange(8)
    fit = [n for n in range(2, 65) if (levels(n * few) == levels(times * few)).all()]
    cause = audit(log_of(levels(times * few)), Planned(levels)).cause
    assert f"with a clock {fit[0]} times as fast" in cause
    assert cause.endswith(f"open: those from {fit[0]} to {fit[-1]} fit.") == (len(fit) > 1)


def test_a_clock_is_told_in_the_unit_of_the_log() -> None:
    log = replace(log_of(rate(4 * (STEPS - 1))), unit="epoch")
    cause = audit(log, Config()).cause
    assert cause.startswith("The log is of this schedule, but the schedule advanced 4")
    assert "epoch" in cause
    assert "step" not in cause


@pytest.mark.parametrize(
    ("epochs", "ahead", "says"),
    [(5, 10, "10 steps later, 2 for each of the 5 epochs"), (5, 11, ""), (4, 8, "8 steps ahead of the log")],
)
def test_a_resume_with_epochs_of_another_length_is_ahead_by_so_much_for_each(
    epochs: int, ahead: int, says: str
) -> None:
    columns = {"iteration": STEPS, "rate": rate(STEPS - 1 + ahead), "epoch": epochs + STEPS // 20}
    cause = audit(Log.of(columns, source="a log", trainer="mine"), Config()).cause
    assert says in cause
    assert ("for each of the" in cause) == (epochs == 5 and ahead == 10)


@pytest.mark.parametrize("count", [3, 4])
def test_a_part_that_is_as_planned_has_four_records(count: int) -> None:
    rising, planned = 0.02 + 0.0001 * STEPS, rate(STEPS - 1)
    last = audit(log_of(np.append(rising[:-count], planned[-count:])), Config()).cause
    first = audit(log_of(np.append(planned[:count], rising[count:])), Config()).cause
    assert last.startswith("From 97 on the rates are as planned;" if count == 4 else "Cannot tell why")
    assert first.startswith("Up to 4 the rates are as planned;" if count == 4 else "Cannot tell why")
    if count == 4:
        assert last.endswith(f"the rate jumps from {rising[95]:.4g} to {planned[96]:.4g}.")
        assert first.endswith(f"the rate jumps from {planned[3]:.4g} to {rising[4]:.4g}.")


def test_curves_that_only_meet_in_a_record_are_no_resume() -> None:
    left = 60 - (STEPS - 1)
    rates = np.where(left > 0, 0.04 + 0.001 * left + 0.00002 * left**2, 0.1 - 0.001 * (STEPS - 1))
    assert "jumps" not in audit(log_of(rates), Planned(lambda t: 0.1 - 0.001 * t)).cause


def test_what_explains_a_part_is_no_cause() -> None:
    rates = np.concatenate([np.full(50, 0.05), np.random.default_rng(1).random(50)])
    assert infer(log_of(rates)).matched == 50
    assert audit(log_of(rates), Config()).cause == "Cannot tell why: nothing simple explains the logged rates."


def test_the_config_beside_a_log_and_several_runs_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "run.ini").write_text("100", "utf-8")
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.steps").write_text("step rate\n" + "".join(f"{t} {float(rate(t - 1))}\n" for t in STEPS), "utf-8")
    log = read_log(folder)
    config = config_beside(log)
    assert config is not None
    assert config_beside(replace(log, config="its own")) == "its own"
    # a log with a name of its own may be of another run than the config of any name
    assert config_beside(replace(log, source=str(folder / "mine.log"))) is None
    assert config.source == str(tmp_path / "run.ini")
    assert log_report(log, config).to_json()["audit"]["matched"] == 100
    assert "cosine(peak=0.1, horizon=100)" in str(log_report(log))
    (folder / "a.ini").write_text("many", "utf-8")  # no config: the one above is
    passed_over: list[Exception] = []
    assert config_beside(log, passed_over.append).horizon == 100
    assert "many" in str(passed_over)
    (tmp_path / "run.ini").unlink()
    with pytest.raises(ValueError, match="many"):
        config_beside(log)
    (folder / "a.steps").write_text("step rate\n1 0.1\n2 0.1\n1 0.5\n", "utf-8")
    assert [len(each) for each in read_logs(folder)] == [2, 1]


def test_a_log_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = Mock(wraps=causes)
    monkeypatch.setattr("lrsched.logs.judging.causes", compared)
    config: Any = Config()
    columns = {"iteration": STEPS, "rate": rate(STEPS - 1, 200), "loss": 1 - STEPS / 500 + STEPS % 3 / 200}
    report = log_report(Log.of(columns, source="a log", trainer="mine"), config)
    assert report.audit is not None
    assert "another schedule" in report.audit.cause
    assert "those that run.ini plans" in str(report.diagnosis)
    assert compared.call_count == 1


def test_what_was_inferred_is_not_inferred_again(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = Mock(wraps=pieces)
    monkeypatch.setattr("lrsched.logs.inferring.pieces", searched)
    columns = {"iteration": STEPS, "rate": rate(STEPS - 1, 200), "loss": 1 - STEPS / 500 + STEPS % 3 / 200}
    log_report(Log.of(columns, source="a log", trainer="mine"), Config(), infer_too=True)  # type: ignore[arg-type]
    assert searched.call_count == 1


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
    with pytest.raises(LogError, match="no log of a run was recognized"):
        read_log(tmp_path)
    (tmp_path / "a.steps").write_text("step rate\n")
    with pytest.raises(LogError, match=r"a\.steps: there is no record of a training"):
        read_log(tmp_path)
    (tmp_path / "last.pt").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(LogError, match="never unpickled"):
        read_log(tmp_path / "last.pt")
    with pytest.raises(LogError, match="no record of a training"):
        read_logs(BytesIO(b'{"a":' * 50_000))
    with pytest.raises(LogError, match="cannot be compared"):
        audit(log_of([0.1]), read_cfg("docs/examples/yolov3.cfg"))
