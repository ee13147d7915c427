"""TensorBoard's event files: scalars by tag and step, read without TensorFlow."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from lrsched.log import Log, LogError, TrainerLogs
from lrsched.trainers.printed.lines import usual_clocks
from lrsched.trainers.printed.numbers import rounding
from lrsched.trainers.printed.tables import logs_of, rate_column

__all__ = ["LOGS", "parse", "scalars"]

Field = tuple[int, bytes | int]


def scalars(data: bytes) -> Iterator[tuple[str, int, float]]:
    """Tag, step and value of every scalar, in the order of the file, up to an incomplete end."""
    at = 0
    while at + 12 <= len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        if at + 16 + size > len(data):
            return
        with suppress(LookupError, struct.error):  # a damaged event says nothing about the next one
            yield from _event(data[at + 12 : at + 12 + size])
        at += 16 + size


def _event(data: bytes) -> Iterator[tuple[str, int, float]]:
    fields = list(_fields(data))
    step = next((value for key, value in fields if key == 2 and isinstance(value, int)), 0)
    for summary in (value for key, value in fields if key == 5 and isinstance(value, bytes)):
        for value in (value for key, value in _fields(summary) if key == 1 and isinstance(value, bytes)):
            known = dict(_fields(value))
            tag, simple, tensor = known.get(1), known.get(2), known.get(8)
            content = simple if isinstance(simple, bytes) else _tensor(tensor) if isinstance(tensor, bytes) else b""
            if isinstance(tag, bytes) and len(content) in (4, 8):
                (number,) = struct.unpack("<f" if len(content) == 4 else "<d", content)
                yield tag.decode("utf-8", "replace"), step - (step >> 63 << 64), number


def _tensor(data: bytes) -> bytes:
    """The bytes of a scalar in a tensor: float_val, double_val or tensor_content; empty for another one."""
    known = dict(_fields(data))
    found = [known[key] for key in (5, 6, 4) if isinstance(known.get(key), bytes)] if known.get(1) in (1, 2) else []
    return found[0] if found and isinstance(found[0], bytes) else b""


def _fields(data: bytes) -> Iterator[Field]:
    """The fields of a protocol buffer message: numbers, and the bytes of everything else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        size, at = _varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def parse(data: bytes, source: str, step: str | None = None, rate: str | None = None) -> list[Log]:
    """The rows of the tag that is a learning rate, with the other scalars of the same steps.

    Raises:
        LogError: when no tag is one.
    """
    tags: dict[str, list[tuple[int, float]]] = {}
    for tag, at, value in scalars(data):
        tags.setdefault(tag, []).append((at, value))
    name = rate or rate_column(tags) or "with a usual name of a learning rate"
    if name not in tags:
        raise LogError(f"{source}: no tag {name} among {', '.join(tags) or 'none'}; give --rate TAG.")
    steps, values = zip(*tags.pop(name), strict=True)
    others = {tag: dict(rows) for tag, rows in tags.items()}
    columns = {tag: np.array([rows.get(at, np.nan) for at in steps]) for tag, rows in others.items()}
    known = {tag: column for tag, column in columns.items() if not np.isnan(column).all()}
    known |= {"iteration": np.array(steps, np.float64), "rate": np.array(values), "rate_slack": rounding(values)}
    return logs_of(known, trainer="tensorboard", source=source)


LOGS = TrainerLogs(
    begins=lambda beginning, name: b"brain.Event:" in beginning[:64],
    parse=parse,
    columns=True,
    names=("events.out.tfevents.*", "*/events.out.tfevents.*", "*/*/events.out.tfevents.*"),
    starts=lambda path: path.parent,  # parallel runs have folders of their own
    clocks=usual_clocks,
)
