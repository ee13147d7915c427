"""Rates that somebody has listed: numbers, pairs, or the columns of a CSV."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from lrsched.frameworks.recognition import schedule_of
from lrsched.schedule import Schedule
from lrsched.schedules import wellknown
from lrsched.text import did_you_mean, joined

__all__ = ["from_table"]

WANTED = "from_table: give a list of rates, or of pairs (iteration, rate)"


def from_table(rates: Any, *, rate: str = "rate", iteration: str = "iteration") -> Schedule:
    """The schedule of listed rates: one for each iteration from 0 on, or pairs of an iteration and its rate.

    Where every iteration has its rate and a named schedule has them all, to a few units of their rounding, it is that
    named schedule; else a table with straight lines between the listed rates. The last rate stays.

    >>> from_table([0.1, 0.1, 0.05, 0.05, 0.025])
    step(peak=0.1, every=2, factor=0.5, horizon=4)
    >>> from_table([(0, 0.0), (100, 0.1), (500, 0.01)])
    table((0, 100, 500), (0.0, 0.1, 0.01))

    Args:
        rates: a list or an array of them, or the path of a CSV with names in its first line.
        rate: the column of the rates, in a CSV.
        iteration: the column of the iterations, in a CSV; without it the rows are the iterations.

    Raises:
        OSError: for a file that cannot be opened.
        ValueError: for a rate that is not a number of at least 0, iterations that do not rise, or a missing column.
    """
    if isinstance(rates, (str, os.PathLike)):
        return _scheduled(*_columns(Path(rates), rate, iteration))
    try:
        given = np.asarray(rates, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{WANTED}, got {rates!r:.80}") from None
    if given.size == 0 or given.ndim not in (1, 2) or (given.ndim == 2 and given.shape[1] != 2):
        shape = "nothing" if given.size == 0 else f"an array of shape {given.shape}"
        raise ValueError(f"{WANTED}, got {shape}")
    return _scheduled(None, given) if given.ndim == 1 else _scheduled(given[:, 0], given[:, 1])


def _scheduled(iterations: Any, rates: Any) -> Schedule:
    """The schedule of two columns."""
    bad = ~(np.isfinite(rates) & (rates >= 0))
    if bad.any():
        at = int(bad.argmax())
        raise ValueError(f"from_table: a rate must be a number of at least 0, but entry {at} is {rates[at]:g}")
    if iterations is None or np.array_equal(iterations, np.arange(len(rates))):
        return schedule_of(rates)
    odd = ~((iterations == np.floor(iterations)) & (np.abs(iterations) < 2**53))
    if odd.any():
        at = int(odd.argmax())
        raise ValueError(f"from_table: an iteration must be a whole number, but entry {at} is {iterations[at]:g}")
    return wellknown.table(iterations.astype(np.int64).tolist(), rates.tolist())


def _columns(path: Path, rate: str, iteration: str) -> tuple[Any, Any]:
    """The iterations, None where there is no such column, and the rates of a CSV."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            rows = list(csv.DictReader(file, skipinitialspace=True))
        except (UnicodeDecodeError, csv.Error) as why:
            raise ValueError(f"{path}: this is not a CSV: {why}") from None
    names = [name.strip() for name in (rows[0] if rows else ()) if name]
    if rate not in names:
        there = joined(names) if names else "no rows"
        raise ValueError(f"{path}: there is no column {rate!r}{did_you_mean(rate, names)}; it has {there}")
    if iteration != "iteration" and iteration not in names:
        raise ValueError(f"{path}: there is no column {iteration!r}{did_you_mean(iteration, names)}")
    found: dict[str, list[float]] = {rate: [], iteration: []}
    for number, row in enumerate(rows, 2):
        cells = {str(key).strip(): cell for key, cell in row.items()}
        for name in (rate, iteration):
            if name not in names:
                continue
            try:
                found[name].append(float(cells[name]))
            except (TypeError, ValueError):
                raise ValueError(f"{path}:{number}: {name} is not a number: {cells[name]!r}") from None
    return (np.array(found[iteration]) if iteration in names else None), np.array(found[rate])
