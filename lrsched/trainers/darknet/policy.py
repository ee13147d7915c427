"""What the policies of darknet share, parameters first, and the burn-in around any of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np

from lrsched.schedule import Iterations, Param, Piece, Schedule, params
from lrsched.trainers.darknet.arithmetic import Arithmetic, Singles, power_rates, single

__all__ = ["BurnIn", "Policy", "within"]

DOUBLE_PRECISION = Arithmetic()
INT = (-(2.0**31), 2.0**31 - 1)
FLOAT = (-float("inf"), float("inf"))

# the parameters that a policy has in common with a [net] or with another policy
LearningRate: TypeAlias = Annotated[float, Param("learning rate at full strength", *FLOAT, (1e-5, 0.5))]
LearningRateMin: TypeAlias = Annotated[float, Param("lowest rate of a cycle", *FLOAT, (0.0, 1e-4))]
MaxBatches: TypeAlias = Annotated[int, Param("iterations in the whole run; 0 means none", *INT, (500, 600_000))]
Power: TypeAlias = Annotated[float, Param("exponent of poly, random and the burn-in", *FLOAT, (0.5, 5.0))]
BurnInLength: TypeAlias = Annotated[int, Param("iterations of warm-up before the policy", *INT, (0, 4_000))]
Scale: TypeAlias = Annotated[float, Param("factor of every drop", *FLOAT, (0.05, 1.0))]
StepList: TypeAlias = Annotated[tuple[int, ...], Param("iterations of the drops, ascending", *INT, (100, 500_000))]
ScaleList: TypeAlias = Annotated[tuple[float, ...], Param("factor at each of the steps", *FLOAT, (0.05, 1.0))]
CycleMult: TypeAlias = Annotated[int, Param("each cycle is this many times longer", 1.0, INT[1], (1, 3))]
Cycle: TypeAlias = Annotated[
    int | None, Param("length of the first cycle; max_batches when absent", 1.0, INT[1], (100, 100_000))
]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Policy(Schedule):
    """What the policies of darknet share: a rate to start from, a run that ends, float32 rates.

    Raises:
        ValueError: for a parameter no trainer could hold, by name.
    """

    KEY: ClassVar[str]
    FORMULA: ClassVar[str]

    learning_rate: LearningRate = 0.001
    max_batches: MaxBatches = 0
    arithmetic: Arithmetic = DOUBLE_PRECISION

    # what dataclass would write anew for each of the classes, which takes longer than to import them
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    @property
    def horizon(self) -> int | None:
        return self.max_batches if self.max_batches > 0 else None

    @property
    def caption(self) -> str:
        values = {name: getattr(self, name) for name in params(type(self))}
        last = sorted(values.items(), key=lambda item: item[0] == "max_batches")
        shown = [item for item in last if item[1] is not None and item not in {("max_batches", 0), ("u", 0.5)}]
        return " · ".join([self.KEY, *(f"{name} {_short(value)}" for name, value in shown)])

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        return tuple(Piece(a, b - 1) for a, b in pairwise([first, *self.milestones(first + 1, last), last + 1]))


def _short(value: Any) -> str:
    """A value as a caption has it; the middle of a long list is left out."""
    if isinstance(value, tuple):
        return ",".join(map(_short, [*value[:5], "…", value[-1]] if len(value) > 7 else value)) or "none"
    return f"{value:.7g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, kw_only=True, repr=False)
class BurnIn(Schedule):
    r"""Warm-up around a policy: :math:`\eta\,(t/B)^p` before iteration B, then the policy as counted from 0.

    >>> from lrsched.trainers.darknet import Constant
    >>> schedule = BurnIn(policy=Constant(learning_rate=0.1), burn_in=1000, power=2.0)
    >>> [f"{rate:f}" for rate in schedule([0, 1, 500, 999, 1000])]
    ['0.000000', '0.000000', '0.025000', '0.099800', '0.100000']

    Source: the first lines of ``get_current_rate``. What the policy would do before iteration B never happens.
    """

    FORMULA: ClassVar[str] = "learning_rate * (t / burn_in) ** power while t < burn_in, then the policy"

    policy: Policy
    burn_in: BurnInLength
    power: Power = 4.0

    @property
    def horizon(self) -> int | None:
        return self.policy.horizon

    @property
    def warmup(self) -> int:
        return max(self.policy.arithmetic.beside_the_count(self.burn_in), 0)

    @property
    def caption(self) -> str:
        power = "" if self.power in (4, getattr(self.policy, "power", None)) else f" (power {self.power:g})"
        return f"{self.policy.caption} · burn_in {self.burn_in}{power}"

    def band(self, low: float = 0.0, high: float = 1.0) -> tuple[Any, Any] | None:
        return self.policy.band(low, high)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.policy.dtype

    def formula(self, t: Iterations) -> Singles:
        if t.min() >= self.warmup:
            return self.policy.formula(t)
        share = t.astype(np.float32) / np.float32(self.burn_in)
        ramp = power_rates(self.policy.learning_rate, share, single(self.power), self.policy.arithmetic)
        return np.where(t < self.warmup, ramp, self.policy.formula(t))

    def milestones(self, first: int, last: int) -> Iterator[int]:
        yield from within(first, last, self.warmup)
        yield from self.policy.milestones(max(first, self.warmup + 1), last)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        ramp = (Piece(first, min(self.warmup - 1, last)),) if first < self.warmup else ()
        if last < self.warmup:
            return ramp
        after = self.policy.pieces(max(first, self.warmup), last)
        return None if after is None else ramp + after


def within(first: int, last: int, *milestones: int) -> Iterator[int]:
    """Those in ``first..last``, ascending; iteration 0 is not one of them."""
    return iter(sorted({t for t in milestones if max(first, 1) <= t <= last}))
