"""Anything that holds a log -- a path, an open file, an iterator of bytes -- as pieces of bytes."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from lrsched.log import LogError

__all__ = ["BLOCK", "SUMMARY_BLOCK", "Gunzip", "Progress", "Source", "is_path", "pieces_of"]

BLOCK = 1 << 19
"""Bytes read at a time: few enough that what is worked out of them stays in the processor's cache."""

SUMMARY_BLOCK = 1 << 21
"""The same where only the records are wanted, of which there are fewer."""

Progress: TypeAlias = Callable[[int, int | None], object]
"""Called with the bytes read so far and with all of them where that is known."""

Source: TypeAlias = str | os.PathLike[str] | Any
"""A path, an open binary or text file, or an iterable of bytes."""


def is_path(source: object) -> bool:
    """Whether it names a file."""
    return isinstance(source, (str, os.PathLike))


def pieces_of(source: Source, progress: Progress | None = None, block: int = BLOCK) -> tuple[str, Iterator[bytes]]:
    """The name of a source and its bytes in pieces.

    Raises:
        LogError: for bytes as they are, which are taken for a mistake, and for what holds no bytes.
    """
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source), _told(_file_pieces(Path(source), block), progress, Path(source).stat().st_size)
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        return name if isinstance(name, str) else "<stream>", _told(_read_pieces(source, block), progress, None)
    if isinstance(source, (bytes, bytearray, memoryview)) or not isinstance(source, Iterable):
        raise LogError(
            f"{type(source).__name__}: a log is read from a path, an open file or an iterable of bytes; "
            f"write [data] for bytes that are already here."
        )
    return "<stream>", _told(iter(source), progress, None)


def _told(pieces: Iterable[Any], progress: Progress | None, total: int | None) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        if isinstance(piece, str):
            piece = piece.encode("utf-8", "surrogateescape")  # noqa: PLW2901 (a text file gives text)
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise LogError(f"a stream gave {type(piece).__name__}; a log is read from pieces of bytes.")
        yield bytes(piece)
        done += len(piece)
        if progress is not None:
            progress(done, total)


def _file_pieces(path: Path, block: int) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while piece := file.read(block):
            yield piece


def _read_pieces(file: Any, block: int) -> Iterator[bytes | str]:
    while piece := file.read(block):
        yield piece


class Gunzip:
    """Unpacks a stream when it begins as gzip does, several members and a torn end included."""

    def __init__(self) -> None:
        self._begin = b""
        self._unpack: Any = None
        self._plain = False
        self.damage = ""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take a piece and give what it holds, never more than a block at a time."""
        if self._plain:
            yield piece
            return
        if self._unpack is None:
            self._begin += piece
            if len(self._begin) < 2 and b"\x1f".startswith(self._begin):
                return
            piece, self._begin = self._begin, b""
            if not piece.startswith(b"\x1f\x8b"):
                self._plain = True
                yield piece
                return
            self._unpack = zlib.decompressobj(31)
        yield from self._members(piece)

    def finish(self) -> bytes:
        """What was held back; afterwards ``damage`` says whether the end is missing."""
        if self._unpack is not None and not self._unpack.eof and not self.damage:
            self.damage = "the gzip file ends before its end"
        return self._begin

    def _members(self, piece: bytes) -> Iterator[bytes]:
        while piece and not self.damage:
            if self._unpack.eof:
                self._unpack = zlib.decompressobj(31)
            saved = self._unpack.copy()
            try:
                yield self._unpack.decompress(piece, BLOCK)
            except zlib.error as problem:
                self.damage = f"the gzip file is damaged ({problem})"
                yield from _until_it_breaks(saved, piece)
                return
            piece = self._unpack.unused_data if self._unpack.eof else self._unpack.unconsumed_tail


def _until_it_breaks(unpack: Any, piece: bytes) -> Iterator[bytes]:
    for i in range(len(piece)):
        try:
            yield unpack.decompress(piece[i : i + 1])
        except zlib.error:
            return
