"""ReduceLROnPlateau is replayed as Keras and PyTorch run it, restated here line by line."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrsched.logs import infer
from lrsched.trainers.printed.plateau import Plateau, plateau
from tests.trainers.printed import read


def keras(losses: list[float], peak: float, factor: float, patience: int, cooldown: int, floor: float) -> list[float]:
    """The rate of each epoch, as ``keras.callbacks.ReduceLROnPlateau`` sets it in float32."""
    rate, best, wait, counter, logged = np.float32(peak), math.inf, 0, 0, []
    for loss in losses:
        logged.append(float(rate))
        if counter > 0:
            counter -= 1
            wait = 0
        if loss < best - 1e-4:
            best, wait = loss, 0
        elif not counter > 0:
            wait += 1
            if wait >= patience and float(rate) > np.float32(floor):
                rate = np.float32(max(float(rate) * factor, floor))
                counter, wait = cooldown, 0
    return logged


def torch(losses: list[float], peak: float, factor: float, patience: int) -> list[float]:
    """The rate of each epoch, as ``torch.optim.lr_scheduler.ReduceLROnPlateau`` sets it."""
    rate, best, bad, logged = peak, math.inf, 0, []
    for loss in losses:
        logged.append(rate)
        if loss < best * (1 - 1e-4):
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate * factor, 0
    return logged


def test_a_rate_that_rises_or_a_loss_that_is_missing_is_no_plateau() -> None:
    step, slack = np.arange(4), np.full(4, 1e-9)
    assert plateau(step, np.array([0.1, 0.1, 0.2, 0.2]), slack, {"loss": np.ones(4)}) is None
    rule = Plateau(monitor="val_loss", factor=0.5, patience=2)
    assert list(rule.drops([1.0, math.nan, 1.0, math.nan, 1.0])) == [4]  # type: ignore[arg-type]


@pytest.mark.parametrize(("first", "explained"), [(1.0, True), (1.5, False)])
def test_every_step_of_an_epoch_has_the_rate_of_the_plateau(first: float, explained: bool) -> None:
    rows = "step,lr,val_loss\n"
    for step in range(24):
        epoch, place = divmod(step, 3)
        rate = 0.1 * 0.5 ** max((epoch - 1) // 2, 0) * (1.0 if place else first)
        rows += f"{step},{rate!r},{1.0 if place == 2 else ''}\n"
    (log,) = read(rows)
    assert (infer(log).family == "plateau") == explained


LOSSES = st.integers(0, 10**6).map(lambda seed: np.random.default_rng(seed).uniform(0.1, 3.0, 50).tolist())


@given(
    LOSSES, st.sampled_from([0.2, 0.3, 0.5]), st.integers(3, 7), st.sampled_from([0, 0, 2]), st.sampled_from([0, 1e-4])
)
def test_what_keras_did_is_replayed(
    losses: list[float], factor: float, patience: int, cooldown: int, floor: float
) -> None:
    rates = keras(losses, 0.001, factor, patience, cooldown, floor)
    rows = "".join(f"{k},{r!r},{1 / (k + 1)!r},{v!r}\n" for k, (r, v) in enumerate(zip(rates, losses, strict=True)))
    (log,) = read(f"epoch,learning_rate,loss,val_loss\n{rows}")
    assert log.trainer == "Keras"
    found = infer(log)
    falls = [k for k in range(1, len(rates)) if rates[k] != rates[k - 1]]
    if not falls:
        assert found.family == "constant"
        return
    assert (found.family, found.matched) == ("plateau", len(losses))
    assert found.schedule is not None
    assert found.parameters["milestones"] == falls
    assert found.schedule(list(range(len(rates)))).tolist() == pytest.approx(rates, rel=1e-6)
    first = keras(losses, 0.001, found.parameters["factor"], found.parameters["patience"],
                  found.parameters.get("cooldown", 0), found.parameters.get("min_lr", 0.0))  # fmt: skip
    if found.parameters["min_delta"] == 1e-4:
        assert first == pytest.approx(rates, rel=1e-6)


def test_the_patience_is_found_and_what_else_would_do_is_said() -> None:
    losses = [1 / (k + 1) for k in range(20)] + [1.0] * 20
    rates = np.array(keras(losses, 0.01, 0.5, 5, 0, 0.0))
    found = plateau(np.arange(40), rates, rates * 1e-7, {"val_loss": np.array(losses)})
    assert found is not None
    assert (found.parameters["patience"], found.parameters["factor"]) == (5, 0.5)
    assert list(found.open) == ["further milestones"]


def test_pytorch_waits_one_epoch_longer() -> None:
    losses = [1e4 - 0.1 * k for k in range(60)]  # less than a ten thousandth better each epoch
    rates = np.array(torch(losses, 0.01, 0.1, 4))
    found = plateau(np.arange(60), rates, rates * 1e-9, {"val_loss": np.array(losses)})
    assert found is not None
    assert (found.parameters["patience"], found.parameters["threshold_mode"]) == (4, "rel")


def test_a_rate_that_falls_by_a_plan_is_no_plateau() -> None:
    rates = np.repeat([0.1, 0.01, 0.001], 10)
    losses = 1 / np.arange(1.0, 31.0)  # it always improves
    assert plateau(np.arange(30), rates, rates * 1e-9, {"val_loss": losses}) is None


def test_an_epoch_of_lightning_ends_where_its_validation_stands() -> None:
    losses = [max(1.0 - 0.1 * k, 0.5) for k in range(40)]
    rates = torch(losses, 0.001, 0.5, 6)
    rows = ""
    for epoch, (rate, loss) in enumerate(zip(rates, losses, strict=True)):
        rows += "".join(f",{rate!r},{30 * epoch + step},\n" for step in (9, 19, 29))
        rows += f"{epoch},,{30 * epoch + 29},{loss}\n"
    (log,) = read(f"epoch,lr-Adam,step,val_loss\n{rows}")
    found = infer(log)
    falls = [30 * k for k in range(1, 40) if rates[k] != rates[k - 1]]
    assert (found.family, found.parameters["milestones"], found.total) == ("plateau", falls, 120)
    assert found.parameters["patience"] in (6, 7)
