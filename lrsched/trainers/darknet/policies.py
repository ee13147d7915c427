"""The eight policies and the burn-in, as values that return the very float32 numbers of the trainer.

Restated from ``get_current_rate`` in pjreddie/darknet ``src/network.c``, AlexeyAB/darknet ``src/network.c`` and
hank-ai/darknet ``src-lib/network.cpp``. Fields carry darknet's own key names, defaults are darknet's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lrsched.schedule import BLOCK, LAST_ITERATION, Iterations, Piece, in_blocks
from lrsched.trainers.darknet.arithmetic import (
    Singles,
    exp_rates,
    power_rates,
    sigmoid_rates,
    single,
)
from lrsched.trainers.darknet.parameters import (
    Base,
    DropLength,
    Midpoint,
    Power,
    Quantile,
    Scale,
    ScaleList,
    Steepness,
    StepList,
)
from lrsched.trainers.darknet.policy import Policy, counted, split
from lrsched.trainers.darknet.sgdr import Sgdr

__all__ = [
    "POLICIES",
    "Constant",
    "Exp",
    "Poly",
    "Random",
    "Sgdr",
    "Sigmoid",
    "Step",
    "Steps",
]


@dataclass(frozen=True, kw_only=True, repr=False)
class Constant(Policy):
    r"""The same rate for ever: :math:`\eta`.

    >>> Constant(learning_rate=0.01)([0, 1, 500_000])
    array([0.01, 0.01, 0.01], dtype=float32)

    Source: ``case CONSTANT`` of ``get_current_rate``; also what a fork may make of a policy it does not know.
    """

    KEY = "constant"
    FORMULA = "learning_rate"

    def _check(self) -> None:
        pass

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter(())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return (Piece(first, last),)

    def _fill(self, first: int, out: Singles) -> None:
        out.fill(single(self.learning_rate))

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        out.fill(single(self.learning_rate))


@dataclass(frozen=True, kw_only=True, repr=False)
class Step(Policy):
    r"""A drop every ``step`` iterations: :math:`\eta\,c^{\lfloor t/s \rfloor}`.

    >>> Step(learning_rate=0.1, step=100, scale=0.5)([0, 99, 100, 200])
    array([0.1  , 0.1  , 0.05 , 0.025], dtype=float32)

    Source: ``case STEP`` of ``get_current_rate``; the division is C's, which drops the fraction.
    """

    KEY = "step"
    FORMULA = "learning_rate * scale ** (t // step)"

    step: DropLength = 1
    scale: Scale = 1.0

    def _check(self) -> None:
        pass

    def milestones(self, first: int, last: int) -> Iterator[int]:
        length = self._length()
        return iter(range(max(first + -first % length, length), last + 1, length))

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return (Piece(first, last),)

    def _length(self) -> int:
        return LAST_ITERATION + 1 if self.step < 0 and self.arithmetic.unsigned else abs(self.step)

    def _drops(self, counts: Iterations, out: Singles) -> None:
        signed = -counts if self.step < 0 else counts
        base = np.array([single(self.scale)])
        # an int exponent makes the call pow(double, double), whatever the fork
        power_rates(self.learning_rate, base, signed.astype(np.float64), out)

    def _fill(self, first: int, out: Singles) -> None:
        length = self._length()
        head = min(-first % length, out.size)
        stairs = out[head : out.size - (out.size - head) % length].reshape(-1, length)
        ends = np.empty(2, np.float32)
        self._drops(np.array([first, first + out.size - 1]) // length, ends)
        out[:head], out[head + stairs.size :] = ends
        drops = (first + head) // length
        for begin in range(0, len(stairs), BLOCK):
            some = stairs[begin : begin + BLOCK]
            rates = np.empty(len(some), np.float32)
            if self.step > 0:
                exp_rates(self.learning_rate, self.scale, drops + begin, rates)
            else:
                self._drops(np.arange(drops + begin, drops + begin + len(some)), rates)
            some[:] = rates[:, np.newaxis]

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        self._drops(iterations // self._length(), out)


@dataclass(frozen=True, kw_only=True, repr=False)
class Steps(Policy):
    r"""A drop at each listed iteration: :math:`\eta\,c_1 c_2 \cdots`, one factor for every :math:`s_i \le t`.

    The walk through ``steps`` stops at the first one that lies ahead, so a step after a larger one waits for it.
    Every product is rounded to float32.

    >>> schedule = Steps(learning_rate=0.001, steps=(400, 450), scales=(0.1, 0.1))
    >>> [f"{rate:f}" for rate in schedule([399, 400, 449, 450])]
    ['0.001000', '0.000100', '0.000100', '0.000010']

    Source: ``case STEPS`` of ``get_current_rate``.
    """

    KEY = "steps"
    FORMULA = "learning_rate * scales[0] * scales[1] * ... for every steps[i] <= t"

    steps: StepList
    scales: ScaleList

    def _check(self) -> None:
        if len(self.steps) != len(self.scales):
            raise ValueError(
                f"Steps: steps has {len(self.steps)} values but scales has {len(self.scales)}; give one scale per step"
            )

    def reached_at(self) -> list[int]:
        """The iteration from which on each step counts, ascending; past the last iteration when never."""
        reached, latest = [], 0
        for step in self.steps:
            latest = LAST_ITERATION + 1 if step < 0 and self.arithmetic.unsigned else max(latest, step)
            reached.append(latest)
        return reached

    def _levels(self) -> Singles:
        levels = np.empty(len(self.scales) + 1, np.float32)
        levels[0] = single(self.learning_rate)
        for i, scale in enumerate(self.scales):
            levels[i + 1] = levels[i] * single(scale)
        return levels

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter(sorted({t for t in self.reached_at() if max(first, 1) <= t <= last}))

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        starts = sorted({first, *(t for t in self.milestones(first, last))})
        return tuple(Piece(a, b - 1) for a, b in zip(starts, [*starts[1:], last + 1], strict=True))

    def _fill(self, first: int, out: Singles) -> None:
        edges = np.clip(np.array([0, *self.reached_at(), LAST_ITERATION + 1]) - first, 0, out.size).tolist()
        for level, begin, end in zip(self._levels(), edges[:-1], edges[1:], strict=True):
            out[begin:end] = level

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        out[:] = self._levels()[np.searchsorted(np.array(self.reached_at(), np.int64), iterations, side="right")]


@dataclass(frozen=True, kw_only=True, repr=False)
class Exp(Policy):
    r"""Exponential decay: :math:`\eta\,\gamma^t`.

    >>> Exp(learning_rate=0.1, gamma=0.5)([0, 1, 2])
    array([0.1  , 0.05 , 0.025], dtype=float32)

    Source: ``case EXP`` of ``get_current_rate``.
    """

    KEY = "exp"
    FORMULA = "learning_rate * gamma ** t"

    gamma: Base = 1.0

    def _check(self) -> None:
        pass

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter(())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return (Piece(first, last),)

    def _fill(self, first: int, out: Singles) -> None:
        for begin, part in in_blocks(first, out):
            exp_rates(self.learning_rate, self.gamma, begin, part)

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        power_rates(self.learning_rate, np.array([single(self.gamma)]), iterations.astype(np.float64), out)


@dataclass(frozen=True, kw_only=True, repr=False)
class Poly(Policy):
    r"""Polynomial decay, zero at ``max_batches``: :math:`\eta\,(1 - t/T)^p`.

    Past ``max_batches`` it rises again for an even power, is negative for an odd one and NaN for a fraction.

    >>> Poly(learning_rate=0.01, max_batches=1000, power=2.0)([0, 500, 1000, 1500])
    array([0.01  , 0.0025, 0.    , 0.0025], dtype=float32)

    Source: ``case POLY`` of ``get_current_rate``.
    """

    KEY = "poly"
    FORMULA = "learning_rate * (1 - t / max_batches) ** power"

    power: Power = 4.0

    def _check(self) -> None:
        pass

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter((self.max_batches,) if max(first, 1) <= self.max_batches <= last else ())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return split(first, last, self.max_batches + 1)

    def _rates(self, t: Singles, out: Singles) -> None:
        np.divide(t, np.float32(self.max_batches), out=t)
        np.subtract(np.float32(1), t, out=t)
        power_rates(self.learning_rate, t, float(single(self.power)), out, self.arithmetic)

    def _fill(self, first: int, out: Singles) -> None:
        for begin, part in in_blocks(first, out):
            self._rates(counted(begin, part.size), part)

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        self._rates(iterations.astype(np.float32), out)


@dataclass(frozen=True, kw_only=True, repr=False)
class Random(Policy):
    r"""A new draw at every iteration: :math:`\eta\,u^p` with u uniform in [0, 1].

    A trainer draws u anew each time; here it is a field, so that the schedule is pure. ``band`` gives the spread.

    >>> Random(learning_rate=0.01, power=1.0)(7).item(), [round(float(r), 4) for r in Random(power=1.0).band()]
    (0.004999999888241291, [0.0, 0.001])

    Source: ``case RANDOM`` of ``get_current_rate``.
    """

    KEY = "random"
    FORMULA = "learning_rate * u ** power, u drawn uniformly from [0, 1] at every iteration"

    power: Power = 4.0
    u: Quantile = 0.5

    def _check(self) -> None:
        pass

    def _rate(self, u: float) -> np.float32:
        out = np.empty(1, np.float32)
        with np.errstate(all="ignore"):
            power_rates(self.learning_rate, np.array([single(u)]), float(single(self.power)), out, self.arithmetic)
        return np.float32(out[0])

    def band(self, low: float = 0.0, high: float = 1.0) -> tuple[np.float32, np.float32]:
        """The rates at two quantiles of the draw; the whole range by default."""
        return self._rate(low), self._rate(high)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter(())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return (Piece(first, last),)

    def _fill(self, first: int, out: Singles) -> None:
        out.fill(self._rate(self.u))

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        out.fill(self._rate(self.u))


@dataclass(frozen=True, kw_only=True, repr=False)
class Sigmoid(Policy):
    r"""A smooth fall around ``step``: :math:`\eta / (1 + e^{\gamma (t - s)})`.

    >>> [f"{rate:f}" for rate in Sigmoid(learning_rate=0.1, gamma=0.01, step=1000)([0, 1000, 2000])]
    ['0.099995', '0.050000', '0.000005']

    Source: ``case SIG`` of ``get_current_rate``. In pjreddie the difference is unsigned and wraps before ``step``.
    """

    KEY = "sigmoid"
    FORMULA = "learning_rate / (1 + exp(gamma * (t - step)))"

    gamma: Steepness = 1.0
    step: Midpoint = 1

    def _check(self) -> None:
        pass

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter((self.step,) if max(first, 1) <= self.step <= last else ())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return split(first, last, self.step) if self.arithmetic.unsigned else (Piece(first, last),)

    def _rates(self, since: Singles, out: Singles) -> None:
        if self.arithmetic.unsigned:
            since[since < 0] = 2.0**64  # the float32 next to all that wraps here
        np.multiply(since, single(self.gamma), out=since)
        sigmoid_rates(self.learning_rate, since, out, self.arithmetic)

    def _fill(self, first: int, out: Singles) -> None:
        for begin, part in in_blocks(first, out):
            self._rates(counted(begin - self.step, part.size), part)

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        self._rates((iterations - self.step).astype(np.float32), out)


POLICIES: tuple[type[Policy], ...] = (Constant, Step, Steps, Exp, Poly, Random, Sigmoid, Sgdr)
