"""fairseq: lines with JSON or simple text, after a line that dumps its whole config."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from lrsched.fitting import Clock
from lrsched.log import Log, TrainerLogs
from lrsched.schedule import Schedule
from lrsched.schedules import constant, cosine, inverse_sqrt, polynomial
from lrsched.schedules import warmup as rising
from lrsched.trainers.printed.lines import Printout
from lrsched.trainers.printed.numbers import number

__all__ = ["LOGS", "schedule"]

_DUMP = re.compile(r"^.*\[fairseq_cli\.train\]\[INFO\] - (\{'_name'.*\})\s*$", re.M)


def schedule(values: Mapping[str, Any], *, peak: float, updates: float) -> Schedule:
    """The rate of an ``lr_scheduler`` by the number of updates, in a run of ``updates``.

    >>> run = schedule({"_name": "inverse_sqrt", "warmup_updates": 4}, peak=1.0, updates=100)
    >>> run([0, 2, 4, 16]).tolist()
    [0.0, 0.5, 1.0, 0.5]
    >>> schedule({"_name": "cosine", "lr_period_updates": 96, "warmup_updates": 4}, peak=1.0, updates=100)
    cosine(peak=1.0, horizon=100, warmup=4)

    Raises:
        KeyError, ValueError: for a scheduler that is not known, or needs what is missing.
    """
    length = int(number(values.get("warmup_updates") or 0))
    initial = number(values.get("warmup_init_lr") or 0)
    start: dict[str, Any] = {"warmup": length} if length else {}
    begun = start | ({"initial": max(initial, 0.0)} if length else {})

    def poly() -> Schedule:
        total, end = int(number(values["total_num_update"])), number(values.get("end_learning_rate") or 0)
        return polynomial(peak=peak, horizon=total, final=end, power=number(values.get("power") or 1), **start)

    def wave() -> Schedule:
        period = int(number(values.get("lr_period_updates") or 0))
        if 0 < period < updates - length:
            raise ValueError("cosine cycles are not read")
        end = number(values.get("min_lr") or 0)
        return cosine(peak=peak, horizon=length + period if period > 0 else int(updates), final=end, **begun)

    known: dict[str, Callable[[], Schedule]] = {
        "polynomial_decay": poly,
        "inverse_sqrt": lambda: inverse_sqrt(peak=peak, **begun),
        "fixed": lambda: rising(length, peak=peak) if length else constant(peak),
        "cosine": wave,
    }
    return known[values["_name"]]()


def _settings(text: str, log: Log) -> tuple[Schedule, str] | None:
    """The dumped config: the rate of its scheduler."""
    dump = _DUMP.search(text)
    if dump is None:
        return None
    config = ast.literal_eval(dump[1])
    values, optimization = config["lr_scheduler"], config["optimization"]
    peak, updates = number(optimization["lr"]), number(optimization.get("max_update") or 0)
    words = f"{values['_name']} · lr {peak:g}" + (f" · max_update {int(updates)}" if 0 < updates < math.inf else "")
    return schedule(values, peak=peak, updates=updates), words


LOGS = TrainerLogs(
    begins=lambda beginning, name: b"fairseq" in beginning or b"[train_inner]" in beginning,
    parse=Printout(trainer="fairseq", start=_DUMP, digits=6, settings=_settings).parse,
    names=("hydra_train.log", "train.log"),
    clocks=lambda log: (Clock(),),  # the rate of the next update, and updates count from 1
)
