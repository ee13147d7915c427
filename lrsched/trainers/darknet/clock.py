"""What a run on several GPUs visits: which iterations are printed, and at which ones each GPU trains."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrsched.trainers.darknet.dialects import Dialect

__all__ = ["SYNC_INTERVAL", "Clock", "Turn"]

SYNC_INTERVAL = 4  # the GPUs of a run exchange their weights after this many iterations
LATEST_EVERY = 100  # the latest weights are saved, over the ones before, after this many


class Turn(NamedTuple):
    """One turn of the training loop: the iteration in the log, that of its rate, and those the GPUs trained at."""

    printed: int
    rate_at: int
    trained_at: tuple[int, ...]


class Clock(NamedTuple):
    """How the iterations of a run are counted.

    Each GPU counts the images it has trained on, in iterations. They meet when the GPUs exchange their weights, and
    in some forks at every save.

    ``max_batches`` decides how often weights are saved; a burn-in on one GPU is skipped by runs from weights.
    """

    dialect: Dialect
    ngpus: int = 1
    max_batches: int = 0
    burn_in: int = 0
    pretrained: bool = False

    @property
    def alone_until(self) -> int:
        """The last iteration that one GPU trains alone."""
        alone = self.dialect.burn_in_on_one_gpu and self.ngpus > 1 and not self.pretrained
        return max(self.burn_in, 0) if alone else 0

    def rate_at(self, printed: NDArray[np.int64]) -> NDArray[np.int64]:
        """The iteration whose rate is printed beside each printed iteration.

        >>> from lrsched.trainers.darknet import ALEXEYAB
        >>> Clock(dialect=ALEXEYAB, ngpus=2).rate_at(np.array([402, 404, 406])).tolist()
        [402, 408, 406]
        """
        if self.ngpus == 1 or not self.dialect.iteration_counts_gpus:
            return printed
        synced = (printed % SYNC_INTERVAL == 0) & (printed > self.alone_until)
        return np.where(synced, printed + SYNC_INTERVAL * (self.ngpus - 1), printed)

    def turns(self, start: int, horizon: int) -> Iterator[Turn]:
        """Walk the training loop from the iteration ``start`` until the iteration has reached ``horizon``.

        >>> from lrsched.trainers.darknet import ALEXEYAB
        >>> [turn.printed for turn in Clock(dialect=ALEXEYAB, ngpus=2).turns(0, 8)]
        [2, 4, 6, 8]
        """
        for t in range(start + 1, min(self.alone_until, horizon) + 1):
            yield Turn(t, t, (t,))
        begin = max(start, min(self.alone_until, horizon))
        yield from self._together(begin, horizon, [begin, begin])

    def last_turn(self, start: int, horizon: int) -> Turn | None:
        """The turn with which a run that is to reach ``horizon`` is over, or None when it is over at once.

        What came before a save does not matter after it, so a long run is entered two saves before its last turn.
        """
        begin, margin = max(start, self.alone_until), 2 * (LATEST_EVERY + SYNC_INTERVAL * self.ngpus)
        turns = self.turns(start, horizon)
        if horizon - begin > 2 * margin:
            # the iteration grows by the number of GPUs each turn, or four times as much every four turns
            stride = self.ngpus if self.dialect.iteration_counts_gpus else SYNC_INTERVAL * self.ngpus
            late = begin + (horizon - margin - begin) // stride * stride
            turns = self._together(late, horizon, [self._last_save(begin, late, every) for every in self._intervals])
        last = deque(turns, maxlen=1)
        return last[0] if last else None

    def _together(self, iteration: int, horizon: int, saved: list[int]) -> Iterator[Turn]:
        """The turns of all GPUs after ``iteration``; ``saved`` is when numbered and latest weights were saved last."""
        counters = [iteration] * self.ngpus
        while iteration < horizon:
            trained = tuple(counter + 1 for counter in counters)
            iteration = iteration + self.ngpus if self.dialect.iteration_counts_gpus else trained[0]
            counters = [iteration, *trained[1:]]
            if self.ngpus > 1 and iteration % SYNC_INTERVAL == 0:
                counters = [iteration + SYNC_INTERVAL * (self.ngpus - 1)] * self.ngpus
            if not self.dialect.iteration_counts_gpus:
                iteration = counters[0]
            yield Turn(iteration, counters[0], trained)
            for i, every in enumerate(self._intervals):
                if iteration % every == 0 or iteration >= saved[i] + every:
                    # a save gives the others the counter of the first GPU, and then writes that counter again
                    saved[i], counters = iteration, [iteration, *counters[:1] * (self.ngpus - 1)]

    @property
    def _intervals(self) -> tuple[int, int]:
        """How often weights are saved with their number, and how often the latest ones are saved over."""
        return (1_000 if self.max_batches < self.dialect.short_run else 10_000), LATEST_EVERY

    def _last_save(self, begin: int, late: int, every: int) -> int:
        """The last save up to ``late``, of those that happen ``every`` iterations from ``begin`` on."""
        multiples = range(late // every * every, begin, -every)[: self.ngpus]
        hit = next((multiple for multiple in multiples if (multiple - begin) % self.ngpus == 0), begin)
        # after the last multiple that a turn hits, each save is at the first turn past the interval
        interval = -(-every // self.ngpus) * self.ngpus
        return hit + (late - hit) // interval * interval
