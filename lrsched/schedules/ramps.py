"""What the named schedules share: they are short names for what the algebra builds from straight and bent ramps."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from lrsched.schedule import Floats, Iterations, Piece, Schedule, in_blocks
from lrsched.schedules.base import cut
from lrsched.schedules.combinators import Float64Schedule
from lrsched.schedules.interpolate import between, blend, geometric, half_wave
from lrsched.schedules.parameters import Length, Level, Power
from lrsched.schedules.stretch import Words, allotted, rebuilt

__all__ = ["Ramp", "Shape", "below_peak", "horizon_after"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Shape(Float64Schedule):
    """A named schedule: its fields are its parameters, its rates those of ``rule``.

    ``LENGTHS`` names the fields that hold the lengths of its pieces, in order; None is the piece that fills the rest.
    """

    FORMULA: ClassVar[str]
    LENGTHS: ClassVar[tuple[str | None, ...]] = (None,)

    @abstractmethod
    def _rule(self) -> Schedule:
        """The schedule this one is a short name for."""

    @cached_property
    def rule(self) -> Schedule:
        """The schedule this one is a short name for."""
        return self._rule()

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return self.rule.milestones(first, last)

    def pieces(self, first: int, last: int) -> tuple[Piece, ...] | None:
        return self.rule.pieces(first, last)

    def _never_negative(self) -> bool:
        return True

    def _fill(self, first: int, out: Floats) -> None:
        self.rule._fill(first, out)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        self.rule._gather(iterations, out)


@rebuilt.register
def _(schedule: Shape, horizon: int, was: int, words: Words) -> Schedule | None:
    if was != schedule.horizon or not schedule.LENGTHS:
        return None
    lengths = [0 if name is None else getattr(schedule, name) for name in schedule.LENGTHS]
    lengths[schedule.LENGTHS.index(None)] = was - sum(lengths)
    new = allotted(lengths, words or ("rescaled",) * len(lengths), horizon)
    named = {name or "horizon": length for name, length in zip(schedule.LENGTHS, new, strict=True)}
    return replace(schedule, **{**named, "horizon": horizon})


@dataclass(frozen=True, kw_only=True, repr=False)
class Ramp(Float64Schedule):
    """From one rate to another in ``length`` iterations, both reached exactly; the last one stays."""

    start: Level
    end: Level
    length: Length
    form: Literal["linear", "cosine", "root", "power", "geometric"] = "linear"
    power: Power = 1.0

    def _check(self) -> None:
        pass

    @property
    def horizon(self) -> int | None:
        return self.length

    def milestones(self, first: int, last: int) -> Iterator[int]:
        return iter((self.length,) if first <= self.length <= last else ())

    def pieces(self, first: int, last: int) -> tuple[Piece, ...]:
        return cut(first, last, (self.length,))

    def _never_negative(self) -> bool:
        return True

    def _fill(self, first: int, out: Floats) -> None:
        for begin, part in in_blocks(first, out):
            self._gather(np.arange(begin, begin + part.size, dtype=np.int64), part)

    def _gather(self, iterations: Iterations, out: Floats) -> None:
        passed = np.minimum(iterations, self.length)
        if self.form == "linear":
            between(self.start, self.end, passed, self.length, out)
        elif self.form == "geometric":
            geometric(self.start, self.end, passed, self.length, out)
        elif self.form == "cosine":
            low, high = sorted((self.start, self.end))
            blend(low, high, half_wave(passed if self.start <= self.end else self.length - passed, self.length), out)
        elif self.form == "root":
            # 1 - sqrt(x), without the difference of two numbers that are nearly equal
            left = (self.length - passed) / self.length
            blend(self.end, self.start, left / (1 + np.sqrt(passed / self.length)), out)
        else:
            blend(self.end, self.start, np.power((self.length - passed) / self.length, self.power), out)


def below_peak(shape: Any, *names: str) -> None:
    """Check that no rate lies above the peak.

    Raises:
        ValueError: naming the first one that does.
    """
    for name in names:
        if getattr(shape, name) > shape.peak:
            raise ValueError(
                f"{type(shape).__name__}: {name} must not be above peak, got {getattr(shape, name):g} > {shape.peak:g}"
            )


def horizon_after(shape: Any, first: int) -> None:
    """Check that the run goes on after iteration ``first``, so that its end is not its peak.

    Raises:
        ValueError: when the horizon is not later.
    """
    if shape.horizon <= first:
        raise ValueError(f"{type(shape).__name__}: horizon must be above {first}, got {shape.horizon}")
