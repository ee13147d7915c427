"""The logs of one run, made one: what a later piece repeats replaces what an earlier one had."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lrsched.columns import joined
from lrsched.log import FLOAT_RECORD_COLUMNS, Layers, Log, LogError, Seam, Skipped
from lrsched.trainers.darknet.log.layer_lines import FLOAT_COLUMNS, INTEGER_COLUMNS

__all__ = ["part", "pieces", "stitch"]


def pieces(log: Log) -> tuple[Log, ...]:
    """The stretches of a log in which the iteration only rises: a resume within one file begins a new one."""
    falls = np.flatnonzero(np.diff(log.iteration) <= 0) + 1
    edges = [0, *falls.tolist(), len(log)]
    return tuple(part(log, first, last) for first, last in itertools.pairwise(edges) if first < last)


def part(log: Log, first: int, last: int) -> Log:
    """The records from ``first`` up to, but not including, ``last``, with what was printed between them."""
    ends_here = last == len(log)
    before = log.layers.before
    begin = 0 if first == 0 else int(before[first - 1])
    end = len(log.layers) if ends_here else int(before[last - 1]) if last else 0
    rows = slice(first, last)

    def belongs(record: int) -> bool:
        return (first < record or first == 0) and (record <= last)

    return replace(
        log,
        iteration=log.iteration[rows],
        rate_decimals=log.rate_decimals[rows],
        **{name: getattr(log, name)[rows] for name in FLOAT_RECORD_COLUMNS},
        layers=Layers(
            before=log.layers.before[rows] - begin,
            kept={name: column[begin:end] for name, column in log.layers.kept.items()},
        ),
        map_points=tuple(
            replace(point, record=point.record - first) for point in log.map_points if belongs(point.record)
        ),
        events=tuple(replace(event, record=event.record - first) for event in log.events if belongs(event.record)),
        headers=tuple(
            replace(header, record=header.record - first) for header in log.headers if belongs(header.record)
        ),
        seams=(),
    )


def stitch(logs: Sequence[Log]) -> Log:
    """One log of the pieces of a run, given in the order in which they were written.

    Where a piece begins at or before the last iteration of what came earlier, the trainer went on from saved weights:
    the earlier records from there on were given up, and are dropped. Every meeting of two pieces is a seam.

    Args:
        logs: each may itself hold several pieces.

    Raises:
        LogError: when there is nothing to stitch.
    """
    parts = [piece for log in logs for piece in pieces(log)]
    if not parts:
        raise LogError("no record to stitch; give at least one log that has some.")
    kept: list[Log] = []
    seams: list[Seam] = []
    for piece in parts:
        if kept:
            first, previous = int(piece.iteration[0]), int(kept[-1].iteration[-1])
            dropped = 0
            while kept and kept[-1].iteration[-1] >= first:
                length = int(np.searchsorted(kept[-1].iteration, first))
                dropped += len(kept[-1]) - length
                shorter = part(kept.pop(), 0, length)
                if length:
                    kept.append(shorter)
            records = sum(map(len, kept))
            seams = [seam for seam in seams if seam.record < records]
            seams.append(_seam(kept, piece, records, previous, dropped))
        kept.append(piece)
    return _joined(kept, tuple(seams), logs)


def _seam(kept: Sequence[Log], piece: Log, record: int, previous: int, dropped: int) -> Seam:
    first = int(piece.iteration[0])
    stride = int(np.median(np.diff(piece.iteration))) if len(piece) > 1 else 1
    missing = 0
    if not kept:
        kind = "restart"
    elif dropped:
        kind = "overlap"
    else:
        missing = max(first - previous - stride, 0)
        kind = "gap" if missing else "continues"
    return Seam(kind=kind, record=record, iteration=first, previous=previous, dropped=dropped, missing=missing)


def _joined(kept: Sequence[Log], seams: tuple[Seam, ...], logs: Sequence[Log]) -> Log:
    records = np.cumsum([0, *map(len, kept)])
    lines = np.cumsum([0, *(len(piece.layers) for piece in kept)])
    columns = {
        name: joined([getattr(piece, name) for piece in kept])
        for name in ("iteration", "rate_decimals", *FLOAT_RECORD_COLUMNS)
    }
    before = joined([piece.layers.before + begin for piece, begin in zip(kept, lines, strict=False)])
    layer_columns = {
        name: joined([piece.layers.kept[name] for piece in kept]) for name in (*INTEGER_COLUMNS, *FLOAT_COLUMNS)
    }
    placed = list(zip(kept, records.tolist(), strict=False))
    return Log(
        source=" + ".join(dict.fromkeys(log.source for log in logs)),
        **columns,
        layers=Layers(before=before, kept=layer_columns),
        map_points=tuple(replace(p, record=p.record + begin) for piece, begin in placed for p in piece.map_points),
        events=tuple(replace(e, record=e.record + begin) for piece, begin in placed for e in piece.events),
        headers=tuple(replace(h, record=h.record + begin) for piece, begin in placed for h in piece.headers),
        skipped=_skipped([log.skipped for log in logs]),
        seams=seams,
    )


def _skipped(each: Sequence[Skipped]) -> Skipped:
    return Skipped(
        records=sum(skipped.records for skipped in each),
        layer_lines=sum(skipped.layer_lines for skipped in each),
        examples=tuple(example for skipped in each for example in skipped.examples)[:5],
        damage="; ".join(dict.fromkeys(skipped.damage for skipped in each if skipped.damage)),
    )
