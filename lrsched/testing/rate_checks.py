"""Checks of the rates over a run: one real number each, and the curve that they make."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import Iterations
from lrsched.testing.results import Check, Failure, Skip, check
from lrsched.testing.subject import Subject, shown

__all__ = ["RATE_CHECKS"]

JUMP = 10  # a change so many times larger than those beside it is a jump
VISIBLE = 1e-3  # a jump is at least this share of the largest rate, or it is taken for rounding
SHORT = 4  # a warm-up of fewer iterations may rise in any way: its last step is large in a steep curve


@check()
def check_one_real_number(subject: Subject) -> Failure | None:
    """Every iteration from 0 to the horizon gets one real number."""
    # a negative number to a fractional power is complex in Python, NaN in numpy
    if not subject.answers.notes:
        return None
    place = min(subject.answers.notes)
    iteration = int(subject.iterations[place])
    return Failure(f"at iteration {iteration} it {subject.answers.text(place)}", iteration)


@check()
def check_finite(subject: Subject) -> Failure | None:
    """No rate is infinite or NaN."""
    wrong = np.isnan(subject.rates)
    wrong[list(subject.answers.notes)] = False  # the check above says so
    return _first(subject, wrong)


@check()
def check_not_negative(subject: Subject) -> Failure | None:
    """No rate is below 0: it would increase the loss."""
    return _first(subject, subject.rates < 0)


@check()
def check_not_stuck_at_zero(subject: Subject) -> Failure | None:
    """The rate is not 0 from the middle of the run on: nothing would be learned."""
    trains = np.flatnonzero(subject.rates)
    first = int(trains[-1]) + 1 if trains.size else 0
    if first == subject.rates.size or subject.iterations[first] > subject.horizon // 2:
        return None
    iteration = int(subject.iterations[first])
    return Failure(f"the rate is 0 from iteration {iteration} to the horizon at {subject.horizon}", iteration)


@check("minimum", "maximum")
def check_bounds(subject: Subject) -> Failure | None:
    """No rate is below the expected minimum or above the expected maximum."""
    low, high, slack = subject.expected.minimum, subject.expected.maximum, subject.slack
    below = None if low is None else _first(subject, subject.rates < low - slack, f", below the minimum {low}")
    above = None if high is None else _first(subject, subject.rates > high + slack, f", above the maximum {high}")
    return below or above


def _first(subject: Subject, wrong: NDArray[np.bool_], after: str = "") -> Failure | None:
    """The first iteration that is marked as wrong."""
    if not wrong.any():
        return None
    place = int(wrong.argmax())
    iteration = int(subject.iterations[place])
    return Failure(f"the rate at iteration {iteration} {subject.answers.text(place)}{after}", iteration)


@check("initial")
def check_initial_rate(subject: Subject) -> Failure | None:
    """The rate at iteration 0 is the expected one."""
    return _differs(subject, 0, "initial")


@check("final")
def check_final_rate(subject: Subject) -> Failure | None:
    """The rate at the horizon is the expected one."""
    return _differs(subject, subject.horizon, "final")


def _differs(subject: Subject, iteration: int, name: str) -> Failure | None:
    rate, wanted = subject.rate(iteration), getattr(subject.expected, name)
    if np.isnan(rate) or abs(rate - wanted) <= subject.tolerance:
        return None
    return Failure(f"the rate at iteration {iteration} is {shown(rate)}; expected {name}={shown(wanted)}", iteration)


@check("peak")
def check_peak(subject: Subject) -> Failure | None:
    """The largest rate is the expected peak, and it is reached at the end of the warm-up where one is expected."""
    peak, warmup = subject.expected.peak, subject.expected.warmup
    iterations, rates = subject.part(0, subject.horizon)
    if peak is None or not rates.size or subject.answers.notes:
        raise Skip("some iterations have no rate")
    at, rate = int(iterations[rates.argmax()]), float(rates.max())
    if rate < peak - subject.tolerance and warmup is None and iterations.size <= subject.horizon:
        raise Skip("the peak may lie between the iterations that were looked at; say where with warmup=")
    if abs(rate - peak) > subject.tolerance:
        return Failure(f"the largest rate is {shown(rate)}, at iteration {at}; expected peak={shown(peak)}", at)
    first = int(iterations[np.argmax(rates >= peak - subject.tolerance)])
    if warmup is None or first == warmup:
        return None
    # the last steps of a flat warm-up may lie within the tolerance
    if first < warmup and subject.rate(warmup) > rates[iterations < warmup].max():
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
    return _step(iterations, rates, largest, f", over {JUMP} times more than at any other iteration of the warm-up")


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
    return _step(iterations, rates, int(wrong.argmax())) if wrong.any() else None


def _step(iterations: Iterations, rates: NDArray[np.float64], place: int, why: str = "") -> Failure:
    """What happens from one place to the next."""
    (low, high), (a, b) = rates[place : place + 2], iterations[place : place + 2]
    verb = "rises" if high > low else "falls"
    what = f"{verb} from {shown(low)} to {shown(high)}" if high != low else f"stays at {shown(low)}"
    return Failure(f"from iteration {a} to {b} the rate {what}{why}", int(b))


@check("max_jump", "milestones")
def check_jumps(subject: Subject) -> Failure | None:
    """Neighbours lie close together, except at the expected milestones."""
    iterations, rates = subject.part(0, subject.horizon)
    steps, gaps = np.abs(np.diff(rates)), np.diff(iterations)
    if subject.expected.max_jump is not None:
        wrong = steps > subject.expected.max_jump * gaps + subject.slack
        why = f", by more than max_jump={shown(subject.expected.max_jump)}"
    else:
        wrong = np.zeros(steps.shape, np.bool_)
        wrong[1:-1] = steps[1:-1] > JUMP * np.maximum(steps[:-2], steps[2:])
        wrong &= (steps > VISIBLE * subject.top) & (gaps == 1)
        why = f", over {JUMP} times the changes beside it, and no milestone is expected there"
    # two iterations with a milestone between them may lie apart
    passed = np.searchsorted(np.array(subject.expected.milestones or (), np.int64), iterations, "right")
    wrong &= np.diff(passed) == 0
    return _step(iterations, rates, int(wrong.argmax()), why) if wrong.any() else None


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
            there = f"the rate is {shown(final)} at the horizon {subject.horizon}"
            return Failure(f"{there}; at iteration {iteration} it {answers.text(place)}", iteration)
        before = rate
    return None


RATE_CHECKS = tuple(each for each in globals().values() if isinstance(each, Check))  # in the order of the results
