"""Lines of one kind, found in a text and read many at once.

The usual forms of a line are templates; each is read at all its places together, from a rare letter outwards. What none
of them fits is given to one regular expression, which is the definition: where both can read a line, they agree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.trainers.darknet.log import digits
from lrsched.trainers.darknet.log.digits import Places
from lrsched.trainers.darknet.log.text import Text

__all__ = ["Form", "Found", "Kind", "form", "scan"]

Array = NDArray[Any]

SHOWN = 200
"""So many bytes of an unreadable line are kept."""


@dataclass(frozen=True)
class Found:
    """The lines of one kind in a text: where each begins, their numbers, and what begins like one and is none."""

    place: Places
    columns: Mapping[str, Array]
    unreadable: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True)
class Form:
    """One way to print a line: ``literals[0] number literals[1] number ...``; a whole number, or one with six decimals.

    Reading begins at a letter, the one at ``offset`` in ``literals[anchor]``.
    """

    names: tuple[str, ...]
    whole: tuple[bool, ...]
    literals: tuple[bytes, ...]
    anchor: int
    offset: int

    def read(self, text: Text, at: Places) -> tuple[NDArray[np.bool_], Places, dict[str, Array]]:
        """Which letters stand in such a line, and of these where it begins and its numbers."""
        rows = np.arange(at.size)
        left = at - self.offset
        right = left + len(self.literals[self.anchor])
        columns: dict[str, Array] = {}

        def keep(ok: NDArray[np.bool_]) -> None:
            nonlocal rows, left, right, columns
            if not ok.all():
                rows, left, right = rows[ok], left[ok], right[ok]
                columns = {name: column[ok] for name, column in columns.items()}

        keep(text.has(left, self.literals[self.anchor]))
        for i in range(self.anchor, len(self.names)):
            columns[self.names[i]], right, ok = (digits.integers_from if self.whole[i] else digits.decimals_from)(
                text, right
            )
            ok &= text.has(right, self.literals[i + 1])
            right += len(self.literals[i + 1])
            keep(ok)
        for i in range(self.anchor - 1, -1, -1):
            columns[self.names[i]], left, ok = (digits.integers_before if self.whole[i] else digits.decimals_before)(
                text, left
            )
            left -= len(self.literals[i])
            ok &= text.has(left, self.literals[i])
            keep(ok)
        after = text.bytes_[right]
        goes_on = (after == ord(",")) | (after == ord(".")) | ((after >= ord("0")) & (after <= ord("9")))
        keep(~goes_on & (text.bytes_[left - 1] != ord(".")))
        fits = np.zeros(at.size, bool)
        fits[rows] = True
        return fits, left, columns


def form(template: str, around: str, offset: int) -> Form:
    """A form from a template in which ``{name}`` is a number with six decimals and ``{name:d}`` a whole one.

    Its letter is that at ``offset`` in the part ``around`` of the template.

    >>> form("Region {layer:d} Avg IOU: {iou}", "IOU", 0).literals
    (b'Region ', b' Avg IOU: ', b'')
    """
    parts = re.split(r"\{(\w+)(:d)?\}", template)
    literals = [part.encode() for part in parts[::3]]
    anchor = next(i for i, literal in enumerate(literals) if around.encode() in literal)
    place = literals[anchor].index(around.encode()) + offset
    return Form(tuple(parts[1::3]), tuple(map(bool, parts[2::3])), tuple(literals), anchor, place)


@dataclass(frozen=True)
class Kind:
    """All lines of one kind, read by ``forms`` where these fit, else by their ``definition``.

    ``anchors`` gives the places of the letter of the forms, and other places at which a line may be; ``signature`` is
    what each line has once, whether or not the rest of it is there; ``row`` gives the numbers of a match by name.
    """

    anchors: Callable[[Text], tuple[Places, Places]]
    forms: tuple[Form, ...]
    definition: re.Pattern[bytes]
    signature: re.Pattern[bytes]
    row: Callable[[re.Match[bytes]], Mapping[str, float]]


def scan(text: Text, kind: Kind) -> Found:
    """All lines of a kind in a text."""
    left, others = kind.anchors(text)
    parts: list[tuple[Places, Mapping[str, Array]]] = []
    first = text.raw[slice(*text.line(int(left[0])))] if left.size else b""
    # logs hardly ever change their form: the one that looks like the first line is tried first
    for each in sorted(kind.forms, key=lambda each: not all(literal in first for literal in each.literals)):
        if left.size:
            fits, place, columns = each.read(text, left)
            if place.size:
                parts.append((place, columns))
                left = left[~fits]
    unreadable: list[bytes] = []
    rows = list(_defined(text, kind, np.sort(np.concatenate((left, others))), unreadable))
    if rows:
        names = dict.fromkeys(name for _, row in rows for name in row)
        values = {name: np.array([row.get(name, math.nan) for _, row in rows]) for name in names}
        parts.append((np.array([place for place, _ in rows], np.intp), values))
    if len(parts) == 1:
        return Found(*parts[0], tuple(unreadable))
    # where a form and the definition read the same line, it counts once
    place, order = np.unique(np.concatenate([at for at, _ in parts] or [left[:0]]), return_index=True)
    names = dict.fromkeys(name for _, columns in parts for name in columns)
    columns = {
        name: np.concatenate([part.get(name, np.full(at.size, math.nan)) for at, part in parts])[order]
        for name in names
    }
    return Found(place, columns, tuple(unreadable))


def _defined(
    text: Text, kind: Kind, places: Places, unreadable: list[bytes]
) -> Iterator[tuple[int, Mapping[str, float]]]:
    """Read the lines around some places by the definition."""
    done = 0
    for place in places.tolist():
        if place < done:
            continue
        begin, end = text.line(place)
        begin, done = max(begin, done), max(end, place + 1)
        found = [(match.start(), kind.row(match)) for match in kind.definition.finditer(text.raw, begin, done + 1)]
        missed = len(kind.signature.findall(text.raw, begin, done)) - len(found)
        unreadable += [text.raw[begin : min(done, begin + SHOWN)]] * missed
        yield from found
