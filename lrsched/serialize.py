"""Schedules as plain data, for JSON and back: named ones, what is made of them, trainers' policies, functions."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from lrsched.schedule import FunctionSchedule, Schedule, imported, path_of
from lrsched.schedules import NAMED, Named, Product, Sequential, Sum, is_named
from lrsched.sources import as_schedule
from lrsched.text import did_you_mean
from lrsched.trainers import TRAINERS

__all__ = ["from_dict", "maker_of", "to_dict"]

KIND = "kind"  # the key that names what makes the value; the others are what it is called with
NOT_FINITE = ("inf", "-inf", "nan")


def to_dict(schedule: Schedule) -> dict[str, Any]:
    """A schedule as dictionaries, lists, numbers and text, which ``json.dumps`` takes and ``from_dict`` reads.

    A function is stored as ``module:qualname``; numbers that are not finite are stored as text.

    >>> from lrsched.schedules import cosine
    >>> to_dict(cosine(peak=0.1, horizon=1000, warmup=50) * 2)
    {'kind': 'Product',
     'schedules': [{'kind': 'cosine', 'peak': 0.1, 'horizon': 1000, 'final': 0.0, 'warmup': 50, 'initial': 0.0}],
     'factor': 2.0,
     'divisor': 1.0}

    Raises:
        ValueError: for a function that cannot be imported by a name, such as a lambda.
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(f"to_dict takes a schedule, got {schedule!r}; make one with as_schedule(...)")
    stored: dict[str, Any] = _stored(schedule, type(schedule).__name__)
    return stored


def from_dict(data: Mapping[str, Any]) -> Schedule:
    """The schedule that ``to_dict`` stored.

    What is not lrsched's own is imported by its name, which runs its module: read only data you trust.

    >>> from_dict({"kind": "cosine", "peak": 0.1, "horizon": 1000})
    cosine(peak=0.1, horizon=1000)

    Raises:
        ValueError: for anything ``to_dict`` would not have written, naming the place.
    """
    made = _read(data, "")
    if not isinstance(made, Schedule):
        raise ValueError(f"a schedule is a dictionary with the key {KIND!r}, got {data!r}")
    return made


def _known() -> dict[str, Any]:
    """What is stored by its bare name."""
    makers: list[Any] = [as_schedule, Product, Sequential, Sum]
    makers += (each for trainer in TRAINERS if trainer.configs for each in trainer.configs().schedules)
    return {**NAMED, **{each.__name__: each for each in makers}}


def _stored(value: Any, place: str) -> Any:
    maker: Any
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple):
        return [_stored(each, f"{place}[{index}]") for index, each in enumerate(value)]
    if isinstance(value, FunctionSchedule):
        maker, arguments = as_schedule, {"source": _path(value.function, place), "horizon": value.horizon}
    elif isinstance(value, Named):
        maker, arguments = value.function, dict(value.arguments)
    elif not is_dataclass(value) or isinstance(value, type):
        raise ValueError(f"{place}: {value!r} cannot be stored; numbers, texts, tuples and dataclasses can")
    elif "__reduce__" in vars(type(value)):
        reduced: Any = value  # it knows the name by which it is found
        maker, given = reduced.__reduce__()
        arguments = dict(zip(inspect.signature(maker).parameters, given, strict=True))
    else:
        used = (f for f in fields(value) if f.init and f.compare)
        maker, arguments = type(value), {f.name: getattr(value, f.name) for f in used}
    own = _known().get(maker.__name__) is maker
    name = maker.__name__ if own else _path(maker, place)
    return {KIND: name, **{key: _stored(each, f"{place}.{key}") for key, each in arguments.items()}}


def _path(thing: Any, place: str) -> str:
    path = path_of(thing)
    if path is None:
        raise ValueError(f"{place}: {thing!r} cannot be stored; define it in a module, not as a lambda or a local one")
    return path


def _read(data: Any, place: str) -> Any:
    if isinstance(data, list):
        return tuple(_read(each, f"{place}[{index}]") for index, each in enumerate(data))
    if isinstance(data, str) and data in NOT_FINITE:
        return float(data)
    if not isinstance(data, Mapping):
        return data
    where = place or "the data"
    values = {key: _read(value, f"{place}.{key}".lstrip(".")) for key, value in data.items() if key != KIND}
    try:
        return maker_of(data.get(KIND))(**values)
    except (OSError, TypeError, ValueError) as why:
        raise ValueError(f"{where}: {why}") from why


def maker_of(name: Any) -> Any:
    """What makes a schedule of the arguments stored beside its name.

    Raises:
        ValueError: for a name that makes none.
    """
    if not isinstance(name, str):
        raise ValueError(f"the key {KIND!r} must name a schedule, got {name!r}")
    if ":" not in name:
        if name not in _known():
            raise ValueError(f"there is no schedule {name!r}{did_you_mean(name, _known())}")
        return _known()[name]
    found = imported(name)
    if not (is_named(found) or (isinstance(found, type) and is_dataclass(found))):
        raise ValueError(f"{name} is neither a class of schedules nor a named schedule")
    return found
