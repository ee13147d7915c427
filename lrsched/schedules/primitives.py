"""Schedules without an end, from which others are built."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lrsched.schedule import Floats, Iterations, Piece, Schedule, in_blocks
from lrsched.schedules.combinators import Float64Schedule
from lrsched.schedules.parameters import Length, Level
from lrsched.schedules.stretch import Words, rebuilt

__all__ = ["Flat", "RootDecay"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Flat(Float64Schedule):
    r"""The same rate for ever: :math:`\eta`. It knows no horizon; ``held(..., at=T)`` gives it one.

    >>> Flat(rate=0.1)([0, 1, 500_000]).tolist()
    [0.1, 0.1, 0.1]
    """

    FORMULA = "rate"

    rate: Level

    def _check(self) -> None:
        pass

    @property
    def horizon(self) -> int | None:
        return None

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter(())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return (Piece(first, last),)

    def _never_negative(self) -> bool:
        return True

    def _fill(self, first: int, out: Floats) -> None:
        out.fill(self.rate)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        out.fill(self.rate)


@dataclass(frozen=True, kw_only=True, repr=False)
class RootDecay(Float64Schedule):
    """``peak * sqrt(scale / (scale + t))``: the tail of an inverse square root."""

    peak: Level
    scale: Length

    def _check(self) -> None:
        pass

    @property
    def horizon(self) -> int | None:
        return None

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter(())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return (Piece(first, last),)

    def _never_negative(self) -> bool:
        return True

    def _fill(self, first: int, out: Floats) -> None:
        for begin, part in in_blocks(first, out):
            self._gather(np.arange(begin, begin + part.size, dtype=np.int64), part)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        np.multiply(np.sqrt(self.scale / (iterations + self.scale)), self.peak, out=out)


@rebuilt.register
def _(schedule: Flat, horizon: int, was: int, words: Words) -> Schedule | None:
    return None if words is not None else schedule
