"""The formulas of transformers and DeepSpeed restated in plain Python, and the files a run with them leaves behind."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

LR = 3e-4

CASES: tuple[tuple[str, int, int, dict[str, Any]], ...] = (
    ("constant", 0, 50, {}),
    ("constant_with_warmup", 7, 50, {}),
    ("constant_with_warmup", 0, 50, {}),
    ("linear", 0, 50, {}),
    ("linear", 7, 50, {}),
    ("linear", 60, 50, {}),
    ("linear", 50, 50, {}),
    ("cosine", 0, 997, {}),
    ("cosine", 34, 336, {}),
    ("cosine", 10, 110, {"num_cycles": 1.25}),
    ("cosine", 60, 50, {}),
    ("cosine_with_restarts", 10, 110, {"num_cycles": 4}),
    ("cosine_with_restarts", 7, 110, {"num_cycles": 3}),
    ("cosine_with_restarts", 0, 30, {}),
    ("polynomial", 7, 50, {}),
    ("polynomial", 0, 50, {"power": 2.5, "lr_end": 1e-5}),
    ("polynomial", 60, 50, {}),
    ("inverse_sqrt", 7, 50, {}),
    ("inverse_sqrt", 0, 50, {}),
    ("inverse_sqrt", 7, 50, {"timescale": 30}),
    ("inverse_sqrt", 20, 50, {"timescale": 5}),
    ("cosine_with_min_lr", 7, 50, {"min_lr": 1e-5}),
    ("cosine_with_min_lr", 0, 50, {"min_lr_rate": 0.1, "num_cycles": 0.75}),
    ("cosine_warmup_with_min_lr", 7, 50, {"min_lr_rate": 0.1}),
    ("cosine_warmup_with_min_lr", 7, 50, {"min_lr": 1e-5, "warmup_lr_rate": 0.2}),
    ("cosine_warmup_with_min_lr", 1, 50, {"min_lr": 0, "warmup_lr_rate": 0.2}),
    ("cosine_warmup_with_min_lr", 1, 50, {"min_lr": 0}),
    ("cosine_warmup_with_min_lr", 0, 50, {"min_lr": 0}),
    ("cosine_warmup_with_min_lr", 60, 50, {"min_lr": 0}),
    ("warmup_stable_decay", 7, 50, {"num_decay_steps": 10}),
    ("warmup_stable_decay", 0, 50, {"num_decay_steps": 10, "decay_type": "linear", "min_lr_ratio": 0.1}),
    ("warmup_stable_decay", 7, 50, {"num_decay_steps": 10, "decay_type": "1-sqrt", "warmup_type": "1-sqrt"}),
    ("warmup_stable_decay", 7, 50, {"num_decay_steps": 10, "warmup_type": "cosine", "min_lr_ratio": 0.1}),
    ("warmup_stable_decay", 7, 50, {"num_decay_steps": 10, "num_stable_steps": 20, "num_cycles": 1.5}),
    ("warmup_stable_decay", 7, 50, {"num_decay_steps": 48}),
    ("WarmupLR", 20, 50, {"warmup_min_lr": 1e-5}),
    ("WarmupLR", 1, 50, {"warmup_type": "linear"}),
    ("WarmupDecayLR", 20, 50, {"warmup_min_lr": 1e-5}),
    ("WarmupDecayLR", 60, 50, {"warmup_min_lr": 1e-5, "warmup_type": "linear"}),
)
"""The schedules that are tried: type, warm-up, steps of the run, arguments; the rate is LR."""


def factor(kind: str, k: int, w: int, t: int, **own: Any) -> Any:  # noqa: PLR0912 (one branch a type)
    """The share of LR after k steps."""
    cycles = own.get("num_cycles", 1 if kind == "cosine_with_restarts" else 0.5)
    least = own["min_lr"] / LR if "min_lr" in own else own.get("min_lr_rate", own.get("min_lr_ratio", 0.0))
    if kind.startswith("Warmup"):
        least, w = own.get("warmup_min_lr", 0) / LR, max(w, 2)
        share = k / w if own.get("warmup_type") == "linear" else math.log(k + 1) / math.log(w)
        if k >= w:
            share = 1.0 if kind == "WarmupLR" else max(0.0, (t - k) / max(1, t - w))
        return least + (1 - least) * share
    if kind == "constant":
        return 1.0
    if kind == "warmup_stable_decay":
        q = (k - (t - own["num_decay_steps"])) / own["num_decay_steps"]
        if "num_stable_steps" in own:
            q = (k - w - own["num_stable_steps"]) / own["num_decay_steps"]
        if k < w:
            wave, root = 0.5 * (1 - math.cos(math.pi * k / w)), 1 - math.sqrt(1 - k / w)
            share = {"linear": k / w, "cosine": wave, "1-sqrt": root}[own.get("warmup_type", "linear")]
        elif 0 <= q < 1:
            wave, root = 0.5 * (1 + math.cos(2 * math.pi * cycles * q)), 1 - math.sqrt(q)
            share = {"linear": 1 - q, "cosine": wave, "1-sqrt": root}[own.get("decay_type", "cosine")]
        else:
            share = float(q < 0)
        return least + (1 - least) * share
    if kind == "cosine_warmup_with_min_lr":
        if k < w and "warmup_lr_rate" in own:
            return own["warmup_lr_rate"] + (1 - own["warmup_lr_rate"]) * k / max(1, w - 1)
        if k < w:
            return (k + 1) / w
    elif k < w:
        return k / max(1, w)
    p = (k - w) / max(1, t - w)
    if kind == "linear":
        return max(0.0, (t - k) / max(1, t - w))
    if kind == "cosine_with_restarts":
        return 0.5 * (1 + math.cos(math.pi * (cycles * p % 1))) if p < 1 else 0.0
    if kind == "polynomial":
        end = own.get("lr_end", 1e-7) / LR
        return end + (1 - end) * (1 - p) ** own.get("power", 1) if k <= t else end
    if kind == "inverse_sqrt":
        scale = own.get("timescale", w or 10_000)
        return 1 / math.sqrt((k + scale - w) / scale)
    if kind == "cosine_warmup_with_min_lr":
        p = (k - w + 1) / max(1, t - w)
    return least + (1 - least) * 0.5 * (1 + math.cos(2 * math.pi * cycles * p)) if kind.startswith("cosine") else 1.0


def state(rates: Iterable[tuple[int, float]], steps: int, **keys: Any) -> bytes:
    """A trainer_state.json with these steps and rates; with a best_global_step it is of 4.50 or later."""
    row = {"grad_norm": 1.0}
    rows = [row | {"epoch": at / 100, "learning_rate": rate, "loss": 9 / at, "step": at} for at, rate in rates]
    known = {**keys, "global_step": rows[-1]["step"], "log_history": rows, "max_steps": steps}
    return json.dumps(known, indent=2).encode()


def line(step: int, rate: float, elapsed: str, total: int = 100, loss: float = 1.0) -> str:
    """A line of LLaMA-Factory's trainer_log.jsonl."""
    row = {"current_steps": step, "total_steps": total, "loss": loss, "lr": rate, "elapsed_time": elapsed}
    return json.dumps(row | {"epoch": step / 50}) + "\n"


def logged(count: Callable[[int], int], kind: str = "cosine", w: int = 30, t: int = 1000) -> list[tuple[int, float]]:
    """Steps 10, 20 ... with the rate of a schedule that has advanced ``count(step)`` times."""
    return [(step, LR * factor(kind, count(step), w, t)) for step in range(10, t + 1, 10)]
