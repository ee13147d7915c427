"""The changes that are advised do what the sentence says, and no plan of them has a problem that the run has not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from lrsched import plan
from lrsched.curves import Advice, Verdict
from lrsched.logs import Inference, Log, advised, infer, verdict_on
from lrsched.logs.fitted import fitted_config
from lrsched.schedule import Schedule
from lrsched.schedules import constant, cosine, linear, multi_step, one_cycle
from lrsched.trainers.darknet import Net, parse_cfg
from tests.factories import log_lines, log_of, net_of, turns

T = np.arange(400.0)
SCHEDULES: dict[str, Schedule] = {
    "cosine": cosine(peak=1e-3, horizon=399, warmup=10),
    "linear": linear(peak=2e-4, horizon=399),
    "multi-step": multi_step(peak=0.1, milestones=(300, 360)),
    "constant": constant(0.01),
    "one-cycle": one_cycle(peak=0.1, horizon=399),
}
FALL = np.exp(-T / 20)
CURVES: dict[str, tuple[Any, Any]] = {
    "overfitted": (np.exp(-T / 100), FALL + np.clip(T - 120, 0, None) / 300),
    "underfitted": (1 - T / 500, 1.1 - T / 500),
    "converged-too-early": (np.exp(-T / 3), np.exp(-T / 3) + 0.1),
    "failed": (0 * T, 0 * T),
    "oscillating": (np.exp(-T / 80) + 0.4 * np.sin(T / 3), np.exp(-T / 80) + 0.4 * np.sin(T / 3 + 0.3)),
    "diverging": (FALL + np.clip(T - 100, 0, None) / 50, FALL + np.clip(T - 100, 0, None) / 50),
}


def logged(train: Any, val: Any, rate: Any, horizon: int | None = None) -> Log:
    noise = np.random.default_rng(1).standard_normal((2, T.size)) / 100
    columns = {"iteration": T, "loss": train + noise[0], "val_loss": val + noise[1], "rate": rate}
    return replace(Log.of(columns, source="a", trainer="huggingface"), horizon=horizon)


def serious(schedule: Any, **options: Any) -> set[str]:
    return {finding.code for finding in plan(schedule, **options).findings if finding.serious}


def changes_of(verdict: Verdict, action: str) -> list[Advice]:
    return [advice for advice in verdict.advice if advice.action == action and advice.verified]


@cache
def explained(name: str) -> Inference:
    return infer(logged(0 * T, 0 * T, SCHEDULES[name](T.astype(int))))


@pytest.mark.parametrize("label", CURVES)
@pytest.mark.parametrize("name", SCHEDULES)
def test_changes_of_an_inferred_schedule_do_what_they_say(name: str, label: str) -> None:
    log = logged(*CURVES[label], SCHEDULES[name](T.astype(int)))
    verdict = advised(verdict_on(log), log, inferred=explained(name))
    assert verdict.verdict == label
    fitted = fitted_config(log, explained(name))
    assert fitted is not None
    verified = [advice for advice in verdict.advice if advice.verified]
    assert bool(verified) == ((name, label) != ("one-cycle", "overfitted"))  # which is best within its warm-up
    for advice in verified:
        changed = fitted.with_values(advice.changes)
        rates = changed.schedules()["rate"](np.arange(changed.keys["horizon"] + 1))
        assert serious(changed.schedules()["rate"]) <= serious(fitted.schedules()["rate"])
        assert all(f"{key}=" in advice.text for key in advice.changes)
        if advice.action == "lower":
            assert rates.max() == pytest.approx((advice.factor or 0) * SCHEDULES[name](T.astype(int)).max(), rel=0.05)
        elif advice.action == "stop":
            assert rates.size == round(advice.step or 0) + 1
        elif advice.action == "earlier":
            assert (rates <= rates.max() / 2)[int(rates.argmax()) :].argmax() <= 1.5 * (advice.step or 0)
        elif advice.action == "extend":
            longer = "restart" if "restart" in advice.text else "whole"
            assert rates.size - 1 == pytest.approx({"restart": 200, "whole": 598}[longer], abs=2)


def log_with(net: Net, loss: Callable[[int], float]) -> Log:
    """The log of a run of a cfg with such a loss."""
    return log_of(log_lines(net, turns("alexeyab", 1, 0, 2000), loss=loss))


def test_changes_of_a_cfg_are_its_own_keys() -> None:
    text = "batch=64 learning_rate=0.001 burn_in=100 policy=steps steps=1600,1800 scales=.1,.1 max_batches=2000"
    net = net_of(text)
    log = log_with(net, lambda t: 3 - t / 1000)
    offers = changes_of(advised(verdict_on(log), log, net), "extend")
    assert {"max_batches": 3000, "steps": (2400, 2700)} in [advice.changes for advice in offers]
    for advice in offers:
        changed = parse_cfg(net.with_values(advice.changes).text or "")
        assert serious(changed) <= serious(net)
    other = advised(verdict_on(log), log, net.with_values({"learning_rate": 0.002}))
    assert "are not those that" in str(other.advice[0])
    lowered = log_with(net, lambda t: 5.0 + t / 100)
    (advice,) = changes_of(advised(verdict_on(lowered), lowered, net), "lower")
    assert advice.changes == {"learning_rate": 0.0001, "burn_in": 200}


def test_a_run_that_is_not_over_is_not_extended() -> None:
    log = logged(1 - T / 500, 1.1 - T / 500, linear(peak=2e-4, horizon=800)(T.astype(int)), 800)
    (advice,) = changes_of(advised(verdict_on(log), log), "extend")
    assert "at iteration 399 of 800: let it go on" in advice.text
    assert advice.step == 800
    assert not advice.changes


def test_after_a_jump_the_rate_from_before_is_given() -> None:
    # resumed at 200 with the peak: no named schedule explains that, so the words have the numbers
    rates = np.where(T < 200, 0.1 * np.exp(-T / 70), 0.1)
    log = logged(np.where(T < 200, FALL, 1 + (T - 200) / 50), np.where(T < 200, FALL, 1 + T / 50), rates)
    advice = advised(verdict_on(log), log).advice[0]
    assert advice.action == "resume"
    assert advice.changes == {"rate": pytest.approx(0.1 * np.exp(-199 / 70))}
    assert "with the rate from before, 0.00583" in str(advice)


def test_a_jump_of_a_cfg_is_left_out_by_its_own_key() -> None:
    net = net_of("batch=64 learning_rate=0.01 policy=steps steps=600,1200 scales=.1,10 max_batches=2000 burn_in=100")
    log = log_with(net, lambda t: 3 - t / 600 if t < 1200 else 1 + (t - 1200) / 100)
    (advice,) = changes_of(advised(verdict_on(log), log, net), "resume")
    assert advice.changes == {"learning_rate": 0.001}
    assert str(advice).endswith("Write: learning_rate=0.001 (rate 0.001 at 1200).")


falls, flat, rises = (
    lambda t: math.exp(-t / 15) + 0.1,
    lambda t: 3 + t % 7 / 50,
    lambda t: 3 - t / 500 if t < 1000 else 1 + (t - 1000) / 100,
)
WORDS: dict[str, tuple[str, str, Callable[[int], float], str]] = {
    "a run without an end is not shortened": ("0.01", "constant", falls, "earlier"),
    "the rate drops early already": ("0.01", "sgdr sgdr_cycle=100 sgdr_mult=1 max_batches=2000", falls, "earlier"),
    "the warm-up is longer than that": ("0.01", "constant burn_in=100 max_batches=2000", falls, "earlier"),
    "nothing is less than 0": ("0.0", "constant max_batches=2000", flat, "lower"),
    "it would be printed as zero": ("0.000001", "poly power=4 burn_in=100 max_batches=2000", flat, "lower"),
    "no key is of a restart": (
        "0.01",
        "sgdr sgdr_cycle=1000 sgdr_mult=1 burn_in=100 max_batches=2000",
        rises,
        "resume",
    ),
}


@pytest.mark.parametrize(("rate", "policy", "loss", "action"), WORDS.values(), ids=WORDS)
def test_what_no_key_can_do_stays_in_words(rate: str, policy: str, loss: Callable[[int], float], action: str) -> None:
    net = net_of(f"batch=64 learning_rate={rate} policy={policy}")
    log = log_with(net, loss)
    before = [advice for advice in verdict_on(log).advice if advice.action == action]
    assert before
    assert [advice for advice in advised(verdict_on(log), log, net).advice if advice.action == action] == before


def test_a_warm_up_that_cannot_be_longer_is_left_alone() -> None:
    net = net_of("batch=64 learning_rate=0.01 policy=constant burn_in=1900 max_batches=2000")
    log = log_with(net, flat)
    (advice,) = changes_of(advised(verdict_on(log), log, net), "lower")
    assert advice.changes == {"learning_rate": 0.001}


def test_a_rate_of_zero_is_not_held() -> None:
    net = net_of("batch=64 learning_rate=0.01 policy=poly power=4 max_batches=2000")
    log = log_with(net, lambda t: 3 - t / 1000)
    texts = [one.text for one in changes_of(advised(verdict_on(log), log, net), "extend")]
    assert [re.findall(r"Option (\w+)", text) for text in texts] == [["stretch"], ["restart"]]


def test_what_no_schedule_explains_stays_in_words() -> None:
    log = logged(*CURVES["underfitted"], 0.1 + T % 7)
    (advice,) = advised(verdict_on(log), log).advice
    assert (dict(advice.changes), advice.verified) == ({"horizon": 598}, False)
