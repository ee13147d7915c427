"""Checks of the curve: its first, largest and last rate, where it rises, falls and jumps, and what follows."""

from __future__ import annotations

import numpy as np

from lrsched.testing.checking import check
from lrsched.testing.evaluate import shown
from lrsched.testing.results import Failure, Skip
from lrsched.testing.subject import Subject

__all__ = [
    "check_after_horizon",
    "check_decay",
    "check_final_rate",
    "check_initial_rate",
    "check_jumps",
    "check_peak",
    "check_warmup",
]

JUMP = 10
"""A change so many times larger than those beside it is a jump."""

VISIBLE = 1e-3
"""A jump is at least this share of the largest rate, or it is taken for rounding."""

SHORT = 4
"""A warm-up of fewer iterations may rise in any way: its last step is large in a steep curve."""


@check("initial")
def check_initial_rate(subject: Subject) -> Failure | None:
    """The rate at iteration 0 is the expected one."""
    return _differs(subject, 0, subject.expected.initial, "initial")


@check("final")
def check_final_rate(subject: Subject) -> Failure | None:
    """The rate at the horizon is the expected one."""
    return _differs(subject, subject.horizon, subject.expected.final, "final")


def _differs(subject: Subject, iteration: int, wanted: float | None, name: str) -> Failure | None:
    rate = subject.rate(iteration)
    if wanted is None or np.isnan(rate) or abs(rate - wanted) <= subject.tolerance:
        return None
    return Failure(f"the rate at iteration {iteration} is {shown(rate)}; expected {name}={shown(wanted)}", iteration)


@check("peak")
def check_peak(subject: Subject) -> Failure | None:
    """The largest rate is the expected peak, and it is reached at the end of the warm-up where one is expected."""
    peak, warmup = subject.expected.peak, subject.expected.warmup
    iterations, rates = subject.part(0, subject.horizon)
    if peak is None or not rates.size:
        raise Skip("there is no rate to judge")
    at, rate = int(iterations[rates.argmax()]), float(rates.max())
    if abs(rate - peak) > subject.tolerance:
        return Failure(f"the largest rate is {shown(rate)}, at iteration {at}; expected peak={shown(peak)}", at)
    if warmup is None:
        return None
    first = int(iterations[np.argmax(rates >= peak - subject.tolerance)])
    # the last steps of a flat warm-up may lie within the tolerance
    if first == warmup or (first < warmup and subject.rate(warmup) > rates[iterations < warmup].max()):
        return None
    away = "one" if abs(first - warmup) == 1 else str(abs(first - warmup))
    side = "before" if first < warmup else "after"
    return Failure(f"the peak {shown(peak)} is reached at {first}, {away} {side} the expected warmup={warmup}", first)


@check("warmup")
def check_warmup(subject: Subject) -> Failure | None:
    """Up to the end of the warm-up the rate rises, without a fall or a jump."""
    warmup = subject.expected.warmup
    if not warmup:
        raise Skip("the warm-up has no iterations")
    turned = _turn(subject, 0, warmup, 1)
    if turned is not None:
        return turned
    iterations, rates = subject.part(0, warmup)
    if rates.size and rates[-1] <= rates[0]:
        return Failure(f"the rate is {shown(rates[0])} at iteration 0, and no larger at {warmup}", warmup)
    if warmup < SHORT or iterations.size != warmup + 1:
        return None  # a jump shows between neighbours only
    steps = np.where(np.isin(iterations[1:], subject.expected.milestones or ()), 0.0, np.diff(rates))
    largest = int(steps.argmax())
    if steps[largest] <= max(JUMP * np.delete(steps, largest).max(), VISIBLE * subject.top):
        return None
    return _step(iterations, rates, largest, f"over {JUMP} times more than at any other iteration of the warm-up")


@check("decay")
def check_decay(subject: Subject) -> Failure | None:
    """From the beginning of the decay to its end the rate never rises."""
    return _turn(subject, *subject.expected.falling, -1)


def _turn(subject: Subject, first: int, last: int, sign: int) -> Failure | None:
    """The first two neighbours in ``first..last`` that go the wrong way."""
    iterations, rates = subject.part(first, last)
    steps = np.diff(rates) * sign
    wrong = steps < -subject.slack
    if subject.expected.strict:
        wrong |= (steps <= 0) & (np.diff(iterations) == 1)
    places = np.flatnonzero(wrong)
    return _step(iterations, rates, int(places[0])) if places.size else None


def _step(iterations: np.ndarray, rates: np.ndarray, place: int, why: str = "") -> Failure:
    """What happens from one place to the next."""
    (low, high), (a, b) = rates[place : place + 2], iterations[place : place + 2]
    verb = "rises" if high > low else "falls"
    what = f"{verb} from {shown(low)} to {shown(high)}" if high != low else f"stays at {shown(low)}"
    return Failure(f"from iteration {a} to {b} the rate {what}{', ' if why else ''}{why}", int(b))


@check("max_jump", "milestones")
def check_jumps(subject: Subject) -> Failure | None:
    """Neighbours lie close together, except at the expected milestones."""
    iterations, rates = subject.part(0, subject.horizon)
    steps, gaps = np.abs(np.diff(rates)), np.diff(iterations)
    if subject.expected.max_jump is not None:
        wrong = steps > subject.expected.max_jump * gaps + subject.slack
        why = f"by more than max_jump={shown(subject.expected.max_jump)}"
    else:
        wrong = np.zeros(steps.shape, np.bool_)
        wrong[1:-1] = steps[1:-1] > JUMP * np.maximum(steps[:-2], steps[2:])
        wrong &= (steps > VISIBLE * subject.top) & (gaps == 1)
        why = f"over {JUMP} times the changes beside it, and no milestone is expected there"
    milestones = np.array(subject.expected.milestones or (), np.int64)
    # two iterations with a milestone between them may lie apart
    passed = np.searchsorted(milestones, iterations, "right")
    places = np.flatnonzero(wrong & (np.diff(passed) == 0))
    return _step(iterations, rates, int(places[0]), why) if places.size else None


@check("after")
def check_after_horizon(subject: Subject) -> Failure | None:
    """One iteration after the horizon, and far beyond, the rate stays, or only falls, as expected."""
    iterations, answers = subject.later
    final = before = subject.rate(subject.horizon)
    for place, iteration in enumerate(iterations.tolist()):
        rate = float(answers.values[place])
        stays = abs(rate - final) <= subject.tolerance
        falls = -subject.slack <= rate <= before + subject.slack
        if not (stays if subject.expected.after == "stays" else falls):
            return Failure(
                f"the rate is {shown(final)} at the horizon {subject.horizon}; at iteration {iteration} "
                f"it {answers.text(place)}",
                iteration,
            )
        before = rate
    return None
