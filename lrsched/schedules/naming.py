"""What a named schedule is: the value that a call makes, which remembers the call.

``@named`` makes one of a function: the arguments are checked by the declarations in its signature, texts become
numbers, and what the function returns, a schedule or a function of the iteration, becomes the rule of the value.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial, wraps
from typing import Any, ParamSpec, get_args, get_origin, get_type_hints

from lrsched.numbers import Param, declarations, real, whole
from lrsched.schedule import Floats, Iterations, Part, Schedule, as_part
from lrsched.schedules.curves import Rule
from lrsched.schedules.units import Units, share
from lrsched.text import plain

__all__ = ["Named", "is_named", "named"]

P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True, repr=False)
class Named(Schedule):
    """A schedule that remembers the call that made it: it prints, compares, pickles and travels as that call.

    Attributes:
        function: the function that was called.
        arguments: what it was called with, checked, texts as numbers.
        rule: what it returned.
    """

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
        values = (f"{p.name} {plain(value)}" for p, value in self._given() if not isinstance(value, Schedule))
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
        shown = (f"{p.name}={value!r}" if p.kind is p.KEYWORD_ONLY else repr(value) for p, value in self._given())
        return f"{self.name}({', '.join(shown)})"


def named(function: Callable[P, Any]) -> Callable[P, Named]:
    """Make a named schedule of a function of its parameters.

    >>> from lrsched.schedules.parameters import Horizon, Peak
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
        rule = made if isinstance(made, Schedule) else Rule(function=made, last=arguments.get("horizon"))
        return Named(function=make, arguments=tuple(arguments.items()), rule=rule)

    vars(make)["makes"] = Named
    return make


def is_named(thing: Any) -> bool:
    """Whether a function makes a named schedule."""
    return getattr(thing, "makes", None) is Named


def _checked(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The arguments of a call, each checked by its declaration, in the order of the signature."""
    name, declared = function.__name__, declarations(function)
    signature = inspect.signature(function)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as why:
        raise TypeError(f"{name}: {why}") from None
    bound.apply_defaults()
    known: dict[str, Any] = {}
    # the others may be shares of these two
    for key in sorted(bound.arguments, key=lambda key: key not in ("horizon", "peak")):
        value, (kind, param) = bound.arguments[key], declared.get(key, (None, None))
        if param is not None:
            absent = value is None and signature.parameters[key].default is None
            known[key] = None if absent else _number(f"{name}: {key}", value, kind, param, known)
        else:
            known[key] = as_part(f"{name}: {key}", value) if _hints(function).get(key) == Part else value
    horizon, warmup = known.get("horizon"), known.get("warmup")
    if horizon is not None and warmup is not None and horizon <= warmup:
        raise ValueError(f"{name}: horizon must lie after the warm-up, which ends at {warmup}, got {horizon}")
    return {key: known[key] for key in bound.arguments}


@cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(function)


def _number(name: str, value: Any, kind: Any, param: Param, known: dict[str, Any]) -> Any:
    if get_origin(kind) is Sequence:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise TypeError(f"{name} must be a list of numbers, got {value!r}")
        return tuple(_number(name, each, get_args(kind)[0], param, known) for each in value)
    if isinstance(value, str) and param.text == "time":
        value = Units(horizon=known.get("horizon"))(value)
    elif isinstance(value, str) and param.text == "rate":
        value = share(name, value, known.get("peak", math.nan))
    check = whole if kind is int or param.text == "time" else real
    return check(name, value, low=param.low, high=param.high, zero=param.zero)
