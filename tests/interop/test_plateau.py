"""Logs that the real CSVLogger writes beside the real ReduceLROnPlateau are replayed; PyTorch's as well."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import torch

from lrsched.logs import infer, read_log
from lrsched.trainers.printed.plateau import plateau
from tests.interop.stepping import optimizer, stepped

RULES: list[dict[str, Any]] = [
    {"factor": 0.5, "patience": 4},
    {"factor": 0.2, "patience": 3, "cooldown": 2},
    {"factor": 0.1, "patience": 5, "min_lr": 2e-5},
    {"factor": 0.5, "patience": 2, "min_delta": 0.01},
]


def losses(seed: int) -> Any:
    noise = np.random.default_rng(seed)
    return 1 / np.arange(1, 91) ** 0.3 + noise.uniform(0, 0.05, 90)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of numpy, within keras
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(3))
def test_what_keras_logs_is_replayed(rule: dict[str, Any], seed: int, tmp_path: Path) -> None:
    path = tmp_path / "training.csv"
    model = SimpleNamespace(optimizer=keras.optimizers.SGD(0.001), stop_training=False)
    callbacks = [keras.callbacks.ReduceLROnPlateau(**rule), keras.callbacks.CSVLogger(str(path))]
    for callback in callbacks:
        callback.set_model(model)
        callback.on_train_begin()
    for epoch, loss in enumerate(losses(seed)):
        logs = {"loss": 0.9 * float(loss), "val_loss": float(loss)}
        for callback in callbacks:
            callback.on_epoch_end(epoch, logs)
    for callback in callbacks:
        callback.on_train_end()
    log = read_log(path)
    found = infer(log)
    assert log.trainer == "Keras"
    assert (found.family, found.matched) == ("plateau", 90)
    assert found.parameters["factor"] == rule["factor"]
    assert found.parameters["patience"] == rule["patience"] or "patience" in found.open


@pytest.mark.parametrize("patience", [2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_what_pytorch_does_is_replayed(patience: int, seed: int) -> None:
    made = optimizer(0.01)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(made, factor=0.5, patience=patience)
    logged = np.array(stepped(made, lambda epoch: scheduler.step(losses(seed)[epoch]), 90))
    found = plateau(np.arange(90), logged, logged * 1e-9, {"val_loss": losses(seed)})
    assert found is not None
    # Keras's with one epoch more lowers the rate at the same epochs, unless the margins tell them apart
    assert found.parameters["patience"] == patience + ("threshold_mode" not in found.parameters)
    assert found.curve(np.arange(90)).tolist() == pytest.approx(logged.tolist())
