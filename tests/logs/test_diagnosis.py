from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.logs import Log
from lrsched.logs.diagnosis import (
    diagnose,
    first_nan,
    pace,
    still_falling,
    weights_saved,
    weights_worth_keeping,
    zero_rate,
)
from tests.logs.runs import cfg, lines_of, log_of, loop, run

STEPS = "batch=64 learning_rate=0.001 burn_in=1000 policy=steps steps=1600,1800 scales=.1,.1 max_batches=2000"


def losses(loss: Any, end: int = 1000, text: str = "batch=64 learning_rate=0.001 policy=constant") -> Log:
    return log_of(lines_of(cfg(text), loop("alexeyab", 1, 0, end), loss=loss))


def saved_run() -> Log:
    lines = lines_of(cfg(STEPS), loop("alexeyab", 1, 0, 2000), loss=lambda t: 1.0 + abs(t - 1500) / 500)
    told = []
    for iteration, line in enumerate(lines, 1):
        told.append(line)
        if iteration % 500 == 0:
            told.append(f" mean_average_precision (mAP@0.50) = {[0.3, 0.71, 0.7, 0.72][iteration // 500 - 1]:f} ")
            told.append(f"Saving weights to backup/a_{iteration}.weights")
        if iteration % 100 == 0:
            told.append("Saving weights to backup/a_last.weights")
    return log_of(told)


def test_saved_weights_are_those_that_were_not_overwritten() -> None:
    saved = weights_saved(saved_run())
    assert sorted((weights.file, weights.iteration) for weights in saved) == [
        ("backup/a_1000.weights", 1000),
        ("backup/a_1500.weights", 1500),
        ("backup/a_2000.weights", 2000),
        ("backup/a_500.weights", 500),
        ("backup/a_last.weights", 2000),
    ]


def test_weights_near_the_best_are_worth_keeping() -> None:
    kept = weights_worth_keeping(saved_run())
    assert [(weights.file, weights.map, weights.near_best_map, weights.near_lowest_loss) for weights in kept] == [
        ("backup/a_2000.weights", 0.72, True, False),
        ("backup/a_last.weights", 0.72, True, False),
        ("backup/a_1500.weights", 0.7, False, True),
    ]
    assert "backup/a_1500.weights (iteration 1500, avg loss 1.1, mAP 70.00%)" in str(diagnose(saved_run()))


def test_zero_rates() -> None:
    log = run(cfg(STEPS), 2000)
    assert [(one.first, one.last, one.warm_up) for one in zero_rate(log)] == [(1, 149, True)]
    poly = run(cfg("batch=64 learning_rate=0.001 policy=poly power=4 max_batches=1000"), 1000)
    # 0.001 * (1 - t / 1000) ** 4 < 5e-7 from t = 850.5 on
    assert [(one.first, one.last, one.warm_up) for one in zero_rate(poly)] == [(851, 1000, False)]
    assert "iterations 851 to 1000" in str(diagnose(poly))
    eight = run(cfg(STEPS, "hank-ai"), 2000)
    # at eight decimals it is 5e-9, reached at 1000 * 5e-6 ** (1 / 4) = 47.3
    assert [(one.first, one.last) for one in zero_rate(eight)] == [(1, 47)]
    assert zero_rate(losses(lambda t: 1.0)) == ()


def test_pace() -> None:
    log = run(cfg(STEPS), 1000)
    assert pace(log, cfg(STEPS)) is not None
    found = pace(log, cfg(STEPS))
    assert found is not None
    assert (found.seconds, found.end) == (1.5, 2000)
    assert found.hours_left == pytest.approx(1000 * 1.5 / 3600)
    printed = pace(log)
    assert printed is not None
    assert (printed.hours_left, printed.end) == (3.0, None)
    several = pace(run(cfg(STEPS), 1000, ngpus=2), cfg(STEPS))
    assert several is not None
    assert several.seconds == 0.75
    assert pace(replace(log, seconds=np.full(1000, np.nan))) is None


@given(st.lists(st.floats(0.1, 100).map(lambda x: round(x, 3)), min_size=1, max_size=9))
def test_the_pace_is_the_median(seconds: list[float]) -> None:
    log = run(cfg(STEPS), len(seconds))
    found = pace(replace(log, seconds=np.array(seconds)))
    ordered = sorted(seconds)
    middle = len(seconds) // 2
    median = ordered[middle] if len(seconds) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    assert found is not None
    assert found.seconds == pytest.approx(median)


NANS = {
    "burn-in": (STEPS, 400, "burn-in"),
    "zero rate": (STEPS, 20, "burn-in"),
    "plateau": (STEPS, 1300, "plateau"),
    "first drop": (STEPS, 1700, "after a drop"),
    "second drop": (STEPS, 1900, "after a drop"),
    "poly": ("batch=64 learning_rate=0.1 policy=poly max_batches=4000", 1500, "decay"),
    "constant": ("batch=64 learning_rate=0.1 policy=constant", 1500, "plateau"),
}


@pytest.mark.parametrize(("text", "at", "phase"), NANS.values(), ids=NANS.keys())
@pytest.mark.parametrize("with_cfg", [True, False])
def test_the_first_nan(text: str, at: int, phase: str, with_cfg: bool) -> None:
    net = cfg(text)
    log = losses(lambda t: math.nan if t >= at else 2.0, 2000, text)
    found = first_nan(log, net if with_cfg else None)
    assert found is not None
    assert (found.iteration, found.phase) == (at, phase)
    assert f"{found.rate:.6f}" == f"{float(net.schedule()(at)):f}"
    assert f"from iteration {at} on" in str(diagnose(log))


def test_no_nan() -> None:
    assert first_nan(losses(lambda t: 1.0)) is None
    assert "no number" not in str(diagnose(losses(lambda t: 1.0)))


def noise(seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).lognormal(0, 0.3, 5001)


@pytest.mark.parametrize("seed", range(5))
def test_whether_the_loss_still_falls(seed: int) -> None:
    rough = noise(seed)
    falls = still_falling(losses(lambda t: (3 - t / 2500) * rough[t], 5000))
    assert falls.verdict == "falls"
    assert falls.sureness > 0.99
    # from 1.4 at iteration 4000 to 1 at 5000
    assert falls.change == pytest.approx(-0.4 / 1.2, rel=0.4)
    rises = still_falling(losses(lambda t: (t / 2500) * rough[t] ** 0.3, 5000))
    assert (rises.verdict, rises.change > 0) == ("rises", True)
    assert (falls.first, falls.last, falls.records) == (4001, 5000, 1000)


def test_a_loss_that_stands_is_seldom_said_to_move() -> None:
    verdicts = []
    for seed in range(20):
        rough = noise(seed)
        verdicts.append(still_falling(losses(lambda t, rough=rough: 2 * rough[t], 2000)).verdict)
    assert verdicts.count("stands") >= 18


def test_outliers_do_not_turn_the_trend() -> None:
    def loss(t: int) -> float:
        return 1e12 if t % 97 == 0 else math.inf if t % 101 == 0 else 3 - t / 2500

    assert still_falling(losses(loss, 5000)).verdict == "falls"


def test_what_came_before_a_drop_does_not_count() -> None:
    text = "batch=64 learning_rate=0.01 policy=steps steps=4500 scales=.1"
    stood = still_falling(losses(lambda t: (2.0 if t < 4500 else 1.0) * float(noise(7)[t]), 5000, text))
    assert (stood.first, stood.verdict) == (4500, "stands")


def test_too_few_records_tell_nothing() -> None:
    few = still_falling(losses(lambda t: 1 / t, 400))
    assert (few.verdict, few.records) == ("unknown", 80)
    assert "cannot be told" in str(few)
    assert still_falling(losses(lambda t: math.nan, 2000)).verdict == "unknown"


def test_only_the_last_run_counts() -> None:
    net = cfg("batch=64 learning_rate=0.001 policy=constant")
    pairs = [*loop("alexeyab", 1, 0, 3000), *loop("alexeyab", 1, 0, 1000)]
    found = still_falling(log_of(lines_of(net, pairs, loss=lambda t: 3 - t / 2500)))
    assert (found.first, found.last, found.records) == (801, 1000, 200)


def test_it_reads_well() -> None:
    told = str(diagnose(losses(lambda t: 3 - t / 2500, 5000), cfg(STEPS)))
    assert told.splitlines()[0].startswith("The loss still falls (")
    assert told.splitlines()[0].endswith("--target N` says which numbers to write.")
    assert "An iteration takes 1.5 seconds" in told
