"""From rows to logs: one record a step, several runs in one file cut apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lrsched.log import Floats, Log, cut_runs

__all__ = ["Rows"]

LAST_STEP = 2.0**53


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Rows as they stand in a file: a step, a rate, by how much it was rounded, further columns by name.

    ``horizon`` is how many steps each row says there will be; 0 or NaN where it does not.
    """

    step: Floats
    rate: Floats
    slack: Floats
    horizon: Floats
    unit: str = "iteration"
    columns: Mapping[str, Floats] = field(default_factory=dict)

    def logs(self, trainer: str, source: str, config: Callable[[Log], Any] = lambda log: None) -> list[Log]:
        """The logs: a row without a step is left out, and rows of the same step become one record."""
        with np.errstate(invalid="ignore"):
            good = np.flatnonzero(np.abs(self.step) < LAST_STEP)
        if not good.size:
            return []
        step = np.floor(self.step[good]).astype(np.int64)
        starts = np.flatnonzero(np.append(True, np.diff(step) != 0))

        def last(known: Floats) -> Any:
            """Of each step the last row that has a number, else its last row."""
            rows = np.arange(len(good))
            found = np.maximum.reduceat(np.where(np.isnan(known[good]), -1, rows), starts)
            return good[np.where(found < 0, np.append(starts[1:], len(good)) - 1, found)]

        rated = last(self.rate)
        columns = {name: column[last(column)] for name, column in self.columns.items()}
        columns |= {"iteration": step[starts], "rate": self.rate[rated], "rate_slack": self.slack[rated]}
        whole = Log.of(columns, trainer=trainer, source=source, unit=self.unit)
        logs, first = [], 0
        for run in cut_runs(whole):
            horizons = self.horizon[rated[first : first + len(run)]]
            horizon = int(horizons.max(initial=0, where=np.abs(horizons) < LAST_STEP))
            first += len(run)
            if np.isfinite(run.rate).any():
                known = replace(run, horizon=horizon or None)
                logs.append(replace(known, config=config(known)))
        return logs
