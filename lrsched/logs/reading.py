"""A log read whole, piece by piece, or while it grows."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lrsched.log import Log, LogError
from lrsched.logs.joining import stitch
from lrsched.logs.sources import BLOCK, SUMMARY_BLOCK, Progress, Source, is_path, pieces_of
from lrsched.trainers.darknet.log.reader import LogReader

__all__ = ["LogReader", "follow", "read_log"]


def read_log(path_or_paths: Source | Iterable[Source], *, layers: bool = True, progress: Progress | None = None) -> Log:
    """Read a training log of any fork of darknet.

    Args:
        path_or_paths: a path, an open file, an iterable of bytes; several paths are the pieces of one run, stitched.
        layers: whether to keep the lines of the region and yolo layers.
        progress: called with the bytes read so far and with all of them where that is known.

    Raises:
        LogError: when no record of a training is found.
        OSError: when a file cannot be opened.
    """
    if is_path(path_or_paths) or hasattr(path_or_paths, "read") or not isinstance(path_or_paths, Iterable):
        return _read_one(path_or_paths, layers, progress)
    if isinstance(path_or_paths, (bytes, bytearray, memoryview)):
        return _read_one(path_or_paths, layers, progress)
    sources = iter(path_or_paths)
    first = next(sources, None)
    if first is None:
        raise LogError("no log was given; name at least one file.")
    if is_path(first) or hasattr(first, "read"):
        logs = [_read_one(source, layers, progress) for source in itertools.chain([first], sources)]
        return logs[0] if len(logs) == 1 else stitch(logs)
    return _read_one(itertools.chain([first], sources), layers, progress)


def _read_one(source: Source, layers: bool, progress: Progress | None) -> Log:
    name, pieces = pieces_of(source, progress, BLOCK if layers else SUMMARY_BLOCK)
    reader = LogReader(layers=layers, source=name)
    for piece in pieces:
        reader.take(piece)
    reader.finish()
    log = reader.log()
    if not len(log):
        near = f" (the nearest to one: {log.skipped.examples[0]!r})" if log.skipped.examples else ""
        raise LogError(
            f"{name}: no line of a darknet training was found in {reader.size} bytes{near}, so this is no training "
            f"log; give what the trainer printed, for example from ./darknet detector train ... 2>&1 | tee train.log"
        )
    return log


def follow(
    path: str | Path,
    *,
    layers: bool = True,
    poll: float = 1.0,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[Log]:
    """Read a log that grows: everything so far, then everything so far again whenever there are new records.

    A file that became shorter was begun anew and is read from its start.

    Args:
        path: the log.
        layers: whether to keep the lines of the layers.
        poll: seconds between two looks.
        wait: called with ``poll`` when nothing is new; stop iterating to end.
    """
    reader, shown = LogReader(layers=layers, source=str(path)), 0
    with Path(path).open("rb", buffering=0) as file:
        while True:
            if Path(path).stat().st_size < file.tell():
                file.seek(0)
                reader, shown = LogReader(layers=layers, source=str(path)), 0
            while piece := file.read(BLOCK):
                reader.take(piece)
            if reader.records > shown:
                shown = reader.records
                yield reader.log()
            else:
                wait(poll)
