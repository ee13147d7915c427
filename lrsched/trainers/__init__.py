"""What each trainer's config means and what its log says, one package per trainer.

A trainer is a package that offers one ``Trainer``: how to tell its files by their content, and how to read them.
Everything else in lrsched asks these records and the values they return; it names no trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lrsched.schedule import Schedule
from lrsched.trainers import darknet

__all__ = ["TRAINERS", "Config", "Trainer"]


class Config(Protocol):
    """A trainer's config as a value that answers for itself."""

    @property
    def source(self) -> str:
        """Where it was read from, as messages name it."""

    def caption(self, ngpus: int = 1) -> str:
        """The run in one line, as a picture calls it; its parts are joined by a middle dot."""

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """Every schedule of a run by name; the first is the learning rate people look at."""


@dataclass(frozen=True)
class Trainer:
    """One trainer.

    Attributes:
        name: what people call it.
        config: the class of its config values.
        read_config: reads a config from a path or an open file; options are the trainer's own (a dialect).
        schedules: the classes its schedules are made of, by whose names they are stored.
    """

    name: str
    config: type[Config]
    read_config: Callable[..., Any]
    schedules: tuple[type, ...]


TRAINERS: tuple[Trainer, ...] = (
    Trainer("darknet", darknet.Net, darknet.read_cfg, (*darknet.POLICIES, darknet.BurnIn, darknet.Arithmetic)),
)
