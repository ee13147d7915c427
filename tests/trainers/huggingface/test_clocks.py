"""Runs whose schedule did not advance once a step, or is not the one that was asked for: each is named right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lrsched.logs import audit, infer
from lrsched.trainers.huggingface import Arguments
from lrsched.trainers.huggingface.reading import parse
from tests.trainers.huggingface.oracle import LR, factor, logged, state


def asked(kind: str, warmup: int = 30) -> Arguments:
    return Arguments(learning_rate=LR, lr_scheduler_type=kind, warmup_steps=warmup)


@pytest.mark.parametrize("kind", ["cosine", "linear"])
@pytest.mark.parametrize(
    ("count", "says"),
    [
        (lambda step: 4 * step, "with a clock 4 times as fast"),
        (lambda step: step // 4, "when the schedule advances once in 4 logged steps"),
    ],
)
def test_a_schedule_that_every_process_steps_or_that_skips_steps(kind: str, count: Any, says: str) -> None:
    (log,) = parse(state(logged(count, kind), 1000))

    assert says in audit(log, asked(kind)).cause


@pytest.mark.parametrize("kind", ["cosine", "linear"])
@pytest.mark.parametrize("late", [0, 1])
def test_the_rate_of_the_step_itself_or_of_the_next_one(kind: str, late: int) -> None:
    (log,) = parse(state(logged(lambda step: step - late, kind), 1000, **({"best_global_step": 9} if late else {})))
    found = infer(log)

    assert audit(log, asked(kind)).ok
    assert (found.family, found.clock, found.parameters["warmup"], found.complete) == (kind, "", 30, True)


@pytest.mark.parametrize("late", [0, 1])
def test_optimizer_steps_that_an_overflow_skipped(late: int) -> None:
    lost = (2, 3, 57)
    done = [max(step - late - sum(each <= step for each in lost), 0) for step in range(1, 201)]
    rates = [(step, LR * factor("linear", count, 10, 200)) for step, count in enumerate(done, 1)]
    (log,) = parse(state(rates, 200, **({"best_global_step": None} if late else {})))
    found = infer(log)

    assert "with 3 skipped steps, the first at step 2: an overflow" in audit(log, asked("linear", 10)).cause
    assert (found.family, found.clock, found.complete) == ("linear", "with 3 skipped steps", True)
    assert found.parameters == {"peak": LR, "warmup": 10, "horizon": 200, "final": 0.0}


def test_the_schedule_of_deepspeed_instead_of_the_one_that_was_asked_for() -> None:
    rates = [(step, LR * factor("WarmupLR", step - 1, 100, 300, warmup_min_lr=LR / 2)) for step in range(1, 301)]
    (log,) = parse(state(rates, 300))
    found = infer(log)

    assert (found.family, found.complete) == ("constant", True)
    assert {**found.parameters, "peak": LR, "warmup": 100, "initial": LR / 2} == found.parameters
    says = "those of DeepSpeed's WarmupLR, from 0.00015 to 0.0003 in 100 steps, not"
    assert says in audit(log, asked("cosine")).cause


def test_a_run_that_was_resumed_with_another_number_of_steps() -> None:
    rates = [*logged(lambda step: step, t=600)[:50], *logged(lambda step: step)[50:]]
    (log,) = parse(state(rates, 1000))
    cause = audit(log, replace(asked("cosine"), max_steps=600)).cause

    assert "Up to 500 the rates are as planned" in cause
    assert "the run was resumed with another number of iterations, and the rate jumps from" in cause


RATES = logged(lambda step: step)


@pytest.mark.parametrize(
    ("rates", "says"),
    [
        (logged(lambda step: step, "linear"), "The log is of another schedule: linear(peak=0.0003"),
        ([(step, rate * (1 + 0.01 * (step % 3))) for step, rate in RATES], "Cannot tell"),
    ],
)
def test_another_schedule_than_the_one_that_was_asked_for(rates: Any, says: str) -> None:
    (log,) = parse(state(rates, 1000))
    assert audit(log, asked("cosine")).cause.startswith(says)
