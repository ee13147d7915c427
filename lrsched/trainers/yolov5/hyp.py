"""Hyp: the numbers of a run that decide its rates, and the curves they make, iteration by iteration.

Exact as the trainers compute them: ``numpy.interp`` while warming up, Python's floats for the factor of an epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, TypeAlias

import numpy as np

from lrsched.numbers import LAST_ITERATION, Param, declared
from lrsched.schedule import Floats, Iterations, Schedule
from lrsched.text import counted, did_you_mean, joined, number
from lrsched.trainers.yaml import ConfigError, edited, entries
from lrsched.trainers.yolov5.eras import DECAY_KEYS, ERAS, NEWEST, Decay, Era

__all__ = ["Accumulate", "GroupRate", "Hyp", "Momentum", "fitted_lr", "group_rates", "stepped_rates"]

Files: TypeAlias = tuple[tuple[str, str], ...]  # names and texts

AUTO_ITERATIONS = 10_000  # ``optimizer: auto`` takes SGD for more iterations than these, AdamW for fewer
WITH_MOMENTUM = {"sgd", "rmsprop", "musgd"}  # whose parameter groups have a momentum; Adam's beta is not warmed up

Rate = Annotated[float, Param("learning rate of the weights after the warm-up", 0.0, math.inf, (0.001, 0.01))]
Fraction = Annotated[float, Param("rate at the end, as a fraction of lr0", -math.inf, math.inf, (0.01, 0.2))]
BiasRate = Annotated[float, Param("learning rate of the biases where the warm-up begins", 0.0, math.inf, (0.0, 0.1))]
FirstMomentum = Annotated[float, Param("momentum where the warm-up begins", 0.0, 1.0, (0.8, 0.98))]


@dataclass(frozen=True, kw_only=True)
class Hyp:
    """The numbers of a run that decide its rates, momentum and accumulation.

    ``decay`` is the option that chooses it (``cos_lr``, ``linear_lr`` ...; empty for the default of the era), ``batch``
    the images of a batch of all GPUs, ``checkpoint`` the epoch of the weights that ``--epochs`` more train on (without
    ``--resume``), ``classes`` what ``optimizer: auto`` counts with. ``counted_by`` is the file that the iterations per
    epoch were counted in, where they were not given. ``files`` are the names and texts that were read.

    >>> hyp = Hyp(era=ERAS["yolov5-v6.2"], epochs=100, iterations_per_epoch=50)
    >>> {name: round(float(curve(49)), 5) for name, curve in hyp.schedules().items()}
    {'weights': 0.00327, 'bias': 0.0706, 'momentum': 0.84475, 'accumulate': 2.0}
    """

    era: Era = ERAS[NEWEST]
    epochs: Annotated[int, Param("epochs of the run", 1, LAST_ITERATION, (5, 300))]
    lr0: Rate = 0.01
    lrf: Fraction = 0.01
    momentum: Annotated[float, Param("momentum after the warm-up", 0.0, 1.0, (0.8, 0.98))] = 0.937
    warmup_epochs: Annotated[float, Param("epochs of the warm-up", 0.0, 1e6, (0.0, 5.0))] = 3.0
    warmup_momentum: FirstMomentum = 0.8
    warmup_bias_lr: BiasRate = 0.1
    decay: str = ""
    optimizer: str = "SGD"
    batch: Annotated[int, Param("images of a batch", 1, LAST_ITERATION, (8, 64))] = 16
    nbs: Annotated[int, Param("nominal images of a step", 1, LAST_ITERATION, (64, 64))] = 64
    iterations_per_epoch: Annotated[int | None, Param("iterations of an epoch", 1, LAST_ITERATION, (1, 100))] = None
    classes: Annotated[int | None, Param("classes of the data set", 1, LAST_ITERATION, (1, 100))] = None
    checkpoint: Annotated[int | None, Param("the epoch of a checkpoint", 0, LAST_ITERATION, (1, 100))] = None
    resumed: bool = False
    texts: tuple[str, ...] = field(default=(), compare=False)
    counted_by: str = field(default="", compare=False)
    source: str = field(default="<hyp>", compare=False)
    files: Files = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        for key, value in self.era.fixed.items():
            object.__setattr__(self, key, value)
        declared(self)
        if self.decay and self.decay not in DECAY_KEYS:
            raise ConfigError(f"Hyp: no option is called {self.decay!r}; write {joined(DECAY_KEYS, 'or')}.")

    @property
    def total_epochs(self) -> int:
        """The epoch at which the trainer stops: a fine-tune adds its epochs to those of the checkpoint."""
        return self.epochs + (self.checkpoint or 0) * (self.epochs < self.first_epoch)

    @property
    def first_epoch(self) -> int:
        """The epoch the run begins with."""
        return 0 if self.checkpoint is None else self.checkpoint + 1

    @property
    def nb(self) -> int:
        """Iterations per epoch.

        Raises:
            ConfigError: where they are not known.
        """
        if self.iterations_per_epoch is None:
            unknown = "the iterations per epoch are not known, and the warm-up counts in them"
            ways = "give images=N (the images it trains on) or iterations_per_epoch=N"
            raise ConfigError(f"{self.source}: {unknown}; {ways}; on the command line --set images=N.")
        return self.iterations_per_epoch

    @property
    def iterations(self) -> int:
        """Iterations of the whole run."""
        return self.nb * self.total_epochs

    @property
    def start(self) -> int:
        """The iteration the run begins with."""
        return self.first_epoch * self.nb if self.first_epoch else 0

    @property
    def warmup(self) -> int:
        """nw, the length of the warm-up in iterations; -1 where there is none."""
        return int(self.era.warmup(self.warmup_epochs, self.total_epochs, self.nb))

    @property
    def last_warm(self) -> int:
        """The last iteration that the warm-up writes; below 0 where there is none."""
        return int(self.era.last_warm(self.warmup))

    @property
    def is_auto(self) -> bool:
        """Whether the trainer chooses optimizer, rate and momentum itself."""
        return self.era.auto and self.optimizer.lower() == "auto"

    @property
    def used(self) -> Hyp:
        """The run with what ``optimizer: auto`` puts in place of optimizer, lr0 and warmup_bias_lr.

        Raises:
            ConfigError: for ``auto`` and AdamW where the number of classes is not known.
        """
        if not self.is_auto:
            return self
        steps = math.ceil(self.nb * self.batch / max(self.batch, self.nbs)) * self.epochs
        if steps > AUTO_ITERATIONS:
            return replace(self, optimizer="SGD", lr0=0.01, warmup_bias_lr=0.0)
        if self.classes is None:
            formula = "optimizer: auto takes AdamW with a rate of 0.002·5/(4 + classes)"
            raise ConfigError(f"{self.source}: {formula}; give classes=N; on the command line --set classes=N.")
        return replace(self, optimizer="AdamW", lr0=fitted_lr(self.classes), warmup_bias_lr=0.0)

    @property
    def decay_used(self) -> Decay:
        """The decay of the era that the options choose."""
        return self.era.decay(self.decay)

    def caption(self, ngpus: int = 1) -> str:
        """The run in one line; ``batch`` has the images of all GPUs already."""
        parts = [self.era.title, self.decay_used.name, "lr0 auto" if self.is_auto else f"lr0 {number(self.lr0, 6)}"]
        parts += [f"lrf {number(self.lrf, 6)}", counted(self.total_epochs, "epoch")]
        parts += [f"{number(self.warmup_epochs)} warm-up epochs"]
        if self.iterations_per_epoch:
            by = f" ({self.counted_by})" if self.counted_by else ""
            parts += [f"{self.iterations_per_epoch} iterations per epoch{by}"]
        return " · ".join(parts)

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """Every curve by name: the rate of the weights (normalisation included), of the biases, and the rest.

        Raises:
            ConfigError: where the iterations per epoch, or the classes for ``optimizer: auto``, are not known.
        """
        used, _ = self.used, self.nb  # what is missing is reported now, not at the first rate
        curves: dict[str, Schedule] = {"weights": GroupRate(hyp=used), "bias": GroupRate(hyp=used, bias=True)}
        if used.optimizer.lower() in WITH_MOMENTUM:
            curves["momentum"] = Momentum(hyp=self)
        return {**curves, "accumulate": Accumulate(hyp=self)}

    def with_values(self, changes: Mapping[str, Any]) -> Hyp:
        """The run with other values, written into the files that have the keys; None takes the default back.

        Raises:
            ConfigError: for a key that decides nothing.
        """
        known: dict[str, Any] = {f.name: f.default for f in fields(self) if f.compare and f.name != "decay"}
        for key in changes:
            if key not in known and key not in DECAY_KEYS:
                raise ConfigError(f"{key} decides no rate of this trainer{did_you_mean(key, [*known, *DECAY_KEYS])}")
        fresh = {key: known[key] if value is None else value for key, value in changes.items() if key in known}
        if changes.get("epochs", 1) is None:
            raise ConfigError("epochs has no default; give a number.")
        switches = [key for key in DECAY_KEYS if key in changes]
        if switches:
            fresh["decay"] = next((key for key in switches if changes[key]), "")
        files = self.files
        for key, value in changes.items():
            files = _written(files, key, value)
        return replace(self, **fresh, files=files, texts=tuple(key for key in self.texts if key not in changes))


def _written(files: Files, key: str, value: Any) -> Files:
    """The files with another value of a key; where none has it, the file with the numbers gets it."""
    shown = None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if shown is not None and (not shown.strip() or not shown.isprintable() or set(shown) & set("#:'\"[]{}")):
        allowed = "a value is one line, not empty, without # : and quotes"
        raise ConfigError(f"{key}: {shown!r} cannot be written; {allowed}.")
    names = ("batch", "batch_size", "total_batch_size") if key == "batch" else (key,)
    there = {file: entries(text, file).keys() for file, text in files}
    if shown is not None and not any(set(names) & keys for keys in there.values()):
        home = next((file for file, keys in there.items() if "lr0" in keys), next(iter(there), ""))
        return tuple((file, f"{text.rstrip()}\n{key}: {shown}\n" if file == home else text) for file, text in files)
    for name in names:
        files = tuple((file, edited(text, name, shown)) for file, text in files)
    return files


def fitted_lr(classes: int) -> float:
    """The rate of AdamW for a number of classes, as ``optimizer: auto`` has it.

    >>> [fitted_lr(classes) for classes in (1, 3, 80)]
    [0.002, 0.001429, 0.000119]
    """
    return round(0.002 * 5 / (4 + classes), 6)


# --- curves ---------------------------------------------------------------------------------------------------------


def interpolated(ni: Any, nw: Any, first: float, last: Any) -> Floats:
    """``numpy.interp(ni, [0, nw], [first, last])``, where ``nw`` and ``last`` may be one for each ni.

    >>> interpolated(np.array([0, 25, 100, 130]), 100, 0.1, 0.01).round(4).tolist()
    [0.1, 0.0775, 0.01, 0.01]
    """
    with np.errstate(all="ignore"):
        inside = (last - first) / np.asarray(nw, np.float64) * np.asarray(ni, np.float64) + first
    found: Floats = np.where(ni >= np.asarray(nw), last, inside)
    return found


def factors(hyp: Hyp, x: Any) -> Floats:
    """The decay at epochs, each computed once."""
    epochs, place = np.unique(np.asarray(x, np.int64), return_inverse=True)
    decay = hyp.decay_used
    length = hyp.epochs if decay.captured else hyp.total_epochs
    known = np.array([decay.formula(int(epoch), length, hyp.lrf) for epoch in epochs], np.float64)
    found: Floats = known[place].reshape(np.shape(x))
    return found


def stepped_rates(hyp: Hyp, epoch: Any) -> Floats:
    """The rate of every group in epochs that begin after the warm-up."""
    return hyp.lr0 * factors(hyp, np.maximum(epoch - 1, 0) if hyp.era.lags else epoch)


def group_rates(hyp: Hyp, epoch: Any, t: Any, nb: Any, bias: bool) -> Floats:
    """The rate of a parameter group at iterations ``t`` of epochs, where nb may be one for each of them.

    In the epoch in which the warm-up ends its last value stays; the scheduler's own comes with the next epoch.
    """
    nw = hyp.era.warmup(hyp.warmup_epochs, hyp.total_epochs, nb)
    last, begin = hyp.era.last_warm(nw), hyp.warmup_bias_lr if bias else 0.0
    warm = interpolated(np.minimum(t, last), nw, begin, hyp.lr0 * factors(hyp, epoch))
    found: Floats = np.where(epoch * nb <= last, warm, stepped_rates(hyp, epoch))
    return found


@dataclass(frozen=True, kw_only=True, repr=False)
class Curve(Schedule):
    """One curve of a run whose iterations per epoch are known."""

    hyp: Hyp

    @property
    def horizon(self) -> int | None:
        return min(self.hyp.iterations - 1, LAST_ITERATION)

    @property
    def warmup(self) -> int:
        return max(self.hyp.last_warm + 1, 0)

    def milestones(self, first: int, last: int) -> Iterator[int]:
        """Where the warm-up is over, and where the scheduler takes over."""
        nb, after = self.hyp.nb, self.hyp.last_warm + 1
        return iter(sorted({t for t in (after, -(-after // nb) * nb) if t > 0 and first <= t <= last}))

    @property
    def caption(self) -> str:
        return self.hyp.caption()


@dataclass(frozen=True, kw_only=True, repr=False)
class GroupRate(Curve):
    """The learning rate of the weights, or of the biases, which begin high."""

    bias: bool = False

    def formula(self, t: Iterations) -> Floats:
        return group_rates(self.hyp, t // self.hyp.nb, t, self.hyp.nb, self.bias)


@dataclass(frozen=True, kw_only=True, repr=False)
class Momentum(Curve):
    """The momentum of a parameter group; only the warm-up writes it, so its last value stays."""

    def formula(self, t: Iterations) -> Floats:
        hyp, last = self.hyp, self.hyp.last_warm
        if last < 0:
            return np.full(t.shape, 0.9 if hyp.is_auto else hyp.momentum)
        return interpolated(np.minimum(t, last), hyp.warmup, hyp.warmup_momentum, hyp.momentum)


@dataclass(frozen=True, kw_only=True, repr=False)
class Accumulate(Curve):
    """Over how many batches gradients are summed before a step; only the warm-up changes it."""

    def formula(self, t: Iterations) -> Floats:
        full, last = self.hyp.nbs / self.hyp.batch, self.hyp.last_warm
        if last < self.hyp.first_epoch * self.hyp.nb:
            return np.full(t.shape, max(round(full), 1), np.float64)
        return np.maximum(1.0, np.rint(interpolated(np.minimum(t, last), self.hyp.warmup, 1.0, full)))
