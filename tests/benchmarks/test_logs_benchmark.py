"""The benchmark of reading logs, small: it runs, and its logs hold what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrsched.logs import read_log
from tests.benchmarks.logs import main, mostly_layer_lines, mostly_records


def test_it_measures_both_logs_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--megabytes", "0.2", "--records", "300", "--rounds", "1", "--json"]) in (0, 1)

    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["log"] for row in rows] == ["mostly layer lines"] * 2 + ["many records"] * 2
    assert [row["records"] for row in rows[2:]] == [300, 300]
    assert all(row["seconds"] > 0 for row in rows)


def test_the_logs_are_as_large_as_asked(tmp_path: Path) -> None:
    layers, records = tmp_path / "layers.log", tmp_path / "records.log"
    layers.write_text("".join(mostly_layer_lines(100_000)))
    records.write_text("".join(mostly_records(100_000, 200)))

    assert 100_000 <= layers.stat().st_size < 105_000
    assert 100_000 <= records.stat().st_size < 105_000
    first, second = read_log(layers), read_log(records)
    assert len(first.layers) == 24 * len(first)
    assert len(second) == 200
