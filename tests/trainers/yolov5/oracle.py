"""The training loops of the family restated, as independent expected values: no numpy arrays, no era of ours.

Each case spells out what a version's train.py does; the scheduler is torch's LambdaLR or the few lines of it below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Factor: TypeAlias = Callable[[int], float]


@dataclass(frozen=True, kw_only=True)
class Loop:
    """One run as its source has it; ``lf`` and ``nw`` are keys of the tables below."""

    era: str
    decay: str = ""
    lf: str
    nw: str
    bias: int = 0
    closed: bool = True
    step_first: bool = False
    adam: bool = False
    lr0: float = 0.01
    lrf: float = 0.01
    momentum: float = 0.937
    warmup_epochs: float = 3.0
    warmup_momentum: float = 0.8
    warmup_bias_lr: float = 0.1
    epochs: int = 6
    nb: int = 7
    batch: int = 16
    checkpoint: int | None = None

    def run(self, make: Callable[[Loop, Factor], Any]) -> list[dict[str, float]]:
        """What every iteration trains with."""
        epochs = self.epochs
        lf = LF[self.lf](lambda: epochs, self.lrf)
        scheduler = make(self, lf)
        groups = scheduler.optimizer.param_groups
        start = 0
        if self.checkpoint is not None:
            start = self.checkpoint + 1
            if epochs < start:
                epochs += self.checkpoint
        accumulate: float = max(round(64 / self.batch), 1)
        nw = NW[self.nw](self.warmup_epochs, epochs, self.nb)
        scheduler.last_epoch = start - 1
        if start:  # the optimizer's state comes from the checkpoint, of a run with the same numbers
            for x in groups:
                x["lr"] = self.lr0 * lf(start - 1)
                if "momentum" in x and nw > 0:
                    x["momentum"] = np.interp(nw - (not self.closed), [0, nw], [self.warmup_momentum, self.momentum])
        rows = []
        for epoch in range(start, epochs):
            if self.step_first:
                scheduler.step()
            for i in range(self.nb):
                ni = i + self.nb * epoch
                if ni < nw or (self.closed and ni == nw):
                    xi = [0, nw]
                    accumulate = max(1, np.interp(ni, xi, [1, 64 / self.batch]).round())
                    for j, x in enumerate(groups):
                        begin = self.warmup_bias_lr if j == self.bias else 0.0
                        x["lr"] = np.interp(ni, xi, [begin, x["initial_lr"] * lf(epoch)])
                        if "momentum" in x:
                            x["momentum"] = np.interp(ni, xi, [self.warmup_momentum, self.momentum])
                row = {f"group {j}": float(x["lr"]) for j, x in enumerate(groups)}
                row |= {"ni": ni, "accumulate": float(accumulate)}
                rows.append(row | ({} if self.adam else {"momentum": float(groups[0]["momentum"])}))
            if not self.step_first:
                scheduler.step()
        return rows


class Optimizer:
    def __init__(self, loop: Loop) -> None:
        group = {"lr": loop.lr0, "initial_lr": loop.lr0, **({} if loop.adam else {"momentum": loop.momentum})}
        self.param_groups: list[dict[str, Any]] = [dict(group) for _ in range(3)]


class LambdaLR:
    """What torch.optim.lr_scheduler.LambdaLR does when it is made and stepped."""

    def __init__(self, loop: Loop, lf: Factor) -> None:
        self.optimizer, self.lf, self.last_epoch = Optimizer(loop), lf, -1
        self.step()

    def step(self) -> None:
        self.last_epoch += 1
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * self.lf(self.last_epoch)


def one_cycle(y1: float, y2: float, steps: int) -> Factor:
    return lambda x: ((1 - math.cos(x * math.pi / steps)) / 2) * (y2 - y1) + y1


def one_flat_cycle(y1: float, y2: float, steps: int) -> Factor:
    half = steps // 2
    return lambda x: ((1 - math.cos((x - half) * math.pi / half)) / 2) * (y2 - y1) + y1 if (x > half) else y1


LF: dict[str, Callable[[Callable[[], int], float], Factor]] = {
    "v1": lambda e, lrf: lambda x: ((1 + math.cos(x * math.pi / e())) / 2) ** 1.0 * 0.9 + 0.1,
    "v2": lambda e, lrf: lambda x: ((1 + math.cos(x * math.pi / e())) / 2) ** 1.0 * 0.8 + 0.2,
    "v3.1": lambda e, lrf: lambda x: ((1 + math.cos(x * math.pi / e())) / 2) * (1 - lrf) + lrf,
    "cycle": lambda e, lrf: one_cycle(1, lrf, e()),
    "flat": lambda e, lrf: one_flat_cycle(1, lrf, e()),
    "linear": lambda e, lrf: lambda x: (1 - x / e()) * (1.0 - lrf) + lrf,
    "to the last": lambda e, lrf: lambda x: (1 - x / (e() - 1)) * (1.0 - lrf) + lrf,
    "clamped": lambda e, lrf: lambda x: max(1 - x / e(), 0) * (1.0 - lrf) + lrf,
    "fixed": lambda e, lrf: lambda x: 1.0,
}
"""The factor by the epochs in force (a function, as a fine-tune changes them later) and the fraction."""

NW: dict[str, Callable[[float, int, int], int]] = {
    "three epochs": lambda warm, epochs, nb: max(3 * nb, 1000),
    "at least 1000": lambda warm, epochs, nb: max(round(warm * nb), 1000),
    "at least 100": lambda warm, epochs, nb: max(round(warm * nb), 100),
    "at least 100, or none": lambda warm, epochs, nb: max(round(warm * nb), 100) if warm > 0 else -1,
    "no longer than the run": lambda warm, epochs, nb: round(min(warm, epochs - 1) * nb),
}
"""The length of the warm-up."""

OLD: dict[str, Any] = {"nw": "three epochs", "bias": 2, "warmup_momentum": 0.9}
FIVE: dict[str, Any] = {"nw": "at least 1000", "bias": 2, "lrf": 0.2}
NEW: dict[str, Any] = {"nw": "at least 100"}
EIGHT: dict[str, Any] = {"nw": "at least 100, or none", "step_first": True}
NOW: dict[str, Any] = {"nw": "no longer than the run", "step_first": True, "closed": False}

KINDS: tuple[dict[str, Any], ...] = (
    {"era": "yolov5-v1", "lf": "v1", **OLD},
    {"era": "yolov5-v2", "lf": "v2", **OLD},
    {"era": "yolov5-v3.1", "lf": "v3.1", **FIVE},
    {"era": "yolov5-v4", "lf": "cycle", **FIVE},
    {"era": "yolov5-v5", "lf": "cycle", **FIVE},
    {"era": "yolov5-v5", "decay": "linear_lr", "lf": "to the last", **FIVE},
    {"era": "yolov5-v6.1", "lf": "linear", "nw": "at least 1000", "bias": 2},
    {"era": "yolov5-v6.1", "decay": "cos_lr", "lf": "cycle", "nw": "at least 1000", "bias": 2},
    {"era": "yolov5-v6.2", "lf": "linear", **NEW},
    {"era": "yolov5-v6.2", "decay": "cos_lr", "lf": "cycle", **NEW},
    {"era": "yolov7", "lf": "cycle", **FIVE},
    {"era": "yolov7", "decay": "linear_lr", "lf": "to the last", **FIVE},
    {"era": "yolov9", "decay": "flat_cos_lr", "lf": "flat", **NEW},
    {"era": "yolov9", "decay": "fixed_lr", "lf": "fixed", **NEW},
    {"era": "ultralytics-8.0", "lf": "linear", **NEW},
    {"era": "ultralytics-8.3", "lf": "clamped", **EIGHT},
    {"era": "ultralytics-8.3", "decay": "cos_lr", "lf": "cycle", **EIGHT},
    {"era": "ultralytics", "lf": "clamped", **NOW},
    {"era": "ultralytics", "decay": "cos_lr", "lf": "cycle", **NOW},
)

RUNS: tuple[dict[str, Any], ...] = (
    {},
    {"nb": 60, "epochs": 24},
    {"nb": 1, "epochs": 3, "batch": 64},
    {"nb": 8, "epochs": 30, "warmup_epochs": 0.5, "batch": 7},
    {"nb": 40, "epochs": 9, "warmup_epochs": 0.0, "batch": 300},
    {"nb": 130, "epochs": 6, "warmup_epochs": 2.3, "lr0": 0.0032, "momentum": 0.9, "batch": 24},
    {"nb": 30, "epochs": 5, "adam": True},
    {"nb": 45, "epochs": 10, "checkpoint": 14},
)

LOOPS = tuple(Loop(**{**kind, **run}) for kind in KINDS for run in RUNS)


def name(loop: Loop) -> str:
    return f"{loop.era} {loop.decay} {RUNS[LOOPS.index(loop) % len(RUNS)]}"
