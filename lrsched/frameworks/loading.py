"""Frameworks are loaded when one of their functions is called, and missed in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["made_by", "needed"]


@contextmanager
def needed(package: str) -> Iterator[None]:
    """Say what to install where a package that is imported inside is not there.

    >>> with needed("torch9"):
    ...     import torch9
    Traceback (most recent call last):
        ...
    ModuleNotFoundError: torch9 is not installed, and this function works with it: pip install torch9
    """
    try:
        yield
    except ModuleNotFoundError as why:
        if (why.name or "").partition(".")[0] != package:
            raise
        text = f"{package} is not installed, and this function works with it: pip install {package}"
        raise ModuleNotFoundError(text, name=package) from None


def made_by(thing: Any, *modules: str) -> bool:
    """Whether the class of a value, or one that it is derived from, stands in one of some modules, or below it.

    >>> made_by(Exception(), "builtins"), made_by(3, "torch.optim")
    (True, False)
    """
    homes = [f"{kind.__module__}." for kind in type(thing).__mro__[:-1]]
    return any(home.startswith(f"{module}.") for home in homes for module in modules)
