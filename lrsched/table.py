"""Named columns of one length, kept in the smallest types that give back every printed digit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Columns", "Floats", "Integers", "Table", "packed"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

_SIX_DECIMALS_UP_TO = 2.0**33
"""Below this a number with six decimals times a million is a whole number that float64 holds."""


def packed(column: NDArray[Any]) -> NDArray[Any]:
    """The column in the smallest type from which ``Table`` gets back the same numbers.

    A trainer prints a float32 with six decimals, so the nearest float32 knows every printed digit.

    >>> [packed(np.array(numbers)).dtype.name for numbers in ([0.446539, np.nan], [0.1234567], [-1, 139])]
    ['float32', 'float64', 'int16']
    """
    if column.dtype.kind in "iu":
        low, high = (column.min(), column.max()) if column.size else (0, 0)
        return column.astype(np.result_type(np.min_scalar_type(low), np.min_scalar_type(high)))
    with np.errstate(over="ignore"):
        small = column.astype(np.float32)
    return small if bool(((_unpacked(small) == column) | np.isnan(column)).all()) else column


def _unpacked(column: NDArray[Any]) -> Floats:
    numbers = column.astype(np.float64)
    if column.dtype != np.float32:
        return numbers
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(numbers) < _SIX_DECIMALS_UP_TO, np.rint(numbers * 1e6) / 1e6, numbers)


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of one length, some of them packed."""

    size: int
    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return self.size

    def column(self, name: str) -> Floats:
        """A column as printed, read-only; NaN where it was not."""
        if name not in self.columns:
            return np.broadcast_to(np.float64(np.nan), (self.size,))
        column = self.columns[name]
        if column.dtype != np.float64:
            column = _unpacked(column)
        column.flags.writeable = False
        return column

    def integers(self, name: str) -> Integers:
        """A column of whole numbers, which is always printed."""
        column = self.columns[name].astype(np.int64, copy=False) if name in self.columns else np.zeros(0, np.int64)
        column.flags.writeable = False
        return column

    def rows(self, first: int, last: int) -> Table:
        """The rows from ``first`` up to, but not including, ``last``."""
        return Table(last - first, {name: column[first:last] for name, column in self.columns.items()})

    @staticmethod
    def joined(tables: Iterable[Table]) -> Table:
        """Tables one below the other; where one lacks a column it is NaN."""
        columns = Columns()
        for table in tables:
            columns.add(table.size, table.columns)
        return columns.table()


class Columns:
    """Columns that grow by blocks; they are put together when a table is asked for."""

    def __init__(self) -> None:
        self.size: int = 0
        self._blocks: dict[str, list[NDArray[Any]]] = {}

    def add(self, size: int, columns: Mapping[str, NDArray[Any]]) -> None:
        """Add so many rows; a column that is missing, now or before, is NaN there."""
        for name in {**self._blocks, **columns} if size else ():
            if name not in self._blocks:
                self._blocks[name] = [_not_printed(self.size)] if self.size else []
            self._blocks[name].append(columns[name] if name in columns else _not_printed(size))
        self.size += size

    def table(self) -> Table:
        """Everything so far. The blocks are given up one column at a time, so that little is held twice."""
        for blocks in self._blocks.values():
            dtype = np.result_type(*blocks)
            blocks[:] = [np.concatenate([_widened(block, dtype) for block in blocks])]
        return Table(self.size, {name: blocks[0] for name, blocks in self._blocks.items()})


def _not_printed(size: int) -> NDArray[Any]:
    return np.broadcast_to(np.float32(np.nan), (size,))


def _widened(block: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    return _unpacked(block) if dtype == np.float64 else block.astype(dtype, copy=False)
