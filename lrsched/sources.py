"""The one door: a path, a config, a schedule or any callable becomes a schedule here, or all schedules of a run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from numpy.typing import NDArray

from lrsched.frameworks import SchedulerLike, schedules_of
from lrsched.numbers import GPU_LIMIT, whole
from lrsched.rules import Config
from lrsched.schedule import Part, Schedule, as_part, imported
from lrsched.text import did_you_mean
from lrsched.trainers import TRAINERS, Trainer, configs_of

__all__ = ["Source", "as_config", "as_schedule", "as_schedules", "config_of", "is_config", "read_config"]

Source: TypeAlias = (
    str | os.PathLike[str] | Config | Part | SchedulerLike | Sequence[Any] | NDArray[Any] | Mapping[str, Any]
)
"""What every function takes: a path, a config, a schedule, a scheduler of a framework, a list of rates, any function of
the iteration or its ``module:name``; of a mapping of them the first."""

IMPORTABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
LOGS = (".csv", ".json", ".jsonl", ".log", ".txt")  # how logs end, which are not configs
BEGINNING = 4096  # so many bytes tell whose config a file is


def is_config(source: Any) -> bool:
    """Whether a value is a trainer's config, which answers for itself."""
    return callable(getattr(source, "schedules", None)) and callable(getattr(source, "caption", None))


def as_config(source: Any, *, data: Mapping[str, Any] | None = None, **options: Any) -> Config | None:
    """The config that a source is, or that its path leads to; None for schedules and callables.

    ``data`` are facts of the data set, for trainers that count with them.
    """
    if isinstance(source, (str, os.PathLike)) and not _is_import_path(source):
        return read_config(source, data=data, **options)
    return source if is_config(source) else None


def read_config(
    source: Any, changes: Mapping[str, str] | None = None, *, data: Mapping[str, Any] | None = None, **options: Any
) -> Config:
    """Read the config of a path or an open file of bytes, of the first trainer that knows it.

    ``changes`` are keys with the values they are read with, as on a command line.

    Raises:
        OSError: for a file that cannot be opened.
        TypeError: for an option that its trainer does not have.
        ValueError: for a folder without a config, or a config with which the trainer does not run.
    """
    trainer = _trainer_at(source)
    assert trainer.configs is not None
    configs = trainer.configs()
    options = {name: value for name, value in options.items() if value is not None}
    for name in options.keys() - configs.options:
        near = did_you_mean(name, configs.options)
        raise TypeError(f"{source}: a config of {trainer.name} is read without the option {name}{near}")
    options |= {name: value for name, value in (data or {}).items() if name in configs.options and value is not None}
    config: Config = configs.read(source, changes or {}, **options)
    return config


def _trainer_at(source: Any) -> Trainer:
    """The trainer whose config is at a path, or in an open file that can be read from its beginning again."""
    if hasattr(source, "read"):
        path, begin = str(getattr(source, "name", "<file>")), source.read(BEGINNING)
        source.seek(0)
    else:
        path = os.fsdecode(source)
        begin = b""
        if os.path.isfile(path):  # a pipe could be read only once
            with open(path, "rb") as file:
                begin = file.read(BEGINNING)
    for trainer in (*TRAINERS[1:], TRAINERS[0]):
        if trainer.configs is not None and trainer.detect(path, begin):
            break
    else:
        raise ValueError(
            f"{path}: this folder holds no config of a training run; name the folder of one run, or a file"
        )
    if trainer is TRAINERS[0] and path.endswith(LOGS):
        for other in TRAINERS[1:]:
            if other.logs().begins(begin, path):
                raise ValueError(f"{path}: this is a log of {other.name}, not a config; lrsched log reads it")
        if path.endswith(".log") and not begin.lstrip().startswith((b"[", b"#", b";")):
            raise ValueError(f"{path}: this is a log, not a config; lrsched log reads it")
    return trainer


def config_of(schedule: Schedule) -> Config | None:
    """The config that a trainer's schedule would come from; None for any other schedule."""
    configs = configs_of(schedule)
    return None if configs is None else configs.config_of(schedule)


def as_schedules(
    source: Source, *, ngpus: int = 1, horizon: int | None = None, target: int | None = None, **options: Any
) -> Mapping[str, Schedule]:
    """Every schedule of a run by name, the learning rate people look at first; see :func:`as_schedule`.

    >>> as_schedules({"rate": "math:sqrt", "momentum": lambda t: 0.9}, horizon=9)["rate"]
    as_schedule('math:sqrt', horizon=9)
    """
    if isinstance(source, Mapping) and source:
        given: dict[str, Any] = {"ngpus": ngpus, "horizon": horizon, "target": target}
        return {str(name): as_schedule(each, **given) for name, each in source.items()}
    config = as_config(source, **options)
    if config is not None:
        return config.schedules(whole("ngpus", ngpus, low=1, high=GPU_LIMIT))
    found = imported(source) if isinstance(source, str) else source
    stepped = schedules_of(found, horizon, target)
    if stepped is not None:
        return stepped
    if not callable(found):
        what = f"{source} is a {type(found).__name__}" if isinstance(source, str) else f"got {type(found).__name__}"
        raise TypeError(f"a schedule must be a path, a config, a Schedule, a scheduler or a callable; {what}")
    return {"rate": as_part("a schedule", found, horizon)}


def as_schedule(
    source: Source, *, ngpus: int = 1, horizon: int | None = None, target: int | None = None, **options: Any
) -> Schedule:
    """The learning rate of anything that has one; a Schedule is returned as it is.

    >>> as_schedule("math:sqrt", horizon=9)
    as_schedule('math:sqrt', horizon=9)

    Args:
        source: a path, a config, a schedule, a scheduler of torch, timm or mmengine (a copy is stepped), a list of
            rates, a callable, or the name of one to import, such as ``"my.rates:decay"``.
        ngpus: the number of GPUs of the run, for configs.
        horizon: the last iteration of the run, for callables and schedulers.
        target: the last iteration of the run, for schedulers that do not say where they end.
        options: options of the trainer that reads the path, such as ``dialect`` or ``iterations_per_epoch``.

    Raises:
        OSError, ValueError: for a path that cannot be read, or a name that cannot be imported.
    """
    return next(iter(as_schedules(source, ngpus=ngpus, horizon=horizon, target=target, **options).values()))


def _is_import_path(source: Any) -> bool:
    """Whether a text names something to import, not a file (which may have a colon in its name)."""
    return isinstance(source, str) and IMPORTABLE.fullmatch(source) is not None and not os.path.exists(source)
