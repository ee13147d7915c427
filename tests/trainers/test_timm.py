"""timm: the rate of each epoch from formulas restated here, and summary.csv beside args.yaml."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrsched import plan
from lrsched.log import Log
from lrsched.logs import audit, config_beside, infer, read_log
from lrsched.trainers.timm import Args, read_config
from lrsched.trainers.yaml import ConfigError


def expected(args: Args, epoch: int) -> float:
    lr, low, warm, total = args.peak(), args.min_lr, args.warmup_epochs, args.epochs
    if epoch < warm:
        return args.warmup_lr + epoch * (lr - args.warmup_lr) / warm
    t = epoch - warm if args.warmup_prefix else epoch
    if args.sched == "step":
        return float(lr * args.decay_rate ** (t // args.every))
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
    warm = int(args.warmup_epochs)
    drops = [epoch for epoch in range(warm + 1, 45) if expected(args, epoch) != expected(args, epoch - 1)]
    if sched in ("step", "multistep"):
        assert list(rate.milestones(warm + 1, 44)) == drops


def test_cycles_shrink_in_height_and_grow_in_length() -> None:
    args = Args(lr=1.0, epochs=10, warmup_epochs=0, lr_cycle_mul=2, lr_cycle_limit=2, lr_cycle_decay=0.5)
    rate = args.schedules()["rate"]
    assert (rate([0, 5, 10, 20, 30]).round(12).tolist(), rate.horizon) == ([1.0, 0.5, 0.5, 0.25, 0.0], 29)


def test_cycles_that_shrink_come_to_an_end_and_too_large_a_number_is_infinite() -> None:
    args = Args(lr=1.0, epochs=8, warmup_epochs=0, min_lr=0.1, lr_cycle_mul=0.5, lr_cycle_limit=30, lr_cycle_decay=1.0)
    assert args.schedules()["rate"]([0, 8, 12, 16]).tolist() == [1.0, 1.0, 1.0, 0.1]
    steep = Args(lr=1.0, sched="step", decay_epochs=1.0, decay_rate=1e200, warmup_epochs=0)
    assert steep.schedules()["rate"]([1, 2]).tolist() == [1e200, math.inf]


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
    args = read_config(io.StringIO(TEXT))
    log = run(tmp_path, args, range(40), TEXT)
    assert (config_beside(log), audit(log, args).ok, log.unit, len(log)) == (args, True, "epoch", 40)
    found = infer(log)
    known = {"peak": 5e-4, "warmup": 5, "horizon": 40, "final": 1e-5, "initial": 1e-6}
    assert (found.family, dict(found.parameters)) == ("cosine", known)


def test_another_plan_is_not_the_one_of_the_log(tmp_path: Path) -> None:
    log = run(tmp_path, read_config(io.StringIO(TEXT)), range(30), TEXT.replace("40", "50"))
    checked = audit(log, config_beside(log))
    assert (checked.matched, checked.mismatches.iteration[0]) == (5, 5)
    assert "horizon=40" in checked.cause


def test_the_number_of_gpus_follows_from_the_rates_where_the_batch_scales_them(tmp_path: Path) -> None:
    text = TEXT.replace("lr: 5.0e-04\n", "lr: null\n").replace("amp: true", "batch_size: 64")
    args = read_config(io.StringIO(text))
    log = run(tmp_path, replace(args, lr=args.peak(8)), range(40), text)
    checked = audit(log, config_beside(log))
    assert (checked.ok, checked.ngpus) == (True, 8)
    assert not audit(log, config_beside(log), 4).ok


def test_a_decay_that_is_no_named_schedule_is_not_explained(tmp_path: Path) -> None:
    args = Args(lr=5e-4, epochs=50, lr_k_decay=1.5, warmup_lr=1e-6)
    assert not infer(run(tmp_path, args, range(50), TEXT)).complete


@pytest.mark.parametrize("sched", ["wsd", "rsqrt"])
@pytest.mark.parametrize(("decay", "share"), [(None, 0.2), (0.25, 0.25), (6.0, 0.3)])
def test_a_decay_at_the_end(sched: str, decay: float | None, share: float) -> None:
    args = Args(sched=sched, lr=0.1, epochs=25, warmup_epochs=5, warmup_lr=0.01, min_lr=0.001, decay_epochs=decay)

    def rate(t: int) -> float:
        top = max(0.1 / math.sqrt(1 + (t - 5) / 5), 0.001) if sched == "rsqrt" else 0.1
        part = min(max((t - (25 - 20 * share)) / (20 * share), 0), 1)
        return 0.001 + (top - 0.001) * (1 - (part if sched == "rsqrt" else math.sqrt(part)))

    rates = [0.01 + t * 0.09 / 5 if t < 5 else rate(t) for t in range(28)]
    np.testing.assert_allclose(args.schedules()["rate"](range(28)), rates, rtol=1e-12)
    by_updates = replace(args, sched_on_updates=True).schedules()["rate"]
    np.testing.assert_allclose(by_updates(range(27)), rates[1:], rtol=1e-12)
    assert (by_updates.horizon, by_updates.warmup) == (24, 4)


def test_a_plateau_is_replayed_from_the_metric_of_its_log(tmp_path: Path) -> None:
    text = TEXT.replace("cosine", "plateau\npatience_epochs: 2\ndecay_rate: 0.5") + "eval_metric: top1\n"
    top1 = [10, 20, 30, 30, 30, 30, 40, 40, 41, 41, 41, 41, 41]  # the best of epoch 8 is not beaten in 9 to 11
    falls = [1e-6 + e * (5e-4 - 1e-6) / 5 for e in range(5)] + [5e-4] * 7 + [2.5e-4]
    rows = [f"{e},2.5,{rate!r},2.0,{best}" for e, (rate, best) in enumerate(zip(falls, top1, strict=True))]
    (tmp_path / "summary.csv").write_text("\n".join(["epoch,train_loss,lr,eval_loss,eval_top1", *rows]))
    (tmp_path / "args.yaml").write_text(text)
    log = read_log(tmp_path)
    args = config_beside(log)
    assert args.of_log(log).drops == (11,)
    assert audit(log, args).ok
    [found] = plan(args).findings
    assert (found.code, found.severity) == ("follows-a-metric", "note")
    assert "each time top1 is no better for more than 2 epochs" in found.message


def test_a_plan_counts_epochs() -> None:
    text = str(plan(Args(lr=0.1, epochs=20, warmup_epochs=12)))
    assert "The warmup takes 12 of 19 epochs" in text
    assert "Rate at epoch 19: " in text
    assert "iteration" not in text


STALLS = {"sched": "plateau", "eval_metric": "loss"}


@pytest.mark.parametrize(
    ("more", "last", "bends"),
    [
        ({"sched": "cosine", "epochs": 10, "lr_cycle_limit": 2}, 25, [2, 10, 20]),
        ({"sched": "cosine", "epochs": 10, "warmup_prefix": True}, 25, [2, 12]),
        ({"sched": "wsd", "epochs": 22, "decay_epochs": 5.0}, 30, [2, 17, 22]),
        (STALLS | {"patience_epochs": 2, "metric": (9, 8, 7, *[7] * 9)}, 30, [2, 6, 9, 12]),
        ({"sched": "constant"}, 30, [2]),
    ],
)
def test_milestones_are_where_the_curve_bends(more: dict[str, Any], last: int, bends: list[int]) -> None:
    rate = Args(lr=0.1, warmup_epochs=2.0, **more).schedules()["rate"]
    assert list(rate.milestones(0, last)) == bends


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sched: wsd\ndecay_epochs: 50", "the decay of 50 epochs does not fit into the 35 after the warm-up"),
        ("sched: rsqrt\nwarmup_epochs: 0", "sched rsqrt without a warm-up needs lr_stable_timescale"),
        ("sched: cosine\nlr_noise: [0.5]", r"lr_noise is \[0.5\], random numbers that no plan has"),
        ("sched: wsd\nlr_decay_fn: cubic", "lr_decay_fn is 'cubic', whose rates are not known; "),
        ("sched: step\nlr_k_decay: x\nlr: x\nopt: 1\nmin_lr: x", "line 3: lr_k_decay must be"),  # of several the first
    ],
)
def test_what_timm_refuses_and_nobody_knows(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_config(io.StringIO(f"epochs: 40\n{text}\n"))
    with pytest.raises(ConfigError, match="epoch decides no rate of this trainer; did you mean 'epochs'"):
        read_config(io.StringIO("epochs: 40\nsched: step\n"), {"epoch": "9"})
