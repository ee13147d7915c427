"""The config of a run of mmcv or mmengine, as the trainer writes it: a Python file of literals."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast

import numpy as np

from lrsched.rules import Configs, Finding, Rule, Run, rule, warning
from lrsched.rules import Planning as AnyPlanning
from lrsched.schedule import Schedule
from lrsched.schedules import wellknown
from lrsched.shaping import Key, Shaping
from lrsched.text import counted, joined
from lrsched.text import number as shown
from lrsched.trainers.openmmlab import mmcv, mmengine
from lrsched.trainers.openmmlab.literal import Settings, number, part, settings_of, whole_numbers
from lrsched.trainers.records import text_of
from lrsched.trainers.yaml import ConfigError

__all__ = ["CONFIGS", "RunConfig", "config_of", "epoch_length_of", "read_config"]


LENGTH = "iterations_per_epoch"
RATES = ("lr_config", "param_scheduler", "optimizer", "optim_wrapper")
OTHERS = ("runner", "total_epochs", "total_iters", "data", "train_cfg", "train_dataloader", "auto_scale_lr", "_base_")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What of a config decides the rates.

    ``epoch_length``, the iterations of an epoch, is in the log of a run, not in its config; some logs only give a
    lower bound (``at_least``).

    >>> settings = {"optimizer": {"lr": 0.02}, "lr_config": {"policy": "step", "step": [8, 11]}, "total_epochs": 12}
    >>> config = RunConfig(settings=settings, epoch_length=100)
    >>> config.caption(), config.schedules()["rate"]([0, 799, 800]).tolist()
    ('mmcv · step · lr 0.02 · 12 epochs · 100 iterations per epoch', [0.02, 0.02, 0.002])
    """

    settings: Settings = field(hash=False)
    epoch_length: int | None = None
    at_least: bool = False
    gpus: int | None = None
    source: str = field(default="<config>", compare=False)

    @property
    def is_mmengine(self) -> bool:
        return "param_scheduler" in self.settings or "optim_wrapper" in self.settings

    def length(self, unit: str) -> int:
        """The epochs, or the iterations, of the run as the config has them; 0 where it counts in the other."""
        loop = part(self.settings, "train_cfg" if self.is_mmengine else "runner")
        return int(number(loop, f"max_{unit}", number(self.settings, f"total_{unit}", 0, whole=True), whole=True))

    @property
    def iterations(self) -> int:
        """The iterations of the run.

        Raises:
            ConfigError: where neither config nor log says.
        """
        found = self.length("iters") or self.length("epochs") * (self.epoch_length or 0)
        if found < 1:
            raise ConfigError(f"the iterations of an epoch are not known; give {LENGTH}, or the log of the run.")
        return found

    def lr(self, ngpus: int = 1) -> float:
        """The rate of the optimizer (of several the first), scaled where ``auto_scale_lr`` is enabled."""
        rate = float(number(_with_lr(part(self.settings, "optim_wrapper" if self.is_mmengine else "optimizer")), "lr"))
        scale, data = part(self.settings, "auto_scale_lr"), part(self.settings, "data")
        if scale.get("enable") is not True:
            return rate
        batch = number(part(self.settings, "train_dataloader"), "batch_size", data.get("samples_per_gpu"))
        scaled: float = rate * ((self.gpus or ngpus) * batch) / number(scale, "base_batch_size")
        return scaled

    def at_rate(self, lr: float, *, changing: bool = True) -> RunConfig:
        """The config with another rate, which may not change."""
        own = {"optim_wrapper": {"lr": lr}} if self.is_mmengine else {"optimizer": {"lr": lr}}
        still = {} if changing else dict.fromkeys(("lr_config", "param_scheduler"))
        return replace(self, settings={**self.settings, "auto_scale_lr": None, **own, **still})

    def caption(self, ngpus: int = 1) -> str:
        """The run in one line."""
        given = self.settings.get("param_scheduler")
        kinds = [part({"": each}, "").get("type") for each in (given if isinstance(given, list) else [given])]
        kinds = kinds if self.is_mmengine else [part(self.settings, "lr_config").get("policy", "constant")]
        lengths = [counted(self.length("epochs"), "epoch"), counted(self.length("iters"), "iteration")]
        each = f"{'at least ' * self.at_least}{self.epoch_length} iterations per epoch" if self.epoch_length else "0"
        words = ["mmengine" if self.is_mmengine else "mmcv", *map(str, kinds), f"lr {shown(self.lr(ngpus), 6)}"]
        return " · ".join([*words, *(length for length in (*lengths, each) if not length.startswith("0"))])

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """The rate of the run, counted in iterations from 0.

        Raises:
            ConfigError: where it does not follow from config and log.
        """
        try:
            lr, total, epochs = self.lr(ngpus), self.iterations, self.length("epochs") or None
            if self.is_mmengine:
                given, unit = self.settings.get("param_scheduler"), self.epoch_length if epochs else None
                windows = mmengine.windows_of(given, unit)
                return {"rate": mmengine.Windows(lr=lr, windows=windows, iterations=total)}
            if self.settings.get("lr_config") is None:
                return {"rate": wellknown.constant(lr)}
            policy = part(self.settings, "lr_config")
            lengths: dict[str, Any] = {"epochs": epochs, "iterations": total, "epoch_length": self.epoch_length}
            return {"rate": mmcv.planned(policy, lr, **lengths)}
        except (TypeError, ValueError, IndexError, ArithmeticError) as why:
            raise ConfigError(f"{self.source}: {why}") from None

    def drops(self) -> list[int]:
        """The iterations at which steps or milestones drop the rate, those beyond the end of the run too."""
        policy, unit = part(self.settings, "lr_config"), self.epoch_length or 1
        if not self.is_mmengine:
            steps = whole_numbers(policy, "step") if isinstance(policy.get("step"), list) else []
            return [step * (unit if policy.get("by_epoch", True) else 1) for step in steps]
        windows = mmengine.windows_of(self.settings.get("param_scheduler"), self.epoch_length)
        drops = [(each, whole_numbers(each.settings, "milestones")) for each in windows if each.kind == "MultiStepLR"]
        return [(window.begin + at) * (window.unit or 1) for window, milestones in drops for at in milestones]

    def with_values(self, changes: Mapping[str, Any]) -> RunConfig:
        """The config with other values of keys such as ``optimizer.lr``, which may be texts of a command line.

        Raises:
            ConfigError: for a key that decides no rate.
        """
        settings: Any = copy.deepcopy(self.settings)
        length = self.epoch_length
        for key, wanted in changes.items():
            value = list(wanted) if isinstance(wanted, tuple) else wanted
            if key == LENGTH:
                length = number(settings_of(f"{key} = {value}", key), key, whole=True)
                continue
            *outer, last = key.split(".")
            place = part(settings, *outer)
            if (outer or [last])[0] not in (*RATES, *OTHERS) or (outer and not place):
                raise ConfigError(f"{self.source}: {key} decides no rate of this config; give a key of its file.")
            given = settings_of(f"{last} = {value}", last) if isinstance(value, str) else {last: value}
            cast(dict[str, Any], place if outer else settings).update(given)
        return replace(self, settings=settings, epoch_length=length)

    def of_log(self, log: Any) -> RunConfig:
        """The config with what the log of its run adds."""
        if log.config is not None:
            return replace(self, epoch_length=log.config.epoch_length, gpus=log.config.gpus)
        return replace(self, epoch_length=epoch_length_of(log.iteration, log.epoch))


def _with_lr(settings: Settings) -> Settings:
    """The first dictionary in another one that has a rate; empty where none has."""
    if "lr" in settings:
        return settings
    inner = (_with_lr(value) for value in settings.values() if isinstance(value, Mapping))
    return next((found for found in inner if found), {})


def epoch_length_of(iteration: Any, epoch: Any) -> int | None:
    """The iterations of an epoch, where rows of a run and their epochs, counted from 0, leave just one.

    >>> epoch_length_of([20, 40, 60, 80, 100], [0, 0, 1, 1, 2]), epoch_length_of([20, 40], [0, 0])
    (None, None)
    >>> epoch_length_of([20, 40, 60, 81], [0, 0, 1, 2])
    40
    """
    steps, epochs = np.asarray(iteration, np.int64), np.asarray(epoch, np.float64)
    if not np.isfinite(epochs).all() or not epochs.any():
        return None
    low, high = np.ceil(steps / (epochs + 1)).max(), ((steps - 1)[epochs > 0] // epochs[epochs > 0]).min()
    return int(low) if low == high else None


def config_of(text: str, source: str, **known: Any) -> RunConfig:
    """The config that a text is, with what is ``known`` besides: epoch_length, at_least, gpus.

    Raises:
        ConfigError: for one that is not of these trainers, or takes its settings from other files.
    """
    settings = settings_of(text, *RATES, *OTHERS)
    if "_base_" in settings:
        raise ConfigError(f"{source}: _base_ names other files; give the config that the trainer wrote beside its log.")
    if not settings.keys() & set(RATES):
        wanted = "it should have lr_config or param_scheduler"
        raise ConfigError(f"{source}: this is not a config of mmcv or mmengine; {wanted}.")
    return RunConfig(settings=settings, source=source, **known)


def read_config(
    path: Any, changes: Mapping[str, Any] | None = None, *, iterations_per_epoch: int | None = None
) -> RunConfig:
    """The config in a file, which is read, never executed, with other values of some keys.

    Raises:
        ConfigError: for one that cannot be read so.
        OSError: when it cannot be opened.
    """
    return config_of(*text_of(path), epoch_length=iterations_per_epoch).with_values(changes or {})


@rule("steps-beyond-run", hides="never-decays")
def steps_beyond_run(run: Run) -> Iterator[Finding]:
    """Steps or milestones of a longer schedule (2x in a run of 1x): the rate never drops there.

    Source: open-mmlab/mmdetection#7789.
    """
    total = (run.schedule.horizon or 0) + 1
    if late := [at for at in run.config.drops() if at >= total]:
        lie, drop = ("lies", "a drop") if len(late) == 1 else ("lie", "drops")
        message = f"{drop.capitalize()} at iteration {joined(late)} {lie} beyond the run of {total} iterations"
        yield warning(f"{message}; give steps (milestones) before its end, usually at 2/3 and 11/12 of it.", total - 1)


class Planning(AnyPlanning):
    """A config as the planner sees it."""

    rules: ClassVar[tuple[Rule, ...]] = (steps_beyond_run,)


# the settings whose numbers shape the rate
SHAPES = ("optimizer", "optim_wrapper", "lr_config", "param_scheduler", "runner", "train_cfg", "total_epochs")


class Shaped(Shaping):
    """What can be shaped of a config: the numbers of some of its settings, by their paths."""

    def shown(self) -> Iterator[Key]:
        length = self.config.epoch_length
        yield Key("iterations_per_epoch", length, int, default=length)
        yield from _numbers({name: self.config.settings[name] for name in SHAPES if name in self.config.settings}, "")


def _numbers(settings: Any, path: str) -> Iterator[Key]:
    """Every number, and list of them, below a path."""
    if isinstance(settings, list) and settings and all(type(each) in (int, float) for each in settings):
        whole = all(type(each) is int for each in settings)
        yield Key(path, tuple(settings), tuple, default=tuple(settings), whole=whole)
    elif isinstance(settings, dict | list):
        for name, value in enumerate(settings) if isinstance(settings, list) else settings.items():
            yield from _numbers(value, f"{path}.{name}".removeprefix("."))
    elif type(settings) in (int, float):
        yield Key(path, settings, type(settings), default=settings)


CONFIGS = Configs(
    read=read_config, options=frozenset({LENGTH}), schedules=(mmengine.Windows,), planning=Planning, shaping=Shaped
)
