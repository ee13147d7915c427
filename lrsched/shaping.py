"""What a config shows of itself to be shaped by hand: its keys, and points of its curve that can be dragged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin

import numpy as np

from lrsched.numbers import LAST_ITERATION, Param, declarations
from lrsched.schedule import Schedule

__all__ = ["Handle", "Key", "Option", "Points", "Shaping", "rounded_rate", "solved"]

PLAIN = (bool, int, float, str)


class Key(NamedTuple):
    """A key of a config that decides its curve.

    Attributes:
        name: the key.
        value: its value.
        kind: bool, int, float, str, or tuple for a list of numbers.
        param: what it means and which values it can hold; None where nobody declared it.
        default: its value where the config has none.
        choices: its values, where they are names.
        whole: whether the numbers of a list are integers.
        group: what it belongs to, where a config has parts.
    """

    name: str
    value: Any
    kind: type
    param: Param | None = None
    default: Any = None
    choices: tuple[str, ...] = ()
    whole: bool = False
    group: str = ""


class Option(NamedTuple):
    """An option of the trainer that reads a config: what it is called, the present one, the names with their titles."""

    label: str
    value: str
    titles: Mapping[str, str]


class Handle(NamedTuple):
    """A point of a curve that can be dragged.

    Attributes:
        name: what stays when it moves, unique in a config.
        label: what it is, for people.
        iteration: where it is.
        keys: the keys it writes.
        at: the changes that bring it to an iteration; None where it cannot move in time.
        reaches: the changes after which the rate there is a given one; None where it cannot move in height.
        low: the first iteration it can be at.
        high: the last.
    """

    name: str
    label: str
    iteration: int
    keys: tuple[str, ...]
    at: Callable[[int], Mapping[str, Any]] | None = None
    reaches: Callable[[float], Mapping[str, Any]] | None = None
    low: int = 0
    high: int = LAST_ITERATION


class Points(NamedTuple):
    """The keys that the points of a usual curve write; an empty one is not there.

    Attributes:
        peak: the rate at the end of the warm-up.
        warmup: how long that is.
        final: what bends the rate at the end.
        length: how long the run is.
    """

    peak: str = ""
    warmup: str = ""
    final: str = ""
    length: str = ""


NO_POINTS = Points()

STEPS = 8  # the most lines that are drawn, each through nearer points


class Shaping:
    """What can be shaped of a config: a base for configs whose fields are their keys."""

    def __init__(self, config: Any, points: Points = NO_POINTS) -> None:
        self.config: Any = config
        self.points: Points = points

    def options(self) -> Mapping[str, Option]:
        """The options of its trainer by name."""
        return {}

    def read(self, options: Mapping[str, str]) -> Any:
        """The config read with options of its trainer, with a text if it had none."""
        return self.config

    def shown(self) -> Iterator[Key]:
        """The keys that decide the curve."""
        owner: Any = type(self.config)
        known = declarations(owner)
        for each in fields(self.config) if is_dataclass(self.config) else ():
            value, default = getattr(self.config, each.name), None if each.default is MISSING else each.default
            if each.name in known:
                yield key_of(each.name, value, default, *known[each.name])
            elif each.compare and type(default) in PLAIN and each.name != "source":
                yield Key(each.name, value, type(default), default=default)

    def key(self, name: str) -> Key | None:
        """One of its keys, or of those that it would have with other values; None where it never has it."""
        return next((key for key in self.shown() if key.name == name), None)

    def facts(self) -> tuple[str, ...]:
        """What of a run besides its target its rates and rules depend on: ngpus, classes, images."""
        return ("ngpus",)

    def rows(self) -> tuple[str, ...]:
        """Keys with lists of equal length, shown as rows of a table."""
        return ()

    def handles(self, ngpus: int = 1) -> Sequence[Handle]:
        """The points that can be dragged, in the order of their iterations."""
        if self.points == NO_POINTS:
            return ()
        schedule, points = next(iter(self.config.schedules(ngpus).values())), self.points
        unit = getattr(self.config, "iterations_per_epoch", None) or 1
        peak, warm, final, length = map(self.key, points)
        found, end = [], schedule.horizon
        if peak is not None and peak.value is not None:
            at = None if warm is None else partial(_lasting, warm, unit, 0)
            reaches = partial(self._reaching, peak, schedule.warmup, ngpus)
            keys = tuple(filter(None, points[:2]))
            found.append(Handle("peak", "peak", schedule.warmup, keys, at, reaches, high=(end or LAST_ITERATION) - 1))
        if end is not None and length is not None and isinstance(length.value, int):
            rate = None if final is None or final.value is None else partial(self._reaching, final, end, ngpus)
            at = partial(_lasting, length, unit, length.value * unit - end)
            keys = tuple(filter(None, points[2:]))
            found.append(Handle("end", "last iteration", end, keys, at, rate, schedule.warmup + 1))
        return found

    def _reaching(self, key: Key, t: int, ngpus: int, rate: float) -> Mapping[str, Any]:
        """The value with which the rate at an iteration is ``rate``."""

        def curve(value: float) -> Schedule:
            made: Schedule = next(iter(self.config.with_values({key.name: value}).schedules(ngpus).values()))
            return made

        least, low = 1e-12, float(key.value)
        with suppress(ValueError):  # some trainers refuse a peak below the rate at the end
            curve(least)
            low = least
        value = solved(curve, t, rate, low, max(1.0, 4 * abs(key.value)), least)
        return {} if value is None else {key.name: rounded_rate(value)}

    def completed(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """The changes with what they need besides, so that the trainer reads them."""
        return changes


def _lasting(key: Key, unit: int, more: int, t: int) -> Mapping[str, Any]:
    """The length that ends at iteration ``t`` (``more`` are added), in units of ``unit`` iterations."""
    length = (t + more) / unit
    return {key.name: round(length) if key.kind is int else rounded_rate(length, 6)}


def key_of(name: str, value: Any, default: Any, kind: Any, param: Param, choices: tuple[str, ...] = ()) -> Key:
    """The key of a declared parameter."""
    if isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    several = get_origin(kind) in (tuple, Sequence)
    whole = param.text == "time" or kind is int or (several and get_args(kind)[0] is int)
    known = kind if kind in PLAIN else int if whole else float
    return Key(name, value, tuple if several else known, param, default, choices, whole)


def rounded_rate(value: float, digits: int = 3) -> float:
    """A rate with few digits.

    >>> rounded_rate(0.00123456), rounded_rate(0.0)
    (0.00123, 0.0)
    """
    return float(f"{value:.{digits}g}")


def solved(
    curve: Callable[[float], Schedule], at: int, rate: float, low: float, high: float, least: float | None = None
) -> float | None:
    """The value of a parameter between two bounds with which the rate at an iteration comes nearest to ``rate``.

    Near the value the rate is a straight line over the parameter; None where it does not depend on it. With ``least``
    the value may be below ``low``, down to there.

    >>> from lrsched.schedules import cosine
    >>> round(solved(lambda peak: cosine(peak=peak, horizon=100), 50, 0.02, 0.001, 1), 6)
    0.04
    >>> floored = lambda final: cosine(peak=0.1, horizon=100, final=min(final, 0.1))
    >>> round(solved(floored, 50, 0.08, 1e-6, 1), 6)
    0.06
    >>> solved(lambda length: cosine(peak=1, horizon=int(length)), 0, 0.5, 10, 20)
    """

    def answer(value: float) -> float:
        with np.errstate(all="ignore"):
            return float(curve(value)(at))

    first, last = answer(low), answer(high)
    value = None
    for _ in range(STEPS):  # pragma: no branch - no key bends so often that the lines do not get there
        if first == last or not math.isfinite(last - first):
            return None
        share = min((rate - first) / (last - first), 1.0)
        value = max(low + (high - low) * share, low if least is None else least)
        wanted = first + (last - first) * (value - low) / (high - low)
        found = answer(value)
        if abs(found - wanted) <= 1e-6 * abs(wanted):
            break
        high, last = value, found
    return value
