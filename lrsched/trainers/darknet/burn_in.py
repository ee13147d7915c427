"""The burn-in: darknet's warm-up around any policy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lrsched.schedule import LAST_ITERATION, Iterations, Piece, Schedule, declared, in_blocks
from lrsched.trainers.darknet.arithmetic import Singles, power_rates, single
from lrsched.trainers.darknet.parameters import BurnInLength, Power
from lrsched.trainers.darknet.policy import Policy, counted

__all__ = ["BurnIn"]


@dataclass(frozen=True, kw_only=True, repr=False)
class BurnIn(Schedule):
    r"""Warm-up around a policy: :math:`\eta\,(t/B)^p` before iteration B, then the policy as counted from 0.

    >>> from lrsched.trainers.darknet import Constant
    >>> schedule = BurnIn(then=Constant(learning_rate=0.1), burn_in=1000, power=2.0)
    >>> [f"{rate:f}" for rate in schedule([0, 1, 500, 999, 1000])]
    ['0.000000', '0.000000', '0.025000', '0.099800', '0.100000']

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
    def warmup(self) -> int:
        return self.end

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

    def _ramp(self, t: Singles, out: Singles) -> None:
        np.divide(t, np.float32(self.burn_in), out=t)
        power_rates(self.then.learning_rate, t, float(single(self.power)), out, self.then.arithmetic)

    def _fill(self, first: int, out: Singles) -> None:
        ramp = min(max(self.end - first, 0), out.size)
        for begin, part in in_blocks(first, out[:ramp]):
            self._ramp(counted(begin, part.size), part)
        if ramp < out.size:
            self.then._fill(first + ramp, out[ramp:])

    def _gather(self, iterations: Iterations, out: Singles) -> None:
        early = iterations < self.end
        if not early.any():
            self.then._gather(iterations, out)
        elif early.all():
            self._ramp(iterations.astype(np.float32), out)
        else:
            for chosen, gather in ((early, self._gather), (~early, self.then._gather)):
                rates = np.empty(int(chosen.sum()), np.float32)
                gather(iterations[chosen], rates)
                out[chosen] = rates
