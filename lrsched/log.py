"""What a log says, as values: arrays with one element per record, read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrsched.columns import unpacked
from lrsched.trainers.darknet.log.digits import Floats
from lrsched.trainers.darknet.log.layer_lines import FLOAT_COLUMNS

__all__ = [
    "FLOAT_RECORD_COLUMNS",
    "MOST_GPUS",
    "Event",
    "Header",
    "Integers",
    "Layers",
    "Log",
    "LogError",
    "MapPoint",
    "Seam",
    "Skipped",
]

Integers: TypeAlias = NDArray[np.int64]

MOST_GPUS = 16
"""More GPUs than these are not looked for; a run whose first iteration is above it went on from there."""

FLOAT_RECORD_COLUMNS = (
    "loss",
    "avg_loss",
    "rate",
    "seconds",
    "images",
    "hours_left",
    "epoch",
    "second_loss",
    "second_avg_loss",
)
"""The columns of records that are NaN where a dialect does not print them."""


class LogError(ValueError):
    """What was given is no training log, or cannot be used as one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a trainer prints when it starts, as printed; an empty string or None where it prints none.

    Attributes:
        record: how many records stand before it.
        learning_rate: GPU factor included, such as ``0.001``.
        momentum: such as ``0.9``.
        decay: such as ``0.0005``.
        batch: images of an iteration of one GPU.
        seen_kilo_images: thousands of images that the weights had seen.
        tensor_cores_from: the iteration up to which tensor cores stay off, three times burn_in.
    """

    record: int = 0
    learning_rate: str = ""
    momentum: str = ""
    decay: str = ""
    batch: int | None = None
    seen_kilo_images: int | None = None
    tensor_cores_from: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened in a run.

    Attributes:
        kind: ``saved``, ``loaded``, ``started``, ``resizing``, ``syncing``, ``best-map``, ``resumed``, ``restarted``
            or ``first-nan``.
        iteration: the iteration done when it happened; for ``resumed``, ``restarted`` and ``first-nan`` the one it is.
        record: how many records stand before it.
        text: the file of saved or loaded weights, the learning rate of a start.
    """

    kind: str
    iteration: int
    record: int
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MapPoint:
    """One mean average precision.

    Attributes:
        iteration: the iteration after which it was computed.
        record: how many records stand before it.
        value: from 0 to 1.
        threshold: of the intersection over union; NaN where it is not printed.
    """

    iteration: int
    record: int
    value: float
    threshold: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """What looked like part of a log and could not be read.

    Attributes:
        records: lines with the words of a record that are none, such as a torn last line.
        layer_lines: lines that begin as a layer line and are none.
        examples: the first few of them.
        damage: why reading stopped before the end, or an empty string.
    """

    records: int = 0
    layer_lines: int = 0
    examples: tuple[str, ...] = ()
    damage: str = ""

    def __bool__(self) -> bool:
        return bool(self.records or self.layer_lines or self.damage)

    def __str__(self) -> str:
        counted = ((self.records, "record"), (self.layer_lines, "layer line"))
        said = [f"{count} {name}{'s' if count != 1 else ''} unreadable" for count, name in counted if count]
        return ", ".join([*said, *([self.damage] if self.damage else [])]) or "nothing skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seam:
    """Where two pieces of a run meet.

    Attributes:
        kind: ``continues``, ``overlap``, ``gap`` or ``restart``.
        record: the first record of the later piece.
        iteration: its iteration.
        previous: the last iteration of the piece before it, as that was logged.
        dropped: records of the earlier piece that the later one repeats.
        missing: iterations that neither has.
    """

    kind: str
    record: int
    iteration: int
    previous: int
    dropped: int = 0
    missing: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Layers:
    """The lines of the region and yolo layers; every column is an array with one element per line, NaN where absent.

    Attributes:
        before: for every record of the log, how many layer lines stand before it.
        kept: the columns in as little room as they need; asked for by name they are the printed numbers.
    """

    before: Integers
    kept: Mapping[str, NDArray[Any]] = field(repr=False)

    def __len__(self) -> int:
        return len(self.kept["count"])

    def __getattr__(self, name: str) -> Floats:
        if name not in FLOAT_COLUMNS:
            raise AttributeError(f"layers have no {name}; they have layer, count, record, {', '.join(FLOAT_COLUMNS)}")
        column = unpacked(self.kept[name])
        column.flags.writeable = False
        return column

    @property
    def layer(self) -> Integers:
        """The layer's number, -1 where it is not printed."""
        return self.kept["layer"].astype(np.int64)

    @property
    def count(self) -> Integers:
        """Objects that were looked at."""
        return self.kept["count"].astype(np.int64)

    @property
    def record(self) -> Integers:
        """For every line the record it belongs to: the one printed after it (the number of records for the last)."""
        edges = np.concatenate(([0], self.before, [len(self)]))
        return np.repeat(np.arange(len(edges) - 1), np.diff(edges))


@dataclass(frozen=True, kw_only=True, eq=False)
class Log:
    """A training log: one element of every array per record, in the order of the log.

    Attributes:
        source: where it was read from.
        iteration: what darknet counts.
        loss: of the iteration; of the generator (gan) or the classes (attention) where there are two.
        avg_loss: the running average of it.
        rate: as printed.
        rate_decimals: decimals of the printed rate: 6, or 8 for hank-ai.
        seconds: the iteration took.
        images: seen so far.
        hours_left: as printed; -1 where the trainer did not know yet.
        epoch: of the classifiers and rnn.
        second_loss: of the adversary (gan) or the attention.
        second_avg_loss: the running average of it.
        layers: the layer lines, none where they were not asked for.
        map_points: every mean average precision.
        events: what else happened.
        headers: one per start of the trainer.
        skipped: what could not be read.
        seams: where pieces of the run meet, once they were stitched.
    """

    source: str = "<log>"
    iteration: Integers
    loss: Floats
    avg_loss: Floats
    rate: Floats
    rate_decimals: NDArray[np.uint8]
    seconds: Floats
    images: Floats
    hours_left: Floats
    epoch: Floats
    second_loss: Floats
    second_avg_loss: Floats
    layers: Layers
    map_points: tuple[MapPoint, ...] = ()
    events: tuple[Event, ...] = ()
    headers: tuple[Header, ...] = ()
    skipped: Skipped = Skipped()
    seams: tuple[Seam, ...] = ()

    def __len__(self) -> int:
        return len(self.iteration)

    def __repr__(self) -> str:
        span = f", iterations {self.iteration[0]} to {self.iteration[-1]}" if len(self) else ""
        return f"<Log of {self.source}: {len(self)} records{span}, {len(self.layers)} layer lines>"

    @property
    def header(self) -> Header:
        """The first header; an empty one where the log has none."""
        return self.headers[0] if self.headers else Header()

    @property
    def effective_batch(self) -> int | None:
        """Images per iteration, all GPUs together, where all records agree."""
        known = ~np.isnan(self.images) & (self.iteration > 0)
        each = self.images[known] / self.iteration[known]
        if not each.size or each[0] != int(each[0]) or (each != each[0]).any():
            return None
        return int(each[0])

    @property
    def first_nan(self) -> int | None:
        """The first iteration whose loss or running average is no number."""
        bad = np.isnan(self.loss) | np.isnan(self.avg_loss)
        return int(self.iteration[bad.argmax()]) if bad.any() else None

    def events_of(self, kind: str) -> tuple[Event, ...]:
        """The events of one kind."""
        return tuple(event for event in self.events if event.kind == kind)
