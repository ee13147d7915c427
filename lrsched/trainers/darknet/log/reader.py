"""A log taken in piece by piece."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lrsched.columns import Columns, packed, packed_integers
from lrsched.log import FLOAT_RECORD_COLUMNS, MOST_GPUS, Event, Header, Layers, Log, MapPoint, Skipped
from lrsched.logs.sources import Gunzip
from lrsched.trainers.darknet.log.events import Sign, find_signs
from lrsched.trainers.darknet.log.layer_lines import FLOAT_COLUMNS, INTEGER_COLUMNS, LayerLines, find_layer_lines
from lrsched.trainers.darknet.log.records import COLUMNS, TORN, Records, find_records, nothing
from lrsched.trainers.darknet.log.text import Lines, Text

__all__ = ["LogReader"]

EXAMPLES = 5
"""So many of the lines that could not be read are kept."""


HALF_A_HUNDREDTH_PERCENT = 6e-5
"""Accuracies are printed with two decimals of a percent."""

_EVENTS = {
    "saved": "saved",
    "loaded": "loaded",
    "syncing": "syncing",
    "best": "best-map",
    "header": "started",
    "resizing": "resizing",
}
"""The signs that are events, and what they are called there."""

_Placed = TypeVar("_Placed", Event, MapPoint)


class LogReader:
    """Takes a log in pieces of any size; the memory it needs grows with the records only."""

    def __init__(self, *, layers: bool = True, source: str = "<log>") -> None:
        self.source = source
        self.size = 0
        self._with_layers = layers
        self._gunzip, self._lines = Gunzip(), Lines()
        self._records = Columns({"iteration": 0, "decimals": np.uint8(6), "before": 0} | dict.fromkeys(COLUMNS, np.nan))
        self._layers = Columns({"layer": -1, "count": 0} | dict.fromkeys(FLOAT_COLUMNS, np.nan))
        self._events: list[Event] = []
        self._maps: list[MapPoint] = []
        self._headers: list[Header] = []
        self._next_header = Header()
        self._first_iteration = 1
        self._last_iteration = -1
        self._tail: frozenset[str] = frozenset()
        self._has_nan = False
        self._last_accuracy: float | None = None
        self._skipped = Skipped()

    @property
    def records(self) -> int:
        """How many records were read so far."""
        return self._records.size

    def feed(self, piece: bytes) -> Log:
        """Add a piece of the log and return what became whole by it."""
        marks = self._marks()
        self.take(piece)
        return self._log(*marks)

    def take(self, piece: bytes) -> None:
        """Add a piece of the log; a line waits until it is whole."""
        self.size += len(piece)
        for plain in self._gunzip.feed(piece):
            self._add(self._lines.feed(plain))

    def finish(self) -> None:
        """Read the last line even though nothing ends it."""
        self._add(self._lines.feed(self._gunzip.finish()))
        if self._gunzip.damage:
            self._skipped = replace(self._skipped, damage=self._gunzip.damage)
        self._add(self._lines.finish(), last=True)

    def log(self) -> Log:
        """Everything read so far."""
        return self._log(0, 0, 0, 0, 0)

    def _marks(self) -> tuple[int, int, int, int, int]:
        return self._records.size, self._layers.size, len(self._events), len(self._maps), len(self._headers)

    def _log(self, record: int, line: int, event: int, point: int, header: int) -> Log:
        def moved(things: Sequence[_Placed]) -> tuple[_Placed, ...]:
            early = self._first_iteration - 1
            known = (replace(thing, iteration=early) if thing.iteration < 0 else thing for thing in things)
            return tuple(replace(thing, record=thing.record - record) if record else thing for thing in known)

        columns: dict[str, Any] = {name: self._records.column(name, record) for name in FLOAT_RECORD_COLUMNS}
        before = self._records.column("before", record)
        return Log(
            source=self.source,
            iteration=self._records.column("iteration", record),
            rate_decimals=self._records.column("decimals", record),
            **columns,
            layers=Layers(
                before=before - line if line else before,
                kept={name: self._layers.column(name, line) for name in (*INTEGER_COLUMNS, *FLOAT_COLUMNS)},
            ),
            map_points=moved(self._maps[point:]),
            events=moved(self._events[event:]),
            headers=tuple(replace(header, record=header.record - record) for header in self._headers[header:]),
            skipped=self._skipped,
        )

    def _add(self, text: Text | None, *, last: bool = False) -> None:
        if text is None:
            return
        records = find_records(text)
        if last:
            records = self._without_torn(records, text)
        base = self.records
        if self._with_layers:
            lines = find_layer_lines(text)
            before = np.searchsorted(lines.place, records.place) + self._layers.size
            self._add_lines(lines)
        else:
            lines, before = None, np.zeros(len(records), np.int64)
        self._skip(records.unreadable, lines.unreadable if lines is not None else ())
        signs = list(find_signs(text))
        happened = self._read_signs(signs, records, base) + self._noticed(records, base)
        self._events += sorted(happened, key=lambda event: event.record)
        self._add_printed_accuracies(records, base)
        if len(records):
            counted: dict[str, NDArray[Any]] = {
                "iteration": records.iteration,
                "decimals": records.decimals,
                "before": before,
            }
            self._records.add(len(records), {**records.columns, **counted})
            if not base:
                self._first_iteration = int(records.iteration[0])
            self._last_iteration = int(records.iteration[-1])
            self._tail = _tail_of(records)

    def _without_torn(self, records: Records, text: Text) -> Records:
        """The records of a last line that nothing ends, but not one whose end is missing."""
        if not len(records):
            torn = not records.unreadable and TORN.search(text.raw.strip()) is not None
            return nothing((text.raw.strip(),)) if torn else records
        known = _tail_of(records)
        return records if known and known >= self._tail else nothing((*records.unreadable, text.raw.strip()))

    def _add_lines(self, lines: LayerLines) -> None:
        if len(lines):
            columns = {
                name: packed_integers(column) if name in INTEGER_COLUMNS else packed(column)
                for name, column in lines.columns.items()
            }
            self._layers.add(len(lines), columns)

    def _skip(self, records: tuple[bytes, ...], lines: tuple[bytes, ...]) -> None:
        if records or lines:
            room = EXAMPLES - len(self._skipped.examples)
            examples = tuple(line.strip().decode("utf-8", "replace") for line in (*records, *lines)[:room])
            self._skipped = replace(
                self._skipped,
                records=self._skipped.records + len(records),
                layer_lines=self._skipped.layer_lines + len(lines),
                examples=self._skipped.examples + examples,
            )

    def _done_before(self, record: int, records: Records, base: int) -> int:
        """The last iteration before a record; -1 where there is none."""
        return int(records.iteration[record - base - 1]) if record > base else self._last_iteration

    def _read_signs(self, signs: list[Sign], records: Records, base: int) -> list[Event]:
        events = []
        places = np.searchsorted(records.place, [sign.place for sign in signs]) + base
        for sign, record in zip(signs, places.tolist(), strict=True):
            done = self._done_before(record, records, base)
            if sign.kind in _EVENTS:
                text = sign.parts[0] if sign.parts else ""
                events.append(Event(kind=_EVENTS[sign.kind], iteration=done, record=record, text=text))
            if sign.kind == "header":
                rate, momentum, decay = sign.parts
                self._headers.append(
                    replace(self._next_header, record=record, learning_rate=rate, momentum=momentum, decay=decay)
                )
                self._next_header = Header()
            elif sign.kind == "batch":
                self._next_header = replace(self._next_header, batch=int(sign.parts[1]))
            elif sign.kind == "seen":
                self._next_header = replace(self._next_header, seen_kilo_images=int(sign.parts[1]))
            elif sign.kind == "tensor":
                if self._headers and self._headers[-1].tensor_cores_from is None:
                    self._headers[-1] = replace(self._headers[-1], tensor_cores_from=int(sign.parts[0]))
            elif sign.kind == "map":
                threshold, value, percent = sign.parts
                self._add_map(float(value) / (100 if percent else 1), threshold, done, record, exact=True)
            elif sign.kind == "last":
                threshold, value, _ = sign.parts
                self._add_map(float(value) / 100, threshold, done, record, exact=False)
        return events

    def _add_printed_accuracies(self, records: Records, base: int) -> None:
        printed = records.columns.get("last_map")
        if printed is None:
            return
        changed = np.flatnonzero(np.diff(printed, prepend=np.nan) != 0)
        for i in changed[~np.isnan(printed[changed])].tolist():
            self._add_map(float(printed[i]), "", self._done_before(base + i, records, base), base + i, exact=False)

    def _add_map(self, value: float, threshold: str, done: int, record: int, *, exact: bool) -> None:
        """Add a point; one that only repeats what is known, with fewer digits, is none."""
        known = self._last_accuracy
        repeats = known is not None and abs(known - value) < HALF_A_HUNDREDTH_PERCENT
        self._last_accuracy = value
        if repeats and not (exact and (not self._maps or self._maps[-1].record != record)):
            return
        if record or exact:
            try:
                limit = float(threshold)
            except ValueError:
                limit = math.nan
            self._maps.append(MapPoint(iteration=done, record=record, value=value, threshold=limit))

    def _noticed(self, records: Records, base: int) -> list[Event]:
        """What no line says: the run went on from a saved state, began anew, lost its numbers."""
        events = []
        iteration = records.iteration

        def add(kind: str, i: int, text: str = "") -> None:
            events.append(Event(kind=kind, iteration=int(iteration[i]), record=base + i, text=text))

        if len(records) and not base and self._headers and iteration[0] > MOST_GPUS:
            add("resumed", 0)
        before = np.concatenate(([self._last_iteration if base else -1], iteration[:-1]))
        for i in np.flatnonzero(iteration <= before).tolist():
            add("resumed" if iteration[i] > MOST_GPUS else "restarted", i, f"after {before[i]}")
        if not self._has_nan:
            bad = [np.isnan(records.columns[name]) for name in ("loss", "avg_loss") if name in records.columns]
            for first in np.flatnonzero(np.logical_or.reduce(bad))[:1].tolist() if bad else ():
                self._has_nan = True
                add("first-nan", first)
        return events


def _tail_of(records: Records) -> frozenset[str]:
    """What the last record has of the numbers that stand at the end of a line."""
    columns = records.columns
    return frozenset(
        name for name in ("images", "hours_left", "epoch") if name in columns and not math.isnan(columns[name][-1])
    )
