"""What reading costs, counted: every byte is looked at once, memory is that of the records."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from lrsched.logs import read_log
from lrsched.trainers.darknet.log import reader as module
from lrsched.trainers.darknet.log import records
from lrsched.trainers.darknet.log.text import MARGIN, Text

LAYER_LINE = (
    b"Region 82 Avg IOU: 0.250000, Class: 0.500000, Obj: 0.750000, No Obj: 0.125000, "
    b".5R: 1.000000, .75R: 0.000000,  count: 4\n"
)
RECORD = b"%d: 2.500000, 2.250000 avg, 0.001000 rate, 1.500000 seconds, 448 images\n"


def stream(blocks: int, records: int) -> Iterator[bytes]:
    """A long log: so many blocks of layer lines, with so many records spread among them."""
    block = LAYER_LINE * 1000
    for i in range(blocks):
        yield block
        if records and i % (blocks // records) == 0:
            yield RECORD % i


def peak(blocks: int, records: int, *, layers: bool) -> int:
    tracemalloc.start()
    try:
        log = read_log(stream(blocks, records), layers=layers)
        assert len(log) == records
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_grows_with_the_records_only() -> None:
    short, long = peak(20, 10, layers=False), peak(400, 10, layers=False)

    assert long < short + 200_000
    assert short < 8_000_000


def test_layer_lines_take_a_few_bytes_each() -> None:
    short, long = peak(20, 10, layers=True), peak(120, 10, layers=True)

    assert long - short < 45 * 100 * 1000


@pytest.mark.parametrize("size", [100, 5_000, 1 << 20])
def test_every_byte_is_looked_at_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    find_records = records.find_records

    def counted(text: Text) -> object:
        looked.append(len(text.raw) - 2 * MARGIN)
        return find_records(text)

    monkeypatch.setattr(module, "find_records", counted)
    data = b"".join(stream(3, 3))
    log = read_log(data[i : i + size] for i in range(0, len(data), size))

    assert len(log) == 3
    assert sum(looked) == len(data)
