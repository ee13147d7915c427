"""YOLOX: train_log.txt, the table of the experiment in it, and the rates that YOLOX makes of that."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Annotated, Any, ClassVar

import numpy as np

from lrsched.fitting import Clock, Fit, Guess, Observed, printed_slack
from lrsched.fitting.explanations import judged
from lrsched.log import Log, TrainerLogs
from lrsched.numbers import LAST_ITERATION, Param, declared
from lrsched.rules import Configs, Finding, Rule, Run, rule, warning
from lrsched.rules import Planning as AnyPlanning
from lrsched.schedule import Floats, FunctionSchedule, Iterations, Schedule
from lrsched.schedules import constant, cosine, held, multi_step, warmup
from lrsched.text import joined, number
from lrsched.trainers.records import Keyed, Row, config_of, log_of, runs
from lrsched.trainers.yaml import ConfigError, Entry

__all__ = ["CONFIGS", "LOGS", "Experiment"]

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
            wanted = "give a number that makes them whole"
            raise ConfigError(f"{self.source}: {key} makes {iterations} iterations; {wanted}.")
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


@rule("no-epoch-for-the-cosine", hides="warmup-covers-run")
def no_epoch_for_the_cosine(run: Run) -> Iterator[Finding]:
    """Only max_epoch was changed: the 5 epochs to warm up and the 15 without mosaic stay what they were.

    Source: Megvii-BaseDetection/YOLOX#377, #584.
    """
    used = run.config
    lengths = used.warmup_epochs + used.no_aug_epochs
    if used.scheduler == "yoloxwarmcos" and lengths >= used.max_epoch:
        low = number(used.lr * used.min_lr_ratio)
        yield warning(
            f"warmup_epochs {number(used.warmup_epochs)} and no_aug_epochs {number(used.no_aug_epochs)} take all of "
            f"max_epoch {used.max_epoch}, so there is no cosine: after the warm-up the rate is {low} at once; write "
            f"max_epoch above {number(lengths)}, or no_aug_epochs below {number(used.max_epoch - used.warmup_epochs)}.",
            min(int(used.warmup_epochs * used.iterations_per_epoch) + 1, run.last or 0),
        )


class Planning(AnyPlanning):
    """An experiment as the planner sees it."""

    rules: ClassVar[tuple[Rule, ...]] = (no_epoch_for_the_cosine,)


# --- train_log.txt: a record has the rate that was set for the next update, and counts the updates done ---------------


NAMES = {"step": "iteration", "lr": "rate", "total_loss": "loss", "iter_time": "seconds", "slack": "rate_slack"}

RECORD = re.compile(r"epoch: (\d{1,9})/(\d{1,9}), iter: (\d{1,9})/(\d{1,9}),(.*)")
VALUE = re.compile(r"(\w+): (-?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf))(?=s?(?:,|\s|$))")
START = re.compile(r"^.*args: Namespace\(", re.MULTILINE)
DIGITS = 4  # of a rate, which is printed by ``%.3e``


def begins(beginning: bytes, name: str) -> bool:
    """Whether a file with this beginning is a train_log.txt."""
    return b"yolox.core" in beginning or re.search(rb"epoch: \d+/\d+, iter: \d+/\d+, .*\blr: ", beginning) is not None


def parse(data: bytes, source: str) -> list[Log]:
    """Every run in the file, each with the experiment whose table stands before it."""
    text = data.decode("utf-8-sig", "replace")
    starts = [found.start() for found in START.finditer(text)] or [0]
    logs = []
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[0 if begin == starts[0] else begin : end]
        for run in runs(_rows(part), "step"):
            header = part[: RECORD.search(part).start()]  # type: ignore[union-attr]
            experiment = parse_table(header, int(run[0]["iterations_per_epoch"]), source)
            horizon = int(run[0]["iterations_per_epoch"] * run[0]["epochs"])
            plain = [{key: row[key] for key in row if key not in ("iterations_per_epoch", "epochs")} for row in run]
            logs.append(log_of(plain, NAMES, source=source, trainer="yolox", horizon=horizon, config=experiment))
    return logs


def _rows(text: str) -> Iterator[Row]:
    for found in RECORD.finditer(text):
        epoch, epochs, iteration, each = map(int, found.groups()[:4])
        row: Row = {key: float(value) for key, value in VALUE.findall(found[5])}
        if "lr" in row:
            place = {"step": (epoch - 1) * each + iteration, "epoch": epoch - 1, "iterations_per_epoch": each}
            slack = float(printed_slack([row["lr"]], digits=DIGITS)[0])
            yield {**row, **place, "epochs": epochs, "slack": slack}


def fitted(log: Log, observed: Observed) -> Fit | None:
    """The experiment that explains the rates: the one of the log, else one with other lengths, in whole epochs."""
    known = log.config
    if known is None:  # the table is lost: iterations per epoch are what makes the epochs of all records right
        parts = (each for each in range(1, int(log.iteration[0]) + 100_000) if (log.horizon or 0) % each == 0)
        nb = next((each for each in parts if ((log.iteration - 1) // each == log.epoch).all()), 0)
        if not nb or not log.horizon:
            return None
        known = Experiment(max_epoch=log.horizon // nb, iterations_per_epoch=nb)
    fits = (_fit(one, observed) for one in (known, *_others(known, observed)))
    return next((found for found in fits if found.complete), None)


def _others(known: Experiment, observed: Observed) -> Iterator[Experiment]:
    """Experiments of other lengths and rates, where the log shows more than the warm-up from 0."""
    nb, k, y, slack = known.iterations_per_epoch, observed.step, observed.rate, observed.slack
    top = int(np.argmax(y))
    if known.scheduler != "yoloxwarmcos" or top == len(k) - 1:
        return
    for warm, rest in product(range(max(k[top] // nb, 1), k[top + 1] // nb + 2), range(known.max_epoch + 1)):
        length = (known.max_epoch - warm - rest) * nb
        rises = k <= warm * nb
        if length < 0 or not rises.any() or rises.all():
            continue
        share = np.clip((k - warm * nb) / max(length, 1), 0, 1)
        left = np.where(rises, np.square(k / (warm * nb)), 0.5 + 0.5 * np.cos(np.pi * share))
        gone = np.where(rises, 0, 1 - left)
        about = np.linalg.lstsq(np.stack([left, gone], 1) / slack[:, None], y / slack, rcond=None)[0]
        if not (about > 0).all() or (np.abs(np.stack([left, gone], 1) @ about - y) > 2 * slack).any():
            continue
        for image, digits in product(_plain(float(about[0]), known.batch_size), range(1, 6)):
            ratio = float(f"{about[1] / about[0]:.{digits}g}")
            if (np.abs(image * known.batch_size * (left + ratio * gone) - y) <= slack).all():
                lengths: dict[str, Any] = {"warmup_epochs": warm, "no_aug_epochs": rest, "warmup_lr": 0.0}
                yield replace(known, **lengths, basic_lr_per_img=image, min_lr_ratio=ratio)
                break


def _plain(peak: float, batch: int) -> Iterator[float]:
    """The rate of an image, where it or the peak has few digits."""
    for digits in range(1, 9):
        yield from (float(f"{peak / batch:.{digits}g}"), float(f"{peak:.{digits}g}") / batch)


def _fit(found: Experiment, observed: Observed) -> Fit:
    nb, smooth = found.iterations_per_epoch, found.scheduler != "multistep"
    words: dict[str, Any] = {"peak": found.lr, "warmup": int(found.warmup_epochs * nb), "horizon": found.max_epoch * nb}
    if found.scheduler == "yoloxwarmcos":
        words |= {"horizon": int((found.max_epoch - found.no_aug_epochs) * nb), "final": found.lr * found.min_lr_ratio}
    early = smooth and observed.step[-1] <= words["warmup"]
    unseen = "the log ends within the warm-up; this is what its table says"
    left = {key: unseen for key in words if key not in ("peak", "warmup")} if early else {}
    family, curve = "cosine" if smooth else "multi-step", found.schedules()["rate"]
    return judged(observed, Guess(curve=curve, family=family, parameters=words, open=left), Clock())


LOGS = TrainerLogs(begins=begins, parse=parse, names=("train_log.txt",), fitted=fitted)

# an experiment is Python, of which only its table is read
POINTS = ("basic_lr_per_img", "warmup_epochs", "min_lr_ratio", "max_epoch")
CONFIGS = Configs(read=Experiment, planning=Planning, points=POINTS)
