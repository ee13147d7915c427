"""metrics.json: one JSON object every 20 iterations; every training into the same folder appends to it.

A row has the rate that its iteration, counted from 0, was trained with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lrsched.fitting import Fit, Observed, fit
from lrsched.log import Log
from lrsched.schedules import warmup
from lrsched.trainers.printed.numbers import number
from lrsched.trainers.records import Row, json_lines, log_of, runs

__all__ = ["begins", "fitted", "parse"]

NAMES = {"iteration": "iteration", "lr": "rate", "total_loss": "loss", "validation_loss": "val_loss", "time": "seconds"}

FACTOR = 0.001
"""The default of WARMUP_FACTOR."""


def begins(beginning: bytes, name: str) -> bool:
    """Whether a file with this beginning is a metrics.json."""
    first = re.search(rb'^\{.*"iteration": ?\d.*', beginning, re.MULTILINE)
    return first is not None and any(key in first[0] for key in (b'"eta_seconds"', b'"data_time"', b'"total_loss"'))


def parse(data: bytes, source: str) -> list[Log]:
    """Every training in the file; what an evaluation measured stands in the row before it."""
    rows, skipped = json_lines(data.decode("utf-8-sig", "replace"))
    kept: list[Row] = []
    for row in rows:
        if "lr" in row:
            kept.append(row)
        elif kept and "iteration" in row:
            kept[-1] = {**row, **kept[-1]}
    found = runs(kept, "iteration", lambda row: row.get("eta_seconds") == 0)
    return [
        log_of(run, NAMES, source=source, trainer="detectron2", skipped=skipped, horizon=_horizon(run)) for run in found
    ]


def _horizon(run: Sequence[Row]) -> int | None:
    """MAX_ITER, from the seconds that are left and those of an iteration: in the first row both are of the same ones.

    Newer versions count what is left after this iteration, so the next number is possible too: the rounder one it is.
    """
    left, each = number(run[0].get("eta_seconds")), number(run[0].get("time"))
    if not 0 <= left < 1e12 or not each > 0:
        return None
    ahead = number(run[0]["iteration"]) + left / each
    if abs(ahead - round(ahead)) > 1e-3 or round(ahead) + 1 <= number(run[-1]["iteration"]):
        return None
    return max(round(ahead) + 1, round(ahead), key=lambda at: len(str(at)) - len(str(at).rstrip("0")))


def fitted(log: Log, observed: Observed) -> Fit | None:
    """What explains the rates; of a log that ends within the warm-up the peak follows from the usual WARMUP_FACTOR."""
    found = fit(observed)
    if found is None or found.family != "warmup" or not found.parameters.get("initial"):
        return found
    initial, slope = found.parameters["initial"], found.parameters["slope"]
    length = (1 - FACTOR) * initial / FACTOR / slope
    if length < observed.step[-1] or abs(length - round(length)) > 1e-3:
        return found
    peak = float(f"{initial / FACTOR:.9g}")
    curve = warmup(round(length), peak=peak, initial=initial)
    why = "the log ends within the warm-up; they follow from the usual WARMUP_FACTOR of 0.001"
    return replace(
        found,
        curve=curve,
        schedule=found.clock.applied(curve),
        parameters={"peak": peak, "warmup": round(length), "initial": initial},
        open={"peak": why, "warmup": why},
    )
