"""The rates of timm's and detectron2's schedulers, stepped over whole runs by the real classes, against our own."""

from __future__ import annotations

import importlib
import types
import warnings
from typing import Any

import numpy as np
import pytest

from lrsched.trainers.detectron2 import Solver
from lrsched.trainers.timm import Args
from tests.interop.stepping import optimizer, schedulers_of_timm, stepped


@pytest.mark.parametrize("sched", ["cosine", "tanh", "poly", "step", "multistep", "constant", "wsd", "rsqrt"])
@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("updates", [0, 1, 7])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"warmup_epochs": 0, "lr_k_decay": 0.7, "cooldown_epochs": 6, "lr_stable_timescale": 3.5},
        {"lr_cycle_limit": 3, "lr_cycle_decay": 0.4},
        {"lr_cycle_limit": 3, "lr_cycle_decay": 0.4, "lr_cycle_mul": 1.5, "lr_decay_fn": "linear"},
        {"lr_decay_fn": "cosine", "decay_epochs": 11.0},
        {"lr_decay_fn": "exp", "decay_epochs": 0.37, "min_lr": 0.02},
    ],
)
def test_timm(sched: str, prefix: bool, updates: int, more: dict[str, Any]) -> None:
    own = {"warmup_epochs": 7, "min_lr": 1e-4, **({"decay_epochs": 2.4} if sched == "step" else {}), **more}
    args = Args(sched=sched, lr=0.05, epochs=40, warmup_lr=1e-3, warmup_prefix=prefix, decay_rate=0.9,
                decay_milestones=(15, 25), sched_on_updates=updates > 0, updates_per_epoch=updates, **own)  # fmt: skip
    compare(args, [0.0] * 250)


@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("metric", ["top1", "loss"])
@pytest.mark.parametrize("warmup", [0, 3])
@pytest.mark.parametrize("patience", [0, 2, 4])
def test_plateau_of_timm(prefix: bool, metric: str, warmup: int, patience: int) -> None:
    values = np.random.default_rng(patience).random(60).round(2) + 0.01 * np.minimum(np.arange(60), 15)
    compare(
        Args(sched="plateau", lr=0.05, epochs=50, warmup_epochs=warmup, warmup_lr=1e-3, warmup_prefix=prefix,
             min_lr=1e-3, decay_rate=0.3, patience_epochs=patience, eval_metric=metric, metric=tuple(values.tolist())),
        values.tolist(),
    )  # fmt: skip


def compare(args: Args, metric: list[float]) -> None:
    """The rates of each epoch, stepped as train.py does, against our own."""
    asked = types.SimpleNamespace(**{key: getattr(args, key) for key in args.__dataclass_fields__})
    asked.warmup_epochs, asked.lr_noise, asked.lr_decay_fn = int(args.warmup_epochs), None, args.lr_decay_fn or None
    made = optimizer(args.peak())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the plateau is deprecated
        scheduler, epochs = schedulers_of_timm().create_scheduler(asked, made, args.updates_per_epoch)

    def step(epoch: int) -> None:
        scheduler.step(epoch + 1, metric[epoch])
        for update in range(args.updates_per_epoch):
            scheduler.step_update((epoch + 1) * args.updates_per_epoch + update + 1)

    for update in range(args.updates_per_epoch):
        scheduler.step_update(update + 1)
    rates = stepped(made, step, epochs + 5)
    rate = args.schedules()["rate"]
    np.testing.assert_allclose(rate(range(len(rates))), rates, rtol=1e-12, atol=0)
    assert rate.horizon == epochs - 1


RUNS = [
    (name, length, rescaled, last)
    for name in ("WarmupMultiStepLR", "WarmupCosineLR", "WarmupStepWithFixedGammaLR")
    for length, rescaled in ((0.1, False), (0.1, True), (0.6, False), (1.0, False))
    for last in (300, 1500, 3_000_000)
    # it has no rate for its own end, so that the trainer does not start
    if not (name == "WarmupStepWithFixedGammaLR" and length == 1.0)
    # one iteration before the warm-up ends is the end for fvcore: rescaled, that moves the whole decay
    if not (rescaled and last > 1_000_000)
]


@pytest.mark.parametrize("method", ["linear", "constant"])
@pytest.mark.parametrize(("name", "length", "rescaled", "last"), RUNS)
def test_detectron2(name: str, method: str, length: float, rescaled: bool, last: int) -> None:
    fvcore = importlib.import_module("fvcore.common.param_scheduler")
    warmup = int(length * last)
    solver = Solver(lr_scheduler_name=name, base_lr=0.02, base_lr_end=1e-4, max_iter=last, gamma=0.3, num_decays=3,
                    steps=(last // 2, last * 4 // 5), warmup_iters=warmup, warmup_method=method,
                    rescale_interval=rescaled)  # fmt: skip
    main = {
        "WarmupMultiStepLR": lambda: fvcore.MultiStepParamScheduler([1, 0.3, 0.3**2], last, list(solver.steps)),
        "WarmupCosineLR": lambda: fvcore.CosineParamScheduler(1, 1e-4 / 0.02),
        "WarmupStepWithFixedGammaLR": lambda: fvcore.StepWithFixedGammaParamScheduler(1.0, 3, 0.3, last),
    }[name]()
    share = min(warmup / last, 1.0)  # what detectron2 puts around the decay
    start, goal = 0.001 * main(0.0), main(0.0 if rescaled else share)
    rise = fvcore.ConstantParamScheduler(start) if method == "constant" else fvcore.LinearParamScheduler(start, goal)
    whole = fvcore.CompositeParamScheduler(
        [rise, main], [share, 1 - share], ["rescaled", "rescaled" if rescaled else "fixed"]
    )
    at = np.unique(np.append(np.arange(0, last - 5, max(last // 3000, 1)), warmup + np.arange(-5, 5)).clip(0, last - 5))
    rates = solver.schedules()["rate"](at)
    np.testing.assert_allclose(rates, [0.02 * whole(i / last) for i in at.tolist()], rtol=1e-12, atol=0)
