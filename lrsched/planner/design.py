"""A cfg to start from, by the rules of the field."""

from __future__ import annotations

import math

from lrsched.planner.usual import DETECTOR_RATE, USUAL_BURN_IN, decay_keys, iterations_for
from lrsched.schedule import LAST_ITERATION
from lrsched.trainers.darknet import Dialect, Net, as_dialect
from lrsched.trainers.darknet.arithmetic import single
from lrsched.trainers.darknet.numbers import shortest

__all__ = ["design"]


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
    several GPUs learning_rate is divided and burn_in multiplied by their number where the fork multiplies the rate;
    the burn-in takes at most three tenths of the run.

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
    if epochs is not None and not math.isfinite(epochs):
        raise ValueError(f"design: epochs must be a finite number, got {epochs!r}")
    if epochs is not None and images is None:
        raise ValueError("design: epochs need the number of training images as well (images)")
    if epochs is not None and images is not None:
        length = math.ceil(epochs * images / batch)
    else:
        length = iterations_for(classes, images)
    if not 0 < length <= LAST_ITERATION:
        raise ValueError(f"design: a run of {length} iterations is longer than darknet can count")
    factor = ngpus if fork.gpus_multiply_rate else 1
    return Net(
        batch=batch,
        subdivisions=next(n for n in (16, 8, 4, 2, 1) if batch % n == 0),
        learning_rate=shortest(single(DETECTOR_RATE / factor)),
        max_batches=length,
        burn_in=min(min(USUAL_BURN_IN, length // 10) * factor, length * 3 // 10),
        policy=policy,
        dialect=fork,
        **decay_keys(policy, length, DETECTOR_RATE),
    )
