"""Files at the edge: written under a temporary name, moved into place, never over an existing one unasked."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write_new"]


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
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as why:
        raise OSError(why.errno, why.strerror, str(path)) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        if force:
            temporary.replace(target)
        else:
            try:
                os.link(temporary, target)
            except FileExistsError:
                raise FileExistsError(17, "it exists already; give --force to replace it", str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)
