"""A cfg to start from, by the rules of the field."""

from __future__ import annotations

import math
from typing import Any

from lrsched.darknet import Dialect, Net, as_dialect
from lrsched.darknet.arithmetic import single
from lrsched.darknet.numbers import shortest
from lrsched.planner.suggestions import USUAL_BURN_IN, USUAL_DECAY, usual_steps
from lrsched.schedule import LAST_ITERATION

__all__ = ["design"]

DETECTOR_RATE = 0.001
SMALLEST_RUN, PER_CLASS = 6000, 2000


def design(
    *,
    classes: int | None = None,
    images: int | None = None,
    epochs: float | None = None,
    ngpus: int = 1,
    batch: int = 64,
    policy: str = "steps",
    dialect: str | Dialect = "alexeyab",
) -> Net:
    """A ``[net]`` by the rules of the field: long enough, warmed up, decayed 100 times at its end.

    max_batches is max(6000, 2000 x classes, images), or what so many epochs need; steps stand at 80 % and 90 %; on
    several GPUs learning_rate is divided and burn_in multiplied by their number where the fork multiplies the rate.

    >>> net = design(classes=3, images=2000)
    >>> net.max_batches, net.steps, net.scales, net.learning_rate, net.burn_in
    (6000, (4800, 5400), (0.1, 0.1), 0.001, 600)

    Raises:
        ValueError: for an unknown policy or dialect, a number that is not positive, or epochs without images.
    """
    for name, value in (
        ("classes", classes),
        ("images", images),
        ("epochs", epochs),
        ("ngpus", ngpus),
        ("batch", batch),
    ):
        if value is not None and not value > 0:
            raise ValueError(f"design: {name} must be above 0, got {value!r}")
    fork = as_dialect(dialect)
    if policy not in fork.policies:
        raise ValueError(f"design: policy must be one of {', '.join(sorted(fork.policies))}, got {policy!r}")
    if epochs is not None and images is None:
        raise ValueError("design: epochs need images=, the number of training images")
    if epochs is not None and images is not None:
        length = math.ceil(epochs * images / batch)
    else:
        length = max(SMALLEST_RUN, PER_CLASS * (classes or 0), images or 0)
    if not 0 < length <= LAST_ITERATION:
        raise ValueError(f"design: a run of {length} iterations is longer than darknet can count")
    factor = ngpus if fork.gpus_multiply_rate else 1
    return Net(
        batch=batch,
        subdivisions=next(n for n in (16, 8, 4, 2, 1) if batch % n == 0),
        learning_rate=shortest(single(DETECTOR_RATE / factor)),
        max_batches=length,
        burn_in=min(USUAL_BURN_IN, length // 10) * factor,
        policy=policy,
        dialect=fork,
        **_decay(policy, length),
    )


def _decay(policy: str, length: int) -> dict[str, Any]:
    """The keys with which a policy decays about 100 times by the end of the run."""
    if policy == "steps":
        return {"steps": usual_steps(length, 2), "scales": (0.1, 0.1)}
    if policy == "step":
        return {"step": max(length // 3 + 1, 1), "scale": 0.1}
    if policy == "exp":
        return {"gamma": shortest(single(USUAL_DECAY ** (-1 / length)))}
    if policy == "sigmoid":
        return {"step": max(length // 2, 1), "gamma": shortest(single(2 * math.log(USUAL_DECAY - 1) / length))}
    if policy == "sgdr":
        return {"sgdr_cycle": length, "sgdr_mult": 1, "learning_rate_min": DETECTOR_RATE / USUAL_DECAY}
    return {}
