"""What a schedule is: a value that, called with an iteration, returns the learning rate."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLOCK",
    "LAST_ITERATION",
    "PRINTED_ZERO_BELOW",
    "FunctionSchedule",
    "Param",
    "Piece",
    "Schedule",
    "declared",
    "in_blocks",
    "params",
    "printed_zero",
    "schedule_of",
]

LAST_ITERATION = 2**31 - 1
"""The largest iteration darknet can count: its counter is a C ``int``."""

BLOCK = 65536
"""Iterations evaluated at a time: small enough that every intermediate stays in the cache."""

PRINTED_ZERO_BELOW = 5e-7
"""A rate smaller than this is shown as ``0.000000`` by ``%f``."""

Floats: TypeAlias = NDArray[Any]
Iterations: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Param:
    """What a parameter means and which values it can hold; declared once, read by everything.

    ``low`` and ``high`` bound what a trainer accepts, ``typical`` what people use (tests and examples draw from it).
    """

    doc: str
    low: float
    high: float
    typical: tuple[float, float]
    zero: bool = True


@dataclass(frozen=True)
class Piece:
    """Iterations ``first..last`` over which the size of the rate only rises, only falls or stays.

    ``repeats`` counts how often exactly these rates come one after the other, the first time included,
    so that a million cycles are one piece.
    """

    first: int
    last: int
    repeats: int = 1

    @property
    def end(self) -> int:
        """The last iteration of the last repeat."""
        return self.last + (self.repeats - 1) * (self.last - self.first + 1)


@dataclass(frozen=True, kw_only=True, repr=False)
class Schedule:
    """A value that maps an iteration (0 to 2**31 - 1) to a learning rate; its fields are its parameters.

    Call it with an int, an array of ints of any shape, a list or a ``range``: the answer has the same shape.
    Scalars and arrays take the same path, so they agree to the bit. Inputs are never written to.

    Raises:
        TypeError: for a float, a bool or anything else that is not a whole number.
        ValueError: for a negative iteration or one past 2**31 - 1.
    """

    @property
    def horizon(self) -> int | None:
        """The last iteration of the run, or None when the schedule does not know it."""
        return None

    @property
    def warmup(self) -> int:
        """The iteration at which the warm-up is over; 0 when there is none."""
        return 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """The floating-point type of the rates: float32 for darknet's policies, float64 for everything else."""
        return np.dtype(np.float64)

    @property
    def caption(self) -> str:
        """What it is, in one line; parts that may stand on lines of their own are joined by a middle dot."""
        return repr(self)

    def band(self, low: float = 0.0, high: float = 1.0) -> tuple[Any, Any] | None:
        """The rates at two quantiles of a random draw, the whole range by default; None where there is no chance."""
        return None

    def milestones(self, first: int, last: int) -> Iterator[int]:
        """Yield, ascending, the iterations in ``first..last`` from which on the rate follows another rule."""
        return iter(())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        """Cut ``first..last`` into pieces of one direction each, or return None when that is not known."""
        return None

    def formula(self, t: Iterations) -> Floats:
        """The rates of an int64 array of iterations, at most ``BLOCK`` of them in any order."""
        out = np.empty(t.size, self.dtype)
        self._gather(t, out)
        return out

    def _fill(self, first: int, out: Floats) -> None:
        """Write the rates of ``first, first + 1, ...`` to ``out``, however many."""
        for begin, part in in_blocks(first, out):
            self._gather(np.arange(begin, begin + part.size, dtype=np.int64), part)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        """Write the rate of each iteration to ``out``, at most ``BLOCK`` of them in any order."""
        out[:] = self.formula(iterations)

    def __call__(self, iteration: Any) -> Any:
        if isinstance(iteration, range) and iteration.step == 1 and iteration:
            return self.rates(iteration[0], iteration[-1] + 1)
        if type(iteration) is int:
            _check_bounds(iteration, iteration)
            one = np.empty(1, self.dtype)
            with np.errstate(all="ignore"):
                self._fill(iteration, one)
            return one[0]
        given = _whole_numbers(iteration)
        flat = given.reshape(-1)
        out = np.empty(flat.shape, self.dtype)
        with np.errstate(all="ignore"):
            if flat.size and _are_consecutive(flat):
                _check_bounds(int(flat[0]), int(flat[-1]))
                self._fill(int(flat[0]), out)
            else:
                for begin in range(0, flat.size, BLOCK):
                    block = flat[begin : begin + BLOCK]
                    _check_bounds(int(block.min()), int(block.max()))
                    self._gather(block.astype(np.int64), out[begin : begin + BLOCK])
        shaped = out.reshape(given.shape)
        return shaped[()] if given.ndim == 0 else shaped

    def rates(self, first: int, stop: int, *, out: Floats | None = None) -> Floats:
        """Rates of the iterations ``first..stop - 1``, the fastest way to a whole run.

        Args:
            first: the first iteration.
            stop: one past the last iteration.
            out: where to write them (shape ``(stop - first,)``, of this schedule's dtype); a new array when None.

        Raises:
            TypeError, ValueError: for bounds that are not iterations, or an ``out`` that does not fit.
        """
        first, stop = _checked_range(first, stop)
        if out is None:
            out = np.empty(stop - first, self.dtype)
        elif not isinstance(out, np.ndarray) or out.shape != (stop - first,) or out.dtype != self.dtype:
            got = f"{out.shape} and {out.dtype}" if isinstance(out, np.ndarray) else f"a {type(out).__name__}"
            raise ValueError(f"out must have shape ({stop - first},) and type {self.dtype}, got {got}")
        with np.errstate(all="ignore"):
            self._fill(first, out)
        return out

    def blocks(self, first: int, stop: int, *, size: int = BLOCK) -> Iterator[tuple[int, Floats]]:
        """Walk ``first..stop - 1`` in bounded memory: yields ``(iteration of the first rate, rates)``.

        The array is written anew for every block; copy it to keep it.

        Raises:
            TypeError, ValueError: for bounds that are not iterations, or a size under 1.
        """
        first, stop = _checked_range(first, stop)
        if operator.index(size) < 1:
            raise ValueError(f"size must be at least 1, got {size}")
        return self._blocks(first, stop, size)

    def _blocks(self, first: int, stop: int, size: int) -> Iterator[tuple[int, Floats]]:
        buffer = np.empty(max(min(size, stop - first), 0), self.dtype)
        for begin in range(first, stop, size):
            end = min(begin + size, stop)
            yield begin, self.rates(begin, end, out=buffer[: end - begin])

    def __repr__(self) -> str:
        shown = (
            f"{f.name}={getattr(self, f.name)!r}"
            for f in fields(self)
            if f.repr and (f.default is MISSING or getattr(self, f.name) != f.default)
        )
        return f"{type(self).__name__}({', '.join(shown)})"


def in_blocks(first: int, out: Floats) -> Iterator[tuple[int, Floats]]:
    """Cut a fill into blocks that stay in the cache: yields ``(iteration of the first rate, where to write)``."""
    for begin in range(0, out.size, BLOCK):
        yield first + begin, out[begin : begin + BLOCK]


def params(schedule: type) -> dict[str, Param]:
    """The declared parameters of a class by name, in the order of its fields."""
    return {name: param for name, _, param in _declarations(schedule)}


def _declarations(schedule: type) -> Iterator[tuple[str, Any, Param]]:
    """Yield name, type and declaration of every declared parameter."""
    hints: dict[str, Any] = {}
    for field in fields(schedule):
        kind: Any = field.type
        if isinstance(kind, str):
            hints = hints or get_type_hints(schedule, include_extras=True)
            kind = hints[field.name]
        for note in getattr(kind, "__metadata__", ()):
            if isinstance(note, Param):
                yield field.name, kind.__origin__, note


def declared(value: Any) -> None:
    """Check every declared parameter of ``value``.

    Raises:
        TypeError: naming the first parameter that is no number of its kind.
        ValueError: naming the first parameter outside of its range.
    """
    for name, kind, param in _declarations(type(value)):
        given = getattr(value, name)
        if kind is int or kind is float:
            _check_number(value, name, given, param, whole=kind is int)
        elif given is not None:
            inner = [part for part in get_args(kind) if part in (int, float)]
            many = get_origin(kind) is tuple
            if many and not isinstance(given, tuple):
                raise TypeError(f"{type(value).__name__}: {name} must be a tuple of numbers, got {given!r}")
            for number in given if many else (given,):
                _check_number(value, name, number, param, whole=inner[0] is int)


def _check_number(owner: Any, name: str, number: Any, param: Param, *, whole: bool) -> None:
    allowed = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    if isinstance(number, (bool, np.bool_)) or not isinstance(number, allowed):
        raise TypeError(
            f"{type(owner).__name__}: {name} must be a {'whole number' if whole else 'number'}, got {number!r}"
        )
    if not whole and math.isnan(number):
        return
    if not param.low <= number <= param.high or (number == 0 and not param.zero):
        but = "" if param.zero else " and not 0"
        raise ValueError(
            f"{type(owner).__name__}: {name} must be in [{param.low:g}, {param.high:g}]{but}, got {number!r}"
        )


def printed_zero(rates: Any) -> Any:
    """Whether ``%f`` shows a rate as 0.000000 (or -0.000000): its size is below 5e-7.

    >>> printed_zero(4.9e-7), printed_zero(5.1e-7), printed_zero(float("nan"))
    (True, False, False)
    """
    answer = np.abs(np.asarray(rates, np.float64)) < PRINTED_ZERO_BELOW
    return bool(answer) if answer.ndim == 0 else answer


@dataclass(frozen=True, kw_only=True, repr=False)
class FunctionSchedule(Schedule):
    """Any callable ``iteration -> rate`` as a schedule; rates are float64.

    The function is called with an int64 array first; when it cannot take one it is called once per iteration.
    """

    function: Callable[[Any], Any]
    end: int | None = None

    @property
    def horizon(self) -> int | None:
        return self.end

    @property
    def caption(self) -> str:
        name = str(getattr(self.function, "__name__", type(self.function).__name__))
        return "a function of the iteration" if name == "<lambda>" else name

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter(())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        return None

    def _fill(self, first: int, out: Floats) -> None:
        for begin, part in in_blocks(first, out):
            self._gather(np.arange(begin, begin + part.size, dtype=np.int64), part)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        try:
            at_once = np.asarray(self.function(iterations.copy()), np.float64)
        except (TypeError, ValueError):
            at_once = None
        if at_once is not None and at_once.shape == iterations.shape:
            out[:] = at_once
        else:
            out[:] = [float(self.function(int(t))) for t in iterations]


def schedule_of(source: Schedule | Callable[[Any], Any], *, horizon: int | None = None) -> Schedule:
    """Make a schedule of anything that maps an iteration to a rate; a Schedule is returned as it is.

    >>> schedule_of(lambda t: 0.1 / (t + 1))([0, 1, 4]).tolist()
    [0.1, 0.05, 0.02]

    Raises:
        TypeError: when ``source`` cannot be called.
    """
    if isinstance(source, Schedule):
        return source
    if not callable(source):
        raise TypeError(f"a schedule must be callable with an iteration, got {type(source).__name__}")
    return FunctionSchedule(function=source, end=horizon)


def _whole_numbers(iteration: Any) -> NDArray[Any]:
    if isinstance(iteration, (bool, np.bool_)):
        raise TypeError(f"an iteration must be a whole number, got {iteration!r}; use 0 or 1 for a bool")
    if isinstance(iteration, range) and iteration:
        _check_bounds(min(iteration[0], iteration[-1]), max(iteration[0], iteration[-1]))
    given = np.asarray(iteration)
    if given.size == 0 and isinstance(iteration, Sequence) and not isinstance(iteration, str):
        return given.astype(np.int64)
    if given.dtype.kind == "O" and given.size and all(type(t) is int for t in given.flat):
        _check_bounds(min(given.flat), max(given.flat))
    if given.dtype.kind not in "iu" or _holds_bool(iteration):
        got = "bool" if _holds_bool(iteration) else given.dtype
        raise TypeError(
            f"iterations must be whole numbers (an integer type), got "
            f"{repr(iteration) if isinstance(iteration, str) or iteration is None else got}"
        )
    return given


def _holds_bool(iteration: Any) -> bool:
    """Whether a bool hides in a list: numpy would make a number of it."""
    if isinstance(iteration, (list, tuple)):
        return any(map(_holds_bool, iteration))
    return isinstance(iteration, (bool, np.bool_))


def _are_consecutive(flat: NDArray[Any]) -> bool:
    first = int(flat[0])
    if int(flat[-1]) - first != flat.size - 1:
        return False
    ramp = np.arange(min(flat.size, BLOCK))
    return all(
        bool((flat[begin : begin + BLOCK] - (first + begin) == ramp[: flat.size - begin]).all())
        for begin in range(0, flat.size, BLOCK)
    )


def _check_bounds(low: int, high: int) -> None:
    if low < 0:
        raise ValueError(f"an iteration must be 0 or more, got {low}")
    if high > LAST_ITERATION:
        raise ValueError(f"an iteration must be at most 2**31 - 1 (darknet counts in a C int), got {high}")


def _checked_range(first: int, stop: int) -> tuple[int, int]:
    for bound in (first, stop):
        if isinstance(bound, (bool, np.bool_)):
            raise TypeError(f"an iteration must be a whole number, got {bound!r}")
    try:
        first, stop = operator.index(first), operator.index(stop)
    except TypeError:
        raise TypeError(f"iterations must be whole numbers, got {first!r} and {stop!r}") from None
    if stop > first:
        _check_bounds(first, stop - 1)
    elif first < 0 or stop < 0:
        raise ValueError(f"an iteration must be 0 or more, got {min(first, stop)}")
    return first, max(first, stop)
