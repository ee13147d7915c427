"""The one door: a path, a config, a schedule or any callable becomes a schedule."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeAlias

from lrsched.schedule import Schedule, schedule_of
from lrsched.trainers import TRAINERS, Config

__all__ = ["Source", "as_config", "as_schedule"]

Source: TypeAlias = str | os.PathLike[str] | Config | Schedule | Callable[[Any], Any]
"""What every function takes: the path of a config, a config, a schedule, any function of the iteration."""


def as_config(source: Any, **options: Any) -> Config | None:
    """The config that a source is, or that its path leads to; None for schedules and callables.

    Raises:
        OSError: for a path that cannot be opened.
        ValueError: for a config that its trainer would not read.
    """
    for trainer in TRAINERS:
        if isinstance(source, trainer.config):
            return source
    if isinstance(source, (str, os.PathLike)):
        found: Config = TRAINERS[0].read_config(source, **options)
        return found
    return None


def as_schedule(source: Source, *, ngpus: int = 1, horizon: int | None = None, **options: Any) -> Schedule:
    """The learning rate of anything that has one; a Schedule is returned as it is.

    Args:
        source: a path, a config, a schedule or a callable.
        ngpus: the number of GPUs of the run, for configs.
        horizon: the last iteration of the run, for callables.
        options: options of the trainer that reads the path, such as ``dialect``.

    >>> as_schedule(lambda t: 0.1 / (t + 1))([0, 1, 4]).tolist()
    [0.1, 0.05, 0.02]

    Raises:
        OSError, ValueError: for a path that cannot be read.
        TypeError: for what is none of these.
    """
    config = as_config(source, **options)
    if config is not None:
        return next(iter(config.schedules(ngpus).values()))
    return schedule_of(source, horizon=horizon)  # type: ignore[arg-type]
