"""Records in, records out: lines of every dialect among garbage, cut anywhere, in pieces of any size."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrsched.logs import Log
from lrsched.trainers.darknet.log.lines import LAYER_LINES, RECORDS
from lrsched.trainers.darknet.log.reader import LogReader
from lrsched.trainers.darknet.log.scan import scan
from lrsched.trainers.darknet.log.text import Lines
from tests.factories import Line, garbage, layer_lines, record_lines, same

COLUMNS = ("loss", "avg_loss", "rate", "seconds", "images", "hours_left", "epoch")
LAYER_COLUMNS = (
    *("iou", "giou", "class_probability", "obj", "no_obj", "avg_recall", "recall_50", "recall_75"),
    *("loss", "class_loss", "iou_loss", "total_loss"),
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"\n ", b" \n"])
PIECES = st.lists(st.tuples(st.lists(garbage(), max_size=2), record_lines() | layer_lines(), ENDS), max_size=12)
MANY_EXAMPLES = settings(max_examples=100, deadline=None)


def read(text: bytes, sizes: Iterable[int] = (), *, finish: bool = True) -> Log:
    reader = LogReader()
    begin = 0
    for size in sizes:
        reader.take(text[begin : begin + size])
        begin += size
    reader.take(text[begin:])
    if finish:
        reader.finish()
    return reader.log()


def assembled(pieces: list[tuple[list[bytes], Line, bytes]]) -> tuple[bytes, list[Line], list[int]]:
    """The text, what it shows, and where each line that shows something ends."""
    text, shown, ends = b"", [], []
    for before, printed, end in pieces:
        text += b"".join(before) + printed.line.encode()
        shown.append(printed)
        ends.append(len(text) + 1 + min(i for i, byte in enumerate(end) if byte in b"\r\n"))
        text += end
    return text, shown, ends


def check(log: Log, shown: list[Line]) -> None:
    expected = [printed.shows for printed in shown if printed.kind == "record"]
    assert log.iteration.tolist() == [int(row["iteration"]) for row in expected]
    assert log.rate_decimals.tolist() == [row["rate_decimals"] for row in expected]
    for name in COLUMNS:
        for found, row in zip(log.column(name).tolist(), expected, strict=True):
            if name in row or name == "epoch":
                assert same(found, row.get(name, math.nan)), (name, found, row)
    lines = [printed.shows for printed in shown if printed.kind == "layer"]
    assert log.layers.count.tolist() == [row["count"] for row in lines]
    assert log.layers.layer.tolist() == [row["layer"] for row in lines]
    for name in LAYER_COLUMNS:
        for found, row in zip(log.layers.column(name).tolist(), lines, strict=True):
            assert same(found, row.get(name, math.nan)), (name, found, row)
    owners = [sum(p.kind == "record" for p in shown[:i]) for i, p in enumerate(shown) if p.kind == "layer"]
    assert log.layers.record.tolist() == owners


@MANY_EXAMPLES
@given(PIECES, st.lists(st.integers(0, 90), max_size=40))
def test_records_in_are_records_out(pieces: list[tuple[list[bytes], Line, bytes]], sizes: list[int]) -> None:
    text, shown, _ = assembled(pieces)
    check(read(text, sizes), shown)


@MANY_EXAMPLES
@given(PIECES, st.data())
def test_a_cut_costs_the_line_it_cuts_and_invents_none(
    pieces: list[tuple[list[bytes], Line, bytes]], data: st.DataObject
) -> None:
    text, shown, ends = assembled(pieces)
    cut = data.draw(st.integers(0, len(text)))
    whole = sum(end <= cut for end in ends)
    check(read(text[:cut], finish=False), shown[:whole])


@MANY_EXAMPLES
@given(PIECES, st.sampled_from(["utf-16-le", "utf-16-be", "utf-16"]), st.integers(1, 50))
def test_utf_16_reads_the_same(pieces: list[tuple[list[bytes], Line, bytes]], encoding: str, size: int) -> None:
    text, shown, _ = assembled([([], printed, end) for _, printed, end in pieces])
    encoded = text.decode("latin-1").encode(encoding)
    check(read(encoded, [size] * 200), shown)


@MANY_EXAMPLES
@given(st.lists(garbage() | ENDS | (record_lines() | layer_lines()).map(lambda printed: printed.line.encode())))
@example([b"74, 0.028: 1.000000, 1.000000 avg, 0.001000 rate, 1.000000 seconds, 64 images\n"])
@example([b"12: 1.000000, 1.000000 avg, 0.001000 rate, 1.000000 seconds, 64 images 13: 1.000000, 1.000000 avg, "])
def test_many_at_once_read_what_the_definition_reads(pieces: list[bytes]) -> None:
    lines = Lines()
    for text in (lines.feed(b"".join(pieces)), lines.finish()):
        if text is None:
            continue
        found, matches = scan(text, RECORDS), list(RECORDS.definition.finditer(text.raw))
        assert found.place.tolist() == [match.start() for match in matches]
        assert found.columns.get("iteration", np.empty(0)).tolist() == [int(match["iteration"]) for match in matches]
        for name in ("loss", "seconds", "hours_left"):
            column = found.columns.get(name, np.full(len(found), math.nan)).tolist()
            for value, match in zip(column, matches, strict=True):
                if match[name] is not None and b"nan" not in match[name]:
                    assert value == float(match[name])
        assert len(scan(text, LAYER_LINES)) == len(list(LAYER_LINES.definition.finditer(text.raw)))
