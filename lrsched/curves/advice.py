"""What was measured on loss curves as sentences, what to change in the schedule, and what to mark in a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lrsched.curves.measures import Course, Curves, Turn
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


def _share(value: float) -> str:
    return f"{value:.1%}" if abs(value) < 0.1 else f"{value:.0%}"


def evidence_of(curves: Curves) -> Iterator[Evidence]:
    """What was measured, the losses first."""
    if curves.nan_from is not None:
        yield Evidence("nan from", curves.nan_from, f"no number from step {curves.nan_from:.0f} on")
    for name, course in curves.courses.items():
        if name != "val" or course is not curves.courses.get("metric"):
            yield from _measured(name, course, up=name == "metric" and curves.higher)
    train, val = curves.train, curves.val
    if train and val:
        together = _correlation(train, val)
        go = "together" if together > 0.5 else "against each other" if together < -0.5 else "their own ways"
        text = f"training and validation go {go} in the second half (rank correlation {together:.2f})"
        yield Evidence("correlation", together, text)
    yield from (_after(turn, curves) for turn in curves.turns[:6])


def _measured(name: str, course: Course, up: bool) -> Iterator[Evidence]:
    """The numbers of one curve; ``up`` where it rises when training goes well."""
    words, good, bad = NAMES[name], *(("rises", "falls") if up else ("falls", "rises"))
    fall, error = course.tail[0] / course.fall, course.tail[1] / course.fall
    way = "changes" if abs(fall) < 2 * error else good if fall > 0 else bad
    text = f"{words} {way} by {_share(abs(fall))} ± {_share(error)} of its whole change per fifth of the run at the end"
    yield Evidence(f"{name} slope", fall, f"{text} (from step {course.at(course.tail[2])})", error)
    if course.first > course.last:
        text = f"90 % of the change of the {words} was done at step {course.at(course.done)}"
        yield Evidence(f"{name} done", course.done, f"{text} ({_share(min(course.done, 1))} of the run)")
    rise = course.rise / course.fall
    if rise > 0.05 and course.rise > 2 * course.level_error:
        text = f"{words} {bad} by {_share(rise)} of its change since step {course.best:.0f}"
        yield Evidence(f"{name} rise", rise, text)
    swing = course.swing / course.size
    yield Evidence(f"{name} swing", swing, f"{words} swings by {_share(swing)} of its change about its trend")


def _correlation(one: Course, other: Course) -> float:
    """The rank correlation of two curves in the second half of the run."""
    x = np.linspace(0.5, 1, 50)
    ranks = [np.argsort(np.argsort(np.interp(x, course.x, course.smooth))) - 24.5 for course in (one, other)]
    return float(ranks[0] @ ranks[1] / (ranks[0] @ ranks[0]))


def _after(turn: Turn, curves: Curves) -> Evidence:
    """What the loss did when the rate turned."""
    text = f"the rate {turn.kind}s to {number(turn.factor)} times at step {turn.step:.0f}"
    course, at = curves.train or curves.val, curves.share(turn.step)
    if course is not None:
        before = course.value[(course.x < at) & (course.x >= at - 0.06)]
        after = course.value[(course.x >= at + 0.01) & (course.x <= at + 0.07)]
        if before.size and after.size:
            change = float(np.median(after) - np.median(before)) / course.fall
            way = "falls" if change < 0 else "rises"
            return Evidence(turn.kind, change, f"{text}; the loss {way} by {_share(abs(change))} of its change")
    return Evidence(turn.kind, math.nan, text)


def marks_of(verdict: str, curves: Curves) -> Iterator[Mark]:
    """The steps that matter."""
    course = curves.judged
    for turn in curves.turns:
        yield Mark(turn.kind, turn.step, f"rate x {number(turn.factor, 2)}")
    if course is not None:
        yield Mark("best", course.best, "best")
        if verdict.startswith("converged"):
            yield Mark("done", course.at(course.done), "90 % of the fall")
        if verdict in ("converged", "underfitted"):
            yield Mark("end", course.at(course.tail[2]), "its slope decided")


def _lowered(curves: Curves, factor: int) -> str:
    rates = curves.rates
    numbers = "" if rates is None else f" (from {number(rates[0])} to {number(rates[0] / factor)})"
    return f"divide the rate by {factor}{numbers}"


def _converged(curves: Curves, course: Course) -> Iterator[str]:
    yield "Nothing to change: the curves are flat at the end, so the run can stop here."
    train = curves.train
    if curves.val is None:
        yield "Without validation it is not known whether the model overfits: compare several saved weights."
    elif train and train.tail[0] > 0.03 * train.fall:
        yield "The training loss still falls, but validation does not follow: more iterations do not help."


def _underfitted(curves: Curves, course: Course) -> Iterator[str]:
    name, most = max(curves.courses.items(), key=lambda item: (item[1].tail[0] - 2 * item[1].tail[1]) / item[1].fall)
    still = f"it still improves, the {NAMES[name]} by {_share(most.tail[0] / most.fall)} of its whole change per fifth"
    longer = f"Extend the run, to about step {1.5 * curves.step[-1] - 0.5 * curves.step[0]:.0f}"
    rates = curves.rates
    if rates is not None and rates[1] < 0.05 * rates[0]:
        yield f"{longer}, and stretch the schedule with it: {still}, but the rate is down to {number(rates[1])}."
    else:
        yield f"{longer}: {still} of the run, so the rate need not drop yet."
    if curves.val is None:
        yield "Only the training loss is known; check on validation data that it is no overfitting before you extend."


def _overfitted(curves: Curves, course: Course) -> Iterator[str]:
    yield f"Stop at step {course.best:.0f} and keep the weights of that time: validation gets worse from there on."
    yield "Do not extend the run: what the training loss still gains no longer carries over."
    near = [turn for turn in curves.turns if 0 <= curves.share(course.best) - curves.share(turn.step) < 0.08]
    if near:
        yield f"It begins after the change of the rate at step {near[-1].step:.0f}: end the run soon after it."
    else:
        yield "The rate is not the reason: more data, stronger augmentation or a smaller model help more."
    metric = curves.courses.get("metric")
    if metric and metric is not course and metric.tail[0] > 0.03 * metric.fall:
        yield "The metric still improves while the validation loss rises: choose the weights by the metric."


def _too_early(curves: Curves, course: Course) -> Iterator[str]:
    done = (curves.train or course).done
    yield (
        f"Let the rate drop earlier, first at about step {course.at(2 * done)}: 90 % of the fall was done at step "
        f"{course.at(done)}, and at the same rate nearly nothing followed."
    )
    yield f"If it then stops at the same loss, {_lowered(curves, 3)}, or take a smaller batch or a shallower model."
    yield "When a pretrained model is fine-tuned, or the data set is small, so early an end is usual."


def _failed(curves: Curves, course: Course) -> Iterator[str]:
    yield "Check the labels and the amount of data first: the loss hardly leaves its noise from first to last."
    yield f"Then {_lowered(curves, 10)} and begin with a longer warm-up."
    if curves.val is None:
        yield "Where a loss need not fall (reinforcement learning, GANs), judge by the reward or a metric instead."


def _oscillating(curves: Curves, course: Course) -> Iterator[str]:
    swing = course.swing / course.size
    why = f"the curves swing by {_share(swing)} of their whole change until the end"
    yield f"{_lowered(curves, 10 if swing > 0.3 else 5).capitalize()}: {why}."
    yield "Begin with a longer warm-up; if it swings as before, the rate is not the reason: take more data per step."


def _diverging(curves: Curves, course: Course | None) -> Iterator[str]:
    begin = float(curves.step[0])
    turned = curves.nan_from if curves.nan_from is not None else course.best if course else begin
    at = curves.share(turned)
    for jump in curves.turns[::-1]:
        if jump.kind == "restart" and abs(curves.share(jump.step) - at) < 0.1:
            yield (
                f"Go on from step {jump.step:.0f} with the rate from before: there the rate jumps to "
                f"{number(jump.factor)} times, and the loss rises from there on."
            )
            return
    if at > 0.05:
        yield f"Go back to weights saved before step {turned:.0f}: the loss gets worse from there on."
    yield f"{_lowered(curves, 10).capitalize()} and begin with a warm-up (burn-in)."
    yield "If it diverges at that rate too, the rate is not the reason: check model, config and labels."


ADVICE: dict[str, Callable[[Curves, Course], Iterator[str]]] = {
    "converged": _converged,
    "underfitted": _underfitted,
    "overfitted": _overfitted,
    "converged-too-early": _too_early,
    "failed": _failed,
    "oscillating": _oscillating,
}


def advice_on(verdict: str, curves: Curves, between: Sequence[str]) -> Iterator[str]:
    """What to change, and what in the curves leads to it; the most important sentence first."""
    course = curves.judged
    if verdict == "diverging":
        yield from _diverging(curves, course)
    elif course is None:
        yield "There are too few records of a loss: log it more often, or train longer."
    elif verdict in ADVICE:
        yield from ADVICE[verdict](curves, course)
    else:
        if curves.is_piece:
            yield f"The log begins at step {curves.step[0]:.0f}: give the whole run, its beginning decides."
        else:
            yield f"The curves lie between {joined(between)}: train longer, or average over more records."
        if curves.val is None:
            yield "Log the loss on validation data: the training loss alone leaves more than one explanation."
