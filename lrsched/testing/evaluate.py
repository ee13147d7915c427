"""Calling a function for rates: whatever it returns or raises becomes numbers, and notes on what is no number."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["DOUBLE", "Function", "Rates", "evaluate", "evaluate_array", "quiet", "rates_of", "shown"]

Function: TypeAlias = Callable[[Any], Any]

DOUBLE = np.dtype(np.float64)
BATCH = 4096
"""Calls whose answers are converted together."""


@dataclass(frozen=True, eq=False)
class Rates:
    """What a function returned, place by place.

    Attributes:
        values: the real numbers; NaN where there is none.
        notes: by place, what was returned or raised where there is no real number.
        dtype: the least precise floating-point type among the answers.
    """

    values: NDArray[np.float64]
    notes: Mapping[int, str] = field(default_factory=dict)
    dtype: np.dtype[Any] = DOUBLE

    def text(self, place: int) -> str:
        """One answer in words, behind "it": "is 0.1", "raises ValueError"."""
        return self.notes.get(place) or f"is {shown(self.values[place])}"

    def differs(self, place: int, other: Rates, at: int, slack: float = 0.0) -> bool:
        """Whether the answer at a place is another one than in ``other``."""
        a, b = self.values[place], other.values[at]
        same = a == b or abs(a - b) <= slack or (np.isnan(a) and np.isnan(b))
        return not same or (place in self.notes) != (at in other.notes)


def shown(rate: float) -> str:
    """A rate as messages write it: every digit that tells it from its neighbours.

    >>> shown(0.1), shown(1.0), shown(float("nan"))
    ('0.1', '1', 'nan')
    """
    return repr(float(rate)).removesuffix(".0")


@contextmanager
def quiet() -> Iterator[None]:
    """Let a function divide by zero or warn as it likes: the checks look at what it returns."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def evaluate(function: Function, iterations: Iterable[Any]) -> Rates:
    """Call a function once per iteration, in the order given."""
    answers: list[Any] = []
    with quiet():
        for iteration in iterations:
            try:
                answers.append(function(iteration))
            except Exception as error:
                answers.append(error)
    return rates_of(answers)


def rates_of(answers: list[Any]) -> Rates:
    """Answers as rates; an exception among them is one that was raised."""
    values = np.full(len(answers), np.nan)
    notes: dict[int, str] = {}
    types = {DOUBLE}
    for begin in range(0, len(answers), BATCH):
        batch = answers[begin : begin + BATCH]
        together = _as_array(batch)
        if together is not None and together.shape == (len(batch),) and together.dtype.kind in "fiu":
            values[begin : begin + BATCH] = together
            types.add(together.dtype)
            continue
        for place, answer in enumerate(batch, begin):
            value = _as_array(answer)
            if value is not None and value.shape == () and value.dtype.kind in "fiub":
                values[place] = value
                types.add(value.dtype)
            else:
                notes[place] = _not_a_number(answer, value)
    return Rates(values, notes, min((each for each in types if each.kind == "f"), key=lambda each: each.itemsize))


def evaluate_array(function: Function, iterations: NDArray[Any]) -> Rates | None:
    """Call a function with a copy of an array; None when it does not return one real number for each."""
    try:
        with quiet():
            value = np.asarray(function(iterations.copy()))
    except Exception:
        return None
    if value.shape != iterations.shape or value.dtype.kind not in "fiu":
        return None
    dtype = value.dtype if value.dtype.kind == "f" and value.itemsize < DOUBLE.itemsize else DOUBLE
    return Rates(value.astype(np.float64), {}, dtype)


def _as_array(answer: Any) -> NDArray[Any] | None:
    try:
        return np.asarray(answer)
    except Exception:
        return None


def _not_a_number(answer: Any, value: NDArray[Any] | None) -> str:
    if isinstance(answer, Exception):
        return f"raises {type(answer).__name__}: {answer}".removesuffix(": ")
    if value is not None and value.shape:
        return f"is an array of shape {value.shape}, not one number"
    if value is not None and value.dtype.kind == "c":
        return f"is the complex number {complex(value):.6g}"
    return f"is {answer!r}, not a number"
