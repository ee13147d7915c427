from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.log import LogError
from lrsched.logs import infer, read_log, read_logs
from lrsched.trainers.huggingface.reading import begins, clocks, parse
from tests.trainers.huggingface.oracle import LR, line, logged, state

RATES = logged(lambda step: step, "linear", 30, 100)


def test_a_state_has_a_record_for_each_step(tmp_path: Path) -> None:
    rows = [
        {"epoch": 0.5, "learning_rate": 0.1, "loss": 2.0, "grad_norm": "3.5", "step": 10},
        {"epoch": 0.5, "eval_loss": 2.5, "eval_wer": 9.0, "eval_runtime": 1.0, "learning_rate": None, "step": 10},
        {"epoch": 1.0, "eval_loss": 2.25, "step": 15},
        {"epoch": 1.01, "learning_rate": 0.0, "loss": math.nan, "note": "text", "step": 20},
        {"epoch": 1.01, "train_loss": 2.1, "train_runtime": 60.0, "total_flos": 10**400, "step": 21},
        {"step": "30"},
        None,
    ]
    path = tmp_path / "trainer_state.json"
    path.write_text(json.dumps({"epoch": 1.01, "global_step": 21, "log_history": rows, "max_steps": 40}))
    log = read_log(path)

    assert (log.trainer, log.horizon, log.iteration.tolist()) == ("huggingface", 40, [10, 15, 20])
    for name, expected in {
        "rate": [0.1, math.nan, 0.0],
        "loss": [2.0, math.nan, math.nan],
        "val_loss": [2.5, 2.25, math.nan],
        "eval_wer": [9.0, math.nan, math.nan],
        "grad_norm": [3.5, math.nan, math.nan],
        "epoch": [0.0, 0.0, 1.0],
    }.items():
        np.testing.assert_array_equal(log.column(name), expected, err_msg=name)
    assert not {"train_loss", "note", "eval_runtime"} & log.records.columns.keys()
    assert not log.skipped


def test_the_version_says_which_step_a_rate_belongs_to() -> None:
    (old,), (new,) = parse(state(RATES, 100)), parse(state(RATES, 100, best_global_step=None))

    assert [clock.late for clock in clocks(old)] == [0, 1]
    assert [clock.late for clock in clocks(new)] == [1, 0]


def test_every_process_and_every_start_of_a_log_of_lines(tmp_path: Path) -> None:
    first = [line(s, s / 1e5, f"0:0{s // 10}:00", loss=rank) for s in (10, 20, 30) for rank in (1, 2)]
    first[1], first[2] = first[2], first[1]  # the processes are not in step
    later = [line(s, s / 1e5, "0:00:05", total=200) for s in (20, 30)]
    end = '{"current_steps": 40, "total_steps": 200, "epoch": 1.0, "elapsed_time": "1 day, 0:00:09"}\n{"current_st'
    path = tmp_path / "trainer_log.jsonl"
    path.write_bytes("".join([*first, *later, end]).replace("\n", "\r\n").encode("utf-8-sig"))

    one, other = read_logs(path)
    assert (one.iteration.tolist(), one.loss.tolist(), one.horizon) == ([10, 20, 30], [1, 1, 1], 100)
    assert (other.iteration.tolist(), other.rate.tolist(), other.horizon) == ([20, 30], [0.0002, 0.0003], 200)
    assert str(one.skipped) == "1 unreadable record, 3 records of other processes, of steps that are there already"


def test_lines_without_a_time_are_of_one_start_and_the_marks_of_a_merge_conflict_are_skipped() -> None:
    text = "<<<<<<< HEAD\n" + line(10, 0.1, "0:00:01") + "=======\n" + line(20, 0.2, "0:00:02") + ">>>>>>> main\n"
    for lines in (line(10, 0.1, "") + line(20, 0.2, "") + line(10, 0.1, ""), text):
        (log,) = parse(lines.encode())
        assert (log.rate.tolist(), log.skipped.records) == ([0.1, 0.2], 0)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data.replace(b'    {\n', b'<<<<<<< HEAD\n', 1), "line 4: '<<<<<<< HEAD' marks a merge"),
        (lambda data: data[:600], "line 33: the JSON is broken here"),
        (lambda data: data.replace(b'"log_history": [', b'"log_history": 1, "x": ['), "no list log_history"),
        (lambda data: b'{"log_history": "' + b"\xff" * 9, "line 1: the JSON is broken here"),
        (lambda data: b'{"log_history": ' + b"[" * 200_000, "line 1: the JSON is broken here"),
    ],
)  # fmt: skip
def test_a_damaged_state_is_refused_with_the_line(damage, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(LogError, match=f"^f.json[,:].*{message}"):
        parse(damage(state(RATES, 100)), "f.json")


@given(st.data())
def test_no_damage_ends_in_anything_but_a_sentence(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([state(RATES, 100), "".join(line(*row, "0:00:01") for row in RATES).encode()]))
    at, length = data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, 40))
    try:
        logs = parse(whole[:at] + data.draw(st.binary(max_size=20)) + whole[at + length :])
    except LogError:
        return
    assert all((np.diff(log.iteration) > 0).all() for log in logs)


def test_other_files_are_not_taken_for_one() -> None:
    ours, others = (state(RATES, 100)[:200], line(10, 0.1, "").encode()), (b'{"step": 1, "lr": 0.1}\n', b"")
    assert [begins(each) for each in (*ours, *others)] == [True, True, False, False]


def test_a_log_without_a_config_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    path.write_bytes(state(logged(lambda step: step, "cosine", 30, 1000), 1000))
    found = infer(read_log(path))

    assert (found.family, found.matched, found.clock) == ("cosine", 100, "")
    assert found.parameters == {"peak": LR, "warmup": 30, "horizon": 1000, "final": 0.0}
