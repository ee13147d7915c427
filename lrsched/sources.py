"""The one door: a path, a config, a schedule or any callable becomes a schedule."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from lrsched.import_path import imported
from lrsched.rules import Config
from lrsched.schedule import Schedule, as_part
from lrsched.trainers import TRAINERS

__all__ = ["Source", "as_config", "as_schedule", "config_of"]

Source: TypeAlias = str | os.PathLike[str] | Config | Schedule | Callable[[Any], Any]
"""What every function takes: a path, a config, a schedule, any function of the iteration or its ``module:name``."""

IMPORTABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def as_config(source: Any, **options: Any) -> Config | None:
    """The config that a source is, or that its path leads to; None for schedules and callables."""
    for trainer in TRAINERS:
        if trainer.config is not None and isinstance(source, trainer.config):
            return source
    if isinstance(source, (str, os.PathLike)) and not _is_import_path(source):
        reads = TRAINERS[0].read_config
        return None if reads is None else reads(source, **options)
    return None


def config_of(schedule: Schedule) -> Config | None:
    """The config that a trainer's schedule would come from; None for any other schedule."""
    return next((config for trainer in TRAINERS if (config := trainer.config_of(schedule)) is not None), None)


def as_schedule(source: Source, *, ngpus: int = 1, horizon: int | None = None, **options: Any) -> Schedule:
    """The learning rate of anything that has one; a Schedule is returned as it is.

    >>> as_schedule("math:sqrt", horizon=9)
    as_schedule('math:sqrt', horizon=9)

    Args:
        source: a path, a config, a schedule, a callable, or the name of one to import, such as ``"my.rates:decay"``.
        ngpus: the number of GPUs of the run, for configs.
        horizon: the last iteration of the run, for callables.
        options: options of the trainer that reads the path, such as ``dialect``.

    Raises:
        OSError, ValueError: for a path that cannot be read, or a name that cannot be imported.
    """
    config = as_config(source, **options)
    if config is not None:
        return next(iter(config.schedules(ngpus).values()))
    found = imported(source) if isinstance(source, str) else source
    if not callable(found):
        what = f"{source} is a {type(found).__name__}" if isinstance(source, str) else f"got {type(found).__name__}"
        raise TypeError(f"a schedule must be a path, a cfg, a Schedule or a callable; {what}")
    return as_part("a schedule", found, horizon)


def _is_import_path(source: Any) -> bool:
    """Whether a text names something to import, not a file (which may have a colon in its name)."""
    return isinstance(source, str) and IMPORTABLE.fullmatch(source) is not None and not Path(source).exists()
