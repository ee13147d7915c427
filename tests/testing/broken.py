"""Schedules with one fault each, which one check finds and no other; and sound ones, in which no check finds any."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["BROKEN", "SOUND", "Case", "falling"]

HORIZON = 100


@dataclass(frozen=True)
class Case:
    """A schedule, what is promised of it, the check that finds its fault, and the iteration it should name."""

    check: str
    function: Callable[[Any], Any]
    promises: dict[str, Any] = field(default_factory=dict)
    iteration: int | None = None


def falling(t: Any) -> Any:
    """From 0.1 to 0.05 in a straight line."""
    return 0.1 * (1 - t / 200)


def falling_in_steps(t: int) -> float:
    return 0.1 if t < 50 else 0.01


def answers_with_none(t: int) -> float | None:
    return None if t == 37 else 0.1 * (1 - int(t) / 200)


def turns_complex(t: int) -> Any:
    return 0.1 * (1 - int(t) / 90) ** 1.5


def overflows_once(t: int) -> float:
    return math.inf if t == 50 else 0.1 * (1 - int(t) / 200)


def goes_below_zero(t: int) -> float:
    return 0.1 * math.cos(math.pi * int(t) / 120)


def stops_at_ten(t: int) -> float:
    return 0.1 if t < 10 else 0.0


@dataclass
class Forgetful:
    """Gives another rate when iteration 50 is asked twice in a row."""

    last: int = -1

    def __call__(self, t: int) -> float:
        again = int(t) == self.last == 50
        self.last = int(t)
        return 0.1 * (1 - int(t) / 200) * (0.999 if again else 1.0)


def brighter_in_company(t: Any) -> Any:
    return falling(t) * (1 + 1e-6 * (np.ndim(t) > 0))


def only_for_ints(t: Any) -> float:
    return 0.1 * (1 - int(t) / 200) + 1e-6 * (not isinstance(t, int))


def scribbles(t: Any) -> Any:
    t *= 2
    return 0.1 * (1 - t / 400)


def dips_in_the_warmup(t: int) -> float:
    return 0.03 if t == 5 else min(0.1 * t / 10, 0.1)


def warmed_up_early(t: int) -> float:
    return min(0.1 * (t + 1) / 10, 0.1)


def climbs_at_the_end(t: int) -> float:
    return 0.05 * (1 + math.cos(math.pi * int(t) / 80))


def hump(t: int) -> float:
    return 0.05 * (1 + math.sin(math.pi * min(int(t), 60) / 50))


def drops_late(t: int) -> float:
    return 0.1 if t <= 50 else 0.01


def leaps_after_the_warmup(t: int) -> float:
    return 0.005 * t if t < 10 else 0.1


def one_too_long(horizon: int) -> Callable[[Any], Any]:
    return lambda t: 0.1 * (1 - t / (2 * horizon + 1))


def straight(horizon: int) -> Callable[[Any], Any]:
    return lambda t: 0.1 * (1 - t / horizon)


def wraps(t: int) -> float:
    count = (int(t) + 2**31) % 2**32 - 2**31
    return 0.1 * (1 - count / 1e10)


class LostOnTheWay:
    """Can be pickled, but not unpickled."""

    def __call__(self, t: Any) -> Any:
        return falling(t)

    def __reduce__(self) -> tuple[Any, ...]:
        return (unpacked, ())


def unpacked() -> None:
    raise ValueError("the table of rates was not saved")


def of_this_process(t: Any) -> Any:
    return falling(t) + os.getpid() * 1e-9


BROKEN = (
    Case("answers", answers_with_none, iteration=37),
    Case("real", turns_complex, iteration=91),
    Case("finite", overflows_once, iteration=50),
    Case("not-negative", goes_below_zero, iteration=61),
    Case("not-stuck-at-zero", stops_at_ten, iteration=10),
    Case("within-bounds", falling, {"minimum": 0.06}, iteration=81),
    Case("within-bounds", falling, {"maximum": 0.0999}, iteration=0),
    Case("pure", Forgetful(), iteration=50),
    Case("scalar-is-array", brighter_in_company, iteration=0),
    Case("int-is-int64", only_for_ints, iteration=0),
    Case("input-not-written", scribbles, iteration=1),
    Case("begins-at-start", falling, {"start": 0.0}, iteration=0),
    Case("reaches-peak", falling, {"peak": 0.11}, iteration=0),
    Case("reaches-peak", falling, {"peak": 0.09}, iteration=0),
    Case("reaches-peak", warmed_up_early, {"warmup": 10, "peak": 0.1}, iteration=9),
    Case("reaches-end", falling, {"end": 0.0}, iteration=100),
    Case("warmup-rises", dips_in_the_warmup, {"warmup": 10, "peak": 0.1}, iteration=5),
    Case("decay-falls", climbs_at_the_end, {"decay": 0}, iteration=81),
    Case("pieces-have-one-direction", hump, {"pieces": [(0, 40), (41, 100)]}, iteration=26),
    Case("jumps-at-milestones-only", drops_late, {"milestones": [50]}, iteration=51),
    Case("jumps-at-milestones-only", falling, {"max_jump": 0.0004}, iteration=1),
    Case("continuous-at-joins", leaps_after_the_warmup, {"joins": [10], "milestones": [10]}, iteration=10),
    Case("after-the-end", falling, {"after": "stays", "end": 0.05}, iteration=101),
    Case("stretches", one_too_long(HORIZON), {"make": one_too_long}),
    Case("no-overflow", wraps, iteration=2**31),
    Case("pickles", LostOnTheWay()),
    Case("pickles", straight(2 * HORIZON), {"picklable": True}),
    Case("same-in-every-process", of_this_process, iteration=0),
)
"""For every check at least one schedule that no other check finds fault with."""


def warmup_cosine(t: Any) -> Any:
    """Up to 1 in 10 iterations, down to 0 at 100, and 0 from there on."""
    decay = 0.5 * (1 + np.cos(np.pi * (np.clip(t, 10, 100) - 10) / 90))
    return np.where(np.less(t, 10), np.minimum(t, 10) / 10, decay)


def warmup_cosine_one_by_one(t: int) -> float:
    if t < 10:
        return t / 10
    return 0.5 * (1 + math.cos(math.pi * (min(t, 100) - 10) / 90))


PROMISES = {
    "warmup": 10,
    "start": 0.0,
    "peak": 1.0,
    "end": 0.0,
    "minimum": 0.0,
    "maximum": 1.0,
    "decay": 10,
    "joins": [10],
}

SOUND = (
    Case("", falling, {"peak": 0.1, "end": 0.05, "decay": 0, "strict": True, "max_jump": 0.00051}),
    Case("", falling_in_steps, {"milestones": [50], "pieces": [(0, 49), (50, 100)], "after": "stays"}),
    Case("", warmup_cosine, {**PROMISES, "after": "stays", "milestones": [10, 100], "max_jump": 0.11}),
    Case("", warmup_cosine_one_by_one, {**PROMISES, "after": "falls", "milestones": [10]}),
    Case("", straight(HORIZON), {"make": straight, "end": 0.0}),
)
