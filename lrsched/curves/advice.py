"""What to change after a verdict on loss curves, and what in the curves leads to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lrsched.curves.course import Course
from lrsched.curves.evidence import NAMES, share
from lrsched.curves.run import Curves
from lrsched.text import joined, number

__all__ = ["Advice", "advice_on"]

REMEMBERS = "The training loss falls where the data begin anew: the model remembers them; train fewer epochs."

AT_ONCE = 0.03  # a run that is best before this share of it is over overfits at once


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


def advice_on(verdict: str, curves: Curves, between: Sequence[str]) -> Iterator[Advice]:
    """What to change, and what in the curves leads to it; the most important sentence first.

    ``between`` are the two likeliest verdicts, for one that cannot be told.
    """
    course = curves.judged
    if verdict == "diverging":
        yield from _diverging(curves)
    elif course is None:
        yield _check("There are too few records of a loss: log it more often, or train longer.")
    elif verdict in ADVICE:
        yield from ADVICE[verdict](curves, course)
    else:
        begin = f"The log begins at {curves.unit} {curves.step[0]:.0f}: give the whole run, its beginning decides."
        unlike = f"The curves lie between {joined(between)}: train longer, or average over more records."
        yield _check(begin if curves.is_piece else unlike)
        if curves.stairs is not None:
            yield _check(REMEMBERS)
        if curves.val is None:
            yield _check("Log the loss on validation data: the training loss alone leaves more than one explanation.")


def _check(text: str) -> Advice:
    return Advice(text=text, action="check")


def _lowered(curves: Curves, factor: int, text: str) -> Advice:
    """A lower rate, with a longer warm-up; ``{}`` in the text becomes the change."""
    numbers, changes = "", {}
    if curves.rates is not None:
        numbers = f" (from {number(curves.rates[0])} to {number(curves.rates[0] / factor)})"
        changes = {"peak": float(f"{curves.rates[0] / factor:.6g}")}
    text = text.format(f"divide the rate by {factor}{numbers} and begin with a longer warm-up")
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
    gain = share(most.tail[0] / most.fall)
    why = f"it still improves, the {NAMES[name]} by {gain} of its whole change per fifth of the run"
    last = round(1.5 * curves.step[-1] - 0.5 * curves.step[0])
    text, rates = f"Extend the run, to about {curves.unit} {last}", curves.rates
    if rates is not None and rates[1] < 0.05 * rates[0]:
        text += f", and stretch the schedule with it: {why}, but the rate is down to {number(rates[1])}."
    else:
        text += f": {why}, so the rate need not drop yet."
    yield Advice(text=text, why=why, action="extend", step=last, changes={"horizon": last})
    if curves.val is None:
        yield _check("Only the training loss is known: check on validation data for overfitting before you extend.")


def _overfitted(curves: Curves, course: Course) -> Iterator[Advice]:
    best = round(course.best)
    at_once = curves.share(best) < AT_ONCE
    if at_once:
        text = "{}: validation gets worse from the first steps on, so that there is none to stop at."
        yield _lowered(curves, 10, text)
    else:
        text = f"Stop at {curves.unit} {best} and keep the weights of that time: validation gets worse from there on."
        yield Advice(text=text, action="stop", step=best, changes={"horizon": best})
    if curves.stairs is not None:
        yield _check(REMEMBERS)
    yield Advice(text="Do not extend the run: what the training loss still gains no longer carries over.")
    near = [turn for turn in curves.turns if 0 <= curves.share(course.best) - curves.share(turn.step) < 0.08]
    if near:
        at = f"{curves.unit} {near[-1].step:.0f}"
        yield Advice(text=f"It begins after the change of the rate at {at}: end the run soon after it.")
    else:
        reason = "If it does at that rate too," if at_once else "The rate is not the reason:"
        yield _check(f"{reason} more data, stronger augmentation or a smaller model help more.")
    if curves.metric and curves.metric.tail[0] > 0.03 * curves.metric.fall:
        yield _check("The metric still improves while the validation loss rises: choose the weights by the metric.")


def _too_early(curves: Curves, course: Course) -> Iterator[Advice]:
    fell = curves.train or course
    first, done = fell.at(2 * fell.done), f"{curves.unit} {fell.at(fell.done)}"
    why = f"90 % of the fall was done at {done}, and at the same rate nearly nothing followed"
    text = f"Let the rate drop earlier, first at about {curves.unit} {first}: {why}."
    yield Advice(text=text, why=why, action="earlier", step=first, changes={"milestones": [first]})
    text = "If it then stops at the same loss, {}, or take a smaller batch or a shallower model: so fast a fall may "
    yield _lowered(curves, 3, text + "have ended in a poor minimum.")
    yield _check("When a pretrained model is fine-tuned, or the data set is small, so early an end is usual.")


def _failed(curves: Curves, course: Course) -> Iterator[Advice]:
    yield _check("Check the labels and the amount of data first: the loss hardly leaves its noise from first to last.")
    yield _lowered(curves, 10, "Then {}: a rate that is too high from the start shows so, too.")
    if curves.val is None:
        text = "Where a loss need not fall (reinforcement learning, GANs), judge by the reward or a metric instead."
        yield _check(text)


def _oscillating(curves: Curves, course: Course) -> Iterator[Advice]:
    swing = course.swing / course.size
    why = f"the curves swing by {share(swing)} of their whole change until the end"
    yield _lowered(curves, 10 if swing > 0.3 else 5, f"{{}}: {why}.")
    yield _check("If it swings as before, the rate is not the reason: take more data per step.")


def _diverging(curves: Curves) -> Iterator[Advice]:
    course = curves.judged
    turned = curves.nan_from if course is None or curves.nan_from is not None else course.best
    assert turned is not None  # without a course it is NaN that says so
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
