"""What was measured on loss curves as sentences with their numbers, and the steps to mark in a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lrsched.curves.course import Course
from lrsched.curves.run import Curves, Turn
from lrsched.text import number

__all__ = ["NAMES", "Evidence", "Mark", "evidence_of", "marks_of", "share"]

NAMES = {"train": "training loss", "val": "validation loss", "metric": "metric"}
MOST_TURNS = 6


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


def share(value: float) -> str:
    """A share in percent."""
    return f"{value:.1%}" if abs(value) < 0.1 else f"{value:.0%}"


def evidence_of(curves: Curves) -> Iterator[Evidence]:
    """What was measured, the losses first."""
    if curves.nan_from is not None:
        yield Evidence("nan from", curves.nan_from, f"the loss is NaN from {curves.unit} {curves.nan_from:.0f} on")
    for name, course in curves.courses.items():
        if name != "val" or course is not curves.courses.get("metric"):
            yield from _measured(name, course, curves.unit, rises=name == "metric" and curves.higher)
    train, val = curves.train, curves.val
    if train and val:
        together = _correlation(train, val)
        go = "together" if together > 0.5 else "against each other" if together < -0.5 else "their own ways"
        text = f"training and validation go {go} in the second half (rank correlation {together:.2f})"
        yield Evidence("correlation", together, text)
    if (stairs := curves.stairs) is not None:
        text = f"the training loss falls in steps, one each {stairs.period:.0f}, as where data of an earlier epoch"
        yield Evidence("staircase", stairs.share, f"{text} return ({share(stairs.share)} of its later fall)")
    yield from (_after(turn, curves) for turn in curves.turns[:MOST_TURNS])


def _measured(name: str, course: Course, unit: str, rises: bool) -> Iterator[Evidence]:
    """The numbers of one curve; whether it ``rises`` when training goes well."""
    words, good, bad = NAMES[name], *(("rises", "falls") if rises else ("falls", "rises"))
    fall, error = course.tail[0] / course.fall, course.tail[1] / course.fall
    way = "changes" if abs(fall) < 2 * error else good if fall > 0 else bad
    text = f"{words} {way} by {share(abs(fall))} ± {share(error)} of its whole change per fifth of the run at the end"
    yield Evidence(f"{name} slope", fall, f"{text} (from {unit} {course.at(course.tail[2])})", error)
    if course.first > course.last:
        text = f"90 % of the change of the {words} was done at {unit} {course.at(course.done)}"
        yield Evidence(f"{name} done", course.done, f"{text} ({share(min(course.done, 1))} of the run)")
    rise = course.rise / course.fall
    if rise > 0.05 and course.rise > 2 * course.level_error:
        text = f"{words} {bad} by {share(rise)} of its change since {unit} {course.best:.0f}"
        yield Evidence(f"{name} rise", rise, text)
    swing = course.swing / course.size
    yield Evidence(f"{name} swing", swing, f"{words} swings by {share(swing)} of its change about its trend")


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
            return Evidence(turn.kind, change, f"{text}; the loss {way} by {share(abs(change))} of its change")
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
