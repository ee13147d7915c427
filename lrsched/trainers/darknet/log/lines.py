"""What darknet prints of an iteration and of its detection layers, in every dialect from 2016 to hank-ai's v6."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from lrsched.log import COLUMNS
from lrsched.trainers.darknet.log.digits import NUMBER, Places
from lrsched.trainers.darknet.log.scan import Kind
from lrsched.trainers.darknet.log.text import Text

__all__ = ["LAYER_LINES", "RECORDS", "TORN"]


def _pattern(template: str) -> str:
    """A regular expression in which ``<name>`` stands for a number of that name."""
    return re.sub(r"(?<!P)<(\w+)>", lambda match: f"(?P<{match[1]}>{NUMBER.decode()})", template)


_SECONDS = np.uint64(int.from_bytes(b"seconds,", "little"))


def _record_anchors(text: Text) -> tuple[Places, Places]:
    """The ``d`` of ``seconds,``, and those that records of the rarer dialects have."""
    at = text.places(ord("d"))
    after = text.bytes_[at + 1]
    seconds = at[after == ord("s")]
    apart = text.words[seconds - 5] ^ _SECONDS
    usual = apart == 0
    at_end = seconds[(apart << np.uint64(8) == 0) & ~usual]
    at_end = at_end[~text.has(at_end - 22, b"Loaded: ")]
    loads = at[after == ord(" ")]
    return seconds[usual], np.concatenate((at_end, loads[text.has(loads - 3, b"load ")]))


_LOSSES = (
    r"<loss>, <avg_loss> avg(?: loss)?|gen: <gen>, adv: \S+ \| gen_avg: <gen_avg>, adv_avg: [^,\s]+"
    r"|Att: \S+ \S+ avg, Class: <class>, <class_avg> avg"
)
_CLASSIC = (
    rf"(?:, <epoch>)?: (?:{_LOSSES}), <rate> rate, <seconds> seconds"
    r"(?:, (?P<images>-?\d{1,19}) images(?:, <hours_left> (?:hours|time) left)?|, <epochs> epochs|(?=[ \t]*[\r\n]))"
)
_AND = r"(?:, | \| )"
_AMOUNT = r"\d{1,15}(?:\.\d{1,15})?"
_DURATION = rf"(?:[a-z]{{1,20}}(?: \d{{1,9}})?=)?{_AMOUNT} (?:(?:micro|milli)?seconds|minutes|hours)"
_HANK_AI = (
    rf"(?::| \|) loss=<l>{_AND}avg loss=<a>(?P<accuracy>(?:{_AND}(?:last|best|next|mAP)=[^,|\r\n ]{{1,40}})*)"
    rf"{_AND}rate=<r>(?P<durations>(?:{_AND}{_DURATION}){{0,8}}){_AND}(?P<i>-?\d{{1,19}}) images"
    rf"(?:{_AND}time remaining=(?P<left>unknown|{_AMOUNT} [a-z]+))?"
)
_COLUMN_OF = {name: name for name in ("iteration", *COLUMNS)}
_COLUMN_OF |= {"gen": "loss", "class": "loss", "gen_avg": "avg_loss", "class_avg": "avg_loss", "epochs": "epoch"}
_COLUMN_OF |= {"l": "loss", "a": "avg_loss", "r": "rate", "i": "images"}
_UNITS = {"microseconds": 1e-6, "milliseconds": 1e-3, "seconds": 1.0, "minutes": 60.0, "hours": 3600.0}
_UNITS |= {"days": 86400.0, "weeks": 604800.0}
_OWN_DURATION = re.compile(rf"{_AND}(?:train=)?({_AMOUNT}) (\w+)".encode())
_ACCURACY = re.compile(f"(last|best)=({_AMOUNT})%".encode())


def _record(match: re.Match[bytes]) -> dict[str, float]:
    rate = match["rate"] or match["r"]
    decimals = len(rate.partition(b".")[2]) if rate[-1:].isdigit() and b"e" not in rate.lower() else 0
    own = () if match["r"] is None else _hank_ai(match["accuracy"], match["durations"], match["left"])
    return {"rate_decimals": decimals, **dict(own)}


def _hank_ai(accuracy: bytes, durations: bytes, left: bytes | None) -> Iterator[tuple[str, float]]:
    for name, percent in _ACCURACY.findall(accuracy):
        yield f"{name.decode()}_map", float(percent) / 100
    for amount, unit in _OWN_DURATION.findall(durations):
        yield "seconds", float(amount) * _UNITS[unit.decode()]
    amount, _, unit = (left or b"").partition(b" ")
    if unit.decode() in _UNITS and unit:
        yield "hours_left", float(amount) * _UNITS[unit.decode()] / 3600


RECORDS = Kind(
    anchors=_record_anchors,
    definition=re.compile(
        rf"(?<!\d)(?<!\d\.)(?P<iteration>\d{{1,18}})(?:{_pattern(_CLASSIC)}|{_pattern(_HANK_AI)})".encode()
    ),
    columns=_COLUMN_OF,
    whole=frozenset({"iteration", "images", "i"}),
    signature=re.compile(rb"\d rate,|[, ]rate="),
    row=_record,
)
"""The lines that sum up an iteration: ``iteration``, ``rate_decimals`` where they are not 6, and the columns of a log;
hank-ai also prints ``last_map`` and ``best_map``."""

TORN = re.compile(rb"\d: (?:loss=|gen: |Att: )?-?\d[\d.]*(?:, [^\r\n]*)?\Z")
"""The beginning of a record that the end of a log cut off."""


def _layer_anchors(text: Text) -> tuple[Places, Places]:
    at = text.places(ord("I"))
    return at[text.has(at - 4, b"Avg IOU:") | text.has(at - 5, b"Avg (IOU:")], np.empty(0, np.intp)


_LAYER_LINE = re.compile(
    _pattern(
        r"Region(?: (?P<layer>\d{1,9}))? Avg \(?IOU: <iou>(?:, GIOU: <giou>)?\)?"
        r"(?:, Class: <class_probability>, Obj: <obj>, No Obj: <no_obj>)?"
        r"(?:, Avg Recall: <avg_recall>|, \.5R: <recall_50>, \.75R: <recall_75>)?"
        r", {1,2}count: (?P<count>\d{1,15})(?![\d.])"
        r"(?:(?:, loss = <loss>)?, class_loss = <class_loss>, iou_loss = <iou_loss>"
        r"(?:, total_loss = <total_loss>)?)?"
    ).encode()
)

LAYER_LINES = Kind(
    anchors=_layer_anchors,
    definition=_LAYER_LINE,
    columns={name: name for name in _LAYER_LINE.groupindex},
    whole=frozenset({"layer", "count"}),
    defaults={"layer": -1.0},
    signature=re.compile(rb"Region(?: \d{1,9})? Avg \(?IOU:"),
)
"""The lines of the region and yolo layers: ``layer`` (-1 where it is not printed), ``count``, ``iou`` and others."""
