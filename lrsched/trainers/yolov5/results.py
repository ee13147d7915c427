"""results.txt and results.csv of every era as a Log: one record an epoch, numbered as the file does.

The columns keep their names (``train/box_loss``, ``metrics/precision``, ``x/lr0`` ...); beside them stand those that
every version has under one name: ``loss`` and ``val_loss`` (sums), ``precision``, ``recall``, ``map50``, ``map``,
``top1``, ``top5``, ``fitness``, ``rate`` (of the weights), ``seconds`` (of an epoch), ``epoch`` (counted from 0).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lrsched.log import Floats, Integers, Log, MapPoint, Skipped

__all__ = ["RATE_COLUMN", "bias_column", "looks_like_results", "parse_results", "significant_digits"]

RATE_COLUMN = re.compile(r"(?:x/lr|lr/pg)\d+")
_TEXT_ROW = re.compile(r"\s*(\d{1,9})/(\d{1,9})\s+[\d.]+(?:e[+-]?\d+)?[GM]?\s")
_EPOCH = re.compile(r"\d{1,9}(?:\.0*)?")
_HEADER = re.compile(r"\s*\"?epoch\"?\s*,")
_COMMON = {
    "metrics/precision": "precision",
    "metrics/recall": "recall",
    "metrics/mAP_0.5": "map50",
    "metrics/mAP50": "map50",
    "metrics/mAP_0.5:0.95": "map",
    "metrics/mAP50-95": "map",
    "metrics/accuracy_top1": "top1",
    "metrics/accuracy_top5": "top5",
}
_TEXT_LOSSES = ("box_loss", "obj_loss", "cls_loss")

LEAST_DIGITS, MOST_DIGITS = 5, 6  # rates are written with five significant digits, by newer versions with six
EXAMPLES = 3


def looks_like_results(begin: bytes, name: str = "") -> bool:
    """Whether a file with this beginning is a results.txt or a results.csv.

    >>> [looks_like_results(begin) for begin in (b"epoch,time,train/loss", b"   0/99   4.8G  0.1 ", b"1: 0.4, 0.4 avg")]
    [True, True, False]
    """
    text = begin[:4096].decode("utf-8-sig", "replace")
    header = _HEADER.match(text) is not None and re.search(r"(?:train/\w*loss|metrics/|val/)", text) is not None
    return header or _TEXT_ROW.match(text) is not None


def bias_column(rates: Sequence[Floats]) -> int | None:
    """The place of the group whose rate differs from the others in some row; None where all are the same."""
    apart = [
        int(np.sum(np.all([rate != other for other in rates if other is not rate], axis=0))) if len(rates) > 1 else 0
        for rate in rates
    ]
    return apart.index(max(apart)) if max(apart, default=0) else None


def significant_digits(rates: Sequence[Floats]) -> int:
    """The significant digits of the rates in a file: 5 where no rate needs more, else 6.

    >>> significant_digits([np.array([0.0033318, 0.01])]), significant_digits([np.array([0.000235796])])
    (5, 6)
    """
    every = [float(rate) for column in rates for rate in column]
    fewer = all(math.isnan(rate) or float(f"{rate:.{LEAST_DIGITS}g}") == rate for rate in every)
    return LEAST_DIGITS if fewer else MOST_DIGITS


@np.errstate(all="ignore")
def parse_results(data: bytes, source: str = "<log>") -> list[Log]:
    """The log in a results file; incomplete rows and other lines are counted as skipped."""
    lines = data.decode("utf-8-sig", "replace").splitlines()
    first = next((line for line in lines if line.strip()), "")
    return [_csv_log(lines, source) if _HEADER.match(first) else _text_log(lines, source)]


def _csv_log(lines: Sequence[str], source: str) -> Log:
    names: list[str] = []
    rows: list[list[str]] = []
    skipped: list[str] = []
    for line in lines:
        cells = [cell.strip().strip('"') for cell in line.split(",")]
        if cells[0] == "epoch":
            names = names or cells
        elif len(cells) == len(names) and _EPOCH.fullmatch(cells[0]) and _numbers(cells) is not None:
            rows.append(cells)
        elif line.strip():
            skipped.append(line.strip()[:100])
    columns = {name: np.array([_number(row[i]) for row in rows]) for i, name in enumerate(names)}
    printed = columns.pop("epoch", np.zeros(0))
    # YOLOv5 and YOLOv9 count from 0, Ultralytics did so at first
    from_one = bool(printed.size) and not any(name.startswith("x/lr") for name in names) and printed.min() >= 1
    return _log(source, columns, printed, int(from_one), skipped)


def _text_log(lines: Sequence[str], source: str) -> Log:
    """A table without a header: ``e/last memory losses total targets size P R mAP50 mAP losses``."""
    rows: list[list[float]] = []
    skipped: list[str] = []
    last = None
    for line in lines:
        cells = line.split()
        match = _TEXT_ROW.match(f"{line} ")
        numbers = _numbers(cells[2:]) if match else None
        if match and numbers and len(numbers) >= 13 and len(numbers) == len(rows[0] if rows else [0, *numbers]) - 1:
            rows.append([float(match[1]), *numbers])
            last = int(match[2])
        elif line.strip():
            skipped.append(line.strip()[:100])
    table = np.array(rows or np.zeros((0, 14)))
    columns = _text_columns(table[:, 1:]) if rows else {}
    return replace(_log(source, columns, table[:, 0], 0, skipped), horizon=None if last is None else last + 1)


def _text_columns(table: Floats) -> dict[str, Floats]:
    """The columns after the memory; forks have more losses, and the total tells how many there are before it."""
    width = table.shape[1]
    apart = {k: np.median(np.abs(table[:, :k].sum(1) - table[:, k])) for k in range(2, width - 7)}
    losses = min(apart, key=lambda k: (apart[k], k))
    names = [*_TEXT_LOSSES, *(f"loss_{n}" for n in range(4, losses + 1))][:losses]
    metrics = ("precision", "recall", "mAP_0.5", "mAP_0.5:0.95")
    after = ["total", "targets", "img_size", *(f"metrics/{name}" for name in metrics)]
    rest = width - losses - len(after)
    own = [f"val/{name}" for name in [*names, "total"][:rest]]
    named = [*(f"train/{name}" for name in names), *after, *own]
    return {name: table[:, i] for i, name in enumerate(named)}


def _log(source: str, columns: dict[str, Floats], printed: Floats, origin: int, skipped: Sequence[str]) -> Log:
    """The log of some columns, with the common ones beside them."""
    common: dict[str, Floats] = {}
    for name, column in columns.items():
        if short := _short(name):
            common.setdefault(short, column)  # of boxes and masks the boxes
    for kind, name in (("train", "loss"), ("val", "val_loss")):
        parts = [column for key, column in columns.items() if key.startswith(f"{kind}/") and key != f"{kind}/total"]
        if parts:
            common[name] = np.sum(parts, axis=0)
    if {"map50", "map"} <= common.keys():
        # summed over boxes and masks (or key points) where a task has both
        shares = [{"map50": 0.1, "map": 0.9}.get(_short(name), 0.0) * column for name, column in columns.items()]
        common["fitness"] = np.sum(shares, axis=0)
    elif {"top1", "top5"} <= common.keys():
        common["fitness"] = (common["top1"] + common["top5"]) / 2
    groups = tuple(name for name in columns if RATE_COLUMN.fullmatch(name))
    rates = [columns[name] for name in groups]
    if rates:
        common["rate"] = rates[1 if bias_column(rates) == 0 else 0]
    number = np.rint(np.nan_to_num(printed)).astype(np.int64)
    if "time" in columns:
        passed = np.diff(columns["time"], prepend=0.0)
        common["seconds"] = np.where((passed > 0) & (np.diff(number, prepend=origin - 1) == 1), passed, np.nan)
    missing = np.full(len(printed), np.nan)
    shown = [common[name].tolist() if name in common else missing.tolist() for name in ("map50", "precision", "recall")]
    points = [
        MapPoint(iteration=epoch, record=row, value=value, threshold=0.5, precision=precision, recall=recall)
        for row, (epoch, value, precision, recall) in enumerate(zip(number.tolist(), *shown, strict=True), 1)
    ]
    common["rate_decimals"] = _decimals(common.get("rate", missing), significant_digits(rates)).astype(np.float64)
    return Log.of(
        {**columns, **common, "iteration": number, "epoch": number - origin},
        source=source,
        trainer="yolov5",
        unit="epoch",
        groups=groups,
        map_points=tuple(points) if "map50" in common else (),
        skipped=Skipped(records=len(skipped), examples=tuple(skipped[:EXAMPLES])),
    )


def _short(name: str) -> str:
    """The name that every version has for a column; empty where there is none."""
    return _COMMON.get(re.sub(r"\(.*\)", "", name), "")


def _decimals(rates: Floats, digits: int) -> Integers:
    """The decimals after the point for a number of significant digits."""
    first = np.floor(np.log10(np.abs(rates)))
    return np.where(np.isfinite(first), digits - 1 - np.nan_to_num(first, posinf=0, neginf=0), digits).astype(np.int64)


def _number(cell: str) -> float:
    return float(cell) if cell else np.nan


def _numbers(cells: Sequence[str]) -> list[float] | None:
    try:
        return [_number(cell) for cell in cells]
    except ValueError:
        return None
