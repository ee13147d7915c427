"""What the planner knows of these configs: drops that never come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lrsched.rules import Finding, Rule, Run, rule, warning
from lrsched.rules import Planning as AnyPlanning
from lrsched.text import joined

__all__ = ["Planning"]


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
