"""train_log.txt: what YOLOX prints, beginning with a table of the experiment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from lrsched.fitting import Clock, Fit, Observed, printed_slack
from lrsched.log import Log
from lrsched.schedule import Floats, Schedule
from lrsched.trainers.records import Row, log_of, runs
from lrsched.trainers.yolox.experiment import Experiment, parse_table

__all__ = ["begins", "clocks", "parse"]

NAMES = {
    "step": "iteration",
    "lr": "rate",
    "total_loss": "loss",
    "iter_time": "seconds",
    "epoch": "epoch",
    "slack": "rate_slack",
}

RECORD = re.compile(r"epoch: (\d{1,9})/(\d{1,9}), iter: (\d{1,9})/(\d{1,9}),(.*)")
VALUE = re.compile(r"(\w+): (-?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf))(?=s?(?:,|\s|$))")
START = re.compile(r"^.*args: Namespace\(", re.MULTILINE)

DIGITS = 4
"""The digits of a rate, which is printed by ``%.3e``."""


def begins(beginning: bytes, name: str) -> bool:
    """Whether a file that begins so is one."""
    return b"yolox" in beginning and (b"exp value:" in beginning or b"epoch: " in beginning)


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


def clocks(log: Log) -> Sequence[Clock]:
    """The rate is printed after it was set for the next update, when so many updates are done."""
    return (Clock(),)


def fitted(log: Log, observed: Observed) -> Fit | None:
    """The experiment that explains the rates: the one of the log, else one with other lengths, in whole epochs."""
    if log.config is None:
        return None
    for found in (log.config, *_others(log.config, observed)):
        curve = found.schedules()["rate"]
        if observed.matches(curve(observed.step)).all():
            return _fit(found, curve, observed)
    return None


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
        risen = np.square(k[rises] / (warm * nb)) * known.batch_size
        image = plain_between((y - slack)[rises] / risen, (y + slack)[rises] / risen)
        # from the peak down: the share of the way to the final rate
        done = 0.5 - 0.5 * np.cos(np.pi * np.clip((k[~rises] - warm * nb) / max(length, 1), 0, 1))
        gone = image * known.batch_size * done
        left = 1 - 1 / done
        ratio = plain_between((y - slack)[~rises] / gone + left, (y + slack)[~rises] / gone + left)
        if image > 0 and ratio >= 0:
            lengths: dict[str, Any] = {"warmup_epochs": warm, "no_aug_epochs": rest, "warmup_lr": 0.0}
            yield replace(known, **lengths, basic_lr_per_img=image, min_lr_ratio=ratio)


def plain_between(lows: Floats, highs: Floats) -> float:
    """The number with the fewest digits between all bounds; -1 where there is none."""
    low, high = max(float(lows.max()), 0.0), float(highs.min())
    shorter = (float(f"{(low + high) / 2:.{digits}e}") for digits in range(16))
    return next((each for each in shorter if low <= each <= high), -1.0)


def _fit(found: Experiment, curve: Schedule, observed: Observed) -> Fit:
    nb = found.iterations_per_epoch
    smooth = found.scheduler != "multistep"
    words: dict[str, Any] = {"peak": found.lr, "warmup": int(found.warmup_epochs * nb), "horizon": found.max_epoch * nb}
    if found.scheduler == "yoloxwarmcos":
        words |= {"horizon": int((found.max_epoch - found.no_aug_epochs) * nb), "final": found.lr * found.min_lr_ratio}
    early = smooth and observed.step[-1] <= words["warmup"]
    unseen = "the log ends within the warm-up; this is what its table says"
    return Fit(
        schedule=curve,
        curve=curve,
        family="cosine" if smooth else "multi-step",
        parameters=words,
        clock=Clock(),
        matched=len(observed),
        total=len(observed),
        open={key: unseen for key in words if key not in ("peak", "warmup")} if early else {},
    )
