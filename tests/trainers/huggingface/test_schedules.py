from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrsched.serialize import from_dict, to_dict
from lrsched.trainers.huggingface import TYPES, schedule_of
from tests.trainers.huggingface.oracle import CASES, LR, factor


@pytest.mark.parametrize(("kind", "warmup", "horizon", "own"), CASES)
def test_every_step_has_the_rate_of_the_formula(kind: str, warmup: int, horizon: int, own: dict[str, Any]) -> None:
    schedule = schedule_of(kind, LR, warmup, horizon, **own)
    steps = range(4 * horizon)  # as far as a schedule gets that four processes step

    assert schedule.horizon == horizon
    expected = [LR * factor(kind, k, warmup, horizon, **own) for k in steps]
    np.testing.assert_allclose(schedule(steps), expected, rtol=0, atol=LR * 1e-12)
    assert from_dict(to_dict(schedule)) == schedule


def test_every_type_is_tried() -> None:
    assert {kind for kind, *_ in CASES} == set(TYPES)


@pytest.mark.parametrize(
    ("kind", "own", "message"),
    [
        ("cosin", {}, "there is no schedule 'cosin'; did you mean 'cosine'?"),
        ("cosine", {"cycles": 2}, "cosine: got an unexpected keyword argument 'cycles'"),
        ("cosine_with_min_lr", {}, "min_lr or min_lr_rate is missing"),
        ("cosine_with_min_lr", {"min_lr": 0, "min_lr_rate": 0}, "not both"),
        ("polynomial", {"lr_end": 1}, "lr_end must be smaller than the learning rate 0.0003, got 1"),
        ("warmup_stable_decay", {}, "missing 1 required keyword-only argument: 'num_decay_steps'"),
        ("warmup_stable_decay", {"num_decay_steps": 9, "decay_type": "cos"}, "got 'cos'"),
        ("reduce_lr_on_plateau", {}, "follows the evaluations of the run"),
    ],
)
def test_what_transformers_refuses_is_refused(kind: str, own: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        schedule_of(kind, LR, 7, 50, **own)
