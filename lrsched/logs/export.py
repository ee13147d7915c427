"""A log as files for other tools: CSV, JSON, numpy, and the two filtered text files that many scripts start from.

Every file is written under a temporary name beside its place and moved there, and replaces one that is there only when
told to.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lrsched.files import write_file
from lrsched.log import FLOAT_RECORD_COLUMNS, Log
from lrsched.logs.sources import Gunzip, Source, pieces_of
from lrsched.trainers.darknet.log.layer_lines import FLOAT_COLUMNS, LAYER_LINE
from lrsched.trainers.darknet.log.records import RECORD
from lrsched.trainers.darknet.log.text import MARGIN, Lines, Text

__all__ = ["log_json", "write_csv", "write_iou_lines", "write_json", "write_loss_lines", "write_npz"]

ROWS = 1 << 14
"""Rows that are put into words at a time."""


def write_csv(log: Log, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write one line per record; a cell is empty where the log prints nothing, and says nan or inf where it does.

    Raises:
        FileExistsError: when the file is there and ``force`` is not given.
    """
    names = [name for name in FLOAT_RECORD_COLUMNS if name in ("loss", "avg_loss", "rate") or _is_known(log, name)]

    def fill(file: IO[bytes]) -> None:
        file.write((",".join(["iteration", *names]) + "\n").encode())
        for begin in range(0, len(log), ROWS):
            rows = slice(begin, begin + ROWS)
            cells = [[str(value) for value in log.iteration[rows].tolist()]]
            cells += [list(_cells(log, name, rows)) for name in names]
            file.write("".join(",".join(row) + "\n" for row in zip(*cells, strict=True)).encode())

    return _written(path, fill, force)


def _is_known(log: Log, name: str) -> bool:
    return bool((~np.isnan(getattr(log, name))).any())


def _cells(log: Log, name: str, rows: slice) -> Iterator[str]:
    values = getattr(log, name)[rows].tolist()
    if name == "rate":
        for value, decimals in zip(values, log.rate_decimals[rows].tolist(), strict=True):
            yield f"{value:.{decimals}f}"
    else:
        always = name in ("loss", "avg_loss")
        for value in values:
            if math.isnan(value):
                yield "nan" if always else ""
            else:
                yield str(int(value)) if name == "images" else repr(value)


def log_json(log: Log) -> dict[str, Any]:
    """A log as plain values for JSON: what is no number is null."""
    return {
        "source": log.source,
        "records": len(log),
        "iteration": log.iteration.tolist(),
        "rate_decimals": log.rate_decimals.tolist(),
        **{name: _numbers(getattr(log, name)) for name in FLOAT_RECORD_COLUMNS},
        "effective_batch": log.effective_batch,
        "first_nan": log.first_nan,
        "map_points": [_plain(asdict(point)) for point in log.map_points],
        "events": [asdict(event) for event in log.events],
        "headers": [asdict(header) for header in log.headers],
        "skipped": asdict(log.skipped),
        "seams": [asdict(seam) for seam in log.seams],
        "layers": {
            "record": log.layers.record.tolist(),
            "layer": log.layers.layer.tolist(),
            "count": log.layers.count.tolist(),
            **{name: _numbers(getattr(log.layers, name)) for name in FLOAT_COLUMNS},
        },
    }


def _numbers(column: NDArray[np.float64]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in column.tolist()]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()
    }


def write_json(log: Log, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write everything as one JSON document with stable keys.

    Raises:
        FileExistsError: when the file is there and ``force`` is not given.
    """
    return _written(path, lambda file: file.write(json.dumps(log_json(log), allow_nan=False).encode()), force)


def write_npz(log: Log, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write every array by its name, those of the layers as ``layers_NAME``, the mAP as ``map_NAME``.

    Raises:
        FileExistsError: when the file is there and ``force`` is not given.
    """
    arrays: dict[str, Any] = {
        name: getattr(log, name) for name in ("iteration", "rate_decimals", *FLOAT_RECORD_COLUMNS)
    }
    arrays |= {f"layers_{name}": getattr(log.layers, name) for name in ("record", "layer", "count", *FLOAT_COLUMNS)}
    arrays["map_iteration"] = np.array([point.iteration for point in log.map_points], np.int64)
    arrays["map_value"] = np.array([point.value for point in log.map_points], float)
    return _written(path, lambda file: np.savez_compressed(file, **arrays), force)


def write_loss_lines(source: Source, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Copy the records of a log, one per line, as they are printed: what scripts call ``train_log_loss.txt``.

    Raises:
        FileExistsError: when the file is there and ``force`` is not given.
        LogError: when the source is none.
    """
    return _written(path, lambda file: _copy_matches(source, RECORD.finditer, file), force)


def write_iou_lines(source: Source, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Copy the lines of the region and yolo layers, as they are printed: what scripts call ``train_log_iou.txt``.

    Raises:
        FileExistsError: when the file is there and ``force`` is not given.
        LogError: when the source is none.
    """
    return _written(path, lambda file: _copy_matches(source, LAYER_LINE.finditer, file), force)


def _copy_matches(source: Source, find: Callable[..., Iterator[Any]], file: IO[bytes]) -> None:
    _, pieces = pieces_of(source)
    for text in _texts(pieces):
        for match in find(text.raw, MARGIN, len(text.raw) - MARGIN + 1):
            file.write(match[0] + b"\n")


def _texts(pieces: Iterator[bytes]) -> Iterator[Text]:
    gunzip, lines = Gunzip(), Lines()
    for piece in pieces:
        for plain in gunzip.feed(piece):
            if text := lines.feed(plain):
                yield text
    for text in (lines.feed(gunzip.finish()), lines.finish()):
        if text:
            yield text


def _written(path: str | os.PathLike[str], fill: Callable[[IO[bytes]], object], force: bool) -> Path:
    write_file(path, fill, force=force)
    return Path(path)
