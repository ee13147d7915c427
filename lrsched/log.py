"""What a log is: tables with one row per record or layer line, and what else happened; the same for every trainer.

A trainer's reader fills it, ``lrsched.logs`` judges it. A column that is not printed is NaN everywhere.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lrsched.table import Floats, Integers, Table
from lrsched.text import counted, spanned

if TYPE_CHECKING:
    from lrsched.fitting import Clock, Fit, Observed
    from lrsched.logged import Audit, Inference

__all__ = ["COLUMNS", "MOST_GPUS", "Event", "Floats", "Header", "Integers", "Layers", "Log", "LogError", "MapPoint"]
__all__ += ["Seam", "Skipped", "TrainerLogs", "cut_runs", "part"]

EXAMPLES = 5  # unreadable lines that are kept
MOST_GPUS = 16  # the most GPUs that are considered; a run whose first iteration is larger was resumed there
COLUMNS = ("loss", "avg_loss", "rate", "seconds", "images", "hours_left", "epoch")  # those that are attributes of a log


class LogError(ValueError):
    """The input is not a training log, or cannot be used as one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a trainer prints when it starts, as printed; ``record`` says how many records precede it.

    ``learning_rate`` has the GPU factor, ``batch`` counts the images of an iteration of one GPU.
    """

    record: int = 0
    learning_rate: str = ""
    batch: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened in a run.

    ``kind`` is ``saved``, ``loaded``, ``started``, ``resizing``, ``syncing``, ``best-map``, ``resumed``, ``restarted``,
    ``first-nan``, ``warning`` or, after the last record, ``error`` or ``stopped``. ``iteration`` is the one done then
    (for ``resumed``, ``restarted`` and ``first-nan`` the one it is), ``record`` how many records precede it,
    ``text`` the file of weights, the learning rate of a start, or the trainer's own line.
    """

    kind: str
    iteration: int
    record: int
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MapPoint:
    """One mean average precision, from 0 to 1, and what was printed with it; NaN where it was not.

    ``iteration`` is -1 when it was computed before the log begins. ``best`` is the best of the run, as the trainer
    says, ``classes`` the average precision of each class by its name.
    """

    iteration: int
    record: int
    value: float
    threshold: float = math.nan
    best: float = math.nan
    precision: float = math.nan
    recall: float = math.nan
    f1: float = math.nan
    classes: Mapping[str, float] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """Lines that look like records or layer lines and are incomplete, some examples, and why reading stopped early."""

    records: int = 0
    layer_lines: int = 0
    examples: tuple[str, ...] = ()
    damage: str = ""

    def __add__(self, other: Skipped) -> Skipped:
        damage = dict.fromkeys([*self.damage.split("; "), *other.damage.split("; ")])
        return Skipped(
            records=self.records + other.records,
            layer_lines=self.layer_lines + other.layer_lines,
            examples=(self.examples + other.examples)[:EXAMPLES],
            damage="; ".join(filter(None, damage)),
        )

    def __bool__(self) -> bool:
        return bool(self.records or self.layer_lines or self.damage)

    def __str__(self) -> str:
        counts = ((self.records, "unreadable record"), (self.layer_lines, "unreadable layer line"))
        parts = [*(counted(count, name) for count, name in counts if count), self.damage]
        return ", ".join(filter(None, parts)) or "nothing skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seam:
    """Where two pieces of a run meet: it ``continues``, with an ``overlap`` or a ``gap``, or is a ``restart``.

    The later piece begins with ``record`` at ``iteration``, the earlier one was logged up to ``previous``; ``dropped``
    of its records are repeated, ``missing`` iterations neither has.
    """

    kind: str
    record: int
    iteration: int
    previous: int
    dropped: int = 0
    missing: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Layers:
    """The lines of the detection layers: ``layer`` (-1 where it is not printed), ``count`` (of objects), ``iou`` ...

    ``before`` says of every record how many of them precede it.
    """

    before: Integers
    lines: Table

    def __len__(self) -> int:
        return self.lines.size

    def column(self, name: str) -> Floats:
        """A column as printed; NaN where it was not."""
        return self.lines.column(name)

    @property
    def layer(self) -> Integers:
        return self.lines.integers("layer")

    @property
    def count(self) -> Integers:
        return self.lines.integers("count")

    @property
    def iou(self) -> Floats:
        return self.lines.column("iou")

    @property
    def record(self) -> Integers:
        """For every line the record it belongs to: the one printed after it (the number of records for the last)."""
        edges = np.concatenate(([0], self.before, [len(self)]))
        return np.repeat(np.arange(len(edges) - 1), np.diff(edges))


@dataclass(frozen=True, kw_only=True, eq=False)
class Log:
    """A training log: one row per record, in the order of the log; arrays are read-only.

    Columns that everybody knows are attributes: ``loss``, ``avg_loss`` (the running average), ``rate`` as printed (of
    several the one people look at), ``seconds`` of a turn of the training loop, ``images`` seen so far, ``hours_left``
    and ``epoch``; others are asked for with :meth:`column`. ``horizon`` is the number of iterations of the run as the
    trainer prints it, or None; ``seams`` are where pieces of the run meet, once they were joined. ``unit`` is what
    ``iteration`` counts (``iteration`` or ``epoch``), ``groups`` are the columns with the rates of parameter groups,
    where there are several; ``config`` is the config that stands in the log itself, or None.
    A column ``rate_slack`` says by how much each rate may differ from the one that was printed, ``rate_decimals`` how
    many decimals were printed; without either a rate was printed with all its digits.
    """

    source: str = "<log>"
    trainer: str
    records: Table
    layers: Layers
    map_points: tuple[MapPoint, ...] = ()
    events: tuple[Event, ...] = ()
    headers: tuple[Header, ...] = ()
    skipped: Skipped = Skipped()
    seams: tuple[Seam, ...] = ()
    horizon: int | None = None
    unit: str = "iteration"
    groups: tuple[str, ...] = ()
    config: Any = None

    @staticmethod
    def of(columns: Mapping[str, Any], **known: Any) -> Log:
        """A log of some columns, one of them ``iteration``, without layers.

        >>> Log.of({"iteration": [1, 2], "rate": [0.1, 0.05]}, trainer="mine").rate.tolist()
        [0.1, 0.05]
        """
        arrays = {name: np.asarray(column, np.float64) for name, column in columns.items() if name != "iteration"}
        arrays["iteration"] = np.asarray(columns["iteration"], np.int64)
        size = len(arrays["iteration"])
        layers = Layers(before=np.zeros(size, np.int64), lines=Table(0, {}))
        return Log(records=Table(size, arrays), layers=layers, **known)

    def __len__(self) -> int:
        return self.records.size

    def __repr__(self) -> str:
        span = f", {spanned(self.iteration[0], self.iteration[-1], self.unit)}" if len(self) else ""
        layers = f", {len(self.layers)} layer lines" if len(self.layers) else ""
        return f"<Log of {self.source}: {len(self)} records{span}{layers}>"

    def __str__(self) -> str:
        lines = [repr(self)[1:-1]]
        for name in ("loss", "avg_loss", "rate"):
            known = np.flatnonzero(np.isfinite(self.column(name)))
            if known.size:
                values = self.column(name)[known]
                ends = f"{values[0]:g} at first, {values[-1]:g} at last"
                lines.append(f"{name.replace('_', ' ')}: {ends}, from {values.min():g} to {values.max():g}")
        return "\n".join(lines)

    def __getattr__(self, name: str) -> Floats:
        if name not in COLUMNS:
            raise AttributeError(f"a log has no {name}; other columns are asked for with column()")
        return self.column(name)

    def column(self, name: str) -> Floats:
        """A column of the records as printed; NaN where it was not."""
        return self.records.column(name)

    @property
    def iteration(self) -> Integers:
        return self.records.integers("iteration")

    @property
    def names(self) -> list[str]:
        """The columns that show anything, without ``iteration`` and what says how the rates were printed."""
        others = (name for name in self.records.columns if name not in ("iteration", "rate_decimals", "rate_slack"))
        return [name for name in others if not np.isnan(self.column(name)).all()]

    @property
    def rate_decimals(self) -> Integers:
        """The decimals of each rate; 17 where all digits were printed."""
        known = "rate_decimals" in self.records.columns
        return self.records.integers("rate_decimals") if known else np.full(len(self), 17, np.int64)

    @property
    def header(self) -> Header:
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
    def bad(self) -> NDArray[np.bool_]:
        """The records whose loss or running average is printed as nan."""
        bad = np.zeros(len(self), bool)
        for name in {"loss", "avg_loss"} & self.records.columns.keys():
            bad |= np.isnan(self.column(name))
        # a record without a rate is of an evaluation, which has no loss of the training
        return bad & ~np.isnan(self.rate) if "rate" in self.records.columns else bad

    @property
    def first_nan(self) -> int | None:
        """The first iteration whose loss or running average is nan."""
        bad = self.bad
        return int(self.iteration[bad.argmax()]) if bad.any() else None

    def events_of(self, kind: str) -> tuple[Event, ...]:
        """The events of one kind."""
        return tuple(event for event in self.events if event.kind == kind)


_Placed = TypeVar("_Placed", Event, MapPoint, Header)


def part(log: Log, first: int, last: int) -> Log:
    """The records from ``first`` up to, but not including, ``last``, with what was printed between them."""
    before, lines = log.layers.before, log.layers.lines
    begin = int(before[first - 1]) if first else 0
    end = len(lines) if last == len(log) else int(before[last - 1]) if last else 0

    def within(things: tuple[_Placed, ...]) -> tuple[_Placed, ...]:
        return tuple(
            replace(thing, record=thing.record - first)
            for thing in things
            if (first < thing.record or first == 0) and thing.record <= last
        )

    return replace(
        log,
        records=log.records.rows(first, last),
        layers=Layers(before=before[first:last] - begin, lines=lines.rows(begin, end)),
        map_points=within(log.map_points),
        events=within(log.events),
        headers=within(log.headers),
        seams=(),
    )


def cut_runs(log: Log) -> list[Log]:
    """The stretches of a log in which the iteration rises: a resume, or another run in the same file, begins one."""
    falls = np.flatnonzero(np.diff(log.iteration) <= 0) + 1
    edges = [0, *falls.tolist(), len(log)]
    return [part(log, first, last) for first, last in itertools.pairwise(edges) if first < last]


@dataclass(frozen=True, kw_only=True)
class TrainerLogs:
    """What a trainer knows about its logs: how they are recognised and read, how its rates are explained and compared.

    Either ``parse`` or ``reader`` reads them. Names of files may have wildcards.
    """

    begins: Callable[[bytes, str], bool]  # whether a file with this beginning and this name is its log
    parse: Callable[..., list[Log]] = lambda data, name: []  # reads a whole file; see cut_runs for several runs in one
    columns: bool = False  # whether parse takes the names of the columns of steps and rates, too
    reader: Callable[..., Any] | None = None  # for longer files: has take(piece), finish(), log(source)
    example: str = ""  # what to pass, for the message about a file that is not a log
    names: tuple[str, ...] = ()  # what its logs are called in the folder of a run, best first
    # where each start writes a file: those with the same key may be of one run; without it only the best file is read
    starts: Callable[[Path], object] | None = None
    saved_every: int = 1  # weights are saved after a multiple of this, so a resumed run begins just after one
    clocks: Callable[[Log], Sequence[Clock]] | None = None  # which count of a schedule a step has, likeliest first
    warmup: str = "warm-up"  # what it calls that
    # other configs with which it may really have run, each with a sentence that says why
    readings: Callable[[Any, Log, Observed], Iterable[tuple[Any, str]]] | None = None
    weights: tuple[str, str] | None = None  # the files with the weights of the best epoch and of the last one
    config_names: tuple[str, ...] = ()  # what its configs are called, in the folder of a log or the one above
    read_config: Callable[[Path], Any] | None = None  # reads one; None for a file of that name that is not a config
    infer: Callable[[Log], Inference | None] | None = None  # explains the rates; else lrsched.fitting does
    fitted: Callable[[Log, Observed], Fit | None] | None = None  # the same as a fit, which counts if it is complete
    # compares a log with a config, on so many GPUs, with what was inferred before
    audit: Callable[[Log, Any, int | None, Inference | None], Audit] | None = None
