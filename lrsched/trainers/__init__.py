"""What each trainer's config means and what its log says, one package per trainer.

A trainer is a package that offers one ``Trainer``: how to recognise its files, and how to read them. Everything else in
lrsched asks these records and the values they return; it names no trainer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrsched.rules import Config, Planning
from lrsched.schedule import Schedule
from lrsched.trainers import darknet
from lrsched.trainers.darknet import solving

if TYPE_CHECKING:
    from lrsched.log import Log, TrainerLogs

__all__ = ["TRAINERS", "Config", "Trainer", "trainer_of"]


@dataclass(frozen=True)
class Trainer:
    """One trainer; one without configs gives only its name and its logs.

    Attributes:
        name: what people call it.
        logs: what its logs say, loaded when a log is read.
        config: the class of its config values.
        read_config: reads a config from a path or an open file; options are the trainer's own (a dialect).
        schedules: the classes its schedules are made of, by whose names they are stored.
        config_of: the config that one of its schedules would come from; None for other schedules.
        planning: what its configs know about themselves, for the planner: rules, and keys that bend the curve.
    """

    name: str
    logs: Callable[[], TrainerLogs]
    config: type[Config] | None = None
    read_config: Callable[..., Any] | None = None
    schedules: tuple[type, ...] = ()
    config_of: Callable[[Schedule], Config | None] = lambda schedule: None
    planning: type[Planning] | None = None


def _darknet_logs() -> TrainerLogs:
    from lrsched.trainers.darknet.log import LOGS  # noqa: PLC0415 (a plan starts without the readers of logs)

    return LOGS


TRAINERS: tuple[Trainer, ...] = (
    Trainer(
        "darknet",
        _darknet_logs,
        darknet.Net,
        darknet.read_cfg,
        (*darknet.POLICIES, darknet.BurnIn, darknet.Arithmetic),
        darknet.net_of,
        solving.Planning,
    ),
)
"""The first is the one whose log is looked for where none is recognised by its beginning."""


def trainer_of(thing: Config | Log) -> Trainer:
    """The trainer that a config or a log belongs to."""
    name = getattr(thing, "trainer", None)
    return next(each for each in TRAINERS if each.name == name or (each.config and isinstance(thing, each.config)))
