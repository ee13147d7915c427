"""A log as a table for other tools."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lrsched.files import write_file
from lrsched.log import Log

__all__ = ["write_csv"]

ROWS = 1 << 14  # rows that are formatted at a time


def write_csv(log: Log, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write one line per record; a cell is empty where the log prints nothing, and says nan or inf where it does.

    Raises:
        FileExistsError: when the file is there and ``force`` is not given.
    """
    first = [name for name in ("loss", "avg_loss", "rate") if name in log.records.columns]
    names = [*first, *(name for name in log.names if name not in (*first, log.unit))]

    def fill(file: IO[bytes]) -> None:
        file.write((",".join([log.unit, *names]) + "\n").encode())
        for begin in range(0, len(log), ROWS):
            rows = slice(begin, begin + ROWS)
            cells = [list(map(str, log.iteration[rows].tolist())), *(list(_cells(log, name, rows)) for name in names)]
            file.write("".join(",".join(row) + "\n" for row in zip(*cells, strict=True)).encode())

    write_file(path, fill, force=force)
    return Path(path)


def _cells(log: Log, name: str, rows: slice) -> Iterator[str]:
    values = log.column(name)[rows].tolist()
    if name == "rate" and "rate_decimals" in log.records.columns:
        decimals = log.rate_decimals[rows].tolist()
        yield from (f"{value:.{places}f}" for value, places in zip(values, decimals, strict=True))
        return
    for value, bad in zip(values, log.bad[rows].tolist(), strict=True):
        if math.isnan(value):
            yield "nan" if bad and name in ("loss", "avg_loss") else ""
        else:
            yield str(int(value)) if name == "images" else repr(value)
