"""Columns that grow, and numbers kept in half the room where no digit is lost by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrsched.trainers.darknet.log.digits import Floats

__all__ = ["Columns", "joined", "packed", "packed_integers", "unpacked"]

_DECIMALS_UP_TO = 2.0**33
"""Below this a number with six decimals times a million is a whole number that float64 holds."""


def packed(numbers: Floats) -> NDArray[Any]:
    """The numbers as float32 when ``unpacked`` gives back the same ones, else as they are.

    A trainer prints a float32 with six decimals, so its nearest float32 knows every printed digit.

    >>> packed(np.array([0.446539, np.nan, 49152.003906])).dtype, packed(np.array([0.1234567])).dtype
    (dtype('float32'), dtype('float64'))
    """
    with np.errstate(over="ignore"):
        small = numbers.astype(np.float32)
    same = (unpacked(small) == numbers) | np.isnan(numbers)
    return small if same.all() else numbers


def unpacked(column: NDArray[Any]) -> Floats:
    """The printed numbers of a packed column.

    >>> unpacked(packed(np.array([0.446539, 7.1, 5e20]))).tolist()
    [0.446539, 7.1, 5e+20]
    """
    if column.dtype == np.float64:
        return column
    numbers = column.astype(np.float64)
    with np.errstate(invalid="ignore"):
        decimal = np.rint(numbers * 1e6) / 1e6
    return np.where(np.abs(numbers) < _DECIMALS_UP_TO, decimal, numbers)


def packed_integers(numbers: Floats) -> NDArray[Any]:
    """Whole numbers in the smallest type that holds all of them."""
    low, high = (int(numbers.min()), int(numbers.max())) if numbers.size else (0, 0)
    return numbers.astype(np.result_type(np.min_scalar_type(low), np.min_scalar_type(high)))


def widened(column: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The column in a type that holds all of it; what was packed is unpacked."""
    if column.dtype == np.float32 and dtype == np.float64:
        return unpacked(column)
    return column.astype(dtype, copy=False)


def joined(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Columns one after the other, read-only."""
    dtype = np.result_type(*columns)
    whole = np.concatenate([widened(column, dtype) for column in columns])
    whole.flags.writeable = False
    return whole


LARGE = 1 << 20
"""From so many bytes on an array grows in smaller steps: the system then moves pages instead of copying them."""


class Growing:
    """An array to which pieces are added in place; it takes the widest type of its pieces.

    What was given out stays as it is: the next piece that finds no room is added to a copy.
    """

    def __init__(self, piece: NDArray[Any]) -> None:
        self._room = piece.copy()
        self._size = len(piece)
        self._given = False

    def add(self, piece: NDArray[Any]) -> None:
        """Add a piece at the end."""
        widest = np.result_type(self._room.dtype, piece.dtype)
        size = self._size + len(piece)
        if size > len(self._room) or widest != self._room.dtype:
            more = len(self._room) // (1 if self._room.nbytes < LARGE else 8)
            self._make_room(max(size, len(self._room) + more), widest)
        self._room[self._size : size] = widened(piece, widest)
        self._size = size

    def _make_room(self, length: int, dtype: np.dtype[Any]) -> None:
        if self._given or dtype != self._room.dtype:
            room = np.empty(length, dtype)
            room[: self._size] = widened(self._room[: self._size], dtype)
            self._room, self._given = room, False
        else:
            self._room.resize(length, refcheck=False)

    def array(self, first: int) -> NDArray[Any]:
        """What was added from a row on, read-only and no copy."""
        self._given = True
        array = self._room[first : self._size]
        array.flags.writeable = False
        return array


class Columns:
    """Named columns of one length to which pieces are added; what a piece lacks is filled in."""

    def __init__(self, fill: Mapping[str, Any]) -> None:
        self._fill = {name: np.asarray(value) for name, value in fill.items()}
        self._known: dict[str, Growing] = {}
        self.size = 0

    def add(self, size: int, columns: Mapping[str, NDArray[Any]]) -> None:
        """Add so many rows."""
        for name in self._fill:
            if name in columns:
                if name not in self._known:
                    self._known[name] = Growing(self._filled(name, columns[name].dtype, self.size))
                self._known[name].add(columns[name])
            elif name in self._known:
                self._known[name].add(self._filled(name, self._fill[name].dtype, size))
        self.size += size

    def _filled(self, name: str, dtype: np.dtype[Any], size: int) -> NDArray[Any]:
        if size == 0:
            return np.empty(0, dtype)
        fill = self._fill[name]
        return np.full(size, fill, dtype if np.isnan(fill) else np.result_type(dtype, np.min_scalar_type(fill)))

    def column(self, name: str, first: int = 0) -> NDArray[Any]:
        """The column from a row on, read-only; one that was never added takes no room."""
        if name in self._known:
            return self._known[name].array(first)
        return np.broadcast_to(self._fill[name], (self.size - first,))
