"""Common values for darknet: rates, lengths, steps, decays, and a ``[net]`` to start from."""

from __future__ import annotations

import math
from typing import Any

from lrsched.numbers import LAST_ITERATION, real, whole
from lrsched.trainers.darknet.dialects import Dialect, as_dialect
from lrsched.trainers.darknet.net import Net
from lrsched.trainers.darknet.numbers import shortest

__all__ = ["DETECTOR_RATE", "USUAL_BURN_IN", "USUAL_DECAY", "decay_keys", "iterations_for", "usual_net", "usual_rates"]
__all__ += ["usual_steps"]

DETECTOR_RATE = 0.001  # of 293 among 492 cfgs found in the wild
USUAL_BURN_IN = 1000  # of 397 of them
USUAL_DECAY = 100  # by the end of training the rate should have decayed by this factor or more
SMALLEST_RUN, PER_CLASS = 6000, 2000

RATES = {"poly": (0.001, 0.5), "sgdr": (0.0005, 0.5), "steps": (0.0001, 0.02)}
ANY_RATE = (0.0001, 0.1)


def usual_rates(policy: str) -> tuple[float, float]:
    """The lowest and the highest rate that cfgs with this policy usually start from."""
    return RATES.get(policy, ANY_RATE)


def iterations_for(classes: int | None, images: int | None) -> int:
    """The length of a run by the rule max(6000, 2000 x classes, images) (AlexeyAB/darknet#5508).

    >>> iterations_for(20, 9000), iterations_for(None, None)
    (40000, 6000)
    """
    return max(SMALLEST_RUN, PER_CLASS * (classes or 0), images or 0)


def usual_steps(horizon: int, count: int) -> tuple[int, ...]:
    """Where steps usually are: at 80 % and 90 % of the run, each further one halfway to the horizon, and inside it.

    >>> usual_steps(20_000, 1), usual_steps(20_000, 2), usual_steps(20_000, 3)
    ((16000,), (16000, 18000), (16000, 18000, 19000))
    """
    return tuple(horizon - max(horizon // (5 * 2**i), 1) for i in range(count))


def decay_keys(policy: str, horizon: int, learning_rate: float) -> dict[str, Any]:
    """The keys with which a policy decays about 100 times, or to zero, by the end of a run.

    >>> decay_keys("steps", 6000, 0.001)
    {'steps': (4800, 5400), 'scales': (0.1, 0.1)}
    """
    keys: dict[str, dict[str, Any]] = {
        "steps": {"steps": usual_steps(horizon, 2), "scales": (0.1, 0.1)},
        "step": {"step": horizon // 3 + 1, "scale": 0.1},
        "exp": {"gamma": shortest(USUAL_DECAY ** (-1 / horizon))},
        "sigmoid": {"step": max(horizon // 2, 1), "gamma": shortest(2 * math.log(USUAL_DECAY - 1) / horizon)},
        "sgdr": {"sgdr_cycle": horizon, "sgdr_mult": 1, "learning_rate_min": shortest(learning_rate / USUAL_DECAY)},
        "poly": {"power": 1.0},
    }
    return keys.get(policy, {})


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
        TypeError, ValueError: for an unknown policy or dialect, a number that is not positive, epochs without images.
    """
    for name, value in {"classes": classes, "images": images, "ngpus": ngpus, "batch": batch}.items():
        if value is not None:
            whole(name, value, low=1)
    fork = as_dialect(dialect)
    if policy not in fork.policies:
        raise ValueError(f"policy must be one of {', '.join(sorted(fork.policies))}, got {policy!r}")
    horizon = iterations_for(classes, images)
    if epochs is not None:
        real("epochs", epochs, zero=False)
        if images is None:
            raise ValueError("epochs need the number of training images as well (images)")
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
