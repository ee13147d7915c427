"""Clock errors planted in runs of the real schedulers of each trainer: what is wrong is named."""

from __future__ import annotations

import importlib
import json
import math
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch

from lrsched.log import Log
from lrsched.logs import audit, infer, read_logs
from lrsched.schedules import cosine, one_cycle
from lrsched.trainers.detectron2 import Solver
from lrsched.trainers.openmmlab import RunConfig
from lrsched.trainers.printed.lines import Settings
from lrsched.trainers.timm import Args
from tests.interop.test_epochs import schedulers_of_timm
from tests.trainers.openmmlab.runs import LR, mmengine_settings

LONG, SHORT = 600, 400
"""Steps of a run, and of the one that is resumed with more."""


def optimizer(lr: float) -> Any:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def stepped(made: Any, scheduler: Any, count: int) -> list[float]:
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no step of the optimizer comes before those of the scheduler
        for _ in range(count):
            rates.append(made.param_groups[0]["lr"])
            scheduler.step()
    return rates


def torch_cosine(steps: int) -> list[float]:
    made = optimizer(0.01)
    rule = torch.optim.lr_scheduler.LambdaLR(
        made, lambda k: k / 50 if k < 50 else max(0.5 * (1 + math.cos(math.pi * (k - 50) / (steps - 50))), 0.0)
    )
    return stepped(made, rule, steps + 1)


def torch_one_cycle(steps: int) -> list[float]:
    made = optimizer(0.01)
    return stepped(made, torch.optim.lr_scheduler.OneCycleLR(made, 0.01, total_steps=steps), steps)


def mmengine(steps: int) -> list[float]:
    made = optimizer(LR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mmengine loads what torch calls old
        library = importlib.import_module("mmengine.optim.scheduler")
    rise = library.LinearLR(made, start_factor=1e-3, by_epoch=False, begin=0, end=50)
    fall = library.CosineAnnealingLR(made, eta_min=1e-3, by_epoch=False, begin=50, end=steps, T_max=steps - 50)
    both = types.SimpleNamespace(step=lambda: (rise.step(), fall.step()))
    return stepped(made, both, steps)


def detectron2(steps: int) -> list[float]:
    fvcore = importlib.import_module("fvcore.common.param_scheduler")
    main = fvcore.CosineParamScheduler(1, 0)
    rise = fvcore.LinearParamScheduler(0.001, main(50 / steps))
    whole = fvcore.CompositeParamScheduler([rise, main], [50 / steps, 1 - 50 / steps], ["rescaled", "fixed"])
    return [0.02 * whole(i / steps) for i in range(steps)]


def timm(steps: int) -> list[float]:
    made = optimizer(0.05)
    asked = types.SimpleNamespace(sched="cosine", epochs=steps, warmup_epochs=50, warmup_lr=1e-4, min_lr=1e-5)
    scheduler, _ = schedulers_of_timm().create_scheduler(asked, made)
    rates = []
    for epoch in range(steps):
        rates.append(made.param_groups[0]["lr"])
        scheduler.step(epoch + 1)
    return rates


def read(text: str) -> Log:
    (log,) = read_logs(BytesIO(text.encode()))
    return log


def table(steps: list[int], rates: list[float], horizons: list[int]) -> Log:
    return read("step,lr\n" + "".join(f"{s},{r!r}\n" for s, r in zip(steps, rates, strict=True)))


def summary(steps: list[int], rates: list[float], horizons: list[int]) -> Log:
    rows = [f"{s},1.0,1.0,50.0,{r!r}\n" for s, r in zip(steps, rates, strict=True)]
    return read("epoch,train_loss,eval_loss,eval_top1,lr\n" + "".join(rows))


def scalars(steps: list[int], rates: list[float], horizons: list[int]) -> Log:
    rows = [{"lr": r, "data_time": 0.1, "iter": s + 1, "step": s + 1} for s, r in zip(steps, rates, strict=True)]
    return read("".join(f"{json.dumps(row)}\n" for row in rows))


def metrics(steps: list[int], rates: list[float], horizons: list[int]) -> Log:
    rows = [
        {"iteration": s, "lr": r, "time": 0.5, "total_loss": 1.0, "eta_seconds": 0.5 * (horizon - 1 - s)}
        for s, r, horizon in zip(steps, rates, horizons, strict=True)
    ]
    return read("".join(f"{json.dumps(row)}\n" for row in rows))


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """The rates of its real scheduler by its count, the log it writes of some steps, the config of so many steps."""

    rates: Callable[[int], list[float]]
    log: Callable[[list[int], list[float], list[int]], Log]
    config: Callable[[int], Any]
    unit: str = "iteration"
    every: int = 1
    knows_late: bool = True


def planned(make: Callable[[int], Any]) -> Callable[[int], Settings]:
    return lambda steps: Settings(source="plan", trainer="table", rate=make(steps), words="a plan")


def windows(steps: int) -> RunConfig:
    rise = {"type": "LinearLR", "start_factor": 1e-3, "by_epoch": False, "begin": 0, "end": 50}
    fall = {"type": "CosineAnnealingLR", "eta_min": 1e-3, "by_epoch": False, "begin": 50, "end": steps}
    settings = mmengine_settings([rise, {**fall, "T_max": steps - 50}])
    return RunConfig(settings={**settings, "train_cfg": {"max_iters": steps, "type": "IterBasedTrainLoop"}})


TRAINERS = {
    "torch cosine": Trainer(
        rates=torch_cosine, log=table, knows_late=False, every=3,
        config=planned(lambda steps: cosine(peak=0.01, horizon=steps, warmup=50)),
    ),
    "torch one cycle": Trainer(
        rates=torch_one_cycle, log=table, knows_late=False,
        config=planned(lambda steps: one_cycle(peak=0.01, horizon=steps - 1, warmup=3 * steps // 10 - 1)),
    ),
    "timm": Trainer(
        rates=timm, log=summary, unit="epoch",
        config=lambda steps: Args(lr=0.05, epochs=steps, warmup_epochs=50, warmup_lr=1e-4, min_lr=1e-5),
    ),
    "mmengine": Trainer(rates=mmengine, log=scalars, config=windows, every=5),
    "detectron2": Trainer(
        rates=detectron2, log=metrics, every=10,
        config=lambda steps: Solver(lr_scheduler_name="WarmupCosineLR", base_lr=0.02, max_iter=steps, warmup_iters=50),
    ),
}  # fmt: skip

LOST = (20, 70, 300)

PLANTED: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "processes": (lambda s: 4 * s, "with a clock 4 times as fast", "4 times as fast as the epochs"),
    "accumulation": (lambda s: s // 7, "advances once in 7 logged steps", "advanced once in 7 logged epochs"),
    "an epoch": (lambda s: s // 50, "advances once in 50 logged steps", "advanced once in 50 logged epochs"),
    "skipped": (
        lambda s: s - sum((s >= each).astype(int) for each in LOST), "with 3 skipped steps, the first at step",
        "advanced with 3 skipped epochs",
    ),
    "late": (lambda s: np.maximum(s - 1, 0), "one step late", "1 epoch late"),
    "not restored": (
        lambda s: np.where(s > 300, s - 300, s), "those of 300 iterations before: the count of the schedule was not",
        "those of 300 epochs before: the count of the schedule was not restored when the run was resumed",
    ),
    "twice": (
        lambda s: np.where(s > 200, s + 200, s), "those of 200 iterations later: the count of the schedule was",
        "those of 200 epochs later: the count of the schedule was restored twice",
    ),
}  # fmt: skip


@lru_cache
def rates_of(name: str, steps: int) -> Any:
    return np.array(TRAINERS[name].rates(steps))


def logged(name: str, count: Callable[[Any], Any]) -> Log:
    """The log of a run whose schedule counts so, as far as its scheduler goes."""
    trainer, rates = TRAINERS[name], rates_of(name, LONG)
    steps = np.arange(trainer.every - 1, LONG, trainer.every)
    steps = steps[count(steps) < len(rates)]
    return trainer.log(steps.tolist(), rates[count(steps)].tolist(), [LONG] * len(steps))


@pytest.mark.parametrize("name", TRAINERS)
def test_a_run_as_planned(name: str) -> None:
    log = logged(name, lambda s: s)
    found = infer(log)
    assert audit(log, TRAINERS[name].config(LONG)).ok
    assert (found.complete, found.clock) == (True, "")


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("name", TRAINERS)
def test_a_clock_that_is_wrong(name: str, planted: str) -> None:
    count, said, said_of_epochs = PLANTED[planted]
    checked = audit(logged(name, count), TRAINERS[name].config(LONG))
    if planted == "late" and not TRAINERS[name].knows_late:
        assert checked.ok
    else:
        assert (said if TRAINERS[name].unit == "iteration" else said_of_epochs) in checked.cause


@pytest.mark.parametrize("name", TRAINERS)
def test_a_run_that_was_resumed_with_another_number_of_steps(name: str) -> None:
    trainer = TRAINERS[name]
    steps = np.arange(trainer.every - 1, LONG, trainer.every)
    short, long = (rates_of(name, each) for each in (SHORT, LONG))
    rates = np.where(steps < 300, short[np.minimum(steps, SHORT - 1)], long[np.minimum(steps, len(long) - 1)])
    log = trainer.log(steps.tolist(), rates.tolist(), np.where(steps < 300, SHORT, LONG).tolist())
    cut = int(log.iteration[np.flatnonzero(steps >= 300)[0]])
    cause = audit(log, trainer.config(LONG)).cause
    assert f"From {cut} on the rates are as planned; up to " in cause
    assert "the run was resumed with another number of" in cause or "as after a resume with another config" in cause
    assert "the rate jumps from " in cause
    assert [at for at, _ in infer(log).rest] == [cut]


@pytest.mark.parametrize("name", TRAINERS)
def test_a_rate_that_was_scaled(name: str) -> None:
    log = logged(name, lambda s: s)
    scaled = replace(log, records=Log.of({"iteration": log.iteration, "rate": 8 * log.rate}, trainer="").records)
    cause = audit(scaled, TRAINERS[name].config(LONG)).cause
    assert "scaled before the training" in cause
