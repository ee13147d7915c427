"""Which count of a schedule belongs to a logged step: late, too fast, once an epoch, with skipped steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lrsched.schedule import Iterations, Schedule
from lrsched.schedules.combinators import clocked, steps_taken
from lrsched.text import counted

__all__ = ["Clock"]


@dataclass(frozen=True, kw_only=True)
class Clock:
    r"""How far a schedule has come at step s: :math:`\lfloor (s - late)\,times/each \rfloor` less what was skipped.

    >>> Clock(late=1).count(np.array([1, 2, 9])).tolist()
    [0, 1, 8]
    >>> Clock(times=4).count(np.array([0, 1, 2])).tolist(), Clock(late=1, each=100).count(np.array([100, 101])).tolist()
    ([0, 4, 8], [0, 1])
    >>> Clock(skipped=(3, 5)).count(np.arange(7)).tolist()
    [0, 1, 2, 2, 3, 3, 4]

    Attributes:
        late: so many logged steps pass before the schedule takes its first one.
        times: the schedule advances so often at each step.
        each: the schedule advances once in so many steps.
        skipped: the logged steps at which the schedule did not advance.
    """

    late: int = 0
    times: int = 1
    each: int = 1
    skipped: tuple[int, ...] = ()

    def count(self, step: Any) -> Iterations:
        """The steps that the schedule has taken at each logged step, at least 0."""
        steps = np.asarray(step, np.int64)
        return steps_taken(steps, late=self.late, times=self.times, each=self.each, skipped=self.skipped)

    def applied(self, schedule: Schedule) -> Schedule:
        """The schedule as a function of the logged step."""
        if self == Clock():
            return schedule
        return clocked(schedule, late=self.late, times=self.times, each=self.each, skipped=list(self.skipped))

    def words(self, usual: Clock) -> str:
        """What is unusual about it, in words; empty when nothing is."""
        parts = []
        if self.times > 1:
            parts.append(f"{self.times} times as fast as the steps that are logged")
        if self.each > 1 and self.each != usual.each:
            parts.append(f"once in {self.each} logged steps")
        if self.skipped:
            parts.append(f"with {counted(len(self.skipped), 'skipped step')}")
        late = self.late - usual.late
        if late and not parts:
            parts.append(f"{counted(abs(late), 'step')} {'late' if late > 0 else 'early'}")
        return ", ".join(parts)
