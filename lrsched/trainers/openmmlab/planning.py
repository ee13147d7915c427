"""What the planner knows of these configs: drops that never come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from lrsched.rules import Finding, Rule, Run, rule, warning
from lrsched.rules import Planning as AnyPlanning
from lrsched.shaping import Key, Shaping
from lrsched.text import joined

__all__ = ["Planning", "Shaped"]


@rule("steps-beyond-run", hides="never-decays")
def steps_beyond_run(run: Run) -> Iterator[Finding]:
    """Steps or milestones of a longer schedule (2x in a run of 1x): the rate never drops there.

    Source: open-mmlab/mmdetection#7789.
    """
    total = (run.schedule.horizon or 0) + 1
    drops = run.config.drops()
    late = [at for at in drops if at >= total]
    if late:
        lie, drop = ("lies", "a drop") if len(late) == 1 else ("lie", "drops")
        message = f"{drop.capitalize()} at iteration {joined(late)} {lie} beyond the run of {total} iterations"
        yield warning(f"{message}; give steps (milestones) before its end, usually at 2/3 and 11/12 of it.", total - 1)


class Planning(AnyPlanning):
    """A config as the planner sees it."""

    rules: ClassVar[tuple[Rule, ...]] = (steps_beyond_run,)


SHAPES = ("optimizer", "optim_wrapper", "lr_config", "param_scheduler", "runner", "train_cfg", "total_epochs")
"""The settings whose numbers shape the rate."""


class Shaped(Shaping):
    """What can be shaped of a config: the numbers of some of its settings, by their paths."""

    def shown(self) -> Iterator[Key]:
        length = self.config.epoch_length
        yield Key("iterations_per_epoch", length, int, default=length)
        yield from _numbers({name: self.config.settings[name] for name in SHAPES if name in self.config.settings}, "")


def _numbers(settings: Any, path: str) -> Iterator[Key]:
    """Every number, and list of them, below a path."""
    if isinstance(settings, list) and settings and all(type(each) in (int, float) for each in settings):
        whole = all(type(each) is int for each in settings)
        yield Key(path, tuple(settings), tuple, default=tuple(settings), whole=whole)
    elif isinstance(settings, dict | list):
        for name, value in enumerate(settings) if isinstance(settings, list) else settings.items():
            yield from _numbers(value, f"{path}.{name}".removeprefix("."))
    elif type(settings) in (int, float):
        yield Key(path, settings, type(settings), default=settings)
