"""Asking a function for rates: whatever it returns or raises becomes numbers, and notes about what is no number."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["COMPLEX", "NOT_A_NUMBER", "NUMBER", "RAISED", "Answers", "Function", "ask", "ask_at_once", "shown"]

Function: TypeAlias = Callable[[Any], Any]
Kinds: TypeAlias = NDArray[np.int8]

NUMBER, RAISED, NOT_A_NUMBER, COMPLEX = range(4)

PORTION = 4096
"""Calls whose answers are turned into numbers together."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a function answered, place by place.

    Attributes:
        rates: the real numbers among the answers; NaN where there is none.
        kinds: whether an answer is a NUMBER, was RAISED, is NOT_A_NUMBER or COMPLEX.
        notes: what was answered where it is no number.
        precision: the type of the answers, float64 for what is none of numpy's.
    """

    rates: NDArray[np.float64]
    kinds: Kinds
    notes: dict[int, str]
    precision: np.dtype[Any]

    def first(self, *kinds: int) -> int | None:
        """The first place with an answer of one of these kinds."""
        places = np.flatnonzero(np.isin(self.kinds, kinds))
        return int(places[0]) if places.size else None

    def told(self, place: int) -> str:
        """One answer in words."""
        return self.notes.get(place) or f"is {shown(self.rates[place])}"


def shown(rate: float) -> str:
    """A rate as it is written in messages: every digit that tells it from its neighbours.

    >>> shown(0.1), shown(1.0), shown(float("nan"))
    ('0.1', '1', 'nan')
    """
    return repr(float(rate)).removesuffix(".0")


@contextmanager
def quiet() -> Iterator[None]:
    """Let a function divide by zero or warn as it likes: the checks look at what it answers."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def ask(function: Function, iterations: Sequence[Any]) -> Answers:
    """Call a function once per iteration, in the order given."""
    parts = []
    with quiet():
        for begin in range(0, len(iterations), PORTION):
            parts.append(_portion(function, iterations[begin : begin + PORTION], begin))
    return _joined(parts)


def _portion(function: Function, iterations: Sequence[Any], begin: int) -> Answers:
    # the fast path must not ask twice, so what has been answered is kept when a call raises
    raw: list[Any] = []
    notes: dict[int, str] = {}
    raised: list[int] = []
    place = 0
    while place < len(iterations):
        try:
            for iteration in iterations[place:]:
                raw.append(function(iteration))
            break
        except Exception as error:
            place = len(raw)
            notes[begin + place] = f"raises {type(error).__name__}: {error}".removesuffix(": ")
            raised.append(place)
            raw.append(np.nan)
            place += 1
    kinds = np.zeros(len(raw), np.int8)
    together = _array(raw)
    if together is not None and together.shape == (len(raw),) and together.dtype.kind in "fiub":
        kinds[raised] = RAISED
        return Answers(together.astype(np.float64), kinds, notes, _precision(together.dtype))
    rates = np.full(len(raw), np.nan)
    precisions = [np.dtype(np.float64)]
    for each, answer in enumerate(raw):
        if each in raised:
            kinds[each] = RAISED
            continue
        kinds[each], rates[each], note, precision = _one(answer)
        if note:
            notes[begin + each] = note
        else:
            precisions.append(precision)
    return Answers(rates, kinds, notes, min(precisions, key=lambda precision: precision.itemsize))


def _array(values: list[Any]) -> NDArray[Any] | None:
    try:
        return np.array(values)
    except Exception:
        return None


def _one(answer: Any) -> tuple[int, float, str, np.dtype[Any]]:
    double = np.dtype(np.float64)
    if isinstance(answer, (str, bytes)) or answer is None:
        return NOT_A_NUMBER, np.nan, f"is {answer!r}", double
    value = _array(answer)
    if value is None or value.shape != () or value.dtype.kind not in "fiubc":
        what = f"an array of shape {value.shape}" if value is not None and value.shape else type(answer).__name__
        try:
            return (NUMBER, float(answer), "", double) if value is None or value.shape == () else _no_number(what)
        except Exception:
            return _no_number(what)
    if value.dtype.kind == "c":
        return COMPLEX, np.nan, f"is the complex number {complex(value):.6g}", double
    return NUMBER, float(value), "", _precision(value.dtype)


def _no_number(what: str) -> tuple[int, float, str, np.dtype[Any]]:
    return NOT_A_NUMBER, np.nan, f"is {what}", np.dtype(np.float64)


def ask_at_once(function: Function, iterations: NDArray[Any]) -> Answers | None:
    """Call a function with a copy of an array; None when it raises or does not answer with one number for each."""
    try:
        with quiet():
            value = np.asarray(function(iterations.copy()))
    except Exception:
        return None
    if value.shape != iterations.shape or value.dtype.kind not in "fiubc":
        return None
    kinds = np.zeros(value.size, np.int8)
    if value.dtype.kind == "c":
        notes = {place: f"is the complex number {each:.6g}" for place, each in enumerate(value.flat[:PORTION].tolist())}
        kinds[:] = COMPLEX
        return Answers(np.full(value.size, np.nan), kinds, notes, np.dtype(np.float64))
    return Answers(value.astype(np.float64).reshape(-1), kinds, {}, _precision(value.dtype))


def _precision(kind: np.dtype[Any]) -> np.dtype[Any]:
    return kind if kind.kind == "f" and kind.itemsize < 8 else np.dtype(np.float64)


def _joined(parts: list[Answers]) -> Answers:
    if not parts:
        return Answers(np.empty(0), np.empty(0, np.int8), {}, np.dtype(np.float64))
    notes = {place: note for part in parts for place, note in part.notes.items()}
    precision = min((part.precision for part in parts), key=lambda precision: precision.itemsize)
    return Answers(
        np.concatenate([part.rates for part in parts]),
        np.concatenate([part.kinds for part in parts]),
        notes,
        precision,
    )
