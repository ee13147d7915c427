"""Levers: for each policy the cfg keys that raise the rate at one iteration, with their closed-form inverse.

A lever gives a first guess from the formula; the exact rates decide. An integer is the smallest (or largest) that
does it, proven on its neighbour; a decimal has as few digits as do it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from lrsched.planner.run import Run
from lrsched.schedule import LAST_ITERATION
from lrsched.trainers.darknet import BurnIn, Constant, Exp, Policy, Poly, Random, Sgdr, Sigmoid, Step, Steps
from lrsched.trainers.darknet.arithmetic import single

__all__ = ["Lever", "Setting", "exact_integer", "learning_rate_lever", "levers", "round_number", "settings"]

ROUND_DIGITS = 2
EXACT_DIGITS = 6

STEEPEST = 100.0
"""The largest power or gamma anybody would write."""

BELOW_ONE = math.nextafter(1.0, 0.0)
"""A factor of 1 is no drop at all."""


@dataclass(frozen=True)
class Lever:
    """One key with which the rate at an iteration can be raised.

    Attributes:
        key: the cfg key.
        guess: the value the formula asks for; not finite when the key cannot do it.
        rises: whether a larger value raises the rate.
        whole: whether the value is an integer.
        low: the smallest sensible value.
        high: the largest sensible value.
        near_one: whether the digits that matter are those of 1 minus the value.
    """

    key: str
    guess: float
    rises: bool
    whole: bool
    low: float
    high: float
    near_one: bool = False


@dataclass(frozen=True)
class Setting:
    """A value for a key: the exact one, or a round one beside it, with the rate it leads to."""

    key: str
    value: Any
    exact: bool
    rate: float


def levers(
    policy: Policy, goal: int, wanted: float, max_batches: int | None, *, lower: bool = False
) -> Iterator[Lever]:
    """The keys that can bring the rate at ``goal`` to the size ``wanted``, the most usual first.

    The present values bound them on the side where the rate falls, unless it may be lowered.
    """
    peak = abs(policy.learning_rate)
    if not (0 < wanted < peak) or goal < 1:
        return
    share = wanted / peak
    if isinstance(policy, Poly) and policy.power > 0:
        left = 1 - share ** (1 / policy.power)
        yield Lever("max_batches", goal / left if left > 0 else math.inf, True, True, goal, LAST_ITERATION)
        if max_batches is not None and goal < max_batches:
            power = math.log(share) / math.log1p(-goal / max_batches)
            yield Lever("power", power, False, False, 0.0, STEEPEST if lower else policy.power)
    elif isinstance(policy, Step) and 0 < policy.scale < 1 and policy.step > 0:
        drops = math.floor(math.log(share) / math.log(float(single(policy.scale))) + 1e-6)
        yield Lever("step", goal // (drops + 1) + 1, True, True, 1 if lower else policy.step, goal + 1)
        if goal >= policy.step:
            scale = share ** (1 / (goal // policy.step))
            yield Lever("scale", scale, True, False, 0.0 if lower else policy.scale, BELOW_ONE)
    elif isinstance(policy, Steps) and policy.steps:
        passed = sum(t <= goal for t in policy.reached_at())
        if passed and all(0 <= scale <= 1 for scale in policy.scales):
            yield Lever("scales", share ** (1 / passed), True, False, 0.0, BELOW_ONE)
    elif isinstance(policy, Exp) and 0 < policy.gamma < 1:
        yield Lever("gamma", share ** (1 / goal), True, False, 0.0 if lower else policy.gamma, 1.0, near_one=True)
    elif isinstance(policy, Sigmoid) and policy.gamma > 0 and share < 0.5:
        reach = math.log(1 / share - 1)
        yield Lever("step", goal - reach / policy.gamma, True, True, 1, goal)
        if policy.step < goal:
            yield Lever("gamma", reach / (goal - policy.step), False, False, 0.0, STEEPEST if lower else policy.gamma)
    elif isinstance(policy, Sgdr):
        yield Lever("learning_rate_min", wanted, True, False, 0.0, peak)
    elif isinstance(policy, (Constant, Random)):
        return


MOST_RAISED = 10
"""A larger learning_rate than this many times the present one is no remedy."""


def learning_rate_lever(run: Run, goal: int, wanted: float) -> Lever | None:
    """The learning_rate with which the rate at ``goal`` is ``wanted``: every policy is proportional to it."""
    written = run.net.learning_rate if run.net is not None else getattr(run.policy, "learning_rate", 0.0)
    rate = abs(run.rate(goal))
    if rate == 0 or not math.isfinite(rate) or not 0 < written < math.inf:
        return None
    most = MOST_RAISED * written
    guess = written * wanted / rate
    return Lever("learning_rate", guess, True, False, written, most) if written < guess <= most else None


def settings(run: Run, lever: Lever, goal: int, enough: Callable[[float], bool]) -> Iterator[Setting]:
    """The exact value of a lever with which the rate at ``goal`` is ``enough``, then a round one if that is as well."""
    if not math.isfinite(lever.guess):
        return
    # the schedule alone gives the same rates, and sooner; but learning_rate means the one before the GPU factor
    bare = run if lever.key == "learning_rate" else replace(run, net=None)
    if lever.key != "learning_rate" and run.policy is not None and _after_burn_in(run, goal):
        bare = replace(bare, schedule=run.policy)
    rates: dict[Any, float] = {}

    def holds(value: Any) -> bool:
        if value not in rates:
            rates[value] = bare.with_keys(changes_of(run, lever.key, value)).rate(goal)
        return enough(abs(rates[value]))

    if lever.whole:
        found = exact_integer(holds, int(lever.low), int(lever.high), int(lever.guess), rises=lever.rises)
        if found is None:
            return
        yield Setting(lever.key, found, True, rates[found])
        rounded = round_number(found, up=lever.rises)
        if rounded != found and lever.low <= rounded <= lever.high and holds(rounded):
            yield Setting(lever.key, rounded, False, rates[rounded])
        return
    seen: set[float] = set()
    for digits, exact in ((EXACT_DIGITS, True), (ROUND_DIGITS, False)):
        value = _decimal(lever, digits, holds)
        if value is not None and value not in seen:
            seen.add(value)
            yield Setting(lever.key, value, exact, rates[value])


def _after_burn_in(run: Run, iteration: int) -> bool:
    return isinstance(run.schedule, BurnIn) and iteration >= run.schedule.end


def changes_of(run: Run, key: str, value: Any) -> dict[str, Any]:
    """A setting as cfg keys; one value for ``scales`` is meant for every step."""
    if key == "scales" and isinstance(run.policy, Steps):
        return {"scales": (value,) * len(run.policy.steps)}
    return {key: value}


def exact_integer(holds: Callable[[int], bool], low: int, high: int, guess: int, *, rises: bool = True) -> int | None:
    """The smallest integer of ``low..high`` that holds (the largest when ``rises`` is False), looked for near a guess.

    >>> exact_integer(lambda n: n * n >= 200, 0, 1000, 10), exact_integer(lambda n: n < 7, 0, 1000, 9, rises=False)
    (15, 6)
    """
    if not rises:
        mirrored = exact_integer(lambda n: holds(-n), -high, -low, -guess)
        return None if mirrored is None else -mirrored
    guess = min(max(guess, low), high)
    step = 1
    below = above = guess
    if holds(guess):
        while below > low and holds(below):
            above, below, step = below, max(below - step, low), step * 4
        if holds(below):
            return below
    else:
        while above < high and not holds(above):
            below, above, step = above, min(above + step, high), step * 4
        if not holds(above):
            return None
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if holds(middle) else (middle, above)
    return above


def round_number(value: int, *, up: bool = True, digits: int = ROUND_DIGITS) -> int:
    """``value`` with few digits.

    >>> round_number(428514), round_number(428514, up=False), round_number(7)
    (430000, 420000, 7)
    """
    unit = int(10 ** max(len(str(abs(value))) - digits, 0))
    return -(-value // unit) * unit if up else value // unit * unit


def _decimal(lever: Lever, digits: int, holds: Callable[[float], bool]) -> float | None:
    """The guess with so many digits, moved on to the side that holds; None when two moves do not get there."""
    base = Decimal(1) - Decimal(lever.guess) if lever.near_one else Decimal(lever.guess)
    if base <= 0:
        return None
    unit = Decimal(1).scaleb(base.adjusted() - digits + 1)
    # a larger value near one is a smaller distance from it
    upwards = lever.rises != lever.near_one
    number = base.quantize(unit, rounding=ROUND_CEILING if upwards else ROUND_FLOOR)
    for _ in range(3):
        value = float(Decimal(1) - number) if lever.near_one else float(number)
        if lever.low < value <= lever.high and holds(value):
            return value
        number += unit if upwards else -unit
    return None
