"""An inferred schedule as a config: its keys are its parameters, so that the planner can change and try them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lrsched.log import Log
from lrsched.logged import Inference
from lrsched.rules import Changes, Offer, Planning, Terms
from lrsched.schedule import Schedule
from lrsched.schedules import NAMED, Named

__all__ = ["Fitted", "FittedPlanning", "fitted_config"]

NEAR, MOST = 0.02, 0.99
"""A schedule made of the parameters is that of the log where so many of its rates lie so near, shares of the peak."""


@dataclass(frozen=True)
class Fitted:
    """The call of a named schedule: ``make(**keys)``."""

    source: str
    make: Callable[..., Schedule]
    keys: Mapping[str, Any]

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """The rate by the logged step."""
        return {"rate": self.make(**self.keys)}

    def with_values(self, changes: Changes) -> Fitted:
        """The same call with other arguments."""
        return replace(self, keys={**self.keys, **changes})


class FittedPlanning(Planning):
    """What the arguments of a named schedule do."""

    terms: ClassVar[Terms] = Terms(horizon="horizon=", kept="peak")

    def stretched(self, horizon: int) -> Offer:
        keys, old = self.config.keys, self.config.keys["horizon"]
        times = {name: keys[name] for name in ("milestones", "decay", "every") if keys.get(name)}
        moved = {
            name: tuple(round(at * horizon / old) for at in time)
            if isinstance(time, list | tuple)
            else max(round(time * horizon / old), 1)
            for name, time in times.items()
        }
        return Offer({"horizon": horizon} | moved, "the same curve over the whole run")

    def decaying(self, horizon: int, start: int = 0) -> Changes | None:
        usual = tuple(round(start + share * (horizon - start)) for share in (0.8, 0.9))
        return {"milestones": usual} if "milestones" in self.config.keys else None

    def warmed(self, iterations: int) -> Changes | None:
        return {"warmup": max(iterations // 10, 1)} if "warmup" in self.config.keys else None

    def continued(self, start: int, horizon: int, ngpus: int = 1) -> Changes | None:
        keys = self.config.keys
        if keys.get("milestones"):
            left, more = keys["horizon"] - start, horizon - start
            moved = (
                at if at <= start or left <= 0 else start + round((at - start) * more / left)
                for at in keys["milestones"]
            )
            return {"horizon": horizon, "milestones": tuple(moved)}
        return {"horizon": horizon} if {"decay", "milestones"} & keys.keys() else None


def fitted_config(log: Log, found: Inference) -> Fitted | None:
    """The inferred schedule as a config, where a named schedule has the logged rates; None for any other."""
    # the drops of a plateau follow from the loss, so that nobody can move them
    if found.schedule is None or not found.complete or "peak" in found.open or found.family == "plateau":
        return None
    known = np.isfinite(log.rate)
    step, rate = log.iteration[known], log.rate[known]
    horizon = max(log.horizon or 0, int(step[-1]))
    for make, keys in _calls(found, horizon):
        if not {"peak", "horizon"} <= keys.keys():
            continue
        with suppress(ValueError, TypeError):
            config = Fitted(log.source, make, keys)
            near = np.abs(config.schedules()["rate"](step) - rate) <= NEAR * rate.max()
            if near.mean() >= MOST:
                return config
    return None


def _calls(found: Inference, horizon: int) -> Iterator[tuple[Callable[..., Schedule], dict[str, Any]]]:
    """The named schedules that may be the inferred one: itself, by its own count of steps, and by its family."""
    schedule = found.schedule
    if isinstance(schedule, Named) and schedule.name == "clocked":
        schedule = dict(schedule.arguments)["schedule"]
    if isinstance(schedule, Named):
        yield schedule.function, _with_horizon(schedule.function, dict(schedule.arguments), horizon)
    keys = dict(found.parameters)
    if found.family == "constant":
        keys["milestones"] = ()
    make = NAMED.get("multi_step" if found.family == "constant" else found.family.replace("-", "_"))
    if make is not None:
        yield make, _with_horizon(make, keys, horizon)


def _with_horizon(make: Callable[..., Schedule], keys: dict[str, Any], horizon: int) -> dict[str, Any]:
    """The arguments that a function takes; its horizon is that of the run where the call has none."""
    given = {"horizon": horizon, "warmup": 0} | {key: value for key, value in keys.items() if value is not None}
    return {key: value for key, value in given.items() if key in inspect.signature(make).parameters}
