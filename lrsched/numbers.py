"""Numbers that users give: declared once, one check and one sentence for parameters, iterations, units and options."""

import math
import operator
import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cache
from types import UnionType
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np

__all__ = ["GPU_LIMIT", "LARGEST", "LAST_ITERATION", "Param"]
__all__ += ["checked", "declarations", "declared", "params", "real", "whole"]

LAST_ITERATION = 2**31 - 1
"""The largest iteration: trainers count in a C ``int``."""

GPU_LIMIT = 4096  # the most GPUs of a run: some answers need a walk through the turns of every GPU
LARGEST = sys.float_info.max  # as a bound it takes every number but infinity and NaN


def whole(name: str, value: Any, *, low: float = 0, high: float = LAST_ITERATION, zero: bool = True) -> int:
    """``value`` as a plain int; TypeError for a float, a bool or anything else, ValueError outside ``low..high``."""
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        number = None
    if number is not None and low <= number <= high and (number or zero):
        return number
    error = TypeError if number is None else ValueError
    raise error(f"{name} must be a whole number{_range(low, high, zero)}, got {value!r}")


def real(name: str, value: Any, *, low: float = 0.0, high: float = math.inf, zero: bool = True) -> float:
    """``value`` as a plain float; TypeError for a bool or anything else, ValueError outside ``low..high``.

    An infinite bound itself lies outside; but with both bounds infinite every float is welcome, NaN too.
    """
    numeric = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    try:
        number = float(value) if numeric else None
    except OverflowError:
        number = None
    if number is not None and (number or zero):
        everything = low == -math.inf and high == math.inf
        if everything or (low <= number <= high and math.isfinite(number)):
            return number
    error = ValueError if numeric else TypeError
    raise error(f"{name} must be a number{_range(low, high, zero)}, got {value!r}")


def _range(low: float, high: float, zero: bool) -> str:
    if low == 0 and high == math.inf:
        return " of at least 0" if zero else " above 0"
    inside = "" if math.isinf(high) else " that is finite" if high == LARGEST else f" from {low:.10g} to {high:.10g}"
    return inside if zero else f"{inside}, but not 0"


class Param(NamedTuple):
    """What a parameter means and which values it can hold; declared once, read by everything.

    ``low`` and ``high`` bound what is accepted, ``typical`` what people use (tests and examples draw from it).
    ``text`` says what is welcome in place of a number: a time such as ``"10%"`` of the run, a rate such as ``"1%"`` of
    the peak, or, instead of any number, a schedule.
    """

    doc: str
    low: float
    high: float
    typical: tuple[float, float]
    zero: bool = True
    text: Literal["", "time", "rate", "schedule"] = ""


@cache
def declarations(owner: Hashable) -> dict[str, tuple[Any, Param]]:
    """Type and declaration of every declared parameter of a class, or of a function, by name and in order."""
    return {
        name: (part.__origin__, note)
        for name, hint in get_type_hints(owner, include_extras=True).items()
        for part in (hint, *get_args(hint))  # the parts of "Rate | None"
        for note in getattr(part, "__metadata__", ())
        if isinstance(note, Param)
    }


def params(owner: Any) -> dict[str, Param]:
    """The declared parameters of a class or a function, by name and in order."""
    return {name: param for name, (_, param) in declarations(owner).items()}


def declared(value: Any) -> None:
    """Check every declared parameter of ``value`` and store it as a plain number."""
    owner: Any = type(value)
    for name, (kind, param) in declarations(owner).items():
        given = getattr(value, name)
        object.__setattr__(value, name, checked(f"{owner.__name__}: {name}", given, kind, param))


def checked(name: str, given: Any, kind: Any, param: Param, read: Callable[..., Any] | None = None) -> Any:
    """A value as its declaration wants it, lists as tuples; ``read`` makes numbers of texts."""
    if isinstance(kind, UnionType):
        return None if given is None else checked(name, given, get_args(kind)[0], param)
    if get_origin(kind) in (tuple, Sequence):
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise TypeError(f"{name} must be a list of numbers, got {given!r}")
        return tuple(checked(name, each, get_args(kind)[0], param, read) for each in given)
    if read is not None and isinstance(given, str):
        given = read(name, given, param)
    check = whole if kind is int or param.text == "time" else real
    return check(name, given, low=param.low, high=param.high, zero=param.zero)
