"""Files at the edge: written under a temporary name, moved into place, never over an existing one unasked."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

__all__ = ["fill_new", "write_new"]


def write_new(path: str | os.PathLike[str], content: bytes, *, force: bool = False) -> None:
    """Write a file whole or not at all.

    Args:
        path: where.
        content: what.
        force: whether an existing file may be replaced.

    Raises:
        FileExistsError: when the file exists and ``force`` is not given.
        OSError: when it cannot be written.
    """
    fill_new(path, lambda file: file.write(content), force=force)


def fill_new(path: str | os.PathLike[str], fill: Callable[[IO[bytes]], object], *, force: bool = False) -> None:
    """Write a file whole or not at all, as ``write_new`` does, piece by piece.

    Args:
        path: where.
        fill: writes to the open file.
        force: whether an existing file may be replaced.

    Raises:
        FileExistsError: when the file exists and ``force`` is not given.
        OSError: when it cannot be written.
    """
    target = Path(path)
    if not force and target.exists():
        raise _exists(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as why:
        raise OSError(why.errno, why.strerror, str(path)) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            fill(file)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        if force:
            temporary.replace(target)
        else:
            try:
                os.link(temporary, target)
            except FileExistsError:
                raise _exists(path) from None
    finally:
        temporary.unlink(missing_ok=True)


def _exists(path: str | os.PathLike[str]) -> FileExistsError:
    return FileExistsError(17, "it exists already; give --force to replace it", str(path))
