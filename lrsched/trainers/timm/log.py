"""summary.csv: one row an epoch. It has the rate that its epoch, counted from 0, was trained with."""

from __future__ import annotations

import ast
import csv
import math
from typing import Any

from lrsched.log import Log
from lrsched.trainers.records import Row, log_of, runs

__all__ = ["begins", "parse"]

NAMES = {"epoch": "iteration", "lr": "rate", "train_lr": "rate", "train_loss": "loss", "eval_loss": "val_loss"}


def begins(beginning: bytes, name: str) -> bool:
    """Whether a file that begins so is one."""
    header = beginning.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip().split(b",")
    evaluated = any(column.startswith(b"eval_") for column in header)
    return header[0] == b"epoch" and b"train_loss" in header and evaluated and b"step" not in header


def parse(data: bytes, source: str) -> list[Log]:
    """Every run in the file."""
    text = data.decode("utf-8-sig", "replace").replace("\0", "")
    lines = list(map(_cells, text.splitlines()))
    header = lines[0] if lines else []
    rows: list[Row] = [
        {key: _value(text) for key, text in zip(header, line, strict=True)}
        for line in lines
        if len(line) == len(header)
    ]
    found = runs(rows, "epoch")  # a header that is repeated is not a row, because its epoch is no number
    names = {key: name for key, name in NAMES.items() if key != "train_lr" or "lr" not in header}
    return [log_of(run, names, source=source, trainer="timm", unit="epoch") for run in found]


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def _value(text: str) -> Any:
    """A number, or a list of one for each parameter group."""
    try:
        return ast.literal_eval(text) if text.startswith("[") else float(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return math.nan
