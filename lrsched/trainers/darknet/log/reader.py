"""A log of darknet taken in piece by piece."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from lrsched.log import COLUMNS, MOST_GPUS, Event, Header, Layers, Log, MapPoint, Skipped
from lrsched.table import Columns, packed
from lrsched.trainers.darknet.log.events import Line, find_end, find_lines
from lrsched.trainers.darknet.log.lines import LAYER_LINES, RECORDS, TORN
from lrsched.trainers.darknet.log.scan import Found, scan
from lrsched.trainers.darknet.log.text import Lines, Text

__all__ = ["LogReader"]

EXAMPLES = 5
"""So many of the lines that could not be read are kept."""

TAIL = 1 << 16
"""So many bytes of what follows the last record are searched for how the run ended."""

HALF_A_HUNDREDTH_PERCENT = 6e-5
"""Accuracies are printed with two decimals of a percent."""

_EVENTS = {"header": "started", "best": "best-map"} | {
    kind: kind for kind in ("saved", "loaded", "syncing", "resizing")
}
"""The lines that are events, and what they are called there."""

_AT_THE_END = ("images", "hours_left", "epoch")
"""The numbers with which a record may end."""


class LogReader:
    """Takes a log in pieces of any size; the memory it needs grows with the records only."""

    def __init__(self, *, layers: bool = True) -> None:
        self._with_layers = layers
        self._lines = Lines()
        self._records, self._layers = Columns(), Columns()
        self._events: list[Event] = []
        self._warnings: Counter[str] = Counter()
        self._maps: list[MapPoint] = []
        self._headers: list[Header] = []
        self._next_header = Header()
        self._next_map: dict[str, Any] = {}
        self._horizon: int | None = None
        self._first_iteration, self._last_iteration = 1, -1
        self._ending: frozenset[str] = frozenset()
        self._tail = b""
        self._skipped = Skipped()

    def take(self, piece: bytes) -> None:
        """Add a piece of the log; a line waits until it is whole."""
        self._add(self._lines.feed(piece))

    def finish(self) -> None:
        """Read the last line even though nothing ends it."""
        self._add(self._lines.finish(), last=True)

    def log(self, source: str = "<log>") -> Log:
        """Everything read so far."""
        records, layers = self._records.table(), self._layers.table()
        before = records.integers("before")
        before.flags.writeable = False
        names = [
            name
            for name in dict.fromkeys((*COLUMNS, *sorted(records.columns)))
            if name in records.columns and name != "before"
        ]
        return Log(
            source=source,
            trainer="darknet",
            records=replace(records, columns={name: records.columns[name] for name in names}),
            layers=Layers(before=before, lines=layers),
            map_points=tuple(self._maps),
            events=tuple(self._placed(event) for event in [*self._events, *self._ends()]),
            headers=tuple(self._headers),
            skipped=self._skipped,
            horizon=self._horizon,
        )

    def _placed(self, event: Event) -> Event:
        """What happened before the first record happened one iteration earlier."""
        return replace(event, iteration=self._first_iteration - 1) if event.iteration < 0 else event

    def _ends(self) -> list[Event]:
        """Warnings, each once with how often it was printed, and how the run ended."""
        at: dict[str, Any] = {"iteration": self._last_iteration, "record": self._records.size}
        events = [Event(kind="warning", text=f"{text} ({n}x)", **at) for text, n in self._warnings.items()]
        if self._records.size and (end := find_end(self._tail)):
            events.append(Event(kind=end[0], text=end[1], **at))
        return events

    def _add(self, text: Text | None, *, last: bool = False) -> None:
        if text is None:
            return
        records = scan(text, RECORDS)
        if last:
            records = self._without_torn(records, text)
        base = self._records.size
        self._horizon = text.horizon or self._horizon
        layer_lines = scan(text, LAYER_LINES) if self._with_layers else Found(np.empty(0, np.intp), {})
        before = np.searchsorted(layer_lines.place, records.place) + self._layers.size
        self._layers.add(len(layer_lines), {name: packed(column) for name, column in layer_lines.columns.items()})
        self._skip(records.unreadable, layer_lines.unreadable)
        iteration = records.columns["iteration"].astype(np.int64) if len(records) else np.empty(0, np.int64)
        happened = self._read_lines(text, records, iteration, base) + self._noticed(records, iteration, base)
        self._events += sorted(happened, key=lambda event: event.record)
        self._add_printed_accuracies(records, iteration, base)
        if len(records):
            columns = {**records.columns, "iteration": iteration, "before": before}
            decimals = columns.get("rate_decimals", np.full(len(records), 6.0))
            columns["rate_decimals"] = np.nan_to_num(decimals, nan=6).astype(np.uint8)
            self._first_iteration = self._first_iteration if base else int(iteration[0])
            self._records.add(len(records), columns)
            self._last_iteration = int(iteration[-1])
            self._ending = _ending_of(records)
        end = int(records.place[-1]) if len(records) else 0
        self._tail = (self._tail if not len(records) else b"")[-TAIL:] + text.raw[max(end, len(text.raw) - TAIL) :]

    def _without_torn(self, records: Found, text: Text) -> Found:
        """The records of a last line that nothing ends, but not one whose end is missing."""
        raw = text.raw.strip()
        if not len(records):
            torn = not records.unreadable and TORN.search(raw) is not None
            return replace(records, unreadable=(raw,)) if torn else records
        known = _ending_of(records)
        whole = known and known >= self._ending
        return records if whole else Found(np.empty(0, np.intp), {}, (*records.unreadable, raw))

    def _skip(self, records: tuple[bytes, ...], lines: tuple[bytes, ...]) -> None:
        skipped = tuple(line.strip().decode("utf-8", "replace") for line in (*records, *lines))
        self._skipped = Skipped(
            records=self._skipped.records + len(records),
            layer_lines=self._skipped.layer_lines + len(lines),
            examples=(self._skipped.examples + skipped)[:EXAMPLES],
        )

    def _read_lines(self, text: Text, records: Found, iteration: Any, base: int) -> list[Event]:
        events = []
        lines = list(find_lines(text))
        rows = np.searchsorted(records.place, [line.place for line in lines])
        for line, row in zip(lines, rows.tolist(), strict=True):
            done = int(iteration[row - 1]) if row else self._last_iteration
            if line.kind in _EVENTS:
                kind = _EVENTS[line.kind]
                named = line.parts[0] if kind in ("saved", "loaded", "started") else ""
                events.append(Event(kind=kind, iteration=done, record=base + row, text=named))
            if line.kind == "warning":
                self._warnings[line.parts[0]] += 1
            elif line.kind == "batch":
                self._next_header = replace(self._next_header, batch=int(line.parts[1]))
            elif line.kind == "header":
                self._headers.append(replace(self._next_header, record=base + row, learning_rate=line.parts[0]))
                self._next_header = Header()
            elif line.kind in ("map", "last", "f1", "class"):
                self._read_map(line, done, base + row)
        return events

    def _read_map(self, line: Line, done: int, record: int) -> None:
        if line.kind == "class":
            self._next_map.setdefault("classes", {})[line.parts[0]] = float(line.parts[1]) / 100
        elif line.kind == "f1":
            self._next_map |= zip(("precision", "recall", "f1"), map(float, line.parts), strict=True)
        elif line.kind == "map":
            threshold, value, percent = (*line.parts, "")[:3]
            share = float(value) / (100 if percent else 1)
            self._add_map(done, record, share, float(threshold), exact=True)
        else:
            threshold, value, *best = line.parts
            if not self._maps and record <= 1:
                done, record = -1, 0  # printed before every record, so this one was known when the log begins
            best_share = float(best[0]) / 100 if best else math.nan
            self._add_map(done, record, float(value) / 100, float(threshold), best_share)

    def _add_printed_accuracies(self, records: Found, iteration: Any, base: int) -> None:
        printed = records.columns.get("last_map")
        if printed is None:
            return
        best = records.columns.get("best_map", np.full(len(records), np.nan))
        changed = np.flatnonzero(np.diff(printed, prepend=np.nan) != 0)
        for i in changed[~np.isnan(printed[changed])].tolist():
            done = int(iteration[i - 1]) if i else self._last_iteration
            self._add_map(done, base + i, float(printed[i]), math.nan, float(best[i]))

    def _add_map(
        self, done: int, record: int, value: float, threshold: float, best: float = math.nan, *, exact: bool = False
    ) -> None:
        """Add a point; one that repeats the last one, with fewer digits, only says what is best."""
        known = self._maps[-1] if self._maps else None
        if known is not None and abs(known.value - value) < HALF_A_HUNDREDTH_PERCENT:
            if not math.isnan(best):
                self._maps[-1] = known = replace(known, best=best)
            if not exact or known.record == record:
                return
        more, self._next_map = (self._next_map, {}) if exact else ({}, self._next_map)
        self._maps.append(MapPoint(iteration=done, record=record, value=value, threshold=threshold, best=best, **more))

    def _noticed(self, records: Found, iteration: Any, base: int) -> list[Event]:
        """What no line says: the run was resumed, was restarted, its loss became nan."""
        first = len(records) and not base and self._headers and iteration[0] > MOST_GPUS
        found = [("resumed", 0, "")] if first else []
        before = np.concatenate(([self._last_iteration if base else -1], iteration[:-1]))
        for i in np.flatnonzero(iteration <= before).tolist():
            found.append(("resumed" if iteration[i] > MOST_GPUS else "restarted", i, f"after {before[i]}"))
        if not any(event.kind == "first-nan" for event in self._events):
            bad = [np.isnan(records.columns[name]) for name in ("loss", "avg_loss") if name in records.columns]
            found += [("first-nan", i, "") for i in np.flatnonzero(np.logical_or.reduce(bad)).tolist()[:1] if bad]
        return [Event(kind=kind, iteration=int(iteration[i]), record=base + i, text=text) for kind, i, text in found]


def _ending_of(records: Found) -> frozenset[str]:
    """What the last record has of the numbers that may end a line."""
    columns = records.columns
    return frozenset(name for name in _AT_THE_END if name in columns and not math.isnan(columns[name][-1]))
