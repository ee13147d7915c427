"""Tables: the columns are found by their usual names, in CSV, JSON lines and event files."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.cli import main
from lrsched.log import LogError
from lrsched.logs import infer, read_log, read_logs
from lrsched.trainers.table import parse
from tests.trainers.printed import read

STEPS = ("step", "iter", "iteration", "global_step", "epoch", "Step", "trainer/global_step", "current_steps", "step")
RATES = ["lr", "learning_rate", "train_lr", "rate", "LR", "optimizer/learning_rate", "lr-Adam", "lr/group_0", "opt/lr"]


@pytest.mark.parametrize(("step", "rate"), [*zip(STEPS, RATES, strict=True)])
def test_usual_names_are_found(step: str, rate: str) -> None:
    rows = [(k, 0.1 * (1 - k / 100)) for k in range(60)]
    table = "".join(f"{k};{r!r};{k / 7}\n" for k, r in rows)
    lines = "".join(json.dumps({"loss": 1, step: k, rate: r}) + "\n" for k, r in rows)
    for text in (f"{step};{rate};loss\n{table}", lines, f"\ufeff{step},{rate},loss\r\n" + table.replace(";", ",")):
        (log,) = read(text)
        assert log.iteration.tolist() == list(range(60))
        assert log.unit == ("epoch" if step == "epoch" else "iteration")
        found = infer(log)
        assert (found.family, found.parameters["horizon"]) == ("linear", 100)


def test_columns_that_are_named_win() -> None:
    (log,) = parse(b"n,lr,x\n1,0.5,0.1\n3,0.5,0.2\n", "t.csv", step="n", rate="x")
    assert (log.iteration.tolist(), log.rate.tolist()) == ([1, 3], [0.1, 0.2])
    with pytest.raises(LogError, match=r"t\.csv: no column 'y' among n, lr and x; give --rate COLUMN"):
        parse(b"n,lr,x\n1,0.5,0.1\n", "t.csv", step="n", rate="y")
    with pytest.raises(LogError, match=r"no column with a usual name of a step .*--step COLUMN"):
        parse(b"n,lr,x\n1,0.5,0.1\n", "t.csv")


def test_one_document_holds_columns_rows_or_a_single_row() -> None:
    (columns,) = read('{\n"loss": [3, 2, 1],\n"lr": [0.3, 0.2]}')
    (rows,) = read('[{"step": 5, "lr": 0.3}, 7,\n {"step": 6, "lr": 0.2}]')
    (single,) = parse(b'{"step": 5, "lr": 0.3, "names": ["a", "b"]}', "t.json")
    assert (columns.unit, columns.iteration.tolist(), columns.rate[1]) == ("epoch", [0, 1, 2], 0.2)
    assert (rows.iteration.tolist(), single.iteration.tolist()) == ([5, 6], [5])


def test_a_cell_may_be_as_long_as_it_likes() -> None:
    (log,) = read(f"step,lr,note\n1,0.1,{'x' * 200_000}\n2,0.2,\n")
    assert log.iteration.tolist() == [1, 2]


def test_columns_can_be_named_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("n,x\n" + "".join(f"{k},{0.1 - k / 100!r}\n" for k in range(6)))
    assert main(["log", str(path), "--no-plot"]) == 2
    assert main(["log", str(path), "--step", "n", "--rate", "x", "--no-plot"]) == 0
    assert "linear(peak=0.1, horizon=10)" in capsys.readouterr().out


def test_damage_costs_only_the_rows_it_stands_in() -> None:
    text = 'step,note,lr\n1,"a, b",0.5\n<<<<<<< HEAD\n2,"",0.4\n=======\nstep,note,lr\n3,x,nan\n4,x,0.2\n5,x'
    (log,) = read(text)
    assert log.iteration[np.isfinite(log.rate)].tolist() == [1, 2, 4]
    (log,) = read('{"step": 1, "lr": 0.5}\n<<<<<<< HEAD\n{"step": 2, "lr": NaN}\n{"step": 3, "lr": [0.3, 1]}\n{"st')
    assert log.iteration[np.isfinite(log.rate)].tolist() == [1, 3]


def test_a_loss_that_is_not_printed_is_no_nan() -> None:
    (log,) = read("step,lr,loss\n1,0.1,\n2,0.1,3\n3,0.1,\n4,0.1,nan\n5,0.1,\n")
    assert log.loss.tolist()[:3] == [3, 3, 3]
    assert log.first_nan == 4


def test_a_run_that_begins_anew_is_another_log() -> None:
    assert [len(log) for log in read("epoch,lr\n" + "".join(f"{k},0.1\n" for k in (0, 1, 2, 0, 1)))] == [3, 2]


def test_steps_that_are_counted_anew_in_each_epoch_are_counted_on() -> None:
    (log,) = read("epoch,batch,lr\n" + "".join(f"{k // 4},{k % 4},{k / 8}\n" for k in range(12)))
    assert log.iteration.tolist() == list(range(12))


def test_lightning_writes_losses_into_rows_of_their_own() -> None:
    rows = "".join(f",{0.01 * k!r},{10 * k},,\n,{0.01 * k!r},{10 * k},,\n0,,{10 * k},0.5,\n" for k in range(1, 9))
    (log,) = read("epoch,lr-Adam,step,train_loss,val_loss\n" + rows)
    assert log.trainer == "Lightning"
    assert log.iteration.tolist() == list(range(10, 90, 10))
    assert log.rate.tolist() == [0.01 * k for k in range(1, 9)]
    assert log.column("train_loss").tolist() == [0.5] * 8


# --- event files ------------------------------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(key: int, kind: int, value: bytes | int) -> bytes:
    head = varint(key << 3 | kind)
    if isinstance(value, int):
        return head + varint(value)
    return head + (varint(len(value)) if kind == 2 else b"") + value


def record(event: bytes) -> bytes:
    return struct.pack("<Q", len(event)) + b"crc." + event + b"crc."


def scalar(tag: str, step: int, value: float, kind: str = "simple") -> bytes:
    number, key = struct.pack("<f", value), {"float_val": 5, "tensor_content": 4}.get(kind, 0)
    content = field(8, 2, field(1, 0, 1) + field(key, 2, number)) if key else field(2, 5, number)
    summary = field(1, 2, field(1, 2, tag.encode()) + content)
    return record(field(1, 1, struct.pack("<d", 1.7e9)) + field(2, 0, step) + field(5, 2, summary))


VERSION = record(field(1, 1, struct.pack("<d", 1.7e9)) + field(3, 2, b"brain.Event:2"))


TAGS = {"lr": "simple", "train/learning_rate": "float_val", "Learning_rate/lr": "tensor_content", "lr/0": "simple"}


@pytest.mark.parametrize(("tag", "kind"), TAGS.items())
def test_scalars_of_an_event_file_are_read(tag: str, kind: str) -> None:
    rates = [0.003 * (1 - k / 200) for k in range(150)]
    events = [scalar(tag, k, rate, kind) + scalar("loss", k, k / 2, kind) for k, rate in enumerate(rates)]
    (log,) = read(VERSION + record(b"\xff\xff") + b"".join(events) + events[0][:20])
    assert log.iteration.tolist() == list(range(150))
    assert log.loss.tolist() == [k / 2 for k in range(150)]
    assert (np.abs(log.rate - rates) <= log.column("rate_slack")).all()
    assert infer(log).parameters["horizon"] == 200


def events_of(path: Path, steps: range, low: float = 0.0) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    rows = [scalar("lr", k, low + 0.5 * (1 - k / 200)) + scalar("loss", k, 2.0) for k in steps]
    path.write_bytes(VERSION + b"".join(rows))


def test_event_files_of_one_run_are_joined_and_others_are_not(tmp_path: Path) -> None:
    events_of(tmp_path / "resumed" / "events.out.tfevents.1700000100.host.7.0", range(120))
    events_of(tmp_path / "resumed" / "events.out.tfevents.1700009000.host.9.0", range(100, 200))
    other = tmp_path / "resumed" / "events.out.tfevents.1700000099.host.7.1"
    other.write_bytes(VERSION + scalar("hparam", 0, 1.0))
    log = read_log(tmp_path / "resumed")
    assert log.iteration.tolist() == list(range(200))
    assert [(seam.kind, seam.iteration, seam.dropped) for seam in log.seams] == [("overlap", 100, 20)]
    assert infer(log).parameters["horizon"] == 200
    for name, low in (("a", 0.0), ("b", 0.25)):
        events_of(tmp_path / "both" / name / "events.out.tfevents.1700000100.host.7.0", range(50), low)
    logs = read_logs(tmp_path / "both")
    assert [(len(log), log.rate[0]) for log in logs] == [(50, 0.5), (50, 0.75)]
    with pytest.raises(LogError, match="the 2 logs in it are not one run"):
        read_log(tmp_path / "both")


def test_an_event_file_without_a_rate_names_its_tags() -> None:
    with pytest.raises(LogError, match="no tag with a usual name of a learning rate among loss, acc; give --rate TAG"):
        read(VERSION + scalar("loss", 1, 0.5) + scalar("acc", 1, 0.5))


@given(st.binary(max_size=200), st.text(max_size=200))
def test_junk_is_refused_with_a_sentence(data: bytes, text: str) -> None:
    good = scalar("lr", 1, 0.5)
    for junk in (VERSION + data, VERSION + good[:-9] + data, f"step,lr\n{text}".encode(), b'{"lr": 1}' + data):
        try:
            read(junk)
        except LogError as problem:
            assert len(str(problem)) > 20  # noqa: PT017 (some junk is a log)
