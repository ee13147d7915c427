"""The cfgs that ship with darknet are sound: a plan of one finds no error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lrsched import plan
from lrsched.trainers.darknet import parse_cfg

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "rates.json").read_text(encoding="utf-8"))
SHIPPED = [case for case in GOLDEN if case["kind"] == "shipped" and case["outcome"] == "trains"]


@pytest.mark.parametrize("case", SHIPPED, ids=lambda case: f"{case['name']}-{case['dialect']}-{case['ngpus']}")
def test_no_error(case: dict[str, Any]) -> None:
    planned = plan(parse_cfg(case["cfg"], case["dialect"]), ngpus=case["ngpus"])

    assert [finding for finding in planned.findings if finding.severity == "error"] == []


def test_the_numbers_of_the_field_give_no_warning() -> None:
    detector = next(case for case in SHIPPED if case["name"] == "yolov4.cfg" and case["dialect"] == "alexeyab")

    assert plan(parse_cfg(detector["cfg"])).ok
