"""Schedules of keras: read by their configs and proven on their calls; those that are one of ours are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lrsched.frameworks.loading import made_by, needed
from lrsched.frameworks.recognition import named_or_table
from lrsched.numbers import whole
from lrsched.schedule import Floats, Schedule
from lrsched.schedules import Named, wellknown

__all__ = ["compiles", "from_keras", "own_class", "rates_in_keras"]

KIND: str = "keras.src.optimizers.schedules.learning_rate_schedule"


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
        TypeError, ValueError: for what is no such schedule, or one that does not say where it ends.
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


# --- a schedule of ours as one of keras' own --------------------------------------------------------------------------


def own_class(schedule: Schedule) -> Any | None:
    """The schedule of keras that has the formula of one of ours; None where there is none."""
    if not isinstance(schedule, Named) or schedule.function not in OWN:
        return None
    given = dict(schedule.arguments)
    made = OWN[schedule.function](given)
    if made is None:
        return None
    with needed("keras"):
        from keras.optimizers import schedules  # noqa: PLC0415 (loaded only by those who have it)

    name, arguments = made
    return getattr(schedules, name)(**arguments)


def _as_polynomial(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    if given["warmup"]:
        return None
    ends = {"initial_learning_rate": given["peak"], "end_learning_rate": given["final"]}
    return "PolynomialDecay", {**ends, "decay_steps": given["horizon"], "power": given.get("power", 1.0)}


def _as_cosine(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    peak, warmup = given["peak"], given["warmup"]
    if not peak:
        return None
    decay = {"decay_steps": given["horizon"] - warmup, "alpha": given["final"] / peak}
    if not warmup:
        return "CosineDecay", {"initial_learning_rate": peak, **decay}
    rise = {"initial_learning_rate": given["initial"], "warmup_target": peak, "warmup_steps": warmup}
    return "CosineDecay", {**rise, **decay}


def _as_exponential(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    if given["warmup"]:
        return None
    drops = {"decay_steps": given["every"], "decay_rate": given["factor"], "staircase": True}
    return "ExponentialDecay", {"initial_learning_rate": given["peak"], **drops}


def _as_piecewise(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    at = sorted(given["milestones"])
    if given["warmup"] or not at or at[0] < 1 or len(set(at)) < len(at):
        return None
    values = [given["peak"] * given["factor"] ** count for count in range(len(at) + 1)]
    return "PiecewiseConstantDecay", {"boundaries": [each - 1 for each in at], "values": values}


OWN: Mapping[Any, Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]] | None]] = {
    wellknown.constant: lambda given: ("ExponentialDecay", {
        "initial_learning_rate": given["rate"], "decay_steps": 1, "decay_rate": 1.0,
    }),
    wellknown.linear: _as_polynomial,
    wellknown.polynomial: _as_polynomial,
    wellknown.cosine: _as_cosine,
    wellknown.step: _as_exponential,
    wellknown.multi_step: _as_piecewise,
}  # fmt: skip
