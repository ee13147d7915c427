"""What a named schedule is: the value that a call makes, which remembers the call; and the texts its times may be."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial, wraps
from typing import Annotated, Any, ParamSpec, TypeAlias

from lrsched.numbers import LAST_ITERATION, Param, checked, declarations, declared, whole
from lrsched.schedule import Floats, FunctionSchedule, Iterations, Schedule, as_part
from lrsched.text import plain

__all__ = ["Named", "Time", "Units", "half_up", "is_named", "named", "share"]

P = ParamSpec("P")

SHOWN = 12  # a longer list is shortened, except where the text makes the schedule again


@dataclass(frozen=True, kw_only=True, repr=False)
class Named(Schedule):
    """A schedule that remembers the call that made it: it prints, compares, pickles and travels as that call."""

    function: Callable[..., Named]
    arguments: tuple[tuple[str, Any], ...]
    rule: Schedule = field(compare=False)

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__

    @property
    def horizon(self) -> int | None:
        return self.rule.horizon

    @property
    def warmup(self) -> int:
        own = dict(self.arguments).get("warmup")
        return self.rule.warmup if own is None else int(own)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return self.rule.milestones(first, last)

    def formula(self, t: Iterations) -> Floats:
        return self.rule.formula(t)

    @property
    def caption(self) -> str:
        values = (f"{p.name} {brief(value, plain)}" for p, value in self._given() if not isinstance(value, Schedule))
        return " · ".join([self.name, *values])

    def _given(self) -> Iterator[tuple[inspect.Parameter, Any]]:
        """Parameter and value of each argument that is not the default."""
        for parameter in inspect.signature(self.function).parameters.values():
            value = dict(self.arguments)[parameter.name]
            if value != parameter.default:
                yield parameter, value

    def __reduce__(self) -> Any:
        return partial(self.function, **dict(self.arguments)), ()

    def __repr__(self) -> str:
        return self._call(repr)

    def __str__(self) -> str:
        return self._call(partial(brief, written=repr))

    def _call(self, text: Callable[[Any], str]) -> str:
        """The call that makes it, with the text of each argument."""
        shown = (f"{p.name}={text(value)}" if p.kind is p.KEYWORD_ONLY else text(value) for p, value in self._given())
        return f"{self.name}({', '.join(shown)})"


def named(function: Callable[P, Any]) -> Callable[P, Named]:
    """Let a function of parameters make named schedules.

    The arguments of a call are checked by the declarations in the signature, and texts become numbers; what the
    function returns, a schedule or a function of the iteration, gives the rates.

    >>> from lrsched.schedules.wellknown import Horizon, Peak
    >>> @named
    ... def square(*, peak: Peak, horizon: Horizon):
    ...     '''From the peak down to 0 as a parabola.'''
    ...     return lambda t: peak * (1 - t / horizon) ** 2
    >>> square(peak=1, horizon=4), square(peak=1, horizon=4)([0, 2, 4]).tolist()
    (square(peak=1.0, horizon=4), [1.0, 0.25, 0.0])
    >>> square(peak=1, horizon=0)
    Traceback (most recent call last):
        ...
    ValueError: square: horizon must be a whole number from 1 to 2147483647, got 0
    """

    @wraps(function)
    def make(*args: P.args, **kwargs: P.kwargs) -> Named:
        arguments = _checked(function, *args, **kwargs)
        try:
            made = function(**arguments)  # type: ignore[call-arg]
        except ValueError as why:
            raise ValueError(f"{function.__name__}: {why}") from None
        rule = made if isinstance(made, Schedule) else FunctionSchedule(function=made, horizon=arguments.get("horizon"))
        return Named(function=make, arguments=tuple(arguments.items()), rule=rule)

    vars(make)["makes"] = Named
    return make


def brief(value: Any, written: Callable[[Any], str]) -> str:
    """The text of an argument; of the thousands of numbers that a table may have the first and the last.

    >>> brief((1, 2), repr), brief(tuple(range(1000)), repr)
    ('(1, 2)', '(0, 1, ..., 999)')
    """
    if not isinstance(value, tuple) or len(value) <= SHOWN:
        return written(value)
    begin, end = written(value[:2]), written(value[-2:])
    return f"{begin.rstrip(')')}, ..., {end.rpartition(',')[2].strip()}"


def is_named(thing: Any) -> bool:
    """Whether a function makes a named schedule."""
    return getattr(thing, "makes", None) is Named


def _checked(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The arguments of a call, each checked by its declaration, in the order of the signature."""
    name, hints, signature = function.__name__, declarations(function), inspect.signature(function)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as why:
        raise TypeError(f"{name}: {why}") from None
    bound.apply_defaults()
    known: dict[str, Any] = {}
    # the others may be shares of these two
    for key in sorted(bound.arguments, key=lambda key: key not in ("horizon", "peak")):
        value = bound.arguments[key]
        absent = key not in hints or (value is None and signature.parameters[key].default is None)
        if not absent and hints[key][1].text == "schedule":
            value = as_part(f"{name}: {key}", value)
        elif not absent:
            value = checked(f"{name}: {key}", value, *hints[key], partial(_number, known=known))
        known[key] = value
    horizon, warmup = known.get("horizon"), known.get("warmup")
    if horizon is not None and warmup is not None and horizon <= warmup:
        raise ValueError(f"{name}: horizon must lie after the warm-up, which ends at {warmup}, got {horizon}")
    return {key: known[key] for key in bound.arguments}


def _number(name: str, text: str, param: Param, known: dict[str, Any]) -> Any:
    """What a text stands for, where a number is wanted."""
    if param.text == "time":
        return Units(horizon=known.get("horizon"))(text)
    return share(name, text, known.get("peak", math.nan)) if param.text == "rate" else text


Time: TypeAlias = int | str
"""A number of iterations, or text: ``"2000"``, ``"2k it"``, ``"3 epochs"``, ``"10%"``, ``"600k images"``."""

NUMBER = r"\s*([0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})\s*"
_TIME = re.compile(NUMBER + r"([kM]?)\s*(|it|iterations?|ep|epochs?|images?|%)\s*")
_SHARE = re.compile(NUMBER + "%\\s*")
_SIZES = {"": 1, "k": 1_000, "M": 1_000_000}

Length: TypeAlias = Annotated[int | None, Param("iterations, or images", 1, LAST_ITERATION, (1, 100_000))]


@dataclass(frozen=True, kw_only=True)
class Units:
    """What turns a time into iterations: call it with the time. The arithmetic is exact.

    >>> units = Units(iterations_per_epoch=500, batch=64, horizon=45_000)
    >>> [units(time) for time in ("3 epochs", "0.5ep", "10%", "64k images", "2k", 7)]
    [1500, 250, 4500, 1000, 2000, 7]

    Attributes:
        iterations_per_epoch: iterations in which every image is seen once; needed for epochs.
        batch: images per iteration; needed for images.
        horizon: the last iteration of the run; needed for ``%``, its share.
    """

    iterations_per_epoch: Length = None
    batch: Length = None
    horizon: Length = None

    def __post_init__(self) -> None:
        declared(self)

    def __call__(self, time: Time) -> int:
        """``time`` in iterations, rounded to the nearest whole one, halves up."""
        if not isinstance(time, str):
            return whole("a time", time)
        match = _TIME.fullmatch(time)
        if match is None:
            raise ValueError(f'a time must look like 2000, "2k", "3 epochs", "10%" or "600k images", got {time!r}')
        number, unit = Fraction(match[1].rstrip(".")) * _SIZES[match[2]], match[3]
        if unit.startswith("ep"):
            number *= self._known("iterations_per_epoch", time)
        elif unit.startswith("image"):
            number /= self._known("batch", time)
        elif unit == "%":
            number *= Fraction(self._known("horizon", time), 100)
        elif number.denominator != 1:
            raise ValueError(f"the time {time!r} is not a whole number of iterations")
        return whole(f"the time {time!r}", half_up(number))

    def _known(self, name: str, time: str) -> int:
        value: int | None = getattr(self, name)
        if value is None:
            raise ValueError(f"the time {time!r} needs {name}; write Units({name}=...)({time!r})")
        return value


def share(name: str, text: str, of: float) -> float:
    """A rate given as a share of another one: "1%" of 0.1 is 0.001."""
    match = _SHARE.fullmatch(text)
    if match is None:
        raise ValueError(f'{name} must be a number or a share of the peak such as "1%", got {text!r}')
    return float(Fraction(match[1].rstrip(".")) * Fraction(repr(of)) / 100)


def half_up(number: Fraction | float) -> int:
    """The nearest whole number, the larger one when two are equally near."""
    return math.floor(Fraction(number) + Fraction(1, 2))
