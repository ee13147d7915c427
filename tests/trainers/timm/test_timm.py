"""timm: the rate of each epoch from formulas restated here, and summary.csv beside args.yaml."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrsched.log import Log
from lrsched.logs import audit, config_beside, infer, read_log
from lrsched.trainers.timm import Args
from lrsched.trainers.timm.args import parse_config


def expected(args: Args, epoch: int) -> float:
    lr, low, warm, total = args.peak(), args.min_lr, args.warmup_epochs, args.epochs
    if epoch < warm:
        return args.warmup_lr + epoch * (lr - args.warmup_lr) / warm
    t = epoch - warm if args.warmup_prefix else epoch
    if args.sched == "step":
        return float(lr * args.decay_rate ** (t // args.decay_epochs))
    if args.sched == "multistep":
        return float(lr * args.decay_rate ** len([at for at in args.decay_milestones if at <= t + 1]))
    if t >= total:
        return low
    x = t**args.lr_k_decay / total**args.lr_k_decay
    left: float = (1 - x) ** args.decay_rate if args.sched == "poly" else (1 + math.cos(math.pi * x)) / 2
    return low + (lr - low) * left


@pytest.mark.parametrize("sched", ["cosine", "poly", "step", "multistep"])
@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize(
    "more", [{}, {"lr_k_decay": 1.5, "warmup_epochs": 0.0}, {"decay_epochs": 2.4, "decay_rate": 0.97}]
)
def test_rates(sched: str, prefix: bool, more: dict[str, Any]) -> None:
    args = Args(
        sched=sched, lr=0.05, epochs=30, min_lr=1e-4, cooldown_epochs=4, warmup_prefix=prefix,
        decay_milestones=(10, 20), **{"warmup_epochs": 5.0, "decay_epochs": 7.0, **more},
    )  # fmt: skip
    rate = args.schedules()["rate"]
    np.testing.assert_allclose(rate(range(45)), [expected(args, epoch) for epoch in range(45)], rtol=1e-12)
    cooled = 4 if sched in ("cosine", "poly") else 0
    assert rate.horizon == 30 - 1 + cooled + (int(args.warmup_epochs) if prefix else 0)


def test_cycles_shrink_in_height_and_grow_in_length() -> None:
    rate = Args(lr=1.0, epochs=10, warmup_epochs=0, lr_cycle_mul=2, lr_cycle_limit=2, lr_cycle_decay=0.5).schedules()[
        "rate"
    ]
    assert rate([0, 5, 10, 20, 30]).round(12).tolist() == [1.0, 0.5, 0.5, 0.25, 0.0]
    assert rate.horizon == 29


def test_the_rate_of_a_batch() -> None:
    assert Args(lr=0.3, batch_size=1024).peak(8) == 0.3
    assert Args(lr_base=0.1, batch_size=64, grad_accum_steps=2, lr_base_size=256).peak(4) == pytest.approx(0.2)
    assert Args(lr_base=0.1, batch_size=64, opt="lamb").peak(4) == pytest.approx(0.1)
    assert Args(lr_base=0.1, batch_size=64, opt="sgd", lr_base_scale="sqrt").peak() == pytest.approx(0.05)


def run(tmp_path: Path, args: Args, epochs: range, text: str) -> Log:
    lines = [f'{e},2.5,"[{expected(args, e)!r}, {expected(args, e)!r}]",2.0,60.0' for e in epochs]
    (tmp_path / "summary.csv").write_text("epoch,train_loss,train_lr,eval_loss,eval_top1\n" + "\n".join(lines) + "\n")
    (tmp_path / "args.yaml").write_text(text)
    return read_log(tmp_path)


TEXT = (
    "amp: true\nepochs: 40\nlr: 5.0e-04\nlr_base: 0.1\nmin_lr: 1.0e-05\nmodel_kwargs: {}\nsched: cosine\n"
    "warmup_epochs: 5\nwarmup_lr: 1e-06\n"
)


def test_a_run_lies_beside_its_arguments(tmp_path: Path) -> None:
    args = parse_config(TEXT.encode(), "args.yaml")
    log = run(tmp_path, args, range(40), TEXT)
    assert config_beside(log) == args
    assert audit(log, args).ok
    assert (log.unit, len(log)) == ("epoch", 40)
    found = infer(log)
    known = {"peak": 5e-4, "warmup": 5, "horizon": 40, "final": 1e-5, "initial": 1e-6}
    assert (found.family, dict(found.parameters)) == ("cosine", known)


def test_another_plan_is_not_the_one_of_the_log(tmp_path: Path) -> None:
    log = run(tmp_path, parse_config(TEXT.encode(), ""), range(30), TEXT.replace("40", "50"))
    checked = audit(log, config_beside(log))
    assert (checked.matched, checked.mismatches.iteration[0]) == (5, 5)
    assert "horizon=40" in checked.cause


def test_the_number_of_gpus_follows_from_the_rates_where_the_batch_scales_them(tmp_path: Path) -> None:
    text = TEXT.replace("lr: 5.0e-04\n", "lr: null\n").replace("amp: true", "batch_size: 64")
    args = parse_config(text.encode(), "")
    log = run(tmp_path, replace(args, lr=args.peak(8)), range(40), text)
    checked = audit(log, config_beside(log))
    assert (checked.ok, checked.ngpus) == (True, 8)
    assert not audit(log, config_beside(log), 4).ok


def test_a_beginning_that_alone_is_explained_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    args = Args(lr=5e-4, epochs=50, lr_k_decay=1.5, warmup_lr=1e-6)
    found = infer(run(tmp_path, args, range(50), TEXT))
    assert (found.family, found.matched, found.total, found.complete) == ("warmup", 5, 50, False)
