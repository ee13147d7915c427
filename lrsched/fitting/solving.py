"""The rates of many curves at once: the best sums of known columns, and how far off each is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lrsched.fitting.observed import Observed
from lrsched.schedule import Floats

__all__ = ["Band", "scanned", "solved"]

HOPELESS = 20.0  # a curve that misses by so many roundings is not looked for any closer
FINEST = 1e-10  # what is printed more finely than to this share of the largest rate, no curve has to explain
ROUNDS = 6  # so often the rows farthest off get more weight, until the largest error is nearly the smallest possible


def solved(columns: Floats, rows: Observed, rounds: int = ROUNDS) -> tuple[Floats, Floats]:
    """The factors of the columns of each curve, and the largest error in units of the slack."""
    scale = np.maximum(rows.slack, FINEST * rows.rate.max(initial=0.0))
    matrix, target = columns / scale[:, None], rows.rate / scale
    if columns.shape[2] == 1:
        return _alone(matrix, target)
    size = np.sqrt(np.square(matrix).sum(1, keepdims=True))
    matrix = matrix / np.where(size > 0, size, 1.0)
    weight = np.ones(matrix.shape[:2])
    best, least = np.zeros((len(columns), columns.shape[2])), np.full(len(columns), np.inf)
    left = np.arange(len(columns))  # the curves that neither explain the rows yet nor are hopeless
    for _ in range(1 if rows.exact else rounds):
        some, weights = matrix[left], weight[left]
        factors = _least_squares(some * weights[:, :, None], target * weights)
        off = np.abs((some @ factors[:, :, None])[:, :, 0] - target)
        error = off.max(1)
        better = error < least[left]
        best[left[better]], least[left[better]] = factors[better], error[better]
        weights *= np.sqrt(off / np.maximum(error, 1e-300)[:, None] + 0.02)
        weight[left] = weights / weights.max(1, keepdims=True)
        left = left[(error > 1) & (error < HOPELESS)]
        if not len(left):
            break
    return best / np.where(size > 0, size, 1.0)[:, 0], least


def _alone(matrix: Floats, target: Floats) -> tuple[Floats, Floats]:
    """The middle of what a single factor may be."""
    column = matrix[:, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(column > 0, (target - 1) / column, -np.inf).max(1, initial=-np.inf)
        high = np.where(column > 0, (target + 1) / column, np.inf).min(1, initial=np.inf)
        factor = np.nan_to_num((low + high) / 2, nan=0.0, posinf=0.0, neginf=0.0)
    return factor[:, None], np.abs(column * factor[:, None] - target).max(1, initial=0.0)


def _least_squares(matrix: Floats, target: Floats) -> Floats:
    """Least squares; where columns say the same, the smallest factors."""
    count, width = len(matrix), matrix.shape[2]
    small = np.broadcast_to(1e-8 * np.eye(width), (count, width, width))
    q, r = np.linalg.qr(np.concatenate([matrix, small], 1))
    right = np.concatenate([np.broadcast_to(target, matrix.shape[:2]), np.zeros((count, width))], 1)
    found: Floats = np.linalg.solve(r, np.swapaxes(q, 1, 2) @ right[:, :, None])[:, :, 0]
    return found


@dataclass(frozen=True)
class Band:
    """The best place on an axis, and those around it."""

    best: float
    low: float  # the first that explains the rows
    high: float  # the last
    error: float = 0.0  # how far off the best is


def scanned(columns: Callable[[Floats], Floats], rows: Observed, grid: Floats) -> Band:
    """The parameter of a curve that comes nearest, and the lowest and the highest that explain the rows."""

    def error(at: Floats, some: Observed) -> Floats:
        found = solved(columns(at), some, 1)[1]
        return np.where(np.isfinite(found), found, np.inf)

    # from afar to near: what is printed finely would hide where the rest leads
    finest = max(float(rows.slack.min(initial=1.0)), 1e-13 * float(rows.rate.max(initial=0.0)), 1e-300)
    coarsest = max(float(rows.slack.max(initial=0.0)), 1e-3 * float(rows.rate.max(initial=0.0)))
    for level in np.geomspace(coarsest, finest, 2 + int(np.log(coarsest / finest) / 2)):
        some = replace(rows, slack=np.maximum(rows.slack, level))
        for _ in range(4):
            errors = error(grid, some)
            fits = np.flatnonzero(errors <= max(2.0, 1.01 * float(errors.min())))
            low, high = grid[max(fits[0] - 1, 0)], grid[min(fits[-1] + 1, len(grid) - 1)]
            grid = np.linspace(low, high, 30)
            if high - low < 1e-4 * abs(high):
                break
        if errors.min() > HOPELESS:
            return Band(float(grid[0]), float(grid[0]), float(grid[0]), float(errors.min()))
    for _ in range(40):  # pragma: no branch - ever closer around the best, which takes about twelve rounds
        errors = error(grid, rows)
        at = int(errors.argmin())
        best, low, high = float(grid[at]), grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
        if high - low < 1e-10 * abs(high) or (errors[at] < 0.7 and not rows.exact):
            break
        grid = np.linspace(low, high, 24)
    off = float(solved(columns(np.array([best])), rows)[1][0])
    if rows.exact or off > 1e3:
        return Band(best, best, best, off)
    low, high = (_edge(partial(error, some=rows), best, side) for side in (-1, 1))
    return Band(best, low, high, off)


def _edge(error: Callable[[Any], Floats], best: float, side: int) -> float:
    """How far the parameter can go to one side."""
    limit = max(2.0, 1.5 * float(error(np.array([best]))[0]))
    away = abs(best) * np.geomspace(1e-7, 30.0 if side > 0 else 0.95, 60)
    fits = error(best + side * away) <= limit
    return best + side * float(away[max(int(np.argmin(np.append(fits, False))), 0) - (1 if fits.all() else 0)])
