"""The logged rates compared with a config, or explained without one: per group, row by row, at the printed precision.

A row holds the rate of the last iteration of its epoch. The iterations per epoch are rarely known; the rows of the
warm-up tell them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrsched.log import Floats, Integers, Log
from lrsched.text import number
from lrsched.trainers.yaml import ConfigError
from lrsched.trainers.yolov5.eras import ERAS
from lrsched.trainers.yolov5.hyp import Hyp, fitted_lr, group_rates, stepped_rates
from lrsched.trainers.yolov5.results import bias_column, rate_columns, significant_digits

__all__ = ["Comparison", "GroupMatch", "compare_results", "infer_hyp"]

MOST_ITERATIONS, WARM_ROWS = 100_000, 12
"""Up to so many iterations per epoch are tried, on the first rows."""

MOST_CLASSES = 1000

EARLY_ROWS = 0.7
"""The share of the rows that may belong to the warm-up where there is no config."""

USUAL_LRF = (0.01, 0.1, 0.2, 0.05, 0.02, 0.001, 0.5, 1.0)
USUAL_WARMUP = (3.0, 0.0, 1.0, 2.0, 5.0, 4.0, 10.0)
USUAL_BIAS = (0.1, 0.0, 0.01)
SHAPES = ("yolov5-v6.2", "yolov5-v5", "ultralytics-8.0", "ultralytics-8.3", "ultralytics", "yolov5-v6.1")
"""The eras that write rates, one for each way to step and to begin."""


class GroupMatch(NamedTuple):
    """One parameter group: which epochs show the planned rate, and what was logged and planned in the others."""

    group: int
    matched: int
    total: int
    epochs: Integers
    logged: Floats
    planned: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """A results file compared with a run.

    Attributes:
        hyp: the run, with what the log tells of it where nobody said: iterations per epoch, classes.
        groups: each parameter group.
        per_epoch: the smallest and the largest number of iterations per epoch that the log allows; None where it was
            given, or where no number explains the warm-up.
        cause: what explains the mismatches, one sentence, or empty.
    """

    hyp: Hyp
    groups: tuple[GroupMatch, ...]
    per_epoch: tuple[int, int] | None
    cause: str = ""

    @property
    def matched(self) -> int:
        """Rates that are the planned ones, of all groups."""
        return sum(group.matched for group in self.groups)

    @property
    def total(self) -> int:
        """Logged rates."""
        return sum(group.total for group in self.groups)

    @property
    def ok(self) -> bool:
        """Whether every row of every group shows the planned rate."""
        return self.matched == self.total

    def __str__(self) -> str:
        lines = [f"{self.matched} of {self.total} logged rates are the planned ones."]
        lines += [self.cause] if self.cause else []
        for group in self.groups:
            if group.matched < group.total:
                at = ", ".join(f"{epoch}" for epoch in group.epochs[:3])
                first = f"logged {group.logged[0]:g}, planned {group.planned[0]:.7g}"
                lines.append(f"  lr{group.group}: {len(group.epochs)} rows differ (epochs {at} ...): {first}")
        if self.per_epoch is not None:
            low, high = self.per_epoch
            lines.append(f"Iterations per epoch, from the warm-up: {low if low == high else f'{low} to {high}'}.")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Rows:
    """The logged rates of each group, with the digits they are written with."""

    source: str
    epochs: Integers
    rates: Mapping[int, Floats]
    family: str

    @classmethod
    def of(cls, log: Log) -> Rows:
        """The rows with a rate.

        Raises:
            ConfigError: where there is none.
        """
        rates = rate_columns({name: log.column(name) for name in log.records.columns})
        if not rates or not len(log) or not np.isfinite(log.rate).any():
            raise ConfigError(
                f"{log.source}: no column has learning rates (x/lr0 or lr/pg0), so there is nothing to compare."
            )
        family = "ultralytics" if any(name.startswith("lr/pg") for name in log.records.columns) else "yolo"
        return cls(log.source, log.iteration, rates, family)

    @cached_property
    def digits(self) -> int:
        """The significant digits that are written."""
        return significant_digits(self.rates)

    def bounds(self, group: int) -> tuple[Floats, Floats]:
        """Between which numbers a rate was before it was rounded."""
        logged = self.rates[group]
        unit = 10.0 ** (np.floor(np.log10(np.abs(logged))) - self.digits + 1)
        half = np.where(logged == 0, 0.0, 0.5 * unit) * (1 + 1e-7)
        return logged - half, logged + half

    def fits(self, hyp: Hyp, nb: Integers, rows: slice = slice(None)) -> NDArray[np.bool_]:
        """Which logged rates fit, for each row and number of iterations per epoch: all groups of a row together."""
        epochs = self.epochs[rows][:, None]
        fits = np.ones((len(epochs), len(nb)), bool)
        for group in self.rates:
            low, high = (bound[rows][:, None] for bound in self.bounds(group))
            planned = group_rates(hyp, epochs, (epochs + 1) * nb - 1, nb, group == hyp.era.bias)
            fits &= ((low <= planned) & (planned <= high)) | np.isnan(low)
        return fits

    def per_epoch(self, hyp: Hyp) -> Integers:
        """The numbers of iterations per epoch that explain most of the first rows."""
        numbers = np.arange(1, MOST_ITERATIONS + 1)
        first = np.flatnonzero(self.epochs <= self.epochs.min() + WARM_ROWS)
        count = self.fits(hyp, numbers, slice(0, int(first[-1]) + 1)).sum(0)
        found: Integers = numbers[count == count.max()]
        return found


@np.errstate(all="ignore")
def compare_results(log: Log, hyp: Hyp) -> Comparison:
    """Compare the logged rates of each group with those of a run, at the precision they are written with.

    Where it is not known, the number of iterations per epoch (and of classes, for ``optimizer: auto``) is the one that
    explains most rows.

    Raises:
        ConfigError: where the log has no rates.
    """
    rows = Rows.of(log)
    found = _compared(rows, hyp)
    if found.ok:
        return found
    for other, sentence in _readings(hyp):
        tried = _compared(rows, other)
        if tried.ok:
            return replace(found, cause=sentence)
    try:
        inferred = infer_hyp(log)
    except ConfigError:
        return found
    keys = ("epochs", "lr0", "lrf", "warmup_epochs", "warmup_bias_lr", "decay")
    differ = [key for key in keys if getattr(inferred.hyp, key) != getattr(hyp, key)]
    if inferred.ok and differ:
        shown = ", ".join(
            f"{key} {getattr(inferred.hyp, key) or 'none'} (given: {getattr(hyp, key) or 'none'})" for key in differ
        )
        return replace(found, cause=f"The log is of another run: {shown}.")
    return found


def _compared(rows: Rows, hyp: Hyp) -> Comparison:
    given = hyp.iterations_per_epoch
    tried: list[tuple[int, Hyp, Integers]] = []
    for one in _explicit(rows, hyp):
        numbers = np.array([given]) if given is not None else rows.per_epoch(one)
        known = replace(one, iterations_per_epoch=int(numbers[len(numbers) // 2]))
        tried.append((int(rows.fits(known, np.array([known.nb])).sum()), known, numbers))
    _, known, numbers = max(tried, key=lambda one: one[0])
    nb, groups = known.nb, []
    for group, logged in rows.rates.items():
        planned = group_rates(known, rows.epochs, (rows.epochs + 1) * nb - 1, nb, group == hyp.era.bias)
        shown = np.array([float(f"{rate:.{rows.digits}g}") for rate in planned])
        wrong, total = np.flatnonzero((shown != logged) & np.isfinite(logged)), int(np.isfinite(logged).sum())
        matched, epochs = total - len(wrong), rows.epochs[wrong]
        groups.append(GroupMatch(group, matched, total, epochs, logged[wrong], planned[wrong]))
    warm = known.warmup >= 0 and rows.epochs.min() * nb <= known.warmup
    open_ = None if given is not None or not warm else (int(numbers[0]), int(numbers[-1]))
    return Comparison(hyp=known, groups=tuple(groups), per_epoch=open_)


def _explicit(rows: Rows, hyp: Hyp) -> list[Hyp]:
    """The run itself; for ``optimizer: auto`` what it may stand for, by the last rate."""
    if not hyp.is_auto:
        return [hyp]
    counts = range(1, MOST_CLASSES) if hyp.classes is None else [hyp.classes]
    sgd = replace(hyp, optimizer="SGD", lr0=0.01, warmup_bias_lr=0.0)
    low, high = (bound[-1] for bound in rows.bounds(next(iter(rows.rates))))
    share = float(stepped_rates(sgd, rows.epochs[-1:])[0]) / sgd.lr0
    adam = replace(sgd, optimizer="AdamW")
    fitting = [count for count in counts if low <= fitted_lr(count) * share <= high]
    return [sgd, *(replace(adam, lr0=fitted_lr(count), classes=count) for count in fitting[:8])]


def _readings(hyp: Hyp) -> Iterator[tuple[Hyp, str]]:
    """The same numbers as other eras read them."""
    for era in ERAS.values():
        if era is not hyp.era and hyp.decay in era.decays:
            yield replace(hyp, era=era), f"The log is of {era.title}, not of {hyp.era.title}."


# --- without a config -----------------------------------------------------------------------------------------------


@np.errstate(all="ignore")
def infer_hyp(log: Log) -> Comparison:
    """The simplest run that explains the logged rates: era, lr0, lrf, epochs, warm-up.

    Raises:
        ConfigError: where the log has no rates, or none of the known curves explains them.
    """
    rows = Rows.of(log)
    bias = bias_column(rows.rates)
    weights = next((group for group in sorted(rows.rates) if group != bias), 0)
    best: Comparison | None = None
    for hyp in itertools.islice(_curves(rows, weights, bias), 60):
        found = _compared(rows, hyp)
        if best is None or found.matched > best.matched:
            best = found
        if found.ok:
            return found
    if best is None or best.matched < 0.9 * best.total:
        raise ConfigError(f"{log.source}: none of the known curves explains its rates; give the config of the run.")
    return best


def _curves(rows: Rows, weights: int, bias: int | None) -> Iterator[Hyp]:
    """Runs whose decay explains the last rows, with usual warm-ups."""
    count, late = int(rows.epochs.max()) + 1, slice(int(EARLY_ROWS * len(rows.epochs)), None)
    low, high = (bound[late] for bound in rows.bounds(weights))
    eras = [ERAS[name] for name in SHAPES if name.startswith(rows.family) and bias in (None, ERAS[name].bias)]
    lengths = [count, *sorted(n for n in (50, 100, 150, 200, 250, 300, 400, 500, 600, 1000) if n > count)]
    for epochs, lrf, era in itertools.product(lengths, USUAL_LRF, eras):
        for decay in era.decays:
            hyp = Hyp(era=era, decay=decay, epochs=epochs, lrf=lrf, lr0=1.0)
            factor = stepped_rates(hyp, rows.epochs[late])
            least, most = float(np.fmax.reduce(low / factor)), float(np.fmin.reduce(high / factor))
            if not (0 < least <= most and (factor > 0).all()):
                continue
            lr0 = _simplest(least, most)
            for warm, start in itertools.product(USUAL_WARMUP, USUAL_BIAS if bias is not None else (0.0,)):
                yield replace(hyp, lr0=lr0, warmup_epochs=warm, warmup_bias_lr=start)


def _simplest(low: float, high: float) -> float:
    """The number of the fewest digits between two.

    >>> _simplest(0.0099998, 0.0100003), _simplest(0.00142895, 0.00142904)
    (0.01, 0.001429)
    """
    middle = (low + high) / 2
    rounded = (float(number(middle, digits)) for digits in range(1, 12))
    return next((value for value in rounded if low <= value <= high), middle)
