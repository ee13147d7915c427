"""The schedules of transformers and DeepSpeed, stepped by themselves; without one of them its own are left out."""

from __future__ import annotations

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
from lrsched.trainers.huggingface import schedule_of
from tests.interop.stepping import Line, optimizer, stepped
from tests.trainers.huggingface.oracle import CASES, LR

# DeepSpeed, whose own are called Warmup..., is built for the machine it is installed on: it is not in the extra
THERE = [case for case in CASES if not case[0].startswith("Warmup") or find_spec("deepspeed") is not None]


@pytest.mark.parametrize(("kind", "warmup", "horizon", "own"), THERE)
def test_every_step_has_the_rate_of_the_real_scheduler(
    kind: str, warmup: int, horizon: int, own: dict[str, Any]
) -> None:
    steps = 4 * horizon  # as far as a schedule gets that four processes step
    stand = optimizer(LR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no step of the optimizer comes before the first of DeepSpeed's scheduler
        scheduler = made(stand, kind, warmup, horizon, own)
    rates = stepped(stand, lambda step: scheduler.step(), steps)

    schedule = schedule_of(kind, LR, warmup, horizon, **own)
    np.testing.assert_allclose(schedule(range(steps)), rates, rtol=0, atol=LR * 1e-12)


def made(optimizer: torch.optim.Optimizer, kind: str, warmup: int, horizon: int, own: dict[str, Any]) -> Any:
    if not kind.startswith("Warmup"):
        return transformers.get_scheduler(kind, optimizer, warmup, horizon, scheduler_specific_kwargs=own)
    schedules = import_module("deepspeed.runtime.lr_schedules")
    steps = {"total_num_steps": horizon} if kind == "WarmupDecayLR" else {}
    scheduler = getattr(schedules, kind)(optimizer, **steps, warmup_max_lr=LR, warmup_num_steps=warmup, **own)
    scheduler.step()  # DeepSpeed counts from -1, and takes a step before the first one
    return scheduler


def test_the_files_of_a_real_trainer_agree(tmp_path: Path) -> None:
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), per_device_train_batch_size=4, gradient_accumulation_steps=2, learning_rate=LR,
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
