"""The settings of a config in Python, read as literals: nothing is executed."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from lrsched.trainers.yaml import ConfigError

__all__ = ["Settings", "number", "part", "settings_of", "whole_numbers"]

Settings: TypeAlias = Mapping[str, Any]

# a name at the beginning of a line, and the lines below that are indented or close a bracket
_ASSIGNED = re.compile(r"(?m)^([A-Za-z_]\w*)[ \t]*=(?!=)([^\n]*(?:\n(?:[ \t)\]}][^\n]*)?)*)")
_ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def settings_of(text: str, *names: str) -> dict[str, Any]:
    r"""The values that a text assigns to some names; a value that is not a literal is returned as text.

    >>> settings_of("lr = 0.02 / 8\nlr_config = dict(\n    policy='step', step=[8, f(9)])\n<?>", "lr", "lr_config")
    {'lr': 0.0025, 'lr_config': {'policy': 'step', 'step': [8, 'f(9)']}}
    """
    found = {}
    for name, value in _ASSIGNED.findall(text.replace("\r\n", "\n")):
        if name in names:
            try:
                found[name] = _literal(ast.parse(value.strip(), mode="eval").body)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                found[name] = value.strip()[:80]
    return found


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Call(func=ast.Name(id="dict"), args=[]):
            return {keyword.arg: _literal(keyword.value) for keyword in node.keywords}
        case ast.Dict():
            return {_literal(key): _literal(value) for key, value in zip(node.keys, node.values, strict=True) if key}
        case ast.List() | ast.Tuple():
            return [_literal(item) for item in node.elts]
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            left, right = _literal(node.left), _literal(node.right)
            if isinstance(left, int | float) and isinstance(right, int | float) and right:
                return _ARITHMETIC[type(node.op)](left, right)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return ast.unparse(node)


def part(settings: Settings, *names: str) -> Settings:
    """The dictionary below some names, or numbers of a list; empty where there is none."""
    found: Any = settings
    for name in names:
        if isinstance(found, list) and name.isdecimal():
            found = found[int(name)] if int(name) < len(found) else None
        else:
            found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def number(settings: Settings, key: str, default: Any = None, *, whole: bool = False) -> Any:
    """A number among the settings.

    Raises:
        ConfigError: where it is not a number, or is missing without a default.
    """
    value = default if settings.get(key) is None else settings[key]
    if not isinstance(value, int if whole else int | float) or isinstance(value, bool) or not abs(value) < 1e15:
        given = f"{key} is missing" if value is None else f"{key} is {value!r}"
        raise ConfigError(f"{given}, so the rates are not known; write it as a {'whole ' * whole}number.")
    return value


def whole_numbers(settings: Settings, key: str) -> list[int]:
    """A list of whole numbers among the settings, or a single one as a list of it."""
    given = settings.get(key)
    return [number({key: each}, key, whole=True) for each in (given if isinstance(given, list) else [given])]
