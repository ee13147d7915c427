"""Schedules with one fault each, which one check finds and no other; and sound ones, in which no check finds any."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrsched.testing import Result

__all__ = ["BROKEN", "HORIZON", "SOUND", "Case", "failed", "falling"]

HORIZON = 100


def failed(results: list[Result]) -> dict[str, int | None]:
    return {result.check: result.iteration for result in results if result.status == "failed"}


@dataclass(frozen=True)
class Case:
    """A schedule, what is expected of it, the check that finds its fault, and the iteration it should name."""

    check: str
    function: Callable[[Any], Any]
    expected: dict[str, Any] = field(default_factory=dict)
    iteration: int | None = None


def falling(t: Any) -> Any:
    """From 0.1 to 0.05 in a straight line."""
    return 0.1 * (1 - t / 200)


def one_wrong(at: int, rate: Any) -> Callable[[int], Any]:
    """Falling, but for one iteration; it takes no arrays."""
    return lambda t: rate if t == at else 0.1 * (1 - int(t) / 200)


@dataclass
class Forgetful:
    """Gives another rate when iteration 50 is asked for twice in a row."""

    last: int = -1

    def __call__(self, t: int) -> float:
        twice = int(t) == self.last == 50
        self.last = int(t)
        return 0.1 * (1 - int(t) / 200) * (0.999 if twice else 1.0)


def warm(reached: int, *, dip: int = -1) -> Callable[[int], float]:
    return lambda t: 0.03 if t == dip else min(0.1 * t / reached, 0.1)


class LostOnTheWay:
    """Can be pickled, but not unpickled."""

    def __call__(self, t: Any) -> Any:
        return falling(t)

    def __reduce__(self) -> tuple[Any, ...]:
        return (unpacked, ())


def unpacked() -> None:
    raise ValueError("the table of rates was not saved")


WARM = {"warmup": 10, "peak": 0.1}

BROKEN = (
    Case("one-real-number", one_wrong(37, None), {"peak": 0.1}, iteration=37),
    Case("one-real-number", one_wrong(41, [0.1, 0.2]), iteration=41),
    Case("one-real-number", one_wrong(42, "0.1"), iteration=42),
    Case("one-real-number", lambda t: 0.1 * (1 - int(t) / 90) ** 1.5, iteration=91),
    Case("one-real-number", lambda t: 1 / (61 - t) if t <= 61 else 0.001, iteration=61),
    Case("finite", one_wrong(50, math.inf), iteration=50),
    Case("finite", one_wrong(50, np.float32("nan")), iteration=50),
    Case("not-negative", lambda t: 0.1 * math.cos(math.pi * int(t) / 120), iteration=61),
    Case("not-stuck-at-zero", lambda t: 0.1 if t < 10 else 0.0, iteration=10),
    Case("not-stuck-at-zero", lambda t: 0.0, iteration=0),
    Case("bounds", falling, {"minimum": 0.06}, iteration=81),
    Case("bounds", falling, {"maximum": 0.0999}, iteration=0),
    Case("initial-rate", falling, {"initial": 0.0}, iteration=0),
    Case("final-rate", falling, {"final": 0.0}, iteration=100),
    Case("peak", falling, {"peak": 0.11}, iteration=0),
    Case("peak", falling, {"peak": 0.09}, iteration=0),
    Case("peak", lambda t: min(0.1 * (t + 1) / 10, 0.1), WARM, iteration=9),
    Case("peak", warm(12), WARM, iteration=12),
    Case("warmup", warm(10, dip=5), WARM, iteration=5),
    Case("warmup", lambda t: 0.01 * t / 10 if t < 10 else 0.1, WARM, iteration=10),
    Case("warmup", lambda t: 0.001 if t < 10 else 0.1, WARM, iteration=10),
    Case("warmup", lambda t: 0.005 * t if t < 10 else 0.1, WARM, iteration=10),
    Case("warmup", lambda t: 0.1, {"warmup": 10}, iteration=10),
    Case("decay", lambda t: 0.05 * (1 + math.cos(math.pi * int(t) / 80)), {"decay": 0}, iteration=81),
    Case("decay", lambda t: 0.1 + 1e-14 * (t == 50), {"decay": 0}, iteration=50),
    Case("decay", lambda t: falling(t) + 0.001 * (t == 100), {"decay": 0}, iteration=100),
    Case("decay", lambda t: float(np.float16(0.1 - t * 1e-6)), {"decay": 0, "strict": True}, iteration=1),
    Case("jumps", lambda t: 0.1 if t <= 50 else 0.01, {"milestones": [50]}, iteration=51),
    Case("jumps", falling, {"max_jump": 0.0004}, iteration=1),
    Case("after-horizon", falling, {"after": "stays"}, iteration=101),
    Case("same-answer-twice", Forgetful(), iteration=50),
    Case("arrays-agree", lambda t: falling(t) * (1 + 1e-6 * (np.ndim(t) > 0)), iteration=0),
    Case("arrays-agree", lambda t: falling(t - np.min(t) if np.ndim(t) else t)),
    Case("int64-agrees", lambda t: falling(int(t)) + 1e-6 * (not isinstance(t, int)), iteration=0),
    Case("pickles", LostOnTheWay()),
    Case("pickles", lambda t: 0.1 - t / 2000, {"picklable": True}),
)
"""For every check at least one schedule that no other check finds fault with."""


def warmup_cosine(t: Any) -> Any:
    """Up to 1 in 10 iterations, down to 0 at 100, and 0 from there on."""
    decay = 0.5 * (1 + np.cos(np.pi * (np.clip(t, 10, 100) - 10) / 90))
    return np.where(np.less(t, 10), np.minimum(t, 10) / 10, decay)


WHOLE = {"warmup": 10, "initial": 0.0, "peak": 1.0, "final": 0.0, "minimum": 0.0, "maximum": 1.0, "decay": 10}

SOUND = (
    Case("", falling, {"peak": 0.1, "final": 0.05, "decay": 0, "strict": True, "max_jump": 0.00051}),
    Case("", lambda t: 0.1 if t < 50 else 0.01, {"milestones": [50], "after": "stays"}),
    Case("", warmup_cosine, {**WHOLE, "after": "stays", "milestones": [10, 100], "max_jump": 0.11}),
    Case("", lambda t: float(warmup_cosine(int(t))), {**WHOLE, "after": "falls", "milestones": [10]}),
    Case("", lambda t: 0.1 + 2e-17 * (t % 2), {"decay": 0, "peak": 0.1}),
    Case("", lambda t: 0.05 * (1 + math.cos(math.pi * (t % 10) / 9)), {"milestones": range(10, 101, 10), "peak": 0.1}),
    Case("", lambda t: 0.1 * min(t / 10, 1) ** 4, {**WARM, "after": "stays"}),
    Case("", lambda t: 0.1 * min((t // 5 + 1) / 3, 1), {**WARM, "after": "stays"}),
    Case("", lambda t: 0.01 if t < 10 else 0.1, {**WARM, "milestones": [10]}),
    Case("", lambda t: 0.1 * (1 - (1 - min(t / 10, 1)) ** 12), WARM),  # the step to iteration 10 is within rounding
    Case("", falling, {"final": 0.051, "tolerance": 0.001}),
)
