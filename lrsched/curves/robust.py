"""Statistics in which an outlier weighs no more than another point: medians, quantiles and ranks."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "group_medians", "line", "running_median", "slope_error", "spread", "widening"]

Floats: TypeAlias = NDArray[np.float64]


def spread(values: Floats) -> float:
    """The standard deviation, were it normal, from the quantiles in the middle."""
    return float(np.subtract(*np.quantile(values, (0.84, 0.16)))) / 2


def running_median(values: Floats, width: int) -> Floats:
    """The median of so many neighbours of each point, mirrored at both ends."""
    width = min(width, values.size) | 1
    padded = np.pad(values, width // 2, mode="reflect")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)[: values.size]


def group_medians(values: Floats, groups: int) -> Floats:
    """The medians of so many groups of neighbours, whose sizes differ by one at most."""
    size, longer = divmod(values.size, groups)
    cut = longer * (size + 1)
    parts = values[:cut].reshape(longer, size + 1), values[cut:].reshape(groups - longer, size)
    return np.concatenate([np.median(part, axis=1) for part in parts if part.size])


def line(x: Floats, y: Floats) -> tuple[float, Floats]:
    """The median slope between points (Theil and Sen), and what a line of that slope leaves."""
    early, late = np.triu_indices(x.size, 1)
    slope = float(np.median((y[late] - y[early]) / (x[late] - x[early])))
    left = y - slope * x
    return slope, left - np.median(left)


def slope_error(x: Floats, left: Floats, noise: float) -> float:
    """The standard error of a slope, by what the line left; the points spread by ``noise`` at least."""
    across = float(x.std()) * math.sqrt(x.size)
    return 1.1 * max(spread(left), noise) / across * widening(left) if across else math.inf


def widening(left: Floats) -> float:
    """By how much neighbours that are alike widen an error: noise that wanders tells less than its points are many."""
    inner = np.clip(left, *np.quantile(left, (0.05, 0.95)))
    alike = float(np.clip((inner[:-1] * inner[1:]).mean() / ((inner**2).mean() + 1e-300), 0, 0.6))
    return math.sqrt((1 + alike) / (1 - alike))
