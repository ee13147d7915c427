"""The logs of the Trainer; runs whose schedule did not advance once a step, or is not the one that was asked for."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.log import LogError
from lrsched.logs import audit, infer, read_log, read_logs
from lrsched.trainers.huggingface import Arguments
from lrsched.trainers.huggingface.reading import begins, clocks, parse
from tests.trainers.huggingface.oracle import LR, factor, line, logged, state

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


def asked(kind: str, warmup: int = 30) -> Arguments:
    return Arguments(learning_rate=LR, lr_scheduler_type=kind, warmup_steps=warmup)


@pytest.mark.parametrize("kind", ["cosine", "linear"])
@pytest.mark.parametrize(
    ("count", "says"),
    [
        (lambda step: 4 * step, "with a clock 4 times as fast"),
        (lambda step: step // 4, "when the schedule advances once in 4 logged steps"),
    ],
)
def test_a_schedule_that_every_process_steps_or_that_skips_steps(kind: str, count: Any, says: str) -> None:
    (log,) = parse(state(logged(count, kind), 1000))

    assert says in audit(log, asked(kind)).cause


@pytest.mark.parametrize("kind", ["cosine", "linear"])
@pytest.mark.parametrize("late", [0, 1])
def test_the_rate_of_the_step_itself_or_of_the_next_one(kind: str, late: int) -> None:
    (log,) = parse(state(logged(lambda step: step - late, kind), 1000, **({"best_global_step": 9} if late else {})))
    found = infer(log)

    assert audit(log, asked(kind)).ok
    assert (found.family, found.clock, found.parameters["warmup"], found.complete) == (kind, "", 30, True)


@pytest.mark.parametrize("late", [0, 1])
def test_optimizer_steps_that_an_overflow_skipped(late: int) -> None:
    lost = (2, 3, 57)
    done = [max(step - late - sum(each <= step for each in lost), 0) for step in range(1, 201)]
    rates = [(step, LR * factor("linear", count, 10, 200)) for step, count in enumerate(done, 1)]
    (log,) = parse(state(rates, 200, **({"best_global_step": None} if late else {})))
    found = infer(log)

    assert "with 3 skipped steps, the first at step 2: an overflow" in audit(log, asked("linear", 10)).cause
    assert (found.family, found.clock, found.complete) == ("linear", "with 3 skipped steps", True)
    assert found.parameters == {"peak": LR, "warmup": 10, "horizon": 200, "final": 0.0}


def test_the_schedule_of_deepspeed_instead_of_the_one_that_was_asked_for() -> None:
    rates = [(step, LR * factor("WarmupLR", step - 1, 100, 300, warmup_min_lr=LR / 2)) for step in range(1, 301)]
    (log,) = parse(state(rates, 300))
    found = infer(log)

    assert (found.family, found.complete) == ("constant", True)
    assert {**found.parameters, "peak": LR, "warmup": 100, "initial": LR / 2} == found.parameters
    says = "those of DeepSpeed's WarmupLR, from 0.00015 to 0.0003 in 100 steps, not"
    assert says in audit(log, asked("cosine")).cause


def test_a_run_that_was_resumed_with_another_number_of_steps() -> None:
    rates = [*logged(lambda step: step, t=600)[:50], *logged(lambda step: step)[50:]]
    (log,) = parse(state(rates, 1000))
    cause = audit(log, replace(asked("cosine"), max_steps=600)).cause

    assert "Up to 500 the rates are as planned" in cause
    assert "the run was resumed with another number of iterations, and the rate jumps from" in cause


@pytest.mark.parametrize(
    ("rates", "says"),
    [
        (logged(lambda step: step, "linear"), "The log is of another schedule: linear(peak=0.0003"),
        ([(step, rate * (1 + 0.01 * (step % 3))) for step, rate in logged(lambda step: step)], "Cannot tell"),
    ],
)
def test_another_schedule_than_the_one_that_was_asked_for(rates: Any, says: str) -> None:
    (log,) = parse(state(rates, 1000))
    assert audit(log, asked("cosine")).cause.startswith(says)
