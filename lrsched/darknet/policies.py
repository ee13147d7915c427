"""The eight policies and the burn-in, as values that return the very float32 numbers of the trainer.

Restated from ``get_current_rate`` in pjreddie/darknet ``src/network.c``, AlexeyAB/darknet ``src/network.c`` and
hank-ai/darknet ``src-lib/network.cpp``. Fields carry darknet's own key names, defaults are darknet's.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np

from lrsched.darknet.arithmetic import (
    Arithmetic,
    Singles,
    exp_rates,
    half_cosine_rates,
    power_rates,
    sigmoid_rates,
    single,
)
from lrsched.schedule import BLOCK, LAST_ITERATION, Iterations, Param, Piece, Schedule, declared, in_blocks

__all__ = [
    "POLICIES",
    "BurnIn",
    "Constant",
    "Exp",
    "Policy",
    "Poly",
    "Random",
    "Sgdr",
    "Sigmoid",
    "Step",
    "Steps",
]

INT = (-(2.0**31), 2.0**31 - 1)
FLOAT = (-float("inf"), float("inf"))

LearningRate: TypeAlias = Annotated[float, Param("learning rate at full strength", r"\eta", *FLOAT, (1e-5, 0.5))]
LearningRateMin: TypeAlias = Annotated[float, Param("lowest rate of a cycle", r"\eta_{min}", *FLOAT, (0.0, 1e-4))]
MaxBatches: TypeAlias = Annotated[int, Param("iterations in the whole run; 0 means none", "T", *INT, (500, 600_000))]
Power: TypeAlias = Annotated[float, Param("exponent of poly, random and the burn-in", "p", *FLOAT, (0.5, 5.0))]
BurnInLength: TypeAlias = Annotated[int, Param("iterations of warm-up before the policy", "B", *INT, (0, 4_000))]
StepLength: TypeAlias = Annotated[
    int, Param("iterations between drops (step), midpoint (sigmoid)", "s", *INT, (1, 400_000))
]
DropLength: TypeAlias = Annotated[int, Param("iterations between two drops", "s", *INT, (1, 400_000), zero=False)]
Scale: TypeAlias = Annotated[float, Param("factor of every drop", "c", *FLOAT, (0.05, 1.0))]
Gamma: TypeAlias = Annotated[float, Param("base (exp) or steepness (sigmoid)", r"\gamma", *FLOAT, (0.9, 1.0))]
Steps_: TypeAlias = Annotated[tuple[int, ...], Param("iterations of the drops, ascending", "s_i", *INT, (100, 500_000))]
Scales: TypeAlias = Annotated[tuple[float, ...], Param("factor at each of the steps", "c_i", *FLOAT, (0.05, 1.0))]
Cycle: TypeAlias = Annotated[
    int | None, Param("length of the first cycle; max_batches when absent", "C", 1.0, INT[1], (100, 100_000))
]
CycleMult: TypeAlias = Annotated[int, Param("each cycle is this many times longer", "m", 1.0, INT[1], (1, 3))]
Quantile: TypeAlias = Annotated[float, Param("the draw of the random policy, fixed", "u", 0.0, 1.0, (0.0, 1.0))]


@dataclass(frozen=True, kw_only=True, repr=False)
class Policy(Schedule):
    """What the policies of darknet share: a rate to start from, a run that ends, float32 rates.

    Raises:
        ValueError: for a parameter no trainer could hold, by name.
    """

    KEY: ClassVar[str]
    FORMULA: ClassVar[str]

    learning_rate: LearningRate = 0.001
    max_batches: MaxBatches = 0
    arithmetic: Arithmetic = Arithmetic()

    def __post_init__(self) -> None:
        declared(self)
        self._check()

    @abstractmethod
    def _check(self) -> None:
        """Raise ValueError for parameters that do not fit together."""

    @property
    def horizon(self) -> int | None:
        return self.max_batches if self.max_batches > 0 else None

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)


@dataclass(frozen=True, kw_only=True, repr=False)
class Constant(Policy):
    r"""The same rate for ever: :math:`\eta`.

    >>> Constant(learning_rate=0.01)([0, 1, 500_000])
    array([0.01, 0.01, 0.01], dtype=float32)

    Source: ``case CONSTANT`` of ``get_current_rate``; also what pjreddie and AlexeyAB make of a policy they do not know.
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
        # long stairs are written one by one, short ones repeated a block at a time
        for begin, part in ((first, out),) if length >= BLOCK // 16 else in_blocks(first, out):
            last = begin + part.size - 1
            counts = np.arange(begin // length, last // length + 1)
            rates = np.empty(counts.size, np.float32)
            self._drops(counts, rates)
            edges = np.clip(np.append(counts, counts[-1] + 1) * length, begin, last + 1) - begin
            if length == 1:
                part[:] = rates
            elif length < BLOCK // 16:
                part[:] = np.repeat(rates, np.diff(edges))
            else:
                for rate, a, b in zip(rates, edges[:-1].tolist(), edges[1:].tolist(), strict=True):
                    part[a:b] = rate

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        self._drops(iterations // self._length(), out)


@dataclass(frozen=True, kw_only=True, repr=False)
class Steps(Policy):
    r"""A drop at each listed iteration: :math:`\eta\,c_1 c_2 \cdots`, one factor for every :math:`s_i \le t`.

    The walk through ``steps`` stops at the first one that lies ahead, so a step after a larger one waits for it.
    Every product is rounded to float32.

    >>> Steps(learning_rate=0.001, steps=(400, 450), scales=(0.1, 0.1))([399, 400, 449, 450])
    array([1.e-03, 1.e-04, 1.e-04, 1.e-05], dtype=float32)

    Source: ``case STEPS`` of ``get_current_rate``.
    """

    KEY = "steps"
    FORMULA = "learning_rate * scales[0] * scales[1] * ... for every steps[i] <= t"

    steps: Steps_
    scales: Scales

    def _check(self) -> None:
        if len(self.steps) != len(self.scales):
            raise ValueError(
                f"Steps: steps has {len(self.steps)} values but scales has {len(self.scales)}; give one scale per step"
            )

    def _reached_at(self) -> list[int]:
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
        return iter(sorted({t for t in self._reached_at() if max(first, 1) <= t <= last}))

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        starts = sorted({first, *(t for t in self.milestones(first, last))})
        return tuple(Piece(a, b - 1) for a, b in zip(starts, [*starts[1:], last + 1], strict=True))

    def _fill(self, first: int, out: Singles) -> None:
        edges = np.clip(np.array([0, *self._reached_at(), LAST_ITERATION + 1]) - first, 0, out.size).tolist()
        for level, begin, end in zip(self._levels(), edges[:-1], edges[1:], strict=True):
            out[begin:end] = level

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        out[:] = self._levels()[np.searchsorted(np.array(self._reached_at(), np.int64), iterations, side="right")]


@dataclass(frozen=True, kw_only=True, repr=False)
class Exp(Policy):
    r"""Exponential decay: :math:`\eta\,\gamma^t`.

    >>> Exp(learning_rate=0.1, gamma=0.5)([0, 1, 2])
    array([0.1  , 0.05 , 0.025], dtype=float32)

    Source: ``case EXP`` of ``get_current_rate``.
    """

    KEY = "exp"
    FORMULA = "learning_rate * gamma ** t"

    gamma: Gamma = 1.0

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
        return _split(first, last, self.max_batches + 1)

    def _rates(self, counted: Singles, out: Singles) -> None:
        np.divide(counted, np.float32(self.max_batches), out=counted)
        np.subtract(np.float32(1), counted, out=counted)
        power_rates(self.learning_rate, counted, float(single(self.power)), out, self.arithmetic)

    def _fill(self, first: int, out: Singles) -> None:
        for begin, part in in_blocks(first, out):
            self._rates(_counted(begin, part.size), part)

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

    >>> Sigmoid(learning_rate=0.1, gamma=0.01, step=1000)([0, 1000, 2000])
    array([9.9995464e-02, 5.0000001e-02, 4.5397887e-06], dtype=float32)

    Source: ``case SIG`` of ``get_current_rate``. In pjreddie the difference is unsigned and wraps before ``step``.
    """

    KEY = "sigmoid"
    FORMULA = "learning_rate / (1 + exp(gamma * (t - step)))"

    gamma: Gamma = 1.0
    step: StepLength = 1

    def _check(self) -> None:
        pass

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter((self.step,) if max(first, 1) <= self.step <= last else ())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return _split(first, last, self.step) if self.arithmetic.unsigned else (Piece(first, last),)

    def _fill(self, first: int, out: Singles) -> None:
        for begin, part in in_blocks(first, out):
            self._gather(np.arange(begin, begin + part.size, dtype=np.int64), part)

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        difference = iterations - self.step
        if self.arithmetic.unsigned:
            argument = difference.astype(np.uint64).astype(np.float32)
        else:
            argument = difference.astype(np.float32)
        np.multiply(argument, single(self.gamma), out=argument)
        sigmoid_rates(self.learning_rate, argument, out, self.arithmetic)


@dataclass(frozen=True, kw_only=True, repr=False)
class Sgdr(Policy):
    r"""Cosine cycles with restarts: :math:`\eta_{min} + \frac{\eta - \eta_{min}}{2}(1 + \cos(\pi (t - t_0)/C))`.

    A cycle ends *at* its last iteration, with the minimum; the next one has begun an iteration later, so the peak
    is seen at iteration 0 only.

    >>> Sgdr(learning_rate=1.0, learning_rate_min=0.0, sgdr_cycle=4, sgdr_mult=1)([0, 2, 4, 5])
    array([1.        , 0.5       , 0.        , 0.85355335], dtype=float32)

    Source: ``case SGDR`` of ``get_current_rate`` (AlexeyAB, hank-ai; pjreddie does not know the policy). Cycles that
    begin past 2**31 - 1 would overflow the trainer's int; here they are counted on exactly.
    """

    KEY = "sgdr"
    FORMULA = (
        "learning_rate_min + (learning_rate - learning_rate_min) / 2 * (1 + cos(pi * (t - start) / size)); "
        "sizes are sgdr_cycle, sgdr_cycle * sgdr_mult, ..."
    )

    learning_rate_min: LearningRateMin = 0.00001
    sgdr_cycle: Cycle = None
    sgdr_mult: CycleMult = 2

    def _check(self) -> None:
        if self.first_cycle < 1:
            raise ValueError("Sgdr: a cycle must be at least 1 iteration long; give sgdr_cycle or max_batches")

    @property
    def first_cycle(self) -> int:
        """The length of the first cycle: ``sgdr_cycle``, or ``max_batches`` when that is absent."""
        return self.max_batches if self.sgdr_cycle is None else self.sgdr_cycle

    def cycles(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield ``(start, size)`` of the cycles that hold an iteration of ``first..last``.

        Iteration ``start + size`` is the last of its cycle, ``start`` that of the one before (or 0).
        """
        start, size = 0, self.first_cycle
        if self.sgdr_mult == 1:
            start = max(first - 1, 0) // size * size
        while True:
            if start + size >= first:
                yield start, size
            start += size
            if start >= last:
                return
            size *= self.sgdr_mult

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return (start + 1 for start, _ in self.cycles(first, last) if start and first <= start + 1)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        if self.learning_rate * self.learning_rate_min < 0:
            return None
        if self.sgdr_mult > 1:
            return tuple(
                Piece(max(start + 1, first) if start else first, min(start + size, last))
                for start, size in self.cycles(first, last)
            )
        size = self.first_cycle
        begin = max(-(-max(first - 1, 0) // size), 1) * size + 1
        repeats = max((last - begin + 1) // size, 0)
        after = begin + repeats * size
        head = (Piece(first, min(begin - 1, last)),) if first < begin else ()
        body = (Piece(begin, begin + size - 1, repeats),) if repeats else ()
        tail = (Piece(after, last),) if begin <= last and after <= last else ()
        return head + body + tail

    def _rates(self, offset: Singles | int, size: int, out: Singles) -> None:
        half_cosine_rates(self.learning_rate_min, self.learning_rate, offset, size, out, self.arithmetic)

    def _fill(self, first: int, out: Singles) -> None:
        short = self.sgdr_mult == 1 and self.first_cycle < BLOCK // 8
        for begin, part in in_blocks(first, out):
            if short:
                self._gather(np.arange(begin, begin + part.size, dtype=np.int64), part)
                continue
            last = begin + part.size - 1
            for start, size in self.cycles(begin, last):
                inside = max(start + 1, begin) if start else begin
                self._rates(inside - start, size, part[inside - begin : min(start + size, last) - begin + 1])

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        if self.sgdr_mult == 1:
            size = self.first_cycle
            offset = iterations - np.maximum(iterations - 1, 0) // size * size
            self._rates(offset, size, out)
            return
        for start, size in self.cycles(int(iterations.min()), int(iterations.max())):
            inside = (iterations > start if start else iterations >= 0) & (iterations <= start + size)
            rates = np.empty(int(inside.sum()), np.float32)
            self._rates(iterations[inside] - start, size, rates)
            out[inside] = rates


@dataclass(frozen=True, kw_only=True, repr=False)
class BurnIn(Schedule):
    r"""Warm-up around a policy: :math:`\eta\,(t/B)^p` before iteration B, then the policy as counted from 0.

    >>> BurnIn(then=Constant(learning_rate=0.1), burn_in=1000, power=2.0)([0, 1, 500, 999, 1000])
    array([0.000000e+00, 1.000000e-07, 2.500000e-02, 9.980010e-02,
           1.000000e-01], dtype=float32)

    Source: the first lines of ``get_current_rate``. What the policy would do before iteration B never happens.

    Raises:
        ValueError: for a parameter no trainer could hold, by name.
    """

    FORMULA: ClassVar[str] = "learning_rate * (t / burn_in) ** power while t < burn_in, then the policy"

    then: Policy
    burn_in: BurnInLength
    power: Power = 4.0

    def __post_init__(self) -> None:
        declared(self)

    @property
    def horizon(self) -> int | None:
        return self.then.horizon

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    @property
    def end(self) -> int:
        """The first iteration of the policy itself."""
        if self.burn_in < 0 and self.then.arithmetic.unsigned:
            return LAST_ITERATION + 1
        return max(self.burn_in, 0)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        if first <= self.end <= last and self.end > 0:
            yield self.end
        yield from self.then.milestones(max(first, self.end + 1), last)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        ramp = (Piece(first, min(self.end - 1, last)),) if first < self.end else ()
        if last < self.end:
            return ramp
        after = self.then.pieces(max(first, self.end), last)
        return None if after is None else ramp + after

    def _ramp(self, counted: Singles, out: Singles) -> None:
        np.divide(counted, np.float32(self.burn_in), out=counted)
        power_rates(self.then.learning_rate, counted, float(single(self.power)), out, self.then.arithmetic)

    def _fill(self, first: int, out: Singles) -> None:
        ramp = min(max(self.end - first, 0), out.size)
        for begin, part in in_blocks(first, out[:ramp]):
            self._ramp(_counted(begin, part.size), part)
        if ramp < out.size:
            self.then._fill(first + ramp, out[ramp:])

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        self.then._gather(iterations, out)
        early = iterations < self.end
        if early.any():
            rates = np.empty(int(early.sum()), np.float32)
            self._ramp(iterations[early].astype(np.float32), rates)
            out[early] = rates


POLICIES: tuple[type[Policy], ...] = (Constant, Step, Steps, Exp, Poly, Random, Sigmoid, Sgdr)


def _counted(first: int, count: int) -> Singles:
    counted = np.arange(count, dtype=np.int32)
    np.add(counted, np.int32(first), out=counted)
    return counted.astype(np.float32)


def _split(first: int, last: int, at: int) -> tuple[Piece, ...]:
    """Cut ``first..last`` before iteration ``at``."""
    if first < at <= last:
        return Piece(first, at - 1), Piece(at, last)
    return (Piece(first, last),)
