"""The curves of a run as they are judged: its losses and metric with what the rate does beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from lrsched.curves.course import Course
from lrsched.curves.robust import Floats, group_medians, running_median

__all__ = ["Curves", "Stairs", "Turn", "read_curves"]

# fewer points say nothing; a curve of more is looked at through the medians of so many groups of them
FEWEST, POINTS = 10, 300
PIECE = 0.5  # a log that begins later than this share of its own length shows only a piece of the run
# the shortest epoch, as a share of the run, whose steps can be seen; the fewest points of a run, and of an epoch
MOST_STAIRS, LEAST_STAIRS, LEAST_POINTS = 0.06, 24, 8
# a rate that changes by the first factor from one record to the next, and by less than the second before, turned
JUMP, STEADY = 1.5, 1.15
LARGEST_RATE, LARGEST = 1e100, 1e140  # beyond these, numbers are cut, so that their squares and differences are finite


@dataclass(frozen=True)
class Turn:
    """Where the rate changes at once."""

    kind: str  # a drop, or a restart, which takes back a decay
    step: float
    factor: float
    rates: tuple[float, float]  # before and after


@dataclass(frozen=True)
class Stairs:
    """A loss that falls in steps."""

    period: float  # how far they are apart
    share: float  # so much of the fall after the first of them


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of a run."""

    step: Floats
    rate: Floats
    courses: Mapping[str, Course]  # train, val (the metric where it is missing) and metric; what is better is lower
    turns: Sequence[Turn]
    nan_from: float | None  # the step from which a loss is not a number
    higher: bool  # whether the metric was turned over
    unit: str  # what the sentences call a step

    @property
    def train(self) -> Course | None:
        return self.courses.get("train")

    @property
    def val(self) -> Course | None:
        return self.courses.get("val")

    @property
    def metric(self) -> Course | None:
        """The metric; None where it stands in for validation."""
        found = self.courses.get("metric")
        return None if found is self.val else found

    @property
    def judged(self) -> Course | None:
        """What counts: validation where it is known."""
        return self.val or self.train

    @cached_property
    def stairs(self) -> Stairs | None:
        """The steps in which the training loss falls, epoch by epoch."""
        drops = sum(turn.kind == "drop" for turn in self.turns)
        return None if self.train is None or drops > 1 else _stairs(self.train)

    @property
    def rates(self) -> tuple[float, float] | None:
        """The highest and the last rate."""
        known = self.rate[np.isfinite(self.rate)]
        return (float(known.max()), float(known[-1])) if known.size and known.max() > 0 else None

    @property
    def is_piece(self) -> bool:
        """Whether the log begins so late that the beginning of the run is not in it."""
        return bool(self.step[0] > PIECE * (self.step[-1] - self.step[0]))

    def share(self, step: float) -> float:
        """The share of the run that is over at a step."""
        return float((step - self.step[0]) / ((self.step[-1] - self.step[0]) or 1.0))


def read_curves(steps: ArrayLike, given: Mapping[str, ArrayLike | None], higher: bool, unit: str) -> Curves:
    """The columns of a run, and as courses those in which something moves."""
    step, columns = _columns(steps, given)
    rate = np.clip(columns.pop("rate", np.full(step.size, np.nan)), -LARGEST_RATE, LARGEST_RATE)
    if not columns:
        raise ValueError("curves need a loss: give train, val or metric")
    if higher and "metric" in columns:
        columns["metric"] = -columns["metric"]
    turns = _turns(step, rate)
    moving = [name for name, column in columns.items() if np.unique(column[np.isfinite(column)]).size > 1]
    found = {name: _course(step, columns[name], turns) for name in moving or columns}
    courses = {name: course for name, course in found.items() if course is not None}
    if "val" not in courses and "metric" in courses:
        courses["val"] = courses["metric"]
    return Curves(step, rate, courses, turns, _nan_from(step, columns), higher, unit)


def _columns(steps: ArrayLike, given: Mapping[str, ArrayLike | None]) -> tuple[Floats, dict[str, Floats]]:
    """The rows that count: of a run that goes back to an earlier step, the later ones."""
    step = np.asarray(steps, np.float64)
    columns = {name: np.asarray(column, np.float64) for name, column in given.items() if column is not None}
    for name, column in columns.items():
        if column.shape != step.shape or step.ndim != 1:
            raise ValueError(f"{name} must be a list as long as steps ({step.size}), got the shape {column.shape}")
    kept = np.flatnonzero(np.isfinite(step))
    kept = kept[step[kept] == np.minimum.accumulate(step[kept][::-1])[::-1]]
    return step[kept], {name: column[kept] for name, column in columns.items()}


def _nan_from(step: Floats, columns: Mapping[str, Floats]) -> float | None:
    """From which step to the end a loss is not a number; gaps no longer than those before do not count."""
    for name in ("train", "val"):
        known = np.flatnonzero(np.isfinite(columns.get(name, np.zeros(0))))
        if known.size > 1 and step.size - 1 - known[-1] >= max(3, 2.5 * np.diff(known).max()):
            return float(step[known[-1] + 1])
    return None


def _turns(steps: Floats, rate: Floats) -> list[Turn]:
    """Drops and restarts of a rate; neither its warm-up nor a smooth decay is one."""
    known = np.isfinite(rate) & (rate > 0)
    step, log = steps[known], np.log(np.maximum(rate[known], 1 / LARGEST_RATE))
    change, found = np.diff(log), []
    for i in np.flatnonzero(np.abs(change) > math.log(JUMP)).tolist():
        steady = i == 0 or abs(change[i - 1]) < math.log(STEADY)
        decayed = log[: i + 1].max() - log[i] > math.log(JUMP)
        if kind := "drop" if change[i] < 0 and steady else "restart" if change[i] > 0 and decayed else "":
            before, after = np.exp(log[i : i + 2]).tolist()
            found.append(Turn(kind, float(step[i + 1]), math.exp(change[i]), (before, after)))
    return found


def _course(steps: Floats, values: Floats, turns: Sequence[Turn]) -> Course | None:
    """A column as a course, or None where it holds too little; what a restart undid is left out until made good."""
    known = np.isfinite(values)
    step, value = steps[known], np.clip(values[known], -LARGEST, LARGEST)
    last = np.diff(step, append=math.inf) > 0  # of several at one step
    step, value = step[last], value[last]
    if (points := step.size) < FEWEST:
        return None
    middle, levels = (group_medians(column, min(points, POINTS)) for column in (step, value))
    x = (middle - steps[0]) / (steps[-1] - steps[0])
    keep, turned = np.ones(x.size, bool), 0.0
    for turn in turns:
        at = (turn.step - steps[0]) / (steps[-1] - steps[0])
        turned = max(turned, at + 0.05)
        if turn.kind == "restart":
            before = levels[(x < at) & (x > at - 0.06)]
            back = (x >= at) & (running_median(levels, 3) <= (np.median(before) if before.size else -math.inf))
            if back.any():
                keep &= ~((x >= at) & (x < x[back.argmax()]))
    if keep.sum() < FEWEST:
        return None
    return Course(middle[keep], x[keep], levels[keep], points, turned).without_beginning()


def _stairs(course: Course) -> Stairs | None:
    """The steps of a loss whose data begin anew after each epoch, remembered; None where it falls otherwise."""
    # across each boundary it falls much more than over the same distance in the middle of an epoch
    if course.x.size < LEAST_STAIRS:
        return None
    light, found, clearest = running_median(course.value, 5), None, 2 * course.swing * course.together
    periods = np.geomspace(MOST_STAIRS, 1 / 2.05, 80)
    for period in periods[course.x.size * periods >= LEAST_POINTS].tolist():
        near, edges = np.array([[0.07], [0.15], [0.23]]) * period, np.arange(1, math.ceil(0.98 / period)) * period

        def falls(at: Floats, near: Floats = near) -> Floats:
            before, after = np.interp([at - near, at + near], course.x, light)
            return np.asarray((before - after).mean(axis=0))

        drops = falls(edges)
        some = drops.size // 4  # the first or the last steps of many may be small
        least = float(np.sort(drops)[some])
        if least > clearest and least > 3 * np.sort(falls(edges - period / 2))[-1 - some]:
            fall, whole = float(drops.sum()), float(np.interp(period * 0.9, course.x, light)) - course.last
            if 0.6 * whole < fall < 1.5 * whole:
                clearest = least
                found = Stairs(period * float(course.step[-1] - course.step[0]), min(fall / whole, 1.0))
    return found
