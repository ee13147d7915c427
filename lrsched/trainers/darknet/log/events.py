"""What else a log says: saved weights, new sizes, synchronised GPUs, mAP, warnings, the header of a run, its end.

Each of these lines has a letter that layer lines and records hardly ever have; only around those a text is searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from lrsched.trainers.darknet.log.digits import NUMBER, Places
from lrsched.trainers.darknet.log.text import Text

__all__ = ["Line", "find_end", "find_lines"]

MANY = 64  # where a letter stands more often, all of them are looked at together, which is then quicker

_LETTERS = (
    (0, (b"weights to ", b"weights from ")),
    (1, (b"Syncing", b"Very small")),
    (3, (b"mAP@",)),
    (3, (b"mAP!",)),
    (0, (b"Momentum",)),
    (1, (b"eps = ", b"ap = ")),
    (4, (b"Resizing",)),
    (0, (b"F1-score",)),
    (0, (b"Disk",)),
    (0, (b"Cannot load",)),
    (0, (b"Wrong annotation",)),
)
"""Where in some words a rare letter is, and the words."""

_VALUE = b"(" + NUMBER + b")"
_LINE = re.compile(
    b"|".join(
        (
            rb"Saving weights to (?P<saved>[^\r\n]{1,1000})",
            rb"Loading weights from (?P<loaded>[^\r\n]{1,1000}?) ?\.\.\.",
            rb"(?P<syncing>Syncing\.\.\. Done!)",
            rb"(?P<best>New best mAP)",
            rb"(?P<header>Learning Rate: " + _VALUE + rb", Momentum: )",
            rb"(?P<resizing>Resizing)(?! to initial)",
            rb"(?P<batch>mini_batch = (\d{1,9}), batch = (\d{1,9}), time_steps = (\d{1,9}), train = 1)",
            rb"(?P<map>mean[_ ]average[_ ]precision \(mAP@(\d*\.?\d+)\) ?= ?" + _VALUE + rb"(%?))",
            rb"(?P<last>[Ll]ast accuracy mAP@(\d*\.?\d+) ?= ?" + _VALUE + rb" ?%(?:, best ?= ?" + _VALUE + rb" ?%)?)",
            rb"(?P<f1>precision = " + _VALUE + rb", recall = " + _VALUE + rb", F1-score = " + _VALUE + rb")",
            rb"(?P<class>class_id = \d+, name = ([^\r\n]{0,200}?),\s{1,9}ap = " + _VALUE + rb" ?%)",
            rb"(?P<warning>performance bottleneck on CPU or Disk|Very small path to the image"
            rb"|Cannot load image|Wrong annotation)",
        )
    )
)
_ERROR = re.compile(
    rb"(?:^|(?<=[\r\n]))[^\r\n]{0,200}(?:CUDA Error|cuDNN Error|CUDA status Error|Assertion [^\r\n]{1,200} failed"
    rb"|Segmentation fault|[Oo]ut of memory|Killed|Traceback|core dumped|[Cc]ouldn't open|Cannot load)[^\r\n]{0,200}"
)
_STOPPED = re.compile(rb"\^C|KeyboardInterrupt|Terminated")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One such line: what it is, where it stands, and its parts as printed."""

    kind: str
    place: int
    parts: tuple[str, ...] = ()


def find_lines(text: Text) -> Iterator[Line]:
    """All of them, in the order in which they stand in the text."""
    places = np.sort(np.concatenate([_places(text, *letter) for letter in _LETTERS]))
    lines, done = lru_cache(MANY)(_lines), 0  # the same warning may stand in every other line
    for place in places.tolist():
        if place < done:
            continue
        begin, end = text.line(place)
        begin, done = max(begin, done), max(end, place + 1)
        yield from (replace(line, place=begin + line.place) for line in lines(text.raw[begin:end]))


def find_end(raw: bytes) -> tuple[str, str] | None:
    """What the text after the last record says of the end of the run: ``error`` or ``stopped``, and the line."""
    found = [match[0].decode("utf-8", "replace").strip() for match in _ERROR.finditer(raw)]
    if found:
        return "error", min(found, key=lambda line: "status Error: file" in line)
    return ("stopped", "^C") if _STOPPED.search(raw) else None


def _places(text: Text, offset: int, words: tuple[bytes, ...]) -> Places:
    letter, found = words[0][offset : offset + 1], list[int]()
    place = text.raw.find(letter)
    for _ in range(MANY):
        if place < 0:
            return np.array(found, np.intp)
        if text.raw.startswith(words, place - offset):
            found.append(place)
        place = text.raw.find(letter, place + 1)
    return np.concatenate([text.find(word) for word in words])


def _lines(raw: bytes) -> list[Line]:
    found = []
    for match in _LINE.finditer(raw):
        kind = match.lastgroup or ""
        inner = match.groups()[match.re.groupindex[kind] :]
        parts = [part for part in inner if part is not None] or [match[kind]]
        words = tuple(part.decode("utf-8", "replace").strip() for part in parts)
        found.append(Line(kind=kind, place=match.start(), parts=words))
    return found
