"""The benchmark of the checks finds every planted fault where it is; how long that takes is not asserted."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks import checks


def test_every_planted_fault_is_found_by_its_check_and_at_its_iteration(capsys: pytest.CaptureFixture[str]) -> None:
    assert checks.main(["--iterations", "9000", "--rounds", "1", "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["iterations"] == 9000
    assert len(document["rows"]) == 6
    assert {row["takes"] for row in document["rows"]} == {"arrays", "one iteration"}
    assert {row["iteration"] for row in document["rows"]} == {7201, 89, 5000}
    assert all(row["found"] and row["seconds"] > 0 for row in document["rows"])


def test_only_the_matching_check_finds_a_planted_fault() -> None:
    for case in checks.planted(9000):
        failed = {result.check for result in case.run(9000) if result.status == "failed"}
        assert failed == {case.check}


def test_a_missed_fault_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    cases = checks.planted(9000)[:1]
    monkeypatch.setattr(cases[0].__class__, "run", lambda *_: [])
    monkeypatch.setattr(checks, "planted", lambda _: cases)

    assert checks.main(["--iterations", "9000", "--rounds", "1"]) == 1
    assert "MISSED" in capsys.readouterr().out
