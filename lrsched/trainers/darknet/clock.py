"""The clock of a run: seen, iterations, epochs, images and hours, and what a run on several GPUs really visits."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from lrsched.trainers.darknet.dialects import ALEXEYAB, Dialect
from lrsched.trainers.darknet.net import Net

__all__ = ["SYNC_INTERVAL", "Clock", "Turn"]

SYNC_INTERVAL = 4
"""The GPUs of a run exchange their weights after this many iterations."""


@dataclass(frozen=True)
class Turn:
    """One turn of the training loop.

    Attributes:
        printed: the iteration in front of the line of the log.
        rate_at: the iteration whose rate stands in that line.
        trained_at: the iteration each GPU took its rate from, one per GPU that worked.
        synced: whether the GPUs exchanged their weights after it.
    """

    printed: int
    rate_at: int
    trained_at: tuple[int, ...]
    synced: bool


@dataclass(frozen=True, kw_only=True)
class Clock:
    """How iterations, images, epochs and hours of one run belong together.

    Attributes:
        effective_batch: images per iteration and GPU.
        ngpus: number of GPUs.
        images: number of training images, or None when unknown.
        seconds_per_iteration: how long the printed iteration advances by one, or None when unknown.
        dialect: the fork, for the order in which several GPUs count.
        burn_in: iterations of warm-up, which some forks run on one GPU.

    >>> clock = Clock(effective_batch=64, ngpus=4, images=16_000, seconds_per_iteration=0.9)
    >>> clock.images_at(500), clock.epochs_at(500), clock.iteration_at_epoch(2), clock.hours(4000)
    (32000, 2.0, 500, 1.0)

    Raises:
        ValueError: for a number that is not positive.
    """

    effective_batch: int
    ngpus: int = 1
    images: int | None = None
    seconds_per_iteration: float | None = None
    dialect: Dialect = ALEXEYAB
    burn_in: int = 0

    def __post_init__(self) -> None:
        for name in ("effective_batch", "ngpus", "images", "seconds_per_iteration"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"Clock: {name} must be above 0, got {value!r}")

    @classmethod
    def of(
        cls, net: Net, *, ngpus: int = 1, images: int | None = None, seconds_per_iteration: float | None = None
    ) -> Clock:
        """The clock of a cfg."""
        return cls(
            effective_batch=net.effective_batch,
            ngpus=ngpus,
            images=images,
            seconds_per_iteration=seconds_per_iteration,
            dialect=net.dialect,
            burn_in=net.burn_in,
        )

    def seen_at(self, iteration: int) -> int:
        """The counter a weights file stores: images of one GPU."""
        return iteration * self.effective_batch

    def iteration_of_seen(self, seen: int) -> int:
        """The iteration a trainer goes on from, after its integer division; another batch gives another iteration."""
        return seen // self.effective_batch

    def images_at(self, iteration: int) -> int:
        """Images trained on by all GPUs together: N GPUs reach an iteration with one Nth of the updates each."""
        return iteration * self.effective_batch

    def images_printed(self, iteration: int) -> int:
        """The images a log prints, which count every GPU for every iteration."""
        return iteration * self.effective_batch * self.ngpus

    def epochs_at(self, iteration: int) -> float:
        """How often every training image was used.

        Raises:
            ValueError: when the number of images is unknown.
        """
        return float(Fraction(self.images_at(iteration), self._known_images()))

    def iteration_at_epoch(self, epoch: float) -> int:
        """The first iteration at which so many epochs are full.

        Raises:
            ValueError: when the number of images is unknown.
        """
        return math.ceil(Fraction(epoch) * self._known_images() / self.effective_batch)

    def hours(self, iterations: int) -> float:
        """How long so many iterations take.

        Raises:
            ValueError: when the seconds per iteration are unknown.
        """
        if self.seconds_per_iteration is None:
            raise ValueError("Clock: hours need seconds_per_iteration=")
        return iterations * self.seconds_per_iteration / 3600

    def _known_images(self) -> int:
        if self.images is None:
            raise ValueError("Clock: epochs need images=, the number of training images")
        return self.images

    def turns(self, start: int, end: int, *, first: int | None = None) -> Iterator[Turn]:
        """Walk the training loop from the iteration ``start`` until the iteration has reached ``end``.

        With ``first`` whole periods before that iteration are skipped, so that the end of a long run is found at once.

        >>> [turn.printed for turn in Clock(effective_batch=64, ngpus=2).turns(0, 8)]
        [2, 4, 6, 8]
        """
        iteration, counters = start, [start] * self.ngpus
        warm = self.burn_in if self.dialect.burn_in_on_one_gpu and self.ngpus > 1 else 0
        while iteration < end:
            if iteration < warm:
                iteration += 1
                counters = [iteration] * self.ngpus
                yield Turn(iteration, iteration, (iteration,), False)
                continue
            if first is not None:
                skipped = self._whole_periods(first - iteration)
                syncs = iteration % math.gcd(SYNC_INTERVAL, self.ngpus) == 0
                counters = [counter + (skipped if syncs else skipped // self.ngpus) for counter in counters]
                iteration += skipped
                counters[0] = counters[0] if syncs else iteration
                first = None
            trained = [counter + 1 for counter in counters]
            iteration = iteration + self.ngpus if self.dialect.iteration_counts_gpus else trained[0]
            counters = trained.copy()
            counters[0] = iteration
            synced = self.ngpus > 1 and iteration % SYNC_INTERVAL == 0
            if synced:
                counters = [iteration + SYNC_INTERVAL * (self.ngpus - 1)] * self.ngpus
            if not self.dialect.iteration_counts_gpus:
                iteration = counters[0]
            yield Turn(iteration, counters[0], tuple(trained), synced)

    def _whole_periods(self, iterations: int) -> int:
        """The largest number of iterations, well within ``iterations``, after which the pattern of syncs repeats."""
        if self.dialect.iteration_counts_gpus:
            period = math.lcm(SYNC_INTERVAL, self.ngpus)
        else:
            period = SYNC_INTERVAL * self.ngpus
        return max(iterations // period - 2, 0) * period

    def last_turn(self, start: int, end: int) -> Turn | None:
        """The turn with which a run that is to reach ``end`` is over, or None when it is over at once."""
        last = deque(self.turns(start, end, first=end), maxlen=1)
        return last[0] if last else None

    def weights_files(self, name: str, start: int, end: int, max_batches: int) -> Iterator[str]:
        """The numbered weights files a run leaves, in order; the others it overwrites while it goes on.

        Source: ``train_detector`` in ``examples/detector.c`` (pjreddie) and ``src/detector.c`` (AlexeyAB).
        """
        saved = start
        for turn in self.turns(start, end):
            if self.dialect.saves_weights(turn.printed, saved, max_batches):
                saved = turn.printed
                yield f"{name}_{turn.printed}.weights"
        yield f"{name}_final.weights"
