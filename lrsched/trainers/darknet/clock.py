"""What a run on several GPUs visits: whose rate a printed iteration shows, and how far its GPUs count."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrsched.trainers.darknet.dialects import Dialect

__all__ = ["Clock"]

SYNC_INTERVAL = 4  # the GPUs of a run exchange their weights after this many iterations


class Clock(NamedTuple):
    """How the iterations of a run are counted; in some forks its burn-in runs on one GPU.

    Each GPU counts the images it has trained on, in iterations. They meet when the GPUs exchange their weights.
    """

    dialect: Dialect
    ngpus: int = 1
    burn_in: int = 0

    @property
    def alone_until(self) -> int:
        """The last iteration that one GPU trains alone."""
        return max(self.burn_in, 0) if self.dialect.burn_in_on_one_gpu and self.ngpus > 1 else 0

    def rate_at(self, printed: NDArray[np.int64]) -> NDArray[np.int64]:
        """The iteration whose rate stands in the line of each printed iteration.

        >>> from lrsched.trainers.darknet import ALEXEYAB
        >>> Clock(dialect=ALEXEYAB, ngpus=2).rate_at(np.array([402, 404, 406])).tolist()
        [402, 408, 406]
        """
        if self.ngpus == 1 or not self.dialect.iteration_counts_gpus:
            return printed
        synced = (printed % SYNC_INTERVAL == 0) & (printed > self.alone_until)
        return np.where(synced, printed + SYNC_INTERVAL * (self.ngpus - 1), printed)

    def last_update(self, start: int, horizon: int) -> int:
        """The furthest iteration of any GPU in the last turn of a run; 0 when the run is over at once.

        A save, which sets the GPUs back to the printed iteration until their next exchange, is left out of account.

        >>> from lrsched.trainers.darknet import ALEXEYAB
        >>> Clock(dialect=ALEXEYAB, ngpus=4).last_update(0, 6000)
        6009
        """
        period = SYNC_INTERVAL * self.ngpus
        begin = max(start, min(self.alone_until, horizon))
        # every so many iterations the turns are alike, so that a long run is entered shortly before its end
        iteration = furthest = begin + max((horizon - begin) // period - 1, 0) * period
        last = 0
        while iteration < horizon:
            last = max(iteration, furthest) + 1
            furthest += 1
            iteration += self.ngpus if self.dialect.iteration_counts_gpus else 1
            if iteration % SYNC_INTERVAL == 0:
                furthest = iteration + SYNC_INTERVAL * (self.ngpus - 1)
                iteration = iteration if self.dialect.iteration_counts_gpus else furthest
        return last
