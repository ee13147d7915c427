"""What is expected of a schedule; what is not expected is not checked."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any, Literal

import numpy as np

from lrsched.schedule import LAST_ITERATION, Schedule
from lrsched.text import did_you_mean

__all__ = ["Expectations", "expectations"]

MOST_MILESTONES = 2**16
"""A schedule that has more milestones of its own is not checked for jumps."""


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What a schedule should do, all optional but the horizon.

    Attributes:
        horizon: the last iteration of the run.
        warmup: the first iteration at full rate; up to it the rate rises, without a jump.
        initial: the rate at iteration 0.
        peak: the largest rate of the run; with ``warmup`` it is reached at that iteration and not before.
        final: the rate at the horizon.
        minimum: no rate lies below it.
        maximum: no rate lies above it.
        decay: the iteration from which on the rate falls, or two iterations between which it falls.
        strict: where it rises or falls, no two neighbours have the same rate.
        milestones: the only iterations at which the rate may jump.
        max_jump: how far the rates of neighbours may lie apart, except at milestones.
        after: what follows the horizon: the rate "stays", or "falls" (never above the one at the horizon, nor below 0).
        picklable: it can be pickled (a function defined inside another one cannot).
        tolerance: how exactly rates are met; 1e-9 of the largest rate when absent, 1e-6 for float32 rates.
    """

    horizon: int
    warmup: int | None = None
    initial: float | None = None
    peak: float | None = None
    final: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    decay: int | tuple[int, int] | None = None
    strict: bool = False
    milestones: Sequence[int] | None = None
    max_jump: float | None = None
    after: Literal["stays", "falls"] | None = None
    picklable: bool = False
    tolerance: float | None = None

    def __post_init__(self) -> None:
        keep = object.__setattr__
        # one iteration after the horizon can still be counted
        keep(self, "horizon", _whole("horizon", self.horizon, 1, LAST_ITERATION - 1))
        if self.warmup is not None:
            keep(self, "warmup", _whole("warmup", self.warmup, 0, self.horizon))
        for name in ("initial", "peak", "final", "minimum", "maximum", "max_jump", "tolerance"):
            if getattr(self, name) is not None:
                keep(self, name, _number(name, getattr(self, name)))
        if self.milestones is not None:
            keep(self, "milestones", tuple(sorted(_whole("milestones", each, 0, math.inf) for each in self.milestones)))
        if self.decay is not None:
            first, last = self.decay if isinstance(self.decay, Sequence) else (self.decay, self.horizon)
            first = _whole("decay", first, 0, self.horizon)
            keep(self, "decay", (first, _whole("decay", last, first, self.horizon)))
        if self.after not in (None, "stays", "falls"):
            raise ValueError(f'after must be "stays" or "falls", got {self.after!r}')

    def has(self, *names: str) -> bool:
        """Whether one of these is expected; of none it is true."""
        given = [getattr(self, name) for name in names]
        return not names or any(each is not None and each is not False for each in given)

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


NAMES = tuple(field.name for field in fields(Expectations))
OTHERWISE = {"start": "initial", "end": "final", "total_steps": "horizon", "max_batches": "horizon"}


def expectations(schedule: Schedule | None, given: Mapping[str, Any]) -> Expectations:
    """What is expected of a schedule: what the caller gives, and what the schedule says of itself.

    Raises:
        TypeError: for a word that is no expectation, or one of another type.
        ValueError: for an expectation outside of its range, or a horizon that nobody knows.
    """
    for name in given:
        if name not in NAMES:
            meant = f"; did you mean {OTHERWISE[name]!r}?" if name in OTHERWISE else did_you_mean(name, NAMES)
            raise TypeError(f"{name!r} is not an expectation{meant or '; write one of ' + ', '.join(NAMES)}")
    horizon = given.get("horizon")
    if horizon is None and schedule is not None:
        horizon = schedule.horizon
    if horizon is None:
        raise ValueError("horizon is missing: say up to which iteration to check with horizon=...")
    expected = Expectations(**{**given, "horizon": horizon})
    if schedule is None or expected.milestones is not None:
        return expected
    # a schedule that does not know its pieces holds something unknown, so its milestones may not be all
    known = schedule.pieces(0, expected.horizon) is not None
    milestones = list(islice(schedule.milestones(0, expected.horizon), MOST_MILESTONES + 1)) if known else None
    return replace(expected, milestones=milestones) if milestones and len(milestones) <= MOST_MILESTONES else expected


def _whole(name: str, given: Any, low: int, high: float) -> int:
    try:
        number = operator.index(given)
    except TypeError:
        number = None
    if number is None or isinstance(given, (bool, np.bool_)):
        raise TypeError(f"{name} must be a whole number, got {given!r}")
    if not low <= number <= high:
        raise ValueError(f"{name} must be in [{low}, {high}], got {number}")
    return number


def _number(name: str, given: Any) -> float:
    if isinstance(given, (bool, np.bool_)) or not isinstance(given, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {given!r}")
    if not math.isfinite(given) or (given < 0 and name in ("max_jump", "tolerance")):
        raise ValueError(f"{name} must be a finite number{', 0 or more' if given < 0 else ''}, got {given!r}")
    return float(given)
