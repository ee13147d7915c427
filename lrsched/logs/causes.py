"""Why the rates of a log are not those of its plan: another clock, another rate, another schedule, another run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.fitting import Clock, Fit, Observed, clock_of, clock_sentence, fit
from lrsched.log import Log
from lrsched.logged import Inference
from lrsched.logs.inferring import clocks_of, infer
from lrsched.schedule import Schedule
from lrsched.trainers import home_of, trainer_of

__all__ = ["causes"]

LEAST_PART = 4  # records of a part that is as planned
HALF, PLAIN = 0.5, 6  # in the other part fewer rates are as planned than this share, or its schedule costs no more
LEAST_LEVELS = 2  # so few different rates do not show a clock: they may drop anywhere
MANY_EPOCHS = 5  # from so many epochs on, a schedule that is ahead by a multiple of them is so because of them
MOST_TIMES = 64  # the most times a clock may be faster or slower


def causes(
    log: Log, observed: Observed, config: Any, plan: Schedule, ngpus: int, inferred: Inference | None
) -> Iterator[str]:
    """What explains the rates of a log that is not as planned, a sentence each, the likeliest first.

    The last one always holds; what was ``inferred`` is not inferred again.
    """
    trainer, clocks = trainer_of(log), clocks_of(log)
    own = trainer.logs().readings if home_of(config) is trainer else None
    other: Fit | None = clock_of(plan, observed, clocks)
    if other is not None and _is_shown(other.clock, clocks[0], observed):
        yield _of_clock(other.clock, clocks[0], plan, log, observed)
    for reading, sentence in own(config, log, observed) if own is not None else ():
        curve = next(iter(reading.schedules(ngpus).values()))
        if any(observed.matches(curve(clock.count(observed.step))).all() for clock in clocks):
            yield sentence
    yield from _scaled(observed, plan, clocks)
    good = max((observed.matches(plan(clock.count(observed.step))) for clock in clocks), key=np.sum)
    yield from _moved(observed, good, clocks, plan, log.unit)
    found = inferred or infer(log)
    if found.complete:
        yield f"The log is of another schedule: {found.schedule!r}."
    yield from _in_part(observed, good, clocks, log.unit)
    yield "Cannot tell why: nothing simple explains the logged rates."


def _is_shown(clock: Clock, usual: Clock, observed: Observed) -> bool:
    """Whether the rates are enough for a clock, and between two records no more was skipped than lies between them."""
    at, lost = np.unique(np.array(clock.skipped, np.int64), return_counts=True)
    between = np.diff(observed.step, prepend=-1)[np.searchsorted(observed.step, at)]
    near = (clock.times, clock.each) == (usual.times, usual.each) and abs(clock.late - usual.late) <= 1
    return bool((lost <= between).all()) and (near or len(np.unique(observed.rate)) > LEAST_LEVELS)


def _of_clock(clock: Clock, usual: Clock, plan: Schedule, log: Log, observed: Observed) -> str:
    """What another clock means, with the factors that explain the rates as well."""
    fast, slow = clock.times != usual.times, clock.each != usual.each
    factors = range(2, MOST_TIMES + 1) if fast or slow else ()
    tried = [(n, replace(usual, times=n) if fast else replace(usual, each=n)) for n in factors]
    fits = [n for n, other in tried if observed.matches(plan(other.count(observed.step))).all()]
    if said := _of_epochs(usual.late - clock.late, log, clock):
        return said
    said = clock_sentence(clock, usual, len(observed)).replace("\n", " ")
    if log.unit != "iteration":
        words = clock.words(usual).replace("step", log.unit)
        said = f"The log is of this schedule, but the schedule advanced {words}."
    return said if len(fits) < 2 else f"{said} The log leaves the factor open: those from {fits[0]} to {fits[-1]} fit."


def _of_epochs(ahead: int, log: Log, clock: Clock) -> str:
    """That a resumed run has epochs of another length, so that the count of the checkpoint lies ahead; or empty."""
    begun = log.epoch[0]
    if clock.skipped or not ahead or not begun >= MANY_EPOCHS or ahead % begun:
        return ""
    way, has, ends = ("later", "fewer", "before") if ahead > 0 else ("before", "more", "after")
    each = f"{abs(ahead) / begun:g} for each of the {begun:g} epochs before the resume"
    return (
        f"All {len(log)} rates match the plan {abs(ahead)} steps {way}, {each}: an epoch has {has} iterations since, "
        f"but the count came from the checkpoint, so the schedule ends {abs(ahead)} steps {ends} the run."
    )


def _scaled(observed: Observed, plan: Schedule, clocks: Sequence[Clock]) -> Iterator[str]:
    """That all rates are so many times the planned ones."""
    for clock in clocks:
        planned = np.asarray(plan(clock.count(observed.step)), np.float64)
        top = int(planned.argmax())
        ratio = observed.rate[top] / planned[top] if planned[top] > 0 else 0.0
        short = (float(f"{ratio:.{digits}g}") for digits in range(1, 13))
        if (known := next((each for each in short if observed.matches(each * planned).all()), 0.0)) > 0:
            whole = max(known, 1 / known)
            why = ": scaled before the training, as for a number of GPUs or a batch" * (
                abs(whole - round(whole)) < 1e-9
            )
            peaks = f"the largest is {observed.rate[top]:.6g}, not {planned[top]:.6g}"
            yield f"All rates are {known:g} times the planned ones{why}; {peaks}."


def _moved(
    observed: Observed, good: NDArray[np.bool_], clocks: Sequence[Clock], plan: Schedule, unit: str
) -> Iterator[str]:
    """That from some record on, a resume, the plan lies behind the rates, or ahead of them."""
    first, step, usual = int(np.argmin(good)), observed.step, clocks[0]
    levels = len(np.unique(observed.rate[first:]))  # where the rate drops but once, some count always fits
    enough = first >= LEAST_PART and levels > LEAST_LEVELS
    found = clock_of(plan, observed.rows(slice(first, None)), [usual]) if enough else None
    if found is None or (found.clock.times, found.clock.each) != (usual.times, usual.each):
        return
    lost, late = found.clock.skipped, found.clock.late - usual.late
    if set(lost) <= {int(step[first])} and (behind := late + len(lost)):
        why = "was not restored" if behind > 0 else "was restored twice, or is of epochs of another length,"
        yield (
            f"Up to {step[first - 1]} the rates are as planned; from {step[first]} on they are those of {abs(behind)} "
            f"{unit}s {'before' if behind > 0 else 'later'}: the count of the schedule {why} when the run was resumed."
        )


def _in_part(observed: Observed, good: NDArray[np.bool_], clocks: Sequence[Clock], unit: str) -> Iterator[str]:
    """That the rates are as planned from some record on, or up to one, and of one other schedule elsewhere."""
    bad, step, size = np.flatnonzero(~good), observed.step, len(good)
    first, last = int(bad[0]), int(bad[-1])
    cuts = [(last + 1, False)] if size - 1 - last >= LEAST_PART else []
    cuts += [(first, True)] if first >= LEAST_PART else []
    for cut, planned_first in cuts:
        before, after = slice(0, cut), slice(cut, None)
        mine, rest = (before, after) if planned_first else (after, before)
        found = fit(replace(observed.rows(rest), horizon=None), clocks)
        if found is None or not found.complete or (good[rest].mean() >= HALF and found.cost > PLAIN):
            continue
        if not planned_first and observed.matches(found.schedule(step))[cut]:  # the two only meet there
            continue
        there = (f"up to {step[cut - 1]}", f"from {step[cut]} on")
        begin = f"{there[not planned_first].capitalize()} the rates are as planned; {there[planned_first]} they are"
        same = fit(replace(observed.rows(mine), horizon=None), clocks)
        ends = [one.parameters.get("horizon") for one in (same, found) if one is not None]
        jump = f"the rate jumps from {observed.rate[cut - 1]:.4g} to {observed.rate[cut]:.4g}"
        if same is not None and same.family == found.family and None not in ends and ends[0] != ends[1]:
            resumed = f"the run was resumed with another number of {unit}s, and {jump}"
            yield f"{begin} those of a horizon of {ends[1]}, not {ends[0]}: {resumed}."
        yield f"{begin} of {found.schedule!r}, as after a resume with another config: {jump}."
