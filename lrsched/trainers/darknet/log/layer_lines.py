"""The lines of the region and yolo layers, in every dialect, many at once.

As with the records, the usual forms are read at all their places at once, and one regular expression defines them all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrsched.trainers.darknet.log.digits import (
    NUMBER,
    Floats,
    Places,
    Truths,
    decimals_from,
    integers_before,
    integers_from,
    number,
)
from lrsched.trainers.darknet.log.text import Text

__all__ = ["FLOAT_COLUMNS", "INTEGER_COLUMNS", "LayerLines", "find_layer_lines"]

INTEGER_COLUMNS = ("layer", "count")
FLOAT_COLUMNS = (
    "iou",
    "giou",
    "class_probability",
    "obj",
    "no_obj",
    "avg_recall",
    "recall_50",
    "recall_75",
    "loss",
    "class_loss",
    "iou_loss",
    "total_loss",
)


@dataclass(frozen=True, kw_only=True)
class LayerLines:
    """The layer lines of one text, in the order in which they stand there.

    Attributes:
        place: where each of them stands.
        columns: their numbers by name; a name that is missing is NaN for all (-1 for ``layer``).
        unreadable: for every line that begins as a layer line but is none, what stands there.
    """

    place: Places
    columns: Mapping[str, Floats]
    unreadable: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self.place)


_FORMS: tuple[tuple[tuple[bytes, str], ...], ...] = (
    (
        (b"Avg IOU: ", "iou"),
        (b", Class: ", "class_probability"),
        (b", Obj: ", "obj"),
        (b", No Obj: ", "no_obj"),
        (b", .5R: ", "recall_50"),
        (b", .75R: ", "recall_75"),
        (b",  count: ", "count"),
    ),
    (
        (b"Avg (IOU: ", "iou"),
        (b"), count: ", "count"),
        (b", class_loss = ", "class_loss"),
        (b", iou_loss = ", "iou_loss"),
        (b", total_loss = ", "total_loss"),
    ),
    (
        (b"Avg (IOU: ", "iou"),
        (b", GIOU: ", "giou"),
        (b"), Class: ", "class_probability"),
        (b", Obj: ", "obj"),
        (b", No Obj: ", "no_obj"),
        (b", .5R: ", "recall_50"),
        (b", .75R: ", "recall_75"),
        (b", count: ", "count"),
        (b", class_loss = ", "class_loss"),
        (b", iou_loss = ", "iou_loss"),
        (b", total_loss = ", "total_loss"),
    ),
)
"""The usual lines after ``Region N ``: what stands before each number, and what the number is."""

_BLANK, _COMMA, _POINT = map(ord, " ,.")


def find_layer_lines(text: Text) -> LayerLines:
    """All layer lines of a text."""
    at = text.places(ord("I"))
    plain_form, bracket_form = text.has(at - 4, b"Avg IOU:"), text.has(at - 4, b"vg (IOU:")
    begin = np.where(plain_form, at - 4, at - 5)[plain_form | bracket_form]
    layer, word, has_layer = integers_before(text, begin - 1)
    has_layer &= (text.bytes_[begin - 1] == _BLANK) & text.has(word - 7, b"Region ")
    left = np.flatnonzero(has_layer)
    parts: list[tuple[Places, dict[str, Floats]]] = []
    for form in _FORMS:
        fits, columns = _plain_lines(text, begin[left], form)
        chosen = left[fits]
        if chosen.size:
            columns["layer"] = layer[chosen].astype(float)
            parts.append((begin[chosen], columns))
        left = left[~fits]
    doubtful = np.sort(np.concatenate((begin[left], begin[~has_layer])))
    places, rows, unreadable = _defined_lines(text, doubtful)
    if rows:
        names = {name for row in rows for name in row}
        columns = {name: np.array([row.get(name, math.nan) for row in rows], float) for name in names}
        parts.append((np.array(places, np.intp), columns))
    return _joined(parts, tuple(unreadable))


def _plain_lines(text: Text, begin: Places, form: tuple[tuple[bytes, str], ...]) -> tuple[Truths, dict[str, Floats]]:
    """Which of the lines have this form, and their numbers."""
    fits = text.has(begin, form[0][0])
    rows = np.flatnonzero(fits)
    place = begin[rows]
    columns: dict[str, Floats] = {}
    for literal, name in form:
        ok = text.has(place, literal)
        value: Floats
        if name == "count":
            integers, place, plain = integers_from(text, place + len(literal))
            value = integers.astype(float)
        else:
            value, place, plain = decimals_from(text, place + len(literal))
        ok &= plain
        columns[name] = value
        if not ok.all():
            rows, place = rows[ok], place[ok]
            columns = {name: column[ok] for name, column in columns.items()}
    after = text.bytes_[place]
    goes_on = (after == _COMMA) | (after == _POINT) | ((after >= ord("0")) & (after <= ord("9")))
    if goes_on.any():
        rows = rows[~goes_on]
        columns = {name: column[~goes_on] for name, column in columns.items()}
    fits[:] = False
    fits[rows] = True
    return fits, columns


def _defined_lines(text: Text, doubtful: Places) -> tuple[list[int], list[Mapping[str, float]], list[bytes]]:
    """Read single lines by the definition; the rest of the line comes back where that fails."""
    places: list[int] = []
    rows: list[Mapping[str, float]] = []
    unreadable: list[bytes] = []
    for place in doubtful.tolist():
        head = _HEAD.search(text.raw, place - 32, place)
        if head is None:
            continue
        match = LAYER_LINE.match(text.raw, head.start())
        if match is None:
            unreadable.append(text.raw[head.start() : min(text.line(place)[1], place + 200)])
        else:
            places.append(place)
            rows.append(_row(match))
    return places, rows, unreadable


def _joined(parts: list[tuple[Places, dict[str, Floats]]], unreadable: tuple[bytes, ...]) -> LayerLines:
    if not parts:
        return LayerLines(place=np.empty(0, np.intp), columns={}, unreadable=unreadable)
    if len(parts) == 1:
        return LayerLines(place=parts[0][0], columns=parts[0][1], unreadable=unreadable)
    place = np.concatenate([place for place, _ in parts])
    order = np.argsort(place)
    columns = {}
    for name in (*INTEGER_COLUMNS, *FLOAT_COLUMNS):
        if any(name in part for _, part in parts):
            absent = -1 if name == "layer" else math.nan
            pieces = [part[name] if name in part else np.full(at.shape, absent) for at, part in parts]
            columns[name] = np.concatenate(pieces)[order]
    return LayerLines(place=place[order], columns=columns, unreadable=unreadable)


def _pattern() -> bytes:
    def value(name: str) -> bytes:
        return b"(?P<" + name.encode() + b">" + NUMBER + b")"

    return b"".join(
        (
            rb"Region(?: (?P<layer>\d{1,9}))? Avg \(?IOU: " + value("iou"),
            rb"(?:, GIOU: " + value("giou") + rb")?\)?",
            rb"(?:, Class: " + value("class_probability") + rb", Obj: " + value("obj"),
            rb", No Obj: " + value("no_obj") + rb")?",
            rb"(?:, Avg Recall: " + value("avg_recall"),
            rb"|, \.5R: " + value("recall_50") + rb", \.75R: " + value("recall_75") + rb")?",
            rb", {1,2}count: (?P<count>\d{1,15})(?![\d.])",
            rb"(?:(?:, loss = " + value("loss") + rb")?, class_loss = " + value("class_loss"),
            rb", iou_loss = " + value("iou_loss") + rb"(?:, total_loss = " + value("total_loss") + rb")?)?",
        )
    )


LAYER_LINE = re.compile(_pattern())
"""One line of a layer, from the word Region on."""

_HEAD = re.compile(rb"Region(?: \d{1,9})? \Z")


def _row(match: re.Match[bytes]) -> dict[str, Any]:
    groups = match.groupdict()
    row = {name: number(groups[name]) for name in FLOAT_COLUMNS if groups[name] is not None}
    row["count"] = float(groups["count"])
    row["layer"] = -1.0 if groups["layer"] is None else float(groups["layer"])
    return row
