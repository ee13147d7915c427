"""What is measured on one curve, and on the rate beside it; all in shares of the curve's own fall and of the run.

Medians and ranks only, so that an outlier weighs no more than another point, and neither unit nor offset matters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "HIDING",
    "Course",
    "Curves",
    "Floats",
    "Stairs",
    "Turn",
    "course_of",
    "rising_rows",
    "stairs_of",
    "turns_of",
]

Floats = NDArray[np.float64]

POINTS = 300
"""A longer curve is looked at through the medians of so many groups of points."""

HIDING = ((0.12, 8.0, 0.25), (0.03, 1.3, 0.09))
"""First parts of the run that are left out where they tower so much over a fall that takes so long after them."""

PIECE = 0.5
"""A log that begins later than this share of its own length shows only a piece of the run."""

ENOUGH = 10
"""So many points after the last drop of the rate may tell alone what follows it."""

SUDDEN = 0.35
"""A fall by this share of the whole within a twentieth of the run is one at once."""

MOST_STAIRS, LEAST_STAIRS = 0.06, 24
"""The shortest epoch, as a share of the run, whose steps can be seen, and the fewest points."""

JUMP, STEADY = 1.5, 1.15
"""A rate that changes by the first factor from one record to the next, and by less than the second before, turned."""


@dataclass(frozen=True)
class Turn:
    """Where the rate changes at once, by ``factor``: a ``drop``, or a ``restart`` that takes back a decay.

    ``rates`` are those before and after.
    """

    kind: str
    step: float
    factor: float
    rates: tuple[float, float] = (math.nan, math.nan)


def rising_rows(steps: Floats) -> NDArray[np.bool_]:
    """The rows that were not given up: of a run that goes back to an earlier step, the later ones."""
    later = np.minimum.accumulate(steps[::-1])[::-1]
    return np.append(steps[:-1] <= later[1:], True) if steps.size else np.zeros(0, bool)


def turns_of(steps: Floats, rate: Floats) -> list[Turn]:
    """Drops and restarts of a rate; neither its warm-up nor a smooth decay is one."""
    known = np.isfinite(rate) & (rate > 0)
    step, log = steps[known], np.log(np.clip(rate[known], 1e-100, 1e100))
    change, found = np.diff(log), []
    for i in np.flatnonzero(np.abs(change) > math.log(JUMP)).tolist():
        steady = i == 0 or abs(change[i - 1]) < math.log(STEADY)
        decayed = log[: i + 1].max() - log[i] > math.log(JUMP)
        if kind := "drop" if change[i] < 0 and steady else "restart" if change[i] > 0 and decayed else "":
            before, after = np.exp(log[i : i + 2]).tolist()
            found.append(Turn(kind, float(step[i + 1]), math.exp(change[i]), (before, after)))
    return found


def _spread(values: Floats) -> float:
    """The standard deviation, were it normal, from the quantiles in the middle."""
    return float(np.subtract(*np.quantile(values, (0.84, 0.16)))) / 2 if values.size > 1 else 0.0


def _running_median(values: Floats, width: int) -> Floats:
    width = max(min(width, values.size) | 1, 1)
    padded = np.pad(values, width // 2, mode="reflect") if values.size > width // 2 else values
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)[: values.size]


def _group_medians(values: Floats, groups: int) -> Floats:
    """The medians of so many groups of neighbours, whose sizes differ by one at most."""
    size, longer = divmod(values.size, groups)
    cut = longer * (size + 1)
    parts = values[:cut].reshape(longer, size + 1), values[cut:].reshape(groups - longer, size)
    return np.concatenate([np.median(part, axis=1) for part in parts if part.size])


def _together(left: Floats) -> float:
    """By how much neighbours that are alike widen an error: noise that wanders tells less than its points are many."""
    inner = np.clip(left, *np.quantile(left, (0.05, 0.95)))
    alike = float(np.clip((inner[:-1] * inner[1:]).mean() / ((inner**2).mean() + 1e-300), 0, 0.6))
    return math.sqrt((1 + alike) / (1 - alike))


def _slope(x: Floats, y: Floats, noise: float = 0.0) -> tuple[float, Floats, float]:
    """The median slope between points (Theil and Sen), what is left, and the standard error of the slope.

    ``noise`` is what the points spread at least.
    """
    if x.size < 3:
        return 0.0, y - y, math.inf
    early, late = np.triu_indices(x.size, 1)
    slope = float(np.median((y[late] - y[early]) / (x[late] - x[early])))
    left = y - slope * x
    left = left - np.median(left)
    spread = max(_spread(left), noise)
    error = 1.1 * spread / (x.std() * math.sqrt(x.size)) * _together(left)
    return slope, left, error


@dataclass(frozen=True, eq=False)
class Course:
    """One curve: ``step`` and ``value`` of at most 300 points, ``x`` the share of the run from 0 to 1.

    ``points`` counts what was logged, ``settled`` is where the last drop or restart of the rate is over, ``hidden`` the
    fall of a beginning that was left out.
    """

    step: Floats
    x: Floats
    value: Floats
    points: int
    settled: float = 0.0
    hidden: float = 0.0

    def at(self, share: float) -> int:
        """The step at a share of the run."""
        return round(float(np.interp(share, self.x, self.step)))

    @cached_property
    def smooth(self) -> Floats:
        """The running median."""
        return _running_median(self.value, max(3, self.x.size // 12))

    @cached_property
    def low(self) -> int:
        """The lowest point of the smoothed curve."""
        return int(self.smooth.argmin())

    @property
    def best(self) -> float:
        """The step of the lowest point near there, smoothed less."""
        begin = max(self.low - self.x.size // 12, 0)
        near = slice(begin, self.low + self.x.size // 12 + 1)
        return float(self.step[begin + int(_running_median(self.value, 5)[near].argmin())])

    @cached_property
    def first(self) -> float:
        """The level at the beginning, without what hides the rest."""
        return float(np.median(self.value[: max(1, round(3 * self.x.size / self.points))]))

    @cached_property
    def last(self) -> float:
        """The level at the end."""
        return float(np.median(self.value[-max(3, self.x.size // 12) :]))

    @cached_property
    def fall(self) -> float:
        """From the level at the beginning to the lowest one; at least a trifle of the whole range."""
        return max(self.first - float(self.smooth[self.low]), 1e-3 * float(np.ptp(self.smooth)), 1e-300)

    @cached_property
    def rise(self) -> float:
        """From the lowest level to that at the end."""
        return self.last - float(self.smooth[self.low])

    @cached_property
    def _left(self) -> list[Floats]:
        """What straight lines through the parts of the run after its first third leave."""
        late = slice(self.x.size * 3 // 10, None)
        parts = int(np.clip(self.x[late].size // 8, 1, 4))
        pieces = zip(np.array_split(self.x[late], parts), np.array_split(self.value[late], parts), strict=True)
        return [_slope(x, y)[1] for x, y in pieces]

    @cached_property
    def swing(self) -> float:
        """The spread about these lines, in the calmer half of the parts."""
        return sorted(map(_spread, self._left))[(len(self._left) - 1) // 2]

    @cached_property
    def crossings(self) -> int:
        """How often the curve crosses these lines."""
        return sum(int((np.diff(np.sign(left)) != 0).sum()) for left in self._left)

    @cached_property
    def jitter(self) -> float:
        """The spread from one point to the next, small where a curve jumps but once."""
        apart = np.diff(self.value)
        return 1.25 * float(np.abs(apart - np.median(apart)).mean()) / math.sqrt(2)

    @property
    def sudden(self) -> float:
        """Where a fall at once, such as after a drop of the rate that was not logged, is over; 0 where none is."""
        begins = np.arange(0.3, 0.9, 0.01)
        before, after = (np.interp(begins + lag, self.x, self.smooth) for lag in (0, 0.05))
        most = int((before - after).argmax())
        return float(begins[most]) + 0.06 if (before - after)[most] > SUDDEN * self.fall else 0.0

    @property
    def towers(self) -> float:
        """How far the first record lies above the others, in swings."""
        return float(self.value[0] - np.median(self.value)) / (self.swing + 1e-300)

    @cached_property
    def wanders(self) -> float:
        """By how much the curve rises in a fifth of the run at most, in its second half, out of its noise."""
        levels = np.interp(np.arange(0.45, 1.01, 0.05), self.x, self.smooth)
        rise = float((levels[4:] - levels[:-4]).max())
        return rise if rise > 4 * self.level_error else 0.0

    @cached_property
    def together(self) -> float:
        """By how much likeness of neighbours widens errors."""
        return _together(np.concatenate(self._left))

    @cached_property
    def level_error(self) -> float:
        """The standard error of a level."""
        return 1.25 * self.swing * self.together / math.sqrt(max(3, self.x.size // 12))

    @cached_property
    def tail(self) -> tuple[float, float, float]:
        """The fall over the last fifth of the run at the slope of its last part, its error, and where that begins.

        The part is as short as the noise allows, and begins after what the last drop of the rate did.
        """
        late = min(self.settled, 0.85)
        apart = self.settled > 0.8 and (self.x >= self.settled).sum() >= ENOUGH
        begins = ((0.8, 0.012, self.swing), (0.7, 0.025, self.swing), (0.5, math.inf, self.swing))
        for begin, enough, noise in ((self.settled, 0.025, self.swing / 2), *begins)[not apart :]:
            part = self.x >= (begin if noise < self.swing else max(begin, late))
            part[-4:] = True
            slope, _, error = _slope(self.x[part], self.value[part], noise)
            if error * 0.2 < enough * self.fall:
                break
        error = math.hypot(0.2 * error, self.wanders / 2)
        return -0.2 * slope, min(error, 1e6 * self.fall), float(self.x[part][0])

    @cached_property
    def done(self) -> float:
        """When nine tenths of the fall were done, as a share of the run; guessed from a part of it in noise."""
        light, fall = _running_median(self.value, 3 if self.x.size <= 150 else 5), max(self.first - self.last, 1e-300)
        open_ = float(np.clip(1.5 * self.swing / fall, 0.1, 0.5))
        reached = light <= self.last + open_ * fall
        return float(self.x[reached.argmax()]) * math.log(10) / math.log(1 / open_) if reached.any() else 1.0

    @cached_property
    def size(self) -> float:
        """What swings are compared with: the change from first to last, or what else the curve went through."""
        return max(self.first - self.last, self.fall / 2, self.rise)

    @cached_property
    def visible(self) -> float:
        """How clearly some beginning lies above the rest, or some end below; below 1 chance may have done it."""
        n = self.x.size
        early, late = self.value[: n * 3 // 5], self.value[n * 2 // 5 :]
        found = [self._above(self.value[: max(3, int(n * share))], late) for share in (0.015, 0.04, 0.12, 0.3)]
        swings = (self.first - self.last) / (5 * self.swing + 1e-300)
        return max(*found, self._above(early, self.value[-max(3, n // 5) :]), swings)

    def _above(self, some: Floats, others: Floats) -> float:
        """By how much the chance that one of some lies above one of others exceeds 1/2, over what noise would do."""
        ordered = np.sort(others)
        ranks = np.searchsorted(ordered, some) + np.searchsorted(ordered, some, side="right")
        error = math.sqrt((1 / some.size + 1 / others.size) / 12) * min(self.together, 1.5)
        return (float(ranks.mean()) / 2 / others.size - 0.5) / min(max(0.25, 2.7 * error), 0.48)

    def without_beginning(self) -> Course:
        """The course without its first records, where these tower over a fall or rise that comes later."""
        for begin, tower, late in HIDING:
            rest = self.x >= begin
            if rest.sum() < 15 or rest.all():
                continue
            cut = Course(self.step[rest], self.x[rest], self.value[rest], self.points, self.settled)
            own = max(cut.fall, cut.rise)
            clear = own > 6 * max(cut.swing, cut.level_error)
            slow = cut.done > begin + late or cut.rise > 0.5 * cut.fall
            if self.first - self.last > tower * own and clear and slow:
                return replace(cut, hidden=self.first - cut.first)
        return self


def course_of(steps: Floats, values: Floats, turns: Sequence[Turn]) -> Course | None:
    """A column as a course, or None where it holds too little; what a restart undid is left out until made good."""
    known = np.isfinite(values)
    step, value = steps[known], np.clip(values[known], -1e140, 1e140)
    last = np.append(step[1:] > step[:-1], np.ones(min(step.size, 1), bool))  # of several at one step
    step, value = step[last], value[last]
    if step.size < 3:
        return None
    points = step.size
    middle, levels = (_group_medians(column, min(points, POINTS)) for column in (step, value))
    x = (middle - steps[0]) / (steps[-1] - steps[0])
    keep, settled = np.ones(x.size, bool), 0.0
    for turn in turns:
        at = (turn.step - steps[0]) / (steps[-1] - steps[0])
        settled = max(settled, at + 0.05)
        if turn.kind == "restart":
            before = levels[(x < at) & (x > at - 0.06)]
            back = (x >= at) & (_running_median(levels, 3) <= (np.median(before) if before.size else -math.inf))
            if back.any():
                keep &= ~((x >= at) & (x < x[back.argmax()]))
    found = Course(middle[keep], x[keep], levels[keep], points, settled).without_beginning()
    return replace(found, settled=max(settled, found.sudden))


@dataclass(frozen=True)
class Stairs:
    """A loss that falls in steps: after each ``period`` of steps, ``share`` of its fall after the first of them."""

    period: float
    share: float


def stairs_of(course: Course, turns: Sequence[Turn] = ()) -> Stairs | None:
    """The steps of a loss whose data begin anew after each epoch, remembered; None where it falls otherwise.

    Across each boundary it falls much more than over the same distance in the middle of an epoch.
    """
    if course.x.size < LEAST_STAIRS or sum(turn.kind == "drop" for turn in turns) > 1:
        return None
    light, found, clearest = _running_median(course.value, 5), None, 2 * course.swing * course.together
    for period in np.geomspace(MOST_STAIRS, 1 / 2.05, 80).tolist():
        edges, near = np.arange(1, math.ceil(0.98 / period)) * period, np.array([0.07, 0.15, 0.23])[:, None] * period

        def fall(at: Floats, near: Floats = near) -> Floats:
            before, after = (np.interp(at + way * near, course.x, light) for way in (-1, 1))
            return np.asarray((before - after).mean(axis=0))

        drops, whole = fall(edges), float(np.interp(period * 0.9, course.x, light)) - course.last
        least = float(np.sort(drops)[drops.size // 4])  # the first or the last steps of many may be small
        inside = float(np.sort(fall(edges - period / 2))[-1 - drops.size // 4])
        steep = least > max(clearest, 3 * inside)
        if steep and course.x.size * period >= 8 and 0.6 < (share := float(drops.sum()) / whole) < 1.5:
            clearest = least
            found = Stairs(period * float(course.step[-1] - course.step[0]), min(share, 1.0))
    return found


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of a run: ``courses`` by "train", "val" and "metric" (of all of them what is better is lower).

    A missing "val" is the metric; ``higher`` says that the metric was turned over; ``nan_from`` is the step from which
    a loss is not a number; ``unit`` is what the sentences call a step.
    """

    step: Floats
    rate: Floats
    courses: Mapping[str, Course]
    turns: Sequence[Turn] = ()
    nan_from: float | None = None
    higher: bool = True
    unit: str = "step"

    @property
    def train(self) -> Course | None:
        return self.courses.get("train")

    @property
    def val(self) -> Course | None:
        return self.courses.get("val")

    @property
    def judged(self) -> Course | None:
        """What counts: validation where it is known."""
        return self.val or self.train

    @cached_property
    def stairs(self) -> Stairs | None:
        """The steps in which the training loss falls, epoch by epoch."""
        return None if self.train is None else stairs_of(self.train, self.turns)

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
