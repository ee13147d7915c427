"""What was measured on loss curves as sentences, what to change in the schedule, and what to mark in a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lrsched.curves.measures import Course, Floats, Turn
from lrsched.text import joined, number

__all__ = ["Evidence", "Mark", "advice_on", "evidence_of", "marks_of"]

NAMES = {"train": "training loss", "val": "validation loss", "metric": "metric"}


@dataclass(frozen=True)
class Evidence:
    """One thing measured: its name, the number (shares of the fall or of the run), its error, and a sentence."""

    name: str
    value: float
    text: str
    error: float | None = None


@dataclass(frozen=True)
class Mark:
    """A step to mark: ``best``, ``done`` (90 % of the fall), ``end`` (its slope decided), ``drop`` or ``restart``."""

    kind: str
    step: float
    text: str


def _step(step: float) -> str:
    return str(round(step))


def _share(value: float) -> str:
    return f"{value:.1%}" if abs(value) < 0.1 else f"{value:.0%}"


def evidence_of(
    courses: Mapping[str, Course], turns: Sequence[Turn], step: Floats, rate: Floats | None, nan_from: float | None
) -> tuple[Evidence, ...]:
    """What was measured, the losses first."""
    found = [] if nan_from is None else [Evidence("nan from", nan_from, f"no number from step {_step(nan_from)} on")]
    for name, course in courses.items():
        if name != "val" or course is not courses.get("metric"):
            found += _measured(name, course)
    if "train" in courses and "val" in courses:
        together = _correlation(courses["train"], courses["val"])
        validation = "metric" if courses["val"] is courses.get("metric") else "validation loss"
        text = f"training loss and {validation} go {_togetherness(together)} in the second half"
        found.append(Evidence("correlation", together, f"{text} (rank correlation {together:.2f})"))
    shown = courses.get("train") or courses.get("val")
    found += [] if shown is None else [_after(turn, shown, step) for turn in turns[:6]]
    return tuple(found)


def _measured(name: str, course: Course) -> Iterator[Evidence]:
    """The numbers of one curve; of a metric, what is better is lower."""
    words, good, bad = NAMES[name], *(("rises", "falls") if name == "metric" else ("falls", "rises"))
    fall, error, begin = course.tail[0] / course.fall, course.tail[1] / course.fall, course.tail[2]
    way = "changes" if abs(fall) < 2 * error else good if fall > 0 else bad
    text = f"{words} {way} by {_share(abs(fall))} ± {_share(error)} of its whole change per fifth of the run at the end"
    yield Evidence(f"{name} slope", fall, f"{text} (from step {_step(_at(course, begin))})", error)
    if course.first > course.last:
        text = f"90 % of the change of the {words} was done at step {_step(_at(course, course.done))}"
        yield Evidence(f"{name} done", course.done, f"{text} ({_share(min(course.done, 1))} of the run)")
    rise = course.rise / course.fall
    if rise > 0.05 and course.rise > 2 * course.level_error:
        since = _step(course.best)
        yield Evidence(f"{name} rise", rise, f"{words} {bad} by {_share(rise)} of its change since step {since}")
    swing = course.swing / course.size
    yield Evidence(f"{name} swing", swing, f"{words} swings by {_share(swing)} of its change about its trend")


def _at(course: Course, share: float) -> float:
    return float(np.interp(share, course.x, course.step))


def _togetherness(together: float) -> str:
    return "together" if together > 0.5 else "against each other" if together < -0.5 else "their own ways"


def _correlation(one: Course, other: Course) -> float:
    """The rank correlation of two curves in the second half of the run."""
    x = np.linspace(0.5, 1, 50)
    ranks = [np.argsort(np.argsort(np.interp(x, course.x, course.smooth))) - 24.5 for course in (one, other)]
    return float(ranks[0] @ ranks[1] / (ranks[0] @ ranks[0]))


def _after(turn: Turn, course: Course, step: Floats) -> Evidence:
    """What the loss did when the rate turned."""
    at = (turn.step - step[0]) / (step[-1] - step[0])
    before = course.value[(course.x < at) & (course.x >= at - 0.06)]
    after = course.value[(course.x >= at + 0.01) & (course.x <= at + 0.07)]
    change = float(np.median(after) - np.median(before)) / course.fall if before.size and after.size else math.nan
    what = "drops to" if turn.kind == "drop" else "jumps to"
    text = f"the rate {what} {number(turn.factor)} times at step {_step(turn.step)}"
    if math.isnan(change):
        return Evidence(turn.kind, turn.factor, text)
    way = "falls" if change < 0 else "rises"
    return Evidence(turn.kind, change, f"{text}; the loss {way} by {_share(abs(change))} of its change")


def marks_of(verdict: str, courses: Mapping[str, Course], turns: Sequence[Turn]) -> tuple[Mark, ...]:
    """The steps that matter, in their order."""
    course = courses.get("val") or courses.get("train")
    marks = [Mark(turn.kind, turn.step, f"rate x {number(turn.factor, 2)}") for turn in turns]
    if course is not None:
        marks.append(Mark("best", course.best, "best"))
        if verdict in ("converged", "converged-too-early"):
            marks.append(Mark("done", _at(course, course.done), "90 % of the fall"))
        if verdict in ("converged", "underfitted"):
            marks.append(Mark("end", _at(course, course.tail[2]), "its slope decided"))
    return tuple(sorted(marks, key=lambda mark: mark.step))


@dataclass(frozen=True)
class _Seen:
    """What the sentences of advice look at."""

    courses: Mapping[str, Course]
    turns: Sequence[Turn]
    step: Floats
    rate: Floats | None
    nan_from: float | None
    between: Sequence[str]

    @property
    def judged(self) -> Course | None:
        return self.courses.get("val") or self.courses.get("train")

    @property
    def rates(self) -> tuple[float, float] | None:
        """The highest and the last rate."""
        known = self.rate[np.isfinite(self.rate)] if self.rate is not None else np.zeros(0)
        return (float(known.max()), float(known[-1])) if known.size and known.max() > 0 else None

    @property
    def best(self) -> str:
        return "" if self.judged is None else _step(self.judged.best)

    def lowered(self, factor: int) -> str:
        if self.rates is None:
            return f"divide the rate by {factor}"
        return f"divide the rate by {factor} (from {number(self.rates[0])} to {number(self.rates[0] / factor)})"


def advice_on(
    verdict: str,
    courses: Mapping[str, Course],
    turns: Sequence[Turn],
    step: Floats,
    rate: Floats | None,
    nan_from: float | None,
    between: Sequence[str] = (),
) -> tuple[str, ...]:
    """What to change, and what in the curves leads to it; the first sentence first."""
    return tuple(ADVICE[verdict](_Seen(courses, turns, step, rate, nan_from, between)))


def _converged(seen: _Seen) -> Iterator[str]:
    yield "Nothing to change: the curves are flat at the end, so the run can stop here."
    train, val = seen.courses.get("train"), seen.courses.get("val")
    if train and val and train.tail[0] > 0.03 * train.fall:
        yield "The training loss still falls, but validation does not follow: more iterations do not help."
    if val is None:
        yield "Without validation it is not known whether the model overfits: compare several saved weights."


def _underfitted(seen: _Seen) -> Iterator[str]:
    name, course = max(seen.courses.items(), key=lambda item: (item[1].tail[0] - 2 * item[1].tail[1]) / item[1].fall)
    share = f"the {NAMES[name]} by {_share(course.tail[0] / course.fall)} of its whole change over the last fifth"
    last = _step(seen.step[-1] + 0.5 * (seen.step[-1] - seen.step[0]))
    if seen.rates is not None and seen.rates[1] < 0.05 * seen.rates[0]:
        yield (
            f"Extend the run, to about step {last}, and stretch the schedule with it: it still improves, {share}, "
            f"but at the last rate, {number(seen.rates[1])}, more iterations alone change little."
        )
    else:
        yield f"Extend the run, to about step {last}: it still improves, {share}, so the rate need not drop yet."
    if "val" not in seen.courses:
        yield "Only the training loss is known; check on validation data that it is no overfitting before you extend."


def _overfitted(seen: _Seen) -> Iterator[str]:
    yield f"Stop at step {seen.best} and keep the weights of that time: validation gets worse from there on."
    yield "Do not extend the run: the training loss falls on, but what is learned no longer carries over."
    course = seen.judged
    near = [turn for turn in seen.turns if course and 0 <= course.best - turn.step < 0.08 * seen.step[-1]]
    if near:
        yield f"It begins after the change of the rate at step {_step(near[-1].step)}: end the run soon after it."
    else:
        yield "The rate is not the reason: more data, stronger augmentation or a smaller model help more."
    metric = seen.courses.get("metric")
    if metric is not None and metric is not course and metric.tail[0] > 0.03 * metric.fall:
        yield "The metric still improves while the validation loss rises: choose the weights by the metric."


def _too_early(seen: _Seen) -> Iterator[str]:
    course = seen.courses.get("train") or seen.courses["val"]
    done = _at(course, course.done)
    yield (
        f"Let the rate drop earlier, first at about step {_step(2 * done)}: 90 % of the fall was done at "
        f"step {_step(done)}, and at the same rate nearly nothing followed."
    )
    yield f"If it then stops at the same loss, {seen.lowered(3)}, or take a smaller batch or a shallower model."
    yield "When a pretrained model is fine-tuned, or the data set is small, so early an end is usual."


def _failed(seen: _Seen) -> Iterator[str]:
    yield "Check the labels and the amount of data first: the loss hardly leaves its noise from first to last."
    yield f"Then {seen.lowered(10)} and begin with a longer warm-up."


def _oscillating(seen: _Seen) -> Iterator[str]:
    course = seen.judged
    assert course is not None
    swing = course.swing / course.size
    why = f"the curves swing by {_share(swing)} of their whole change until the end"
    yield f"{seen.lowered(10 if swing > 0.3 else 5).capitalize()}: {why}."
    yield "Begin with a longer warm-up; if it swings as before, the rate is not the reason: take more data per step."


def _diverging(seen: _Seen) -> Iterator[str]:
    course = seen.judged
    turned = seen.nan_from if seen.nan_from is not None else float(seen.step[0]) if course is None else course.best
    span = seen.step[-1] - seen.step[0]
    jumps = [turn for turn in seen.turns if turn.kind == "restart" and abs(turn.step - turned) < 0.1 * span]
    if jumps:
        jump = jumps[-1]
        yield (
            f"Go on from step {_step(jump.step)} with the rate from before: there the rate jumps to "
            f"{number(jump.factor)} times, and the loss rises from there on."
        )
        return
    if turned > seen.step[0] + 0.05 * span:
        yield f"Go back to weights saved before step {_step(turned)}: the loss gets worse from there on."
    yield f"{seen.lowered(10).capitalize()} and begin with a warm-up (burn-in)."
    yield "If it diverges at that rate too, the rate is not the reason: check model, config and labels."


def _cannot_tell(seen: _Seen) -> Iterator[str]:
    if not seen.between:
        yield "There are too few records of a loss: log it more often, or train longer."
        return
    if seen.step[0] > 0.5 * (seen.step[-1] - seen.step[0]):
        yield f"The log begins at step {_step(seen.step[0])}: give the whole run, its beginning decides what this is."
    else:
        yield f"The curves lie between {joined(seen.between)}: train longer, or average over more records."
    if "val" not in seen.courses:
        yield "Log the loss on validation data: the training loss alone leaves more than one explanation."


ADVICE: dict[str, Callable[[_Seen], Iterator[str]]] = {
    "converged": _converged,
    "underfitted": _underfitted,
    "overfitted": _overfitted,
    "converged-too-early": _too_early,
    "failed": _failed,
    "oscillating": _oscillating,
    "diverging": _diverging,
    "cannot-tell": _cannot_tell,
}
