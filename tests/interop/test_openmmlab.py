"""The schedulers of mmengine, and of mmcv where it is installed, stepped over whole runs."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from lrsched.trainers.openmmlab import RunConfig
from tests.interop.stepping import optimizer, stepped
from tests.trainers.openmmlab.runs import (
    EPOCHS,
    LR,
    MMCV,
    MMENGINE,
    NB,
    TOTAL,
    WARMUPS,
    mmcv_settings,
    mmengine_settings,
)


def windows(schedulers: list[dict[str, Any]], total: int) -> list[float]:
    """The rate that each iteration of a run of mmengine is trained with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mmengine loads what torch calls old
        library = importlib.import_module("mmengine.optim.scheduler")
    stand, made = optimizer(LR), []
    for given in schedulers:
        kind, own = getattr(library, given["type"]), {key: value for key, value in given.items() if key != "type"}
        convert = own.pop("convert_to_iter_based", False)
        extra = {"epoch_length": NB} if convert else {}
        made.append((kind.build_iter_from_epoch if convert else kind)(stand, **own, **extra))

    def step(i: int) -> None:
        for scheduler in sorted(made, key=lambda each: each.by_epoch):  # those that count iterations first
            if not scheduler.by_epoch or (i + 1) % NB == 0:
                scheduler.step()

    return stepped(stand, step, total)


@pytest.mark.parametrize("name", MMENGINE)
def test_windows_are_stepped_as_mmengine_steps_them(name: str) -> None:
    schedulers, _ = MMENGINE[name]
    expected = windows(schedulers, TOTAL)
    found = RunConfig(settings=mmengine_settings(schedulers), epoch_length=NB).schedules()["rate"](range(TOTAL))
    assert found.tolist() == pytest.approx(expected, rel=1e-12, abs=0)


def hooked(given: dict[str, Any]) -> list[float]:
    """The rate that each iteration of a run of mmcv is trained with."""
    hooks = importlib.import_module("mmcv.runner.hooks.lr_updater")
    name = given["policy"].title() if given["policy"].islower() else given["policy"]
    hook = getattr(hooks, f"{name}LrUpdaterHook")(**{key: value for key, value in given.items() if key != "policy"})
    optimizer = SimpleNamespace(param_groups=[{"lr": LR}])
    runner = SimpleNamespace(optimizer=optimizer, max_epochs=EPOCHS, max_iters=TOTAL, data_loader=range(NB), iter=0)
    hook.before_run(runner)
    rates = []
    for i in range(TOTAL):
        runner.iter, runner.epoch = i, i // NB
        if i % NB == 0:
            hook.before_train_epoch(runner)
        hook.before_train_iter(runner)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


if importlib.util.find_spec("mmcv") is not None:  # mmcv 1 needs a setuptools that pip no longer has

    def test_every_policy_has_the_rates_of_the_hook_of_mmcv() -> None:
        for policy, _ in MMCV.values():
            for warmup in ({}, *(warmup for warmup, _ in WARMUPS.values())):
                given = policy | warmup
                found = RunConfig(settings=mmcv_settings(given), epoch_length=NB).schedules()["rate"](range(TOTAL))
                assert found.tolist() == pytest.approx(hooked(given), rel=1e-12, abs=0), given
