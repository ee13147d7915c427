"""The curves of the YOLOv5 family compared with torch's own LambdaLR, stepped as the trainers step it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from tests.trainers.yolov5.oracle import LOOPS, Factor, Loop, name
from tests.trainers.yolov5.test_schedules import assert_trains_as


def torch_scheduler(loop: Loop, lf: Factor) -> Any:
    """Three groups as the trainers make them: SGD, or Adam, which has no momentum."""
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(3)]
    optimizer: Any
    if loop.adam:
        optimizer = torch.optim.Adam([weights[0]], lr=loop.lr0, betas=(loop.momentum, 0.999))
    else:
        optimizer = torch.optim.SGD([weights[0]], lr=loop.lr0, momentum=loop.momentum, nesterov=True)
    for weight in weights[1:]:
        optimizer.add_param_group({"params": [weight]})
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=lf)


@pytest.mark.parametrize("loop", LOOPS, ids=name)
def test_every_group_has_the_rates_of_torch(loop: Loop) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no step of the optimizer comes before those of the scheduler
        rows = loop.run(torch_scheduler)

    assert_trains_as(loop, rows)
