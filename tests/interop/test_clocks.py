"""Clock errors planted in runs of the real schedulers of each trainer: what is wrong is named."""

from __future__ import annotations

import importlib
import json
import math
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch

from lrsched.log import Log
from lrsched.logs import audit, infer
from lrsched.schedules import cosine, one_cycle
from lrsched.trainers.detectron2 import Solver
from lrsched.trainers.openmmlab import RunConfig
from lrsched.trainers.printed.lines import Settings
from lrsched.trainers.timm import Args
from tests.factories import log_of
from tests.interop.stepping import optimizer, schedulers_of_timm, stepped
from tests.interop.test_trainers import windows
from tests.trainers.openmmlab.runs import mmengine_settings

LONG, SHORT = 600, 400
"""Steps of a run, and of the one that is resumed with more."""


def torch_cosine(steps: int) -> list[float]:
    made = optimizer(0.01)
    rule = torch.optim.lr_scheduler.LambdaLR(
        made, lambda k: k / 50 if k < 50 else max(0.5 * (1 + math.cos(math.pi * (k - 50) / (steps - 50))), 0.0)
    )
    return stepped(made, lambda k: rule.step(), steps + 1)


def torch_one_cycle(steps: int) -> list[float]:
    made = optimizer(0.01)
    rule = torch.optim.lr_scheduler.OneCycleLR(made, 0.01, total_steps=steps)
    return stepped(made, lambda k: rule.step(), steps)


def rise_and_fall(steps: int) -> list[dict[str, Any]]:
    rise = {"type": "LinearLR", "start_factor": 1e-3, "by_epoch": False, "begin": 0, "end": 50}
    fall = {"type": "CosineAnnealingLR", "eta_min": 1e-3, "by_epoch": False, "begin": 50, "end": steps}
    return [rise, {**fall, "T_max": steps - 50}]


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
    return stepped(made, lambda epoch: scheduler.step(epoch + 1), steps)


def table(step: int, rate: float, horizon: int) -> str:
    return f"{step},{rate!r}"


def summary(epoch: int, rate: float, horizon: int) -> str:
    return f"{epoch},1.0,1.0,50.0,{rate!r}"


def scalars(step: int, rate: float, horizon: int) -> str:
    return json.dumps({"lr": rate, "data_time": 0.1, "iter": step + 1, "step": step + 1})


def metrics(step: int, rate: float, horizon: int) -> str:
    seconds = 0.5 * (horizon - 1 - step)
    return json.dumps({"iteration": step, "lr": rate, "time": 0.5, "total_loss": 1.0, "eta_seconds": seconds})


HEADS: dict[Any, list[str]] = {table: ["step,lr"], summary: ["epoch,train_loss,eval_loss,eval_top1,lr"]}


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """A trainer with its real scheduler."""

    rates: Callable[[int], list[float]]  # of a run of so many steps, by the count of the scheduler
    line: Callable[[int, float, int], str]  # what it logs of a step, its rate and the horizon
    config: Callable[[int], Any]  # of a run of so many steps
    unit: str = "iteration"
    every: int = 1
    knows_late: bool = True

    def log(self, steps: list[int], rates: list[float], horizons: list[int]) -> Log:
        """The log of some steps."""
        return log_of([*HEADS.get(self.line, []), *map(self.line, steps, rates, horizons)])


def planned(make: Callable[[int], Any]) -> Callable[[int], Settings]:
    return lambda steps: Settings(source="plan", trainer="table", rate=make(steps), words="a plan")


def iterations(steps: int) -> RunConfig:
    settings = mmengine_settings(rise_and_fall(steps))
    return RunConfig(settings={**settings, "train_cfg": {"max_iters": steps, "type": "IterBasedTrainLoop"}})


TRAINERS = {
    "torch cosine": Trainer(
        rates=torch_cosine, line=table, knows_late=False, every=3,
        config=planned(lambda steps: cosine(peak=0.01, horizon=steps, warmup=50)),
    ),
    "torch one cycle": Trainer(
        rates=torch_one_cycle, line=table, knows_late=False,
        config=planned(lambda steps: one_cycle(peak=0.01, horizon=steps - 1, warmup=3 * steps // 10 - 1)),
    ),
    "timm": Trainer(
        rates=timm, line=summary, unit="epoch",
        config=lambda steps: Args(lr=0.05, epochs=steps, warmup_epochs=50, warmup_lr=1e-4, min_lr=1e-5),
    ),
    "mmengine": Trainer(
        rates=lambda steps: windows(rise_and_fall(steps), steps), line=scalars, config=iterations, every=5,
    ),
    "detectron2": Trainer(
        rates=detectron2, line=metrics, every=10,
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
