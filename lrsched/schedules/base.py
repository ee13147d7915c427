"""What the schedules of the algebra share: settled fields, float64 rates, pieces that are moved, cut and walked."""

import math
import types
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from lrsched.import_path import imported, path_of
from lrsched.schedule import (
    LAST_ITERATION,
    Floats,
    FunctionSchedule,
    Iterations,
    Param,
    Piece,
    Schedule,
    declared,
    in_blocks,
    schedule_of,
)
from lrsched.schedules.units import whole

__all__ = [
    "MOST_PIECES",
    "Boundaries",
    "Boundary",
    "Count",
    "Factor",
    "Float64Schedule",
    "Imported",
    "Levels",
    "Limit",
    "Shift",
    "Source",
    "as_part",
    "cut",
    "ends",
    "fill",
    "gather",
    "never_negative",
    "rate",
    "sizes",
    "walked",
]

Source: TypeAlias = Schedule | Callable[[Any], Any]
"""A schedule, or any function of the iteration."""

MOST_PIECES = 2**16
"""More pieces than this are not listed: the schedule is walked instead."""

LONGEST_WALK = 2**20
"""Stretches up to this long are walked to find their pieces when nothing else tells them."""

COUNTABLE = float(LAST_ITERATION)

Levels: TypeAlias = Annotated[tuple[float, ...], Param("the rates, one for each iteration", 0.0, math.inf, (1e-6, 0.5))]
Limit: TypeAlias = Annotated[float | None, Param("a limit of the rate", -math.inf, math.inf, (0.0, 0.5))]
Factor: TypeAlias = Annotated[float, Param("factor of every rate", -math.inf, math.inf, (0.1, 10.0))]
Boundary: TypeAlias = Annotated[int, Param("an iteration", 0.0, COUNTABLE, (1, 100_000))]
Boundaries: TypeAlias = Annotated[tuple[int, ...], Param("iterations, ascending", 0.0, COUNTABLE, (1, 100_000))]
Count: TypeAlias = Annotated[int, Param("how many", 1.0, COUNTABLE, (1, 1_000))]
Shift: TypeAlias = Annotated[int, Param("iterations later", -COUNTABLE, COUNTABLE, (-1_000, 100_000))]


@dataclass(frozen=True, kw_only=True, repr=False)
class Float64Schedule(Schedule):
    """A schedule with float64 rates whose fields are plain, checked values.

    Whole numbers become ``int``, rates ``float``, functions schedules, so that equal schedules print and hash alike.

    Raises:
        TypeError: for a field of another kind (a float or a bool where iterations are counted).
        ValueError: for a field outside of its range, by name.
    """

    def __post_init__(self) -> None:
        for name, kind in _kinds(type(self)).items():
            object.__setattr__(self, name, _settled(f"{type(self).__name__}: {name}", kind, getattr(self, name)))
        declared(self)
        self._check()

    @abstractmethod
    def _check(self) -> None:
        """Raise ValueError for fields that do not fit together."""

    @abstractmethod
    def _never_negative(self) -> bool:
        """Whether every rate is known to be 0 or more."""

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)


@dataclass(frozen=True, kw_only=True, repr=False)
class Imported(Float64Schedule):
    """A function, or a schedule, that can be imported by its name: ``module:qualname``.

    The algebra makes one of every importable function, so that what it builds prints, compares and travels as text.

    >>> Imported(path="math:sqrt")([0, 4, 9]).tolist()
    [0.0, 2.0, 3.0]

    Raises:
        ValueError: when nothing callable can be imported by that name.
    """

    path: str
    end: Annotated[int | None, Param("the last iteration of the run", 0.0, COUNTABLE, (100, 600_000))] = None

    def _check(self) -> None:
        self._source()

    def _source(self) -> Schedule:
        return schedule_of(_imported(self.path), horizon=self.end)

    @property
    def horizon(self) -> int | None:
        return self._source().horizon if self.end is None else self.end

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return self._source().milestones(first, last)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        return self._source().pieces(first, last)

    def _never_negative(self) -> bool:
        return never_negative(self._source())

    def _fill(self, first: int, out: Floats) -> None:
        fill(self._source(), first, out)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        gather(self._source(), iterations, out)


def _imported(path: str) -> Any:
    found = imported(path)
    if not callable(found):
        raise ValueError(f"Imported: {path} is a {type(found).__name__}, which cannot be called with an iteration")
    return found


def as_part(source: Source) -> Schedule:
    """A schedule to build with: functions that can be imported are kept by their name.

    Raises:
        TypeError: when ``source`` cannot be called.
    """
    schedule = schedule_of(source)
    if isinstance(schedule, FunctionSchedule):
        path = path_of(schedule.function)
        if path is not None:
            return Imported(path=path, end=schedule.end)
    return schedule


def never_negative(schedule: Schedule) -> bool:
    """Whether every rate is known to be 0 or more."""
    return isinstance(schedule, Float64Schedule) and schedule._never_negative()


def fill(schedule: Schedule, first: int, out: Floats) -> None:
    """Write the rates of ``first, first + 1, ...`` to the float64 array ``out``, exactly."""
    if schedule.dtype == out.dtype:
        schedule._fill(first, out)
        return
    for begin, part in in_blocks(first, out):
        own = np.empty(part.size, schedule.dtype)
        schedule._fill(begin, own)
        part[:] = own


def gather(schedule: Schedule, iterations: Iterations, out: Floats) -> None:
    """Write the rate of each iteration to the float64 array ``out``, exactly."""
    own = np.empty(iterations.size, schedule.dtype)
    schedule._gather(iterations, own)
    out[:] = own


def rate(schedule: Schedule, iteration: int) -> float:
    """The exact rate at one iteration."""
    return float(schedule(iteration))


def sizes(rates: Any) -> NDArray[np.float64]:
    """How large rates are; what is not a number counts as larger than all."""
    size = np.abs(np.asarray(rates, np.float64))
    return np.where(np.isnan(size), np.inf, size)


def ends(schedule: Schedule, pieces: Sequence[Piece]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sizes of the rates at the first and at the last iteration of each piece."""
    both = schedule(np.array([[piece.first for piece in pieces], [piece.last for piece in pieces]], np.int64))
    first, last = sizes(both)
    return first, last


def cut(first: int, last: int, after: Iterable[int]) -> tuple[Piece, ...]:
    """Cut ``first..last`` after each of some ascending iterations."""
    starts = [first, *(at + 1 for at in after if first <= at < last)]
    return tuple(Piece(a, b - 1) for a, b in zip(starts, [*starts[1:], last + 1], strict=True))


def walked(schedule: Schedule, first: int, last: int) -> tuple[Piece, ...] | None:
    """The pieces of ``first..last`` as a walk over every iteration finds them; None when there are too many."""
    if last - first >= LONGEST_WALK:
        return None
    size = sizes(schedule.rates(first, last + 1))
    turns = (size[1:] > size[:-1]).astype(np.int8) - (size[1:] < size[:-1]).astype(np.int8)
    moves = np.flatnonzero(turns)
    starts = moves[1:][turns[moves[1:]] != turns[moves[:-1]]]
    if starts.size >= MOST_PIECES:
        return None
    return cut(first, last, (first + starts).tolist())


def _kinds(schedule: type) -> dict[str, Any]:
    kinds = get_type_hints(schedule)
    return {field.name: kinds[field.name] for field in fields(schedule) if field.init}


def _settled(name: str, kind: Any, given: Any) -> Any:
    if kind is int:
        return whole(name, given, low=-LAST_ITERATION - 1)
    if kind is float:
        return _real(name, given)
    if kind is Schedule:
        return as_part(given)
    if kind is str:
        if not isinstance(given, str):
            raise TypeError(f"{name} must be text, got {given!r}")
        return given
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        if given not in inner:
            raise ValueError(f"{name} must be {' or '.join(map(repr, inner))}, got {given!r}")
        return given
    if isinstance(kind, types.UnionType):
        return None if given is None else _settled(name, inner[0], given)
    if isinstance(given, (str, bytes)) or not isinstance(given, (Sequence, np.ndarray)):
        raise TypeError(f"{name} must be a tuple, got {given!r}")
    return tuple(_settled(name, inner[0], each) for each in given)


def _real(name: str, given: Any) -> float:
    if isinstance(given, (bool, np.bool_)) or not isinstance(given, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {given!r}")
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {given!r}")
    return number
