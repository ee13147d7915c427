"""The schedules of trainers, stepped over whole runs by the real classes of their libraries, against our own."""

from __future__ import annotations

import types
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from lrsched.logs import audit, config_beside, read_log
from lrsched.trainers.detectron2 import Solver
from lrsched.trainers.huggingface import schedule_of
from lrsched.trainers.openmmlab import RunConfig
from lrsched.trainers.timm import Args
from tests.interop.stepping import Line, optimizer, schedulers_of_timm, stepped
from tests.trainers.huggingface import oracle
from tests.trainers.openmmlab import runs
from tests.trainers.yolov5.oracle import LOOPS, Factor, Loop, name
from tests.trainers.yolov5.test_schedules import assert_trains_as

# --- timm and detectron2 ------------------------------------------------------------------------------------------


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
    fvcore = import_module("fvcore.common.param_scheduler")
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


# --- mmengine ---------------------------------------------------------------------------------------------------------


def windows(schedulers: list[dict[str, Any]], total: int) -> list[float]:
    """The rate that each iteration of a run of mmengine is trained with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mmengine loads what torch calls old
        library = import_module("mmengine.optim.scheduler")
    stand, made = optimizer(runs.LR), []
    for given in schedulers:
        kind, own = getattr(library, given["type"]), {key: value for key, value in given.items() if key != "type"}
        convert = own.pop("convert_to_iter_based", False)
        extra = {"epoch_length": runs.NB} if convert else {}
        made.append((kind.build_iter_from_epoch if convert else kind)(stand, **own, **extra))

    def step(i: int) -> None:
        for scheduler in sorted(made, key=lambda each: each.by_epoch):  # those that count iterations first
            if not scheduler.by_epoch or (i + 1) % runs.NB == 0:
                scheduler.step()

    return stepped(stand, step, total)


@pytest.mark.parametrize("name", runs.MMENGINE)
def test_windows_are_stepped_as_mmengine_steps_them(name: str) -> None:
    schedulers, _ = runs.MMENGINE[name]
    expected = windows(schedulers, runs.TOTAL)
    found = RunConfig(settings=runs.mmengine_settings(schedulers), epoch_length=runs.NB).schedules()["rate"](
        range(runs.TOTAL)
    )
    assert found.tolist() == pytest.approx(expected, rel=1e-12, abs=0)


# --- transformers and DeepSpeed ---------------------------------------------------------------------------------------

# DeepSpeed, whose own are called Warmup..., is built for the machine it is installed on: it is not in the extra
THERE = [case for case in oracle.CASES if not case[0].startswith("Warmup") or find_spec("deepspeed") is not None]


@pytest.mark.parametrize(("kind", "warmup", "horizon", "own"), THERE)
def test_every_step_has_the_rate_of_the_real_scheduler(
    kind: str, warmup: int, horizon: int, own: dict[str, Any]
) -> None:
    steps = 4 * horizon  # as far as a schedule gets that four processes step
    stand = optimizer(oracle.LR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no step of the optimizer comes before the first of DeepSpeed's scheduler
        scheduler = made(stand, kind, warmup, horizon, own)
    rates = stepped(stand, lambda step: scheduler.step(), steps)

    schedule = schedule_of(kind, oracle.LR, warmup, horizon, **own)
    np.testing.assert_allclose(schedule(range(steps)), rates, rtol=0, atol=oracle.LR * 1e-12)


def made(optimizer: torch.optim.Optimizer, kind: str, warmup: int, horizon: int, own: dict[str, Any]) -> Any:
    if not kind.startswith("Warmup"):
        return transformers.get_scheduler(kind, optimizer, warmup, horizon, scheduler_specific_kwargs=own)
    schedules = import_module("deepspeed.runtime.lr_schedules")
    steps = {"total_num_steps": horizon} if kind == "WarmupDecayLR" else {}
    scheduler = getattr(schedules, kind)(optimizer, **steps, warmup_max_lr=oracle.LR, warmup_num_steps=warmup, **own)
    scheduler.step()  # DeepSpeed counts from -1, and takes a step before the first one
    return scheduler


def test_the_files_of_a_real_trainer_agree(tmp_path: Path) -> None:
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), per_device_train_batch_size=4, gradient_accumulation_steps=2, learning_rate=oracle.LR,
        lr_scheduler_type="cosine_with_min_lr", lr_scheduler_kwargs={"min_lr_rate": 0.1}, warmup_steps=0.1,
        logging_steps=2, report_to=[], use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    data = [{"x": torch.randn(2), "labels": torch.randn(1)} for _ in range(64)]
    trainer = transformers.Trainer(model=Line(2, 1), args=arguments, train_dataset=data)
    trainer.train()
    trainer.save_state()
    (tmp_path / "training_args.json").write_text(arguments.to_json_string())
    log = read_log(tmp_path)
    found = audit(log, config_beside(log))

    assert (found.matched, found.total, log.horizon) == (12, 12, 24)


# --- YOLOv5 -----------------------------------------------------------------------------------------------------------


def torch_scheduler(loop: Loop, lf: Factor) -> Any:
    """Three groups as the trainers make them: SGD, or Adam, which has no momentum."""
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(3)]
    optimizer: Any
    if loop.adam:
        optimizer = torch.optim.Adam([weights[0]], lr=loop.lr0, betas=(loop.momentum, 0.999))
    else:
        optimizer = torch.optim.SGD([weights[0]], lr=loop.lr0, momentum=loop.momentum, nesterov=True)
    for weight in weights[1:]:
        optimizer.add_param_group({"params": [weight]})
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=lf)


@pytest.mark.parametrize("loop", LOOPS, ids=name)
def test_every_group_has_the_rates_of_torch(loop: Loop) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no step of the optimizer comes before those of the scheduler
        rows = loop.run(torch_scheduler)

    assert_trains_as(loop, rows)
