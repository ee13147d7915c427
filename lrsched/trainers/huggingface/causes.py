"""Why the rates of a log are not those of its arguments, in a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lrsched.fitting import Clock, Observed, clock_of, fit
from lrsched.log import Log
from lrsched.schedule import LAST_ITERATION, Iterations, Schedule
from lrsched.text import counted, joined
from lrsched.trainers.huggingface.arguments import Arguments
from lrsched.trainers.huggingface.reading import clocks
from lrsched.trainers.huggingface.schedules import schedule_of
from lrsched.trainers.yaml import ConfigError

__all__ = ["causes"]

SHOWN = 3
"""So many skipped steps are named."""


def causes(log: Log, observed: Observed, config: Any) -> Iterator[str]:
    """What explains every rate of a log that does not follow its arguments, the likeliest first."""
    if not isinstance(config, Arguments):
        return
    usual = clocks(log)
    found = clock_of(curve_of(config), observed, usual)
    if found is not None:
        yield from _of_clock(found.clock)
        return
    for clock in usual:
        yield from _resumed(observed, config, clock)
    yield from _deepspeed(observed, config, log)


def curve_of(config: Arguments) -> Schedule:
    """The rate that the arguments plan."""
    return next(iter(config.schedules().values()))


def _of_clock(clock: Clock) -> Iterator[str]:
    if clock.times > 1:
        yield (
            f"All rates match the plan with a clock {clock.times} times as fast: the schedule is stepped once for each "
            f"process (or each accumulated batch). Give it {clock.times} times the steps, those of the warm-up too, or "
            f"do not pass it to accelerator.prepare()."
        )
    elif clock.each > 1:
        yield (
            f"All rates match the plan with a clock that advances once in {clock.each} steps: with gradient "
            f"accumulation there are fewer steps of the optimizer than batches. Divide the steps of the schedule by "
            f"{clock.each}."
        )
    elif clock.skipped:
        steps = sorted(set(clock.skipped))
        at = joined(steps) if len(steps) <= SHOWN else f"from step {steps[0]} to {steps[-1]}"
        yield (
            f"All rates match the plan with {counted(len(clock.skipped), 'skipped step')} ({at}): gradients overflowed "
            f"in mixed precision, so neither the optimizer nor the schedule advanced. Nothing else is wrong."
        )


def _resumed(observed: Observed, config: Arguments, clock: Clock) -> Iterator[str]:
    """A run that went on with another number of steps, by which the schedule is then computed."""
    k = clock.count(observed.step)
    wrong = np.flatnonzero(~observed.matches(curve_of(config)(k)))
    before = wrong[0] < len(observed) - 1 - wrong[-1]  # the rows with the other number of steps come first
    cut = int(wrong[-1]) + 1 if before else int(wrong[0])
    part = slice(0, cut) if before else slice(cut, None)
    other = _of_length(observed.rows(part), config, k[part])
    if 0 < cut < len(observed) and other is not None:
        first, then = (other, config.max_steps) if before else (config.max_steps, other)
        last, new = (f"{observed.rate[row]:.4g} at step {observed.step[row]}" for row in (cut - 1, cut))
        yield (
            f"The rates are those of max_steps={first} at first, then those of max_steps={then}: the run was resumed "
            f"with another number of steps, and the rate jumps from {last} to {new}."
        )


def _of_length(rows: Observed, config: Arguments, k: Iterations) -> int | None:
    """The number of steps with which the arguments explain these rows: the more there are, the higher is a rate."""
    low, high = max(int(k[-1]), 1), LAST_ITERATION
    try:
        while low < high:
            middle = (low + high) // 2
            enough = curve_of(replace(config, max_steps=middle))(k[-1]) >= rows.rate[-1] - rows.slack[-1]
            low, high = (low, middle) if enough else (middle + 1, high)
        return low if rows.matches(curve_of(replace(config, max_steps=low))(k)).all() else None
    except ConfigError:
        return None


def _deepspeed(observed: Observed, config: Arguments, log: Log) -> Iterator[str]:
    """Another schedule that DeepSpeed put in place of the one of the arguments."""
    found = fit(observed, clocks(log))
    if found is None or not found.complete or config.scheduler or not found.parameters.get("warmup"):
        return
    peak, warmup, start = (found.parameters.get(key, 0) for key in ("peak", "warmup", "initial"))
    for kind in "WarmupLR", "WarmupDecayLR":
        curve = schedule_of(kind, peak, warmup, config.max_steps, warmup_min_lr=start)
        if clock_of(curve, observed, [found.clock]) is not None:
            yield (
                f"The rates are those of DeepSpeed's {kind}, from {start:g} to {peak:g} in {warmup} steps, not those "
                f"of {config.lr_scheduler_type}: the scheduler in its config replaces lr_scheduler_type."
            )
