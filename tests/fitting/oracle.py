"""Rates as the trainers' own formulas give them, restated in plain Python, one step at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

Rule = Callable[[int, int, int], float]


def linear(k: int, warmup: int, horizon: int) -> float:
    """What Hugging Face calls linear."""
    return k / warmup if k < warmup else max(0.0, (horizon - k) / max(1, horizon - warmup))


def cosine(k: int, warmup: int, horizon: int) -> float:
    """Half a wave from the end of the warm-up."""
    if k < warmup:
        return k / warmup
    return max(0.0, 0.5 * (1 + math.cos(math.pi * min(1.0, (k - warmup) / max(1, horizon - warmup)))))


def tenth(k: int, warmup: int, horizon: int) -> float:
    """Half a wave down to a tenth of the peak."""
    return k / warmup if k < warmup else 0.1 + 0.9 * cosine(k, warmup, horizon)


def constant(k: int, warmup: int, horizon: int) -> float:
    """A warm-up, then the peak."""
    return k / warmup if k < warmup else 1.0


def inverse_sqrt(k: int, warmup: int, horizon: int) -> float:
    """The peak at the end of the warm-up, half of it after four times as long."""
    return k / warmup if k < warmup else math.sqrt(max(warmup, 1) / max(k, 1))


def two_drops(k: int, warmup: int, horizon: int) -> float:
    """A tenth after 60 %, a hundredth after 80 % of the run."""
    at = (horizon * 6 // 10, horizon * 8 // 10)
    return k / warmup if k < warmup else 0.1 ** sum(k >= one for one in at)


def squared(k: int, warmup: int, horizon: int) -> float:
    """A polynomial decay of power 2."""
    return k / warmup if k < warmup else ((horizon - min(k, horizon)) / max(1, horizon - warmup)) ** 2


def stable(k: int, warmup: int, horizon: int) -> float:
    """The peak until the last fifth of the run, then straight to 0."""
    begin = horizon - horizon // 5
    if k < warmup:
        return k / warmup
    return 1.0 if k < begin else max(0.0, (horizon - k) / (horizon - begin))


RULES: dict[str, Rule] = {
    "linear": linear,
    "cosine": cosine,
    "tenth": tenth,
    "constant": constant,
    "inverse-sqrt": inverse_sqrt,
    "multi-step": two_drops,
    "polynomial": squared,
    "warmup-stable-decay": stable,
}
