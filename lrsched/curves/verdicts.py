"""The verdict on loss curves: which of the known patterns they show, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from lrsched.curves.advice import Advice, advice_on
from lrsched.curves.course import HIDING, Course
from lrsched.curves.evidence import Evidence, Mark, evidence_of, marks_of
from lrsched.curves.run import Curves, read_curves

__all__ = ["VERDICTS", "Verdict", "verdict_of"]

VERDICTS = (
    "diverging",
    "failed",
    "oscillating",
    "overfitted",
    "underfitted",
    "converged-too-early",
    "converged",
    "cannot-tell",
)
"""In this order they are asked: a curve that diverges is not asked whether it still falls."""

MANY = 60  # only so many points tell a fall that ended too early from one that is over by the third point
# below the first confidence the verdict is cannot-tell; none is above the second, without validation the third
UNSURE, SUREST, TRAIN_ONLY = 0.66, 0.99, 0.9
# shares of its fall by which a curve rises that diverges, or that overfits; what rises without a fall before it
RISES, OVERFITTED, ONLY_UP = 0.35, 0.13, 30.0
# from which spread, as a share of the fall, a curve swings; by which share of the run a fall ended too early, and by
# which it did not; how many times its noise a fall is that says so
SWINGS, EARLY, LATE, CLEAR = 0.14, 0.075, 0.4, 6.0
# how likely a run overfits whose training loss falls in steps, epoch by epoch, while validation stands still
REMEMBERED = 0.75
SWINGING = 5  # a curve that crosses its trend less often in the later part of the run has hardly swung
TOWERS = 8.0  # a first record so many times the swing above the median is not noise
NEED_ALL = ("failed", "oscillating", "converged-too-early")  # what is only seen against the fall of the whole run
FALLS = 0.03  # a curve that falls by this share of its whole fall over the last fifth of the run still falls
NOTHING = 0.0015  # nor is what is less than this share of the beginning that was left out a fall
LEAST_SWING = 0.05  # a smaller swing is not worth a sentence


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What loss curves show.

    Attributes:
        verdict: one of ``VERDICTS``.
        confidence: of all verdicts with 0.9, nine in ten are right.
        evidence: what was measured, each as a number and a sentence.
        advice: changes of the schedule, and what in the curves leads to each.
        marks: steps worth marking in a picture.
        courses: the curves as they were looked at, by "train", "val" and "metric" (what is better is lower).
    """

    verdict: str
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    advice: tuple[Advice, ...] = ()
    marks: tuple[Mark, ...] = ()
    courses: Mapping[str, Course] = field(default_factory=dict, repr=False, compare=False)

    @property
    def headline(self) -> str:
        """The verdict in words."""
        if self.verdict == "cannot-tell":
            return "cannot tell."
        return f"{self.verdict.replace('-', ' ')} (confidence {self.confidence:.0%})."

    def __str__(self) -> str:
        shown = [one for one in self.evidence if not one.name.endswith("swing") or one.value >= LEAST_SWING]
        return "\n".join([self.headline.capitalize(), *(f"- {one.text}" for one in shown), *map(str, self.advice)])


def verdict_of(
    steps: ArrayLike,
    train: ArrayLike | None = None,
    val: ArrayLike | None = None,
    metric: ArrayLike | None = None,
    rate: ArrayLike | None = None,
    metric_higher_is_better: bool = True,
    unit: str = "step",
) -> Verdict:
    """Say which pattern loss curves show: ``converged``, ``underfitted``, ``overfitted``, ``oscillating`` ...

    Args:
        steps: the iteration or epoch of each row; where a run went back to an earlier one, the later rows count.
        train: the training loss; NaN where a row has none.
        val: the validation loss.
        metric: what is measured on the validation data (a mAP, an accuracy); it stands in for a missing ``val``.
        rate: the learning rate, whose drops and restarts explain bends of the curves.
        metric_higher_is_better: whether the metric rises when training goes well.
        unit: what the sentences call a row's step: ``step`` or ``epoch``.

    Raises:
        ValueError: for columns of different lengths, or without any of ``train``, ``val`` and ``metric``.

    >>> t = np.arange(100)
    >>> verdict_of(t, train=np.exp(-t / 10), val=np.exp(-t / 10) + 0.1).verdict
    'converged'
    >>> verdict_of(t, train=np.exp(-t / 30), val=np.exp(-t / 10) + (t / 100) ** 2).verdict
    'overfitted'
    >>> verdict_of([0, 1, 2], train=[3, 2, 1]).verdict
    'cannot-tell'
    """
    columns = {"train": train, "val": val, "metric": metric, "rate": rate}
    curves = read_curves(steps, columns, metric_higher_is_better, unit)
    verdict, confidence, between = _decided(curves)
    return Verdict(
        verdict=verdict,
        confidence=round(confidence, 3),
        evidence=tuple(evidence_of(curves)),
        advice=tuple(advice_on(verdict, curves, between)),
        marks=tuple(marks_of(verdict, curves)),
        courses=curves.courses,
    )


def _decided(curves: Curves) -> tuple[str, float, tuple[str, ...]]:
    """The likeliest verdict, its chance (no to all the questions before it, yes to its own), the two likeliest ones."""
    if curves.nan_from is not None:
        return "diverging", SUREST, ()
    if not curves.courses:
        return "cannot-tell", 0.9, ()
    left, chances = 1.0, {}
    for name, chance in _chances(curves).items():
        chances[name] = left * chance
        left *= 1 - chance
    chances["converged"] = left
    best, second, *_ = sorted(chances, key=lambda name: -chances[name])
    train, val = curves.train, curves.val
    if val is None and curves.stairs is not None and best in ("converged", "underfitted"):
        chances[best] = min(chances[best], 1 - REMEMBERED)  # nobody sees whether it overfits
    open_ = val is None or val.tail[1] > FALLS * val.fall or (train is not None and train.x[0] > HIDING[0][0])
    if (best in ("converged", "underfitted", "converged-too-early") and open_) or (best == "failed" and val is None):
        chances[best] *= TRAIN_ONLY
    if chances[best] < UNSURE or (curves.is_piece and best in NEED_ALL):
        return "cannot-tell", 1 - chances[best], (best, second)
    return best, min(chances[best], SUREST), (best, second)


def _chances(curves: Curves) -> dict[str, float]:
    """The chance of each question to be answered with yes."""
    train, val = curves.train, curves.val
    seen = [course for course in (train, val) if course is not None]
    losses = train is not None and val is not None and val is not curves.courses.get("metric")
    # what validation does within the noise of a training loss that leads nowhere does not count
    lost = train and val and losses and train.visible < 1 and max(val.fall, val.rise) < train.swing
    visible = sum(min(max(course.visible, 0.01), 0.5 if lost else 3.0) for course in seen) / len(seen)
    # where neighbours of a training loss alone are unlike, it may be the noise of batches
    noise = 0.2 if val is None and seen[0].together < 1.25 else 1.0
    noise *= 0.5 if max(course.crossings for course in seen) < SWINGING else 1.0
    better = curves.metric is not None and _gains(curves.metric)
    # where validation rises much more than the training loss does, only that overfits
    beside = _chance(train.rise / max(val.rise, 1e-300), 0.05, 0.25) if train and val and losses else 1.0
    # a first record far above the rest may be a fall that was over with it
    begun = 0.75 if min(course.towers for course in seen) > TOWERS else 1.0
    return {
        "diverging": min(_rises(course, RISES if train is not None else ONLY_UP) for course in seen) * beside,
        "failed": _chance(1 / visible, 1, 0.08) * (1 - max(_rises(course, 0.1) for course in seen)) * begun,
        "oscillating": noise * min(_chance(course.swing / course.size, SWINGS, 0.15) for course in seen),
        "overfitted": 0.0 if val is None else _overfits(val, curves) * (1 - 0.6 * better),
        "underfitted": _still_falls(curves, better),
        "converged-too-early": _early(seen, curves) * (1 - better),
    }


def _chance(value: float, limit: float, width: float) -> float:
    """How likely ``value`` lies above ``limit``, by their ratio: 1/2 at the limit, 0.73 a ``width`` (of e) above it."""
    distance = math.log(max(value, 1e-12 * limit) / limit) / width
    return 1 / (1 + math.exp(-min(max(distance, -40.0), 40.0)))


def _rises(course: Course, least: float) -> float:
    """Whether a curve rises from its lowest level by this share of its fall: out of its noise, and all the way."""
    after = course.smooth[course.low :]
    if after.size < 3:
        return 0.0
    levels = np.array([np.median(block) for block in np.array_split(after, min(8, after.size))])
    early, late = np.triu_indices(levels.size, 1)
    upwards = float(np.sign(levels[late] - levels[early]).mean())
    # on and on, or at once, to stay there, or to where it has never been
    stays = 2 * float((levels > course.smooth[course.low] + course.rise / 2).mean()) - 1
    stays = 1.0 if course.last - course.smooth[:-3].max() > 4 * course.swing else stays
    calm = max(3.5 * course.jitter, 1e-300)
    noise = max(3.5 * course.swing, 4 * course.level_error, 1e-300)
    clear = [
        _chance(course.rise / noise, 1, 0.2) * _chance(upwards, 0.45, 0.1),
        _chance(course.rise / calm, 1, 0.2) * _chance(stays, 0.6, 0.1),
    ]
    return _chance(course.rise / course.fall, least, 0.25) * max(clear)


def _overfits(val: Course, curves: Curves) -> float:
    """Whether validation gets worse; where the training loss falls in steps, the model remembers, and less will do."""
    if curves.stairs is None:
        return _rises(val, OVERFITTED)
    return max(_rises(val, OVERFITTED / 2), REMEMBERED * (1 - _falls(val)))


def _falls(*courses: Course) -> float:
    """Whether curves still fall at the end, those that are known better weighing more."""
    falls = [course.tail[0] / course.fall for course in courses]
    weights = [1 / (0.006**2 + (course.tail[1] / course.fall) ** 2) for course in courses]
    least = [max(FALLS, NOTHING * course.hidden / course.fall) for course in courses]
    above = sum((fall - low) * weight for fall, low, weight in zip(falls, least, weights, strict=True))
    return 0.5 * math.erfc(-above / math.sqrt(2 * sum(weights)))


def _gains(metric: Course) -> bool:
    """Whether a metric clearly improves at the end."""
    return metric.tail[0] > max(2 * FALLS * metric.fall, 3 * metric.tail[1])


def _still_falls(curves: Curves, better: bool) -> float:
    """Whether the curves still fall; where the training loss falls more than validation does, validation counts."""
    train, val, metric = curves.train, curves.val, curves.metric
    if train is None or val is None:
        # a training loss that is remembered falls whether or not the run gains anything
        remembered = REMEMBERED if curves.stairs is not None else 0.0
        return _falls(*(course for course in (train, val) if course is not None)) * (1 - remembered)
    seen = [val] if metric is None else [val, metric]
    best = min(seen, key=lambda one: one.tail[1] / one.fall)
    (fall, error), (other, unsure) = ([value / one.fall for value in one.tail[:2]] for one in (best, train))
    behind = other - fall > 2 * math.hypot(error, unsure, 0.006) and error < FALLS
    # where the training loss seems to fall more, and validation is known from two curves, it is these that count
    several = other > fall and len(seen) > 1 and error < FALLS
    chance = _falls(best) if behind else _falls(*seen) if several else _falls(train, val)
    return max(chance, _falls(metric)) if metric is not None and better else chance


def _early(seen: Sequence[Course], curves: Curves) -> float:
    """Whether nearly all of the fall was done at the very beginning, while the rate was still high."""
    known = [course for course in seen if course.points >= MANY]
    if not known:
        return 0.0
    done = math.prod(max(course.done, 1e-3) for course in known) ** (1 / len(known))
    share = (curves.step - curves.step[0]) / (curves.step[-1] - curves.step[0])
    after = curves.rate[(share > done) & (share < 0.4) & np.isfinite(curves.rate)]
    low = curves.rates is not None and after.size and np.median(after) < 0.2 * curves.rates[0]
    # few values of validation tell little, but may be clear enough to say that it came later
    few = [course for course in curves.courses.values() if course.points < MANY and course.fall > CLEAR * course.swing]
    later = any(course.done > LATE and course.fall > CLEAR * course.level_error for course in few)
    return _chance(EARLY / done, 1, 0.1) * (0.3 if low else 1.0) * (0.5 if later else 1.0)
