"""The settings that a trainer prints when it starts, as a config value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lrsched.schedule import Schedule

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a log says about the schedule of its run.

    Attributes:
        source: the log.
        trainer: who printed it.
        rate: the learning rate by the schedule's own count of steps.
        words: the settings in one line.
    """

    source: str
    trainer: str
    rate: Schedule
    words: str

    def caption(self, ngpus: int = 1) -> str:
        """The schedule of the run in one line."""
        return f"{self.trainer} · {self.words}"

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """The schedule of the learning rate."""
        return {"learning rate": self.rate}
