"""The points of a curve that can be dragged: where they are, and that the rate is as high as they were dragged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lrsched.trainers.darknet import Net
from lrsched.trainers.darknet.shaping import Shaping

NET = Net(batch=64, subdivisions=16, learning_rate=0.01, max_batches=10_000, burn_in=100)

POINTS: list[tuple[str, dict[str, Any], list[tuple[str, int]]]] = [
    ("steps", {"steps": (8000, 9000), "scales": (0.1, 0.1)}, [("step:0", 8000), ("step:1", 9000)]),
    ("steps", {"steps": (9000, 8000), "scales": (0.1, 0.1)}, []),
    ("step", {"step": 3000, "scale": 0.5}, [("step", 3000)]),
    ("step", {"step": -3000, "scale": 0.5}, []),
    ("exp", {"gamma": 0.9995}, [("gamma", 10_000)]),
    ("exp", {"gamma": 0.9995, "learning_rate": 0.0}, []),
    ("poly", {"power": 2.0}, [("power", 5000)]),
    ("poly", {"power": 2.0, "learning_rate": 0.0}, []),
    ("sigmoid", {"step": 4000, "gamma": 0.001}, [("step", 4000)]),
    ("sigmoid", {"step": 0, "gamma": 0.001}, []),
    ("sgdr", {"sgdr_cycle": 2000}, [("sgdr_cycle", 2000)]),
    ("constant", {}, []),
]


@pytest.mark.parametrize(("policy", "keys", "wanted"), POINTS)
def test_points_lie_on_the_curve_and_lift_it(policy: str, keys: dict[str, Any], wanted: list[tuple[str, int]]) -> None:
    net = replace(NET, policy=policy, **keys)
    found = Shaping(net).handles(2)
    ends = [("learning_rate", 100), ("max_batches", 10_000)]
    assert sorted((each.name, each.iteration) for each in found) == sorted([*wanted, *ends])
    for each in found:
        if each.reaches is not None:
            lifted = net.with_values(each.reaches(0.005)).schedule(2)
            assert float(lifted(each.iteration)) == pytest.approx(0.005, rel=0.03)


def test_a_run_without_an_end_has_no_last_point() -> None:
    for policy in ("exp", "poly", "constant"):
        (only,) = Shaping(replace(NET, policy=policy, max_batches=0)).handles()
        assert only.name == "learning_rate"


def test_points_stay_in_their_order() -> None:
    steps = Shaping(replace(NET, policy="steps", steps=(8000, 9000), scales=(0.1, 0.1))).handles()
    assert [(each.low, each.high) for each in steps] == [(0, 9999), (101, 8999), (8001, 9999), (101, 2**31 - 1)]
    assert [each.low for each in Shaping(replace(NET, policy="step", step=3000)).handles()] == [0, 1, 101]
