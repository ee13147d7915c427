"""YOLOX: rates by the count of updates, from formulas restated here; the table of the experiment; other lengths."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from lrsched import plan
from lrsched.fitting import Observed
from lrsched.logs import audit, infer
from lrsched.trainers import yolox
from lrsched.trainers.yaml import ConfigError
from lrsched.trainers.yolox import Experiment


def expected(run: Experiment, k: float) -> float:
    nb, lr = run.iterations_per_epoch, run.basic_lr_per_img * run.batch_size
    total, warm, rest = run.max_epoch * nb, run.warmup_epochs * nb, run.no_aug_epochs * nb
    if run.scheduler == "multistep":
        return lr * run.gamma ** len([m for m in run.milestones if k >= int(total * m / run.max_epoch)])
    if run.scheduler == "cos":
        return lr * 0.5 * (1 + math.cos(math.pi * k / total))
    if k <= warm and warm:
        return (lr - run.warmup_lr) * (k / warm) ** (2 if run.scheduler != "warmcos" else 1) + run.warmup_lr
    if run.scheduler == "warmcos":
        return lr * 0.5 * (1 + math.cos(math.pi * (k - warm) / (total - warm)))
    low = lr * run.min_lr_ratio
    if run.scheduler == "yoloxsemiwarmcos":
        normal, semi = run.semi_epoch * nb, run.iters_per_epoch_semi
        if k >= normal + semi * (run.max_epoch - run.semi_epoch - run.no_aug_epochs):
            return low
        k = k if k <= normal else normal + (k - normal) * nb / semi
    elif k >= total - rest:
        return low
    return low + 0.5 * (lr - low) * (1 + math.cos(math.pi * (k - warm) / (total - warm - rest)))


@pytest.mark.parametrize("scheduler", ["yoloxwarmcos", "warmcos", "cos", "multistep"])
@pytest.mark.parametrize(("warm", "rest", "start"), [(2, 3, 0.0), (0, 3, 0.0), (2, 0, 1e-5), (4, 6, 0.0)])
def test_rates(scheduler: str, warm: int, rest: int, start: float) -> None:
    run = Experiment(
        scheduler=scheduler, max_epoch=10, warmup_epochs=warm, no_aug_epochs=rest, warmup_lr=start, batch_size=24,
        iterations_per_epoch=30, milestones=(6, 9),
    )  # fmt: skip
    rates = run.schedules()["rate"]
    np.testing.assert_allclose(rates(range(301)), [expected(run, k) for k in range(301)], rtol=1e-12, atol=1e-18)
    assert rates.horizon == 300


@pytest.mark.parametrize(("warm", "rest", "start", "each"), [(2, 3, 0.0, 45), (0, 0, 0.0, 10), (2, 0, 1e-5, 30)])
def test_epochs_of_another_length(warm: int, rest: int, start: float, each: int) -> None:
    run = Experiment(
        scheduler="yoloxsemiwarmcos", max_epoch=12, warmup_epochs=warm, no_aug_epochs=rest, warmup_lr=start,
        iterations_per_epoch=30, semi_epoch=5, iters_per_epoch_semi=each,
    )  # fmt: skip
    rates, last = run.schedules()["rate"], 5 * 30 + 7 * each
    np.testing.assert_allclose(rates(range(last)), [expected(run, k) for k in range(last)], rtol=1e-12, atol=1e-18)
    assert rates.horizon == last
    with pytest.raises(ConfigError, match="needs semi_epoch and iters_per_epoch_semi; give both"):
        Experiment(scheduler="yoloxsemiwarmcos", iterations_per_epoch=30)


def test_a_warm_up_of_half_an_iteration_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"warmup_epochs makes 12\.5 iterations"):
        Experiment(warmup_epochs=0.5, iterations_per_epoch=25).schedules()


RUN = Experiment(max_epoch=12, warmup_epochs=2, no_aug_epochs=3, batch_size=8, iterations_per_epoch=40)
KEYS = ("scheduler", "max_epoch", "warmup_epochs", "no_aug_epochs", "min_lr_ratio")


def train_log(run: Experiment, updates: int, border: str = "│", told: Any = None, count: Any = lambda k: k) -> bytes:
    lines = ["2023-01-01 | INFO | yolox.core.trainer:before_train:130 - args: Namespace(batch_size=8, devices=1)"]
    lines += ["exp value:"]
    lines += [f"{border} {key:18}{border} {getattr(told or run, key)!r:18}{border}" for key in KEYS]
    for k in range(10, updates + 1, 10):
        epoch, i = (k - 1) // 40, (k - 1) % 40 + 1
        lines.append(
            f"2023-01-01 | INFO | yolox.core.trainer:after_iter:253 - epoch: {epoch + 1}/12, iter: {i}/40, mem: 5Mb, "
            f"iter_time: 0.2s, total_loss: 4.5, lr: {expected(run, count(k)):.3e}, size: 640, ETA: 0:01:00"
        )
    return ("\n".join(lines) + "\n").encode()


parse = partial(yolox.parse, source="train_log.txt")


@pytest.mark.parametrize("border", ["│", "\ufffd\ufffd", "?", "|", "\u00e2\u201d\u201a"])
def test_the_experiment_stands_in_the_log(border: str) -> None:
    [log] = parse(train_log(RUN, 480, border))
    assert log.config == RUN
    assert audit(log, log.config).ok
    assert (log.horizon, log.iteration[-1], log.seconds[0]) == (480, 480, 0.2)


@pytest.mark.parametrize(("updates", "known"), [(480, {"horizon": 360, "final": RUN.lr * 0.05}), (200, {})])
def test_another_experiment_is_found_in_whole_epochs(updates: int, known: dict[str, float]) -> None:
    [log] = parse(train_log(RUN, updates, told=replace(RUN, warmup_epochs=4, no_aug_epochs=1)))
    known = {"peak": RUN.lr, "warmup": 80} | known
    found = infer(log)
    assert (audit(log, log.config).ok, found.complete) == (False, True)
    assert {key: found.parameters[key] for key in known} == pytest.approx(known)


def test_a_log_that_ends_in_the_warm_up_leaves_the_rest_to_its_table() -> None:
    found = infer(parse(train_log(RUN, 60))[0])
    assert (found.complete, set(found.open), found.parameters["warmup"]) == (True, {"horizon", "final"}, 80)


@pytest.mark.parametrize(("old", "new"), [(b"'yoloxwarmcos'", b"'mine'        "), (b"0.05 ", b"0.05.")])
def test_a_table_with_values_that_cannot_be_is_no_config(old: bytes, new: bytes) -> None:
    data = train_log(RUN, 480)
    assert old in data
    [log] = parse(data.replace(old, new, 1))
    assert log.config is None
    assert infer(log).complete


WITHOUT_TABLE = train_log(RUN, 480).split(b"exp value:", 1)[1].split(b"scheduler", 1)[1]


def test_an_experiment_is_found_without_its_table() -> None:
    [log] = parse(WITHOUT_TABLE)
    found = infer(log)
    assert log.config is None
    known = {"peak": 0.00125, "warmup": 80, "horizon": 360, "final": 6.25e-5}
    assert dict(found.parameters) == pytest.approx(known, rel=1e-3)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"epoch: 12/12, iter: 40/40", b"epoch: 12/12, iter: 40/50"),
        (b"lr: 6.250e-05", b"lr: 6.260e-05"),
        (b"lr: 1.250e-03", b"lr: 9.999e-03"),
        (b"lr: 1.250e-03", b"lr: 1.251e-03"),
    ],
)
def test_no_experiment_explains_a_damaged_record(old: bytes, new: bytes) -> None:
    [log] = parse(WITHOUT_TABLE.replace(old, new, 1))
    assert yolox.fitted(log, Observed(step=log.iteration, rate=log.rate, slack=log.column("rate_slack"))) is None


def test_an_experiment_with_another_scheduler_is_explained_by_its_table() -> None:
    found = infer(parse(train_log(replace(RUN, scheduler="warmcos"), 480))[0])
    assert (found.family, found.complete) == ("cosine", True)
    assert (found.parameters["warmup"], found.parameters["horizon"]) == (80, 480)


def test_lengths_that_leave_no_cosine_are_found() -> None:
    found = plan(replace(RUN, max_epoch=5)).findings[0]
    assert (found.code, found.first) == ("no-epoch-for-the-cosine", 81)
    assert "write max_epoch above 5, or no_aug_epochs below 3" in found.message
    assert not plan(RUN).findings


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (lambda k: k if k <= 200 else k - 200, "Up to 200 the rates are as planned; from 210 on they are those of 200"),
        (lambda k: k if k <= 120 else k + 120, "of 120 iterations later: the count of the schedule was restored twice"),
    ],
)
def test_a_clock_that_is_wrong_is_named(count: Any, says: str) -> None:
    [log] = parse(train_log(RUN, 480, count=count))
    assert says in audit(log, log.config).cause


def test_a_resume_with_more_epochs_is_named() -> None:
    long = replace(RUN, max_epoch=24)
    first, then = (train_log(run, 480).decode().splitlines(keepends=True) for run in (RUN, long))
    [log] = parse("".join(first[:27] + then[27:]).encode())
    says = "Up to 200 the rates are as planned; from 210 on they are those of a horizon of 840, not 360: the run was"
    assert says in audit(log, log.config).cause
