"""Bytes of a log made ready to be searched: no NULs, no escape codes, cut where a line ends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["MARGIN", "Lines", "Text"]

MARGIN = 512  # line ends around a text, so that what is looked up near any place of it lies inside
LONGEST_RECORD = 4096  # no line of any dialect is longer
LONGEST_LINE = 1 << 16  # a longer line is not of a log; it is cut, so that memory stays bounded

_HORIZON = re.compile(rb"(?:\x1b\]2;|\x1b\[J)\d{1,10}/(\d{1,10}): ")
_TITLE = re.compile(rb"\x1b\][^\x07\x1b\r\n]{0,400}(?:\x07|\x1b\\)")
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
_CURSOR = re.compile(rb"\x1b\[[0-9;:?]*[@-~]")

_ENDS = re.compile(
    rb"images(?:, \S{1,40} (?:hours|time) left|, time remaining=\S{1,20} \w+)?|\d epochs|\d seconds(?!,)"
    rb"|count: \d+(?!,)|total_loss = \S{1,60}"
)
"""What the records of all dialects end with."""


@dataclass(frozen=True)
class Text:
    """A piece of a log between margins, with views for looking at many places of it at once."""

    raw: bytes  # with the margins; every place is an index into them
    horizon: int | None = None  # the last iteration of the run, where a terminal title names it
    bytes_: NDArray[np.uint8] = field(init=False, repr=False)
    # at each place the next eight bytes, the first one lowest
    words: NDArray[np.uint64] = field(init=False, repr=False)
    pairs: NDArray[np.void] = field(init=False, repr=False)  # two such words as one

    def __post_init__(self) -> None:
        size = len(self.raw)
        object.__setattr__(self, "bytes_", np.frombuffer(self.raw, np.uint8))
        object.__setattr__(self, "pairs", np.ndarray((size - 15,), "V16", self.raw, strides=(1,)))
        object.__setattr__(self, "words", np.ndarray((size - 7,), "<u8", self.raw, strides=(1,)))

    @classmethod
    def of(cls, *parts: bytes | memoryview) -> Text:
        """The parts joined, between margins, without titles and colours."""
        margin = b"\n" * MARGIN
        raw = b"".join((margin, *parts, margin))
        if b"\x1b" not in raw:
            return cls(raw)
        horizon = _HORIZON.search(raw)
        plain = _CURSOR.sub(b" ", _COLOUR.sub(b"", _TITLE.sub(b" ", raw)))
        return cls(plain, horizon=int(horizon[1]) if horizon else None)

    def places(self, byte: int) -> NDArray[np.intp]:
        """Where a byte stands."""
        found = self.bytes_ == byte
        whole = found.size & ~7
        eights = found[:whole].view(np.uint64)
        some = np.flatnonzero(eights != 0)
        inner = np.flatnonzero(eights[some].view(bool))
        places = (some[inner >> 3] << 3) + (inner & 7)
        return np.concatenate((places, np.flatnonzero(found[whole:]) + whole)) if found[whole:].any() else places

    def find(self, word: bytes) -> NDArray[np.intp]:
        """Where a word of four letters or more stands, looked for by its last pairs of letters."""
        pairs = np.ndarray((len(self.raw) // 2,), "<u2", self.raw)
        offsets = (len(word) - 3, len(word) - 2)
        begins = [np.flatnonzero(pairs == int.from_bytes(word[i : i + 2], "little")) * 2 - i for i in offsets]
        places = np.concatenate(begins)
        return places[self.has(places, word)]

    def line(self, place: int) -> tuple[int, int]:
        """Begin and end of the line around a place; of a very long line the part that may matter."""
        begin = max(self.raw.rfind(b"\n", 0, place) + 1, place - LONGEST_RECORD)
        begin = max(self.raw.rfind(b"\r", begin, place) + 1, begin)
        end = self.raw.find(b"\n", place)
        end = min(len(self.raw) if end < 0 else end, place + LONGEST_RECORD)
        carriage_return = self.raw.find(b"\r", place, end)
        return begin, end if carriage_return < 0 else carriage_return

    def has(self, place: NDArray[np.intp], literal: bytes) -> NDArray[np.bool_]:
        """Whether a literal of at most 16 bytes begins at each place."""
        found = np.ones(place.shape, bool)
        step = (len(literal) + 7) // 8
        words = self.pairs[place].view("<u8") if step == 2 else self.words[place if literal else place[:0]]
        for i in range(step):
            part = literal[8 * i : 8 * i + 8]
            shift = np.uint64(64 - 8 * len(part))
            found &= words[i::step] << shift == np.uint64(int.from_bytes(part.rjust(8, b"\0"), "little"))
        return found


class Lines:
    """Takes a log in pieces of any size and gives it back as texts of whole lines.

    UTF-16 loses its NULs, which leaves every character that a trainer prints; terminal titles go, colours go.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Text | None:
        """Add a piece; what is whole by now comes back."""
        if b"\0" in piece:
            piece = piece.replace(b"\0", b"")
        cut = max(piece.rfind(b"\n"), piece.rfind(b"\r", max(len(piece) - LONGEST_RECORD, 0))) + 1
        if not cut:
            self._rest += piece
            return self._forced() if len(self._rest) > LONGEST_LINE else None
        view = memoryview(piece)
        text = Text.of(self._rest, view[:cut])
        self._rest = bytes(view[cut:])
        return text

    def finish(self) -> Text | None:
        """The last line, whole or not."""
        rest, self._rest = self._rest, b""
        return Text.of(rest) if rest else None

    def _forced(self) -> Text:
        rest, begin = self._rest, len(self._rest) - LONGEST_RECORD
        ends = (match.end() for match in _ENDS.finditer(rest, begin) if match.start() < len(rest) - 128)
        cut = max(ends, default=begin)
        self._rest = rest[cut:]
        return Text.of(rest[:cut])
