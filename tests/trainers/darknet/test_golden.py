"""Every rate that the compiled trainers gave."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrsched import CfgError, get_current_rate
from lrsched.trainers.darknet import parse_cfg
from tests.comparing import steps_apart

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "golden" / "rates.json").read_text())
TRAINS = [case for case in CASES if case["outcome"] == "trains"]
FAILS = [case for case in CASES if case["outcome"] != "trains"]

UNITS_IN_THE_LAST_PLACE = {"pjreddie": 0, "alexeyab": 0, "hank-ai": 1}


def name_of(case: dict[str, Any]) -> str:
    return f"{case['name']}-{case['dialect']}-{case['ngpus']}gpu"


def test_the_figures_are_all_there() -> None:
    assert len(TRAINS) == 257
    assert len(FAILS) == 27
    assert sum(len(case["iterations"]) for case in TRAINS) == 14_033


@pytest.mark.parametrize("case", TRAINS, ids=name_of)
def test_rates_are_those_of_the_trainer(case: dict[str, Any]) -> None:
    net = parse_cfg(case["cfg"], case["dialect"])
    rates = get_current_rate(net, np.array(case["iterations"]), case["ngpus"])
    golden = np.array([int(digits, 16) for digits in case["rate_bits"]], np.uint32).view(np.float32)
    assert steps_apart(rates, golden).max() <= UNITS_IN_THE_LAST_PLACE[case["dialect"]]


@pytest.mark.parametrize("case", FAILS, ids=name_of)
def test_what_the_trainer_does_not_survive_is_an_error(case: dict[str, Any]) -> None:
    with pytest.raises(CfgError) as caught:
        parse_cfg(case["cfg"], case["dialect"]).schedule(case["ngpus"])
    assert caught.value.outcome == case["outcome"].split()[0]
