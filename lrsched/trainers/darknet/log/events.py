"""What else a log tells: saved weights, new sizes, synchronised GPUs, mAP, and the header of a run.

Each of these lines has a letter that layer lines and records hardly ever have; only around those is looked closer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lrsched.trainers.darknet.log.digits import NUMBER, Places
from lrsched.trainers.darknet.log.text import Text

__all__ = ["Sign", "find_signs"]

MANY = 64
"""From so many of a letter on, looking at all of them at once is quicker than one by one."""

_LETTERS = (
    (ord("S"), 0, b"S"),
    (ord("w"), 0, b"weights from"),
    (ord("@"), 3, b"mAP@"),
    (ord("!"), 0, b"!"),
    (ord("M"), 0, b"Momentum"),
    (ord("K"), 0, b"K-images"),
    (ord("T"), 0, b"Tensor"),
    (ord("p"), 8, b"time_steps"),
    (ord("z"), 4, b"Resizing"),
)
"""A rare letter, how far before it the word begins, and the word."""


@dataclass(frozen=True, kw_only=True)
class Sign:
    """One such line: what it is, where it stands, and its parts as printed."""

    kind: str
    place: int
    parts: tuple[str, ...] = ()


def find_signs(text: Text) -> Iterator[Sign]:
    """All of them, in the order in which they stand in the text."""
    places = np.sort(np.concatenate([_places(text, *letter) for letter in _LETTERS]))
    done = 0
    known: dict[bytes, list[Sign]] = {}
    for place in places.tolist():
        if place < done:
            continue
        begin, end = text.line(place)
        begin, done = max(begin, done), max(end, place + 1)
        line = text.raw[begin:end]
        if line not in known:
            if len(known) > MANY:
                known.clear()
            known[line] = list(_signs(line))
        for sign in known[line]:
            yield Sign(kind=sign.kind, place=begin + sign.place, parts=sign.parts)


def _places(text: Text, letter: int, offset: int, word: bytes) -> Places:
    found: list[int] = []
    place, looked = text.raw.find(letter), 0
    while place >= 0:
        looked += 1
        if looked > MANY:
            places = text.places(letter) - offset
            return places[text.has(places, word)] + offset
        if text.raw.startswith(word, place - offset):
            found.append(place)
        place = text.raw.find(letter, place + 1)
    return np.array(found, np.intp)


_VALUE = b"(" + NUMBER + b")"
_SIGN = re.compile(
    b"|".join(
        (
            rb"Saving weights to (?P<saved>[^\r\n]{1,1000})",
            rb"Loading weights from (?P<loaded>[^\r\n]{1,1000}?) ?\.\.\.",
            rb"(?P<syncing>Syncing\.\.\. Done!)",
            rb"(?P<best>New best mAP)",
            rb"(?P<header>Learning Rate: " + _VALUE + rb", Momentum: " + _VALUE + rb", Decay: " + _VALUE + rb")",
            rb"(?P<resizing>Resizing)(?! to initial)",
            rb"(?P<batch>mini_batch = (\d{1,9}), batch = (\d{1,9}), time_steps = (\d{1,9}), train = 1)",
            rb"(?P<seen>seen (\d+), trained: (\d+) K-images)",
            rb"(?P<tensor>Tensor Cores are disabled until (?:the first |iteration #)(\d+))",
            rb"(?P<map>mean[_ ]average[_ ]precision \(mAP@([\d.]+)\) ?= ?" + _VALUE + rb"(%?))",
            rb"(?P<last>[Ll]ast accuracy mAP@([\d.]+) ?= ?" + _VALUE + rb" ?%, best ?= ?" + _VALUE + rb" ?%)",
        )
    )
)


def _signs(line: bytes) -> Iterator[Sign]:
    for match in _SIGN.finditer(line):
        kind = match.lastgroup or ""
        inner = match.groups()[match.re.groupindex[kind] :]
        parts = [part for part in inner if part is not None] if kind not in ("saved", "loaded") else [match[kind]]
        yield Sign(
            kind=kind, place=match.start(), parts=tuple(part.decode("utf-8", "replace").strip() for part in parts)
        )
