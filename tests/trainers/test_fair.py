"""log.txt of DeiT, MAE and DETR: rates as each of them sets them, seen as means over an epoch."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from lrsched.log import Log
from lrsched.logs import infer
from lrsched.trainers import fair


def logged(rates: list[float]) -> Log:
    rows = [{"train_lr": rate, "train_loss": 2.5, "note": "x", "epoch": epoch} for epoch, rate in enumerate(rates)]
    [log] = fair.parse("\n".join(map(json.dumps, rows)).encode(), "log.txt")
    return log


def mae(lr: float, low: float, warm: int, total: int, each: int, accumulate: int, epochs: int) -> list[float]:
    """Set at every update for the time e + i/n, and averaged over the iterations."""

    def rate(x: float) -> float:
        fall = low + (lr - low) * (1 + math.cos(math.pi * (x - warm) / (total - warm))) / 2
        return lr * x / warm if x < warm else fall

    return [sum(rate(e + i // accumulate * accumulate / each) for i in range(each)) / each for e in range(epochs)]


def dino(lr: float, low: float, initial: float, warm: int, total: int, each: int) -> list[float]:
    """One long array, a rate for each iteration of the run, averaged over the iterations of an epoch."""
    rise = np.linspace(initial, lr, warm * each)
    count = np.arange((total - warm) * each)
    fall = low + 0.5 * (lr - low) * (1 + np.cos(np.pi * count / len(count)))
    return [float(part.mean()) for part in np.split(np.concatenate([rise, fall]), total)]


@pytest.mark.parametrize(("each", "initial"), [(12, 1e-6), (1251, 0.0)])
def test_the_means_of_dino_beit_and_convnext(each: int, initial: float) -> None:
    rates = dino(4e-3, 1e-6, initial, 10, 80, each)
    found = infer(logged(rates))
    known = {"peak": 4e-3, "warmup": 10, "horizon": 80, "final": 1e-6, "iterations_per_epoch": each}
    assert (dict(found.parameters), found.complete) == (known | ({"initial": initial} if initial else {}), True)
    assert found.schedule is not None
    np.testing.assert_allclose(found.schedule(range(80)), rates, rtol=1e-9)


@pytest.mark.parametrize(("each", "accumulate", "low"), [(15, 1, 0.0), (250, 1, 1e-6), (9, 2, 1e-6), (31, 4, 0.0)])
def test_the_means_of_mae(each: int, accumulate: int, low: float) -> None:
    found = infer(logged(mae(2e-3, low, 5, 100, each, accumulate, 60)))
    words = dict(found.parameters)
    assert (words["peak"], words["warmup"], words["horizon"], words["final"]) == (2e-3, 5, 100, low)
    assert (words["iterations_per_epoch"], words.get("accumulate", 1)) == (each, accumulate)
    assert (found.family, found.clock, found.complete) == ("cosine", "", True)


def test_a_warm_up_that_is_not_over_shows_its_slope() -> None:
    found = infer(logged(mae(2.5e-4, 0.0, 40, 100, 15, 1, 2)))
    assert dict(found.parameters) == {"slope": 6.25e-6, "iterations_per_epoch": 15}
    assert (found.complete, set(found.open)) == (True, {"peak", "warmup"})


@pytest.mark.parametrize("begin", [mae(2e-3, 0.0, 5, 100, 15, 1, 5), [2e-3, 1e-3], [1.5e-3, 2e-3]])
def test_means_that_nothing_simple_explains(begin: list[float]) -> None:
    noise = np.random.default_rng(3).uniform(1e-4, 1e-3, 12).tolist()
    assert not infer(logged(begin + noise)).complete


def test_deit_is_one_epoch_late() -> None:
    cosine = [1e-5 + (5e-4 - 1e-5) * (1 + math.cos(math.pi * t / 300)) / 2 for t in range(300)]
    stepped = [1e-6 + t * (5e-4 - 1e-6) / 5 if t < 5 else cosine[t] for t in range(300)]
    found = infer(logged([stepped[max(e - 1, 0)] for e in range(300)]))
    known = {"peak": 5e-4, "warmup": 5, "horizon": 300, "final": 1e-5, "initial": 1e-6}
    assert (dict(found.parameters), found.clock, found.complete) == (known, "1 step late", True)


def test_detr_drops_once_and_its_means_are_dusty() -> None:
    found = infer(logged([float(np.mean(np.full(1000 + e, 1e-4 if e < 200 else 1e-5))) for e in range(300)]))
    assert (dict(found.parameters), found.family) == ({"peak": 1e-4, "milestones": [200], "factor": 0.1}, "multi-step")
