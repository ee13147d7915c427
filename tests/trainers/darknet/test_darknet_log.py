"""What single lines mean, what a log goes through on its way, and what is said when it is none."""

from __future__ import annotations

import gzip
import io
import json
import math
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.logs import Event, Log, LogError, read_log, read_logs
from lrsched.trainers.darknet.log import reader as module
from lrsched.trainers.darknet.log.lines import RECORDS
from lrsched.trainers.darknet.log.reader import LogReader
from lrsched.trainers.darknet.log.scan import Kind, scan
from lrsched.trainers.darknet.log.text import MARGIN, Text
from tests.factories import RECORD_LINES

LINE = "7: 12.500000, 11.250000 avg, 0.000125 rate, 2.500000 seconds, 448 images\n"
NEXT = "8: 11.500000, 11.275000 avg, 0.000250 rate, 2.250000 seconds, 512 images\n"


def read(text: str | bytes, *, layers: bool = True) -> Log:
    return read_log([text.encode() if isinstance(text, str) else text], layers=layers)


FORMS: dict[str, tuple[str, dict[str, float]]] = {
    "first line": (
        " 1: 12.500000, 12.500000 avg loss, 0.000000 rate, 2.5 seconds, 64 images, -1.000000 hours left\n",
        {"iteration": 1, "seconds": 2.5, "images": 64, "hours_left": -1.0},
    ),
    "hank-ai v2": (
        "7: loss=1.500, avg loss=1.250, rate=0.000125, 250.0 milliseconds, 448 images, time remaining=30 minutes\n",
        {"iteration": 7, "loss": 1.5, "avg_loss": 1.25, "seconds": 0.25, "hours_left": 0.5, "rate_decimals": 6},
    ),
    "hank-ai v5": (
        "7: loss=1.500, avg loss=1.250, last=46.25%, best=48.00%, next=1100, rate=0.00012500, "
        "load 64=20.0 milliseconds, train=1.5 seconds, 448 images, time remaining=2 days\n",
        {"rate": 0.000125, "seconds": 1.5, "hours_left": 48.0, "rate_decimals": 8},
    ),
    "hank-ai v6 in colour": (
        "\x1b[1;37m7\x1b[0m: loss=\x1b[1;36m1.500\x1b[0m, avg loss=\x1b[1;36m1.250\x1b[0m, last=\x1b[1;31mnone\x1b[0m, "
        "best=\x1b[1;31mnone\x1b[0m, mAP=DISABLED, rate=0.00012500, load 64=20.0 milliseconds, train=1.5 seconds, "
        "448 images, time remaining=unknown\n",
        {"loss": 1.5, "avg_loss": 1.25, "seconds": 1.5, "images": 448, "hours_left": math.nan},
    ),
    "written out": (LINE.replace("12.500000, 11.250000", f"{2.5e20:f}, inf"), {"loss": 2.5e20, "avg_loss": math.inf}),
    "Windows nan": (
        LINE.replace("12.500000, 11.250000", "-nan(ind), -1.#IND00").replace("\n", "\r\n"),
        {"loss": math.nan, "avg_loss": math.nan, "images": 448},
    ),
    "wrapped images": (LINE.replace("448", "-448"), {"images": -448, "hours_left": math.nan}),
}


@pytest.mark.parametrize(("line", "shows"), FORMS.values(), ids=FORMS)
def test_what_a_line_shows(line: str, shows: dict[str, float]) -> None:
    """The usual lines of every dialect are in ``test_fuzz``."""
    log = read(line)
    for name, value in shows.items():
        np.testing.assert_equal(getattr(log, name).tolist(), [value], err_msg=name)
    assert not log.skipped


REGION = (
    "Region 82 Avg IOU: 0.250000, Class: 0.500000, Obj: 0.750000, No Obj: 0.125000, "
    ".5R: 1.000000, .75R: 0.000000,  count: 4"
)

BEFORE = {
    "a title": "\x1b]2;7/6000: loss=2.4 hours left=7.1\x07",
    "a title of another terminal": "\x1b[H\x1b[J7/4000: loss=19.4 hours left=-1.0\x07",
    "a title that nothing ends": "\x1b]2;7/6000: loss=2.4 hours left=7.1\n",
    "a prediction": " (next mAP calculation at 1000 iterations) ",
    "progress": "calculation mAP...\r rank = 100 of ranks = 385 \r rank = 200 of ranks = 385 \r",
    "garbage": "\xff\xfe\x80 \x01 ".encode("latin-1").decode("latin-1"),
    "a layer line": "Region 82 Avg IOU: 0.5, Class: 0.5, Obj: 0.5, No Obj: 0.5, .5R: 0.5, .75R: 0.5,  count: 3 ",
    "a layer line and a title": REGION + "\x1b]2;7/6000: loss=2.4 hours left=7.1\x07",
    "a torn layer line": "Region 82 Avg IOU: 0.500000, Cla",
    "a torn record": "6: 12.500000, 11.250000 avg, ",
    "stderr": "Saving weights to backup/a.backup\n",
    "a cut-off stream": "\x1b[1;30;43mStreaming output truncated to the last 5000 lines.\x1b[0m\n",
}


@pytest.mark.parametrize("before", BEFORE)
def test_a_record_is_found_behind(before: str) -> None:
    log = read(BEFORE[before] + LINE + BEFORE[before] + NEXT)
    assert (log.iteration.tolist(), log.loss.tolist()) == ([7, 8], [12.5, 11.5])


NO_RECORDS = (
    "410/6000: loss=2.4 hours left=7.1",
    "12.7: 1.000000, 1.000000 avg, 0.000125 rate, 2.500000 seconds, 64 images",
    "7: 1.000000, 1.000000 avg, 0.000125 rate, 2.500000 seconds, 64 ima",
    "7: 1.000000, 1.000000 avg, 0.000125 rate, 2.500000 sec",
    "7: 1.000000 avg, 0.000125 rate, 2.500000 seconds, 64 images",
    "7: 1.0.0, 1.000000 avg, 0.000125 rate, 2.500000 seconds, 64 images",
    "the learning rate, in seconds, of 64 images",
    "7: loss=1.500, avg loss=1.250, rate=0.000125, 250.0 milliseconds, 448 ima",
    "7: loss=1.500, avg loss=1.250, rate=0.000125, 1..2 seconds, 448 images, time remaining=3 days",
)


def test_what_is_no_record() -> None:
    for line in NO_RECORDS:
        assert read(LINE + line + "\n" + NEXT).iteration.tolist() == [7, 8], line


def test_what_was_skipped_is_counted_and_shown() -> None:
    torn = "9: 1.000000, 1.000000 avg, 0.000125 rate, 2.500000 seconds, 64 ima"
    log = read(LINE + torn + "\nRegion 82 Avg IOU: 0.5, Class\n" + NEXT + "10: 3.5")

    assert (log.skipped.records, log.skipped.layer_lines) == (2, 1)
    assert log.skipped.examples == (torn, "Region 82 Avg IOU: 0.5, Class", "10: 3.5")
    assert str(log.skipped) == "2 unreadable records, 1 unreadable layer line"


ALEXEYAB = " {}: 2.000000, 2.000000 avg loss, 0.000125 rate, 2.500000 seconds, {} images, 3.500000 hours left"


def test_a_last_line_without_its_end_is_torn() -> None:
    whole = ALEXEYAB.format(1, 64) + "\n" + ALEXEYAB.format(2, 128)

    assert read(whole).iteration.tolist() == [1, 2]
    assert not read(whole).skipped
    for torn in (whole[: whole.rindex(" left")], whole[: whole.rindex(", 3.5")]):
        log = read(torn)
        assert log.iteration.tolist() == [1]
        assert log.skipped.records == 1


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without mark": lambda text: text.encode("utf-16-be"),
    "UTF-8 mark": lambda text: text.encode("utf-8-sig"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "gzip twice": lambda text: gzip.compress(text[:40].encode()) + gzip.compress(text[40:].encode()),
    "UTF-16 appended": lambda text: text[:80].encode() + text[80:].encode("utf-16-le"),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_every_encoding_reads_the_same(encode: Callable[[str], bytes], size: int) -> None:
    data = encode("header\n" + LINE + NEXT)
    log = read_log(data[i : i + size] for i in range(0, len(data), size))
    assert log.iteration.tolist() == [7, 8]
    assert log.rate.tolist() == [0.000125, 0.00025]


def test_a_torn_gzip_file_gives_what_it_has_and_says_so() -> None:
    data = gzip.compress((LINE * 2000).encode(), 1)
    log = read(data[:-40])

    assert 0 < len(log) <= 2000
    assert log.skipped.damage == "the gzip file is cut off"
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 0xFF
    assert "damaged" in str(read(bytes(damaged)).skipped)


def test_every_kind_of_source_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text(LINE + NEXT)
    with path.open("rb") as binary, path.open(encoding="utf-8") as text:
        logs = [read_log(path), read_log(str(path)), read_log([path]), read_log(binary), read_log(text)]
    logs.append(read_log(io.BytesIO((LINE + NEXT).encode())))
    logs.append(read_log(iter([LINE.encode(), NEXT.encode()])))

    assert [log.iteration.tolist() for log in logs] == [[7, 8]] * 7
    assert logs[0].source == str(path)
    assert repr(logs[0]) == f"<Log of {path}: 2 records, iterations 7 to 8>"


@pytest.mark.parametrize(
    "text", ["", "\n\n", "[net]\nlearning_rate=0.001\n", "Loaded: 0.1 seconds\n", "\0" * 5000, "\xff" * 99]
)
def test_a_file_that_is_no_log_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "no.log"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(LogError) as caught:
        read_log(path)

    message = str(caught.value)
    assert message.startswith(f"{path}: there is no record of a training in")
    assert "\n" not in message


def test_what_cannot_be_read_is_said() -> None:
    with pytest.raises(LogError, match="pass \\[data\\] for bytes"):
        read_log(LINE.encode())
    with pytest.raises(LogError, match="int: a log is read from a path"):
        read_log(7)
    with pytest.raises(LogError, match="no log was given"):
        read_log([])
    with pytest.raises(LogError, match="a stream gave int"):
        read_log(iter([7]))
    with pytest.raises(FileNotFoundError):
        read_log("no such file")


V3 = (
    "v3 (iou loss, Normalizer: (iou: 0.07, obj: 1.00, cls: 1.00) Region 139 Avg (IOU: 0.250000), count: 22, "
    "class_loss = 49152.003906, iou_loss = 10999.992188, total_loss = 60151.996094 "
)


def test_layer_lines_belong_to_the_record_after_them() -> None:
    log = read(f"{REGION}\n{V3}\n{LINE}{V3}\n{NEXT}{REGION}\n")

    assert log.layers.layer.tolist() == [82, 139, 139, 82]
    assert log.layers.count.tolist() == [4, 22, 22, 4]
    assert log.layers.record.tolist() == [0, 0, 1, 2]
    assert log.layers.before.tolist() == [2, 3]
    assert log.layers.iou.tolist() == [0.25] * 4
    np.testing.assert_array_equal(log.layers.column("recall_50"), [1.0, math.nan, math.nan, 1.0])
    np.testing.assert_array_equal(log.layers.column("class_loss"), [math.nan, 49152.003906, 49152.003906, math.nan])
    assert len(read(f"{REGION}\n{LINE}", layers=False).layers) == 0


def test_arrays_cannot_be_written_to() -> None:
    log = read(REGION + "\n" + LINE)
    for array in (log.iteration, log.loss, log.epoch, log.rate_decimals, log.layers.iou, log.layers.before):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


RUN = (
    "mini_batch = 1, batch = 8, time_steps = 1, train = 0 \n"
    "mini_batch = 8, batch = 32, time_steps = 1, train = 1 \n"
    "Loading weights from yolo.conv.15...\n seen 64, trained: 640 K-images (10 Kilo-batches_64) \n"
    "Learning Rate: 0.002, Momentum: 0.9, Decay: 0.0005\n"
    "Resizing, random_coef = 1.40 \n\n 608 x 608 \n"
    " Tensor Cores are disabled until the first 3000 iterations are reached.\n"
    + ALEXEYAB.format(100, 6400)
    + "\nSaving weights to backup/my yolo_100.weights\r\nSyncing... Done!\n"
    + " mean average precision (mAP@0.50) = 0.482477, or 48.25 % \n mean_average_precision (mAP@0.5) = 0.482477 \n"
    + "New best mAP!\n (next mAP calculation at 200 iterations) \n Last accuracy mAP@0.5 = 48.25 %, best = 48.25 % \n"
    + ALEXEYAB.format(101, 6464)
    + "\n Last accuracy mAP@0.5 = 51.00 %, best = 51.00 % \n"
    + ALEXEYAB.format(102, 6528)
    + "\n"
    + ALEXEYAB.format(103, 6592).replace("2.000000", "-nan")
    + "\n"
    + ALEXEYAB.format(101, 6464)
    + "\n"
)


@pytest.mark.parametrize("size", [1, 13, 100, 1 << 20])
def test_what_happened(size: int) -> None:
    data = RUN.encode()
    log = read_log(data[i : i + size] for i in range(0, len(data), size))

    assert [(event.kind, event.iteration, event.record, event.text) for event in log.events] == [
        ("loaded", 99, 0, "yolo.conv.15"),
        ("started", 99, 0, "0.002"),
        ("resizing", 99, 0, ""),
        ("resumed", 100, 0, ""),
        ("saved", 100, 1, "backup/my yolo_100.weights"),
        ("syncing", 100, 1, ""),
        ("best-map", 100, 1, ""),
        ("first-nan", 103, 3, ""),
        ("resumed", 101, 4, "after 103"),
    ]
    assert [(p.iteration, p.record, p.value, p.threshold) for p in log.map_points] == [
        (100, 1, 0.482477, 0.5),
        (101, 2, 0.51, 0.5),
    ]
    header = log.header
    assert (header.learning_rate, header.batch) == ("0.002", 32)
    assert log.effective_batch == 64
    assert log.first_nan == 103
    assert log.events_of("saved") == (Event(kind="saved", iteration=100, record=1, text="backup/my yolo_100.weights"),)


def test_two_events_may_stand_in_one_line() -> None:
    log = read(LINE + "Syncing... Done! Saving weights to a_7.weights\n" + NEXT)
    assert [(event.kind, event.record) for event in log.events] == [("syncing", 1), ("saved", 1)]


def test_accuracies_of_hank_ai_are_points_where_they_change() -> None:
    line = (
        "{}: loss=1.500, avg loss=1.250, last={}, best={}, next=1100, rate=0.00012500, "
        "load 64=20.0 milliseconds, train=1.5 seconds, 448 images, time remaining=2 days\n"
    )
    printed = [(99, "none"), (100, "none"), (101, "46.21%"), (102, "46.21%"), (103, "48.00%")]
    log = read("".join(line.format(iteration, last, last) for iteration, last in printed))

    assert [(point.iteration, point.value) for point in log.map_points] == [(100, 0.4621), (102, 0.48)]
    [point] = read(LINE + "-> mean average precision (mAP@0.50)=100.00%\n" + NEXT).map_points
    assert (point.iteration, point.record, point.value, point.threshold) == (7, 1, 1.0, 0.5)


LAST = "\n (next mAP calculation at 900 iterations) \n Last accuracy mAP@0.50 = {:.2f} %, best = 61.53 % "
COMPUTED = "\n mean_average_precision (mAP@0.50) = {} \n"


POINTS: dict[str, tuple[str, list[tuple[int, int, float]]]] = {
    "above all records": (LAST.format(62.5) + LINE + LAST.format(62.5) + NEXT, [(-1, 0, 0.625)]),
    "between the first two": (LINE + LAST.format(62.5) + NEXT, [(-1, 0, 0.625)]),
    "computed": (LINE + COMPUTED.format(0.625) + LAST.format(62.5) + NEXT, [(7, 1, 0.625)]),
    "other": (LINE + COMPUTED.format(0.5) + LAST.format(62.5) + NEXT, [(7, 1, 0.5), (7, 1, 0.625)]),
    "new later": (LINE + NEXT + LAST.format(62.5) + "9" + LINE[1:], [(8, 2, 0.625)]),
    "then computed": (LAST.format(62.5) + LINE + COMPUTED.format(0.6) + NEXT, [(-1, 0, 0.625), (7, 1, 0.6)]),
    "same again": (LINE + COMPUTED.format(0.5) + NEXT + COMPUTED.format(0.5), [(7, 1, 0.5), (8, 2, 0.5)]),
}


@pytest.mark.parametrize(("text", "points"), POINTS.values(), ids=POINTS)
def test_an_accuracy_known_when_the_log_begins_was_computed_before(
    text: str, points: list[tuple[int, int, float]]
) -> None:
    assert [(point.iteration, point.record, point.value) for point in read(text).map_points] == points


def test_what_is_printed_with_a_precision_is_read() -> None:
    log = read(
        LINE
        + "\n calculation mAP (mean average precision)...\n 4\r 8 \n detections_count = 913  \n"
        + "class_id = 0, name = traffic light, ap = 62.50%   \t (TP = 40, FP = 10) \n"
        + "class_id = 1, name = dog, \t ap = 12.25 % \n\n"
        + " for conf_thresh = 0.25, precision = 0.80, recall = 0.75, F1-score = 0.77 \n"
        + " for conf_thresh = 0.25, TP = 40, FP = 10, FN = 13, average IoU = 61.07 % \n\n"
        + " IoU threshold = 50 %, used Area-Under-Curve for each unique Recall \n"
        + " mean average precision (mAP@0.50) = 0.373750, or 37.38 % \n"
        + NEXT
        + COMPUTED.format(0.5)
    )
    one, other = log.map_points
    assert (one.value, one.threshold, one.precision, one.recall, one.f1) == (0.37375, 0.5, 0.8, 0.75, 0.77)
    assert one.classes == {"traffic light": 0.625, "dog": 0.1225}
    assert (other.value, other.classes) == (0.5, None)
    assert math.isnan(other.precision)


def all_of(log: Log) -> str:
    """Everything that a log says, to be compared."""
    tables = [(name, t.column(name).tolist()) for t in (log.records, log.layers.lines) for name in sorted(t.columns)]
    return repr((tables, log.map_points, log.events, log.headers, log.skipped, log.horizon, log.layers.before.tolist()))


VALUES = defaultdict(lambda: "1.500000", iteration="7", images="448", rate8="0.00012500", last="46.25%", left="2 days")
VALUES |= {"duration": "1.5 seconds", "following": "next=1100"}
LINES = [
    *(form.format_map(VALUES) for form in RECORD_LINES.values()),
    *RUN.replace("\r", "").split("\n"),
    *(LAST.format(50) + COMPUTED.format(0.25)).split("\n"),
    *("class_id = 0, name = dog, ap = 62.50%   \t (TP = 40, FP = 10) ", BEFORE["a title that nothing ends"].strip()),
    *(
        REGION,
        REGION[:40],
        V3,
        LINE[:50],
        "9: 1.0",
        "CUDA Error: out of memory",
        "Wrong annotation: class_id = 5.",
        "^C",
    ),
]


@given(st.lists(st.sampled_from(LINES), max_size=12), st.data())
def test_ends_of_lines_and_blank_lines_change_nothing(lines: list[str], data: st.DataObject) -> None:
    ends = st.sampled_from(
        ["\r\n", "\r\n\r\n", "\n\r\n", "\r\n\n", "\r\n \r\n", "\n rank = 0 of ranks = 9\r 100 of ranks = 9\r"]
    )
    text = "".join(line + data.draw(ends) for line in [LINE.strip(), *lines]).encode()
    size = data.draw(st.integers(1, 200))
    pieces = (text[i : i + size] for i in range(0, len(text), size))

    expected = read("".join(line + "\n" for line in [LINE.strip(), *lines]))
    assert all_of(read_log(pieces)) == all_of(expected)


def test_a_reader_gives_all_so_far_and_goes_on() -> None:
    reader = LogReader()
    reader.take((REGION + "\n" + LINE[:30]).encode())
    assert len(reader.log()) == 0
    reader.take((LINE[30:] + "Saving weights to a.backup\n" + REGION + "\n" + NEXT + "9: 1.0").encode())
    before = reader.log()
    assert before.iteration.tolist() == [7, 8]
    assert before.layers.record.tolist() == [0, 1]
    assert [event.kind for event in before.events] == ["saved"]
    reader.take(b"00000, 1.000000 avg, 0.000125 rate, 2.500000 seconds, 576 images\n")
    assert before.iteration.tolist() == [7, 8]
    assert reader.log().iteration.tolist() == [7, 8, 9]


def test_each_cell_of_a_notebook_is_a_log_of_its_own(tmp_path: Path) -> None:
    def cell(*texts: str | list[str]) -> dict[str, object]:
        return {"cell_type": "code", "outputs": [{"output_type": "stream", "text": text} for text in texts]}

    path = tmp_path / "train.ipynb"
    again = LINE.replace("7:", "1:") + "Saving weights to a_last.weights\n"
    path.write_text(json.dumps({"cells": [cell("hello\n"), cell([LINE[:20], LINE[20:]], NEXT), cell(again), {}]}))
    logs = read_logs(path)
    assert [(log.source, log.iteration.tolist()) for log in logs] == [
        (f"{path} cell 2", [7, 8]),
        (f"{path} cell 3", [1]),
    ]
    assert logs[1].events_of("saved")[0].text == "a_last.weights"
    with pytest.raises(LogError, match="not one run"):
        read_log(path)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all texts that were searched for records."""
    sizes: list[int] = []

    def counted(text: Text, kind: Kind) -> object:
        if kind is RECORDS:
            sizes.append(len(text.raw) - 2 * MARGIN)
        return scan(text, kind)

    monkeypatch.setattr(module, "scan", counted)
    return sizes


@pytest.mark.parametrize(
    "filler", [b"x", b"Region ", b"1: ", b"\x1b]2;", b"1", b"1: 1.0, ", b"seconds, ", b"\0", b"@", b"rate="]
)
def test_a_line_without_end_is_read_in_bounded_pieces(filler: bytes, sizes: list[int]) -> None:
    block = filler * (20_000 // len(filler)) + b" "
    log = read_log([*[block] * 30, b" " + LINE.strip().encode() + b" ", *[block] * 30, b"\n"])

    assert log.iteration.tolist() == [7]
    assert max(sizes) < 200_000
    assert sum(sizes) < 3 * len(block) * 61


def long_log(blocks: int, records: int, lines: int = 1000) -> Iterator[bytes]:
    """So many blocks of layer lines, with so many records spread among them."""
    for i in range(blocks):
        yield (REGION.encode() + b"\n") * lines
        if i % (blocks // records) == 0:
            yield LINE.replace("7:", f"{i}:").encode()


@pytest.mark.parametrize("size", [10, 5_000, 1 << 20])
def test_every_byte_is_looked_at_once(size: int, sizes: list[int]) -> None:
    data = b"".join(long_log(3, 3, 10 * min(size, 100)))
    log = read_log(data[i : i + size] for i in range(0, len(data), size))

    assert len(log) == 3
    assert sum(sizes) == len(data)


def test_memory_grows_with_the_records_and_layer_lines_only() -> None:
    def peak(blocks: int, *, layers: bool) -> int:
        tracemalloc.start()
        try:
            assert len(read_log(long_log(blocks, 10), layers=layers)) == 10
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    short = peak(20, layers=False)
    assert peak(150, layers=False) < short + 200_000
    assert short < 8_000_000
    assert peak(60, layers=True) - peak(20, layers=True) < 64 * 40 * 1000
