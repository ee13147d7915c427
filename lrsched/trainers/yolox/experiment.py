"""The table of the experiment in train_log.txt, and the rates that YOLOX makes of it."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

import numpy as np

from lrsched.numbers import LAST_ITERATION, Param, declared
from lrsched.schedule import Floats, FunctionSchedule, Iterations, Schedule
from lrsched.schedules import constant, cosine, held, multi_step, warmup
from lrsched.text import joined, number
from lrsched.trainers.records import Keyed, config_of
from lrsched.trainers.yaml import ConfigError, Entry

__all__ = ["Experiment", "parse_table"]

Rate = Annotated[float, Param("a learning rate", 0.0, math.inf, (1e-6, 0.01))]
Share = Annotated[float, Param("a factor", 0.0, math.inf, (0.05, 0.2))]
Count = Annotated[int, Param("how many", 1, LAST_ITERATION, (1, 300))]
Epochs = Annotated[float, Param("epochs, 0 for none", 0, LAST_ITERATION, (0, 15))]

BORDER = re.compile(r"[^ -~]+|(?:^|\s)[|?](?:\s|$)")

SCHEDULERS = ("yoloxwarmcos", "yoloxsemiwarmcos", "warmcos", "cos", "multistep")


@dataclass(frozen=True, kw_only=True)
class Experiment(Keyed):
    """What decides the rates; the fields are the keys of the table, the batch and the iterations of an epoch.

    >>> run = Experiment(max_epoch=10, warmup_epochs=2, no_aug_epochs=3, batch_size=64, iterations_per_epoch=10)
    >>> run.schedules()["rate"]([0, 10, 20, 45, 70, 100]).round(6).tolist()
    [0.0, 0.0025, 0.01, 0.00525, 0.0005, 0.0005]
    """

    scheduler: str = "yoloxwarmcos"
    basic_lr_per_img: Rate = 0.01 / 64
    batch_size: Count = 64
    max_epoch: Count = 300
    warmup_epochs: Epochs = 5.0
    warmup_lr: Rate = 0.0
    no_aug_epochs: Epochs = 15.0
    min_lr_ratio: Share = 0.05
    milestones: Annotated[tuple[float, ...], Param("epochs of the drops", 0, LAST_ITERATION, (10, 300))] = ()
    gamma: Share = 0.1
    semi_epoch: Annotated[int, Param("epochs before those with other data", 0, LAST_ITERATION, (100, 200))] = 0
    iters_per_epoch_semi: Annotated[int, Param("iterations of those epochs", 0, LAST_ITERATION, (100, 5000))] = 0
    iterations_per_epoch: Count
    source: str = field(default="<experiment>", compare=False)

    def __post_init__(self) -> None:
        declared(self)
        if self.scheduler not in SCHEDULERS:
            raise ConfigError(f"scheduler is {self.scheduler!r}; known are {joined(SCHEDULERS)}")
        if self.scheduler == "yoloxsemiwarmcos" and not (self.semi_epoch and self.iters_per_epoch_semi):
            raise ConfigError("yoloxsemiwarmcos needs semi_epoch and iters_per_epoch_semi; give both")

    @property
    def lr(self) -> float:
        """The rate of the run: that of an image times the images of a batch."""
        return self.basic_lr_per_img * self.batch_size

    def caption(self, ngpus: int = 1) -> str:
        """The schedule in one line; the batch has the images of all GPUs already."""
        lengths = f"{self.max_epoch} epochs · {number(self.warmup_epochs)} to warm up"
        return f"{self.scheduler} · lr {number(self.lr, 6)} · {lengths} · {number(self.no_aug_epochs)} without mosaic"

    def schedules(self, ngpus: int = 1) -> Mapping[str, Schedule]:
        """The rate by the count of updates that are done."""
        nb, lr = self.iterations_per_epoch, self.lr
        total, length, rest = nb * self.max_epoch, self._whole("warmup_epochs"), self._whole("no_aug_epochs")
        if self.scheduler == "multistep":
            at = [int(total * milestone / self.max_epoch) for milestone in self.milestones]
            return {"rate": multi_step(peak=lr, milestones=sorted(at), factor=self.gamma, horizon=total)}
        if self.scheduler == "cos":
            return {"rate": cosine(peak=lr, horizon=total)}
        if self.scheduler == "warmcos":
            return {"rate": cosine(peak=lr, horizon=total, warmup=length, initial=self.warmup_lr)}
        if self.scheduler == "yoloxsemiwarmcos":
            last = self.semi_epoch * nb + (self.max_epoch - self.semi_epoch) * self.iters_per_epoch_semi
            return {"rate": FunctionSchedule(function=self._semi, horizon=max(last, 0), peak_at=length)}
        final, falling = lr * self.min_lr_ratio, total - length - rest
        main: Schedule = cosine(peak=lr, horizon=falling, final=final) if falling > 0 else constant(final)
        if length:
            rise = warmup(length) * warmup(length) * (lr - self.warmup_lr) + self.warmup_lr
            # the last iteration of the warm-up belongs to it, also where no cosine follows
            main = rise.then(main, at=length if falling > 0 else length + 1)
        return {"rate": held(main, at=total)}

    def _semi(self, k: Iterations) -> Floats:
        """After semi_epoch the cosine is passed in epochs of another length."""
        nb, other, low = self.iterations_per_epoch, self.iters_per_epoch_semi, self.lr * self.min_lr_ratio
        rise, normal, rest = self.warmup_epochs * nb, self.semi_epoch * nb, self.no_aug_epochs
        passed = np.where(k <= normal, k, normal + (k - normal) * nb / other) - rise
        wave = low + 0.5 * (self.lr - low) * (1 + np.cos(np.pi * passed / max((self.max_epoch - rest) * nb - rise, 1)))
        late = k >= normal + other * (self.max_epoch - self.semi_epoch - rest)
        square = (self.lr - self.warmup_lr) * (k / max(rise, 1)) ** 2 + self.warmup_lr
        return np.where((k <= rise) & (rise > 0), square, np.where(late, low, wave))

    def _whole(self, key: str) -> int:
        iterations = getattr(self, key) * self.iterations_per_epoch
        if iterations != int(iterations):
            raise ConfigError(
                f"{self.source}: {key} makes {iterations} iterations; give a number that makes them whole."
            )
        return int(iterations)


def parse_table(text: str, iterations_per_epoch: int, source: str) -> Experiment | None:
    """The experiment of a table of keys and values, with borders that may be damaged; None for one of unknown rates."""
    found: dict[str, Any] = {"iterations_per_epoch": iterations_per_epoch}
    names = {each.name for each in fields(Experiment) if each.compare}
    for line in text.splitlines():
        cells = [cell for cell in map(str.strip, BORDER.split(line)) if cell]
        if len(cells) == 2 and cells[0] in names:
            found[cells[0]] = _value(cells[1])
    if batch := re.search(r"Namespace\(.*?\bbatch_size=(\d+)", text):
        found["batch_size"] = int(batch[1])
    if not {"scheduler", "max_epoch", "batch_size"} <= found.keys():
        return None
    try:
        experiment = config_of(Experiment, {key: Entry(value, 1) for key, value in found.items()}, source, {})
        experiment.schedules()
    except ValueError:  # an experiment may have a scheduler of its own
        return None
    return experiment


def _value(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
