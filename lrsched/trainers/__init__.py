"""What each trainer's config means and what its log says, one package per trainer.

A trainer is a package that offers one ``Trainer``: how to tell its files by their content, and how to read them.
Everything else in lrsched asks these records and the values they return; it names no trainer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lrsched.rules import Config, Planning
from lrsched.schedule import Schedule
from lrsched.trainers import darknet
from lrsched.trainers.darknet import solving

__all__ = ["TRAINERS", "Config", "Trainer"]


@dataclass(frozen=True)
class Trainer:
    """One trainer.

    Attributes:
        name: what people call it.
        config: the class of its config values.
        read_config: reads a config from a path or an open file; options are the trainer's own (a dialect).
        schedules: the classes its schedules are made of, by whose names they are stored.
        config_of: the config that one of its schedules would come from; None for other schedules.
        planning: what its configs know about themselves, for the planner: rules, and keys that bend the curve.
    """

    name: str
    config: type[Config]
    read_config: Callable[..., Any]
    schedules: tuple[type, ...]
    config_of: Callable[[Schedule], Config | None]
    planning: type[Planning]


TRAINERS: tuple[Trainer, ...] = (
    Trainer(
        "darknet",
        darknet.Net,
        darknet.read_cfg,
        (*darknet.POLICIES, darknet.BurnIn, darknet.Arithmetic),
        darknet.net_of,
        solving.Planning,
    ),
)
