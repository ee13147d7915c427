"""The one place that writes files: whole or not at all, symbolic links followed, modes kept."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

__all__ = ["write_file"]


def write_file(
    path: str | os.PathLike[str], content: bytes | Callable[[IO[bytes]], object], *, force: bool = False
) -> Path:
    """Write a file whole or not at all.

    A symbolic link is followed, a file that is replaced keeps its mode, and whatever fails, the old file stays as it
    was. ``content`` is the bytes, or a function that writes them to the open file; ``force`` replaces a file.

    Raises:
        FileExistsError: when the file exists and ``force`` is not given.
        OSError: when the file cannot be written, or is not a regular file; it names ``path`` as it was given.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".lrsched-{os.urandom(4).hex()}{target.suffix}")
    try:
        mode = _mode_to_keep(target, force)
        with open(temporary, "xb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
        if mode is None:
            target.open("xb").close()  # fails if another process was faster
        else:
            temporary.chmod(mode)
        temporary.replace(target)
    except OSError as problem:
        if problem.filename not in (None, str(target), str(temporary), target, temporary):
            raise  # another file, which the content was read from
        if problem.errno is None:
            raise OSError(f"{os.fspath(path)}: {problem}") from None
        raise OSError(problem.errno, problem.strerror, os.fspath(path)) from None
    finally:
        with suppress(OSError):
            temporary.unlink()
    return Path(path)


def _mode_to_keep(target: Path, force: bool) -> int | None:
    """The mode of the file that will be replaced, or None where there is no file yet."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "its folder does not exist", target) from None
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder; give the name of a file", target)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is a device or a pipe, not a file that can be replaced", target)
    if not force:
        raise FileExistsError(errno.EEXIST, "already exists; pass force=True to replace it", target)
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "is read-only", target)
    return stat.S_IMODE(mode)
