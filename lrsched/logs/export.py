"""A log as files for other tools: CSV and arrays of numpy."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from lrsched.files import write_file
from lrsched.log import Log

__all__ = ["write_csv", "write_npz"]

ROWS = 1 << 14
"""Rows that are formatted at a time."""


def write_csv(log: Log, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write one line per record; a cell is empty where the log prints nothing, and says nan or inf where it does.

    Raises:
        FileExistsError: when the file is there and ``force`` is not given.
    """
    first = ["loss", "avg_loss", "rate"]
    others = [name for name in log.records.columns if name not in (*first, "iteration", "rate_decimals")]
    names = [*first, *(name for name in others if not np.isnan(log.column(name)).all())]

    def fill(file: IO[bytes]) -> None:
        file.write((",".join(["iteration", *names]) + "\n").encode())
        for begin in range(0, len(log), ROWS):
            rows = slice(begin, begin + ROWS)
            cells = [list(map(str, log.iteration[rows].tolist())), *(list(_cells(log, name, rows)) for name in names)]
            file.write("".join(",".join(row) + "\n" for row in zip(*cells, strict=True)).encode())

    write_file(path, fill, force=force)
    return Path(path)


def _cells(log: Log, name: str, rows: slice) -> Iterator[str]:
    values = log.column(name)[rows].tolist()
    if name == "rate":
        decimals = log.rate_decimals[rows].tolist()
        yield from (f"{value:.{places}f}" for value, places in zip(values, decimals, strict=True))
        return
    for value in values:
        if math.isnan(value):
            yield "nan" if name in ("loss", "avg_loss") else ""
        else:
            yield str(int(value)) if name == "images" else repr(value)


def write_npz(log: Log, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write every array by its name, those of the layers as ``layers_NAME``, the mAP as ``map_NAME``.

    Raises:
        FileExistsError: when the file is there and ``force`` is not given.
    """
    arrays: dict[str, Any] = {name: log.column(name) for name in log.records.columns}
    arrays |= {"iteration": log.iteration, "rate_decimals": log.rate_decimals, "layers_record": log.layers.record}
    arrays |= {f"layers_{name}": log.layers.column(name) for name in log.layers.lines.columns}
    arrays["map_iteration"] = np.array([point.iteration for point in log.map_points], np.int64)
    arrays["map_value"] = np.array([point.value for point in log.map_points], float)
    write_file(path, lambda file: np.savez_compressed(file, **arrays), force=force)
    return Path(path)
