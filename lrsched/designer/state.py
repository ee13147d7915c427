"""What a person has asked for so far: changed values, options, the run; and how a request changes that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any

from lrsched.designer.document import Document, shaping
from lrsched.numbers import GPU_LIMIT, LAST_ITERATION, whole
from lrsched.shaping import PLAIN, Key
from lrsched.sources import as_schedule
from lrsched.text import did_you_mean, plain

__all__ = ["RequestError", "State", "asked", "changed", "columns", "legible", "unit_of", "value_of", "wanted"]

# what a run is wanted for: label, help and lowest number
RUN = {
    "ngpus": ("GPUs", "number of GPUs", 1),
    "target": ("target", "the iteration you want to reach", 0),
    "start": ("start", "the iteration you resume from", 0),
    "classes": ("classes", "number of classes, to judge the length", 1),
    "images": ("images", "number of training images, to judge the length", 1),
}
ENDLESS = 10_000  # iterations shown of a run without an end
MOST = 10_000  # more numbers than this are no list of steps, but a mistake

Json = dict[str, Any]
Changes = dict[str, Any]


class RequestError(ValueError):
    """A request that the page would not send."""


@dataclass(frozen=True)
class State:
    """What a person has asked for so far; it may be wrong, and is shown all the same."""

    changes: Changes = field(default_factory=dict)  # keys with other values than the file has; None deletes a key
    options: dict[str, str] = field(default_factory=dict)  # options of the trainer, such as the dialect
    ngpus: Any = None  # this and the others as for lrsched.plan
    target: Any = None
    start: Any = None
    classes: Any = None
    images: Any = None

    @classmethod
    def of(cls, data: Any) -> State:
        """A state from JSON; RequestError for anything else than an object with these names."""
        known = [each.name for each in fields(cls)]
        given = {name: value for name, value in wanted(data, "state").items() if value is not None}
        for name in given.keys() - set(known):
            raise RequestError(f"a state has no {name!r}{did_you_mean(name, known)}")
        changes = _values_in(given.pop("changes", {}))
        options = wanted(given.pop("options", {}), "options")
        for name, value in options.items():
            if not isinstance(value, str):
                raise RequestError(f"options: {name} must be a name, got {value!r}")
        for name, value in given.items():
            if not isinstance(value, (int, str)) or isinstance(value, bool):
                raise RequestError(f"{name} must be a whole number, got {value!r}")
        return cls(changes, dict(options), **given)

    @property
    def run(self) -> dict[str, int | None]:
        """The numbers of the run; ValueError for one that is not a number."""
        found: dict[str, int | None] = {"ngpus": 1, "start": 0}
        for name, (label, _, low) in RUN.items():
            given = getattr(self, name)
            if isinstance(given, str):
                given = number_in(name, given, int) if given.strip() else None
            if given is not None:
                high = GPU_LIMIT if name == "ngpus" else LAST_ITERATION
                found[name] = whole(label, given, low=low, high=high)
        return found


def wanted(data: Any, name: str) -> Mapping[str, Any]:
    """An object of a request; RequestError for anything else."""
    if not isinstance(data, Mapping):
        raise RequestError(f"{name} must be an object, got {type(data).__name__}")
    return data


def _values_in(data: Any, name: str = "changes") -> Changes:
    """The values of a request by their keys."""
    return {key: _plain(key, value) for key, value in wanted(data, name).items()}


def _plain(key: str, value: Any) -> Any:
    """A value of a change; a list as a tuple."""
    if isinstance(value, (list, tuple)) and len(value) <= MOST and all(isinstance(each, PLAIN) for each in value):
        return tuple(value)
    if value is None or isinstance(value, PLAIN):
        return value
    raise RequestError(f"changes: {key} must be a number, a text, a list of them or null, got {type(value).__name__}")


def number_in(name: str, given: Any, kind: type) -> Any:
    """The number that a text of a field, or of JSON, stands for; ValueError where it is not one.

    >>> number_in("steps", "5e5", int), number_in("power", " 4 ", float)
    (500000, 4.0)
    """
    try:
        if isinstance(given, bool):
            raise ValueError
        found = float(given)  # and a larger integer than that is a mistake
        if kind is int and isinstance(given, (int, str)) and str(given).strip().lstrip("+-").isdecimal():
            return int(given)
        if not math.isfinite(found) or (kind is int and found != int(found)):
            raise ValueError
        return int(found) if kind is int else found
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a {'whole ' * (kind is int)}number, got {given!r}") from None


def value_of(key: Key, given: Any) -> Any:
    """A given value as its key wants it; ValueError where it cannot be one.

    >>> value_of(Key("steps", (), tuple, whole=True), "400000, 450000")
    (400000, 450000)
    """
    if given is None or (given == "" and key.default is None):
        return None
    if key.kind is tuple:
        parts = given.split(",") if isinstance(given, str) else given if isinstance(given, tuple) else (given,)
        return tuple(number_in(key.name, each, int if key.whole else float) for each in parts)
    if isinstance(given, tuple):
        raise ValueError(f"{key.name} takes one value, got {plain(given)}")
    if key.kind is bool:
        return given if isinstance(given, bool) else str(given).strip().lower() == "true"
    if key.kind is str:
        return str(given).strip()
    return number_in(key.name, given, key.kind)


def changed(document: Document, state: State, do: Mapping[str, Any], window: Mapping[str, Any]) -> State:
    """The state after what a person does, or RequestError; dragged times are rounded to a column of the window."""
    if len(do) != 1:
        raise RequestError(f"do one thing at a time, got {len(do)}")
    ((name, what),) = do.items()
    if name == "set":
        given = _values_in(what, name)
        left = {key: value for key, value in state.changes.items() if given.get(key, 0) is not None}
        given = {key: value for key, value in given.items() if value is not None}  # None is what the file has
        return _with(document, replace(state, changes=left), given)
    if name == "setting":
        given = dict(wanted(what, name))
        own = {key: given.pop(key) for key in [*given] if key not in RUN}
        options = {key: value for key, value in {**state.options, **own}.items() if value not in (None, "")}
        given = {key: None if value == "" else value for key, value in given.items()}
        return State.of({**vars(state), "options": options, **given})
    if name == "apply":
        given = dict(wanted(what, name))
        run = {key: given[key] for key in ("target", "start") if given.get(key) is not None}
        return State.of({**vars(_with(document, state, _values_in(given.get("changes", {})))), **run})
    if name == "move":
        return _moved(document, state, wanted(what, name), window)
    if name == "row":
        return _row(document, state, wanted(what, name))
    known = ("set", "setting", "move", "row", "apply")
    raise RequestError(f"there is no action {name!r}{did_you_mean(name, known)}")


def _with(document: Document, state: State, given: Mapping[str, Any]) -> State:
    """The state with other values; a value that the file has already is not a change."""
    own, kept = shaping(document.config), {}
    changes = {**state.changes, **given}
    if any((known := own.key(key)) is not None and known.choices for key in given):
        changes = _switched(document, state, given)
    for key, value in changes.items():
        known = own.key(key)
        kept[key] = value
        with suppress(ValueError):  # what cannot be read stays as it was typed
            kept[key] = value if known is None else value_of(known, value)
        if known is not None and kept[key] == known.value:
            del kept[key]
    return replace(state, changes=kept)


def _switched(document: Document, state: State, given: Mapping[str, Any]) -> Changes:
    """The changes with those that another policy needs, and without those that only the one before reads."""
    config = document.read(state.options)
    values = {**_values(config, state), **given}
    changes = {**shaping(config).completed(values), **given}
    with suppress(ValueError):
        before = {key.name for key in shaping(asked(document, state)).shown()}
        after = {key.name for key in shaping(asked(document, replace(state, changes=changes))).shown()}
        changes = {key: value for key, value in changes.items() if key in given or key not in before - after}
    return changes


def asked(document: Document, state: State) -> Any:
    """The config that a state asks for; ValueError where its trainer would not train it."""
    config = document.read(state.options)
    values = _values(config, state)
    if not values:
        return config
    if not hasattr(config, "with_values"):
        raise ValueError(f"{document.name}: a function has no values to change")
    return config.with_values(values)


def legible(document: Document, state: State) -> Any:
    """The config that a state asks for; where its trainer refuses it, the one whose keys can be shown."""
    with suppress(ValueError, TypeError, OverflowError):
        return asked(document, state)
    config = document.config
    with suppress(ValueError, TypeError, OverflowError):
        config = document.read(state.options)
        known = shaping(config)
        chosen = {name: value for name, value in state.changes.items() if (key := known.key(name)) and key.choices}
        return asked(document, State({**known.completed(chosen)}, state.options))
    return config


def columns(document: Document, state: State, config: Any) -> dict[str, tuple[Any, ...]]:
    """The lists that are shown as rows, as they were asked for."""
    known, found = shaping(config), {}
    for name in known.rows():
        given = state.changes.get(name)
        found[name] = getattr(config, name) if given is None else given if isinstance(given, tuple) else (given,)
    return found


def _values(config: Any, state: State) -> Changes:
    known = shaping(config)
    return {
        name: value if (key := known.key(name)) is None else value_of(key, value)
        for name, value in state.changes.items()
    }


def _moved(document: Document, state: State, what: Mapping[str, Any], window: Mapping[str, Any]) -> State:
    """A point of the curve dragged in time, then in height."""
    name, t, rate = what.get("handle"), what.get("iteration"), what.get("rate")
    for given in (t, rate):
        is_number = isinstance(given, (int, float)) and not isinstance(given, bool) and math.isfinite(given)
        if given is not None and not is_number:
            raise RequestError(f"move: an iteration and a rate must be numbers, got {given!r}")
    unit = unit_of(window, as_schedule(asked(document, state)).horizon)
    if name == "target":
        at = state.target if t is None else _rounded(t, unit, 0, LAST_ITERATION)
        return replace(state, target=at)
    ngpus = state.run["ngpus"] or 1
    for coordinate in ("time", "height"):
        handle = next((each for each in shaping(asked(document, state)).handles(ngpus) if each.name == name), None)
        if handle is None:
            raise RequestError(f"move: there is no point {name!r} on this curve")
        changes: Mapping[str, Any] = {}
        if coordinate == "time" and t is not None and handle.at is not None:
            changes = handle.at(_rounded(t, unit, handle.low, handle.high))
        if coordinate == "height" and rate is not None and handle.reaches is not None:
            changes = handle.reaches(max(float(rate), 0.0))
        state = _with(document, state, changes)
    return state


def unit_of(window: Mapping[str, Any], end: int | None) -> int:
    """The power of ten of iterations that a dragged time is rounded to: at most a column of the window."""
    span = (window["last"] or end or ENDLESS) - window["first"]
    return int(10 ** max(math.floor(math.log10(max(span, 1) / window["width"])), 0))


def _rounded(t: float, unit: int, low: int, high: int) -> int:
    return int(max(low, min(round(t / unit) * unit, high)))


def _row(document: Document, state: State, what: Mapping[str, Any]) -> State:
    """Another row of the table, one less, or another value in one."""
    config = legible(document, state)
    lists = columns(document, state, config)
    keys, rows = [*lists], [list(row) for row in zip(*lists.values(), strict=False)]
    index = what.get("index", what.get("remove", what.get("add")))
    index = len(rows) - 1 if index is None else index
    if not keys or isinstance(index, bool) or not isinstance(index, int) or not -1 <= index < max(len(rows), 1):
        raise RequestError(f"row: there is no row {index!r}")
    if "key" in what and rows and what["key"] in keys:
        place = keys.index(what["key"])
        rows[index][place] = _plain(keys[place], what.get("value"))
    elif "remove" in what and rows:
        del rows[index]
    elif "add" in what:
        begin = number_in("row", rows[index][0], int) if rows else 0
        end = as_schedule(config).horizon or 0
        end = number_in("row", rows[index + 1][0], int) if index + 1 < len(rows) else max(end, begin + 2)
        rows.insert(index + 1, [(begin + end) // 2, 0.1])
    else:
        raise RequestError("row: add, remove, or give a key and a value")
    return _with(document, state, {key: tuple(row[place] for row in rows) for place, key in enumerate(keys)})
