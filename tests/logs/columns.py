"""Logs with a column changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lrsched.logs import Log

__all__ = ["with_column"]


def with_column(log: Log, name: str, values: Any) -> Log:
    """The same log with other values in one column."""
    columns = {**log.records.columns, name: np.asarray(values)}
    return replace(log, records=replace(log.records, columns=columns))
