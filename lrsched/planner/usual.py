"""Common values of a run; they are darknet's."""

from lrsched.trainers.darknet.usual import (
    DETECTOR_RATE,
    USUAL_BURN_IN,
    USUAL_DECAY,
    decay_keys,
    iterations_for,
    usual_rates,
    usual_steps,
)

__all__ = [
    "DETECTOR_RATE",
    "USUAL_BURN_IN",
    "USUAL_DECAY",
    "decay_keys",
    "iterations_for",
    "usual_rates",
    "usual_steps",
]
