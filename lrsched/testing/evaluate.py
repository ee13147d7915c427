"""Calling a function for rates: whatever it returns or raises becomes numbers, and notes on what is no number."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Function", "Rates", "evaluate", "evaluate_array", "quiet", "raised", "rates_of", "shown"]

Function: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Rates:
    """What a function returned, place by place: NaN and a note where it is no real number.

    ``epsilon`` is that of the least precise floating-point type among the answers.
    """

    values: NDArray[np.float64]
    notes: Mapping[int, str] = field(default_factory=dict)
    epsilon: float = float(np.finfo(np.float64).eps)

    def text(self, place: int) -> str:
        """One answer in words, behind "it": "is 0.1", "raises ValueError"."""
        return self.notes.get(place) or f"is {shown(self.values[place])}"

    def part(self, places: NDArray[np.int64]) -> Rates:
        """The answers at some of the places."""
        notes = {at: self.notes[place] for at, place in enumerate(places.tolist()) if place in self.notes}
        return Rates(self.values[places], notes, self.epsilon)

    def other(self, than: Rates, slack: float = 0.0) -> NDArray[np.int64]:
        """The places where the answer is another one; what is no finite number is alike, as other checks find it."""
        a, b = self.values, than.values
        same = (a == b) | (np.abs(a - b) <= slack) | ~(np.isfinite(a) | np.isfinite(b))
        return np.flatnonzero(~same)


def shown(rate: float) -> str:
    """A rate as messages write it: every digit that tells it from its neighbours.

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


def rates_of(answers: list[Any]) -> Rates:
    """Answers as rates; an exception among them is one that was raised."""
    together = _as_array(answers)
    if together.shape == (len(answers),) and together.dtype.kind in "fiu":
        return Rates(together.astype(np.float64), {}, max(_epsilon(together), Rates.epsilon))
    values = np.full(len(answers), np.nan)
    notes: dict[int, str] = {}
    epsilon = Rates.epsilon
    for place, answer in enumerate(answers):
        value = _as_array(answer)
        if value.shape == () and value.dtype.kind in "fiub":
            values[place], epsilon = value, max(epsilon, _epsilon(value))
        else:
            notes[place] = _not_a_number(answer, value)
    return Rates(values, notes, epsilon)


def evaluate_array(function: Function, iterations: NDArray[Any]) -> Rates | None:
    """Call a function with a copy of an array; None when it does not return one real number for each."""
    try:
        value = _as_array(function(iterations.copy()))
    except Exception:
        return None
    if value.shape != iterations.shape or value.dtype.kind not in "fiu":
        return None
    return Rates(value.astype(np.float64), {}, max(_epsilon(value), Rates.epsilon))


def _as_array(answer: Any) -> NDArray[Any]:
    try:
        return np.asarray(answer)
    except Exception:  # lists of several lengths, arrays of other libraries
        return np.array(None)


def _epsilon(value: NDArray[Any]) -> float:
    return float(np.finfo(value.dtype).eps) if value.dtype.kind == "f" else 0.0


def _not_a_number(answer: Any, value: NDArray[Any]) -> str:
    if isinstance(answer, Exception):
        return raised(answer)
    if value.dtype.kind == "c" and not value.shape:
        return f"is the complex number {complex(value):.6g}"
    return f"is an array of shape {value.shape}" if value.shape else f"is {answer!r}, not a number"
