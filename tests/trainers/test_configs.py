"""What every trainer's config answers about itself, and what of it is no config."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from lrsched.log import Log
from lrsched.sources import config_of
from lrsched.trainers import configs_of, shaping_of, trainer_of
from lrsched.trainers.darknet import Net, Random
from lrsched.trainers.detectron2 import Solver
from lrsched.trainers.huggingface import Arguments
from lrsched.trainers.openmmlab import RunConfig
from lrsched.trainers.printed.lines import Settings
from lrsched.trainers.timm import Args
from lrsched.trainers.yaml import ConfigError
from lrsched.trainers.yolov5 import Hyp
from lrsched.trainers.yolov5.comparing import EpochRate
from lrsched.trainers.yolox import Experiment
from tests.comparing import refusing

MMCV = {"optimizer": {"lr": 0.1}, "lr_config": {"policy": "step", "step": [8]}, "total_epochs": 12}
WARM = {"type": "LinearLR", "start_factor": 0.1, "end": 30, "by_epoch": False}
MMENGINE = {"optim_wrapper": {"lr": 0.1}, "param_scheduler": [WARM], "train_cfg": {"max_iters": 60}}
HYP = Hyp(epochs=30, iterations_per_epoch=10)
CONFIGS: tuple[tuple[Any, str], ...] = (
    (Solver(base_lr=0.02), "base_lr"),
    (Args(lr=0.05), "lr"),
    (Experiment(iterations_per_epoch=10), "basic_lr_per_img"),
    (Arguments(max_steps=90), "learning_rate"),
    (RunConfig(settings=MMCV, epoch_length=7), "optimizer.lr"),
    (RunConfig(settings=MMENGINE), "optim_wrapper.lr"),
    (HYP, "lr0"),
)
CAPTIONS = (
    "WarmupMultiStepLR · BASE_LR 0.02 · MAX_ITER 40000 · STEPS 30000 · GAMMA 0.1 · linear warm-up of 1000",
    "timm cosine · lr 0.05 · min_lr 0 · epochs 300 · 5 warm-up epochs",
    "yoloxwarmcos · lr 0.01 · 300 epochs · 5 to warm up · 15 without mosaic",
    "linear · learning_rate 5e-5 · warm-up 0 · 90 steps",
    "mmcv · step · lr 0.1 · 12 epochs · 7 iterations per epoch",
    "mmengine · LinearLR · lr 0.1 · 60 iterations",
    "Ultralytics · linear · lr0 0.01 · lrf 0.01 · 30 epochs · 3 warm-up epochs · 10 iterations per epoch",
)


@pytest.mark.parametrize(("given", "caption"), list(zip(CONFIGS, CAPTIONS, strict=True)), ids=CAPTIONS)
def test_a_config_answers_for_itself(given: tuple[Any, str], caption: str) -> None:
    config, key = given
    rate = next(iter(config.schedules().values()))
    shown = shaping_of(config).key(key)
    assert config.caption() == caption
    assert shown is not None
    twice = next(iter(config.with_values({key: 2 * shown.value}).schedules().values()))
    assert twice(rate.warmup) == pytest.approx(2 * rate(rate.warmup))


def test_the_points_of_a_list_are_keys() -> None:
    config = RunConfig(settings=MMENGINE)
    shown = {key.name: key.value for key in shaping_of(config).shown()}
    assert shown["param_scheduler.0.end"] == 30
    assert config.with_values({"param_scheduler.0.end": 10}).schedules()["rate"].warmup == 9
    assert ("lr_config.step", (8,)) in [(key.name, key.value) for key in shaping_of(RunConfig(settings=MMCV)).shown()]


def test_what_belongs_to_no_trainer() -> None:
    with pytest.raises(TypeError, match="belongs to no trainer that lrsched knows"):
        trainer_of(Log.of({"iteration": [1]}, trainer="mine"))
    assert configs_of(object()) is None
    assert config_of(EpochRate(hyp=HYP)) is None  # counts epochs
    assert config_of(Random(learning_rate=0.1, power=4.0)) is None  # does not end
    assert config_of(Net(burn_in=100, power=2.0, max_batches=500).schedule()) == Net(
        burn_in=100, power=2.0, max_batches=500, source="constant"
    )
    assert config_of(HYP.schedules()["bias"]) == HYP
    for config in (HYP, Args()):
        assert next(iter(config.schedules().values())).caption == config.caption()
    settings = Settings(source="a.log", trainer="llm.c", rate=HYP.schedules()["weights"], words="cosine · LR 0.1")
    assert settings.caption() == "llm.c · cosine · LR 0.1"


test_what_its_trainer_refuses_is_no_config = refusing(
    (partial(Experiment, scheduler="mine", iterations_per_epoch=9), ConfigError, "'mine'; known are yoloxwarmcos,"),
    (partial(Solver, warmup_method="cosine"), ConfigError, "WARMUP_METHOD is 'cosine'; known are linear and constant"),
    (partial(Args, sched="plateau", sched_on_updates=True), ConfigError, "stepped once an epoch, so timm stops"),
)
