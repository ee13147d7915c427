"""Tables with a header, or a JSON object in each line: the columns of step and rate, and the logs that rows make."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lrsched.log import Floats, Log, LogError, cut_runs
from lrsched.text import joined
from lrsched.trainers.printed.numbers import number, numbers, rounding
from lrsched.trainers.records import json_lines

__all__ = ["columns_of", "logs_in", "logs_of", "rate_column"]

STEPS = ("global_step", "globalstep", "current_steps", "step", "iteration", "iter", "num_updates", "update", "updates",
         "batch", "_step", "epoch")  # fmt: skip
LAST_STEP = 2.0**53
RATES = ("lr", "learning_rate", "train_lr", "learningrate", "rate", "current_lr", "base_lr")
_RATE = re.compile(r"(?:.*[/_. -])?(?:lr|learning[ _-]?rate)(?:[/_. -].*|\d*)", re.I)
_NO_RATE = re.compile(r"momentum|weight|decay|scheduler|loss|mult|scale", re.I)

Cells = Mapping[str, Sequence[Any]]  # columns by name, as they stand in the file


def columns_of(text: str, rate: str | None = None) -> Cells:
    r"""The columns of a table: comma, semicolon or tab separated with a header, JSON lines, or one JSON document.

    A header is known by the usual name of a rate, or the one that is given.

    >>> columns_of("step,lr\n1,0.1\n2,0.05\n2,")
    {'step': ['1', '2', '2'], 'lr': ['0.1', '0.05', '']}
    >>> columns_of('{"step": 1, "opt": {"lr": 0.1}}\n<<<<<<< HEAD\n{"step": 2}\n{"ste')
    {'step': [1, 2], 'opt/lr': [0.1, None]}
    """
    rows = json_lines(text)[0]
    if len(rows) < 2 and text.lstrip()[:1] in ("[", "{"):
        rows = _document(text) or rows
    if not rows:
        return _csv([line for line in text.splitlines() if line.strip()], rate)
    found = [_flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in found for name in row))
    return {name: [row.get(name) for row in found] for name in names}


def _document(text: str) -> list[dict[str, Any]]:
    """The rows of one JSON document: an object, a list of them, or columns; none if the text is not JSON."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if isinstance(document, dict):
        longest = max((len(column) for column in document.values() if isinstance(column, list)), default=0)
        if longest < 2 or not all(isinstance(column, list) for column in document.values()):
            return [document]
        rows: list[dict[str, Any]] = [{"epoch": i} for i in range(longest)]
        for name, column in document.items():
            for row, value in zip(rows, column, strict=False):
                row[name] = value
        return rows
    return [row for row in document if isinstance(row, dict)] if isinstance(document, list) else []


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= {f"{name}/{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _csv(lines: Sequence[str], rate: str | None) -> Cells:
    """A table with a header; repeated headers, and rows with fewer or more cells, are left out."""
    for at in range(min(len(lines), 50)):
        for separator in ",;\t":
            names, *rows = _split(lines[at : at + 2], separator)
            found = rate_column(names) if rate is None else rate if rate in names else names[-1]
            if found and rows and len(names) > 1 and _may_follow(rows[0], names, found):
                good = [row for row in _split(lines[at + 1 :], separator) if len(row) == len(names) and row != names]
                return {name: [row[i] for row in good] for i, name in enumerate(names)}
    return {}


def _split(lines: Sequence[str], separator: str) -> list[list[str]]:
    try:
        rows = list(csv.reader((line.replace("\0", "") for line in lines), delimiter=separator))
    except csv.Error:
        rows = [line.split(separator) for line in lines]
    return [[cell.strip() for cell in row] for row in rows]


def _may_follow(row: Sequence[str], names: Sequence[str], rate: str) -> bool:
    """Whether a row may be the first below a header: as long, and with a number or nothing for its rate."""
    shown = row[names.index(rate)] if len(row) == len(names) else "torn"
    return not shown or not np.isnan(number(shown)) or shown.lower() == "nan"


def rate_column(names: Iterable[str]) -> str | None:
    """The usual name of a learning rate among some columns.

    >>> rate_column(["lr_scheduler", "lr-SGD-momentum", "lr-SGD/pg1"]), rate_column(["train/learning_rate", "rate"])
    ('lr-SGD/pg1', 'train/learning_rate')
    """
    known = list(names)
    others = (name for name in known if _RATE.fullmatch(name) and not _NO_RATE.search(name))
    return _usual(known, RATES) or next(others, None)


def _usual(names: Iterable[str], usual: Sequence[str]) -> str | None:
    plain = {name.lower().replace(" ", "_"): name for name in reversed(list(names))}
    last = {key.rsplit("/", 1)[-1]: name for key, name in plain.items()}
    return next((known[name] for name in usual for known in (plain, last) if name in known), None)


def logs_of(
    columns: Mapping[str, Floats], horizon: Any = 0, config: Callable[[Log], Any] = lambda log: None, **known: Any
) -> list[Log]:
    """The logs of columns, among them iteration, rate and rate_slack; rows of the same iteration become one record.

    A row without an iteration is left out. ``horizon`` is how many iterations each row says there will be; 0 or NaN
    where it does not. ``config`` finds the config that stands in a log.
    """
    with np.errstate(invalid="ignore"):
        good = np.flatnonzero(np.abs(columns["iteration"]) < LAST_STEP)
    if not good.size:
        return []
    step = np.floor(columns["iteration"][good])
    starts = np.flatnonzero(np.append(True, np.diff(step) != 0))

    def last(column: Floats) -> Any:
        """Of each step the last row that has a number, else its last row."""
        rows = np.arange(len(good))
        found = np.maximum.reduceat(np.where(np.isnan(column[good]), -1, rows), starts)
        return good[np.where(found < 0, np.append(starts[1:], len(good)) - 1, found)]

    rated, logs = last(columns["rate"]), []
    own = {"iteration": step[starts], "rate_slack": columns["rate_slack"][rated]}
    horizons = np.broadcast_to(np.asarray(horizon, np.float64), columns["rate"].shape)[rated]
    for run in cut_runs(Log.of({name: column[last(column)] for name, column in columns.items()} | own, **known)):
        longest, horizons = horizons[: len(run)], horizons[len(run) :]
        if np.isfinite(run.rate).any():
            whole = replace(run, horizon=int(longest.max(initial=0, where=np.abs(longest) < LAST_STEP)) or None)
            logs.append(replace(whole, config=config(whole)))
    return logs


def logs_in(cells: Cells, source: str, step: str | None, rate: str | None, **known: Any) -> list[Log]:
    """The logs of a table, by the given or the usual columns of step and rate.

    Raises:
        LogError: when a column that was asked for is not there, or one that is needed has no usual name.
    """
    named = {"step": step or _usual(cells, STEPS), "rate": rate or rate_column(cells)}
    for what, name in named.items():
        if name is None or name not in cells:
            missing = f"no column {name!r}" if name else f"no column with a usual name of a {what}"
            raise LogError(f"{source}: {missing} among {joined(cells) or 'none'}; give --{what} COLUMN.")
    count, shown = str(named["step"]), cells[str(named["rate"])]
    columns = {name: numbers(column) for name, column in cells.items() if name != named["rate"]}
    if "loss" in columns:  # a loss that is not printed is not a loss that is NaN
        printed = np.array([cell not in ("", None) for cell in cells["loss"]])
        last = np.maximum.accumulate(np.where(printed, np.arange(len(printed)), -1))
        columns["loss"] = columns["loss"][np.where(last < 0, printed.argmax(), last)]
    at, epoch = columns.pop(count), columns.get(_usual(columns, ("epoch",)) or "")
    if epoch is not None:
        columns["epoch"] = epoch
        if ((np.diff(at) < 0) & (np.diff(epoch) > 0)).any():  # counted anew in each epoch
            at = np.floor(epoch) * (np.nanmax(at) + 1) + at
    table = {name: column for name, column in columns.items() if not np.isnan(column).all()}
    unit = "epoch" if count.lower().rsplit("/", 1)[-1] == "epoch" else "iteration"
    table |= {"iteration": at, "rate": numbers(shown), "rate_slack": rounding(shown)}
    return logs_of(table, source=source, unit=unit, **known)
