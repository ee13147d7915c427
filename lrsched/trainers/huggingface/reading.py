"""What the Trainer writes: ``trainer_state.json``, and LLaMA-Factory's ``trainer_log.jsonl``.

The rate is written with all its digits, beside the number of optimizer steps. Before version 4.51 it is the rate of
the next step, since then the one of the step itself; a file with ``best_global_step`` is of 4.50 or later.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lrsched.fitting import Clock, Observed, fit
from lrsched.log import Floats, Log, LogError, Skipped
from lrsched.text import counted
from lrsched.trainers.huggingface.arguments import Arguments
from lrsched.trainers.printed.numbers import numbers
from lrsched.trainers.records import json_lines

__all__ = ["begins", "clocks", "parse", "readings"]

COLUMNS = {"learning_rate": "rate", "lr": "rate", "eval_loss": "val_loss"}  # what everybody has another name for
MARK = "best_global_step"  # a key that versions have since 4.50

# what stands beside the numbers that are measured; the last row of a run has nothing but that
NOT_MEASURED = re.compile(
    "step|current_steps|total_steps|epoch|percentage|(elapsed|remaining)_time|total_flos|train_loss|.*_(runtime|per_second)"
)
CONFLICT = re.compile(rb"(?m)^(?:<{7}|={7}|>{7})(?: .*)?\r?$")


def begins(beginning: bytes, name: str = "") -> bool:
    """Whether a file with this beginning is one of the two."""
    return b'"log_history"' in beginning or (b'"current_steps"' in beginning and b'"total_steps"' in beginning)


def clocks(log: Log) -> Sequence[Clock]:
    """The rate of the next step and that of the step itself; the one that the version writes comes first."""
    following, applied = Clock(), Clock(late=1)
    return (applied, following) if MARK in log.records.columns else (following, applied)


def parse(data: bytes, source: str = "<log>") -> list[Log]:
    """The runs of a file, one after the other.

    Raises:
        LogError: where the file is damaged, with the line.
    """
    if b'"log_history"' not in data[: 1 << 16]:
        return list(_lines(data, source))
    state = _state(data, source)
    rows = [row for row in state["log_history"] if isinstance(row, dict) and _is_step(row.get("step"))]
    mark = {MARK: numbers([state[MARK]])} if MARK in state else {}
    return [_log(rows, "step", source, state.get("max_steps"), Skipped(), mark)] if rows else []


def _state(data: bytes, source: str) -> Mapping[str, Any]:
    try:
        state = json.loads(data)
    except (ValueError, RecursionError) as why:
        conflict = CONFLICT.search(data)
        if conflict is not None:
            line, mark = data.count(b"\n", 0, conflict.start()) + 1, conflict[0].decode("ascii", "replace").strip()
            problem = f"{mark!r} marks a merge conflict, so two versions are mixed; keep one and delete the marks."
        else:
            line = why.lineno if isinstance(why, json.JSONDecodeError) else 1
            problem = f"the JSON is broken here ({why}), so the file is incomplete; take that of an earlier checkpoint."
        raise LogError(f"{source}, line {line}: {problem}") from None
    if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
        raise LogError(f"{source}: it has no list log_history, so it is not the state of a Trainer.")
    return state


def _lines(data: bytes, source: str) -> Iterator[Log]:
    """LLaMA-Factory's log: a JSON object a line, from every process; each start of the trainer appends to it."""
    found, skipped = json_lines(data.decode("utf-8-sig", "replace"))
    rows = [row for row in found if _is_step(row.get("current_steps"))]
    starts = [at for at in range(1, len(rows)) if _starts(rows[at], rows[at - 1])]
    for run in (rows[one:two] for one, two in itertools.pairwise([0, *starts, len(rows)])):
        horizon = max((row["total_steps"] for row in run if _is_step(row.get("total_steps"))), default=None)
        if run:
            yield _log(run, "current_steps", source, horizon, skipped, {})
            skipped = Skipped()


def _starts(row: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether a row is of another start: its step is no later, and its time begins anew; processes differ by less."""
    if row["current_steps"] > before["current_steps"]:
        return False
    return 2 * (_seconds(row.get("elapsed_time")) + 10) < _seconds(before.get("elapsed_time"))


def _is_step(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 53


def _seconds(time: Any) -> float:
    """``1 day, 2:03:04`` in seconds; NaN for anything else."""
    found = re.fullmatch(r"(?:(\d{1,6}) days?, )?(\d{1,6}):(\d\d):(\d\d)", str(time))
    if found is None:
        return math.nan
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _log(
    rows: list[dict[str, Any]], key: str, source: str, horizon: Any, skipped: Skipped, more: Mapping[str, Floats]
) -> Log:
    """One record for each step: what was trained and evaluated there, from the first row that has it."""
    names = {name for name in set().union(*rows) if not NOT_MEASURED.fullmatch(name)}
    rows = [row for row in rows if not names.isdisjoint(row)]
    steps, place = np.unique(np.array([row[key] for row in rows], np.int64), return_inverse=True)
    columns, again = {"epoch": np.full(len(steps), np.nan)}, 0
    for name in sorted(names | {"epoch"}):
        values = numbers([row.get(name) for row in rows])
        known = np.flatnonzero(~np.isnan(values))[::-1]
        column = columns.setdefault(COLUMNS.get(name, name), np.full(len(steps), np.nan))
        column[place[known]] = values[known]
        if COLUMNS.get(name) == "rate":
            again += len(known) - int((~np.isnan(column)).sum())
    # whole epochs from 0; the end of one belongs to it
    columns["epoch"] = np.maximum(np.ceil(columns["epoch"].round(6)) - 1, 0)
    if again > 0:
        twice = f"{counted(again, 'record')} of other processes, of steps that are there already"
        skipped = replace(skipped, damage=twice)
    columns = {name: column for name, column in columns.items() if np.isfinite(column).any()}
    columns |= {name: np.broadcast_to(value, steps.shape) for name, value in more.items()}
    columns = {"iteration": steps, **columns}
    planned = horizon if _is_step(horizon) and horizon > 0 else None
    return Log.of(columns, source=source, trainer="huggingface", skipped=skipped, horizon=planned)


def readings(config: Arguments, log: Log, observed: Observed) -> Iterator[tuple[Arguments, str]]:
    """Other arguments that may explain the rates of a log, with what that means."""
    found = None if config.scheduler else fit(observed, clocks(log))
    if found is None or not found.complete or not found.parameters.get("warmup"):
        return
    peak, warmup, start = (found.parameters.get(key, 0) for key in ("peak", "warmup", "initial"))
    params = {"warmup_min_lr": start, "warmup_max_lr": peak, "warmup_num_steps": warmup}
    for kind in "WarmupLR", "WarmupDecayLR":
        yield (
            replace(config, scheduler={"type": kind, "params": params}),
            f"The rates are those of DeepSpeed's {kind}, from {start:g} to {peak:g} in {warmup} steps, not those "
            f"of {config.lr_scheduler_type}: the scheduler in its config replaces lr_scheduler_type.",
        )
