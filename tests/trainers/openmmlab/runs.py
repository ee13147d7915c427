"""Small runs of mmcv and mmengine: configs, the rates they have by the formulas restated here, the logs they leave."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

EPOCHS, NB = 12, 40
TOTAL = EPOCHS * NB
LR = 0.02

Formula = Callable[[int], float]


def cosine(x: float, high: float, low: float = 0.0) -> float:
    """Half a cosine from one rate to another."""
    return low + (high - low) * (1 + math.cos(math.pi * x)) / 2


def one_cycle(i: int) -> float:
    """Up over 143 iterations and down over the rest."""
    return cosine(i / 143, 0.004, 0.1) if i <= 143 else cosine((i - 143) / (TOTAL - 1 - 143), 0.1, 4e-7)


def cyclic(i: int) -> float:
    """Twice up over 96 iterations and down over 144."""
    up = i % 240 / 96
    return cosine(up, LR, LR * 10) if up < 1 else cosine((i % 240 - 96) / 144, LR * 10, LR * 1e-4)


def restarted(i: int) -> float:
    """A cosine over 4 epochs, and half of one over 8."""
    epoch = i // NB
    return cosine(epoch / 4, LR, 1e-4) if epoch < 4 else cosine((epoch - 4) / 8, LR / 2 + 5e-5, 1e-4)


def steps(i: int) -> float:
    """Two drops."""
    return LR * 0.1 ** ((i // NB >= 8) + (i // NB >= 11))


BY_ITERATION, MIN = {"by_epoch": False}, {"min_lr": 1e-4}
RESTARTS = {"periods": [4, 8], "restart_weights": [1, 0.5]}
POLY, FLAT = {"policy": "poly", "power": 0.9, **BY_ITERATION}, {"policy": "FlatCosineAnnealing", **BY_ITERATION}
CYCLIC = {"policy": "cyclic", "target_ratio": (10, 1e-4), "cyclic_times": 2, "step_ratio_up": 0.4}

MMCV: Mapping[str, tuple[dict[str, Any], Formula]] = {
    "fixed": ({"policy": "fixed"}, lambda i: LR),
    "step": ({"policy": "step", "step": [8, 11]}, steps),
    "every": ({"policy": "step", "step": 3, "gamma": 0.5, "min_lr": 4e-3}, lambda i: max(LR / 2 ** (i // 120), 4e-3)),
    "exp": ({"policy": "exp", "gamma": 0.9}, lambda i: LR * 0.9 ** (i // NB)),
    "poly": (POLY | MIN, lambda i: (LR - 1e-4) * (1 - i / TOTAL) ** 0.9 + 1e-4),
    "inv": ({"policy": "inv", "gamma": 0.1, "power": 0.75}, lambda i: LR * (1 + 0.1 * (i // NB)) ** -0.75),
    "cosine": ({"policy": "CosineAnnealing", "min_lr_ratio": 0.01}, lambda i: cosine(i // NB / EPOCHS, LR, LR * 0.01)),
    "flat": (FLAT | {"start_percent": 0.5, "min_lr": 0}, lambda i: cosine(max(2 * i / TOTAL - 1, 0), LR)),
    "restart": ({"policy": "CosineRestart", **RESTARTS, **MIN}, restarted),
    "linear": ({"policy": "LinearAnnealing", "min_lr": 0}, lambda i: LR * (1 - i // NB / EPOCHS)),
    "cyclic": (CYCLIC, cyclic),
    "onecycle": ({"policy": "OneCycle", "max_lr": 0.1, "pct_start": 0.3}, one_cycle),
}
"""Policies of mmcv, and their rate at each iteration of the run."""

WARMUPS: Mapping[str, tuple[dict[str, Any], Formula]] = {
    "linear": ({"warmup": "linear", "warmup_iters": 60, "warmup_ratio": 0.001}, lambda i: 1 - (1 - i / 60) * 0.999),
    "constant": ({"warmup": "constant", "warmup_iters": 60, "warmup_ratio": 1 / 3}, lambda i: 1 / 3),
    "exp": ({"warmup": "exp", "warmup_iters": 60, "warmup_ratio": 0.1}, lambda i: 0.1 ** (1 - i / 60)),
    "epochs": ({"warmup": "linear", "warmup_iters": 2, "warmup_by_epoch": True}, lambda i: 0.1 + 0.9 * i / (2 * NB)),
}

WARM = {"type": "LinearLR", "start_factor": 1e-3, "by_epoch": False, "begin": 0, "end": 50}
CONVERTED = {"by_epoch": True, "convert_to_iter_based": True}


def warm(i: int, after: float) -> float:
    """What WARM makes of a rate that does not change while it lasts."""
    return after * (0.001 + 0.999 * i / 49) if i < 50 else after


def flat(i: int) -> float:
    """A warm-up, the peak for half of the run, half a cosine."""
    return warm(i, cosine(max(i - 6 * NB, 0) / (6 * NB), LR, 1e-3))


MILESTONES = {"type": "MultiStepLR", "begin": 0, "end": 12, "by_epoch": True, "milestones": [8, 11], "gamma": 0.1}
HALF = {"type": "CosineAnnealingLR", "eta_min": 1e-3, "begin": 6, "end": 12, "T_max": 6, **CONVERTED}
AFTER = {"type": "PolyLR", "eta_min": 1e-4, "power": 0.9, "begin": 50, "end": TOTAL, "by_epoch": False}
ONE = {"type": "OneCycleLR", "eta_max": 0.1}
THREE = ONE | {"total_steps": TOTAL, "by_epoch": False, "three_phase": True, "anneal_strategy": "linear"}
TURNS = {"type": "CosineAnnealingLR", "T_max": 90, "eta_min_ratio": 0.05, "by_epoch": False}

MMENGINE: Mapping[str, tuple[list[dict[str, Any]], Formula | None]] = {
    "steps": ([WARM, MILESTONES], lambda i: warm(i, steps(i))),
    "flat": ([WARM, HALF], flat),
    "poly": ([WARM, AFTER], lambda i: warm(i, (LR - 1e-4) * (1 - max(i - 50, 0) / (TOTAL - 51)) ** 0.9 + 1e-4)),
    "exponential": ([{"type": "ExponentialLR", "gamma": 0.9, "begin": 1}], lambda i: LR * 0.9 ** max(i // NB - 1, 0)),
    "constant": ([{"type": "ConstantLR", "factor": 0.1, "end": 3}], lambda i: LR * (0.1 if i < 2 * NB else 1)),
    "step": ([{"type": "StepLR", "step_size": 3, "gamma": 0.3}], lambda i: LR * 0.3 ** (i // NB // 3)),
    "onecycle": ([ONE | {"total_steps": 12, "pct_start": 0.3, **CONVERTED}], one_cycle),
    "restarts": (
        [{"type": "CosineRestartLR", **RESTARTS, "eta_min": 1e-4, **CONVERTED}],
        lambda i: cosine(i / 160, LR, 1e-4) if i < 160 else cosine((i - 160) / 320, LR / 2, 1e-4),
    ),
    # what windows do where they overlap has no simple formula: real mmengine is asked
    "overlapping poly": ([WARM, {"type": "PolyLR", "eta_min": 1e-4, "end": TOTAL, "by_epoch": False}], None),
    "overlapping cosine": ([WARM, {"type": "CosineAnnealingLR", "eta_min": 1e-4, "end": 12}], None),
    "there and back": ([TURNS], None),
    "three phases": ([THREE], None),
    "counted from begin": ([{"type": "MultiStepLR", "milestones": [2, 2, 5], "begin": 2, "end": 9}], None),
}
"""Lists of schedulers of mmengine, and their rate where a formula has it."""


def mmcv_settings(policy: Mapping[str, Any]) -> dict[str, Any]:
    """A config of mmcv that has this policy."""
    return {"lr_config": policy, "optimizer": {"type": "SGD", "lr": LR}, "runner": {"max_epochs": EPOCHS}}


def mmengine_settings(schedulers: list[dict[str, Any]]) -> dict[str, Any]:
    """A config of mmengine that has these schedulers."""
    wrapper = {"optimizer": {"type": "SGD", "lr": LR}}
    return {"param_scheduler": schedulers, "optim_wrapper": wrapper, "train_cfg": {"max_epochs": EPOCHS}}


def dumped(settings: Mapping[str, Any]) -> str:
    """A config as the trainers print it."""
    return "".join(f"{name} = {value!r}\n" for name, value in settings.items())


def mmcv_text(settings: Mapping[str, Any], rate: Formula, first: int = 0, last: int = TOTAL) -> str:
    """The log that mmcv prints: every tenth iteration, rates to four digits, an evaluation after each epoch."""
    stamp = "2022-03-01 10:00:00,000 - mmdet - INFO - "
    lines = [f"{stamp}Environment info:\nPython: 3\n", f"{stamp}Config:\n{dumped(settings)}", f"{stamp}workflow: train"]
    for i in range(first, last):
        epoch, step = i // NB + 1, i % NB + 1
        if step % 10 == 0:
            rest = "eta: 1 day, 0:01:00, time: 0.250, data_time: 0.010, memory: 99, loss: 0.5000"
            lines.append(f"{stamp}Epoch [{epoch}][{step}/{NB}]\tlr: {rate(i):.3e}, {rest}")
        if step == NB:
            lines.append(f"{stamp}Epoch(val) [{epoch}][17]\tbbox_mAP: {epoch / 100:.4f}")
    return "\n".join(lines) + "\n"


def mmcv_json(settings: Mapping[str, Any], rate: Formula) -> str:
    """The .log.json of mmcv: every number to five decimals."""
    lines: list[dict[str, Any]] = [{"env_info": "sys.platform: linux", "config": dumped(settings)}]
    for i in range(9, TOTAL, 10):
        lines.append({"mode": "train", "epoch": i // NB + 1, "iter": i % NB + 1, "lr": round(rate(i), 5), "loss": 0.5})
        if (i + 1) % NB == 0:
            lines.append({"mode": "val", "epoch": i // NB + 1, "iter": NB, "lr": round(rate(i), 5), "bbox_mAP": 0.3})
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def mmengine_json(rate: Formula, first: int = 0, last: int = TOTAL) -> str:
    """The scalars.json of mmengine: all digits, iterations of the whole run."""
    lines: list[dict[str, Any]] = []
    for i in range(first + 9, last, 10):
        lines.append({"lr": rate(i), "data_time": 0.1, "loss": 0.5, "time": 0.2, "epoch": i // NB + 1})
        lines[-1] |= {"iter": i + 1, "memory": 99, "step": i + 1}
        if (i + 1) % NB == 0:
            lines.append({"coco/bbox_mAP": 0.3, "data_time": 0.1, "time": 0.2, "step": i // NB + 1})
    return "".join(f"{json.dumps(line)}\n" for line in lines)
