"""Logs as files: what is in them, and that nothing is overwritten or left half done."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lrsched.logs import Log, read_log, write_csv

REGION = "Region 82 Avg IOU: 0.250000, Class: 0.5, Obj: 0.5, No Obj: 0.5, .5R: 1.0, .75R: 0.0,  count: 4"
FIRST = "1: 2.500000, 2.250000 avg loss, 0.001000 rate, 1.500000 seconds, 64 images, -1.000000 hours left"
SECOND = "2: -nan, inf avg loss, 0.000000 rate, 1.500000 seconds, 128 images, 3.500000 hours left"
TEXT = f"title\n{REGION}\n\n {FIRST}\r\nLoaded: 0.5 seconds\n (next mAP calculation at 10 iterations) {SECOND}\n"


def test_csv_has_a_line_per_record_and_overwrites_nothing(tmp_path: Path) -> None:
    log = read_log([TEXT.encode(), b" mean_average_precision (mAP@0.50) = 0.250000 \n"])
    path = write_csv(log, tmp_path / "a.csv")

    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["iteration", "loss", "avg_loss", "rate", "seconds", "images", "hours_left"]
    assert list(rows[0].values()) == ["1", "2.5", "2.25", "0.001000", "1.5", "64", "-1.0"]
    assert list(rows[1].values()) == ["2", "nan", "inf", "0.000000", "1.5", "128", "3.5"]
    with pytest.raises(FileExistsError, match="already exists"):
        write_csv(log, path)


def test_a_log_is_printed_with_its_ends_and_extremes() -> None:
    log = read_log([TEXT.encode()])
    assert str(log).splitlines()[1:] == [
        "loss: 2.5 at first, 2.5 at last, from 2.5 to 2.5",
        "avg loss: 2.25 at first, 2.25 at last, from 2.25 to 2.25",
        "rate: 0.001 at first, 0 at last, from 0 to 0.001",
    ]
    assert str(Log.of({"iteration": [1, 2], "rate": [0.1, 0.05]}, trainer="mine")).splitlines()[1:] == [
        "rate: 0.1 at first, 0.05 at last, from 0.05 to 0.1"
    ]
    with pytest.raises(AttributeError, match="a log has no los; other columns are asked for"):
        _ = log.los
