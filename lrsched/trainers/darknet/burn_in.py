"""The burn-in: darknet's warm-up, around any of its policies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrsched.schedule import Iterations, Piece, Schedule
from lrsched.trainers.darknet import parameters as p
from lrsched.trainers.darknet.arithmetic import Singles, power_rates, single
from lrsched.trainers.darknet.policies import NEVER, Policy, within

__all__ = ["BurnIn"]


@dataclass(frozen=True, kw_only=True, repr=False)
class BurnIn(Schedule):
    r"""Warm-up around a policy: :math:`\eta\,(t/B)^p` before iteration B, then the policy as counted from 0.

    >>> from lrsched.trainers.darknet import Constant
    >>> schedule = BurnIn(policy=Constant(learning_rate=0.1), burn_in=1000, power=2.0)
    >>> [f"{rate:f}" for rate in schedule([0, 1, 500, 999, 1000])]
    ['0.000000', '0.000000', '0.025000', '0.099800', '0.100000']

    Source: the first lines of ``get_current_rate``. What the policy would do before iteration B never happens.
    """

    FORMULA = "learning_rate * (t / burn_in) ** power while t < burn_in, then the policy"

    policy: Policy
    burn_in: p.BurnInLength
    power: p.Power = 4.0

    @property
    def horizon(self) -> int | None:
        return self.policy.horizon

    @property
    def warmup(self) -> int:
        if self.burn_in < 0 and self.policy.arithmetic.unsigned:
            return NEVER
        return max(self.burn_in, 0)

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
