"""What the author of a schedule promises; what is not promised is not judged."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np

from lrsched.schedule import LAST_ITERATION, Piece, Schedule
from lrsched.testing.answers import Function

__all__ = ["LONGEST", "Declared", "Make", "declared_by"]

Make: TypeAlias = Callable[[int], Function]

LONGEST = LAST_ITERATION - 1
"""The longest horizon: one iteration after it can still be counted."""

MOST_PIECES = 2**20
"""Of a schedule with more milestones or pieces than this, those at the beginning are checked."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The promises of a schedule, all optional but the horizon.

    Attributes:
        horizon: the last iteration of the run.
        warmup: the first iteration at full rate; up to it the rate rises.
        start: the rate at iteration 0.
        peak: the largest rate of the run; with ``warmup`` it is reached at that iteration and not before.
        end: the rate at the horizon.
        minimum: no rate lies below it.
        maximum: no rate lies above it.
        decay: the iteration from which on the rate falls, or two iterations between which it falls.
        strict: rises and falls have no two neighbours of the same rate.
        milestones: the only iterations at which the rate may jump.
        max_jump: how far the rates of neighbours may lie apart, except at milestones.
        joins: iterations at which two pieces meet without a jump.
        pieces: iterations between which the size of the rate has one direction, as pairs ``(first, last)``.
        after: what follows the horizon: the rate "stays", or "falls" (never above the one at the horizon, nor below 0).
        picklable: the function can be pickled (a function defined inside another one cannot).
        make: makes the same schedule for another horizon: ``make(2 * horizon)`` is the same curve, stretched.
        tolerance: how exactly promised rates are met; 1e-9 of the largest rate when absent, 1e-6 for float32 rates.
    """

    horizon: int
    warmup: int | None = None
    start: float | None = None
    peak: float | None = None
    end: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    decay: int | tuple[int, int] | None = None
    strict: bool = False
    milestones: Sequence[int] | None = None
    max_jump: float | None = None
    joins: Sequence[int] | None = None
    pieces: Sequence[Piece | tuple[int, int]] | None = None
    after: Literal["stays", "falls"] | None = None
    picklable: bool = False
    make: Make | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        settle = object.__setattr__
        settle(self, "horizon", _whole("horizon", self.horizon, 1, LONGEST))
        for name in ("start", "peak", "end", "minimum", "maximum", "max_jump", "tolerance"):
            settle(self, name, _number(name, getattr(self, name)))
        for name in ("max_jump", "tolerance"):
            if (getattr(self, name) or 0.0) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)!r}")
        if self.warmup is not None:
            settle(self, "warmup", _whole("warmup", self.warmup, 0, self.horizon))
        for name in ("milestones", "joins"):
            given = getattr(self, name)
            if given is not None:
                settle(self, name, tuple(sorted({_whole(name, each, 0, LAST_ITERATION) for each in given})))
        if self.pieces is not None:
            pieces = tuple(self._piece("pieces", each) for each in self.pieces)
            for one, other in pairwise(pieces):
                if other.first <= one.end:
                    raise ValueError(f"pieces must be ascending and not overlap, got {other} after {one}")
            settle(self, "pieces", pieces)
        if self.decay is not None:
            both = self.decay if isinstance(self.decay, Sequence) else (self.decay, self.horizon)
            piece = self._piece("decay", both)
            settle(self, "decay", (piece.first, piece.last))
        if self.after not in (None, "stays", "falls"):
            raise ValueError(f'after must be "stays" or "falls", got {self.after!r}')
        if self.make is not None and not callable(self.make):
            raise TypeError(f"make must be callable with a horizon, got {type(self.make).__name__}")

    def _piece(self, name: str, given: Any) -> Piece:
        if isinstance(given, Piece):
            return given
        if not isinstance(given, Sequence) or len(given) != 2:
            raise TypeError(f"{name} must be given as (first, last), got {given!r}")
        first, last = (_whole(name, each, 0, self.horizon) for each in given)
        if last < first:
            raise ValueError(f"{name} must not end before it begins, got {given!r}")
        return Piece(first, last)

    @property
    def falling(self) -> tuple[int, int] | None:
        """The iterations between which the rate falls."""
        return (self.decay, self.horizon) if isinstance(self.decay, int) else self.decay

    def has(self, *names: str) -> bool:
        """Whether one of these promises was given."""
        given = [getattr(self, name) for name in names]
        return not names or any(each is not None and each is not False for each in given)


NAMES = tuple(field.name for field in fields(Declared))


def declared_by(source: Any, horizon: int | None, given: dict[str, Any]) -> Declared:
    """The promises of a schedule: those the caller gave, and those a Schedule states itself.

    Raises:
        TypeError, ValueError: for a promise of another kind, or a horizon nobody knows.
    """
    if isinstance(source, Schedule):
        horizon = source.horizon if horizon is None else horizon
    if horizon is None:
        raise ValueError("horizon is missing; say up to which iteration to check with horizon=...")
    declared = Declared(horizon=horizon, **given)
    if not isinstance(source, Schedule):
        return declared
    pieces = source.pieces(0, declared.horizon)
    # without pieces it holds something unknown, so its milestones may not be all
    if pieces is None or len(pieces) > MOST_PIECES:
        return declared
    own: dict[str, Any] = {"pieces": pieces}
    milestones = source.milestones(0, declared.horizon)
    found = [at for _, at in zip(range(MOST_PIECES + 1), milestones, strict=False)]
    if len(found) <= MOST_PIECES:
        own["milestones"] = found
    values = {name: getattr(declared, name) for name in NAMES}
    return Declared(**{**values, **{name: value for name, value in own.items() if values[name] is None}})


def _whole(name: str, given: Any, low: int, high: int) -> int:
    if isinstance(given, (bool, np.bool_)):
        raise TypeError(f"{name} must be a whole number, got {given!r}")
    try:
        number = operator.index(given)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {given!r}") from None
    if not low <= number <= high:
        raise ValueError(f"{name} must be in [{low}, {high}], got {number}")
    return number


def _number(name: str, given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, (bool, np.bool_)) or not isinstance(given, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {given!r}")
    if not math.isfinite(given):
        raise ValueError(f"{name} must be a finite number, got {given!r}")
    return float(given)
