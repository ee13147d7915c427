"""What many trainers write: one JSON object a line, appended by every start of the program; and keys with values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar, get_args, get_origin

import numpy as np

from lrsched.log import Floats, Log, Skipped
from lrsched.numbers import LAST_ITERATION, checked, declarations
from lrsched.text import did_you_mean
from lrsched.trainers.printed.numbers import number, numbers
from lrsched.trainers.yaml import ConfigError, Entry, scalar

__all__ = ["Keyed", "Row", "as_numbers", "config_of", "json_lines", "log_of", "runs", "text_of", "values_of"]

Row: TypeAlias = dict[str, Any]

T = TypeVar("T")


class Keyed:
    """A config whose fields are its keys."""

    def with_values(self, changes: Mapping[str, Any]) -> Self:
        """The config with other values."""
        return replace(self, **changes)  # type: ignore[type-var]


def json_lines(text: str) -> tuple[list[Row], Skipped]:
    r"""The JSON objects in some lines, and the incomplete ones that were skipped; marks of a merge are passed over.

    >>> json_lines('{"a": 1}\r\n<<<<<<< HEAD\n{"a": 2}\n{"a": 3')
    ([{'a': 1}, {'a': 2}], Skipped(records=1, layer_lines=0, examples=('{"a": 3',), damage=''))
    """
    lines = [line for line in text.split("\n") if line.lstrip().startswith("{")]
    with suppress(ValueError, RecursionError):
        rows = json.loads(f"[{','.join(lines)}]")  # all at once takes half the time of a million rows
        if len(rows) == len(lines):
            return rows, Skipped()
    rows, torn = [], []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError):
            torn.append(line.strip()[:80])
    return rows, Skipped(records=len(torn), examples=tuple(torn[:3]))


def runs(rows: Iterable[Row], step: str, over: Callable[[Row], bool] = lambda row: False) -> Iterator[list[Row]]:
    """The rows of each run: another one begins where the step does not grow, or after a row at which one was ``over``.

    Rows whose step is not a whole number are left out.
    """
    run: list[Row] = []
    for row in rows:
        at = number(row.get(step))
        if not (0 <= at <= LAST_ITERATION and at == int(at)):
            continue
        if run and (at <= number(run[-1][step]) or over(run[-1])):
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def log_of(rows: Sequence[Row], names: Mapping[str, str], **known: Any) -> Log:
    """A log of rows; ``names`` has the usual names of the trainer's own, ``iteration`` among them."""
    columns: dict[str, Floats] = {}
    for key in dict.fromkeys(key for row in rows for key in row):
        column = numbers([row.get(key) for row in rows])
        if key in names or (key not in names.values() and not np.isnan(column).all()):
            columns[names.get(key, key)] = column
    return Log.of(columns, **known)


def text_of(source: Any, name: str = "") -> tuple[str, str]:
    """The text of a path, an open file or the folder of a run, where it is called ``name``; and what messages call it.

    Raises:
        OSError: when the file cannot be opened.
    """
    if hasattr(source, "read"):
        data, label = source.read(), getattr(source, "name", name or "<stream>")
    else:
        path = Path(source) / name if Path(source).is_dir() else Path(source)
        data, label = path.read_bytes(), path
    return data if isinstance(data, str) else data.decode("utf-8-sig", "replace"), str(label)


def config_of(owner: Callable[..., T], keys: Mapping[str, Entry], source: str, changes: Mapping[str, str]) -> T:
    """A config from the keys of a file; ``changes`` are keys with the values they are read with, as on a command line.

    Raises:
        ConfigError: for a value with which the trainer would not run, or the change of a key that decides no rate.
    """
    known = {each.name for each in fields(owner) if each.compare}  # type: ignore[arg-type]
    for key in (key for key in changes if key not in known):
        raise ConfigError(f"{source}: {key} decides no rate of this trainer{did_you_mean(key, known)}")
    keys = {**keys, **{key: Entry(scalar(value), 0) for key, value in changes.items()}}
    values = values_of(owner, {key: entry for key, entry in keys.items() if key in known}, source)
    try:
        return owner(source=source, **values)
    except (TypeError, ValueError) as problem:
        raise ConfigError(f"{source}: {problem}") from None


def values_of(owner: Any, keys: Mapping[str, Entry], source: str) -> dict[str, Any]:
    """The values of some keys as the fields of a config declare them; without those that are empty.

    Raises:
        ConfigError: for a value that its declaration refuses, with the line.
    """
    kinds, defaults, values = declarations(owner), {each.name: each.default for each in fields(owner)}, {}
    for key, (value, line) in keys.items():
        place = f"{source}{f', line {line}' if line else ''}: {key}"
        try:
            if value is None:
                continue
            if key in kinds:
                kind, param = kinds[key]
                values[key] = checked(place, as_numbers(value, kind), kind, param)
            elif isinstance(value, type(defaults[key])):
                values[key] = value
            else:
                raise ValueError(f"{place} must look like {defaults[key]!r}, got {value!r}")
        except (TypeError, ValueError) as problem:
            raise ConfigError(str(problem)) from None
    return values


def as_numbers(value: Any, kind: Any) -> Any:
    """Numbers and lists of them that a file has as texts: ``1e-3``, ``(30, 60)``; 10.0 where a whole one is wanted."""
    if get_origin(kind) is tuple:
        inside = value.strip(" ()[]").rstrip(",").split(",") if isinstance(value, str) else value
        items = inside if isinstance(inside, list) else [inside]
        return [as_numbers(item, get_args(kind)[0]) for item in items if item != ""]
    try:
        found = float(value) if isinstance(value, str) else value
    except ValueError:
        return value
    whole = kind is int or int in get_args(kind)
    return int(found) if whole and isinstance(found, float) and found.is_integer() else found
