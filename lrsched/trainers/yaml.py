"""The flat YAML files that the trainers write: values as PyYAML reads them, and nothing is ever executed.

``key: value``, quotes, comments, lists on one line or as ``- item``, keys below a key, tags (which are ignored). A
dictionary on one line, such as ``{}``, stays a text.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeAlias

__all__ = ["ConfigError", "Entry", "edited", "entries"]


class ConfigError(ValueError):
    """A config that cannot be read, or with which the trainer does not run."""


class Entry(NamedTuple):
    """The value of a key, and the number of its line."""

    value: Any
    line: int


Entries: TypeAlias = dict[str, Entry]

_QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\""
_KEY = re.compile(
    rf"(?P<indent> *)(?P<key>{_QUOTED}|[^\s#'\"\[{{&*!|>%@`-][^:#]*?|-[^\s:#]+?)\s*:(?:\s+(?P<value>.*))?$"
)
_ITEM = re.compile(r"(?P<indent> *)-(?:\s+(?P<value>.*))?$")
_VALUE = re.compile(rf"(?P<text>{_QUOTED}|(?!['\"])(?:[^\s#]|(?<=\S)#|\s+(?!#|\s|$))*)\s*(?:#.*)?$")
_PREFIX = re.compile(r"(?:[!&][^\s]*\s*)+")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
}


def scalar(text: str) -> Any:
    """One value without quotes; as for PyYAML, ``1e-3`` has no point and is a text.

    >>> [scalar(each) for each in ("300", "1.0e-3", "1e-3", "null", "yes", "SGD")]
    [300, 0.001, '1e-3', None, True, 'SGD']
    """
    if text in _WORDS:
        return _WORDS[text]
    if re.fullmatch(r"[-+]?(?:0|[1-9][0-9_]*)", text):
        return int(text.replace("_", ""))
    return float(text.replace("_", "")) if _FLOAT.fullmatch(text) else text


def _value(text: str, place: str) -> Any:
    """What stands after a colon or a dash; None where it is an anchor or a tag alone."""
    found = _VALUE.fullmatch(_PREFIX.sub("", text.strip()))
    if found is None:
        raise ConfigError(f"{place}: the quotes of {text.strip()!r} are not closed; close them on the same line.")
    plain = found["text"].strip()
    if plain[:1] in ("|", ">", "?"):
        raise ConfigError(f"{place}: {plain!r} is not read; write the value on one line.")
    if plain.startswith("["):
        if not plain.endswith("]"):
            raise ConfigError(f"{place}: the list {plain!r} has no end; write it on one line, as [1, 2].")
        return [_value(each, place) for each in re.findall(rf"\s*({_QUOTED}|[^,\s][^,]*)", plain[1:-1])]
    if plain[:1] in ("'", '"'):
        return plain[1:-1].replace("''", "'") if plain[0] == "'" else plain[1:-1].replace('\\"', '"')
    return scalar(plain)


def entries(text: str, source: str) -> Entries:
    r"""The keys of a file with their values; keys below a key are a dictionary of entries.

    >>> entries("lr0: 0.01  # initial\nfreeze:\n- 0", "hyp.yaml")
    {'lr0': Entry(value=0.01, line=1), 'freeze': Entry(value=[0], line=2)}

    Raises:
        ConfigError: for a line that is not read, with its number.
    """
    levels: list[tuple[int, Entries, str]] = [(0, {}, "")]
    for number, raw in enumerate(text.splitlines(), 1):
        line, place = raw.expandtabs(2).rstrip(), f"{source}, line {number}"
        if not line.lstrip() or line.lstrip().startswith("#") or line in ("---", "...") or line.startswith("%YAML"):
            continue
        depth, keys, last = levels[-1]
        if item := _ITEM.fullmatch(line):
            if not last or not isinstance(keys[last].value, list | None):
                raise ConfigError(f"{place}: {line.strip()!r} belongs to no key; write 'key:' in the line above.")
            before = keys[last].value or []
            keys[last] = Entry([*before, _value(item["value"] or "", place)], keys[last].line)
            continue
        if (found := _KEY.fullmatch(line)) is None:
            shown = line.strip()[:80]
            raise ConfigError(f"{place}: {shown!r} is not 'key: value', so this is not a config of the trainer.")
        indent = len(found["indent"])
        if indent > depth and last and keys[last].value is None:
            below: Entries = {}
            keys[last] = Entry(below, keys[last].line)
            levels.append((indent, below, ""))
        while len(levels) > 1 and indent < levels[-1][0]:
            levels.pop()
        depth, keys, last = levels[-1]
        if indent != depth:
            raise ConfigError(
                f"{place}: {line.strip()!r} is indented by {indent} blanks; the keys beside it by {depth}."
            )
        key = found["key"].strip("'\"")
        keys[key] = Entry(_value(found["value"] or "", place), number)
        levels[-1] = (depth, keys, key)
    return levels[0][1]


def edited(text: str, key: str, value: str | None) -> str:
    r"""The text with another value of a key on its line, or without the line; comments and line ends stay.

    >>> edited("lr0: 0.01  # initial\nlrf: 0.1\n", "lr0", "0.02")
    'lr0: 0.02  # initial\nlrf: 0.1\n'
    """
    line = re.compile(rf"(?m)^( *(['\"]?){re.escape(key)}\2\s*:[ \t]*)([^\s#]*)(.*(?:\r?\n)?)")
    if value is None:
        return line.sub("", text)
    return line.sub(lambda found: f"{found[1].rstrip()} {value}{found[4]}", text)
