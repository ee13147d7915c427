"""The schedule that is checked: how it is called, and what it returned over the whole run."""

from __future__ import annotations

import math
import timeit
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import FunctionSchedule, Iterations
from lrsched.sources import as_schedule
from lrsched.testing.expectations import Expectations, expectations

__all__ = ["Rates", "Subject"]
__all__ += ["called", "evaluate", "evaluate_array", "quiet", "raised", "rates_of", "shown", "subject"]

Function: TypeAlias = Callable[[Any], Any]

WALKED = 2**21  # iterations looked at: all of a usual run; of a longer one so many, and where something is expected
PROBES = 16  # iterations at which a function is called again: so many over the run, and where something is expected
AGAIN = 6  # calls of all checks together for each of those


@dataclass(frozen=True, eq=False)
class Rates:
    """What a function returned, place by place."""

    values: NDArray[np.float64]  # NaN where it returned no real number
    notes: Mapping[int, str] = field(default_factory=dict)  # what it did there instead
    epsilon: float = float(np.finfo(np.float64).eps)  # of the least precise floating-point type among the answers

    def text(self, place: int) -> str:
        """One answer in words, behind "it": "is 0.1", "raises ValueError"."""
        return self.notes.get(place) or f"is {shown(self.values[place])}"

    def part(self, places: NDArray[np.int64]) -> Rates:
        notes = {at: self.notes[place] for at, place in enumerate(places.tolist()) if place in self.notes}
        return Rates(self.values[places], notes, self.epsilon)

    def first_other(self, than: Rates, slack: float) -> int | None:
        """The first place with another answer; what is not finite in both is alike, because other checks find it."""
        a, b = self.values, than.values
        other = ~((a == b) | (np.abs(a - b) <= slack)) & (np.isfinite(a) | np.isfinite(b))
        return int(other.argmax()) if other.any() else None


def shown(rate: float) -> str:
    """A rate as messages write it: every digit that distinguishes it from its neighbours.

    >>> shown(0.1), shown(1.0), shown(float("nan"))
    ('0.1', '1', 'nan')
    """
    return repr(float(rate)).removesuffix(".0")


def raised(error: Exception) -> str:
    """An exception in words."""
    return f"raises {type(error).__name__}: {error}".removesuffix(": ")


@contextmanager
def quiet() -> Iterator[None]:
    """Let a function divide by zero or warn as it likes: the checks look at what it returns."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def evaluate(function: Function, iterations: Iterable[Any]) -> Rates:
    """Call a function once per iteration, in the order given."""
    answers: list[Any] = []
    for iteration in iterations:
        try:
            answers.append(function(iteration))
        except Exception as error:
            answers.append(error)
    return rates_of(answers)


def evaluate_array(function: Function, iterations: NDArray[Any]) -> Rates | None:
    """Call a function with a copy of an array; None when it does not return one real number for each."""
    try:
        answer = _as_array(function(iterations.copy()))
    except Exception:
        return None
    return rates_of(answer) if answer.shape == iterations.shape and answer.dtype.kind in "fiu" else None


def rates_of(answers: Sequence[Any] | NDArray[Any]) -> Rates:
    """Answers as rates; an exception among them is one that was raised."""
    together = _as_array(answers)
    if together.shape == (len(answers),) and together.dtype.kind in "fiu":
        return Rates(together.astype(np.float64), {}, _epsilon(together))
    values = np.full(len(answers), np.nan)
    notes: dict[int, str] = {}
    epsilon = Rates.epsilon
    for place, answer in enumerate(answers):
        value = _as_array(answer)
        if value.shape == () and value.dtype.kind in "fiub":
            values[place], epsilon = value, max(epsilon, _epsilon(value))
        elif value.dtype.kind == "c" and not value.shape:
            notes[place] = f"is the complex number {complex(value):.6g}"
        else:
            notes[place] = raised(answer) if isinstance(answer, Exception) else f"is {answer!r}, not a real number"
    return Rates(values, notes, epsilon)


def _as_array(answer: Any) -> NDArray[Any]:
    try:
        return np.asarray(answer)
    except Exception:  # lists of several lengths, arrays of other libraries
        return np.array(None)


def _epsilon(value: NDArray[Any]) -> float:
    return max(float(np.finfo(value.dtype).eps) if value.dtype.kind == "f" else 0.0, Rates.epsilon)


@dataclass(frozen=True, eq=False)
class Subject:
    """A schedule to be checked, as the checks see it."""

    name: str
    expected: Expectations
    iterations: Iterations  # that are looked at, ascending: all of a run of usual length
    answers: Rates
    later: tuple[Iterations, Rates]  # after the horizon
    probes: Iterations = field(default_factory=lambda: np.empty(0, np.int64))  # at which it is called once more
    function: Function = math.nan.__add__  # a recording has none
    own: bool = False  # a Schedule of this package, whose rates agree to the bit
    takes_arrays: bool = False

    @property
    def horizon(self) -> int:
        return self.expected.horizon

    @cached_property
    def rates(self) -> NDArray[np.float64]:
        """The rates at the iterations; NaN where there is no finite one."""
        return np.where(np.isfinite(self.answers.values), self.answers.values, np.nan)

    def rate(self, iteration: int) -> float:
        """The rate at an iteration that was looked at, as all those are where something is expected."""
        return float(self.answers.values[np.searchsorted(self.iterations, iteration)])

    @cached_property
    def top(self) -> float:
        return float(np.fmax.reduce(np.abs(self.rates), initial=0.0))

    @property
    def slack(self) -> float:
        """What rounding may do: four units in the last place of the largest rate."""
        return 4 * self.answers.epsilon * self.top

    @property
    def tolerance(self) -> float:
        if self.expected.tolerance is not None:
            return self.expected.tolerance
        return (1e-9 if self.answers.epsilon < 1e-9 else 1e-6) * self.top

    def part(self, first: int, last: int) -> tuple[Iterations, NDArray[np.float64]]:
        """The iterations in ``first..last`` that have a finite rate, and those rates."""
        inside = (self.iterations >= first) & (self.iterations <= last) & ~np.isnan(self.rates)
        return self.iterations[inside], self.rates[inside]

    @cached_property
    def alone(self) -> Rates:
        """What it returns at the probes, called with one int of Python at a time."""
        return evaluate(self.function, self.probes.tolist())


@quiet()
def subject(
    source: Any,
    given: Mapping[str, Any],
    *,
    most: int = WALKED,
    budget: float | None = None,
    progress: Callable[[str], object] = str,
) -> Subject:
    """Walk over a schedule, ready to be checked.

    Raises:
        OSError, TypeError, ValueError: for what is not a schedule, or an expectation that makes no sense.
    """
    if isinstance(source, type):
        raise TypeError(f"give an instance of {source.__name__}, not the class")
    schedule = as_schedule(source, horizon=given.get("horizon"))
    expected = expectations(schedule, given)
    # the function itself, because a Schedule refuses what is not a number
    function: Function = schedule.function if isinstance(schedule, FunctionSchedule) else schedule
    # a function that holds arrays itself may answer arrays of one length, by accident
    lengths = (np.arange(length, dtype=np.int64) % (expected.horizon + 1) for length in (1, 5, 7))
    takes_arrays = all(evaluate_array(function, each) is not None for each in lengths)
    if not takes_arrays:
        most = _affordable(function, expected.horizon, most, budget, progress)
    count = max(min(most // (2 * AGAIN), PROBES), 1)
    walked = np.linspace(0, expected.horizon, min(expected.horizon + 1, most), dtype=np.int64)
    iterations = np.sort(np.concatenate([walked, expected.places]), kind="stable")
    iterations = iterations[np.diff(iterations, prepend=-1) > 0]  # np.unique takes fifty times as long
    together = evaluate_array(function, iterations) if takes_arrays else None
    spread = iterations[np.linspace(0, iterations.size - 1, count + 1).astype(int)]
    own = function is schedule
    poles = _poles(function, iterations) if takes_arrays and not own else []
    return Subject(
        name=called(source),
        expected=expected,
        iterations=iterations,
        answers=evaluate(function, iterations.tolist()) if together is None else together,
        later=(expected.later, evaluate(function, expected.later.tolist())),
        probes=np.unique([*spread, *expected.places[:: len(expected.places) // count + 1], *poles]),
        function=function,
        own=own,
        takes_arrays=takes_arrays,
    )


def _affordable(
    function: Function, horizon: int, most: int, budget: float | None, progress: Callable[[str], object]
) -> int:
    """How many iterations may be looked at, one call each."""
    each = min(timeit.repeat(lambda: evaluate(function, [0]), number=1))  # the first call may have to compile
    needed = min(horizon + 1, most) + 2 * AGAIN * PROBES
    if budget is not None and needed * each > budget:
        most = max(int(budget / each / 2), 2)
        progress(f"a call takes {each:.2g} s: looking at {most} of {horizon + 1} iterations")
    elif needed * each > 5:
        what = f"{needed} calls of {each:.2g} s"
        progress(f"the checks will take about {needed * each:.0f} s ({what}); budget=SECONDS looks at fewer")
    return most


def _poles(function: Function, iterations: Iterations) -> Iterator[int]:
    """The first iterations at which numpy divides by zero, or has no number: there an int of Python raises.

    The rates do not tell: ``numpy.where`` computes both branches and may drop what came of it.
    """
    found, parts = 0, [iterations]
    while parts and found < PROBES:
        part = parts.pop()
        try:
            with np.errstate(divide="raise", invalid="raise", over="raise"):
                function(part.copy())
        except FloatingPointError:
            if part.size == 1:
                found += 1
                yield int(part[0])
            else:
                parts += [part[part.size // 2 :], part[: part.size // 2]]
        except Exception:
            continue  # the checks look at what it raises


def called(source: Any) -> str:
    """A short name of a schedule for messages and test ids."""
    name = getattr(source, "__qualname__", None) or repr(source).partition(" object at ")[0].strip("<")
    return str(name).rpartition("<locals>.")[2]
