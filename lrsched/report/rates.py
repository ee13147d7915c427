"""Exact rates as rows: at the iterations where a schedule changes, or at any others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from lrsched.schedule import BLOCK, Schedule, printed_zero
from lrsched.search import first_where, zero_from

__all__ = ["Row", "key_rows", "rows_at", "rows_csv", "rows_text"]

MOST_MILESTONES = 20
"""More milestones than this are not listed."""


@dataclass(frozen=True)
class Row:
    """One line of ``lrsched show``: an iteration, its exact rate, and what happens there."""

    iteration: int
    rate: float
    what: str = ""


def key_rows(schedule: Schedule, horizon: int | None = None) -> Iterator[Row]:
    """The iterations worth a look: the first, every milestone with the iteration before it, the last."""
    last = BLOCK if horizon is None else horizon
    what: dict[int, list[str]] = {0: [], min(1, last): ["first update"]}

    def add(iteration: int, *words: str) -> None:
        what.setdefault(iteration, []).extend(words)

    milestones = list(islice(schedule.milestones(0, last), MOST_MILESTONES + 1))
    for milestone in milestones[:MOST_MILESTONES]:
        add(max(milestone - 1, 0))
        add(milestone, *_change(schedule, milestone))
    if len(milestones) > MOST_MILESTONES:
        add(milestones[MOST_MILESTONES], "more milestones follow, which are not listed")
    if schedule.warmup > 1:
        printed = first_where(schedule, 1, min(schedule.warmup, last), lambda rates: ~printed_zero(rates))
        if printed is not None and printed > 1:
            add(printed, "warm-up: printed above 0.000000 from here")
    dead = zero_from(schedule, 0, last)
    if dead is not None and dead > 0:
        add(dead, "printed as 0.000000 from here to the end")
    add(last, *([] if horizon is None else ["last iteration"]))
    return rows_at(schedule, sorted(what), {iteration: "; ".join(words) for iteration, words in what.items()})


def _change(schedule: Schedule, milestone: int) -> Iterator[str]:
    if milestone == schedule.warmup:
        yield "warm-up ends"
        return
    before, after = (float(rate) for rate in schedule([milestone - 1, milestone]))
    if before and after and math.isfinite(after / before) and abs(after / before - 1) > 0.02:
        yield f"x {after / before:.3g}"


def rows_at(schedule: Schedule, iterations: Iterable[int], what: Mapping[int, str] | None = None) -> Iterator[Row]:
    """The exact rates at any iterations, evaluated a block at a time."""
    waiting = iter(iterations)
    while block := list(islice(waiting, BLOCK)):
        for iteration, rate in zip(block, schedule(block).tolist(), strict=True):
            yield Row(iteration, rate, (what or {}).get(iteration, ""))


def rows_text(rows: Iterable[Row]) -> Iterator[str]:
    """Rows as a table: the rate as a log prints it, and exactly."""
    yield f"{'iteration':>10}  {'printed':>10}  {'exact':>16}"
    for row in rows:
        yield f"{row.iteration:>10}  {row.rate:>10f}  {row.rate:>16.9g}  {row.what}".rstrip()


def rows_csv(rows: Iterable[Row]) -> Iterator[str]:
    """Rows as CSV with nine significant digits, which give back every float32."""
    yield "iteration,rate"
    for row in rows:
        yield f"{row.iteration},{row.rate:.9g}"
