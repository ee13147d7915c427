"""The curves of every era, compared to the last bit with its training loop restated in plain Python."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from lrsched.trainers.yolov5 import ERAS, Hyp
from tests.trainers.yolov5.oracle import LOOPS, LambdaLR, Loop, name

SAME = ("decay", "epochs", "lr0", "lrf", "momentum", "warmup_epochs", "warmup_momentum", "warmup_bias_lr", "batch")


def hyp_of(loop: Loop) -> Hyp:
    """The run of an oracle, as a config has it."""
    numbers: dict[str, Any] = {key: getattr(loop, key) for key in (*SAME, "checkpoint")}
    optimizer = "Adam" if loop.adam else "SGD"
    return Hyp(era=ERAS[loop.era], optimizer=optimizer, iterations_per_epoch=loop.nb, **numbers)


def assert_trains_as(loop: Loop, rows: list[dict[str, float]]) -> None:
    hyp = hyp_of(loop)
    curves = hyp.schedules()
    t = np.array([row["ni"] for row in rows], np.int64)

    assert t[-1] == curves["weights"].horizon
    assert ("momentum" in curves) is not loop.adam
    for curve, schedule in curves.items():
        for group in range(3) if curve in ("weights", "bias") else (curve,):
            if group in (0, 1, 2) and (group == hyp.era.bias) is not (curve == "bias"):
                continue
            expected = [row[f"group {group}" if isinstance(group, int) else group] for row in rows]
            np.testing.assert_array_equal(schedule(t), expected, err_msg=f"{curve} {group}")
            np.testing.assert_array_equal(schedule.rates(int(t[0]), int(t[-1]) + 1), expected)


@pytest.mark.parametrize("loop", LOOPS, ids=name)
def test_every_curve_is_that_of_the_training_loop(loop: Loop) -> None:
    assert_trains_as(loop, loop.run(LambdaLR))


def test_a_short_run_never_leaves_the_warm_up() -> None:
    curves = Hyp(era=ERAS["yolov5-v6.2"], epochs=3, iterations_per_epoch=10).schedules()

    assert curves["bias"](29) == pytest.approx(0.072, abs=1e-3)
    assert curves["weights"](29) == pytest.approx(0.001, abs=1e-3)


def test_the_open_warm_up_leaves_momentum_short_for_good() -> None:
    curves = Hyp(epochs=30, warmup_epochs=0.5, iterations_per_epoch=8).schedules()

    assert curves["momentum"](200) == pytest.approx(0.90275)
    assert curves["weights"](7) == pytest.approx(0.0075)
    assert curves["weights"](8) == pytest.approx(0.01 * (1 - 1 / 30 * 0.99))


def test_a_fine_tune_goes_on_with_the_cosine_of_the_old_epochs() -> None:
    hyp = Hyp(era=ERAS["yolov5-v6.2"], decay="cos_lr", epochs=100, checkpoint=149, iterations_per_epoch=10)
    rates = hyp.schedules()["weights"]

    assert hyp.total_epochs == 249
    assert [round(float(rates((epoch + 1) * 10)) / 0.01, 3) for epoch in (150, 200)] == [0.505, 1.0]


def test_a_run_pickles_and_compares_by_its_numbers() -> None:
    hyp = Hyp(epochs=3, iterations_per_epoch=10)

    assert pickle.loads(pickle.dumps(hyp)) == hyp
    assert hyp.schedules() == Hyp(epochs=3, iterations_per_epoch=10).schedules()
    assert len({*hyp.schedules().values(), *hyp.schedules().values()}) == 4
