"""Schedules of keras: read by their configs and proven on their calls; those that are one of ours are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lrsched.frameworks.loading import made_by, needed
from lrsched.frameworks.recognition import named_or_table
from lrsched.numbers import whole
from lrsched.schedule import Floats, Schedule

__all__ = ["compiles", "from_keras", "rates_in_keras"]

KIND = "keras.src.optimizers.schedules.learning_rate_schedule"


def from_keras(schedule: Any, *, horizon: int | None = None) -> Schedule:
    """A LearningRateSchedule of keras, from 0 to a horizon.

    keras computes in float32. A named schedule is given only where it agrees with the rate of *every* iteration: to a
    few units of the rounding with the formula of the class in float64, which agrees with the calls to the rounding of
    float32. Else, and for classes that are not keras' own, it is a table; its last rate stays.

    Args:
        schedule: the schedule; it is called, not changed.
        horizon: the last iteration; where it is absent the one at which CosineDecay or PolynomialDecay ends.

    Raises:
        ModuleNotFoundError: without keras.
        TypeError, ValueError: for what is not such a schedule, or does not say where it ends.
    """
    if isinstance(schedule, type) or not (callable(schedule) and hasattr(schedule, "get_config")):
        raise TypeError(f"from_keras: give a LearningRateSchedule, got {schedule!r:.80}")
    name = type(schedule).__name__
    formula = FORMULAS.get(name) if made_by(schedule, KIND) else None
    config = schedule.get_config() if formula else {}
    last = horizon
    if last is None and "decay_steps" in config and name.startswith(("CosineDecay", "Poly")) and "t_mul" not in config:
        last = config["decay_steps"] + (config.get("warmup_steps", 0) if config.get("warmup_target") is not None else 0)
    if last is None:
        raise ValueError(f"{name} does not say where the run ends; give horizon=N")
    t = np.arange(whole("horizon", last, low=1) + 1)
    single = rates_in_keras(schedule, t)
    with np.errstate(all="ignore"):
        double = single if formula is None else np.asarray(formula(config, t.astype(np.float64)), np.float64)
    return named_or_table("from_keras", single, double)


def compiles() -> bool:
    """Whether keras computes with jax, which computes all rates at once."""
    with needed("keras"):
        import keras  # noqa: PLC0415 (loaded only by those who have it)

    return bool(keras.backend.backend() == "jax")


def rates_in_keras(schedule: Any, t: Any) -> Floats:
    """The rates that a schedule has at some steps when keras calls it, compiled where it compiles."""
    with needed("keras"):
        import keras  # noqa: PLC0415 (loaded only by those who have it)

    steps = keras.ops.convert_to_tensor(t.astype(np.int32))
    if compiles():
        import jax  # noqa: PLC0415 (keras has loaded it)

        return np.asarray(jax.jit(jax.vmap(schedule))(steps), np.float64)
    return np.array([float(schedule(each)) for each in steps])  # torch cannot map conditions


# --- the formulas, of the config and the steps as float64 -------------------------------------------------------------


def _exponential(c: Mapping[str, Any], t: Floats) -> Any:
    taken = t / c["decay_steps"]
    return c["initial_learning_rate"] * c["decay_rate"] ** (np.floor(taken) if c["staircase"] else taken)


def _inverse_time(c: Mapping[str, Any], t: Floats) -> Any:
    taken = t / c["decay_steps"]
    return c["initial_learning_rate"] / (1 + c["decay_rate"] * (np.floor(taken) if c["staircase"] else taken))


def _piecewise(c: Mapping[str, Any], t: Floats) -> Any:
    return np.asarray(c["values"], np.float64)[np.searchsorted(c["boundaries"], t, side="left")]


def _polynomial(c: Mapping[str, Any], t: Floats) -> Any:
    steps = c["decay_steps"] * (np.maximum(np.ceil(t / c["decay_steps"]), 1) if c["cycle"] else 1.0)
    left = 1 - np.minimum(t / steps, 1.0)
    return (c["initial_learning_rate"] - c["end_learning_rate"]) * left ** c["power"] + c["end_learning_rate"]


def _cosine(c: Mapping[str, Any], t: Floats) -> Any:
    first, peak, warmup = c["initial_learning_rate"], c["warmup_target"], c["warmup_steps"]
    if peak is None:
        first, peak, warmup = 0.0, first, 0
    x = np.clip((t - warmup) / c["decay_steps"], 0, 1)
    decay = peak * ((1 - c["alpha"]) * 0.5 * (1 + np.cos(np.pi * x)) + c["alpha"])
    return np.where(t < warmup, first + (peak - first) * t / max(warmup, 1), decay)


def _restarts(c: Mapping[str, Any], t: Floats) -> Any:
    taken, longer = t / c["first_decay_steps"], c["t_mul"]
    if longer == 1:
        cycle, begun, length = np.floor(taken), np.floor(taken), 1.0
    else:
        cycle = np.floor(np.log(1 - taken * (1 - longer)) / np.log(longer))
        begun, length = (1 - longer**cycle) / (1 - longer), longer**cycle
    wave = 0.5 * c["m_mul"] ** cycle * (1 + np.cos(np.pi * (taken - begun) / length))
    return c["initial_learning_rate"] * ((1 - c["alpha"]) * wave + c["alpha"])


FORMULAS: Mapping[str, Callable[[Mapping[str, Any], Floats], Any]] = {
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _restarts,
    "ExponentialDecay": _exponential,
    "InverseTimeDecay": _inverse_time,
    "PiecewiseConstantDecay": _piecewise,
    "PolynomialDecay": _polynomial,
}
