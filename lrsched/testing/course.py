"""Checks of the course of a schedule: its peak, its end, where it rises, falls, jumps, and what follows the end."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lrsched.schedule import LAST_ITERATION, Iterations, Piece
from lrsched.testing.answers import NUMBER, shown
from lrsched.testing.results import Counterexample, NotJudged
from lrsched.testing.subject import Subject

__all__ = [
    "after_the_end",
    "begins_at_start",
    "continuous_at_joins",
    "decay_falls",
    "jumps_at_milestones_only",
    "pieces_have_one_direction",
    "reaches_end",
    "reaches_peak",
    "stretches",
    "warmup_rises",
]

T = TypeVar("T")

SPIKE = 10
"""A change so many times larger than both of its neighbours is a jump."""

VISIBLE = 1e-3
"""A jump is at least this share of the largest rate, or it is taken for rounding."""

ROUND = 600
"""Horizons that are multiples of this have whole halves, thirds, quarters and per cents."""

MOST_REPEATS = 2**20


def reaches_peak(subject: Subject) -> Counterexample | None:
    """The largest rate is the promised peak, reached at the end of the warm-up where one is promised."""
    peak, warmup = _given(subject.declared.peak), subject.declared.warmup
    iterations, rates = subject.known
    if not rates.size:
        raise NotJudged("there is no rate to judge")
    highest = int(rates.argmax())
    at, rate = int(iterations[highest]), float(rates[highest])
    tolerance = subject.tolerance
    if rate > peak + tolerance:
        return Counterexample(f"the rate at iteration {at} is {shown(rate)}, above the peak {shown(peak)}", at)
    if rate < peak - tolerance:
        return Counterexample(f"the largest rate is {shown(rate)} at iteration {at}; the peak is {shown(peak)}", at)
    if warmup is None:
        return None
    reached = subject.rate(warmup)
    if reached < peak - tolerance:
        first = int(iterations[np.flatnonzero(rates >= peak - tolerance)[0]])
    else:
        early = np.flatnonzero(rates[: np.searchsorted(iterations, warmup)] >= reached)
        if not early.size:
            return None
        first = int(iterations[early[0]])
    return Counterexample(
        f"the peak {shown(peak)} is reached at iteration {first}; the warm-up ends at {warmup}, "
        f"where the rate is {shown(reached)}",
        first,
    )


def begins_at_start(subject: Subject) -> Counterexample | None:
    """The rate at iteration 0 is the promised start."""
    return _met(subject, 0, _given(subject.declared.start), "iteration", "start")


def reaches_end(subject: Subject) -> Counterexample | None:
    """The rate at the horizon is the promised end."""
    return _met(subject, subject.horizon, _given(subject.declared.end), "the horizon", "end")


def _met(subject: Subject, iteration: int, promised: float, where: str, name: str) -> Counterexample | None:
    rate = subject.rate(iteration)
    if abs(rate - promised) <= subject.tolerance or math.isnan(rate):
        return None
    return Counterexample(
        f"the rate at {where} {iteration} is {shown(rate)}; the {name} is {shown(promised)}", iteration
    )


def warmup_rises(subject: Subject) -> Counterexample | None:
    """Up to the end of the warm-up the rate never falls, and it is larger there than at iteration 0."""
    warmup = subject.declared.warmup
    if not warmup:
        raise NotJudged("the warm-up has no iterations")
    found = _turn(subject, 0, warmup, 1)
    if found is not None:
        return found
    first, last = subject.rate(0), subject.rate(warmup)
    if last > first or not np.isfinite(last - first):
        return None
    return Counterexample(f"the rate is {shown(first)} at iteration 0 and {shown(last)} at {warmup}", warmup)


def decay_falls(subject: Subject) -> Counterexample | None:
    """From the beginning of the decay to its end the rate never rises."""
    first, last = subject.declared.falling or (0, 0)
    return _turn(subject, first, last, -1)


def _turn(subject: Subject, first: int, last: int, sign: int) -> Counterexample | None:
    """The first two neighbours in ``first..last`` that go the wrong way."""
    iterations, rates = _part(subject, first, last)
    steps = np.diff(rates) * sign
    wrong = steps < -subject.slack
    if subject.declared.strict:
        wrong |= (steps <= 0) & (np.diff(iterations) == 1)
    places = np.flatnonzero(wrong)
    if not places.size:
        return None
    begin, end = int(iterations[places[0]]), int(iterations[places[0] + 1])
    a, b = subject.first_between(
        begin, end, lambda low, high: (high - low) * sign < 0, _before(iterations, int(places[0]))
    )
    low, high = subject.rate(a), subject.rate(b)
    if high == low:
        return Counterexample(f"from iteration {a} to {b} the rate stays at {shown(low)}", b)
    verb = "rises" if high > low else "falls"
    return Counterexample(f"from iteration {a} to {b} the rate {verb} from {shown(low)} to {shown(high)}", b)


def pieces_have_one_direction(subject: Subject) -> Counterexample | None:
    """Within each promised piece the size of the rate only rises, only falls or stays."""
    firsts, lasts = _bounds(subject)
    iterations, rates = subject.known
    steps = np.diff(np.abs(rates))
    piece = np.searchsorted(firsts, iterations[:-1], "right") - 1
    inside = (piece >= 0) & (iterations[1:] <= lasts[piece]) & (np.abs(steps) > subject.slack)
    moves = np.flatnonzero(inside)
    turned = (np.sign(steps[moves[1:]]) != np.sign(steps[moves[:-1]])) & (piece[moves[1:]] == piece[moves[:-1]])
    places = np.flatnonzero(turned)
    if not places.size:
        return None
    before, at = int(moves[places[0]]), int(moves[places[0] + 1])
    sign = float(np.sign(steps[before]))
    a, b = subject.first_between(
        int(iterations[at]),
        int(iterations[at + 1]),
        lambda low, high: (abs(high) - abs(low)) * sign < 0,
        _before(iterations, at),
    )
    return Counterexample(
        f"in the piece {firsts[piece[at]]}..{lasts[piece[at]]} the rate {'rises' if sign > 0 else 'falls'} to "
        f"{shown(subject.rate(a))} at iteration {a} and then goes to {shown(subject.rate(b))} at {b}",
        b,
    )


def _before(iterations: Iterations, place: int) -> int | None:
    """Where to look for an earlier fault: in the gap before ``place``, when there is one."""
    gap = place > 0 and iterations[place] - iterations[place - 1] > 1
    return int(iterations[place - 1]) if gap else None


def _bounds(subject: Subject) -> tuple[Iterations, Iterations]:
    """First and last iteration of every repeat of every promised piece."""
    firsts, lasts = [], []
    for each in subject.declared.pieces or ():
        piece = each if isinstance(each, Piece) else Piece(*each)
        size = piece.last - piece.first + 1
        shifts = np.arange(min(piece.repeats, MOST_REPEATS), dtype=np.int64) * size
        firsts.append(piece.first + shifts)
        lasts.append(piece.last + shifts)
    if not firsts:
        raise NotJudged("there are no pieces")
    return np.concatenate(firsts), np.concatenate(lasts)


def jumps_at_milestones_only(subject: Subject) -> Counterexample | None:
    """Neighbours lie close together, except at the promised milestones."""
    iterations, rates = subject.known
    told = subject.declared
    steps, gaps = np.abs(np.diff(rates)), np.diff(iterations)
    if told.max_jump is not None:
        wrong = steps > told.max_jump * gaps + subject.slack
        bound = f"at most {shown(told.max_jump)} is promised"
    else:
        wrong = np.zeros(steps.shape, np.bool_)
        wrong[1:-1] = steps[1:-1] > SPIKE * np.maximum(steps[:-2], steps[2:])
        wrong &= (steps > VISIBLE * subject.top) & (gaps == 1)
        bound = f"over {SPIKE} times the changes beside it, and no milestone is promised there"
    if told.milestones:
        milestones = np.array(told.milestones, np.int64)
        # an interval that holds a milestone may hold its jump
        held = np.searchsorted(milestones, iterations[1:], "right") > np.searchsorted(
            milestones, iterations[:-1], "right"
        )
        wrong &= ~held
    places = np.flatnonzero(wrong)
    if not places.size:
        return None
    begin, end = int(iterations[places[0]]), int(iterations[places[0] + 1])
    a, b = _steepest(subject, begin, end)
    low, high = subject.rate(a), subject.rate(b)
    return Counterexample(
        f"from iteration {a} to {b} the rate goes from {shown(low)} to {shown(high)}, "
        f"by {shown(abs(high - low))}: {bound}",
        b,
    )


def _steepest(subject: Subject, low: int, high: int) -> tuple[int, int]:
    """Two neighbours at least as far apart as the average of the interval, by halving it."""
    while high - low > 1:
        middle = (low + high) // 2
        left = abs(subject.rate(middle) - subject.rate(low)) / (middle - low)
        right = abs(subject.rate(high) - subject.rate(middle)) / (high - middle)
        low, high = (low, middle) if left >= right else (middle, high)
    return low, high


def continuous_at_joins(subject: Subject) -> Counterexample | None:
    """Where two pieces are promised to meet, the rate changes no faster than beside that place."""
    for join in subject.declared.joins or ():
        near = [join + side for side in (-3, -2, -1, 0, 1, 2)]
        inside = [each for each in near if 0 <= each <= subject.horizon]
        if join == 0 or join > subject.horizon:
            continue
        rates = dict(zip(inside, subject.evaluated(np.array(inside, np.int64)).rates.tolist(), strict=True))
        step = abs(rates[join] - rates[join - 1])
        beside = [abs(rates[each] - rates[each - 1]) for each in inside if each != join and each - 1 in rates]
        usual = max(beside, default=0.0)
        bound = subject.declared.max_jump
        allowed = SPIKE * usual / 2 + VISIBLE * subject.top if bound is None else bound + subject.slack
        if step > allowed:
            return Counterexample(
                f"from iteration {join - 1} to {join} the rate jumps from {shown(rates[join - 1])} to "
                f"{shown(rates[join])}; beside it the largest change is {shown(usual)}",
                join,
            )
    return None


def after_the_end(subject: Subject) -> Counterexample | None:
    """One iteration after the horizon, and far beyond, the rate does what is promised: it stays, or only falls."""
    horizon, after = subject.horizon, subject.declared.after
    far = {horizon + 1, horizon + 2, 2 * horizon - 1, 2 * horizon, 2 * horizon + 1, 10 * horizon, LAST_ITERATION}
    asked = sorted(each for each in far if horizon < each <= min(subject.reach, LAST_ITERATION))
    if not asked:
        raise NotJudged("no iteration can be asked for after the horizon")
    end, before = subject.rate(horizon), subject.rate(horizon)
    answers = subject.ask(asked)
    for place, iteration in enumerate(asked):
        rate = float(answers.rates[place])
        stays = abs(rate - end) <= subject.tolerance
        falls = -subject.slack <= rate <= before + subject.slack
        if answers.kinds[place] != NUMBER or not (stays if after == "stays" else falls):
            told = answers.told(place)
            return Counterexample(
                f"the rate is {shown(end)} at the horizon {horizon}; at iteration {iteration} it {told}", iteration
            )
        before = rate
    return None


def stretches(subject: Subject) -> Counterexample | None:
    """Made for twice or three times the horizon, it is the same curve, stretched."""
    make = _given(subject.declared.make)
    short = -(-subject.horizon // ROUND) * ROUND
    shares = np.unique(np.concatenate([np.arange(0, ROUND + 1, 4), [1, 2, 3, ROUND - 2, ROUND - 1]]))
    iterations = np.unique(np.concatenate([shares * (short // ROUND), [1, short - 1]])).astype(np.int64)
    one = subject.made(make(short)).evaluated(iterations).rates
    for factor in (2, 3):
        other = subject.made(make(factor * short)).evaluated(iterations * factor).rates
        places = np.flatnonzero(~(np.abs(one - other) <= subject.tolerance) & np.isfinite(one))
        if places.size:
            at = int(iterations[places[0]])
            return Counterexample(
                f"with horizon {short} the rate at iteration {at} is {shown(one[places[0]])}, with horizon "
                f"{factor * short} at iteration {factor * at} it is {shown(other[places[0]])}",
                at,
            )
    return None


def _part(subject: Subject, first: int, last: int) -> tuple[Iterations, NDArray[np.float64]]:
    iterations, rates = subject.known
    begin, end = np.searchsorted(iterations, [first, last + 1]).tolist()
    return iterations[begin:end], rates[begin:end]


def _given(value: T | None) -> T:
    assert value is not None, "a check is asked only when its promise was given"
    return value
