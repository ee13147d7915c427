"""Which keys of a cfg bend its curve, and how: one record for each policy, asked by the planner."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from lrsched.numbers import LAST_ITERATION
from lrsched.rules import Changes, Fix, Offer, Rule, Terms
from lrsched.rules import Planning as AnyPlanning
from lrsched.schedule import PRINTED_ZERO_BELOW
from lrsched.search import least
from lrsched.trainers.darknet.net import Net
from lrsched.trainers.darknet.numbers import shortest
from lrsched.trainers.darknet.policy import Policy
from lrsched.trainers.darknet.rules import FIXES, RULES
from lrsched.trainers.darknet.usual import USUAL_BURN_IN, USUAL_DECAY, decay_keys, usual_steps

__all__ = ["SHAPES", "Bend", "Planning", "Shape"]

TERMS = Terms(
    horizon="max_batches=",
    warmup="burn-in",
    zero="printed as 0.000000",
    zero_below=PRINTED_ZERO_BELOW,
    decay=USUAL_DECAY,
    again="count from 0 again (-clear)",
    kept="learning_rate",
)

MOST_RAISED = 10  # a larger learning_rate than this many times the present one fixes nothing
NEAR = 1.5  # a round value is offered for the exact one where the rate is at most so many times the one that is wanted
DEAD_TAIL = 0.004  # the share of a run that poly may end with at a rate printed as zero
MOST_USUAL = 4  # more steps than this are replaced by the usual two
ENOUGH = 0.11  # a decay to this share may keep its scales


class Bend(NamedTuple):
    """A key that raises or lowers the rate at an iteration in one direction."""

    key: str
    text: str  # what the change does to the curve
    rises: bool  # whether a larger value raises the rate
    kind: str = ""  # "whole", "list" (one value for each number), "near one" (the digits of 1 minus the value matter)

    def solve(self, policy: Policy, wanted: float, t: int) -> Offer | None:
        """The round value with which the rate at ``t`` is ``wanted`` or just above, and the exact integer."""
        at = np.array([t])

        def rate(value: Any) -> float:
            tried = copy(policy)  # as replace(), without the checks, which take longer than the rate
            object.__setattr__(tried, self.key, self.changes(policy, value)[self.key])
            return abs(float(tried.formula(at)[0]))

        values = self.values(t)
        with np.errstate(all="ignore"):
            exact = values[least(lambda n: rate(values[n]) >= wanted, 0, len(values) - 1)]
            value = rounded(exact) if self.kind == "whole" else exact
            if not wanted <= rate(value) <= NEAR * wanted:
                value = exact
            if rate(value) >= wanted:
                target = t if self.key == "max_batches" and value > t else None
                other = {} if value == exact else self.changes(policy, exact)
                return Offer(changes=self.changes(policy, value), text=self.text, target=target, exact=other)
        return None

    def changes(self, policy: Policy, value: Any) -> dict[str, Any]:
        """The value as it is written."""
        return {self.key: (value,) * len(getattr(policy, self.key)) if self.kind == "list" else value}

    def values(self, t: int) -> Sequence[Any]:
        """The values that are tried, in the order in which the rate at ``t`` rises."""
        if self.kind == "whole":
            return range(t, min(64 * t, LAST_ITERATION) + 1) if self.key == "max_batches" else range(1, t + 2)
        return two_digits(self.kind)[:: 1 if self.rises else -1]


@cache
def two_digits(kind: str) -> list[float]:
    """The decimals of two digits from 1e-9 to 99, ascending, or 1 minus each of them."""
    numbers = [float(f"{digits}e{exponent}") for exponent in range(-10, 1) for digits in range(10, 100)]
    return [float(f"{1 - number:.12g}") for number in reversed(numbers)] if kind == "near one" else numbers


def rounded(value: int, *, up: bool = True, digits: int = 2) -> int:
    """``value`` with few digits.

    >>> rounded(428514), rounded(428514, up=False), rounded(7)
    (430000, 420000, 7)
    """
    unit = int(10 ** max(len(str(abs(value))) - digits, 0))
    return -(-value // unit) * unit if up else value // unit * unit


def power(base: float, exponent: float) -> float:
    """``base ** exponent``, infinite where Python raises."""
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf


def usual_decay(net: Net, horizon: int) -> Changes:
    """The keys with which the policy usually decays; none for one that cannot."""
    return decay_keys(net.policy, horizon, net.learning_rate)


def steps_stretched(net: Net, horizon: int) -> Changes:
    """The steps in proportion; where they do not fit the run, or are usual but for rounding, where they usually are."""
    old, usual = net.max_batches, usual_steps(net.max_batches, len(net.steps))
    if len(usual) <= MOST_USUAL and all(abs(a - b) <= old // 50 for a, b in zip(net.steps, usual, strict=True)):
        return {"steps": usual_steps(horizon, len(usual))}
    if not net.steps or not 0 < max(net.steps) < old or sorted(net.steps) != list(net.steps):
        return steps_decay(net, horizon)
    return {"steps": tuple(step * horizon // old if step > 0 else step for step in net.steps)}


def steps_decay(net: Net, horizon: int) -> Changes:
    """The steps where they usually are; other scales only where they do not decay the rate."""
    count = len(net.steps)
    if not 0 < count <= MOST_USUAL or net.steps[0] < 0:
        return usual_decay(net, horizon)
    decays = all(0 < scale < 1 for scale in net.scales) and math.prod(net.scales) <= ENOUGH
    return {"steps": usual_steps(horizon, count)} | ({} if decays else {"scales": (0.1,) * count})


def steps_continued(net: Net, start: int, horizon: int) -> Changes:
    """The steps ahead move in proportion between the switch and the new end; those behind stay."""
    ahead = net.max_batches - start
    moved = (s if s <= start else start + (s - start) * (horizon - start) // ahead for s in net.steps)
    return {"max_batches": horizon} | ({"steps": tuple(moved)} if ahead > 0 else {})


def step_decay(net: Net, horizon: int) -> Changes:
    """So many equal drops that the rate decays as usual."""
    drops = math.ceil(math.log(USUAL_DECAY) / -math.log(net.scale) - 1e-6) if 0 < net.scale < 1 else horizon
    return {"step": horizon // (drops + 1) + 1} if drops < horizon else usual_decay(net, horizon)


def poly_stretched(net: Net, horizon: int) -> Changes:
    """A poly that ends at the horizon is at zero there; it ends later, and is at a usual share at the horizon."""
    left = USUAL_DECAY ** (-1 / net.power) if net.power > 0 else 1.0
    return {"max_batches": rounded(min(math.ceil(horizon / (1 - left)), LAST_ITERATION))} if left < 1 else {}


def poly_decay(net: Net, horizon: int) -> Changes:
    """The largest whole power with which hardly any iteration at the end is printed as zero."""
    share = PRINTED_ZERO_BELOW / (abs(net.learning_rate) or PRINTED_ZERO_BELOW)
    return {"power": float(min(max(int(math.log(share) / math.log(DEAD_TAIL)), 1), 4))} if 0 < share < 1 else {}


def poly_continued(net: Net, start: int, horizon: int) -> Changes | None:
    """``learning_rate' (1 - s/T')^p`` is to be the rate at the switch, with the T' of the stretched curve."""
    longer = poly_stretched(net, horizon).get("max_batches", horizon)
    before, after = 1 - start / net.max_batches, 1 - start / longer
    if before <= 0 or after <= 0:
        return None
    return {"max_batches": longer, "learning_rate": shortest(net.learning_rate * power(before / after, net.power))}


class Shape(NamedTuple):
    """What is known of the curve of a policy."""

    bends: tuple[Bend, ...] = ()  # the keys that change the rate at an iteration
    stretch: Callable[[Net, int], Changes] = lambda net, horizon: {}  # the same curve, until a horizon
    decay: Callable[[Net, int], Changes] = usual_decay  # until a horizon; none for a policy that cannot
    # the keys with which the curve goes on from an iteration to a later horizon without a jump
    continued: Callable[[Net, int, int], Changes | None] = lambda net, start, horizon: {"max_batches": horizon}


SHAPES: dict[str, Shape] = {
    "constant": Shape(),
    "random": Shape(),
    "step": Shape(
        (Bend("step", "a later drop", True, "whole"), Bend("scale", "other drops", True)),
        lambda net, horizon: {"step": max(net.step * horizon // net.max_batches, 1)},
        step_decay,
    ),
    "steps": Shape((Bend("scales", "other drops", True, "list"),), steps_stretched, steps_decay, steps_continued),
    "exp": Shape(
        (Bend("gamma", "another decay", True, "near one"),),
        lambda net, horizon: {"gamma": shortest(power(max(net.gamma, 0), net.max_batches / horizon))},
    ),
    "poly": Shape(
        (Bend("max_batches", "a longer curve", True, "whole"), Bend("power", "a flatter or steeper curve", False)),
        poly_stretched,
        poly_decay,
        poly_continued,
    ),
    "sigmoid": Shape(
        (Bend("step", "a later drop", True, "whole"), Bend("gamma", "a flatter or steeper curve", False)),
        lambda net, horizon: {
            "step": net.step * horizon // net.max_batches,
            "gamma": shortest(net.gamma * net.max_batches / horizon),
        },
    ),
    "sgdr": Shape(
        (Bend("learning_rate_min", "another minimum", True),),
        lambda net, horizon: {"sgdr_cycle": max((net.sgdr_cycle or net.max_batches) * horizon // net.max_batches, 1)},
        continued=lambda net, _, horizon: {"max_batches": horizon, "sgdr_cycle": net.sgdr_cycle or net.max_batches},
    ),
}
"""One record for each policy, by its name."""


class Planning(AnyPlanning):
    """What a cfg answers the planner; see ``lrsched.rules.Planning``."""

    terms: ClassVar[Terms] = TERMS
    rules: ClassVar[tuple[Rule, ...]] = RULES
    fixes: ClassVar[Mapping[str, tuple[Fix, ...]]] = FIXES

    config: Net

    def about(self) -> Mapping[str, Any]:
        return {"cfg": self.config.source, "dialect": self.config.dialect.name, "policy": self.config.policy}

    def files(self) -> Mapping[str, str]:
        return {} if self.config.text is None else {self.config.source: self.config.text}

    def place_of(self, key: str) -> tuple[str, int] | None:
        line = self.config.line_of(key)
        return None if line is None else (self.config.source, line)

    @property
    def shape(self) -> Shape:
        """The record of its policy."""
        return SHAPES[self.config.policy]

    def stretched(self, horizon: int) -> Offer | None:
        net = self.config
        keys = self.shape.stretch(net, horizon) if net.max_batches > 0 else self.shape.decay(net, horizon)
        changes = {"max_batches": horizon, **keys}
        if changes["max_batches"] == horizon:
            return Offer(changes, f"the same curve over {horizon} iterations")
        solved = self.reaching(abs(net.learning_rate) / USUAL_DECAY, horizon)
        text = f"the same curve over a longer run, so that the rate is still of use at {horizon}"
        return Offer(changes, text, target=horizon, exact=next((offer.exact for offer in solved), {}))

    def decaying(self, horizon: int, start: int = 0) -> Changes | None:
        changes = dict(self.shape.decay(self.config, horizon - start)) if horizon > start + 1 else {}
        if start and "steps" in changes:
            changes["steps"] = tuple(start + step for step in changes["steps"])
        return changes or None

    def warmed(self, iterations: int) -> Changes | None:
        return {"burn_in": min(USUAL_BURN_IN, rounded(iterations // 10, up=False, digits=1))}

    def reaching(self, rate: float, iteration: int, ngpus: int = 1) -> Iterator[Offer]:
        schedule: Any = self.config.schedule(ngpus)
        policy = getattr(schedule, "policy", schedule)
        if iteration < schedule.warmup or not 0 < rate < math.inf:
            return
        yield from filter(None, (bend.solve(policy, rate, iteration) for bend in self.shape.bends))
        present = abs(float(policy(iteration)))
        if 0 < present < rate <= MOST_RAISED * present:
            higher = float(f"{self.config.learning_rate * rate / present * 1.05:.1e}")  # two digits, none of them lower
            yield Offer({"learning_rate": higher}, "the whole curve raised")

    def continued(self, start: int, horizon: int, ngpus: int = 1) -> Changes | None:
        if self.config.schedule(ngpus).warmup > start:  # the burn-in does not know where the run ends
            return {"max_batches": horizon, **self.shape.stretch(self.config, horizon)}
        return self.shape.continued(self.config, start, horizon)

    def held(self, rate: float, horizon: int, ngpus: int = 1) -> Changes | None:
        learning_rate = shortest(rate / self.config.gpu_factor(ngpus))
        return {"max_batches": horizon, "policy": "constant", "learning_rate": learning_rate, "burn_in": 0}
