"""What a fit says about a run, as people ask: how its clock differs from the plan, what changed at a resume."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lrsched.fitting.clocks import Clock
from lrsched.text import counted

__all__ = ["clock_sentence", "resume_sentences"]


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


def resume_sentences(pieces: Sequence[tuple[int, Any]], steps: Sequence[int]) -> list[str]:
    """What changed from one stretch of rows to the next: the horizon, the peak, or where the schedule stands.

    ``pieces`` are fits with the row each begins at, ``steps`` the logged steps of the rows.
    """
    found = []
    for (_, before), (row, after) in itertools.pairwise(pieces):
        one, other, at = before.parameters, after.parameters, f"From step {steps[row]} on"
        horizons, peaks = (one.get("horizon"), other.get("horizon")), (one.get("peak"), other.get("peak"))
        if before.family != after.family:
            found.append(f"{at} the rates follow another schedule: {after.family} after {before.family}.")
        elif before.clock != after.clock and horizons[0] == horizons[1] and peaks[0] == peaks[1]:
            found.append(f"{at} {_elsewhere(before.clock, after.clock, steps[row - 1], steps[row])}")
        elif None not in horizons and horizons[0] != horizons[1]:
            found.append(
                f"{at} the same formula fits a horizon of {horizons[1]}, before one of {horizons[0]}: "
                f"the number of steps changed when the run was resumed, and the rate jumps there."
            )
        elif peaks[0] != peaks[1]:
            found.append(f"{at} the peak is {peaks[1]:g}, before {peaks[0]:g}.")
    return found


def _elsewhere(before: Clock, after: Clock, last: int, first: int) -> str:
    """How the same schedule goes on at another place after the step ``last``."""
    late = after.late - before.late
    if last <= after.late <= first:
        return "the schedule begins again at its first step: its state was not restored when the run was resumed."
    if late and replace(after, late=before.late) == before:
        way, why = ("behind", "lost") if late > 0 else ("ahead", "counted twice")
        return f"the schedule is {counted(abs(late), 'step')} {way}: steps were {why} when the run was resumed."
    return f"the same schedule goes on, {after.words(before) or 'at another place'}."
