"""The net to start from: long enough, warmed up, and decayed at its end."""

from __future__ import annotations

import math

from lrsched.schedule import LAST_ITERATION
from lrsched.trainers.darknet.dialects import Dialect, as_dialect
from lrsched.trainers.darknet.net import Net
from lrsched.trainers.darknet.numbers import shortest
from lrsched.trainers.darknet.usual import DETECTOR_RATE, USUAL_BURN_IN, decay_keys, iterations_for

__all__ = ["usual_net"]


def usual_net(
    *,
    classes: int | None = None,
    images: int | None = None,
    epochs: float | None = None,
    ngpus: int = 1,
    batch: int = 64,
    policy: str = "steps",
    dialect: str | Dialect = "alexeyab",
) -> Net:
    """A ``[net]`` with common values.

    max_batches is max(6000, 2000 x classes, images), or what so many epochs need; steps stand at 80 % and 90 %; on
    several GPUs learning_rate is divided and burn_in multiplied by their number where the fork multiplies the rate;
    the burn-in takes at most three tenths of the run.

    >>> net = usual_net(classes=3, images=2000)
    >>> net.max_batches, net.steps, net.scales, net.learning_rate, net.burn_in
    (6000, (4800, 5400), (0.1, 0.1), 0.001, 600)

    Raises:
        ValueError: for an unknown policy or dialect, a number that is not positive, or epochs without images.
    """
    numbers = {"classes": classes, "images": images, "epochs": epochs, "ngpus": ngpus, "batch": batch}
    for name, value in numbers.items():
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name} must be above 0 and finite, got {value!r}")
    fork = as_dialect(dialect)
    if policy not in fork.policies:
        raise ValueError(f"policy must be one of {', '.join(sorted(fork.policies))}, got {policy!r}")
    if epochs is None:
        horizon = iterations_for(classes, images)
    elif images is None:
        raise ValueError("epochs need the number of training images as well (images)")
    else:
        horizon = math.ceil(epochs * images / batch)
    if horizon > LAST_ITERATION:
        raise ValueError(f"a run of {horizon} iterations is longer than darknet can count")
    factor = ngpus if fork.gpus_multiply_rate else 1
    return Net(
        batch=batch,
        subdivisions=next(n for n in (16, 8, 4, 2, 1) if batch % n == 0),
        learning_rate=shortest(DETECTOR_RATE / factor),
        max_batches=horizon,
        burn_in=min(min(USUAL_BURN_IN, horizon // 10) * factor, horizon * 3 // 10),
        policy=policy,
        dialect=fork,
        **decay_keys(policy, horizon, DETECTOR_RATE),
    )
