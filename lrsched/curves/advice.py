"""What was measured on loss curves as sentences, what to change in the schedule, and what to mark in a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrsched.curves.measures import Course, Curves, Turn
from lrsched.text import joined, number

__all__ = ["Advice", "Evidence", "Mark", "advice_on", "evidence_of", "marks_of"]

REMEMBERS = "The training loss falls where the data begin anew: the model remembers them; train fewer epochs."

AT_ONCE = 0.03
"""A run that is best before this share of it is over overfits at once."""

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
        yield Evidence("nan from", curves.nan_from, f"no number from {curves.unit} {curves.nan_from:.0f} on")
    for name, course in curves.courses.items():
        if name != "val" or course is not curves.courses.get("metric"):
            yield from _measured(name, course, curves.unit, up=name == "metric" and curves.higher)
    train, val = curves.train, curves.val
    if train and val:
        together = _correlation(train, val)
        go = "together" if together > 0.5 else "against each other" if together < -0.5 else "their own ways"
        text = f"training and validation go {go} in the second half (rank correlation {together:.2f})"
        yield Evidence("correlation", together, text)
    if (stairs := curves.stairs) is not None:
        text = (
            f"the training loss falls in steps, one each {stairs.period:.0f}, as where data of an earlier epoch return"
        )
        yield Evidence("staircase", stairs.share, f"{text} ({_share(stairs.share)} of its later fall)")
    yield from (_after(turn, curves) for turn in curves.turns[:6])


def _measured(name: str, course: Course, unit: str, up: bool) -> Iterator[Evidence]:
    """The numbers of one curve; ``up`` where it rises when training goes well."""
    words, good, bad = NAMES[name], *(("rises", "falls") if up else ("falls", "rises"))
    fall, error = course.tail[0] / course.fall, course.tail[1] / course.fall
    way = "changes" if abs(fall) < 2 * error else good if fall > 0 else bad
    text = f"{words} {way} by {_share(abs(fall))} ± {_share(error)} of its whole change per fifth of the run at the end"
    yield Evidence(f"{name} slope", fall, f"{text} (from {unit} {course.at(course.tail[2])})", error)
    if course.first > course.last:
        text = f"90 % of the change of the {words} was done at {unit} {course.at(course.done)}"
        yield Evidence(f"{name} done", course.done, f"{text} ({_share(min(course.done, 1))} of the run)")
    rise = course.rise / course.fall
    if rise > 0.05 and course.rise > 2 * course.level_error:
        text = f"{words} {bad} by {_share(rise)} of its change since {unit} {course.best:.0f}"
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
    text = f"the rate {turn.kind}s to {number(turn.factor)} times at {curves.unit} {turn.step:.0f}"
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
            fell = curves.train or course
            yield Mark("done", fell.at(fell.done), "90 % of the fall")
        if verdict in ("converged", "underfitted"):
            yield Mark("end", course.at(course.tail[2]), "its slope decided")


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to do, and what in the curves leads to it.

    Attributes:
        text: the sentence; ``str()`` gives it, too.
        why: what in the curves leads to it, where that is another part of the sentence.
        action: ``stop``, ``extend``, ``lower`` (the rate), ``earlier`` (a drop of the rate), ``resume`` (with another
            rate), ``check`` (something else than the rate), or ``none``.
        step: where: the last step of a run, the first drop of the rate, the step that is resumed from.
        factor: by what the rate is multiplied.
        changes: keys of the config, or of the schedule, with their new values.
        verified: whether the planner applied them and found nothing wrong with the changed schedule.
    """

    text: str
    why: str = ""
    action: str = "none"
    step: float | None = None
    factor: float | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    verified: bool = False

    def __str__(self) -> str:
        return self.text


def _check(text: str) -> Advice:
    return Advice(text=text, action="check")


def _lowered(curves: Curves, factor: int, text: str) -> Advice:
    """A lower rate, with a longer warm-up; ``{}`` in the text becomes the change."""
    rates = curves.rates
    numbers = "" if rates is None else f" (from {number(rates[0])} to {number(rates[0] / factor)})"
    words = f"divide the rate by {factor}{numbers} and begin with a longer warm-up"
    text = text.format(words)
    changes = {} if rates is None else {"peak": float(f"{rates[0] / factor:.6g}")}
    return Advice(text=text[0].upper() + text[1:], action="lower", factor=1 / factor, changes=changes)


def _converged(curves: Curves, course: Course) -> Iterator[Advice]:
    train = curves.train
    falls = curves.val is not None and train and train.tail[0] > max(0.03 * train.fall, 2 * train.tail[1])
    flat = "validation is" if falls else "the curves are"
    yield Advice(text=f"Nothing to change: {flat} flat at the end, so the run can stop here.")
    if curves.val is None:
        yield _check("Without validation it is not known whether the model overfits: compare several saved weights.")
    elif falls:
        yield Advice(text="The training loss still falls, but validation does not follow: more iterations do not help.")


def _underfitted(curves: Curves, course: Course) -> Iterator[Advice]:
    name, most = max(curves.courses.items(), key=lambda item: (item[1].tail[0] - 2 * item[1].tail[1]) / item[1].fall)
    gain = _share(most.tail[0] / most.fall)
    why = f"it still improves, the {NAMES[name]} by {gain} of its whole change per fifth of the run"
    last = round(1.5 * curves.step[-1] - 0.5 * curves.step[0])
    longer, rates = f"Extend the run, to about {curves.unit} {last}", curves.rates
    if rates is not None and rates[1] < 0.05 * rates[0]:
        text = f"{longer}, and stretch the schedule with it: {why}, but the rate is down to {number(rates[1])}."
    else:
        text = f"{longer}: {why}, so the rate need not drop yet."
    yield Advice(text=text, why=why, action="extend", step=last, changes={"horizon": last})
    if curves.val is None:
        yield _check(
            "Only the training loss is known; check on validation data that it is no overfitting before you extend."
        )


def _overfitted(curves: Curves, course: Course) -> Iterator[Advice]:
    best = round(course.best)
    if curves.share(best) < AT_ONCE:
        yield _lowered(
            curves, 10, "{}: validation gets worse from the first steps on, so that there is none to stop at."
        )
    else:
        text = f"Stop at {curves.unit} {best} and keep the weights of that time: validation gets worse from there on."
        yield Advice(text=text, action="stop", step=best, changes={"horizon": best})
    if curves.stairs is not None:
        yield _check(REMEMBERS)
    yield Advice(text="Do not extend the run: what the training loss still gains no longer carries over.")
    near = [turn for turn in curves.turns if 0 <= curves.share(course.best) - curves.share(turn.step) < 0.08]
    if near:
        yield Advice(
            text=f"It begins after the change of the rate at {curves.unit} {near[-1].step:.0f}: end the run soon after "
            "it."
        )
    elif curves.share(best) < AT_ONCE:
        yield _check("If it does at that rate too, more data, stronger augmentation or a smaller model help more.")
    else:
        yield _check("The rate is not the reason: more data, stronger augmentation or a smaller model help more.")
    metric = curves.courses.get("metric")
    if metric and metric is not course and metric.tail[0] > 0.03 * metric.fall:
        yield _check("The metric still improves while the validation loss rises: choose the weights by the metric.")


def _too_early(curves: Curves, course: Course) -> Iterator[Advice]:
    fell = curves.train or course
    first = fell.at(2 * fell.done)
    why = (
        f"90 % of the fall was done at {curves.unit} {fell.at(fell.done)}, and at the same rate nearly nothing followed"
    )
    text = f"Let the rate drop earlier, first at about {curves.unit} {first}: {why}."
    yield Advice(text=text, why=why, action="earlier", step=first, changes={"milestones": [first]})
    yield _lowered(
        curves,
        3,
        "If it then stops at the same loss, {}, or take a smaller batch or a shallower model: so fast a "
        "fall may have ended in a poor minimum.",
    )
    yield _check("When a pretrained model is fine-tuned, or the data set is small, so early an end is usual.")


def _failed(curves: Curves, course: Course) -> Iterator[Advice]:
    yield _check("Check the labels and the amount of data first: the loss hardly leaves its noise from first to last.")
    yield _lowered(curves, 10, "Then {}: a rate that is too high from the start shows so, too.")
    if curves.val is None:
        yield _check(
            "Where a loss need not fall (reinforcement learning, GANs), judge by the reward or a metric instead."
        )


def _oscillating(curves: Curves, course: Course) -> Iterator[Advice]:
    swing = course.swing / course.size
    why = f"the curves swing by {_share(swing)} of their whole change until the end"
    yield _lowered(curves, 10 if swing > 0.3 else 5, f"{{}}: {why}.")
    yield _check("If it swings as before, the rate is not the reason: take more data per step.")


def _diverging(curves: Curves, course: Course | None) -> Iterator[Advice]:
    begin = float(curves.step[0])
    turned = curves.nan_from if curves.nan_from is not None else course.best if course else begin
    at = curves.share(turned)
    for jump in curves.turns[::-1]:
        if jump.kind == "restart" and abs(curves.share(jump.step) - at) < 0.1:
            before, after = jump.rates
            text = (
                f"Go on from {curves.unit} {jump.step:.0f} with the rate from before, {number(before)}: there the rate "
                f"jumps to {number(jump.factor)} times, to {number(after)}, and the loss rises from there on."
            )
            yield Advice(text=text, action="resume", step=jump.step, factor=1 / jump.factor, changes={"rate": before})
            return
    if at > 0.05:
        text = f"Go back to weights saved before {curves.unit} {turned:.0f}: the loss gets worse from there on."
        yield Advice(text=text, step=turned)
    yield _lowered(curves, 10, "{} (burn-in).")
    yield _check("If it diverges at that rate too, the rate is not the reason: check model, config and labels.")


ADVICE: dict[str, Callable[[Curves, Course], Iterator[Advice]]] = {
    "converged": _converged,
    "underfitted": _underfitted,
    "overfitted": _overfitted,
    "converged-too-early": _too_early,
    "failed": _failed,
    "oscillating": _oscillating,
}


def advice_on(verdict: str, curves: Curves, between: Sequence[str]) -> Iterator[Advice]:
    """What to change, and what in the curves leads to it; the most important sentence first."""
    course = curves.judged
    if verdict == "diverging":
        yield from _diverging(curves, course)
    elif course is None:
        yield _check("There are too few records of a loss: log it more often, or train longer.")
    elif verdict in ADVICE:
        yield from ADVICE[verdict](curves, course)
    else:
        if curves.is_piece:
            yield _check(
                f"The log begins at {curves.unit} {curves.step[0]:.0f}: give the whole run, its beginning decides."
            )
        else:
            yield _check(f"The curves lie between {joined(between)}: train longer, or average over more records.")
        if curves.stairs is not None:
            yield _check(REMEMBERS)
        if curves.val is None:
            yield _check("Log the loss on validation data: the training loss alone leaves more than one explanation.")
