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

TAIL = 1 << 16  # bytes after the last record that are searched for how the run ended
HALF_A_HUNDREDTH_PERCENT = 6e-5  # accuracies are printed with two decimals of a percent
EVENTS = {
    "header": "started",
    "best": "best-map",
    **{kind: kind for kind in ("saved", "loaded", "syncing", "resizing")},
}
NAMED = ("saved", "loaded", "header")  # lines that name the file of weights, or the learning rate
AT_THE_END = ("images", "hours_left", "epoch")  # the numbers with which a record may end
NOTHING = Found(np.empty(0, np.intp), {"iteration": np.empty(0, np.int64)})


class LogReader:
    """Takes a log in pieces of any size; the memory it needs grows with the records only.

    What happened is kept with the number of records before it; which iteration that is, the whole log says.
    """

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
        names = (*COLUMNS, *sorted({*records.columns} - {*COLUMNS, "before"}))
        log = Log(
            source=source,
            trainer="darknet",
            records=replace(
                records, columns={name: records.columns[name] for name in names if name in records.columns}
            ),
            layers=Layers(before=records.integers("before"), lines=layers),
            headers=tuple(self._headers),
            skipped=self._skipped,
            horizon=self._horizon,
        )
        before = ((point, point.record - 1) for point in self._maps)
        points = (replace(point, iteration=int(log.iteration[row]) if row >= 0 else -1) for point, row in before)
        return replace(log, map_points=tuple(points), events=(*self._happened(log), *self._ends(log)))

    def _happened(self, log: Log) -> list[Event]:
        """The events in their order: those that lines tell, and those that the records show."""
        iteration = log.iteration
        begin = int(iteration[0]) if len(log) else 1
        places = [(event, event.record - 1) for event in self._events]
        happened = [replace(one, iteration=int(iteration[row]) if row >= 0 else begin - 1) for one, row in places]
        if self._headers and begin > MOST_GPUS:
            happened.append(Event(kind="resumed", iteration=begin, record=0))
        for row in (np.flatnonzero(np.diff(iteration) <= 0) + 1).tolist():
            kind = "resumed" if iteration[row] > MOST_GPUS else "restarted"
            text = f"after {iteration[row - 1]}"
            happened.append(Event(kind=kind, iteration=int(iteration[row]), record=row, text=text))
        for row in np.flatnonzero(log.bad)[:1].tolist():
            happened.append(Event(kind="first-nan", iteration=int(iteration[row]), record=row))
        return sorted(happened, key=lambda event: event.record)

    def _ends(self, log: Log) -> list[Event]:
        """Warnings, each once with how often it was printed, and how the run ended."""
        found = [("warning", f"{text} ({times}x)") for text, times in self._warnings.items()]
        if len(log) and (end := find_end(self._tail)):
            found.append(end)
        last = int(log.iteration[-1]) if len(log) else 0
        return [Event(kind=kind, iteration=last, record=len(log), text=text) for kind, text in found]

    def _add(self, text: Text | None, *, last: bool = False) -> None:
        if text is None:
            return
        records = scan(text, RECORDS)
        if last:
            records = self._without_torn(records, text)
        layers = scan(text, LAYER_LINES) if self._with_layers else NOTHING
        self._horizon = text.horizon or self._horizon
        torn, torn_layers = records.unreadable, layers.unreadable
        examples = tuple(line.strip().decode("utf-8", "replace") for line in (*torn, *torn_layers))
        self._skipped += Skipped(records=len(torn), layer_lines=len(torn_layers), examples=examples)
        self._read_lines(text, records)
        self._read_accuracies(records)
        before = np.searchsorted(layers.place, records.place) + self._layers.size
        self._layers.add(len(layers), {name: packed(column) for name, column in layers.columns.items()})
        if len(records):
            decimals = records.columns.get("rate_decimals", np.full(len(records), 6.0))
            exact = {"iteration": records.columns["iteration"].astype(np.int64), "before": before}
            exact["rate_decimals"] = np.nan_to_num(decimals, nan=6).astype(np.uint8)
            self._records.add(len(records), {**records.columns, **exact})
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
        return records if whole else replace(NOTHING, unreadable=(*records.unreadable, raw))

    def _read_lines(self, text: Text, records: Found) -> None:
        lines = list(find_lines(text))
        before = np.searchsorted(records.place, [line.place for line in lines]) + self._records.size
        for line, record in zip(lines, before.tolist(), strict=True):
            if line.kind in EVENTS:
                named = line.parts[0] if line.kind in NAMED else ""
                self._events.append(Event(kind=EVENTS[line.kind], iteration=0, record=record, text=named))
            if line.kind == "warning":
                self._warnings[line.parts[0]] += 1
            elif line.kind == "batch":
                self._next_header = replace(self._next_header, batch=int(line.parts[1]))
            elif line.kind == "header":
                self._headers.append(replace(self._next_header, record=record, learning_rate=line.parts[0]))
                self._next_header = Header()
            elif line.kind in ("map", "last", "f1", "class"):
                self._read_map(line, record)

    def _read_map(self, line: Line, record: int) -> None:
        if line.kind == "class":
            self._next_map.setdefault("classes", {})[line.parts[0]] = float(line.parts[1]) / 100
        elif line.kind == "f1":
            self._next_map |= zip(("precision", "recall", "f1"), map(float, line.parts), strict=True)
        elif line.kind == "map":
            threshold, value, percent = (*line.parts, "")[:3]
            self._add_map(record, float(value) / (100 if percent else 1), float(threshold), exact=True)
        else:
            threshold, value, *best = line.parts
            if not self._maps and record <= 1:
                record = 0  # printed before every record, so this one was known when the log begins
            self._add_map(record, float(value) / 100, float(threshold), float(best[0]) / 100 if best else math.nan)

    def _read_accuracies(self, records: Found) -> None:
        """The accuracies that hank-ai prints in every record, where they change."""
        unknown = np.full(len(records), np.nan)
        value, best = (records.columns.get(name, unknown) for name in ("last_map", "best_map"))
        changed = np.flatnonzero(np.diff(value, prepend=np.nan) != 0)
        for row in changed[~np.isnan(value[changed])].tolist():
            self._add_map(self._records.size + row, float(value[row]), math.nan, float(best[row]))

    def _add_map(
        self, record: int, value: float, threshold: float, best: float = math.nan, *, exact: bool = False
    ) -> None:
        """Add a point; one that repeats the last one, with fewer digits, only says what is best."""
        known = self._maps[-1] if self._maps else None
        if known is not None and abs(known.value - value) < HALF_A_HUNDREDTH_PERCENT:
            if not math.isnan(best):
                self._maps[-1] = known = replace(known, best=best)
            if not exact or known.record == record:
                return
        more, self._next_map = (self._next_map, {}) if exact else ({}, self._next_map)
        self._maps.append(MapPoint(iteration=-1, record=record, value=value, threshold=threshold, best=best, **more))


def _ending_of(records: Found) -> frozenset[str]:
    """What the last record has of the numbers that may end a line."""
    columns = records.columns
    return frozenset(name for name in AT_THE_END if name in columns and not math.isnan(columns[name][-1]))
