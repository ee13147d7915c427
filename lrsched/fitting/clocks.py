"""Which count of a schedule belongs to a logged step: late, too fast, once an epoch, with skipped steps; in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lrsched.schedule import Iterations, Schedule
from lrsched.schedules.combinators import clocked, steps_taken
from lrsched.text import counted

__all__ = ["Clock", "clock_sentence"]


@dataclass(frozen=True, kw_only=True)
class Clock:
    r"""How far a schedule has come at step s: :math:`\lfloor (s - late)\,times/each \rfloor` less what was skipped.

    >>> Clock(late=1).count(np.array([1, 2, 9])).tolist()
    [0, 1, 8]
    >>> Clock(times=4).count(np.array([0, 1, 2])).tolist(), Clock(late=1, each=100).count(np.array([100, 101])).tolist()
    ([0, 4, 8], [0, 1])
    >>> Clock(skipped=(3, 5)).count(np.arange(7)).tolist()
    [0, 1, 2, 2, 3, 3, 4]
    """

    late: int = 0  # so many logged steps pass before the schedule takes its first one
    times: int = 1  # the schedule advances so often at each step
    each: int = 1  # the schedule advances once in so many steps
    skipped: tuple[int, ...] = ()  # the logged steps at which the schedule did not advance

    def count(self, step: Any) -> Iterations:
        """The steps that the schedule has taken at each logged step, at least 0."""
        steps = np.asarray(step, np.int64)
        return steps_taken(steps, **vars(self))

    def applied(self, schedule: Schedule) -> Schedule:
        """The schedule as a function of the logged step."""
        if self == Clock():
            return schedule
        return clocked(schedule, **vars(self) | {"skipped": list(self.skipped)})

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


def clock_sentence(clock: Clock, usual: Clock, total: int) -> str:
    """How the schedule of a run whose rates all match differs from the plan, why, and what to write; empty: not at all.

    >>> print(clock_sentence(Clock(times=4), Clock(), 200))
    All 200 rates match the plan with a clock 4 times as fast: the scheduler is stepped once per process, or 4 times an
    update. Give total_steps x 4 (and warm-up x 4), or do not prepare the scheduler.
    >>> print(clock_sentence(Clock(skipped=(3, 7)), Clock(), 200))
    All 200 rates match the plan with 2 skipped steps, the first at step 3: an overflow of fp16 skips the optimizer and
    the scheduler, and the schedule ends 2 steps late. Nothing else is wrong.
    """
    rates = f"All {total} rates match the plan" if total > 1 else "The only rate matches the plan"
    if clock.times != usual.times:
        n = clock.times
        return (
            f"{rates} with a clock {n} times as fast: the scheduler is stepped once per process, or {n} times an\n"
            f"update. Give total_steps x {n} (and warm-up x {n}), or do not prepare the scheduler."
        )
    if clock.each != usual.each:
        n = clock.each
        return (
            f"{rates} when the schedule advances once in {n} logged steps: with accumulated gradients, or once an\n"
            f"epoch of {n} steps. Give total_steps / {n}, or step the scheduler at every logged step."
        )
    if clock.skipped:
        n = len(clock.skipped)
        steps = counted(n, "skipped step")
        at = f"the first at step {clock.skipped[0]}" if n > 1 else f"at step {clock.skipped[0]}"
        return (
            f"{rates} with {steps}, {at}: an overflow of fp16 skips the optimizer and\n"
            f"the scheduler, and the schedule ends {counted(n, 'step')} late. Nothing else is wrong."
        )
    late = clock.late - usual.late
    if abs(late) == 1:
        way, which = ("late", "previous") if late > 0 else ("early", "next")
        return f"{rates} one step {way}: each line shows the rate of the {which} step. Nothing else is wrong."
    if late:
        way = "behind" if late > 0 else "ahead of"
        return (
            f"{rates} when the schedule runs {counted(abs(late), 'step')} {way} the log: its count of steps was not\n"
            f"restored, or counted twice, when the run was resumed."
        )
    return ""
