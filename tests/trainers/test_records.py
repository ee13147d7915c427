"""Lines of JSON and tables of keys: what is kept, what is skipped, and that no bytes whatever make a reader crash."""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.log import Log
from lrsched.logs import read_logs
from lrsched.trainers import TRAINERS, detectron2, fair, timm, yolox
from lrsched.trainers.printed.numbers import number
from lrsched.trainers.records import json_lines, runs
from lrsched.trainers.yaml import ConfigError

METRICS = b"".join(
    b'{"data_time": 0.1, "eta_seconds": %d, "iteration": %d, "lr": %.6f, "time": 1.0, "total_loss": 2.5}\n'
    % (99 - at, at, 0.02 * at / 99)
    for at in range(19, 100, 20)
)
SUMMARY = b"epoch,train_loss,eval_loss,eval_top1,lr\n" + b"".join(
    b"%d,2.5,2.0,60.0,%.4f\n" % (at, 0.1 - at / 100) for at in range(6)
)
LOGTXT = b"".join(b'{"train_lr": %.4f, "train_loss": 3.5, "epoch": %d}\n' % (0.1 - at / 100, at) for at in range(6))
TRAIN_LOG = (
    "2023-01-01 00:00:00 | INFO | yolox.core.trainer:before_train:130 - args: Namespace(batch_size=8, devices=1)\n"
    "2023-01-01 00:00:00 | INFO | yolox.core.trainer:before_train:131 - exp value:\n"
    "╒═══════════════╤════════════════╕\n│ keys          │ values         │\n╞═══════════════╪════════════════╡\n"
    "│ warmup_epochs │ 1              │\n├───────────────┼────────────────┤\n│ max_epoch     │ 4              │\n"
    "├───────────────┼────────────────┤\n│ scheduler     │ 'yoloxwarmcos' │\n│ no_aug_epochs │ 1              │\n"
    "╘═══════════════╧════════════════╛\n"
    + "".join(
        f"2023-01-01 00:00:01 | INFO | yolox.core.trainer:after_iter:253 - epoch: 1/4, iter: {at}/40, mem: 3Mb, "
        f"iter_time: 0.5s, total_loss: 9.5, lr: {0.00125 * (at / 40) ** 2:.3e}, size: 640, ETA: 0:24:55\n"
        for at in (10, 20, 30)
    )
).encode()
FILES = {"detectron2": METRICS, "timm": SUMMARY, "fair": LOGTXT, "yolox": TRAIN_LOG}
LOGS = {"detectron2": detectron2.LOGS, "timm": timm.LOGS, "fair": fair.LOGS, "yolox": yolox.LOGS}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "crlf": lambda data: data.replace(b"\n", b"\r\n"),
    "bom": lambda data: b"\xef\xbb\xbf" + data,
    "no last end of line": lambda data: data.rstrip(b"\n"),
    "gzip": gzip.compress,
}


def parsed(trainer: str, data: bytes) -> list[Log]:
    parse = LOGS[trainer].parse
    assert parse is not None
    return parse(data, "a file")


@pytest.mark.parametrize("trainer", FILES)
def test_each_file_is_known_by_its_content_alone_and_by_one_trainer(trainer: str, tmp_path: Path) -> None:
    assert [each.name for each in TRAINERS if each.logs().begins(FILES[trainer], "some.file")][:1] == [trainer]
    assert [name for name, logs in LOGS.items() if logs.begins(FILES[trainer], "some.file")] == [trainer]
    (tmp_path / "some.file").write_bytes(FILES[trainer])
    [log] = read_logs(tmp_path / "some.file")
    rates = {"detectron2": 5, "timm": 6, "fair": 6, "yolox": 3}
    assert (log.trainer, np.isfinite(log.rate).sum()) == (trainer, rates[trainer])
    assert np.isfinite(log.loss).all()


def test_tables_and_lines_of_others_are_left_to_them() -> None:
    others = [b"epoch,lr-AdamW,step,train_loss,val_acc\n", b"epoch,train_loss,lr\n", b'{"epoch": 1, "lr": 0.1}\n']
    others += [b'{"mode": "train", "iter": 50, "lr": 0.1}\n', b"Epoch [1][50/100] lr: 0.1, yolox_s_8x8\n"]
    assert not [(name, each) for name, logs in LOGS.items() for each in others if logs.begins(each, "metrics.json")]


@pytest.mark.parametrize("trainer", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_how_lines_end_changes_nothing(trainer: str, damage: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DAMAGES[damage](FILES[trainer]))
    [log] = read_logs(tmp_path / "log")
    [whole] = parsed(trainer, FILES[trainer])
    assert (log.iteration == whole.iteration).all()
    assert (log.rate == whole.rate).all()


@pytest.mark.parametrize("trainer", FILES)
def test_a_torn_last_line_loses_that_line_alone(trainer: str) -> None:
    [whole] = parsed(trainer, FILES[trainer])
    [torn] = parsed(trainer, FILES[trainer][: -60 if trainer == "yolox" else -9])
    assert len(whole) - len(torn) <= 1
    assert (torn.rate == whole.rate[: len(torn)]).all()


@pytest.mark.parametrize("trainer", FILES)
def test_what_is_appended_is_another_run(trainer: str) -> None:
    first, second = parsed(trainer, FILES[trainer] * 2)
    assert (first.iteration == second.iteration).all()
    assert (first.rate == second.rate).all()


@pytest.mark.parametrize("trainer", FILES)
def test_marks_of_a_merge_are_no_rows(trainer: str) -> None:
    half = FILES[trainer].rfind(b"\n", 0, -1) + 1
    data = FILES[trainer][:half] + b"<<<<<<< HEAD\n=======\n>>>>>>> main\n" + FILES[trainer][half:]
    assert sum(map(len, parsed(trainer, data))) == len(parsed(trainer, FILES[trainer])[0])


JUNK = (b"NaN", b"1e999", b"-1", b"[[", b'"', b"9" * 400, b"\0", b"{" * 3000)


@pytest.mark.parametrize("trainer", FILES)
@given(data=st.data())
def test_no_damage_makes_a_reader_crash(trainer: str, data: Any) -> None:
    whole = FILES[trainer]
    at, length = data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, 80))
    junk = data.draw(st.binary(max_size=20) | st.sampled_from(JUNK))
    for log in parsed(trainer, whole[:at] + junk + whole[at + length :]):
        assert (np.diff(log.iteration) > 0).all()
        assert len(log) <= 7


ODD: tuple[Any, ...] = (True, None, "high", [], {}, 10**400)


def test_numbers_of_records() -> None:
    assert [number(value) for value in (1, 0.5, [0.1, 0.2])] == [1, 0.5, 0.1]
    assert all(math.isnan(number(value)) for value in ODD)
    assert json_lines('[1]\n{"a": 1}\n"{"\n')[0] == [{"a": 1}]
    rows, skipped = json_lines('{"a": 1}, {"b": 2}\n{"c": 3}\n')  # a line with two is not a record
    assert (rows, skipped.records) == ([{"c": 3}], 1)
    steps = [{"s": at} for at in (1, 2, 2, 5, 1.5, "x", 3, True)]
    assert [[row["s"] for row in run] for run in runs(steps, "s")] == [[1, 2], [2, 5], [3]]


def named(text: bytes) -> io.BytesIO:
    file = io.BytesIO(text)
    file.name = "c.yaml"
    return file


REFUSED = {
    "SOLVER:\n  MAX_ITER: soon": ", line 2: max_iter must be a whole number",
    "SOLVER:\n  LR_SCHEDULER_NAME: Mine": ": LR_SCHEDULER_NAME is 'Mine'; known are",
    "MODEL:\n  A: 1": ": there is no section SOLVER",
    "sched: cosine\nepochs: 0": ", line 2: epochs must be a whole number from 1",
    "sched: mine\nepochs: 9": ": sched is 'mine', whose rates are not known; cosine, ",
    "sched: cosine\nepochs: 9\nwarmup_prefix: 3": ", line 3: warmup_prefix must look like False, got 3",
    "epochs: 9": ": there is no sched",
}


@pytest.mark.parametrize("text", REFUSED)
def test_configs_are_refused_in_a_sentence(text: str) -> None:
    read = timm.read_config if "epochs" in text else detectron2.read_config
    with pytest.raises(ConfigError, match=f"^c.yaml{REFUSED[text]}"):
        read(named(text.encode()))


SOLVER_TEXT = b"SOLVER:\n  BASE_LR: 0.02\n  MAX_ITER: 400\n  STEPS:\n  - 200\n  - 300\n  WARMUP_ITERS: 100\n"
ARGS_TEXT = b"epochs: 40\nlr: 5.0e-04\nlr_cycle_limit: 2\nlr_cycle_mul: 2.0\nlr_k_decay: 1.5\nsched: cosine\n"
CONFIG_JUNK = (b"1e300", b"0", b"-3", b"999999999", b"\n  - x", b"[1, 2]", b"-.inf", b"poly", b"step", b"\xff", b"null")


@pytest.mark.parametrize(("read", "text"), [(detectron2.read_config, SOLVER_TEXT), (timm.read_config, ARGS_TEXT)])
@given(data=st.data())
def test_every_config_is_read_or_refused_in_a_sentence(read: Any, text: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        at, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 6))
        text = text[:at] + data.draw(st.sampled_from(CONFIG_JUNK)) + text[at + length :]
    try:
        rate = read(named(text)).schedules(3)["rate"]
    except ConfigError:
        return
    assert rate([0, 1, rate.horizon or 0]).shape == (3,)
