"""The logs of one run, made one: what a later piece repeats replaces what an earlier one had."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lrsched.log import MOST_GPUS, Floats, Layers, Log, LogError, Seam, Skipped, cut_runs, part
from lrsched.table import Table
from lrsched.trainers import trainer_of

__all__ = ["median", "rising", "same_run", "stitch"]

NEAR = 100  # records on each side of a seam that are compared
LOSS_APART, RATE_APART = 3.0, 1.5  # factors by which the loss may change, and the rate rise, at a seam of one run


def rising(log: Log) -> Log:
    """The log with every iteration once: what a resumed run repeated replaces what it gave up."""
    return stitch([log]) if (np.diff(log.iteration) <= 0).any() else log


def same_run(logs: Sequence[Log]) -> bool:
    """Whether logs, in this order, look like the pieces of one run.

    Each must begin after the one before it, or just after weights that were saved in it, with as many images per
    iteration, about the loss that was logged there before, and the same rate where both have an iteration.
    """
    return all(_continues(one, other) for one, other in itertools.pairwise(logs))


def _continues(one: Log, other: Log) -> bool:
    batches = {log.effective_batch for log in (one, other)} - {None}
    first = int(other.iteration[0])
    if len(batches) > 1 or first <= max(int(one.iteration[0]), MOST_GPUS):
        return False
    every = trainer_of(other).logs().saved_every
    if first <= one.iteration[-1] and first % every > MOST_GPUS:
        return False
    one = rising(one)
    begin = int(np.searchsorted(one.iteration, first))
    before, after = part(one, max(begin - NEAR, 0), begin), part(other, 0, min(NEAR, len(other)))
    loss, loss_after = median(before.loss), median(after.loss)
    if loss > 0 and loss_after > 0 and not 1 / LOSS_APART < loss_after / loss < LOSS_APART:
        return False
    _, again, repeated = np.intersect1d(other.iteration, one.iteration[begin:], return_indices=True)
    if again.size:
        return bool(np.array_equal(other.rate[again], one.rate[begin:][repeated], equal_nan=True))
    return not median(after.rate) > RATE_APART * median(before.rate)


def median(column: Floats) -> float:
    """The median of the finite numbers in a column; NaN where there is none."""
    known = column[np.isfinite(column)]
    return float(np.median(known)) if known.size else float("nan")


def stitch(logs: Sequence[Log]) -> Log:
    """One log of the pieces of a run, given in the order in which they were written.

    Where a piece begins at or before the last iteration of what came earlier, the trainer resumed from saved weights:
    the earlier records from there on were given up, and are dropped. Every meeting of two pieces is a seam.

    Args:
        logs: each may itself hold several pieces.

    Raises:
        LogError: when there is nothing to stitch.
    """
    kept: list[Log] = []
    seams: list[Seam] = []
    for piece in (piece for log in logs for piece in cut_runs(log)):
        if kept:
            first, previous = int(piece.iteration[0]), int(kept[-1].iteration[-1])
            dropped = 0
            while kept and kept[-1].iteration[-1] >= first:
                last = kept.pop()
                length = int(np.searchsorted(last.iteration, first))
                dropped += len(last) - length
                kept += [part(last, 0, length)] if length else []
            records = sum(map(len, kept))
            seams = [seam for seam in seams if seam.record < records]
            seams.append(_seam(kept, piece, records, previous, dropped))
        kept.append(piece)
    if not kept:
        raise LogError("no record to stitch; give at least one log that has some.")
    return _joined(kept, tuple(seams), logs)


def _seam(kept: Sequence[Log], piece: Log, record: int, previous: int, dropped: int) -> Seam:
    first = int(piece.iteration[0])
    stride = int(np.median(np.diff(piece.iteration))) if len(piece) > 1 else 1
    missing = 0 if dropped else max(first - previous - stride, 0)
    kind = "restart" if not kept else "overlap" if dropped else "gap" if missing else "continues"
    return Seam(kind=kind, record=record, iteration=first, previous=previous, dropped=dropped, missing=missing)


def _joined(kept: Sequence[Log], seams: tuple[Seam, ...], logs: Sequence[Log]) -> Log:
    records = np.cumsum([0, *map(len, kept)]).tolist()
    lines = np.cumsum([0, *(len(piece.layers) for piece in kept)]).tolist()

    def moved(name: str) -> tuple[Any, ...]:
        placed = zip(kept, records, strict=False)
        return tuple(replace(one, record=one.record + begin) for piece, begin in placed for one in getattr(piece, name))

    return replace(
        kept[0],
        source=" + ".join(dict.fromkeys(log.source for log in logs)),
        records=Table.joined([piece.records for piece in kept]),
        layers=Layers(
            before=np.concatenate([piece.layers.before + begin for piece, begin in zip(kept, lines, strict=False)]),
            lines=Table.joined([piece.layers.lines for piece in kept]),
        ),
        map_points=moved("map_points"),
        events=moved("events"),
        headers=moved("headers"),
        skipped=sum((log.skipped for log in logs), Skipped()),
        seams=seams,
        config=next((log.config for log in reversed(logs) if log.config is not None), None),
        horizon=next((log.horizon for log in reversed(logs) if log.horizon is not None), None),
    )
