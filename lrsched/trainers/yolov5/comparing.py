"""The logged rates compared with a config, or explained without one: per group, row by row, at the printed precision.

A row holds the rate of the last iteration of its epoch. The iterations per epoch are rarely known; they follow
from the rows of the warm-up.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrsched.fitting.simplicity import short_decimal
from lrsched.log import Floats, Integers, Log, LogError
from lrsched.logged import Audit, Inference, Mismatches
from lrsched.schedule import Iterations, Schedule
from lrsched.text import counted, joined, number
from lrsched.trainers.yolov5.eras import ERAS
from lrsched.trainers.yolov5.hyp import Hyp, fitted_lr, group_rates, stepped_rates
from lrsched.trainers.yolov5.results import bias_column, significant_digits

__all__ = ["EpochRate", "Rows", "audit_results", "compared", "infer_results"]

MOST_ITERATIONS, WARM_ROWS = 100_000, 12  # the most iterations per epoch, and the first rows, that are tried
# numbers of iterations per epoch that lie further apart are not known: so few explain a warm-up only where it is the
# one of the config
MOST_APART = 1.5
MOST_CLASSES = 1000
EARLY_ROWS = 0.7  # the share of the rows that may belong to the warm-up where there is no config
MOST_CURVES, MOST_ROWS = 60, 0.9  # so many runs are compared with a log; one has to explain this share of its rates

USUAL_LRF = (0.01, 0.1, 0.2, 0.05, 0.02, 0.001, 0.5, 1.0)
USUAL_WARMUP = (3.0, 0.0, 1.0, 2.0, 5.0, 4.0, 10.0)
USUAL_BIAS = (0.1, 0.0, 0.01)
# the eras that write rates, one for each way to step and to begin
SHAPES = ("yolov5-v6.2", "yolov5-v5", "ultralytics-8.0", "ultralytics-8.3", "ultralytics", "yolov5-v6.1")

NUMBERS = ("epochs", "lr0", "lrf", "warmup_epochs", "warmup_bias_lr")
KEYS = (*NUMBERS, "decay")  # what decides the rates


@dataclass(frozen=True, kw_only=True, repr=False)
class EpochRate(Schedule):
    """The rate of a parameter group in the last iteration of each epoch, which is what a row shows."""

    hyp: Hyp
    bias: bool = False
    origin: int = 0  # the number of the first epoch

    @property
    def horizon(self) -> int | None:
        return self.hyp.total_epochs - 1 + self.origin

    def formula(self, t: Iterations) -> Floats:
        epochs, nb = np.maximum(t - self.origin, 0), self.hyp.nb
        return group_rates(self.hyp, epochs, (epochs + 1) * nb - 1, nb, self.bias)


class Match(NamedTuple):
    """A run compared with rows; arrays have a column for each group."""

    hyp: Hyp  # completed by what the log shows
    plans: Mapping[str, EpochRate]
    planned: Floats
    good: NDArray[np.bool_]  # which logged rates are the planned ones
    per_epoch: tuple[int, int] | None  # the fewest and most iterations per epoch; None: given, or the log does not tell

    @property
    def ok(self) -> bool:
        """Whether every logged rate is the planned one."""
        return bool(self.good.all())

    @property
    def notes(self) -> tuple[str, ...]:
        """What the log tells besides."""
        if self.per_epoch is None:
            return ()
        low, high = self.per_epoch
        return (f"Iterations per epoch, from the warm-up: {low if low == high else f'{low} to {high}'}.",)


@dataclass(frozen=True, eq=False)
class Rows:
    """The logged rates of each group, with the digits they are written with."""

    epochs: Integers
    origin: int
    rates: Mapping[str, Floats]
    family: str

    @classmethod
    def of(cls, log: Log) -> Rows:
        """The rows with a rate.

        Raises:
            LogError: where there is none.
        """
        rates = {name: log.column(name) for name in log.groups}
        if not rates or not len(log) or not np.isfinite(log.rate).any():
            missing = "no column has learning rates (x/lr0 or lr/pg0)"
            raise LogError(f"{log.source}: {missing}, so there is nothing to compare.")
        family = "ultralytics" if any(name.startswith("lr/pg") for name in log.records.columns) else "yolo"
        epochs = log.epoch.astype(np.int64)
        return cls(epochs, int(log.iteration[0] - epochs[0]), rates, family)

    @cached_property
    def digits(self) -> int:
        """The significant digits that are written."""
        return significant_digits(list(self.rates.values()))

    @cached_property
    def logged(self) -> Floats:
        """The logged rates, a column for each group."""
        return np.stack(list(self.rates.values()), axis=1)

    def bounds(self, place: int) -> tuple[Floats, Floats]:
        """Between which numbers a rate was before it was rounded."""
        logged = self.logged[:, place]
        unit = 10.0 ** (np.floor(np.log10(np.abs(logged))) - self.digits + 1)
        half = np.where(logged == 0, 0.0, 0.5 * unit) * (1 + 1e-7)
        return logged - half, logged + half

    def fits(self, hyp: Hyp, nb: Integers, rows: slice = slice(None)) -> NDArray[np.bool_]:
        """Which logged rates fit, for each row and number of iterations per epoch: all groups of a row together."""
        epochs = self.epochs[rows][:, None]
        fits = np.ones((len(epochs), len(nb)), bool)
        for place in range(len(self.rates)):
            low, high = (bound[rows][:, None] for bound in self.bounds(place))
            planned = group_rates(hyp, epochs, (epochs + 1) * nb - 1, nb, place == hyp.era.bias)
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
def audit_results(log: Log, hyp: Hyp, ngpus: int | None = None, inferred: Inference | None = None) -> Audit:
    """Compare the logged rates of each group with those of a run, at the precision they are written with.

    Where it is not known, the number of iterations per epoch (and of classes, for ``optimizer: auto``) is the one that
    explains most rows.

    Raises:
        LogError: where the log has no rates.
    """
    rows = Rows.of(log)
    hyp = replace(hyp, iterations_per_epoch=None) if hyp.counted_by else hyp  # by such a file
    found = compared(rows, hyp)
    known = np.isfinite(rows.logged)
    record, group = np.nonzero(known & ~found.good)
    wrong = Mismatches(
        record=record, iteration=log.iteration[record], logged=rows.logged[record, group],
        planned=found.planned[record, group], group=np.array(list(rows.rates))[group],
    )  # fmt: skip
    return Audit(
        matched=int((known & found.good).sum()),
        total=int(known.sum()),
        mismatches=wrong,
        cause="" if found.ok else _cause(log, rows, hyp, inferred),
        source=log.source,
        unit=log.unit,
        notes=(*_chosen(hyp, found), *found.notes),
        plans=found.plans,
        groups=dict(zip(rows.rates, (known & found.good).sum(0).tolist(), strict=True)),
    )


def _chosen(hyp: Hyp, found: Match) -> tuple[str, ...]:
    """What ``optimizer: auto`` stood for."""
    if not hyp.is_auto or not found.ok:
        return ()
    known = found.hyp
    classes = f" ({counted(known.classes, 'class', 'classes')})" if known.classes and known.optimizer == "AdamW" else ""
    return (f"optimizer: auto stands for {known.optimizer} with a rate of {number(known.lr0, 6)}{classes}.",)


def _cause(log: Log, rows: Rows, hyp: Hyp, inferred: Inference | None) -> str:
    """What explains every row, one sentence, or nothing."""
    for era in ERAS.values():  # the same numbers as other eras read them
        if era is not hyp.era and hyp.decay in era.decays and compared(rows, replace(hyp, era=era)).ok:
            return f"The log is of {era.title}, not of {hyp.era.title}."
    inferred = inferred or infer_results(log)
    if inferred is None or inferred.config is None or not inferred.complete:
        return ""
    other = inferred.config
    differ = [key for key in KEYS if getattr(other, key) != getattr(hyp, key)]
    shown = (f"{key} {_shown(other, key)} (given: {_shown(hyp, key)})" for key in differ)
    return f"The log is of another run: {', '.join(shown)}." if differ else ""


def _shown(hyp: Hyp, key: str) -> str:
    return hyp.decay_used.name if key == "decay" else number(getattr(hyp, key), 6)


@np.errstate(all="ignore")
def compared(rows: Rows, hyp: Hyp) -> Match:
    """A run compared with rows, which may tell how many iterations an epoch has."""
    given = hyp.iterations_per_epoch
    tried: list[tuple[int, Hyp, Integers]] = []
    for one in _explicit(rows, hyp):
        numbers = np.array([given]) if given is not None else rows.per_epoch(one)
        known = replace(one, iterations_per_epoch=int(numbers[len(numbers) // 2]))
        tried.append((int(rows.fits(known, np.array([known.nb])).sum()), known, numbers))
    _, known, numbers = max(tried, key=lambda one: one[0])
    groups = {name: place == hyp.era.bias for place, name in enumerate(rows.rates)}
    plans = {name: EpochRate(hyp=known, bias=bias, origin=rows.origin) for name, bias in groups.items()}
    planned = np.stack([plan.formula(rows.epochs + rows.origin) for plan in plans.values()], axis=1)
    shown = np.array([[float(f"{rate:.{rows.digits}g}") for rate in row] for row in planned])
    warm = known.warmup >= 0 and rows.epochs.min() * known.nb <= known.warmup
    told = given is None and warm and numbers[-1] <= MOST_APART * numbers[0]
    per_epoch = (int(numbers[0]), int(numbers[-1])) if told else None
    return Match(known, plans, planned, (shown == rows.logged) | ~np.isfinite(rows.logged), per_epoch)


def _explicit(rows: Rows, hyp: Hyp) -> list[Hyp]:
    """The run itself; for ``optimizer: auto`` what it may stand for, by the last rate."""
    if not hyp.is_auto:
        return [hyp]
    counts = range(1, MOST_CLASSES) if hyp.classes is None else [hyp.classes]
    sgd = replace(hyp, optimizer="SGD", lr0=0.01, warmup_bias_lr=0.0)
    low, high = (bound[-1] for bound in rows.bounds(0))
    share = float(stepped_rates(sgd, rows.epochs[-1:])[0]) / sgd.lr0
    adam = replace(sgd, optimizer="AdamW")
    fitting = [count for count in counts if low <= fitted_lr(count) * share <= high]
    return [sgd, *(replace(adam, lr0=fitted_lr(count), classes=count) for count in fitting[:8])]


# --- without a config -----------------------------------------------------------------------------------------------


@np.errstate(all="ignore")
def infer_results(log: Log) -> Inference | None:
    """The simplest run that explains the logged rates: era, lr0, lrf, epochs, warm-up; None where none does.

    Raises:
        LogError: where the log has no rates.
    """
    rows = Rows.of(log)
    bias = bias_column(list(rows.rates.values()))
    weights = 1 if bias == 0 else 0
    best: Match | None = None
    for hyp in itertools.islice(_curves(rows, weights, bias), MOST_CURVES):
        found = compared(rows, hyp)
        if best is None or found.good.sum() > best.good.sum():
            best = found
        if best.ok:
            break
    if best is None or best.good.mean() < MOST_ROWS:
        return None
    hyp, known = best.hyp, np.isfinite(rows.logged)
    decay = {hyp.decay: "True"} if hyp.decay else {}
    return Inference(
        schedule=best.plans[list(rows.rates)[weights]],
        family=f"{hyp.era.title}, {hyp.decay_used.name}",
        parameters={key: getattr(hyp, key) for key in KEYS},
        matched=int((known & best.good).sum()),
        total=int(known.sum()),
        last=int(log.iteration[-1]) if best.ok else 0,
        notes=(f"The trainer is {hyp.era.title}.", *best.notes),
        open=_others(rows, hyp),
        config=hyp,
        values={key: number(getattr(hyp, key), 6) for key in NUMBERS} | decay,
        what="rate",
    )


def _others(rows: Rows, hyp: Hyp) -> dict[str, str]:
    """Other eras that explain every rate as well."""
    eras = [ERAS[name] for name in SHAPES if name.startswith(rows.family) and ERAS[name] is not hyp.era]
    found = []
    for era in eras:
        same = (key for key, decay in era.decays.items() if decay.name == hyp.decay_used.name)
        tried = (replace(hyp, era=era, decay=key, iterations_per_epoch=None) for key in same)
        title = era.title if any(map(str.isdigit, era.title)) else f"a newer {era.title}"
        found += [title] if any(compared(rows, one).ok for one in tried) else []
    return {"trainer": f"{joined(found, 'or')} is possible as well"} if found else {}


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
            lr0 = short_decimal(least, most)
            for warm, start in itertools.product(USUAL_WARMUP, USUAL_BIAS if bias is not None else (0.0,)):
                yield replace(hyp, lr0=lr0, warmup_epochs=warm, warmup_bias_lr=start)
