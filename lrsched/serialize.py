"""Schedules as plain data, for JSON and back: composites, named shapes, darknet's policies, functions by their name."""

import difflib
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from lrsched.import_path import imported, path_of
from lrsched.schedule import FunctionSchedule, Schedule
from lrsched.schedules import combinators as algebra
from lrsched.schedules import named as shapes
from lrsched.trainers import darknet

__all__ = ["from_dict", "to_dict"]

KIND = "kind"
"""The key that tells what a dictionary stands for."""


def to_dict(schedule: Schedule) -> dict[str, Any]:
    """A schedule as dictionaries, lists, numbers and text, which ``json.dumps`` takes and ``from_dict`` reads.

    A function is stored as ``module:qualname``; numbers that are not finite are stored as text.

    >>> from lrsched.schedules.named import cosine
    >>> to_dict(algebra.scaled(cosine(peak=0.1, horizon=1000, warmup=50), 2))
    {'kind': 'Scaled',
     'schedule': {'kind': 'Cosine', 'peak': 0.1, 'end': 0.0, 'horizon': 1000, 'warmup': 50, 'start': 0.0},
     'by': 2.0}

    Raises:
        TypeError: for something that is not a schedule.
        ValueError: for a function that cannot be imported by a name, such as a lambda.
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(f"to_dict takes a schedule, got {schedule!r}; make one with as_schedule(...)")
    return _record(schedule, type(schedule).__name__)


def from_dict(data: Mapping[str, Any]) -> Schedule:
    """The schedule that ``to_dict`` stored.

    Functions, and classes that are not lrsched's own, are imported by their name, which runs their module: read only
    data you trust.

    >>> from lrsched.schedules.named import one_cycle
    >>> run = one_cycle(peak=0.1, horizon=1000)
    >>> from_dict(to_dict(run)) == run
    True

    Raises:
        ValueError: for anything ``to_dict`` would not have written, naming the place.
    """
    return _schedule(data, "")


@cache
def _known() -> dict[str, type[Any]]:
    """The classes that are stored by their bare name."""
    found: list[Any] = [getattr(module, name) for module in (algebra, shapes, darknet) for name in module.__all__]
    own = {each.__name__: each for each in found if isinstance(each, type) and is_dataclass(each)}
    return {name: each for name, each in own.items() if each not in NOT_STORED} | {"FunctionSchedule": FunctionSchedule}


NOT_FINITE = ("inf", "-inf", "nan")
PLAIN: dict[Any, tuple[type, ...]] = {int: (int,), float: (int, float), bool: (bool,), str: (str,)}
NAMED = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
NOT_STORED = (darknet.Net, darknet.Dialect, darknet.Entry, darknet.Section)


def _record(value: Any, place: str) -> dict[str, Any]:
    kind = type(value)
    name: str | None = kind.__name__
    if _known().get(kind.__name__) is not kind:
        name = path_of(kind)
        if name is None:
            raise ValueError(
                f"{place}: the class {kind.__qualname__} cannot be imported by its name; move it to a module"
            )
    stored = (field for field in fields(value) if field.init)
    return {KIND: name} | {f.name: _stored(getattr(value, f.name), f"{place}.{f.name}") for f in stored}


def _stored(value: Any, place: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(float(value))
    if isinstance(value, tuple):
        return [_stored(each, f"{place}[{index}]") for index, each in enumerate(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return _record(value, place)
    path = path_of(value)
    if path is None:
        raise ValueError(
            f"{place}: {value!r} cannot be imported by a name, so it cannot be stored; "
            "use a function that is defined in a module, not a lambda or a local one"
        )
    return path


def _schedule(data: Any, place: str) -> Schedule:
    made = _value(data, place)
    if not isinstance(made, Schedule):
        raise ValueError(f"{place or 'the data'}: a schedule is needed, got a {type(made).__name__}")
    return made


def _value(data: Any, place: str) -> Any:
    where = place or "the data"
    if not isinstance(data, Mapping):
        raise ValueError(f"{where}: a dictionary with the key {KIND!r} is needed, got {data!r}")
    kind = _class(data.get(KIND), where)
    kinds = get_type_hints(kind)
    wanted = {field.name: field for field in fields(kind) if field.init}
    for name in data:
        if name != KIND and name not in wanted:
            raise ValueError(f"{where}: {kind.__name__} has no field {name!r}{_meant(name, wanted)}")
    missing = [
        name
        for name, field in wanted.items()
        if name not in data and field.default is MISSING and field.default_factory is MISSING
    ]
    if missing:
        raise ValueError(f"{where}: {kind.__name__} needs the field {missing[0]!r}")
    prefix = f"{place}." if place else ""
    values = {name: _read(kinds[name], data[name], f"{prefix}{name}") for name in wanted if name in data}
    try:
        return kind(**values)
    except (TypeError, ValueError) as why:
        raise ValueError(f"{where}: {why}") from why


def _class(name: Any, where: str) -> type[Any]:
    if not isinstance(name, str):
        raise ValueError(f"{where}: the key {KIND!r} must name a schedule, got {name!r}")
    if ":" not in name:
        if name not in _known():
            raise ValueError(f"{where}: there is no schedule {name!r}{_meant(name, _known())}")
        return _known()[name]
    found = _by_name(name, where)
    if not (isinstance(found, type) and is_dataclass(found)):
        raise ValueError(f"{where}: {name} is not a class of schedules")
    return found


def _read(kind: Any, data: Any, place: str) -> Any:
    """``data`` as a field of the type ``kind`` holds it."""
    if isinstance(kind, types.UnionType):
        return None if data is None else _read(get_args(kind)[0], data, place)
    if get_origin(kind) is tuple:
        if not isinstance(data, (list, tuple)):
            raise ValueError(f"{place}: a list is needed, got {data!r}")
        return tuple(_read(get_args(kind)[0], each, f"{place}[{index}]") for index, each in enumerate(data))
    if kind is float and data in NOT_FINITE:
        return float(data)
    if kind in PLAIN:
        if type(data) not in PLAIN[kind]:
            raise ValueError(f"{place}: {NAMED[kind]} is needed, got {data!r}")
        return kind(data)
    if isinstance(kind, type) and is_dataclass(kind):
        made = _value(data, place)
        if not isinstance(made, kind):
            raise ValueError(f"{place}: a {kind.__name__} is needed, got a {type(made).__name__}")
        return made
    if isinstance(data, Mapping):
        return _value(data, place)
    found = _by_name(data, place) if isinstance(data, str) and ":" in data else data
    if get_origin(kind) is Callable and not callable(found):
        raise ValueError(f"{place}: a function is needed, got {found!r}")
    return found


def _by_name(path: str, where: str) -> Any:
    try:
        return imported(path)
    except ValueError as why:
        raise ValueError(f"{where}: {why}") from why


def _meant(name: Any, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(str(name), known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"
