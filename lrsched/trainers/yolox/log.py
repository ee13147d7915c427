"""train_log.txt: what YOLOX prints, beginning with a table of the experiment.

A record has the rate that was set for the next update, and counts the updates done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from lrsched.fitting import Clock, Fit, Observed, printed_slack
from lrsched.log import Log
from lrsched.schedule import Schedule
from lrsched.trainers.records import Row, log_of, runs
from lrsched.trainers.yolox.experiment import Experiment, parse_table

__all__ = ["begins", "parse"]

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
    for found in (known, *_others(known, observed)):
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
