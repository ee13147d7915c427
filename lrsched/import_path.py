"""Things by the name they can be imported by: ``module:qualname``."""

import importlib
from typing import Any

__all__ = ["imported", "path_of"]


def path_of(thing: Any) -> str | None:
    """The name ``thing`` can be imported by, or None (a lambda, a local function, a bound method).

    >>> import math
    >>> path_of(math.sqrt), path_of(lambda t: 0.1)
    ('math:sqrt', None)
    """
    module, qualname = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(qualname, str) or "<" in qualname:
        return None
    path = f"{module}:{qualname}"
    try:
        return path if imported(path) is thing else None
    except ValueError:
        return None


def imported(path: str) -> Any:
    """What ``module:qualname`` names; ValueError when nothing does."""
    module, _, qualname = path.partition(":")
    if not module or not qualname:
        raise ValueError(f'a name to import must look like "module:function", got {path!r}')
    try:
        found = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, TypeError, ValueError) as why:
        raise ValueError(f"{path!r} cannot be imported: {why}") from why
    return found
