"""summary.csv: one row an epoch. It has the rate that its epoch, counted from 0, was trained with."""

from __future__ import annotations

from lrsched.log import Log
from lrsched.trainers.printed.tables import columns_of
from lrsched.trainers.records import Row, log_of, runs

__all__ = ["begins", "parse"]

NAMES = {"epoch": "iteration", "lr": "rate", "train_lr": "rate", "train_loss": "loss", "eval_loss": "val_loss"}


def begins(beginning: bytes, name: str) -> bool:
    """Whether a file with this beginning is a summary.csv."""
    header = beginning.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip().split(b",")
    evaluated = any(column.startswith(b"eval_") for column in header)
    return header[0] == b"epoch" and b"train_loss" in header and evaluated and b"step" not in header


def parse(data: bytes, source: str) -> list[Log]:
    """Every run in the file."""
    cells = columns_of(data.decode("utf-8-sig", "replace"), "epoch")
    rows: list[Row] = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    names = {key: name for key, name in NAMES.items() if key != "train_lr" or "lr" not in cells}
    return [log_of(run, names, source=source, trainer="timm", unit="epoch") for run in runs(rows, "epoch")]
