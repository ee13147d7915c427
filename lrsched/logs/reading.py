"""Logs read whole: paths, streams, gzip files, the cells of notebooks."""

from __future__ import annotations

import itertools
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from lrsched.log import Log, LogError, TrainerLogs
from lrsched.logs.joining import same_run, stitch
from lrsched.trainers import TRAINERS

__all__ = ["Source", "read_log", "read_logs"]

BLOCK, SUMMARY_BLOCK = 1 << 19, 1 << 21  # bytes read at a time, so that the cache holds what is made of them
INFLATED = 1 << 16  # bytes inflated at a time, which are lost where a gzip file is damaged
BEGINNING = 1 << 16  # bytes by which a log is recognised
PICKLED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # how a saved model begins

Source: TypeAlias = str | os.PathLike[str] | Any
"""A path, an open binary or text file, or an iterable of bytes."""


def read_log(
    source: Source | Iterable[Source], *, layers: bool = True, step: str | None = None, rate: str | None = None
) -> Log:
    """Read the log of one training run.

    Args:
        source: a path, the folder of a run, an open file, an iterable of bytes; several paths are pieces of one run.
        layers: whether to keep the lines of the detection layers.
        step: the column of the steps in a table, where it has no usual name.
        rate: the column of the rates, or the tag in an event file.

    Raises:
        LogError: when there is no record of a training, or when the file holds several runs.
        OSError: when a file cannot be opened.
    """
    sources: list[Source] = [source]
    if isinstance(source, list | tuple) and all(isinstance(one, str | os.PathLike) for one in source):
        sources = list(source)
    if not sources:
        raise LogError("no log was given; name at least one file.")
    logs = [log for one in sources for log in read_logs(one, layers=layers, step=step, rate=rate)]
    if len(logs) == 1:
        return logs[0]
    if len(sources) == 1 and not same_run(logs):
        raise LogError(f"{sources[0]}: the {len(logs)} logs in it are not one run; read them with read_logs().")
    return stitch(logs)


def read_logs(source: Source, *, layers: bool = True, step: str | None = None, rate: str | None = None) -> list[Log]:
    """Read every log in a source: one for each run in it, of a notebook one for each cell that shows records.

    Raises:
        LogError: when there is no record of a training.
        OSError: when a file cannot be opened.
    """
    if isinstance(source, str | os.PathLike) and Path(source).is_dir():
        return _read_folder(Path(source), layers=layers, step=step, rate=rate)
    name, pieces = _pieces_of(source, BLOCK if layers else SUMMARY_BLOCK)
    damage: list[str] = []
    inflated = _inflated(pieces, damage)
    begin = b""
    while len(begin) < BEGINNING and (piece := next(inflated, b"")):
        begin += piece
    logs: list[Log] = []
    if step or rate:
        able = [known for trainer in TRAINERS if (known := trainer.logs()).columns]
        chosen = next((known for known in able if known.begins(begin[:BEGINNING], name)), able[-1])
        logs = chosen.parse(begin + b"".join(inflated), name, step, rate)
    elif begin.lstrip().startswith(b"{"):
        begin += b"".join(inflated)
        for label, cell in _cells(begin, name):
            logs += _logs_in(label, cell, iter(()), layers)
    logs = logs or _logs_in(name, begin, inflated, layers)
    found = [log for log in logs if len(log)]
    if not found:
        raise LogError(_no_log(name, begin, logs))
    return [replace(log, skipped=replace(log.skipped, damage="; ".join(damage))) for log in found] if damage else found


def _logs_in(name: str, begin: bytes, rest: Iterator[bytes], layers: bool) -> list[Log]:
    """The logs in a text, by the first trainer that knows its beginning and finds some, else by the reader."""
    known = [trainer.logs() for trainer in TRAINERS]
    for each in known:
        if each.begins(begin[:BEGINNING], name):
            begin += b"".join(rest)
            if found := [log for log in each.parse(begin, name) if len(log)]:
                return found
    reader = next(each.reader for each in known if each.reader is not None)(layers=layers)
    for piece in itertools.chain([begin], rest):
        reader.take(piece)
    reader.finish()
    return [reader.log(name)]


def _no_log(name: str, begin: bytes, logs: Sequence[Log]) -> str:
    if begin.startswith(PICKLED):
        return f"{name}: this is a saved model or state, which is never unpickled; give the log that the trainer wrote."
    examples = [example for log in logs for example in log.skipped.examples]
    near = f" (the nearest to one: {examples[0]!r})" if examples else ""
    wanted = " or ".join(dict.fromkeys(trainer.logs().example for trainer in TRAINERS if trainer.logs().example))
    return f"{name}: there is no record of a training in it{near}, so this is not a training log; pass {wanted}"


def newest(folder: Path, pattern: str) -> list[Path]:
    """The files that match, those with the largest numbers in their names first: of checkpoint-90 and -100 the last."""
    found = (path for path in folder.glob(pattern) if path.is_file())
    return sorted(
        found,
        key=lambda path: [int(digits) for digits in re.findall(r"\d+", str(path.relative_to(folder)))],
        reverse=True,
    )


def _read_folder(folder: Path, **options: Any) -> list[Log]:
    """The logs in the folder of a run: of those of its starts the last ones, as far back as they are one run."""
    known, paths = _in_folder(folder)
    found: dict[object, list[Log]] = {}
    refused: LogError | None = None
    for path in paths:
        begun = found.setdefault(known.starts(path) if known.starts is not None else None, [])
        try:  # other things write such files as well, without a rate
            logs = read_logs(path, **options)
        except LogError as problem:
            refused = refused or problem
            continue
        begun[:] = [*begun, *logs] if same_run([*begun[-1:], logs[0]]) else logs
    if refused is not None and not any(found.values()):
        raise refused
    return [log for logs in found.values() for log in logs]


def _in_folder(folder: Path) -> tuple[TrainerLogs, list[Path]]:
    """Whose logs are in the folder of a run: the best one, or those that each start wrote, in their order.

    Raises:
        LogError: when there is none.
    """
    for trainer in TRAINERS:
        known = trainer.logs()
        for paths in (newest(folder, name) for name in known.names):
            good = (path for path in paths if _begins(known, path))
            if found := list(good if known.starts is not None else itertools.islice(good, 1)):
                return known, found[::-1]
    raise LogError(
        f"{folder}: in this folder no log of a run was recognized; look at every run below it with lrsched scan "
        f"{folder} or name the log itself."
    )


def _begins(known: TrainerLogs, path: Path) -> bool:
    with path.open("rb") as file:
        return known.begins(file.read(BEGINNING), os.fspath(path))


def _pieces_of(source: Source, block: int) -> tuple[str, Iterator[bytes]]:
    """The name of a source and its bytes in pieces.

    Raises:
        LogError: for bytes as they are, which are taken for a mistake, and for what holds no bytes.
    """
    if isinstance(source, str | os.PathLike):
        return os.fspath(source), _reads(Path(source).open("rb", buffering=0), block)
    if isinstance(source, bytes | bytearray | memoryview) or not (
        hasattr(source, "read") or isinstance(source, Iterable)
    ):
        raise LogError(
            f"{type(source).__name__}: a log is read from a path, an open file or an iterable of bytes; "
            f"pass [data] for bytes in memory."
        )
    name = getattr(source, "name", None)
    pieces = iter(lambda: source.read(block) or None, None) if hasattr(source, "read") else iter(source)
    return name if isinstance(name, str) else "<stream>", _as_bytes(pieces)


def _reads(file: Any, block: int) -> Iterator[bytes]:
    with file:
        yield from iter(lambda: file.read(block), b"")


def _as_bytes(pieces: Iterator[Any]) -> Iterator[bytes]:
    for piece in pieces:
        if not isinstance(piece, str | bytes | bytearray | memoryview):
            raise LogError(f"a stream gave {type(piece).__name__}; a log is read from pieces of bytes.")
        yield piece.encode("utf-8", "surrogateescape") if isinstance(piece, str) else bytes(piece)


def _inflated(pieces: Iterator[bytes], damage: list[str]) -> Iterator[bytes]:
    """The pieces, inflated when they begin as a gzip file does; what does not inflate is given as it is."""
    begin = b""
    while len(begin) < 3 and (piece := next(pieces, b"")):
        begin += piece
    pieces = itertools.chain([begin], pieces)
    if not begin.startswith(b"\x1f\x8b\x08"):
        yield from pieces
        return
    unpack = zlib.decompressobj(31)
    for piece in pieces:
        rest = piece
        while rest:
            unpack = zlib.decompressobj(31) if unpack.eof else unpack
            try:
                yield unpack.decompress(rest, INFLATED)
            except zlib.error as problem:
                damage.append(f"the gzip file is damaged ({problem})")
                yield from itertools.chain([rest], pieces)
                return
            rest = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
    if not unpack.eof:
        damage.append("the gzip file is cut off")


def _cells(whole: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """What each cell of a notebook printed; nothing where it is not a notebook."""
    try:
        document = json.loads(whole)
    except (ValueError, RecursionError):
        return
    cells = document.get("cells", []) if isinstance(document, dict) else []
    for number, cell in enumerate(cells if isinstance(cells, list) else [], 1):
        outputs = cell.get("outputs", []) if isinstance(cell, dict) else []
        texts = [output.get("text", "") for output in outputs if isinstance(output, dict)]
        text = "".join("".join(text) if isinstance(text, list) else str(text) for text in texts)
        if text:
            yield f"{name} cell {number}", text.encode("utf-8", "surrogateescape")
