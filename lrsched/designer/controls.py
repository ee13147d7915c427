"""What can be changed in fields: the keys of a config, the rows of its lists, and what the run is wanted for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from lrsched.designer.document import Document, shaping
from lrsched.designer.state import RUN, Changes, Json, State, columns, value_of
from lrsched.shaping import Key
from lrsched.sources import is_config
from lrsched.text import plain

__all__ = ["controls", "rows", "settings"]

KINDS: dict[type, str] = {int: "whole", float: "number", bool: "flag", tuple: "list", str: "text"}


def controls(document: Document, state: State, config: Any) -> Iterator[Json]:
    """The keys with their values; what was asked for stands there even where it is refused."""
    if not is_config(config):
        return
    shown, opened = shaping(config), shaping(document.config)
    for key in shown.shown():
        if key.name not in shown.rows():
            yield _control(key, state.changes, opened.key(key.name))


def _control(key: Key, changes: Changes, opened: Key | None) -> Json:
    value, error = key.value, None
    if key.name in changes:
        try:
            value = value_of(key, changes[key.name])
        except ValueError as why:
            error = str(why)
    text = changes.get(key.name, key.value)
    told: Json = {
        "key": key.name,
        "label": key.name.rpartition(".")[2],
        "kind": "choice" if key.choices else KINDS[key.kind],
        "value": value,
        "text": "" if text is None else plain(text),
        "file": None if opened is None or opened.value is None else plain(opened.value),
        "default": None if key.default is None else plain(key.default),
        "help": key.param.doc if key.param else "",
        "choices": key.choices or None,
        "changed": key.name in changes,
        "error": error,
        "group": key.group or key.name.rpartition(".")[0],
    }
    return told | _range(key, value)


def _range(key: Key, value: Any) -> Json:
    """The slider of a key, wide enough for its value."""
    if key.param is None or key.kind not in (int, float):
        return {"low": None, "high": None, "low_positive": None, "log": False}
    low, high = key.param.typical
    if isinstance(value, (int, float)) and math.isfinite(value):
        low, high = min(low, value), max(high, value)
    least = low if low > 0 else 1 if key.kind is int else high * 1e-4
    return {"low": low, "high": high, "low_positive": least, "log": low >= 0 and high > 50 * (least or 1)}


def settings(document: Document, state: State) -> Iterator[Json]:
    """What a run is wanted for."""
    for name, (title, present, titles) in shaping(document.config).options().items():
        more = {"kind": "choice", "choices": [*titles], "titles": [*titles.values()]}
        yield _setting(name, title, f"the {title} that trains", state.options.get(name), present) | more
    facts = shaping(document.config).facts() if is_config(document.config) else ()
    for name, (label, words, _) in RUN.items():
        if name in ("target", "start", *facts):
            yield _setting(name, label, words, getattr(state, name), document.ngpus if name == "ngpus" else None)


def _setting(name: str, label: str, words: str, given: Any, usual: Any) -> Json:
    value = usual if given is None else given
    return {
        **dict.fromkeys(("default", "low", "high", "choices", "error")),
        "key": name,
        "label": label,
        "kind": "whole",
        "value": value,
        "text": "" if value is None else str(value),
        "help": words,
        "file": usual,
        "changed": value != usual,
    }


def rows(document: Document, state: State, config: Any) -> Json | None:
    """The lists of equal length as the rows of a table."""
    if not is_config(config):
        return None
    shown, opened = shaping(config), shaping(document.config)
    known = [key for key in map(shown.key, shown.rows()) if key is not None]
    if not known:
        return None
    before = [opened.key(key.name) for key in known]
    return {
        "keys": [key.name for key in known],
        "helps": [key.param.doc if key.param else "" for key in known],
        "values": [*zip(*columns(document, state, config).values(), strict=False)],
        "changed": any(key.name in state.changes for key in known),
        "file": [*zip(*(key.value for key in before if key is not None), strict=False)],
    }
