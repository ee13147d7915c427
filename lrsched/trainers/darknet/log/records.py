"""The lines that sum up an iteration, in every dialect from pjreddie's of 2016 to hank-ai's v6.

The usual detector line is read at all its places at once. Every other line that could hold a record is given to one
regular expression, which is the definition: where both can read a line, they read the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.trainers.darknet.log.digits import (
    NUMBER,
    Floats,
    Places,
    decimals_before,
    integers_before,
    integers_from,
    number,
    positive_decimals_from,
)
from lrsched.trainers.darknet.log.text import Text

__all__ = ["COLUMNS", "TORN", "Records", "find_records", "nothing"]

COLUMNS = (
    "loss",
    "avg_loss",
    "rate",
    "seconds",
    "images",
    "hours_left",
    "epoch",
    "second_loss",
    "second_avg_loss",
    "last_map",
    "best_map",
)
"""The numbers of a record besides its iteration; NaN where its dialect does not print one."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """The records of one text, in the order in which they stand there.

    Attributes:
        place: where each of them begins.
        iteration: their iterations.
        decimals: how many decimals their rates have.
        columns: their other numbers, by name; a name of ``COLUMNS`` that is missing is NaN for all.
        unreadable: for every line that has the words of a record but is none, what stands there.
    """

    place: Places
    iteration: NDArray[np.int64]
    decimals: NDArray[np.uint8]
    columns: Mapping[str, Floats]
    unreadable: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self.iteration)


def nothing(unreadable: tuple[bytes, ...] = ()) -> Records:
    """No records at all."""
    return Records(
        place=np.empty(0, np.intp),
        iteration=np.empty(0, np.int64),
        decimals=np.empty(0, np.uint8),
        columns={},
        unreadable=unreadable,
    )


def find_records(text: Text) -> Records:
    """All records of a text."""
    candidates, others = _candidates(text)
    plain, refused = _plain_records(text, candidates)
    doubtful = np.concatenate((candidates[refused], others))
    return _with_doubtful(text, plain, np.sort(doubtful)) if doubtful.size else plain


def _candidates(text: Text) -> tuple[Places, Places]:
    """Where ``seconds,`` stands, and the other places of a ``d`` that records of the rarer dialects have."""
    at = text.places(ord("d"))
    after = text.bytes_[at + 1]
    seconds = at[after == ord("s")] - 5
    words = text.words[seconds]
    seconds_and_comma = seconds[words == _SECONDS_COMMA]
    at_end = seconds[((words ^ _SECONDS_COMMA) << np.uint64(8) == 0) & (words != _SECONDS_COMMA)]
    at_end = at_end[~text.has(at_end - 17, b"Loaded: ")]
    loads = at[after == ord(" ")]
    return seconds_and_comma, np.concatenate((at_end, loads[text.has(loads - 3, b"load ")]))


_SECONDS_COMMA = np.uint64(int.from_bytes(b"seconds,", "little"))


def _plain_records(text: Text, seconds_word: Places) -> tuple[Records, NDArray[np.bool_]]:
    """Read the usual detector line around each ``seconds,``, and say where there is another."""
    seconds, begin, ok = decimals_before(text, seconds_word - 1)
    ok &= text.bytes_[seconds_word - 1] == ord(" ")
    ok &= text.has(begin - 7, b" rate, ")
    rate, begin, plain = decimals_before(text, begin - 7)
    ok &= plain
    says_loss = text.has(begin - 11, b" avg loss, ")
    ok &= says_loss | text.has(begin - 6, b" avg, ")
    avg_loss, begin, plain = decimals_before(text, begin - np.where(says_loss, 11, 6))
    ok &= plain & text.has(begin - 2, b", ")
    loss, begin, plain = decimals_before(text, begin - 2)
    ok &= plain & text.has(begin - 2, b": ")
    iteration, begin, plain = integers_before(text, begin - 2)
    ok &= plain & (text.bytes_[begin - 1] != ord("."))
    images, end, plain = integers_from(text, seconds_word + 9)
    ok &= plain & text.has(end, b" images") & (text.bytes_[seconds_word + 8] == ord(" "))
    hours_left, plain = _hours_left(text, end + 7)
    ok &= plain
    numbers = {"loss": loss, "avg_loss": avg_loss, "rate": rate, "seconds": seconds, "images": images.astype(float)}
    if not np.isnan(hours_left).all():
        numbers["hours_left"] = hours_left
    if not ok.all():
        begin, iteration, numbers = begin[ok], iteration[ok], {name: numbers[name][ok] for name in numbers}
    decimals = np.full(iteration.shape, 6, np.uint8)
    return Records(place=begin, iteration=iteration, decimals=decimals, columns=numbers), ~ok


def _hours_left(text: Text, place: Places) -> tuple[Floats, NDArray[np.bool_]]:
    """The hours after the images, NaN where no comma follows, and whether that is all that may stand there."""
    follows = text.bytes_[place] == ord(",")
    if follows.all():
        return _hours_after_comma(text, place)
    hours = np.full(place.shape, np.nan)
    ok = ~follows
    some = np.flatnonzero(follows)
    if some.size:
        hours[some], ok[some] = _hours_after_comma(text, place[some])
    return hours, ok


def _hours_after_comma(text: Text, place: Places) -> tuple[Floats, NDArray[np.bool_]]:
    hours, end, plain = positive_decimals_from(text, place + 2)
    return hours, plain & text.has(end, b" hours left") & (text.bytes_[place + 1] == ord(" "))


def _with_doubtful(text: Text, plain: Records, doubtful: Places) -> Records:
    """Read the lines around the doubtful places again, whole, by the definition."""
    rows: list[tuple[int, Mapping[str, Any]]] = []
    unreadable: list[bytes] = []
    spans: list[tuple[int, int]] = []
    done = 0
    for place in doubtful.tolist():
        if place < done:
            continue
        begin, done = text.line(place)
        begin = max(begin, spans[-1][1]) if spans else begin
        done = max(done, place + 1)
        found = [(match.start(), _row(match)) for match in RECORD.finditer(text.raw, begin, done + 1)]
        missed = len(RATE.findall(text.raw, begin, done)) - len(found)
        unreadable += [text.raw[begin : min(done, begin + 200)]] * missed
        if found or missed > 0:
            rows += found
            spans.append((begin, done))
    rows = [(place, row) for place, row in rows if row["iteration"] < 2**63]
    kept = np.ones(len(plain), bool)
    for begin, end in spans:
        kept[np.searchsorted(plain.place, begin) : np.searchsorted(plain.place, end)] = False
    return _merged(plain, kept, rows, tuple(unreadable))


def _merged(
    plain: Records, kept: NDArray[np.bool_], rows: list[tuple[int, Mapping[str, Any]]], unreadable: tuple[bytes, ...]
) -> Records:
    place = np.concatenate((plain.place[kept], np.array([place for place, _ in rows], np.intp)))
    order = np.argsort(place)
    names = [name for name in COLUMNS if name in plain.columns or any(name in row for _, row in rows)]

    def column(name: str) -> Floats:
        before = plain.columns[name][kept] if name in plain.columns else np.full(kept.sum(), np.nan)
        return np.concatenate((before, np.array([row.get(name, math.nan) for _, row in rows], float)))[order]

    iterations = np.array([row["iteration"] for _, row in rows], np.int64)
    decimals = np.array([row["decimals"] for _, row in rows], np.uint8)
    return Records(
        place=place[order],
        iteration=np.concatenate((plain.iteration[kept], iterations))[order],
        decimals=np.concatenate((plain.decimals[kept], decimals))[order],
        columns={name: column(name) for name in names},
        unreadable=unreadable,
    )


def _pattern(template: str) -> bytes:
    """A regular expression in which ``<name>`` stands for a number of that name."""
    pieces = re.split(r"(?<!P)<(\w+)>", template)
    written = [
        piece.encode() if i % 2 == 0 else b"(?P<" + piece.encode() + b">" + NUMBER + b")"
        for i, piece in enumerate(pieces)
    ]
    return b"".join(written)


_LOSSES = "|".join(
    (
        r"<loss>, <avg_loss> avg(?: loss)?",
        r"gen: <gen>, adv: <adv> \| gen_avg: <gen_avg>, adv_avg: <adv_avg>",
        r"Att: <att>, <att_avg> avg, Class: <class>, <class_avg> avg",
    )
)
_CLASSIC = (
    rf"(?:, <epoch>)?: (?:{_LOSSES}), <rate> rate, <seconds> seconds"
    r"(?:, (?P<images>-?\d{1,19}) images(?:, <hours_left> (?:hours|time) left)?|, <epochs> epochs|(?=[ \t]*[\r\n]))"
)
_AND = r"(?:, | \| )"
_DURATION = r"(?:[a-z]{1,20}(?: \d{1,9})?=)?[\d.]{1,20} (?:(?:micro|milli)?seconds|minutes|hours)"
_HANK_AI = (
    rf"(?::| \|) loss=<l>{_AND}avg loss=<a>(?P<accuracy>(?:{_AND}(?:last|best|next|mAP)=[^,|\r\n ]{{1,40}})*)"
    rf"{_AND}rate=<r>(?P<durations>(?:{_AND}{_DURATION}){{0,8}}){_AND}(?P<i>-?\d{{1,19}}) images"
    rf"(?:{_AND}time remaining=(?P<left>unknown|[\d.]{{1,20}} [a-z]+))?"
)
RECORD = re.compile(
    rb"(?<!\d)(?<!\d\.)(?P<iteration>\d{1,19})(?:" + _pattern(_CLASSIC) + b"|" + _pattern(_HANK_AI) + b")"
)
"""One record of any dialect, wherever it begins."""

RATE = re.compile(rb"\d rate,|[, ]rate=")
"""What every record has once, whether or not the rest of it is there."""

TORN = re.compile(rb"\d: (?:loss=|gen: |Att: )?-?\d[\d.]*(?:, [^\r\n]*)?\Z")
"""The beginning of a record that the end of a log cut off."""

_CLASSIC_NAMES = {
    "loss": "loss",
    "gen": "loss",
    "class": "loss",
    "avg_loss": "avg_loss",
    "gen_avg": "avg_loss",
    "class_avg": "avg_loss",
    "adv": "second_loss",
    "att": "second_loss",
    "adv_avg": "second_avg_loss",
    "att_avg": "second_avg_loss",
    "rate": "rate",
    "seconds": "seconds",
    "images": "images",
    "hours_left": "hours_left",
    "epoch": "epoch",
    "epochs": "epoch",
    "l": "loss",
    "a": "avg_loss",
    "r": "rate",
    "i": "images",
}
_UNITS = {
    "microseconds": 1e-6,
    "milliseconds": 1e-3,
    "seconds": 1.0,
    "minutes": 60.0,
    "hours": 3600.0,
    "days": 86400.0,
    "weeks": 604800.0,
}
_OWN_DURATION = re.compile(rb"(?:, | \| )(?:train=)?([\d.]+) (\w+)")
_ACCURACY = re.compile(rb"(last|best)=([\d.]+)%")


def _row(match: re.Match[bytes]) -> dict[str, Any]:
    groups = match.groupdict()
    row: dict[str, Any] = {
        name: number(groups[group]) for group, name in _CLASSIC_NAMES.items() if groups[group] is not None
    }
    rate = groups["rate"] or groups["r"]
    row["iteration"] = int(groups["iteration"])
    row["decimals"] = len(rate.partition(b".")[2]) if rate[-1:].isdigit() and b"e" not in rate.lower() else 0
    if groups["r"] is not None:
        row.update(_hank_ai(groups["accuracy"], groups["durations"], groups["left"]))
    return row


def _hank_ai(accuracy: bytes, durations: bytes, left: bytes | None) -> Iterator[tuple[str, float]]:
    for name, percent in _ACCURACY.findall(accuracy):
        yield f"{name.decode()}_map", float(percent) / 100
    for amount, unit in _OWN_DURATION.findall(durations):
        if unit.decode() in _UNITS:
            yield "seconds", float(amount) * _UNITS[unit.decode()]
    amount, _, unit = (left or b"").partition(b" ")
    if unit.decode() in _UNITS and unit:
        yield "hours_left", float(amount) * _UNITS[unit.decode()] / 3600
