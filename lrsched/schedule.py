"""What a schedule is: a value that, called with an iteration, returns the learning rate.

A schedule is a frozen dataclass whose fields are its parameters. Computing rates is one method, ``formula``, which
takes an array: a single iteration is an array of one, so that scalars and arrays agree to the bit. All the rest are
hooks with honest defaults, of which a class gives the ones it knows.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.numbers import LAST_ITERATION, Param, declared, params, whole
from lrsched.text import plain

if TYPE_CHECKING:
    from lrsched.schedules.operators import Product, Sequential

__all__ = ["BLOCK", "LAST_ITERATION", "PRINTED_ZERO_BELOW", "FunctionSchedule", "Param", "Piece", "Schedule"]
__all__ += ["params", "printed_zero"]

BLOCK = 32768
"""Iterations evaluated at a time: small enough that intermediate arrays reuse memory and stay in the cache."""

PRINTED_ZERO_BELOW = math.nextafter(5e-7, 1)
"""A rate smaller than this is shown as ``0.000000`` by ``%f``; so is the float64 5e-7, which is a little below 5e-7."""

Floats: TypeAlias = NDArray[Any]
Iterations: TypeAlias = NDArray[np.int64]


class Piece(NamedTuple):
    """Iterations ``first..last`` over which the size of the rate only rises, only falls or stays.

    ``repeats`` counts how often these very rates come one after the other, so that a million cycles are one piece.
    """

    first: int
    last: int
    repeats: int = 1

    @property
    def end(self) -> int:
        """The last iteration of the last repeat."""
        return self.last + (self.repeats - 1) * (self.last - self.first + 1)


@dataclass(frozen=True, kw_only=True, repr=False)
class Schedule(ABC):
    """A value that maps an iteration (0 to 2**31 - 1) to a learning rate; its fields are its parameters.

    Call it with an int, an array of ints of any shape, a list or a ``range``: the answer has the same shape.
    ``schedule * 2``, ``schedule / 3``, ``warm_up * schedule``, ``one + another``, ``one - 0.01``, ``sum(schedules)``
    and ``one.then(another)`` are schedules too, with the rates that numpy would give; the numbers must be finite.
    """

    unit: ClassVar[str] = "iteration"
    """What it counts, as plans and pictures name it."""

    __array_ufunc__ = None  # so that np.float64(2) * schedule is asked of the schedule

    def __post_init__(self) -> None:
        declared(self)
        self._check()

    def _check(self) -> None:  # noqa: B027 (a hook: most have nothing to check)
        """Raise ValueError for parameters that do not fit together; each alone was checked by its declaration."""

    @property
    def horizon(self) -> int | None:
        """The last iteration of the run, or None when the schedule does not know it."""
        return None

    @property
    def warmup(self) -> int:
        """The iteration at which the warm-up is over; 0 when there is none."""
        return 0

    @property
    def caption(self) -> str:
        """The schedule in one line for a title or a legend: its name and the parameters that matter."""
        values = (f"{name} {plain(getattr(self, name))}" for name in params(type(self)))
        return " · ".join([type(self).__name__, *values])

    def band(self, low: float = 0.0, high: float = 1.0) -> tuple[Any, Any] | None:
        """The rates at two quantiles of a random draw, or None when nothing is random."""
        return None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The floating-point type of the rates: float32 for darknet's policies, float64 for everything else."""
        return np.dtype(np.float64)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        """Yield, ascending, the iterations in ``first..last`` from which on the rate follows another rule."""
        return iter(())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        """Cut ``first..last`` into pieces of one direction each, or return None when that is not known."""
        return None

    @abstractmethod
    def formula(self, t: Iterations) -> Floats:
        """The rates of an int64 array of iterations: 1 to ``BLOCK`` of them, in any order."""

    def __call__(self, iteration: Any) -> Any:
        t = _iterations(iteration)
        out = np.empty(t.size, self.dtype)
        with np.errstate(all="ignore"):
            for begin in range(0, t.size, BLOCK):
                out[begin : begin + BLOCK] = self.formula(t.reshape(-1)[begin : begin + BLOCK])
        return out.reshape(t.shape)[()]

    def rates(self, first: int, stop: int) -> Floats:
        """Rates of the iterations ``first..stop - 1``: a whole run."""
        rates: Floats = self(range(whole("first", first), whole("stop", stop, high=LAST_ITERATION + 1)))
        return rates

    def __mul__(self, other: Part | float) -> Product:
        product: Product = _operators().multiplied(self, other)
        return product

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> Product:
        quotient: Product = _operators().Product(schedules=(self,), divisor=other)
        return quotient

    def __neg__(self) -> Product:
        return self * -1

    def __add__(self, other: Part | float) -> Schedule:
        total: Schedule = _operators().added(self, other)
        return total

    __radd__ = __add__

    def __sub__(self, other: Part | float) -> Schedule:
        term: Schedule | float = _operators().operand("a term", other)
        return self + -term

    def __rsub__(self, other: Part | float) -> Schedule:
        return -self + other

    def then(self, following: Part, *, at: int | None = None, count_from: Origin = "boundary") -> Sequential:
        """This schedule up to an iteration, another one from ``at`` on, which is this one's horizon when absent.

        ``following`` is counted from the boundary, or, with ``"zero"``, from iteration 0 of the whole.

        >>> warm_up = as_part("", lambda t: t / 4)
        >>> warm_up.then(lambda t: 1 / (t + 1), at=4)([2, 4, 5, 7]).tolist()
        [0.5, 1.0, 0.5, 0.25]
        >>> warm_up.then(lambda t: 1 / (t + 1), at=4, count_from="zero")([2, 4, 9]).tolist()
        [0.5, 0.2, 0.1]
        """
        boundary = self.horizon if at is None else at
        if boundary is None:
            raise ValueError(f"then: {self} has no last iteration; say where the next one begins with at=...")
        parts = (self, as_part("then", following))
        sequence: Sequential = _operators().Sequential(schedules=parts, at=(boundary,), count_from=count_from)
        return sequence

    def __repr__(self) -> str:
        shown = (
            f"{f.name}={getattr(self, f.name)!r}"
            for f in fields(self)
            if f.repr and (f.default is MISSING or getattr(self, f.name) != f.default)
        )
        return f"{type(self).__name__}({', '.join(shown)})"


Part: TypeAlias = Schedule | Callable[[Any], Any]
"""A schedule, or any function of the iteration."""

Bends: TypeAlias = Callable[[int, int], Iterator[int]]
"""The milestones in ``first..last``, ascending, from the two."""

Origin: TypeAlias = Literal["boundary", "zero"]


@dataclass(frozen=True, kw_only=True, repr=False)
class FunctionSchedule(Schedule):
    """Any callable ``iteration -> rate`` as a schedule, with its warm-up and its milestones where they are known.

    The function is called with an int64 array first; when it cannot take one it is called once per iteration.
    """

    function: Callable[[Any], Any]
    horizon: Annotated[int | None, Param("last iteration of the run", 0, LAST_ITERATION, (100, 600_000))] = None
    peak_at: int = 0
    bends: Bends | None = None

    @property
    def warmup(self) -> int:
        return self.peak_at

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return super().milestones(first, last) if self.bends is None else self.bends(first, last)

    def formula(self, t: Iterations) -> Floats:
        try:
            # a copy, because somebody else's function may write to what it is given
            at_once = np.asarray(self.function(t.copy()), np.float64)
        except (TypeError, ValueError):
            at_once = None
        if at_once is not None and at_once.shape == t.shape:
            return at_once
        return np.array([float(self.function(int(each))) for each in t])

    @property
    def caption(self) -> str:
        path = path_of(self.function)
        if path is not None:
            return path.removeprefix("__main__:")
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return "a function of the iteration" if name == "<lambda>" else name

    def __str__(self) -> str:
        return self.caption

    def __repr__(self) -> str:
        path = path_of(self.function)
        if path is None:
            return super().__repr__()
        return f"as_schedule({path!r}{'' if self.horizon is None else f', horizon={self.horizon}'})"


def as_part(name: str, source: Any, horizon: int | None = None) -> Schedule:
    """A schedule to build with: a Schedule as it is, a function of the iteration as a FunctionSchedule."""
    if isinstance(source, Schedule):
        return source
    if callable(source):
        return FunctionSchedule(function=source, horizon=horizon)
    raise TypeError(f"{name} must be a Schedule or a function of the iteration, got {source!r}")


def path_of(thing: Any) -> str | None:
    """The name ``thing`` can be imported by, or None (a lambda, a local function, a bound method).

    >>> import math
    >>> path_of(math.sqrt), path_of(lambda t: 0.1)
    ('math:sqrt', None)
    """
    module, qualname = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(qualname, str) or "<" in qualname:
        return None
    path = f"{module}:{qualname}"
    try:
        return path if imported(path) is thing else None
    except ValueError:
        return None


def imported(path: str) -> Any:
    """What ``module:qualname`` names; ValueError when nothing does."""
    module, _, qualname = path.partition(":")
    if not module or not qualname:
        raise ValueError(f'a name to import must look like "module:function", got {path!r}')
    try:
        found = import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, TypeError, ValueError) as why:
        raise ValueError(f"{path!r} cannot be imported: {why}") from why
    return found


def _operators() -> Any:
    """What the operators make has a module of its own, which the first of them loads: a plan needs none."""
    return import_module("lrsched.schedules.operators")


def rates_of(schedule: Schedule, t: Iterations) -> NDArray[np.float64]:
    """The exact rates of a part of a schedule, as float64 whatever its own type."""
    return np.asarray(schedule.formula(t), np.float64)


def printed_zero(rates: Any) -> Any:
    """Whether ``%f`` shows a rate as 0.000000 (or -0.000000).

    >>> printed_zero(4.9e-7), printed_zero(5.1e-7), printed_zero(float("nan"))
    (True, False, False)
    """
    answer = np.abs(np.asarray(rates, np.float64)) < PRINTED_ZERO_BELOW
    return bool(answer) if answer.ndim == 0 else answer


def _iterations(given: Any) -> Iterations:
    """What a schedule was called with, checked, as a new int64 array of the same shape."""
    if type(given) is int:  # the planner asks for thousands of single iterations
        return np.array(whole("an iteration", given))
    if isinstance(given, range):
        for each in given[:1], given[-1:]:  # before it becomes an array, which could be larger than the memory
            whole("an iteration", *each or [0])
        return np.arange(given.start, given.stop, given.step)
    asked = np.asarray(given)
    if asked.dtype.kind not in "iu":  # 2**70, for which numpy has no type, or an empty list
        for each in asked.reshape(-1).tolist():
            whole("an iteration", each)
    elif asked.size:
        whole("an iteration", int(asked.min()))
        whole("an iteration", int(asked.max()))
    return asked.astype(np.int64)
