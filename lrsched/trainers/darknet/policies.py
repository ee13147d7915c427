"""The eight policies, as values that return the very float32 numbers of the trainer.

Each is restated from its ``case`` in ``get_current_rate``, in ``src/network.c`` (pjreddie, AlexeyAB) and
``src-lib/network.cpp`` (hank-ai). Fields carry darknet's own key names, defaults are darknet's. A policy is its
``formula``, and where it bends: ``milestones``. What the trainer computes in float32 stays float32; ``arithmetic`` does
the rest in double.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from typing import Annotated, ClassVar

import numpy as np

from lrsched.schedule import Iterations, Param, Piece
from lrsched.trainers.darknet import policy as p
from lrsched.trainers.darknet.arithmetic import Singles, cosine_rates, counts_on, power_rates, sigmoid_rates, single
from lrsched.trainers.darknet.policy import Policy, within

__all__ = ["POLICIES", "Constant", "Exp", "Poly", "Random", "Sgdr", "Sigmoid", "Step", "Steps"]

FEW_CYCLES = 8  # up to this many cycles in a block are computed one by one


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Constant(Policy):
    r"""The same rate at every iteration: :math:`\eta`; also what a fork may make of a policy it does not know.

    >>> Constant(learning_rate=0.01)([0, 1, 500_000])
    array([0.01, 0.01, 0.01], dtype=float32)
    """

    KEY: ClassVar[str] = "constant"
    FORMULA: ClassVar[str] = "learning_rate"

    def formula(self, t: Iterations) -> Singles:
        return np.full(t.shape, single(self.learning_rate))


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Step(Policy):
    r"""A drop every ``step`` iterations: :math:`\eta\,c^{\lfloor t/s \rfloor}`; C's division drops the fraction.

    >>> Step(learning_rate=0.1, step=100, scale=0.5)([0, 99, 100, 200])
    array([0.1  , 0.1  , 0.05 , 0.025], dtype=float32)
    """

    KEY: ClassVar[str] = "step"
    FORMULA: ClassVar[str] = "learning_rate * scale ** (t // step)"

    step: Annotated[int, Param("iterations between two drops", *p.INT, (1, 400_000), zero=False)] = 1
    scale: p.Scale = 1.0

    @property
    def drop_length(self) -> int:
        """The iterations between two drops: the size of ``step``, which is huge where it counts as unsigned."""
        return abs(self.arithmetic.beside_the_count(self.step))

    def formula(self, t: Iterations) -> Singles:
        drops = t // self.drop_length
        # the exponent is an int in C, so even a fork with float functions calls pow(double, double) here
        return power_rates(self.learning_rate, single(self.scale), -drops if self.step < 0 else drops)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter(self._drops(first, last))

    def _drops(self, first: int, last: int) -> range:
        length = self.drop_length
        return range(max(first + -first % length, length), last + 1, length)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        if self.scale >= 0:
            return (Piece(first, last),)
        drops = self._drops(first + 1, last)  # each turns the sign, which those at the two ends show
        starts = sorted({first, *drops[:2], *drops[-2:], last + 1})
        return tuple(Piece(a, b - 1) for a, b in pairwise(starts))


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Steps(Policy):
    r"""A drop at each listed iteration: :math:`\eta\,c_1 c_2 \cdots`, one factor for every :math:`s_i \le t`.

    The walk through ``steps`` stops at the first one that lies ahead, so a step after a larger one waits for it.
    Every product is rounded to float32.

    >>> schedule = Steps(learning_rate=0.001, steps=(400, 450), scales=(0.1, 0.1))
    >>> [f"{rate:f}" for rate in schedule([399, 400, 449, 450])]
    ['0.001000', '0.000100', '0.000100', '0.000010']
    """

    KEY: ClassVar[str] = "steps"
    FORMULA: ClassVar[str] = "learning_rate * scales[0] * scales[1] * ... for every steps[i] <= t"

    steps: p.StepList
    scales: p.ScaleList

    def _check(self) -> None:
        if len(self.steps) != len(self.scales):
            counts = f"steps has {len(self.steps)} values but scales has {len(self.scales)}"
            raise ValueError(f"Steps: {counts}; give one scale per step")

    def reached_at(self) -> list[int]:
        """The iteration from which on each step counts, ascending; past the last iteration when never."""
        return list(accumulate((max(self.arithmetic.beside_the_count(step), 0) for step in self.steps), max))

    def formula(self, t: Iterations) -> Singles:
        rates = np.full(t.shape, single(self.learning_rate))
        last = int(t.max())
        for step, scale in zip(self.reached_at(), self.scales, strict=True):
            if step <= last:
                np.multiply(rates, single(scale), out=rates, where=t >= step)
        return rates

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return within(first, last, *self.reached_at())


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Exp(Policy):
    r"""Exponential decay: :math:`\eta\,\gamma^t`.

    >>> Exp(learning_rate=0.1, gamma=0.5)([0, 1, 2])
    array([0.1  , 0.05 , 0.025], dtype=float32)
    """

    KEY: ClassVar[str] = "exp"
    FORMULA: ClassVar[str] = "learning_rate * gamma ** t"

    gamma: Annotated[float, Param("factor of every iteration", *p.FLOAT, (0.99, 1.0))] = 1.0

    def formula(self, t: Iterations) -> Singles:
        return power_rates(self.learning_rate, single(self.gamma), t)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Poly(Policy):
    r"""Polynomial decay, zero at ``max_batches``: :math:`\eta\,(1 - t/T)^p`.

    Past ``max_batches`` it rises again for an even power, is negative for an odd one and NaN for a fraction.

    >>> Poly(learning_rate=0.01, max_batches=1000, power=2.0)([0, 500, 1000, 1500])
    array([0.01  , 0.0025, 0.    , 0.0025], dtype=float32)
    """

    KEY: ClassVar[str] = "poly"
    FORMULA: ClassVar[str] = "learning_rate * (1 - t / max_batches) ** power"

    power: p.Power = 4.0

    def formula(self, t: Iterations) -> Singles:
        left = np.float32(1) - t.astype(np.float32) / np.float32(self.max_batches)
        return power_rates(self.learning_rate, left, single(self.power), self.arithmetic)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return within(first, last, self.max_batches)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Random(Policy):
    r"""A new draw at every iteration: :math:`\eta\,u^p` with u uniform in [0, 1].

    A trainer draws u each time; here it is a field, so that the schedule is pure. ``band`` gives the spread.

    >>> Random(learning_rate=0.01, power=1.0)(7).item(), [round(float(r), 4) for r in Random(power=1.0).band()]
    (0.004999999888241291, [0.0, 0.001])
    """

    KEY: ClassVar[str] = "random"
    FORMULA: ClassVar[str] = "learning_rate * u ** power, u drawn uniformly from [0, 1] at every iteration"

    power: p.Power = 4.0
    u: Annotated[float, Param("the draw of the random policy, fixed", 0.0, 1.0, (0.0, 1.0))] = 0.5

    def formula(self, t: Iterations) -> Singles:
        return np.full(t.shape, self.band(self.u)[0])

    def band(self, low: float = 0.0, high: float = 1.0) -> tuple[np.float32, np.float32]:
        """The rates at two quantiles of the draw; the whole range by default."""
        with np.errstate(all="ignore"):
            u = np.array([single(low), single(high)])
            at_low, at_high = power_rates(self.learning_rate, u, single(self.power), self.arithmetic)
        return at_low, at_high


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Sigmoid(Policy):
    r"""A smooth fall around ``step``: :math:`\eta / (1 + e^{\gamma (t - s)})`.

    In pjreddie the difference is unsigned and wraps before ``step``.

    >>> [f"{rate:f}" for rate in Sigmoid(learning_rate=0.1, gamma=0.01, step=1000)([0, 1000, 2000])]
    ['0.099995', '0.050000', '0.000005']
    """

    KEY: ClassVar[str] = "sigmoid"
    FORMULA: ClassVar[str] = "learning_rate / (1 + exp(gamma * (t - step)))"

    gamma: Annotated[float, Param("steepness; below 0 the rate rises", *p.FLOAT, (1e-5, 1e-2))] = 1.0
    step: Annotated[int, Param("iteration at which half of the rate is left", *p.INT, (1, 400_000))] = 1

    def formula(self, t: Iterations) -> Singles:
        since = (t - self.step).astype(np.float32)
        if self.arithmetic.unsigned:
            since[since < 0] = 2.0**64  # the float32 next to all that wraps here
        return sigmoid_rates(self.learning_rate, since * single(self.gamma), self.arithmetic)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return within(first, last, self.step)


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Sgdr(Policy):
    r"""Cosine cycles with restarts: :math:`\eta_{min} + \frac{\eta - \eta_{min}}{2}(1 + \cos(\pi (t - t_0)/C))`.

    A cycle ends *at* its last iteration, with the minimum; the next one has begun an iteration later, so the peak
    is seen at iteration 0 only. Cycles that begin past 2**31 - 1 would overflow the trainer's int; here they are
    counted on exactly. pjreddie does not know the policy.

    >>> schedule = Sgdr(learning_rate=1.0, learning_rate_min=0.0, sgdr_cycle=4, sgdr_mult=1)
    >>> [f"{rate:f}" for rate in schedule([0, 2, 4, 5])]
    ['1.000000', '0.500000', '0.000000', '0.853553']
    """

    KEY: ClassVar[str] = "sgdr"
    FORMULA: ClassVar[str] = (
        "learning_rate_min + (learning_rate - learning_rate_min) / 2 * (1 + cos(pi * (t - start) / size)); "
        "sizes are sgdr_cycle, sgdr_cycle * sgdr_mult, ..."
    )

    learning_rate_min: p.LearningRateMin = 0.00001
    sgdr_cycle: p.Cycle = None
    sgdr_mult: p.CycleMult = 2

    def _check(self) -> None:
        if self.first_cycle < 1:
            raise ValueError("Sgdr: a cycle must be at least 1 iteration long; give sgdr_cycle or max_batches")

    @property
    def first_cycle(self) -> int:
        """The length of the first cycle: ``sgdr_cycle``, or ``max_batches`` when that is absent."""
        return self.max_batches if self.sgdr_cycle is None else self.sgdr_cycle

    def formula(self, t: Iterations) -> Singles:
        if counts_on(t):
            cycles = list(islice(self.cycles(int(t[0]), int(t[-1])), FEW_CYCLES + 1))
            if len(cycles) <= FEW_CYCLES:
                # most blocks lie in one cycle, whose cosines are cheap to compute together
                ends = np.searchsorted(t, [start + size for start, size in cycles], side="right")
                parts = zip(cycles, np.split(t, ends[:-1]), strict=True)
                return np.concatenate([self._rates(part, start, size) for (start, size), part in parts])
        size = self.first_cycle
        if self.sgdr_mult == 1:
            return self._rates(t, np.maximum(t - 1, 0) // size * size, size)
        starts, sizes = np.array(list(self.cycles(int(t.min()), int(t.max())))).T
        which = np.searchsorted(starts + sizes, t)  # the first cycle that ends at or after an iteration holds it
        return self._rates(t, starts[which], sizes[which])

    def _rates(self, t: Iterations, start: int | Iterations, size: int | Iterations) -> Singles:
        return cosine_rates(self.learning_rate_min, self.learning_rate, t - start, size, self.arithmetic)

    def cycles(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield ``(start, size)`` of the cycles that hold an iteration of ``first..last``.

        Iteration ``start + size`` is the last of its cycle, ``start`` that of the one before (or 0).
        """
        start, size = 0, self.first_cycle
        if self.sgdr_mult == 1:
            start = max(first - 1, 0) // size * size
        while start < last or start == 0:
            if start + size >= first:
                yield start, size
            start, size = start + size, size * self.sgdr_mult

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return (start + 1 for start, _ in self.cycles(first, last) if start and first <= start + 1 <= last)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        if self.learning_rate * self.learning_rate_min < 0:
            return None  # within a cycle the size of the rate falls and rises again
        if self.sgdr_mult > 1:
            return super().pieces(first, last)
        size = self.first_cycle
        begin = max(-(-(first - 1) // size), 1) * size + 1  # of the first whole cycle; equal ones are one piece
        repeats = max((last - begin + 1) // size, 0)
        parts = (first, begin - 1, 1), (begin, begin + size - 1, repeats), (begin + repeats * size, last, 1)
        return tuple(Piece(a, min(b, last), times) for a, b, times in parts if times and a <= last and a <= b)


POLICIES: tuple[type[Policy], ...] = (Constant, Step, Steps, Exp, Poly, Random, Sigmoid, Sgdr)
"""Every policy that some fork of darknet knows."""
