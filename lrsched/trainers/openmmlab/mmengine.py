"""``param_scheduler`` of mmengine: windows, each of which changes the rate that it finds, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import accumulate
from typing import Any

import numpy as np

from lrsched.schedule import LAST_ITERATION, Floats, Iterations, Schedule
from lrsched.trainers.openmmlab.literal import Settings, number, whole_numbers
from lrsched.trainers.openmmlab.mmcv import least_of, one_cycle
from lrsched.trainers.yaml import ConfigError

__all__ = ["Window", "Windows", "windows_of"]

FOREVER = 10**9  # the end of a window that has none
MOST_ITERATIONS = 1 << 24  # every iteration is stepped through; longer runs are refused
# what is counted in epochs, where the epochs of a scheduler are converted to iterations
COUNTED = ("T_max", "step_size", "total_steps", "milestones", "periods")
BENDS = {"MultiStepLR": "milestones", "CosineRestartLR": "periods"}
WARMUPS = ("LinearLR", "ConstantLR", "QuadraticWarmupLR")


@dataclass(frozen=True, kw_only=True)
class Window:
    """One scheduler: it steps from ``begin`` up to ``end``, ``unit`` iterations each time."""

    kind: str
    begin: int
    end: int
    unit: int | None
    settings: Settings = field(hash=False)

    @np.errstate(all="ignore")  # a step that divides by 0 is not used
    def change(self, k: Iterations, base: float) -> tuple[Floats, Floats]:
        """At its own steps k the rate becomes the first times what it was, plus the second."""
        get, length = partial(number, self.settings), self.end - self.begin
        ratio, plus, least = np.ones(k.size), np.zeros(k.size), least_of(self.settings, base, "eta_min")
        match self.kind:
            case "LinearLR":
                first, last = get("start_factor", 1 / 3), get("end_factor", 1.0)
                rise = last - first
                ratio = np.where(k == 0, first, 1 + rise / ((length - 1) * first + (k - 1) * rise))
            case "ConstantLR":
                factor = get("factor", 1 / 3)
                ratio = np.where(k == 0, factor, np.where(k == length - 1, 1 / factor, 1.0))
            case "MultiStepLR":
                at = np.sort(whole_numbers(self.settings, "milestones"))
                often = np.searchsorted(at, k, side="right") - np.searchsorted(at, k, side="left")
                ratio = get("gamma", 0.1) ** often
            case "StepLR":
                ratio = np.where((k > 0) & (k % get("step_size", whole=True) == 0), get("gamma", 0.1), 1.0)
            case "ExponentialLR":
                ratio = np.where(k == 0, 1.0, get("gamma"))
            case "PolyLR":
                ratio = np.where(k == 0, 1.0, (1 - 1 / (length - k)) ** get("power", 1.0))
                plus = least * (1 - ratio)
            case "CosineAnnealingLR":
                half = get("T_max", length)
                turns = (k > 0) & ((k - 1 - half) % (2 * half) == 0)
                ratio = np.where(turns, 1.0, _down(k, half))
                plus = np.where(turns, (base - least) * (1 - np.cos(np.pi / half)) / 2, least * (1 - ratio))
            case "CosineRestartLR":
                periods = np.array(whole_numbers(self.settings, "periods"))
                weights = np.array(self.settings.get("restart_weights", [1]), np.float64)
                ends = np.cumsum(periods)
                which = np.minimum(np.searchsorted(ends, k, side="right"), periods.size - 1)
                own = k - (ends - periods)[which]
                ratio = np.where(k < ends[-1], np.where(own == 0, 0.0, _down(own, periods[which])), 1.0)
                plus = np.where((own == 0) & (k < ends[-1]), base * weights[which], least * (1 - ratio))
            case "OneCycleLR":
                total = get("total_steps", length, whole=True)
                ratio, plus = 0 * ratio, one_cycle(k, self.settings, get("eta_max"), total)
            case "QuadraticWarmupLR":
                ratio, plus = np.where(k == 0, 0.0, 1.0), base * (2 * k + 1) / length**2
            case _:
                raise ConfigError(f"the rates of {self.kind!r} are not known here; infer them from a log.")
        return ratio, plus


def _down(k: Iterations, half: Any) -> Floats:
    """How many times smaller a cosine is than one step before."""
    return np.where(k == 0, 1.0, (1 + np.cos(np.pi * k / half)) / (1 + np.cos(np.pi * (k - 1) / half)))


@dataclass(frozen=True, kw_only=True, repr=False)
class Windows(Schedule):
    """The rates of a run, stepped as mmengine steps them: what windows do where they overlap is kept.

    >>> warm = {"type": "LinearLR", "begin": 0, "end": 4, "by_epoch": False, "start_factor": 0.25}
    >>> drop = {"type": "MultiStepLR", "milestones": [1]}
    >>> Windows(lr=0.1, windows=windows_of([warm, drop], 5), iterations=10)(range(7)).round(6).tolist()
    [0.025, 0.05, 0.075, 0.1, 0.1, 0.01, 0.01]

    Source: mmengine 0.10.7, mmengine/optim/scheduler/param_scheduler.py; QuadraticWarmupLR: mmdetection 3.
    """

    lr: float
    windows: tuple[Window, ...]
    iterations: int

    def _check(self) -> None:
        if not 1 <= self.iterations <= MOST_ITERATIONS:
            raise ConfigError(f"a run has 1 to {MOST_ITERATIONS} iterations here, got {self.iterations}.")

    @property
    def horizon(self) -> int | None:
        return self.iterations - 1

    @property
    def warmup(self) -> int:
        rising = [each for each in self.windows if each.begin == 0 and each.kind in WARMUPS]
        return min(max(((each.end - 1) * (each.unit or 1) for each in rising), default=0), LAST_ITERATION)

    @property
    def caption(self) -> str:
        ends = ("" if each.end == FOREVER else f" to {each.end}" for each in self.windows)
        return " · ".join(f"{each.kind} from {each.begin}{end}" for each, end in zip(self.windows, ends, strict=True))

    def milestones(self, first: int, last: int) -> Iterator[int]:
        found = set()
        for each in self.windows:
            bends = whole_numbers(each.settings, BENDS[each.kind]) if each.kind in BENDS else []
            ends = [each.begin + bend for bend in (accumulate(bends) if each.kind == "CosineRestartLR" else bends)]
            known = [at for at in (each.begin, *ends, each.end) if at <= each.end and at < FOREVER]
            found |= {at * (each.unit or FOREVER) for at in known}
        return iter(sorted(at for at in found if max(first, 1) <= at <= last))

    def formula(self, t: Iterations) -> Floats:
        rates: Floats = self._run[np.minimum(t, self.iterations - 1)]
        return rates

    @cached_property
    def _run(self) -> Floats:
        """The rate of every iteration. Schedulers of iterations step before those of epochs, but not at the start."""
        factor, term = np.ones(self.iterations), np.zeros(self.iterations)
        start = self.lr
        for window in (window for window in self.windows if window.begin == 0):
            ratio, plus = window.change(np.zeros(1, np.int64), self.lr)
            start = float(ratio[0] * start + plus[0])
        for window in sorted(self.windows, key=lambda window: window.unit != 1):
            unit = window.unit or self.iterations
            own = np.arange(max(min(window.end, -(-self.iterations // unit)) - window.begin, 0))
            own = own[own + window.begin > 0]
            at, (ratio, plus) = (own + window.begin) * unit, window.change(own, self.lr)
            factor[at], term[at] = ratio * factor[at], ratio * term[at] + plus
        changes = zip(factor[1:].tolist(), term[1:].tolist(), strict=True)
        return np.array([*accumulate(changes, lambda rate, change: change[0] * rate + change[1], initial=start)])


def windows_of(schedulers: Any, epoch_length: int | None) -> tuple[Window, ...]:
    """The windows of ``param_scheduler``; without epochs, in a loop of iterations, those of epochs never step.

    Raises:
        ConfigError: for an unknown scheduler, and for one that counts epochs of unknown length.
    """
    if isinstance(schedulers, Mapping) and "type" not in schedulers:  # of several optimizers the first
        schedulers = next(iter(schedulers.values()), None)
    listed = schedulers if isinstance(schedulers, list) else [] if schedulers is None else [schedulers]
    found = []
    for given in listed:
        if not isinstance(given, Mapping):
            raise ConfigError(f"param_scheduler has {given!r}; write each scheduler as dict(type=...).")
        kind, settings = str(given.get("type")).rpartition(".")[2], dict(given)
        if kind.endswith(("Momentum", "Betas")) or given.get("param_name", "lr") != "lr":
            continue
        begin, end = number(given, "begin", 0), number(given, "end", FOREVER)
        unit = epoch_length if given.get("by_epoch", True) else 1
        if given.get("by_epoch", True) and given.get("convert_to_iter_based"):
            if epoch_length is None:
                unknown = f"{kind} counts iterations of epochs"
                raise ConfigError(f"{unknown}; give iterations_per_epoch, or the log of the run.")
            unit, begin, end = 1, begin * epoch_length, end if end == FOREVER else end * epoch_length
            for key in (key for key in COUNTED if settings.get(key) is not None):
                numbers = [each * epoch_length for each in whole_numbers(settings, key)]
                settings[key] = numbers if isinstance(settings[key], list) else numbers[0]
        if not end > begin:
            raise ConfigError(f"the end of {kind}, {end}, does not lie after its begin, {begin}.")
        window = Window(kind=kind, begin=int(begin), end=int(end), unit=unit, settings=settings)
        window.change(np.zeros(1, np.int64), 1.0)  # mistakes are reported now
        found.append(window)
    return tuple(found)
