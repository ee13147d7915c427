"""The curves in a log: which columns are the losses, and what they say together."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from lrsched.curves import Verdict, verdict_of
from lrsched.log import Floats, Log, LogError
from lrsched.logs.joining import rising
from lrsched.logs.reading import Source, read_logs
from lrsched.text import did_you_mean

__all__ = ["curves_of", "read_run", "verdict_on"]

KINDS = r"(?:val|valid|validation|eval|test|dev)"
TRAIN, LOSSES = r"(?:train|training|trn|tr)", r"(?:loss|cost|nll|error|err)"
NAMES: dict[str, tuple[str, ...]] = {
    "train": (
        *(r"loss", r"avg_loss", r"total_loss", r"train\W?loss", r"train\w*[/ _].*loss.*"),
        *(rf"{TRAIN}[\W_]*{LOSSES}.*", rf"{LOSSES}[\W_]*{TRAIN}\W*", r".*(?<!val_)loss", r"cost|nll|error"),
    ),
    "val": (
        *(r"val_loss", KINDS + r"[/ _]?loss(_epoch)?", KINDS + r"[/ _].*loss.*", r".*loss.*" + KINDS + r"\W*"),
        *(rf"(?:{KINDS}|vld)[\W_]*{LOSSES}.*|te[\W_]{LOSSES}", rf"{LOSSES}[\W_]*{KINDS}\W*"),
    ),
    "metric": (
        r"map|.*map.?(50|0?\.50?)?(-95|:0?\.95).*|(bbox|segm|coco/bbox|val/bbox)\w?map|bbox/ap|segm/ap|.*coco_eval_bbox",
        r"top1|.*top.?1.*",
        KINDS + r"(?!.*loss).*(acc|auc|f1|iou|map|score).*",
        KINDS + r".*(wer|cer|mae|perplexity|ppl|rmse).*",
        r"map.?50",
        r"(acc|accuracy|auc|f1|iou|map|score)[\W_]*" + KINDS + r"\W*",
    ),
}
"""The usual names of columns, the likeliest first."""

BESIDE = (r"acc(uracy)?|auc|bleu|f1|(m|mean)_?iou|rouge.*|score",)
"""Metrics that may be of the training data where there is no validation loss beside them."""

LOWER_IS_BETTER = re.compile(r"(wer|cer|mae|mse|perplexity|ppl|err|loss)", re.IGNORECASE)
STEPS = (r"_?(global_?)?steps?", r"iter(ation)?s?|updates?|batch(es)?", r"epochs?", r"t")


def verdict_on(log: Log, *, train: str | None = None, val: str | None = None, metric: str | None = None) -> Verdict:
    """Say what the curves in a log show; the columns are found by their usual names where none are given.

    Raises:
        ValueError: for a column that the log does not have, or without any loss or metric.
    """
    return verdict_of(**curves_of(log, train=train, val=val, metric=metric))


def curves_of(
    log: Log, *, train: str | None = None, val: str | None = None, metric: str | None = None
) -> dict[str, Any]:
    """The arguments of ``verdict_of`` for a log."""
    given = {"train": train, "val": val, "metric": metric}
    known = {name: log.column(name)[np.isfinite(log.column(name))] for name in log.records.columns}
    names = [name for name, column in known.items() if column.size]
    # a loss that is not computed is 0 throughout
    moving = [name for name in names if len(log) < 3 or np.ptp(known[name])]
    taken: dict[str, list[str]] = {}
    for kind in ("val", "metric", "train"):
        wanted, used = given[kind], [name for found in taken.values() for name in found]
        if wanted is not None and wanted not in names:
            raise ValueError(f"{log.source}: it has no column {wanted!r}{did_you_mean(wanted, names)}")
        taken[kind] = [wanted] if wanted else _usual(NAMES[kind], [name for name in moving if name not in used])
    if taken["val"] and not taken["metric"]:
        taken["metric"] = _usual(BESIDE, [name for name in moving if name not in taken["val"] + taken["train"]])
    order = {kind: taken[kind] for kind in given if taken[kind]}
    columns: dict[str, Any] = {kind: sum(log.column(name) for name in found) for kind, found in order.items()}
    if log.map_points and not taken["metric"]:
        columns["metric"] = _precision(log)
        taken["metric"] = ["mAP"]
    if not columns:
        raise ValueError(f"{log.source}: there is no loss in it; name its columns (--train, --val or --metric)")
    rate = {"rate": log.rate} if np.isfinite(log.rate).any() else {}
    higher = not LOWER_IS_BETTER.search("".join(taken["metric"][:1]))
    unit = "epoch" if log.unit == "epoch" else "step"
    return {"steps": log.iteration, **columns, **rate, "metric_higher_is_better": higher, "unit": unit}


def _usual(patterns: Sequence[str], names: Sequence[str]) -> list[str]:
    """The columns with the likeliest name; of parts such as train/box_loss all, whose sum is the loss."""
    for pattern in patterns:
        found = [name for name in names if re.fullmatch(pattern, name, re.IGNORECASE)]
        if found:
            parts = all("/" in name for name in found) and "loss" in found[0].lower()
            return found if parts else found[:1]
    return []


def _precision(log: Log) -> Floats:
    """The mean average precision at the records where it was computed."""
    column = np.full(len(log), np.nan)
    for point in log.map_points:
        if point.iteration >= 0:
            column[max(point.record - 1, 0)] = point.value
    return column


def read_run(path: Source) -> Log:
    """The run in a log, the last one of several, or in any CSV with a header and a column of steps or epochs.

    Raises:
        LogError: for any other file.
        OSError: when it cannot be opened.
    """
    try:
        return rising(read_logs(path)[-1])
    except LogError:
        if not str(path).lower().endswith((".csv", ".tsv")):
            raise
        return _table(path)


def _table(path: str | os.PathLike[str]) -> Log:
    """A table separated by commas, semicolons or tabs."""
    name, text = os.fspath(path), Path(path).read_bytes().decode("utf-8-sig", "replace").replace("\0", "")
    lines = [line for line in text.splitlines() if line.strip()]
    rows = csv.reader(lines, delimiter=max(",;\t", key=lines[0].count) if lines else ",")
    try:
        table = {head.strip(): np.array(list(map(_number, cells))) for head, *cells in zip_longest(*rows, fillvalue="")}
    except csv.Error as problem:
        raise LogError(f"{name}: it is not a table: {problem}") from None
    step = _usual(STEPS, list(table))
    if not step:
        raise LogError(f"{name}: it is neither a training log nor a table with a column of steps or epochs")
    known = np.abs(table[step[0]]) < 2.0**53
    if not known.any():
        raise LogError(f"{name}: its column {step[0]!r} holds no number")
    columns = {head: column[known] for head, column in table.items() if head}
    unit = "epoch" if step[0].lower().startswith("epoch") else "iteration"
    return Log.of(columns | {"iteration": columns[step[0]]}, source=name, trainer="table", unit=unit)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
