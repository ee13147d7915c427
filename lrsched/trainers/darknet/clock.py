"""How the iterations of a run on several GPUs are counted: by the log, and by each GPU."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrsched.trainers.darknet.dialects import Dialect

__all__ = ["SYNC_INTERVAL", "Clock"]

SYNC_INTERVAL = 4  # the GPUs of a run exchange their weights after this many iterations


class Clock(NamedTuple):
    """How the iterations of a run are counted.

    Each GPU counts the images it has trained on, in iterations; the log shows the count of the first. When the GPUs
    exchange their weights, all of them continue from one count, which in some forks is ahead of the printed one.
    """

    dialect: Dialect
    ngpus: int = 1
    burn_in: int = 0

    @property
    def alone_until(self) -> int:
        """The last iteration that one GPU trains alone."""
        return max(self.burn_in, 0) if self.dialect.burn_in_on_one_gpu else 0

    def rate_at(self, printed: NDArray[np.int64]) -> NDArray[np.int64]:
        """The iteration whose rate stands in the line of each printed iteration.

        >>> from lrsched.trainers.darknet import ALEXEYAB
        >>> Clock(dialect=ALEXEYAB, ngpus=2).rate_at(np.array([402, 404, 406])).tolist()
        [402, 408, 406]
        """
        if not self.dialect.iteration_counts_gpus:
            return printed
        synced = (printed % SYNC_INTERVAL == 0) & (printed > self.alone_until)
        return np.where(synced, printed + SYNC_INTERVAL * (self.ngpus - 1), printed)

    def furthest(self, start: int, horizon: int) -> int:
        """The furthest iteration past ``horizon`` at which a GPU still trains; ``horizon`` when none trains past it.

        Saving the weights sets back the count of some GPUs for a few turns, which is left out here.

        >>> from lrsched.trainers.darknet import ALEXEYAB
        >>> Clock(dialect=ALEXEYAB, ngpus=4).furthest(0, 6000)
        6009
        """
        begin = max(start, self.alone_until)
        if not self.dialect.iteration_counts_gpus:
            return horizon
        last = begin - (begin - horizon) // self.ngpus * self.ngpus  # what the last turn prints
        for turns in range(1, SYNC_INTERVAL + 1):
            synced = last - turns * self.ngpus
            if synced > begin and synced % SYNC_INTERVAL == 0:
                return max(synced + SYNC_INTERVAL * (self.ngpus - 1) + turns, horizon)
        return horizon
