"""The same curve over another number of iterations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import singledispatch
from itertools import accumulate, pairwise
from typing import Literal, TypeAlias

import numpy as np

from lrsched.schedule import LAST_ITERATION, Floats, Iterations, Piece, Schedule, in_blocks
from lrsched.schedules.base import (
    MOST_PIECES,
    Count,
    Float64Schedule,
    Source,
    as_part,
    fill,
    gather,
    never_negative,
)
from lrsched.schedules.combine import Clamped, Scaled, Times
from lrsched.schedules.retime import Held, shifted
from lrsched.schedules.sequence import Then
from lrsched.schedules.table import Table
from lrsched.schedules.units import EpochClock, Time, half_up

__all__ = ["How", "Stretched", "Words", "allotted", "rebuilt", "stretched"]

How: TypeAlias = Literal["rescaled", "fixed"]

Words: TypeAlias = tuple[str, ...] | None
"""What happens to each piece, ``"rescaled"`` or ``"fixed"``; None: all are rescaled."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Stretched(Float64Schedule):
    """A schedule sampled at another pace: the rate at t is that of its iteration ``t * was // end``."""

    schedule: Schedule
    was: Count
    end: Count

    def _check(self) -> None:
        pass

    def _own(self, iteration: int) -> int:
        return min(iteration * self.was // self.end, LAST_ITERATION)

    def _reached(self, own: int) -> int:
        """The first iteration at which the sampled schedule has come to its iteration ``own``."""
        return -(-own * self.end // self.was)

    @property
    def horizon(self) -> int | None:
        return self.end

    def milestones(self, first: int, last: int) -> Iterator[int]:
        latest = None
        low, high = (self._own(first - 1) + 1 if first else 1), self._own(last)
        for bend in self.schedule.milestones(low, high) if low <= high else ():
            at = self._reached(bend)
            if first <= at and at != latest:
                yield at
                latest = at

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        edge = self._reached(LAST_ITERATION)
        if last > edge:
            inside = self.pieces(first, edge) if first <= edge else ()
            return None if inside is None else (*inside, Piece(max(first, edge + 1), last))
        pieces = self.schedule.pieces(self._own(first), self._own(last))
        found: list[Piece] = []
        for piece in pieces or ():
            length = piece.last - piece.first + 1
            if piece.repeats > 1 and length * self.end % self.was == 0:
                found += self._repeated(piece, length * self.end // self.was, first, last)
                continue
            if len(found) + piece.repeats > MOST_PIECES:
                return None
            for begin in range(piece.first, piece.end + 1, length):
                found += self._cut(self._reached(begin), self._reached(begin + length) - 1, first, last)
        return None if pieces is None else tuple(found)

    def _cut(self, begin: int, end: int, first: int, last: int) -> tuple[Piece, ...]:
        begin, end = max(begin, first), min(end, last)
        return (Piece(begin, end),) if begin <= end else ()

    def _repeated(self, piece: Piece, length: int, first: int, last: int) -> tuple[Piece, ...]:
        """A piece whose repeats take a whole number of iterations each; what is cut at both sides stands alone."""
        start = self._reached(piece.first)
        skipped = max(-(-(first - start) // length), 0)
        begin = start + skipped * length
        count = min(piece.repeats - skipped, max(last + 1 - begin, 0) // length)
        head = self._cut(begin - length, begin - 1, first, last) if skipped else ()
        body = (Piece(begin, begin + length - 1, count),) if count > 0 else ()
        after = begin + max(count, 0) * length
        tail = self._cut(after, after + length - 1, first, last) if skipped + max(count, 0) < piece.repeats else ()
        return head + body + tail

    def _never_negative(self) -> bool:
        return never_negative(self.schedule)

    def _fill(self, first: int, out: Floats) -> None:
        for begin, part in in_blocks(first, out):
            iterations = np.arange(begin, begin + part.size, dtype=np.int64)
            if self.end < self.was:
                self._gather(iterations, part)
                continue
            low, high = self._own(begin), self._own(begin + part.size - 1)
            own = np.empty(high - low + 1, np.float64)
            fill(self.schedule, low, own)
            np.take(own, np.minimum(iterations * self.was // self.end, LAST_ITERATION) - low, out=part)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        gather(self.schedule, np.minimum(iterations * self.was // self.end, LAST_ITERATION), out)


@singledispatch
def rebuilt(schedule: Schedule, horizon: int, was: int, words: Words) -> Schedule | None:
    """The same curve over ``horizon`` iterations instead of ``was``, or None when it has to be sampled.

    Registered for the classes whose parts, or times, can be stretched themselves.
    """
    return None


@rebuilt.register
def _(schedule: Stretched, horizon: int, was: int, words: Words) -> Schedule | None:
    if was != schedule.end or words is not None:
        return None
    return Stretched(schedule=schedule.schedule, was=schedule.was, end=horizon)


@rebuilt.register
def _(schedule: Scaled, horizon: int, was: int, words: Words) -> Schedule:
    return replace(schedule, schedule=_again(schedule.schedule, horizon, was, words))


@rebuilt.register
def _(schedule: Clamped, horizon: int, was: int, words: Words) -> Schedule:
    return replace(schedule, schedule=_again(schedule.schedule, horizon, was, words))


@rebuilt.register
def _(schedule: Times, horizon: int, was: int, words: Words) -> Schedule | None:
    if words is not None:
        return None
    return Times(schedules=tuple(_again(factor, horizon, was, None) for factor in schedule.schedules))


@rebuilt.register
def _(schedule: Held, horizon: int, was: int, words: Words) -> Schedule | None:
    if was != schedule.at:
        return None
    return Held(schedule=_again(schedule.schedule, horizon, was, words), at=horizon)


@rebuilt.register
def _(schedule: Table, horizon: int, was: int, words: Words) -> Schedule | None:
    if was != schedule.iterations[-1]:
        return None
    lengths = [after - before for before, after in pairwise((0, *schedule.iterations))]
    new = allotted(lengths, words or ("rescaled",) * len(lengths), horizon)
    return Table(iterations=tuple(accumulate(new)), values=schedule.values)


@rebuilt.register
def _(schedule: Then, horizon: int, was: int, words: Words) -> Schedule | None:
    if was < schedule.at[-1]:
        return None
    lengths = [after - before for before, after in pairwise((*schedule.starts, was))]
    words = words or ("rescaled",) * len(lengths)
    new = allotted(lengths, words, horizon)
    parts = []
    for index, (part, start) in enumerate(zip(schedule.schedules, schedule.starts, strict=True)):
        own = shifted(part, schedule.offset(index) - start)
        kept = words[index] == "fixed" or not lengths[index]
        parts.append(own if kept else _again(own, new[index], lengths[index], None))
    return Then(schedules=tuple(parts), at=tuple(accumulate(new[:-1])), count_from="boundary")


def _again(schedule: Schedule, horizon: int, was: int, words: Words) -> Schedule:
    made = rebuilt(schedule, horizon, was, words)
    if made is None and words is not None:
        raise ValueError(f"stretched: {schedule!r} has no pieces of its own; how must be 'rescaled'")
    return Stretched(schedule=schedule, was=was, end=horizon) if made is None else made


def stretched(
    schedule: Source,
    horizon: Time,
    *,
    was: int | None = None,
    how: How | tuple[str, ...] = "rescaled",
    clock: EpochClock | None = None,
) -> Schedule:
    """The same curve over another number of iterations.

    The named shapes stay closed forms, and so do sequences and products of them; anything else is sampled: the rate at
    iteration t is exactly that of ``t * was // horizon``.

    >>> from lrsched.schedules.named import cosine
    >>> run = cosine(peak=0.1, horizon=10_000, warmup=500)
    >>> stretched(run, 20_000)
    Cosine(peak=0.1, horizon=20000, warmup=1000)
    >>> stretched(run, 20_000, how=("fixed", "rescaled"))
    Cosine(peak=0.1, horizon=20000, warmup=500)
    >>> from lrsched.trainers.darknet import Poly
    >>> poly = Poly(learning_rate=0.01, max_batches=1000, power=4.0)
    >>> stretched(poly, 5000)([2500, 2504, 2505]).tolist() == poly([500, 500, 501]).tolist()
    True

    Args:
        schedule: a schedule, or a function of the iteration.
        horizon: the last iteration it shall have.
        was: the last iteration it has now; the schedule's own horizon when absent.
        how: what happens to the pieces of a sequence, one word each: ``"rescaled"`` (they share what is left) or
            ``"fixed"`` (they keep their number of iterations). A warm-up and what follows it are such pieces.
        clock: what a time in epochs or per cent is measured by.

    Raises:
        ValueError: when the present horizon is unknown, the words do not fit the pieces, or a piece would vanish.
    """
    part = as_part(schedule)
    end = (clock or EpochClock()).iterations(horizon)
    now = part.horizon if was is None else was
    words = None if how == "rescaled" else (how,) if isinstance(how, str) else tuple(how)
    for word in words or ():
        if word not in ("rescaled", "fixed"):
            raise ValueError(f"stretched: how must be 'rescaled' or 'fixed' for each piece, got {word!r}")
    if end < 1:
        raise ValueError(f"stretched: horizon must be at least 1, got {end}")
    if not now:
        raise ValueError(f"stretched: {part!r} knows no horizon above 0; say which it has now with was=...")
    return _again(part, end, now, words)


def allotted(lengths: Sequence[int], words: Sequence[str], horizon: int) -> list[int]:
    """The lengths of the pieces in a run of ``horizon`` iterations: fixed ones stay, the others share what is left.

    Boundaries go to the nearest iteration, halves to the later.

    >>> allotted([500, 9500], ("fixed", "rescaled"), 20_000), allotted([500, 9500], ("rescaled", "rescaled"), 20_000)
    ([500, 19500], [1000, 19000])

    Raises:
        ValueError: when the words do not fit the pieces, or a piece would get no iteration.
    """
    if len(words) != len(lengths):
        raise ValueError(f"stretched: there are {len(lengths)} pieces, but how has {len(words)} words")
    flexible = sum(length for length, word in zip(lengths, words, strict=True) if word == "rescaled")
    left = horizon - (sum(lengths) - flexible)
    if left < 0 or (flexible == 0 and left):
        raise ValueError(f"stretched: the fixed pieces take {horizon - left} iterations, the horizon is {horizon}")
    new, passed = [], 0
    for length, word in zip(lengths, words, strict=True):
        if word == "fixed" or not length:
            new.append(length)
            continue
        begin, passed = passed, passed + length
        new.append(half_up(Fraction(left * passed, flexible)) - half_up(Fraction(left * begin, flexible)))
        if not new[-1]:
            raise ValueError(
                f"stretched: a piece of {length} iterations gets none in a run of {horizon}; keep it fixed"
            )
    return new
