"""What is expected of a schedule; what is not expected is not checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrsched.numbers import LAST_ITERATION, real, whole
from lrsched.schedule import Schedule
from lrsched.text import did_you_mean

__all__ = ["Expectations", "expectations"]

MOST_MILESTONES = 2**16  # a schedule that has more milestones of its own is not checked for jumps


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What a schedule should do, all optional but the horizon."""

    horizon: int  # last iteration of the run
    warmup: int | None = None  # first iteration at full rate; up to it the rate rises, without a jump
    initial: float | None = None  # rate at iteration 0
    peak: float | None = None  # largest rate; reached at the end of the warm-up where one is expected, not before
    final: float | None = None  # rate at the horizon
    minimum: float | None = None  # no rate lies below it
    maximum: float | None = None  # no rate lies above it
    decay: int | tuple[int, int] | None = None  # from this iteration on, or between these two, the rate falls
    strict: bool = False  # where it rises or falls, no two neighbours have the same rate
    milestones: Sequence[int] | None = None  # the only iterations at which the rate may jump
    max_jump: float | None = None  # how far neighbours may lie apart, except at milestones
    after: Literal["stays", "falls"] | None = None  # what follows: the rate of the horizon, or never a larger one
    picklable: bool = False  # as a function defined inside another one is not
    tolerance: float | None = None  # how exactly rates are met; 1e-9 of the largest (float32: 1e-6) when absent

    def __post_init__(self) -> None:
        # one iteration after the horizon can still be counted
        checked: dict[str, Any] = {"horizon": whole("horizon", self.horizon, low=1, high=LAST_ITERATION - 1)}
        if self.warmup is not None:
            checked["warmup"] = whole("warmup", self.warmup, high=self.horizon)
        for name in ("initial", "peak", "final", "minimum", "maximum", "max_jump", "tolerance"):
            if getattr(self, name) is not None:
                low = 0.0 if name in ("max_jump", "tolerance") else -1e308
                checked[name] = real(name, getattr(self, name), low=low)
        if self.milestones is not None:
            checked["milestones"] = tuple(sorted(whole("milestones", each, high=math.inf) for each in self.milestones))
        if self.decay is not None:
            first, last = self.decay if isinstance(self.decay, Sequence) else (self.decay, self.horizon)
            first = whole("decay", first, high=self.horizon)
            checked["decay"] = (first, whole("decay", last, low=first, high=self.horizon))
        if self.after not in (None, "stays", "falls"):
            raise ValueError(f'after must be "stays" or "falls", got {self.after!r}')
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def has(self, *names: str) -> bool:
        """Whether one of these is expected; of none it is true."""
        return not names or any(getattr(self, name) is not None for name in names)

    @property
    def falling(self) -> tuple[int, int]:
        """The iterations between which the rate falls."""
        return self.decay if isinstance(self.decay, tuple) else (self.horizon, self.horizon)

    @property
    def places(self) -> list[int]:
        """Iterations of the run where something is expected to happen, with their neighbours."""
        marks = [0, self.horizon, self.warmup or 0, *self.falling, *(self.milestones or ())[:MOST_MILESTONES]]
        near = {mark + side for mark in marks for side in (-2, -1, 0, 1, 2)}
        return sorted(each for each in near if 0 <= each <= self.horizon)

    @property
    def later(self) -> NDArray[np.int64]:
        """Iterations after the horizon, where something is expected there: the next ones, and some far away."""
        end = self.horizon
        far = {end + 1, end + 2, 2 * end, 2 * end + 1, 10 * end, LAST_ITERATION} if self.after else ()
        return np.array(sorted(each for each in far if end < each <= LAST_ITERATION), np.int64)


NAMES = tuple(field.name for field in fields(Expectations))


def expectations(schedule: Schedule | None, given: Mapping[str, Any]) -> Expectations:
    """What is expected of a schedule: what the caller gives, and what the schedule says of itself.

    Raises:
        TypeError: for a word that is not an expectation, or a value of another type.
        ValueError: for an expectation outside of its range, or a horizon that nobody knows.
    """
    for name in given:
        if name not in NAMES:
            meant = did_you_mean(name, NAMES) or f"; write one of {', '.join(NAMES)}"
            raise TypeError(f"{name!r} is not an expectation{meant}")
    horizon = given.get("horizon")
    if horizon is None and schedule is not None:
        horizon = schedule.horizon
    if horizon is None:
        raise ValueError("horizon is missing: say up to which iteration to check with horizon=...")
    expected = Expectations(**{**given, "horizon": horizon})
    # a schedule that does not know its pieces holds something unknown, so its milestones may not be all
    if schedule is None or expected.milestones is not None or schedule.pieces(0, expected.horizon) is None:
        return expected
    milestones = list(islice(schedule.milestones(0, expected.horizon), MOST_MILESTONES + 1))
    return replace(expected, milestones=milestones) if len(milestones) <= MOST_MILESTONES else expected
