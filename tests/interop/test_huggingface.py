"""The schedules of transformers and DeepSpeed, stepped by themselves; without one of them its own are left out."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

from lrsched.trainers.huggingface import schedule_of
from tests.trainers.huggingface.oracle import CASES, LR


@pytest.mark.parametrize(("kind", "warmup", "horizon", "own"), CASES)
def test_every_step_has_the_rate_of_the_real_scheduler(
    kind: str, warmup: int, horizon: int, own: dict[str, Any]
) -> None:
    steps = 4 * horizon  # as far as a schedule gets that four processes step
    rates = []
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=LR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no step of the optimizer comes before those of the scheduler
        scheduler = made(optimizer, kind, warmup, horizon, own)
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.step()

    schedule = schedule_of(kind, LR, warmup, horizon, **own)
    np.testing.assert_allclose(schedule(range(steps)), rates, rtol=0, atol=LR * 1e-12)


def made(optimizer: torch.optim.Optimizer, kind: str, warmup: int, horizon: int, own: dict[str, Any]) -> Any:
    if not kind.startswith("Warmup"):
        transformers = pytest.importorskip("transformers")
        return transformers.get_scheduler(kind, optimizer, warmup, horizon, scheduler_specific_kwargs=own)
    schedules = pytest.importorskip("deepspeed.runtime.lr_schedules")
    steps = {"total_num_steps": horizon} if kind == "WarmupDecayLR" else {}
    scheduler = getattr(schedules, kind)(optimizer, **steps, warmup_max_lr=LR, warmup_num_steps=warmup, **own)
    scheduler.step()  # DeepSpeed counts from -1, and takes a step before the first one
    return scheduler
