"""The policy ``sgdr``: cosine cycles with restarts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lrsched.schedule import BLOCK, Iterations, Piece, in_blocks
from lrsched.trainers.darknet.arithmetic import Singles, half_cosine_rates
from lrsched.trainers.darknet.parameters import Cycle, CycleMult, LearningRateMin
from lrsched.trainers.darknet.policy import Policy

__all__ = ["Sgdr"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Sgdr(Policy):
    r"""Cosine cycles with restarts: :math:`\eta_{min} + \frac{\eta - \eta_{min}}{2}(1 + \cos(\pi (t - t_0)/C))`.

    A cycle ends *at* its last iteration, with the minimum; the next one has begun an iteration later, so the peak
    is seen at iteration 0 only.

    >>> schedule = Sgdr(learning_rate=1.0, learning_rate_min=0.0, sgdr_cycle=4, sgdr_mult=1)
    >>> [f"{rate:f}" for rate in schedule([0, 2, 4, 5])]
    ['1.000000', '0.500000', '0.000000', '0.853553']

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
        return (start + 1 for start, _ in self.cycles(first, last) if start and first <= start + 1 <= last)

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

    def _rates(self, offset: Singles | int, size: Singles | int, out: Singles) -> None:
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
        cycles = list(self.cycles(int(iterations.min()), int(iterations.max())))
        # the first cycle that ends at or behind an iteration holds it
        which = np.searchsorted([start + size for start, size in cycles], iterations)
        starts, sizes = np.array(cycles).T[:, which]
        self._rates(iterations - starts, sizes, out)
