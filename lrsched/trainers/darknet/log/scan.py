"""Lines of one kind, found in a text and read many at once.

One regular expression defines the lines. A line that it matches shows a form, the words around the numbers, by which
all others are read together, from a rare letter outwards; what no form fits is left to the expression.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.trainers.darknet.log import digits
from lrsched.trainers.darknet.log.digits import Places
from lrsched.trainers.darknet.log.text import Text

__all__ = ["Found", "Kind", "scan"]

Array = NDArray[Any]

SHOWN = 200  # bytes of an unreadable line that are kept
FORMS = 8  # forms that are looked for in a piece of a log; most logs have one
LONGEST_LITERAL = 16
_DECIMALS = re.compile(rb"-?(?:\d+\.\d{6}|nan)")  # a number as the forms read it


@dataclass(frozen=True)
class Found:
    """The lines of one kind in a text: where each begins, their numbers, and what only begins like one."""

    place: Places
    columns: Mapping[str, Array]
    unreadable: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True)
class Kind:
    """All lines of one kind."""

    anchors: Callable[[Text], tuple[Places, Places]]  # where lines are that forms can read; where others may be
    definition: re.Pattern[bytes]  # matches a line; its groups are numbers, but for those from which row makes some
    columns: Mapping[str, str]  # which group is which column; a line with other groups is not read by forms
    whole: frozenset[str]  # the groups that are whole numbers
    signature: re.Pattern[bytes]  # what each line has once, even one that is incomplete
    defaults: Mapping[str, float] = field(default_factory=dict)  # values of columns where they are not printed
    row: Callable[[re.Match[bytes]], dict[str, float]] = lambda match: {}  # further columns of a match

    def numbers(self, match: re.Match[bytes]) -> dict[str, float]:
        """The columns of a line."""
        numbers = dict(self.defaults)
        for group, column in self.columns.items():
            if (text := match[group]) is not None:
                numbers[column] = int(text) if group in self.whole else digits.number(text)
        return numbers | self.row(match)


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

    @classmethod
    def of(cls, match: re.Match[bytes], kind: Kind, place: int) -> Form | None:
        """The form of a line around a place; None where it has other numbers than forms can read."""
        shown = sorted((match.span(group), group) for group, text in match.groupdict().items() if text is not None)
        names = tuple(kind.columns.get(group, "") for _, group in shown)
        plain = all(group in kind.whole or _DECIMALS.fullmatch(match[group]) for _, group in shown)
        edges = [match.start(), *(edge for span, _ in shown for edge in span), match.end()]
        literals = tuple(match.string[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True))
        anchor = next((i for i, begin in enumerate(edges[::2]) if begin <= place < edges[2 * i + 1]), None)
        if anchor is None or not (plain and all(names)) or max(map(len, literals)) > LONGEST_LITERAL:
            return None
        whole = tuple(group in kind.whole for _, group in shown)
        return cls(names, whole, literals, anchor, place - edges[2 * anchor])

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


def scan(text: Text, kind: Kind) -> Found:
    """All lines of a kind in a text."""
    left, others = kind.anchors(text)
    parts: list[tuple[Places, Mapping[str, Array]]] = []
    for _ in range(FORMS):
        form = _form(text, kind, int(left[left.size // 2])) if left.size else None
        if form is not None:
            fits, place, columns = form.read(text, left)
            same = {name: np.full(place.size, value) for name, value in kind.defaults.items()}
            parts += [(place, {**same, **columns})] if place.size else []
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


def _form(text: Text, kind: Kind, place: int) -> Form | None:
    """The form of the line around a place."""
    begin, end = text.line(place)
    lines = kind.definition.finditer(text.raw, begin, end + 1)
    return next((Form.of(match, kind, place) for match in lines if match.start() <= place < match.end()), None)


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
        found = [(match.start(), kind.numbers(match)) for match in kind.definition.finditer(text.raw, begin, done + 1)]
        missed = len(kind.signature.findall(text.raw, begin, done)) - len(found)
        unreadable += [text.raw[begin : min(done, begin + SHOWN)]] * missed
        yield from found
